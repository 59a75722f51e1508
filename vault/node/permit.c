#include "vault/node/permit.h"

#include <string.h>

#include "vault/provider/ecdsa_text.h"

enum { SPACES = 64, SHA256_BYTES = 32, SHA384_BYTES = 48 };

static const struct {
    const char *text; /* label, or the context string of a handshake; NULL: made here from its parts */
    bool may[IDENTITY_KEYS];
} uses[PERMIT_USES] = {
    [PERMIT_TLS_SERVER] = {"TLS 1.3, server CertificateVerify", {[IDENTITY_CLUSTER] = true, [IDENTITY_NODE] = true}},
    [PERMIT_TLS_CLIENT] = {"TLS 1.3, client CertificateVerify", {[IDENTITY_NODE] = true}},
    [PERMIT_LOGIN_STATEMENT] = {"clusterhsm login key", {[IDENTITY_CLUSTER] = true}},
    [PERMIT_JOIN_REQUEST] = {"clusterhsm join", {[IDENTITY_NODE] = true}},
    [PERMIT_JOIN_KEYS] = {"clusterhsm join keys", {[IDENTITY_NODE] = true}},
    [PERMIT_REQUEST] = {NULL, {[IDENTITY_HARDWARE] = true, [IDENTITY_CLUSTER] = true}},
    [PERMIT_NODE_CERTIFICATE] = {NULL, {[IDENTITY_HARDWARE] = true}},
    [PERMIT_HSM_CERTIFICATE] = {NULL, {[IDENTITY_HARDWARE] = true}},
};

struct permit_key permit_key(OSSL_LIB_CTX *libctx, const struct identity *i, enum identity_key which)
{
    return (struct permit_key){.libctx = libctx, .which = which, .key = identity_key(i, which)};
}

static enum err ask(const struct permit_key *k, enum permit_use use)
{
    if (k->which >= IDENTITY_KEYS || use >= PERMIT_USES || !uses[use].may[k->which])
        return ERR_PERMISSION;
    return k->key != NULL ? ERR_OK : ERR_WRONG_STATE;
}

/* Exactly this use's content, of a handshake whose hash is SHA-256 or SHA-384. */
static bool is_handshake(enum permit_use use, const uint8_t *content, size_t n)
{
    size_t head = SPACES + strlen(uses[use].text) + 1;

    if (n != head + SHA256_BYTES && n != head + SHA384_BYTES)
        return false;
    for (size_t i = 0; i < SPACES; i++)
        if (content[i] != ' ')
            return false;
    return memcmp(content + SPACES, uses[use].text, head - SPACES) == 0; /* with its zero */
}

enum err permit_sign_tls(const struct permit_key *k, const char *digest, const uint8_t *content, size_t n, struct buffer *out)
{
    enum err e;

    if (strcmp(digest, "SHA2-256") != 0 && strcmp(digest, "SHA256") != 0)
        return ERR_PERMISSION;
    for (enum permit_use use = PERMIT_TLS_SERVER; use <= PERMIT_TLS_CLIENT; use++)
        if (is_handshake(use, content, n)) {
            e = ask(k, use);
            return e == ERR_OK ? ecdsa_text_sign(k->libctx, k->key, content, n, out) : e;
        }
    return ERR_PERMISSION;
}

/* label || 0 || text. ERR_PERMISSION: a use without a label. */
static enum err label_text(enum permit_use use, const uint8_t *text, size_t n, struct buffer *out)
{
    if (use < PERMIT_LOGIN_STATEMENT || use > PERMIT_JOIN_KEYS)
        return ERR_PERMISSION;
    if (buffer_put(out, uses[use].text, strlen(uses[use].text) + 1) && (n == 0 || buffer_put(out, text, n)))
        return ERR_OK;
    return ERR_NO_MEMORY;
}

enum err permit_sign_text(const struct permit_key *k, enum permit_use use, const uint8_t *text, size_t n, struct buffer *out)
{
    struct buffer whole = {0};
    enum err e = ask(k, use);

    if (e == ERR_OK)
        e = label_text(use, text, n, &whole);
    if (e == ERR_OK)
        e = ecdsa_text_sign(k->libctx, k->key, whole.data, whole.len, out);
    buffer_clear(&whole);
    return e;
}

enum err permit_verify_text(OSSL_LIB_CTX *libctx, EVP_PKEY *key, enum permit_use use, const uint8_t *text, size_t n,
                            const uint8_t *signature, size_t signature_n)
{
    struct buffer whole = {0};
    enum err e = label_text(use, text, n, &whole);

    if (e == ERR_OK)
        e = ecdsa_text_verify(libctx, key, whole.data, whole.len, signature, signature_n);
    buffer_clear(&whole);
    return e;
}

enum err permit_certificate(const struct permit_key *k, struct cert_order *order, X509 **out, struct diag *why)
{
    enum err e = ERR_PERMISSION;

    if (order->role == CERT_NODE || order->role == CERT_HSM)
        e = ask(k, order->role == CERT_NODE ? PERMIT_NODE_CERTIFICATE : PERMIT_HSM_CERTIFICATE);
    if (e != ERR_OK)
        return e;
    order->issuer_key = k->key;
    return cert_issue(order, out, why);
}

enum err permit_request(const struct permit_key *k, const char *name, X509_REQ **out, struct diag *why)
{
    enum err e = ask(k, PERMIT_REQUEST);

    return e == ERR_OK ? csr_make(k->libctx, name, k->key, out, why) : e;
}
