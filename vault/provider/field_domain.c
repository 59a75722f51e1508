#include "vault/provider/field_domain.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include "crypto/field.h"
#include "vault/provider/field_group.h"
#include "vault/provider/key_params.h"

/* By OpenSSL's name; the oldest one has none there. */
static const struct dh_group {
    size_t bits;
    const char *name;
} dh_groups[] = {
    {1024, NULL}, /* RFC 2409 section 6.2 */
    {1536, "modp_1536"},
    {2048, "ffdhe2048"},
    {3072, "ffdhe3072"},
    {4096, "ffdhe4096"},
    {6144, "ffdhe6144"},
    {8192, "ffdhe8192"},
};

enum { OAKLEY_BASE = 2 };

static const struct dh_group *find_group(size_t bits)
{
    for (size_t i = 0; i < sizeof dh_groups / sizeof dh_groups[0]; i++)
        if (dh_groups[i].bits == bits)
            return &dh_groups[i];
    return NULL;
}

bool field_domain_is_there(CK_KEY_TYPE type, size_t prime_bits, size_t subprime_bits)
{
    return type == CKK_DSA ? field_is_dsa_size(prime_bits, subprime_bits)
                           : type == CKK_DH && subprime_bits == 0 && find_group(prime_bits) != NULL;
}

const char *field_domain_sizes_text(CK_KEY_TYPE type)
{
    return type == CKK_DSA ? "CKA_PRIME_BITS and CKA_SUB_PRIME_BITS are " FIELD_DSA_SIZES_TEXT
                           : "CKA_PRIME_BITS is 1024, 1536, 2048, 3072, 4096, 6144 or 8192: of these sizes the standards have a group";
}

static enum err from_params(OSSL_LIB_CTX *libctx, OSSL_PARAM *params, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, field_name(CKK_DH), NULL);
    enum err e = ERR_NO_MEMORY;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        e = EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEY_PARAMETERS, params) == 1 ? ERR_OK : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    return e;
}

static enum err named(OSSL_LIB_CTX *libctx, const char *name, EVP_PKEY **out)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0),
                           OSSL_PARAM_construct_end()};

    return from_params(libctx, params, out);
}

static enum err oakley(OSSL_LIB_CTX *libctx, EVP_PKEY **out)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *p = BN_get_rfc2409_prime_1024(NULL), *g = BN_new();
    OSSL_PARAM *params = NULL;
    enum err e = ERR_NO_MEMORY;

    if (build != NULL && p != NULL && g != NULL && BN_set_word(g, OAKLEY_BASE) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL)
        e = from_params(libctx, params, out);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(p);
    BN_free(g);
    return e;
}

/* Whoever makes them here is no better than who brings them: docs/decisions/009. */
static enum err look_at(OSSL_LIB_CTX *libctx, const EVP_PKEY *domain)
{
    BIGNUM *p = NULL, *q = NULL, *g = NULL;
    enum err e = ERR_BUG;

    if (EVP_PKEY_get_bn_param(domain, OSSL_PKEY_PARAM_FFC_P, &p) == 1 && EVP_PKEY_get_bn_param(domain, OSSL_PKEY_PARAM_FFC_Q, &q) == 1 &&
        EVP_PKEY_get_bn_param(domain, OSSL_PKEY_PARAM_FFC_G, &g) == 1 && field_check(CKK_DSA, p, q, g) == ERR_OK)
        e = field_group_check(libctx, CKK_DSA, p, q, g);
    BN_free(p);
    BN_free(q);
    BN_free(g);
    return e == ERR_DOMAIN_PARAMS ? ERR_BUG : e;
}

/* OpenSSL would make those of 1024 bits by the standard's older edition, if it were not told. */
static enum err random_group(OSSL_LIB_CTX *libctx, size_t prime_bits, size_t subprime_bits, EVP_PKEY **out)
{
    static char edition[] = "fips186_4";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_FFC_TYPE, edition, 0),
                           OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_PBITS, &prime_bits),
                           OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_QBITS, &subprime_bits), OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, field_name(CKK_DSA), NULL);
    EVP_PKEY *made = NULL;
    enum err e = ERR_NO_MEMORY;

    if (ctx != NULL && EVP_PKEY_paramgen_init(ctx) == 1)
        e = EVP_PKEY_CTX_set_params(ctx, params) == 1 && EVP_PKEY_paramgen(ctx, &made) == 1 ? look_at(libctx, made) : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    if (e == ERR_OK)
        *out = made;
    else
        EVP_PKEY_free(made);
    return e;
}

enum err field_domain_generate(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, size_t prime_bits, size_t subprime_bits, EVP_PKEY **out)
{
    const struct dh_group *group = find_group(prime_bits);
    enum err e;

    if (!field_domain_is_there(type, prime_bits, subprime_bits))
        return ERR_ATTRIBUTE_VALUE;
    if (type == CKK_DSA)
        e = random_group(libctx, prime_bits, subprime_bits, out);
    else
        e = group->name != NULL ? named(libctx, group->name, out) : oakley(libctx, out);
    ERR_clear_error();
    return e;
}

enum err field_domain_part(const EVP_PKEY *domain, CK_ATTRIBUTE_TYPE part, struct secret *out)
{
    return key_params_number(domain, field_parameter_name(part), 0, out);
}
