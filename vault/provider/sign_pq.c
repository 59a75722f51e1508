#include "vault/provider/sign_pq.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/pq_message.h"

enum err sign_pq(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    struct pq_message message;
    EVP_MD_CTX *ctx;
    enum err e = pq_message_make(s->mechanism, s->pq, data, data_n, &message);

    if (e != ERR_OK)
        return e;
    if ((ctx = EVP_MD_CTX_new()) == NULL)
        return ERR_NO_MEMORY;
    *out_n = key_set(s->key)->output_bytes;
    if (EVP_DigestSignInit_ex(ctx, NULL, NULL, s->libctx, NULL, key_evp(s->key), message.params) != 1 ||
        EVP_DigestSign(ctx, out, out_n, message.data, message.n) != 1)
        e = ERR_BUG;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
