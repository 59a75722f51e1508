#include "daemon/clients.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/tls.h"
#include "daemon/public_facts.h"
#include "proto/limits.h"

enum { KNOWN_ROWS = 256, FINGERPRINT_BYTES = 32, KNOWN_FOR_S = 60, LOG_EVERY_MS = 1000 };

/* A certificate that was found good: a client that dials again soon is not checked again. */
struct known {
    uint8_t fingerprint[FINGERPRINT_BYTES];
    uint64_t until_s; /* 0: an empty row */
};

struct clients {
    struct clients_setup setup;
    uint64_t facts; /* number of the telling that this is made of */
    SSL_CTX *tls;   /* NULL: no certificate yet */
    X509 **anchors;
    size_t n_anchors;
    EVP_MD *sha256;
    struct known known[KNOWN_ROWS];
    uint64_t logged_ms;
};

/* ---- who may connect ---- */

static void refused(struct clients *c, const struct diag *why)
{
    uint64_t now_ms = clock_boot_ms();
    char text[512];

    if (c->logged_ms != 0 && now_ms - c->logged_ms < LOG_EVERY_MS)
        return;
    c->logged_ms = now_ms;
    log_warning("client_refused", "why=\"%s\"", diag_text(why, text, sizeof text));
}

static bool is_good(struct clients *c, X509 *leaf)
{
    uint8_t fingerprint[FINGERPRINT_BYTES];
    unsigned n = 0;
    uint64_t now_s = clock_real_s();
    struct known *row;
    struct diag why = {0};
    size_t which;

    if (X509_digest(leaf, c->sha256, fingerprint, &n) != 1 || n != sizeof fingerprint)
        return false;
    row = &c->known[fingerprint[0]];
    if (row->until_s > now_s && memcmp(row->fingerprint, fingerprint, sizeof fingerprint) == 0)
        return true;
    if (chain_check_client(c->setup.node->libctx, (int64_t)now_s, leaf, c->anchors, c->n_anchors, &which, &why) != ERR_OK) {
        refused(c, &why);
        return false;
    }
    memcpy(row->fingerprint, fingerprint, sizeof fingerprint);
    row->until_s = now_s + KNOWN_FOR_S;
    return true;
}

/* In place of libssl's own check: the anchors are the newest, also for a handshake that began before they changed. */
static int verify(X509_STORE_CTX *ctx, void *arg)
{
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    bool good = leaf != NULL && is_good(arg, leaf);

    if (!good)
        X509_STORE_CTX_set_error(ctx, leaf != NULL && X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0
                                          ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_ERR_CERT_REJECTED);
    return good;
}

/* ---- what the facts say ---- */

static void free_anchors(X509 **anchors, size_t n)
{
    for (size_t i = 0; i < n; i++)
        X509_free(anchors[i]);
    free(anchors);
}

/* One that cannot be read vouches for nobody; the others count. */
static void take_anchors(struct clients *c, const Hsm__NodeFacts *facts)
{
    X509 **anchors = calloc(facts->n_client_anchors + 1, sizeof(X509 *));
    struct diag why = {0};
    size_t n = 0;

    for (size_t i = 0; anchors != NULL && i < facts->n_client_anchors; i++) {
        if (cert_read(c->setup.node->libctx, "a client anchor", facts->client_anchors[i].data, facts->client_anchors[i].len, &anchors[n],
                      &why) == ERR_OK)
            n++;
        else
            log_error("client_anchor_unreadable", "why=\"%s\"", why.what);
    }
    free_anchors(c->anchors, c->n_anchors);
    c->anchors = anchors;
    c->n_anchors = n;
    memset(c->known, 0, sizeof c->known);
}

static SSL_CTX *make_context(struct clients *c, const ProtobufCBinaryData *certificate, struct diag *why)
{
    OSSL_LIB_CTX *libctx = c->setup.node->libctx;
    struct tls_setup tls = {.libctx = libctx, .side = TLS_SERVER, .verify = verify, .verify_arg = c};
    SSL_CTX *made = NULL;
    X509 *cert = NULL;

    if (cert_read(libctx, "the cluster certificate", certificate->data, certificate->len, &cert, why) != ERR_OK)
        return NULL;
    tls.certificate = cert;
    tls.key = vkey_new(libctx, X509_get0_pubkey(cert), vault_signer_sign, c->setup.signer, why);
    if (tls.key != NULL)
        made = tls_context_new(&tls, why);
    EVP_PKEY_free(tls.key);
    X509_free(cert);
    return made;
}

static void take_certificate(struct clients *c, const Hsm__NodeFacts *facts)
{
    struct diag why = {0};
    SSL_CTX *made;

    if (facts->cluster_certificate.len == 0)
        return;
    made = make_context(c, &facts->cluster_certificate, &why);
    if (made == NULL) {
        log_error("cluster_certificate_unusable", "why=\"%s\"", why.what);
        return;
    }
    SSL_CTX_free(c->tls); /* connections that stand have a reference of their own */
    c->tls = made;
}

void clients_refresh(struct clients *c)
{
    const struct facts_view *view = public_facts_view(c->setup.node->facts);

    if (view->number != c->facts) {
        c->facts = view->number;
        take_anchors(c, view->facts);
        take_certificate(c, view->facts);
    }
    public_facts_view_end(c->setup.node->facts, view);
}

void clients_take(struct clients *c, int fd)
{
    struct connection_setup setup = {.loop = c->setup.loop, .tls = c->tls, .limits = client_limits, .events = &client_events};
    struct diag why = {0};
    unsigned most = CLIENT_CONNECTIONS_MAX / c->setup.node->settings->front_threads;
    struct client *client = NULL;

    if (c->tls != NULL && route_clients(c->setup.route) < most)
        client = client_new(c->setup.route);
    if (client == NULL) {
        diag_set(&why, c->tls != NULL ? "too many connections" : "the cluster has no certificate yet");
        refused(c, &why);
        close(fd);
        return;
    }
    setup.owner = client;
    if (connection_take(&setup, fd, &why) == NULL) {
        refused(c, &why);
        client_free(client);
    }
}

struct clients *clients_new(const struct clients_setup *setup)
{
    struct clients *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->setup = *setup;
    c->sha256 = EVP_MD_fetch(setup->node->libctx, "SHA256", NULL);
    if (c->sha256 == NULL) {
        free(c);
        return NULL;
    }
    clients_refresh(c);
    return c;
}

void clients_free(struct clients *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->tls);
    free_anchors(c->anchors, c->n_anchors);
    EVP_MD_free(c->sha256);
    free(c);
}
