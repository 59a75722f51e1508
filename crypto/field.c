#include "crypto/field.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/limits.h"
#include "proto/mechanism.h"

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
} parameters[] = {
    {CKA_PRIME, OSSL_PKEY_PARAM_FFC_P},
    {CKA_SUBPRIME, OSSL_PKEY_PARAM_FFC_Q},
    {CKA_BASE, OSSL_PKEY_PARAM_FFC_G},
};

static const struct field_type {
    CK_KEY_TYPE type;
    const char *name;
    bool has_subprime;
} types[] = {
    {CKK_DH, "DH", false},
    {CKK_DSA, "DSA", true},
};

enum { TYPES = sizeof types / sizeof types[0] };

static const struct field_type *find(CK_KEY_TYPE type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

bool field_makes(CK_KEY_TYPE type)
{
    return find(type) != NULL;
}

const char *field_parameter_name(CK_ATTRIBUTE_TYPE part)
{
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        if (parameters[i].type == part)
            return parameters[i].name;
    return NULL;
}

bool field_has_parameter(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part)
{
    const struct field_type *t = find(type);

    return t != NULL && field_parameter_name(part) != NULL && (part != CKA_SUBPRIME || t->has_subprime);
}

bool field_has_part(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part)
{
    return part == CKA_VALUE || field_has_parameter(type, part);
}

const char *field_name(CK_KEY_TYPE type)
{
    const struct field_type *t = find(type);

    return t != NULL ? t->name : NULL;
}

CK_KEY_TYPE field_type_of(const EVP_PKEY *key)
{
    for (size_t i = 0; i < TYPES; i++)
        if (EVP_PKEY_is_a(key, types[i].name))
            return types[i].type;
    return NO_KEY_TYPE;
}

bool field_in_range(const BIGNUM *n, const BIGNUM *p)
{
    BIGNUM *least_over = BN_dup(p);
    bool ok = least_over != NULL && BN_sub_word(least_over, 1) == 1 && !BN_is_negative(n) && !BN_is_zero(n) && !BN_is_one(n) &&
              BN_cmp(n, least_over) < 0;

    BN_free(least_over);
    return ok;
}

size_t field_number_bytes(const EVP_PKEY *key)
{
    BIGNUM *q = NULL;
    size_t n = 0;

    if (field_type_of(key) == CKK_DSA && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_Q, &q) == 1)
        n = (size_t)BN_num_bytes(q);
    BN_free(q);
    ERR_clear_error();
    return n;
}

/* FIELD_DSA_SIZES_TEXT */
static const size_t dsa_sizes[][2] = {{1024, 160}, {2048, 224}, {2048, 256}, {3072, 256}};

bool field_is_dsa_size(size_t prime_bits, size_t subprime_bits)
{
    for (size_t i = 0; i < sizeof dsa_sizes / sizeof dsa_sizes[0]; i++)
        if (dsa_sizes[i][0] == prime_bits && dsa_sizes[i][1] == subprime_bits)
            return true;
    return false;
}

size_t field_subprime_bits(size_t prime_bits)
{
    size_t bits = 0;

    for (size_t i = 0; i < sizeof dsa_sizes / sizeof dsa_sizes[0]; i++)
        if (dsa_sizes[i][0] == prime_bits && dsa_sizes[i][1] > bits)
            bits = dsa_sizes[i][1];
    return bits;
}

const char *field_size_text(CK_KEY_TYPE type)
{
    return type == CKK_DSA ? "CKA_PRIME and CKA_SUBPRIME have " FIELD_DSA_SIZES_TEXT : "CKA_PRIME has " FIELD_DH_SIZES_TEXT;
}

enum err field_check(CK_KEY_TYPE type, const BIGNUM *p, const BIGNUM *q, const BIGNUM *g)
{
    int bits = BN_num_bits(p), q_bits = q != NULL ? BN_num_bits(q) : 0;

    if (bits < (int)FIELD_BITS_MIN || bits > (int)FIELD_BITS_MAX)
        return ERR_KEY_SIZE;
    if (type == CKK_DSA && !field_is_dsa_size((size_t)bits, (size_t)q_bits))
        return ERR_KEY_SIZE;
    return BN_is_odd(p) && (q == NULL || BN_is_odd(q)) && field_in_range(g, p) ? ERR_OK : ERR_ATTRIBUTE_VALUE;
}
