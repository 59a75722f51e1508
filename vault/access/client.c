#include "vault/access/client.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "common/buffer.h"
#include "crypto/channel.h"
#include "vault/access/kept.h"

enum { ANCHORS_MAX = 16 };

static bool sha256(const struct vault *v, const void *bytes, size_t n, uint8_t out[32])
{
    size_t len = 0;
    bool ok = EVP_Q_digest(v->libctx, "SHA256", NULL, bytes, n, out, &len) == 1 && len == 32;
    ERR_clear_error();
    return ok;
}

/* "clusterhsm login" || 0 || the channel's hash || SHA-256(name || 0) */
static bool signed_text(struct work *w, const char *name, struct buffer *out)
{
    static const char label[] = "clusterhsm login"; /* with its terminating zero */
    uint8_t hash[32];

    return sha256(work_vault(w), name, strlen(name) + 1, hash) && buffer_put(out, label, sizeof label) &&
           buffer_put(out, work_channel_hash(w), CHANNEL_HASH_BYTES) && buffer_put(out, hash, sizeof hash);
}

/* ECDSA, or RSA-PSS with a salt as long as the digest; nothing else, or the key's type would be the client's to choose. */
static bool signature_is_good(struct work *w, X509 *leaf, const Hsm__Login *login)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    struct buffer text = {0};
    bool rsa = key != NULL && EVP_PKEY_is_a(key, "RSA"), good = false;

    if (ctx == NULL || key == NULL || !(rsa || EVP_PKEY_is_a(key, "EC")) || !signed_text(w, login->name, &text))
        goto out;
    if (EVP_DigestVerifyInit_ex(ctx, &pctx, "SHA256", work_vault(w)->libctx, NULL, key, NULL) != 1)
        goto out;
    if (rsa && (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
                EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) != 1))
        goto out;
    good = EVP_DigestVerify(ctx, login->signature.data, login->signature.len, text.data, text.len) == 1;
out:
    EVP_MD_CTX_free(ctx);
    buffer_clear(&text);
    ERR_clear_error();
    return good;
}

/* The anchor that the certificate holds under. */
static enum err find_anchor(struct work *w, X509 *leaf, const Hsm__ClusterBody *body, size_t *which, struct diag *why)
{
    const struct vault *v = work_vault(w);
    X509 *anchors[ANCHORS_MAX];
    size_t n = 0;
    enum err e = body->n_client_anchors <= ANCHORS_MAX ? ERR_OK : ERR_CORRUPT;

    for (size_t i = 0; e == ERR_OK && i < body->n_client_anchors; i++) {
        const ProtobufCBinaryData *der = &body->client_anchors[i];
        e = cert_read(v->libctx, "client anchor", der->data, der->len, &anchors[n], why);
        if (e == ERR_OK)
            n++;
    }
    if (e == ERR_OK)
        e = chain_check_client(v->libctx, (int64_t)(v->now_ms() / 1000), leaf, anchors, n, which, why);
    for (size_t i = 0; i < n; i++)
        X509_free(anchors[i]);
    return e;
}

static enum err check_leaf(struct work *w, const Hsm__Login *login, const Hsm__ClusterBody *body, struct client *out, struct diag *why)
{
    const struct vault *v = work_vault(w);
    const ProtobufCBinaryData *der = login->certificates;
    X509 *leaf = NULL;
    size_t which = 0;
    enum err e;

    if (login->n_certificates == 0) {
        diag_set(why, "the login carries no client certificate");
        diag_remedy(why, "name one in the client's configuration");
        return ERR_CLIENT_CERTIFICATE;
    }
    e = cert_read(v->libctx, "client certificate", der->data, der->len, &leaf, why);
    if (e == ERR_OK)
        e = find_anchor(w, leaf, body, &which, why);
    if (e == ERR_OK && !signature_is_good(w, leaf, login)) {
        diag_set(why, "the login is not signed by the client certificate's key");
        diag_remedy(why, "give certificate and key that belong together; the key is RSA or EC");
        e = ERR_CLIENT_CERTIFICATE;
    }
    X509_free(leaf);
    if (e == ERR_CERTIFICATE || e == ERR_CHAIN)
        e = ERR_CLIENT_CERTIFICATE;
    if (e != ERR_OK)
        return e;
    out->trust_epoch = body->trust_epoch;
    return sha256(v, der->data, der->len, out->hash) &&
                   sha256(v, body->client_anchors[which].data, body->client_anchors[which].len, out->anchor)
               ? ERR_OK
               : ERR_NO_MEMORY;
}

enum err client_check(struct work *w, const Hsm__Login *login, struct client *out)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    char text[DIAG_WHAT_BYTES + DIAG_REMEDY_BYTES + 4];
    struct diag why = {0};
    struct kept *k = kept_of(w);
    enum err e = k != NULL ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && (view == NULL || view->body == NULL))
        e = ERR_NOT_ACTIVE;
    if (e == ERR_OK && !(k->client_known && k->client_version == view->version)) {
        e = check_leaf(w, login, view->body, &k->client, &why);
        k->client_known = e == ERR_OK;
        k->client_version = view->version;
    }
    keyring_view_done(keyring, view);
    if (e == ERR_OK)
        *out = k->client;
    if (e == ERR_CLIENT_CERTIFICATE)
        work_detail(w, "%s", diag_text(&why, text, sizeof text));
    return e;
}

bool client_anchor_known(const struct vault *v, const Hsm__ClusterBody *body, const uint8_t hash[CERTIFICATE_HASH_BYTES])
{
    uint8_t own[CERTIFICATE_HASH_BYTES];

    for (size_t i = 0; i < body->n_client_anchors; i++)
        if (sha256(v, body->client_anchors[i].data, body->client_anchors[i].len, own) && memcmp(own, hash, sizeof own) == 0)
            return true;
    return false;
}
