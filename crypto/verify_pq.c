#include "crypto/verify_pq.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/pq_message.h"

enum err verify_pq(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature, size_t signature_n)
{
    struct pq_message message;
    EVP_MD_CTX *ctx;
    enum err e;

    if (signature_n != public_key_set(v->key)->output_bytes)
        return ERR_SIGNATURE_LEN;
    if ((e = pq_message_make(v->mechanism, v->pq, data, data_n, &message)) != ERR_OK)
        return e;
    if ((ctx = EVP_MD_CTX_new()) == NULL)
        return ERR_NO_MEMORY;
    if (EVP_DigestVerifyInit_ex(ctx, NULL, NULL, v->libctx, NULL, public_key_evp(v->key), message.params) != 1)
        e = ERR_BUG;
    else
        e = EVP_DigestVerify(ctx, signature, signature_n, message.data, message.n) == 1 ? ERR_OK : ERR_SIGNATURE;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
