#include "certs/chain.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { SUBJECT_BYTES = 96 };

/* One path to be checked. names[depth] is what messages call the certificate at that depth. */
struct path {
    OSSL_LIB_CTX *libctx;
    int64_t now_s;
    X509 *leaf, *middle, *anchor; /* middle may be NULL */
    const char *names[3];
    unsigned long flags;
    int purpose; /* 0: any */
};

static const char *remedy_of(int code)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "issue a new one, or set this machine's clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "wait until it is valid, or set this machine's clock";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return "give the certificate and the root that belong together: they are told apart by issuer and key identifier";
    default:
        return "issue it anew with hsm-provision, or with basicConstraints and keyUsage as RFC 5280 wants them";
    }
}

static enum err err_of(int code)
{
    switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return ERR_CHAIN;
    case X509_V_ERR_OUT_OF_MEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_CERTIFICATE;
    }
}

static void explain(const struct path *p, int depth, const X509 *at, int code, struct diag *why)
{
    char subject[SUBJECT_BYTES] = "no subject";

    if (at != NULL)
        X509_NAME_oneline(X509_get_subject_name(at), subject, sizeof subject);
    diag_set(why, "the %s (%s): %s", p->names[depth < 0 || depth > 2 ? 2 : depth], subject,
             X509_verify_cert_error_string(code));
    diag_remedy(why, "%s", remedy_of(code));
}

static enum err path_check(const struct path *p, struct diag *why)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(p->libctx, NULL);
    STACK_OF(X509) *between = sk_X509_new_null();
    X509_VERIFY_PARAM *param;
    enum err e = ERR_NO_MEMORY;
    int code;

    if (store == NULL || ctx == NULL || between == NULL || X509_STORE_add_cert(store, p->anchor) != 1 ||
        (p->middle != NULL && sk_X509_push(between, p->middle) <= 0) ||
        X509_STORE_CTX_init(ctx, store, p->leaf, between) != 1)
        goto out;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, p->now_s);
    X509_VERIFY_PARAM_set_flags(param, p->flags);
    if (p->purpose != 0 && X509_VERIFY_PARAM_set_purpose(param, p->purpose) != 1)
        goto out;
    if (X509_verify_cert(ctx) == 1) {
        e = ERR_OK;
    } else {
        code = X509_STORE_CTX_get_error(ctx);
        e = err_of(code);
        explain(p, X509_STORE_CTX_get_error_depth(ctx), X509_STORE_CTX_get_current_cert(ctx), code, why);
    }
out:
    sk_X509_free(between);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return e;
}

static enum err wrong_key(const char *name, const char *of, struct diag *why)
{
    diag_set(why, "the %s is of another key than %s", name, of);
    diag_remedy(why, "give the certificates of one and the same node, and of its last request");
    return ERR_CERTIFICATE;
}

static struct path path_of(const struct chain_device *d, bool manufacturer)
{
    return (struct path){
        .libctx = d->libctx,
        .now_s = d->now_s,
        .anchor = manufacturer ? d->manufacturer_root : d->operator_root,
        .flags = X509_V_FLAG_X509_STRICT,
        .names = {d->leaf_name, manufacturer ? "manufacturer hardware certificate" : "operator hardware certificate",
                  manufacturer ? "manufacturer root" : "operator root"},
    };
}

enum err chain_check_device(const struct chain_device *d, struct diag *why)
{
    struct path a = path_of(d, true), b = path_of(d, false);
    enum err e;

    a.leaf = b.leaf = d->leaf;
    a.middle = d->manufacturer_hardware;
    b.middle = d->operator_hardware;
    if (EVP_PKEY_eq(X509_get0_pubkey(d->manufacturer_hardware), X509_get0_pubkey(d->operator_hardware)) != 1) {
        ERR_clear_error();
        return wrong_key("operator hardware certificate", "the manufacturer hardware certificate", why);
    }
    if ((e = path_check(&a, why)) == ERR_OK)
        e = path_check(&b, why);
    /* A path that a root shortens by signing the leaf itself proves nothing about the hardware key. */
    if (e == ERR_OK && X509_verify(d->leaf, X509_get0_pubkey(d->manufacturer_hardware)) != 1) {
        ERR_clear_error();
        diag_set(why, "the %s is not signed by the hardware key", d->leaf_name);
        diag_remedy(why, "give the certificate that the node's own vault issued");
        e = ERR_CHAIN;
    }
    return e;
}

enum err chain_check_hardware(const struct chain_device *d, const EVP_PKEY *hardware_key, struct diag *why)
{
    for (int manufacturer = 1; manufacturer >= 0; manufacturer--) {
        struct path p = path_of(d, manufacturer != 0);
        enum err e;

        p.leaf = manufacturer != 0 ? d->manufacturer_hardware : d->operator_hardware;
        p.names[0] = p.names[1];
        p.names[1] = p.names[2];
        if (EVP_PKEY_eq(X509_get0_pubkey(p.leaf), hardware_key) != 1) {
            ERR_clear_error();
            return wrong_key(p.names[0], "this node's hardware key", why);
        }
        if ((e = path_check(&p, why)) != ERR_OK)
            return e;
        if (X509_check_ca(p.leaf) != 1) {
            diag_set(why, "the %s lacks basicConstraints with CA:TRUE", p.names[0]);
            diag_remedy(why, "issue it with hsm-provision");
            return ERR_CERTIFICATE;
        }
    }
    return ERR_OK;
}

enum err chain_check_cluster(OSSL_LIB_CTX *libctx, int64_t now_s, X509 *cluster, const EVP_PKEY *cluster_key,
                             X509 *customer, struct diag *why)
{
    struct path p = {.libctx = libctx, .now_s = now_s, .leaf = cluster, .anchor = customer,
                     .flags = X509_V_FLAG_PARTIAL_CHAIN,
                     .names = {"cluster certificate", "customer's authority", "customer's authority"}};

    if (EVP_PKEY_eq(X509_get0_pubkey(cluster), cluster_key) != 1) {
        ERR_clear_error();
        return wrong_key("cluster certificate", "the cluster's certificate request", why);
    }
    return path_check(&p, why);
}

enum err chain_check_client(OSSL_LIB_CTX *libctx, int64_t now_s, X509 *client, X509 *const *anchors, size_t n, size_t *which,
                            struct diag *why)
{
    struct path p = {.libctx = libctx, .now_s = now_s, .leaf = client, .flags = X509_V_FLAG_PARTIAL_CHAIN,
                     .purpose = X509_PURPOSE_SSL_CLIENT,
                     .names = {"client certificate", "client anchor", "client anchor"}};
    enum err e;

    diag_set(why, "no client anchor is registered");
    diag_remedy(why, "initialize the cluster, or register an anchor");
    for (size_t i = 0; i < n; i++) {
        p.anchor = anchors[i];
        if ((e = path_check(&p, why)) == ERR_OK) {
            diag_clear(why);
            *which = i;
            return ERR_OK;
        }
        if (e == ERR_NO_MEMORY)
            return e;
    }
    return ERR_CLIENT_CERTIFICATE;
}
