#include "module/rpc/statement.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/secret.h"
#include "crypto/cluster_name.h"
#include "module/rpc/gate.h"

enum { HASH_BYTES = 32, KEY_BYTES = 32 };

/* ECDSA with SHA-256 over "clusterhsm login key" || 0 || statement. */
static bool signature_is_good(OSSL_LIB_CTX *libctx, const Hsm__Welcome *w, const struct stream_peer *peer)
{
    static const char label[] = "clusterhsm login key"; /* with its terminating zero */
    const uint8_t *der = peer->key;
    EVP_PKEY *key;
    EVP_MD_CTX *ctx;
    bool good;

    gate_enter();
    key = d2i_PUBKEY_ex(NULL, &der, (long)peer->key_bytes, libctx, NULL);
    ctx = EVP_MD_CTX_new();
    good = key != NULL && ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", libctx, NULL, key, NULL) == 1 &&
           EVP_DigestVerifyUpdate(ctx, label, sizeof label) == 1 &&
           EVP_DigestVerifyUpdate(ctx, w->statement.data, w->statement.len) == 1 &&
           EVP_DigestVerifyFinal(ctx, w->statement_signature.data, w->statement_signature.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    gate_leave();
    return good;
}

static const char *fault_of(const Hsm__LoginKeyStatement *s, const struct stream_peer *peer, int64_t now_s,
                            const struct cluster_view *view)
{
    if (s->cluster_id.len != CLUSTER_ID_BYTES || s->certificate_hash.len != HASH_BYTES || s->login_key.len != KEY_BYTES)
        return "has fields of the wrong length";
    if (!bytes_equal(s->certificate_hash.data, peer->certificate_hash, HASH_BYTES))
        return "was made for another certificate";
    if (!peer->pinned && (!peer->named || !bytes_equal(s->cluster_id.data, peer->cluster_id, CLUSTER_ID_BYTES)))
        return "is of a cluster that the certificate does not name: give the cluster a certificate with its request's name, or "
               "pin its key (cluster.pin)";
    if (now_s < s->not_before_s || now_s >= s->not_after_s)
        return "is not valid now: compare the clocks of client and node";
    if (view->known && !bytes_equal(s->cluster_id.data, view->cluster_id, CLUSTER_ID_BYTES))
        return "is of another cluster than before";
    if (view->known && s->epoch < view->login_epoch)
        return "is older than one seen before";
    return NULL;
}

enum err statement_check(OSSL_LIB_CTX *libctx, const Hsm__Welcome *welcome, const struct stream_peer *peer, int64_t now_s,
                         struct cluster_view *view, uint8_t login_key[32], struct diag *why)
{
    Hsm__LoginKeyStatement *s = NULL;
    const char *fault;
    enum err e = ERR_FORGED;

    if (!signature_is_good(libctx, welcome, peer)) {
        diag_set(why, "the login key's statement is not signed by the cluster key");
        diag_remedy(why, "do not log in: look at the node with hsmctl node status, or ask its operator");
        return ERR_FORGED;
    }
    s = hsm__login_key_statement__unpack(NULL, welcome->statement.len, welcome->statement.data);
    fault = s ? fault_of(s, peer, now_s, view) : "is malformed";
    if (fault != NULL) {
        diag_set(why, "the login key's statement %s", fault);
    } else {
        memcpy(view->cluster_id, s->cluster_id.data, CLUSTER_ID_BYTES);
        view->login_epoch = s->epoch;
        view->known = true;
        memcpy(login_key, s->login_key.data, KEY_BYTES);
        e = ERR_OK;
    }
    if (s != NULL)
        hsm__login_key_statement__free_unpacked(s, NULL);
    return e;
}
