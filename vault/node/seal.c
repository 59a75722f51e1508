#include "vault/node/seal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

/* 64 MiB and some 0.3 s, once a start. What a head may ask for is bounded: whoever gives the vault its state writes the head. */
enum { SCRYPT_LOG_N = 16, SCRYPT_LOG_N_MIN = 14, SCRYPT_LOG_N_MAX = 18, SCRYPT_R = 8 };

void seal_clear(struct seal *s)
{
    secret_clear(&s->given);
    secret_clear(&s->root);
    memset(s, 0, sizeof *s);
}

static enum err stretch(struct seal *s, OSSL_LIB_CTX *libctx, const uint8_t head[SEAL_HEAD_BYTES], struct secret *root)
{
    uint64_t n = UINT64_C(1) << head[1], memory = 2 * 128 * SCRYPT_R * n;
    uint32_t r = SCRYPT_R, p = 1;
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, s->given.bytes, s->given.len),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)(head + 2), SEAL_SALT_BYTES),
                           OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n), OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                           OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p), OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
                           OSSL_PARAM_END};
    EVP_KDF *scrypt = EVP_KDF_fetch(libctx, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = scrypt != NULL ? EVP_KDF_CTX_new(scrypt) : NULL;
    enum err e = ctx != NULL && secret_new(root, SEAL_KEY_BYTES) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && EVP_KDF_derive(ctx, root->bytes, SEAL_KEY_BYTES, params) != 1)
        e = ERR_NO_MEMORY;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(scrypt);
    ERR_clear_error();
    return e;
}

static enum err take_head(struct seal *s, OSSL_LIB_CTX *libctx, const uint8_t head[SEAL_HEAD_BYTES])
{
    struct secret root = {0};
    enum err e;

    if (s->kind == SEAL_PASSPHRASE)
        e = stretch(s, libctx, head, &root);
    else
        e = secret_copy(&root, s->given.bytes, s->given.len) ? ERR_OK : ERR_NO_MEMORY;
    if (e == ERR_OK) {
        secret_move(&s->root, &root);
        memcpy(s->head, head, SEAL_HEAD_BYTES);
    }
    secret_clear(&root);
    return e;
}

enum err seal_begin(struct seal *s, OSSL_LIB_CTX *libctx)
{
    uint8_t head[SEAL_HEAD_BYTES] = {(uint8_t)s->kind};

    if (s->kind == SEAL_NONE)
        return ERR_VAULT_LOCKED;
    if (s->root.len > 0)
        return ERR_OK;
    if (s->kind == SEAL_PASSPHRASE) {
        head[1] = SCRYPT_LOG_N;
        if (RAND_bytes_ex(libctx, head + 2, SEAL_SALT_BYTES, 0) != 1) {
            ERR_clear_error();
            return ERR_BUG;
        }
    }
    return take_head(s, libctx, head);
}

enum err seal_resume(struct seal *s, OSSL_LIB_CTX *libctx, const uint8_t head[SEAL_HEAD_BYTES])
{
    if (s->kind == SEAL_NONE)
        return ERR_VAULT_LOCKED;
    if (head[0] != SEAL_FILE && head[0] != SEAL_PASSPHRASE)
        return ERR_MALFORMED;
    if (head[0] != (uint8_t)s->kind)
        return ERR_WRONG_STATE;
    if (s->kind == SEAL_PASSPHRASE && (head[1] < SCRYPT_LOG_N_MIN || head[1] > SCRYPT_LOG_N_MAX))
        return ERR_MALFORMED;
    if (s->root.len > 0 && memcmp(head, s->head, SEAL_HEAD_BYTES) == 0)
        return ERR_OK;
    return take_head(s, libctx, head);
}
