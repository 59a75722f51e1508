#include "vault/node/device.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "crypto/digest.h"
#include "proto/limits.h"

static enum err read_one(OSSL_LIB_CTX *libctx, const char *what, const ProtobufCBinaryData *der, X509 **out, struct diag *why)
{
    if (der->len == 0)
        return ERR_OK;
    if (der->len > CERTIFICATE_BYTES_MAX) {
        diag_set(why, "%s has %zu bytes, the limit is %u", what, der->len, CERTIFICATE_BYTES_MAX);
        return ERR_CERTIFICATE;
    }
    return cert_read(libctx, what, der->data, der->len, out, why);
}

enum err device_read(OSSL_LIB_CTX *libctx, const struct device_der *der, struct device *out, struct diag *why)
{
    struct device d = {0};
    enum err e = read_one(libctx, "the node certificate", &der->node, &d.node, why);

    if (e == ERR_OK)
        e = read_one(libctx, "the manufacturer hardware certificate", &der->manufacturer_hardware, &d.manufacturer_hardware, why);
    if (e == ERR_OK)
        e = read_one(libctx, "the manufacturer root", &der->manufacturer_root, &d.manufacturer_root, why);
    if (e == ERR_OK)
        e = read_one(libctx, "the operator hardware certificate", &der->operator_hardware, &d.operator_hardware, why);
    if (e == ERR_OK)
        e = read_one(libctx, "the operator root", &der->operator_root, &d.operator_root, why);
    if (e == ERR_OK)
        *out = d;
    else
        device_clear(&d);
    return e;
}

void device_clear(struct device *d)
{
    X509_free(d->node);
    X509_free(d->manufacturer_hardware);
    X509_free(d->manufacturer_root);
    X509_free(d->operator_hardware);
    X509_free(d->operator_root);
    *d = (struct device){0};
}

enum err device_check(OSSL_LIB_CTX *libctx, const struct device *d, int64_t now_s, struct diag *why)
{
    const struct chain_device chain = {.libctx = libctx, .now_s = now_s, .leaf_name = "node certificate", .leaf = d->node,
                                       .manufacturer_hardware = d->manufacturer_hardware, .manufacturer_root = d->manufacturer_root,
                                       .operator_hardware = d->operator_hardware, .operator_root = d->operator_root};

    if (d->node == NULL || d->manufacturer_hardware == NULL || d->manufacturer_root == NULL || d->operator_hardware == NULL ||
        d->operator_root == NULL) {
        diag_set(why, "a node shows its node certificate and both hardware certificates, and one of them is missing");
        return ERR_CERTIFICATE;
    }
    return chain_check_device(&chain, why);
}

enum err device_fingerprint(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[DEVICE_HASH_BYTES])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    ProtobufCBinaryData key = {.data = der, .len = n > 0 ? (size_t)n : 0};
    enum err e = n > 0 ? device_hash(libctx, &key, out) : ERR_NO_MEMORY;

    OPENSSL_free(der);
    ERR_clear_error();
    return e;
}

enum err device_hash(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *der, uint8_t out[DEVICE_HASH_BYTES])
{
    uint8_t hash[DIGEST_BYTES_MAX];
    size_t n = 0;
    enum err e = digest_once(libctx, "SHA256", der->data, der->len, hash, &n);

    for (size_t i = 0; e == ERR_OK && i < DEVICE_HASH_BYTES; i++)
        out[i] = hash[i];
    return e;
}
