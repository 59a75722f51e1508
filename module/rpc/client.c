#include "module/rpc/client.h"

#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/hex.h"
#include "module/rpc/gate.h"
#include "module/rpc/identity.h"
#include "module/rpc/tls_stream.h"

struct client {
    struct client_settings settings;
    struct client_identity identity;
    struct rpc *rpc;
};

const char *client_path(const char *given)
{
    const char *named = given != NULL && given[0] != '\0' ? given : secure_getenv("CLUSTERHSM_CONF");

    return named != NULL && named[0] != '\0' ? named : CLIENT_PATH;
}

static void servers_free(char **servers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(servers[i]);
    free(servers);
}

/* "host:port", "[v6]:port". NULL: no memory. */
static char **servers_of(const struct addresses *addresses)
{
    char **servers = calloc(addresses->count, sizeof *servers);

    for (size_t i = 0; servers != NULL && i < addresses->count; i++) {
        const struct address *a = &addresses->items[i];
        bool v6 = strchr(a->host, ':') != NULL;
        struct buffer text = {0};

        buffer_printf(&text, "%s%s%s:%u", v6 ? "[" : "", a->host, v6 ? "]" : "", (unsigned)a->port);
        buffer_put_u8(&text, 0);
        servers[i] = (char *)buffer_take(&text, NULL);
        if (servers[i] == NULL) {
            servers_free(servers, i);
            return NULL;
        }
    }
    return servers;
}

static struct dialer *dialer_of(struct client *c, OSSL_LIB_CTX *libctx, struct diag *why)
{
    const struct client_settings *s = &c->settings;
    struct dialer *dialer = NULL;
    uint8_t pin[32];
    size_t n = 0;

    /* All of OpenSSL's work at once: a host may fork meanwhile. */
    gate_enter();
    if (client_identity_load(&c->identity, libctx, s->client_certificate, s->client_key, s->cluster_anchor, why)) {
        hex_decode(s->cluster_pin, pin, sizeof pin, &n);
        dialer = tls_dialer_new(&c->identity, n == sizeof pin ? pin : NULL, why);
    }
    gate_leave();
    return dialer;
}

/* dialer: the client's from here on; NULL: TLS. */
static bool rpc_make(struct client *c, struct dialer *dialer, OSSL_LIB_CTX *libctx, struct diag *why)
{
    const struct client_settings *s = &c->settings;
    char **servers = servers_of(&s->servers);
    struct rpc_config config = {.libctx = libctx, .servers = (const char *const *)servers, .n_servers = s->servers.count,
        .dialer = dialer, .identity = &c->identity, .connect_wait_ms = (unsigned)s->connect_wait_ms,
        .reply_wait_ms = (unsigned)s->reply_wait_ms, .connections = s->connections};
    enum err e = ERR_NO_MEMORY;

    if (config.dialer == NULL && (config.dialer = dialer_of(c, libctx, why)) == NULL)
        goto out; /* with its reason */
    if (servers != NULL)
        e = rpc_new(&config, &c->rpc);
    else
        config.dialer->free(config.dialer);
    if (e != ERR_OK)
        diag_set(why, "%s", err_text(e));
out:
    if (servers != NULL)
        servers_free(servers, s->servers.count);
    return c->rpc != NULL;
}

static bool open_client(struct client_settings *settings, struct client_identity *identity, struct dialer *dialer,
                        OSSL_LIB_CTX *libctx, struct client **out, struct diag *why)
{
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL) {
        diag_set(why, "out of memory");
        client_settings_clear(settings);
        client_identity_clear(identity);
        if (dialer != NULL)
            dialer->free(dialer);
        return false;
    }
    c->settings = *settings; /* transferred, as the identity */
    c->identity = *identity;
    memset(settings, 0, sizeof *settings);
    memset(identity, 0, sizeof *identity);
    if (!rpc_make(c, dialer, libctx, why)) {
        client_close(c);
        return false;
    }
    *out = c;
    return true;
}

bool client_open_settings(struct client_settings *settings, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why)
{
    struct client_identity identity = {0};

    return open_client(settings, &identity, NULL, libctx, out, why);
}

bool client_open_dialer(struct client_settings *settings, struct client_identity *identity, struct dialer *dialer, OSSL_LIB_CTX *libctx,
                        struct client **out, struct diag *why)
{
    return open_client(settings, identity, dialer, libctx, out, why);
}

bool client_open(const char *given, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why)
{
    struct client_settings settings;

    return client_settings_load(&settings, client_path(given), why) && client_open_settings(&settings, libctx, out, why);
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    rpc_free(c->rpc);
    gate_enter();
    client_identity_clear(&c->identity);
    gate_leave();
    client_settings_clear(&c->settings);
    free(c);
}

const struct client_settings *client_settings(const struct client *c)
{
    return &c->settings;
}

struct rpc *client_rpc(const struct client *c)
{
    return c->rpc;
}
