#include "vault/provider/cbc_mac.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

enum { PIECE_BYTES = 1024 }; /* whole blocks */

/* Encrypts whole blocks, of which the last stays in `last`. */
static bool run(EVP_CIPHER_CTX *ctx, const uint8_t *data, size_t n, uint8_t *last, size_t block)
{
    uint8_t made[PIECE_BYTES];
    bool ok = true;

    while (ok && n > 0) {
        size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
        int made_n = 0;
        ok = EVP_EncryptUpdate(ctx, made, &made_n, data, (int)piece) == 1 && (size_t)made_n == piece;
        if (ok)
            memcpy(last, made + piece - block, block);
        data += piece;
        n -= piece;
    }
    bytes_wipe(made, sizeof made); /* each block of it would be the MAC of what goes before */
    return ok;
}

enum err cbc_mac(OSSL_LIB_CTX *libctx, const char *cipher, const struct secret *key, const uint8_t *data, size_t n,
                 uint8_t out[CIPHER_BLOCK_BYTES_MAX], size_t *out_n)
{
    static const uint8_t zeros[CIPHER_BLOCK_BYTES_MAX];
    EVP_CIPHER *by = EVP_CIPHER_fetch(libctx, cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t rest[CIPHER_BLOCK_BYTES_MAX] = {0};
    enum err e = ERR_NO_MEMORY;

    if (by != NULL && ctx != NULL) {
        size_t block = (size_t)EVP_CIPHER_get_block_size(by), rest_n = n % block;
        if (rest_n > 0)
            memcpy(rest, data + n - rest_n, rest_n);
        e = EVP_EncryptInit_ex2(ctx, by, key->bytes, zeros, NULL) == 1 && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                    run(ctx, data, n - rest_n, out, block) && ((rest_n == 0 && n > 0) || run(ctx, rest, block, out, block))
                ? ERR_OK
                : ERR_BUG;
        *out_n = block;
    }
    bytes_wipe(rest, sizeof rest);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(by);
    ERR_clear_error();
    return e;
}
