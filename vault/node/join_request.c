#include "vault/node/join_request.h"

#include <string.h>

#include <openssl/x509.h>

#include "certs/issue.h"
#include "vault/node/permit.h"

void join_text(const uint8_t nonce[JOIN_NONCE_BYTES], const uint8_t peer_hash[DEVICE_HASH_BYTES], uint8_t out[JOIN_TEXT_BYTES])
{
    memcpy(out, nonce, JOIN_NONCE_BYTES);
    memcpy(out + JOIN_NONCE_BYTES, peer_hash, DEVICE_HASH_BYTES);
}

static enum err check_signature(OSSL_LIB_CTX *libctx, const Hsm__JoinRequest *r, const struct device *d,
                                const uint8_t own_hash[DEVICE_HASH_BYTES], struct diag *why)
{
    uint8_t text[JOIN_TEXT_BYTES];
    enum err e = ERR_MALFORMED;

    if (r->nonce.len == JOIN_NONCE_BYTES) {
        join_text(r->nonce.data, own_hash, text);
        e = permit_verify_text(libctx, X509_get0_pubkey(d->node), PERMIT_JOIN_REQUEST, text, sizeof text, r->signature.data,
                               r->signature.len);
    }
    if (e == ERR_SIGNATURE)
        diag_set(why, "the request to join is not signed by the joiner's node key, or was made for another member");
    return e;
}

enum err join_request_check(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *packed, const ProtobufCBinaryData *manufacturer_root,
                            const ProtobufCBinaryData *operator_root, const uint8_t own_hash[DEVICE_HASH_BYTES], int64_t now_s,
                            struct joiner *to, uint8_t fingerprint[DEVICE_HASH_BYTES], struct diag *why)
{
    Hsm__JoinRequest *r = hsm__join_request__unpack(NULL, packed->len, packed->data);
    struct device_der der = {.manufacturer_root = *manufacturer_root, .operator_root = *operator_root};
    struct device d = {0};
    enum err e = ERR_MALFORMED;

    if (r == NULL) {
        diag_set(why, "the request to join is malformed");
        return e;
    }
    der.node = r->node_certificate;
    der.manufacturer_hardware = r->manufacturer_hardware;
    der.operator_hardware = r->operator_hardware;
    e = device_read(libctx, &der, &d, why);
    if (e == ERR_OK)
        e = device_check(libctx, &d, now_s, why);
    if (e == ERR_OK)
        e = check_signature(libctx, r, &d, own_hash, why);
    if (e == ERR_OK && (e = cert_kem_public(d.node, to->kem_public)) != ERR_OK)
        diag_set(why, "the joiner's certificate has no key to seal to: it is no node certificate");
    if (e == ERR_OK)
        e = device_hash(libctx, &r->node_certificate, to->certificate_hash);
    if (e == ERR_OK)
        e = device_fingerprint(libctx, d.node, fingerprint);
    device_clear(&d);
    hsm__join_request__free_unpacked(r, NULL);
    return e;
}
