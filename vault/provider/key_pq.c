#include "vault/provider/key_pq.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/big_endian.h"
#include "vault/provider/key_params.h"

/* OpenSSL's names, of 3.5 and later: those that we are built with may not have them. */
#define PRIVATE_NAME "priv"
#define PUBLIC_NAME "pub"
#define SEED_NAME "seed"

enum { NUMBER_BYTES = 8 };

static enum err from_part(OSSL_LIB_CTX *libctx, const struct parameter_set *set, const char *name, const struct key_part *part,
                          EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, set->name, NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(name, (void *)part->value, part->n),
        OSSL_PARAM_construct_end(),
    };
    enum err e = ERR_OK;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) != 1)
        e = ERR_ATTRIBUTE_VALUE;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err read_part(const EVP_PKEY *key, const char *name, size_t bytes, struct secret *out)
{
    size_t n = 0;
    enum err e = ERR_BUG;

    if (!secret_new(out, bytes))
        return ERR_NO_MEMORY;
    if (EVP_PKEY_get_octet_string_param(key, name, out->bytes, bytes, &n) == 1 && n == bytes)
        e = ERR_OK;
    ERR_clear_error();
    if (e != ERR_OK)
        secret_clear(out);
    return e;
}

static enum err same_value(const EVP_PKEY *key, const struct parameter_set *set, const struct key_part *value)
{
    struct secret made = {0};
    enum err e = read_part(key, PRIVATE_NAME, set->private_bytes, &made);

    if (e == ERR_OK && !bytes_equal(made.bytes, value->value, value->n))
        e = ERR_TEMPLATE_INCONSISTENT;
    secret_clear(&made);
    return e;
}

enum err key_pq_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    const struct key_part *number = key_params_find(parts, n, CKA_PARAMETER_SET);
    const struct key_part *seed = key_params_find(parts, n, CKA_SEED), *value = key_params_find(parts, n, CKA_VALUE);
    const struct parameter_set *set;
    EVP_PKEY *made = NULL;
    enum err e;

    if (number == NULL || (seed == NULL && value == NULL))
        return ERR_TEMPLATE_INCOMPLETE;
    if (number->n != NUMBER_BYTES || (set = parameter_set_find(type, (CK_ULONG)u64_get(number->value))) == NULL)
        return ERR_PARAMETER_SET;
    if ((seed != NULL && seed->n != set->seed_bytes) || (value != NULL && value->n != set->private_bytes))
        return ERR_ATTRIBUTE_VALUE;
    if (seed == NULL)
        return from_part(libctx, set, PRIVATE_NAME, value, out);
    e = from_part(libctx, set, SEED_NAME, seed, &made);
    if (e == ERR_OK && value != NULL)
        e = same_value(made, set, value);
    if (e == ERR_OK)
        *out = made;
    else
        EVP_PKEY_free(made);
    return e;
}

enum err key_pq_generate(OSSL_LIB_CTX *libctx, const struct parameter_set *set, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, set->name, NULL);
    enum err e = ERR_NO_MEMORY;

    if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1)
        e = EVP_PKEY_generate(ctx, out) == 1 ? ERR_OK : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

bool key_pq_has_part(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part)
{
    return part == CKA_PARAMETER_SET || part == CKA_VALUE || (part == CKA_SEED && type != CKK_SLH_DSA);
}

enum err key_pq_part(const EVP_PKEY *key, const struct parameter_set *set, CK_ATTRIBUTE_TYPE type, struct secret *out)
{
    uint8_t number[NUMBER_BYTES];
    enum err e;

    switch (type) {
    case CKA_PARAMETER_SET:
        u64_put(number, set->number);
        return secret_copy(out, number, sizeof number) ? ERR_OK : ERR_NO_MEMORY;
    case CKA_VALUE:
        return read_part(key, PRIVATE_NAME, set->private_bytes, out);
    case CKA_SEED:
        if (set->seed_bytes == 0)
            return ERR_ATTRIBUTE_TYPE;
        e = read_part(key, SEED_NAME, set->seed_bytes, out);
        return e == ERR_BUG ? ERR_NOT_FOUND : e; /* OpenSSL has no other word for "none" than a failure */
    default:
        return ERR_ATTRIBUTE_TYPE;
    }
}

enum err key_pq_public_value(const EVP_PKEY *key, const struct parameter_set *set, struct secret *out)
{
    return read_part(key, PUBLIC_NAME, set->public_bytes, out);
}
