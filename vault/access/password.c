#include "vault/access/password.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/secret.h"

/* RFC 7914 section 2: memory is 128 * N * r. The bound refuses a record's parameters before they take the vault's memory. */
enum { LOG_N = 14, R = 8, P = 1, LOG_N_MAX = 17, R_MAX = 16, P_MAX = 4 };

enum err name_form(const char *name, char out[USER_NAME_BYTES_MAX + 1])
{
    size_t n = strlen(name);

    if (n == 0 || n > USER_NAME_BYTES_MAX)
        return ERR_PIN_LEN;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return ERR_PIN_INVALID;
        out[i] = c;
    }
    out[n] = '\0';
    return ERR_OK;
}

enum err password_form(size_t n)
{
    return n >= PASSWORD_BYTES_MIN && n <= PASSWORD_BYTES_MAX ? ERR_OK : ERR_PIN_LEN;
}

static enum err scrypt(OSSL_LIB_CTX *libctx, const struct password_hash *h, const uint8_t *password, size_t n, uint8_t *out)
{
    static uint8_t none[1];
    uint64_t cost = UINT64_C(1) << h->log_n, memory_max = (UINT64_C(128) << h->log_n) * h->r * 2 + (1u << 20);
    uint32_t r = h->r, p = h->p;
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, n > 0 ? (uint8_t *)(uintptr_t)password : none, n),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (uint8_t *)(uintptr_t)h->salt, sizeof h->salt),
                           OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
                           OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                           OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                           OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_max),
                           OSSL_PARAM_END};
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, PASSWORD_HASH_BYTES, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

enum err password_hash(OSSL_LIB_CTX *libctx, const uint8_t *password, size_t n, struct password_hash *out)
{
    struct password_hash fresh = {.log_n = LOG_N, .r = R, .p = P};
    enum err e;

    if (RAND_bytes_ex(libctx, fresh.salt, sizeof fresh.salt, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    e = scrypt(libctx, &fresh, password, n, fresh.hash);
    if (e == ERR_OK)
        *out = fresh;
    bytes_wipe(&fresh, sizeof fresh);
    return e;
}

enum err password_check(OSSL_LIB_CTX *libctx, const struct password_hash *kept, const uint8_t *password, size_t n, bool *right)
{
    uint8_t hash[PASSWORD_HASH_BYTES];
    enum err e;

    if (kept->log_n == 0 || kept->log_n > LOG_N_MAX || kept->r == 0 || kept->r > R_MAX || kept->p == 0 || kept->p > P_MAX)
        return ERR_CORRUPT;
    e = scrypt(libctx, kept, password, n, hash);
    if (e == ERR_OK)
        *right = bytes_equal(hash, kept->hash, sizeof hash);
    bytes_wipe(hash, sizeof hash);
    return e;
}

void password_nobody(const uint8_t salt[PASSWORD_SALT_BYTES], struct password_hash *out)
{
    /* A hash of all zero would be right for one password in 2^256; the caller knows that there is no user, and refuses that one too. */
    *out = (struct password_hash){.log_n = LOG_N, .r = R, .p = P};
    memcpy(out->salt, salt, PASSWORD_SALT_BYTES);
}

void password_to_body(struct password_hash *h, Hsm__UserBody *body)
{
    body->salt = (ProtobufCBinaryData){.data = h->salt, .len = sizeof h->salt};
    body->hash = (ProtobufCBinaryData){.data = h->hash, .len = sizeof h->hash};
    body->scrypt_log_n = h->log_n;
    body->scrypt_r = h->r;
    body->scrypt_p = h->p;
}

enum err password_from_body(const Hsm__UserBody *body, struct password_hash *out)
{
    if (body->salt.len != PASSWORD_SALT_BYTES || body->hash.len != PASSWORD_HASH_BYTES)
        return ERR_CORRUPT;
    *out = (struct password_hash){.log_n = body->scrypt_log_n, .r = body->scrypt_r, .p = body->scrypt_p};
    memcpy(out->salt, body->salt.data, PASSWORD_SALT_BYTES);
    memcpy(out->hash, body->hash.data, PASSWORD_HASH_BYTES);
    return ERR_OK;
}
