#include "daemon/peer_dial.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_BYTES = 128 };

struct peer_dial {
    uv_getaddrinfo_t lookup;
    struct connection_setup setup;
    char host[HOST_BYTES];
    uint16_t port;
    peer_dial_fn *fn; /* NULL: cancelled */
    void *arg;
};

/* host:port or [host]:port */
static bool split(const char *address, char *host, uint16_t *port)
{
    const char *colon = strrchr(address, ':'), *from = address;
    char *end = NULL;
    unsigned long number;
    size_t n;

    if (colon == NULL || colon == address || colon[1] < '0' || colon[1] > '9')
        return false;
    n = (size_t)(colon - address);
    if (address[0] == '[' && colon[-1] == ']') {
        from++;
        n -= 2;
    }
    number = strtoul(colon + 1, &end, 10);
    if (n == 0 || n >= HOST_BYTES || *end != '\0' || number == 0 || number > UINT16_MAX)
        return false;
    memcpy(host, from, n);
    host[n] = '\0';
    *port = (uint16_t)number;
    return true;
}

static void dial(struct peer_dial *d, const struct addrinfo *found)
{
    char ip[HOST_BYTES];
    struct diag why = {0};
    struct connection *c = NULL;
    int rc = found->ai_family == AF_INET6 ? uv_ip6_name((const struct sockaddr_in6 *)found->ai_addr, ip, sizeof ip)
                                          : uv_ip4_name((const struct sockaddr_in *)found->ai_addr, ip, sizeof ip);
    if (rc == 0)
        c = connection_dial(&d->setup, ip, d->port, &why);
    d->fn(d->arg, c, c == NULL ? why.what : NULL);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct peer_dial *d = lookup->data;

    if (d->fn != NULL && status == 0 && found != NULL)
        dial(d, found);
    else if (d->fn != NULL)
        d->fn(d->arg, NULL, status != 0 ? uv_strerror(status) : "no such host");
    uv_freeaddrinfo(found);
    SSL_CTX_free(d->setup.tls);
    free(d);
}

struct peer_dial *peer_dial(const struct connection_setup *setup, const char *address, peer_dial_fn *fn, void *arg,
    struct diag *why)
{
    struct peer_dial *d = calloc(1, sizeof *d);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int rc = UV_EINVAL;

    if (d == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    *d = (struct peer_dial){.setup = *setup, .fn = fn, .arg = arg};
    d->lookup.data = d;
    if (split(address, d->host, &d->port))
        rc = uv_getaddrinfo(setup->loop, &d->lookup, on_found, d->host, NULL, &hints);
    if (rc == 0) {
        if (setup->tls != NULL)
            SSL_CTX_up_ref(setup->tls);
        return d;
    }
    free(d);
    diag_set(why, "\"%s\" is no address of a node", address);
    diag_remedy(why, "write host:port");
    return NULL;
}

void peer_dial_cancel(struct peer_dial *d)
{
    d->fn = NULL;
    (void)uv_cancel((uv_req_t *)&d->lookup);
}
