#include "vault/provider/generate.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "vault/provider/kdf.h"
#include "vault/provider/key_field.h"
#include "vault/provider/key_pq.h"

enum { EXPONENT_BYTES_MAX = 8 };

static enum err make(OSSL_LIB_CTX *libctx, const char *type, const OSSL_PARAM *params, struct key **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, NULL);
    EVP_PKEY *evp = NULL;
    enum err e = ERR_NO_MEMORY;

    if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1)
        e = EVP_PKEY_CTX_set_params(ctx, params) == 1 && EVP_PKEY_generate(ctx, &evp) == 1 ? key_wrap(evp, out)
                                                                                            : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err generate_rsa(OSSL_LIB_CTX *libctx, size_t bits, const uint8_t *exponent, size_t exponent_n, struct key **out)
{
    OSSL_PARAM_BLD *build = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *number = NULL;
    uint64_t e = 0;
    enum err result = ERR_NO_MEMORY;

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return ERR_KEY_SIZE;
    if (exponent_n > EXPONENT_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    for (size_t i = 0; i < exponent_n; i++)
        e = e << 8 | exponent[i];
    if (e < GENERATE_EXPONENT_LEAST || e % 2 == 0)
        return ERR_ATTRIBUTE_VALUE;
    build = OSSL_PARAM_BLD_new();
    number = BN_bin2bn(exponent, (int)exponent_n, NULL);
    if (build != NULL && number != NULL && OSSL_PARAM_BLD_push_size_t(build, OSSL_PKEY_PARAM_RSA_BITS, bits) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, number) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL)
        result = make(libctx, "RSA", params, out);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(number);
    return result;
}

enum err generate_ec(OSSL_LIB_CTX *libctx, const struct curve *curve, struct key **out)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve->name, 0),
        OSSL_PARAM_construct_end(),
    };

    return curve->key_type == CKK_EC ? make(libctx, "EC", params, out) : make(libctx, curve->name, params + 1, out);
}

enum err generate_pq(OSSL_LIB_CTX *libctx, const struct parameter_set *set, struct key **out)
{
    EVP_PKEY *evp = NULL;
    enum err e = key_pq_generate(libctx, set, &evp);

    return e == ERR_OK ? key_wrap(evp, out) : e;
}

enum err generate_field(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, size_t bits, struct key **out)
{
    EVP_PKEY *evp = NULL;
    enum err e = key_field_generate(libctx, type, parts, n, bits, &evp);

    return e == ERR_OK ? key_wrap(evp, out) : e;
}

enum err generate_secret(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, size_t bytes, struct key **out)
{
    const struct key_kind *kind = key_kind_find(type);
    struct secret value = {0};
    struct key_part part = {.type = CKA_VALUE, .n = bytes};
    enum err e;

    if (!key_kind_is_value(kind))
        return ERR_KEY_TYPE;
    if (!key_kind_has_length(kind, bytes))
        return ERR_ATTRIBUTE_VALUE;
    if (!secret_new(&value, bytes))
        return ERR_NO_MEMORY;
    part.value = value.bytes;
    e = RAND_priv_bytes_ex(libctx, value.bytes, bytes, 0) == 1 ? key_load(libctx, type, &part, 1, out) : ERR_BUG;
    secret_clear(&value);
    ERR_clear_error();
    return e;
}

static const char *pbkdf2_hash(uint64_t prf)
{
    static const struct {
        CK_ULONG prf;
        const char *hash;
    } prfs[] = {
        {CKP_PKCS5_PBKD2_HMAC_SHA1, "SHA1"},
        {CKP_PKCS5_PBKD2_HMAC_SHA224, "SHA224"},
        {CKP_PKCS5_PBKD2_HMAC_SHA256, "SHA256"},
        {CKP_PKCS5_PBKD2_HMAC_SHA384, "SHA384"},
        {CKP_PKCS5_PBKD2_HMAC_SHA512, "SHA512"},
        {CKP_PKCS5_PBKD2_HMAC_SHA512_224, "SHA512-224"},
        {CKP_PKCS5_PBKD2_HMAC_SHA512_256, "SHA512-256"},
    };

    for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++)
        if (prfs[i].prf == prf)
            return prfs[i].hash;
    return NULL;
}

enum err generate_pbkdf2(OSSL_LIB_CTX *libctx, const Hsm__Pbkdf2Params *p, CK_KEY_TYPE type, size_t bytes,
                         struct key **out)
{
    const struct key_kind *kind = key_kind_find(type);
    struct kdf_pbkdf2 kdf = {.hash = pbkdf2_hash(p->prf),
                             .password = {p->password.data, p->password.len},
                             .salt = {p->salt.data, p->salt.len},
                             .iterations = p->iterations};
    struct secret value = {0};
    struct key_part part = {.type = CKA_VALUE, .n = bytes};
    size_t hash_bytes = mechanism_hash_bytes(kdf.hash);
    enum err e;

    if (!key_kind_is_secret(kind))
        return ERR_KEY_TYPE;
    if (!key_kind_has_length(kind, bytes))
        return ERR_ATTRIBUTE_VALUE;
    /* Each block of the hash's length costs all iterations again. */
    if (hash_bytes == 0 || p->iterations == 0 || p->salt.len == 0 ||
        p->iterations > PBKDF2_ITERATIONS_MAX / ((bytes + hash_bytes - 1) / hash_bytes))
        return ERR_MECHANISM_PARAM;
    if ((e = kdf_pbkdf2(libctx, &kdf, bytes, &value)) == ERR_OK) {
        part.value = value.bytes;
        e = key_load(libctx, type, &part, 1, out);
    }
    secret_clear(&value);
    return e;
}
