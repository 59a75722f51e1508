#include "daemon/peer_trust.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "common/clock.h"
#include "common/log.h"

enum { MANUFACTURER, OPERATOR, ROOTS };

struct peer_trust {
    OSSL_LIB_CTX *libctx;
    vkey_sign_fn *sign;
    void *sign_arg;
    X509 *roots[ROOTS];
    SSL_CTX *contexts[2]; /* by enum tls_side */
};

struct peer_trust *peer_trust_new(OSSL_LIB_CTX *libctx, vkey_sign_fn *sign, void *sign_arg)
{
    struct peer_trust *t = calloc(1, sizeof *t);

    if (t != NULL)
        *t = (struct peer_trust){.libctx = libctx, .sign = sign, .sign_arg = sign_arg};
    return t;
}

void peer_trust_free(struct peer_trust *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->contexts[TLS_CLIENT]);
    SSL_CTX_free(t->contexts[TLS_SERVER]);
    X509_free(t->roots[MANUFACTURER]);
    X509_free(t->roots[OPERATOR]);
    free(t);
}

/* In place of OpenSSL's own check: the leaf and, in this order, manufacturer's and operator's hardware certificate. A
 * server finds the leaf once more in front of what was sent. */
static int verify(X509_STORE_CTX *ctx, void *arg)
{
    const struct peer_trust *t = arg;
    const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx), *above[ROOTS] = {0};
    struct diag why = {0};
    char text[1024];
    int n = 0;
    enum err e = ERR_CHAIN;

    for (int i = 0; sent != NULL && i < sk_X509_num(sent); i++) {
        X509 *one = sk_X509_value(sent, i);
        if (X509_cmp(one, leaf) == 0)
            continue;
        if (n < ROOTS)
            above[n] = one;
        n++;
    }
    if (leaf != NULL && n == ROOTS) {
        const struct chain_device d = {
            .libctx = t->libctx, .now_s = (int64_t)clock_real_s(), .leaf_name = "node certificate", .leaf = leaf,
            .manufacturer_hardware = above[MANUFACTURER], .manufacturer_root = t->roots[MANUFACTURER],
            .operator_hardware = above[OPERATOR], .operator_root = t->roots[OPERATOR]};
        e = chain_check_device(&d, &why);
    } else {
        diag_set(&why, "the other node shows %d certificates above its own, not the two hardware certificates", n);
        diag_remedy(&why, "name the peer port of a member (listen.peer), not its client port; or upgrade the older of the two nodes");
    }
    ERR_clear_error();
    X509_STORE_CTX_set_error(ctx, e == ERR_OK ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    if (e != ERR_OK)
        log_warning("peer_certificate_refused", "error=%s why=\"%s\"", err_name(e), diag_text(&why, text, sizeof text));
    return e == ERR_OK;
}

struct shown {
    X509 *node, *root[ROOTS];
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
};

static bool read_into(const struct peer_trust *t, const char *what, const ProtobufCBinaryData *der, X509 **out,
    struct diag *why)
{
    return cert_read(t->libctx, what, der->data, der->len, out, why) == ERR_OK;
}

static bool push(const struct peer_trust *t, STACK_OF(X509) *chain, const char *what, const ProtobufCBinaryData *der,
    struct diag *why)
{
    X509 *one = NULL;

    if (!read_into(t, what, der, &one, why))
        return false;
    if (sk_X509_push(chain, one) > 0)
        return true; /* transferred */
    X509_free(one);
    diag_set(why, "out of memory");
    return false;
}

static bool read_facts(const struct peer_trust *t, const Hsm__NodeFacts *f, struct shown *s, struct diag *why)
{
    s->chain = sk_X509_new_null();
    if (s->chain == NULL) {
        diag_set(why, "out of memory");
        return false;
    }
    if (!read_into(t, "node certificate", &f->node_certificate, &s->node, why) ||
        !read_into(t, "manufacturer root", &f->manufacturer_root, &s->root[MANUFACTURER], why) ||
        !read_into(t, "operator root", &f->operator_root, &s->root[OPERATOR], why) ||
        !push(t, s->chain, "manufacturer hardware certificate", &f->manufacturer_hardware, why) ||
        !push(t, s->chain, "operator hardware certificate", &f->operator_hardware, why))
        return false;
    s->key = vkey_new(t->libctx, X509_get0_pubkey(s->node), t->sign, t->sign_arg, why);
    return s->key != NULL;
}

static void shown_clear(struct shown *s)
{
    X509_free(s->node);
    X509_free(s->root[MANUFACTURER]);
    X509_free(s->root[OPERATOR]);
    sk_X509_pop_free(s->chain, X509_free);
    EVP_PKEY_free(s->key);
}

/* One node certificate has one pair of chains: all five come together (NodeCertify). */
static bool is_there(const struct peer_trust *t, const ProtobufCBinaryData *der)
{
    X509 *shown = NULL;
    unsigned char *now = NULL;
    int n;
    bool same;

    if (t->contexts[TLS_SERVER] != NULL)
        shown = SSL_CTX_get0_certificate(t->contexts[TLS_SERVER]);
    n = shown != NULL ? i2d_X509(shown, &now) : -1;
    same = n > 0 && (size_t)n == der->len && memcmp(now, der->data, der->len) == 0;
    OPENSSL_free(now);
    return same;
}

bool peer_trust_set(struct peer_trust *t, const Hsm__NodeFacts *facts, struct diag *why)
{
    struct shown s = {0};
    struct tls_setup setup = {.libctx = t->libctx, .verify = verify, .verify_arg = t};
    SSL_CTX *made[2] = {0};
    bool ok;

    if (facts->node_certificate.len == 0 || is_there(t, &facts->node_certificate))
        return true;
    ok = read_facts(t, facts, &s, why);
    setup.certificate = s.node;
    setup.chain = s.chain;
    setup.key = s.key;
    for (int side = TLS_CLIENT; ok && side <= TLS_SERVER; side++) {
        setup.side = (enum tls_side)side;
        made[side] = tls_context_new(&setup, why);
        ok = made[side] != NULL;
    }
    for (int i = 0; ok && i < 2; i++) {
        X509 *root = t->roots[i];
        SSL_CTX *context = t->contexts[i];
        t->roots[i] = s.root[i];
        s.root[i] = root;
        t->contexts[i] = made[i];
        made[i] = context;
    }
    SSL_CTX_free(made[0]);
    SSL_CTX_free(made[1]);
    shown_clear(&s);
    return ok;
}

SSL_CTX *peer_trust_context(const struct peer_trust *t, enum tls_side side)
{
    return t->contexts[side];
}
