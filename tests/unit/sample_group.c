#include "tests/unit/sample_group.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "crypto/field.h"
#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"

const struct sample_dsa_size sample_dsa_sizes[SAMPLE_DSA_SIZES] = {
    {"dsa_1024_160", 1024, 20}, {"dsa_2048_224", 2048, 28}, {"dsa_2048_256", 2048, 32}, {"dsa_3072_256", 3072, 32}};

EVP_PKEY *sample_dsa_of(size_t size)
{
    const char *source = getenv("top_srcdir");
    EVP_PKEY *key;
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/vectors/%s.pem", source != NULL ? source : ".", sample_dsa_sizes[size].file);
    ck_assert_msg((file = fopen(path, "r")) != NULL, "%s cannot be read", path);
    ck_assert_ptr_nonnull(key = PEM_read_PrivateKey(file, NULL, NULL, NULL));
    fclose(file);
    return key;
}

struct sample_group sample_group_of_numbers(const BIGNUM *p, const BIGNUM *q, const BIGNUM *g)
{
    struct sample_group made;

    made.p_n = (CK_ULONG)BN_bn2bin(p, made.p);
    made.q_n = (CK_ULONG)BN_bn2bin(q, made.q);
    made.g_n = (CK_ULONG)BN_bn2bin(g, made.g);
    return made;
}

static BIGNUM *number_of(const EVP_PKEY *key, const char *name)
{
    BIGNUM *n = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &n), 1);
    return n;
}

struct sample_group sample_group_of(const EVP_PKEY *key)
{
    BIGNUM *p = number_of(key, OSSL_PKEY_PARAM_FFC_P), *q = number_of(key, OSSL_PKEY_PARAM_FFC_Q);
    BIGNUM *g = number_of(key, OSSL_PKEY_PARAM_FFC_G);
    struct sample_group made = sample_group_of_numbers(p, q, g);

    BN_free(p);
    BN_free(q);
    BN_free(g);
    return made;
}

static void push_part(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, BIGNUM **number, OSSL_PARAM_BLD *build)
{
    CK_BYTE bytes[SAMPLE_DH_BYTES_MAX];
    CK_ATTRIBUTE a = {type, bytes, sizeof bytes};

    ck_ok(f->C_GetAttributeValue(s, object, &a, 1));
    ck_assert_ptr_nonnull(*number = BN_bin2bn(bytes, (int)a.ulValueLen, NULL));
    ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, field_parameter_name(type), *number), 1);
}

EVP_PKEY *sample_group_read(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object)
{
    CK_KEY_TYPE type = token_number(s, object, CKA_KEY_TYPE);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, field_name(type), NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *p = NULL, *q = NULL, *g = NULL;
    OSSL_PARAM *params;
    EVP_PKEY *domain = NULL;

    push_part(s, object, CKA_PRIME, &p, build);
    push_part(s, object, CKA_BASE, &g, build);
    if (field_has_parameter(type, CKA_SUBPRIME))
        push_part(s, object, CKA_SUBPRIME, &q, build);
    ck_assert_ptr_nonnull(params = OSSL_PARAM_BLD_to_param(build));
    ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &domain, EVP_PKEY_KEY_PARAMETERS, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(p);
    BN_free(q);
    BN_free(g);
    return domain;
}

CK_RV sample_group_generate(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_ULONG prime_bits, const CK_ATTRIBUTE *more, CK_ULONG n,
                            CK_OBJECT_HANDLE *made)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_ATTRIBUTE t[16];
    CK_ULONG t_n = 0;

    if (prime_bits > 0)
        t[t_n++] = (CK_ATTRIBUTE){CKA_PRIME_BITS, &prime_bits, sizeof prime_bits};
    ck_assert_uint_le(t_n + n, 16);
    for (CK_ULONG i = 0; i < n; i++)
        t[t_n++] = more[i];
    return f->C_GenerateKey(s, &m, t, t_n, made);
}

void sample_group_try(CK_SESSION_HANDLE s, const struct mechanism *row)
{
    EVP_PKEY *domains[2];

    for (size_t i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE made;
        ck_ok(sample_group_generate(s, row->type, row->size_min, NULL, 0, &made));
        ck_assert_uint_eq(token_number(s, made, CKA_PRIME_BITS), row->size_min);
        domains[i] = sample_group_read(s, made);
        ck_assert_msg(opinion_accepts_domain(domains[i]), "%s", row->name);
    }
    ck_assert_msg(EVP_PKEY_parameters_eq(domains[0], domains[1]) == !row->dear, "%s", row->name);
    for (size_t i = 0; i < 2; i++)
        EVP_PKEY_free(domains[i]);
}

CK_ULONG sample_group_parts(CK_ATTRIBUTE out[SAMPLE_GROUP_PARTS])
{
    static struct sample_group group;
    EVP_PKEY *key = sample_dsa_of(0);

    group = sample_group_of(key);
    EVP_PKEY_free(key);
    out[0] = (CK_ATTRIBUTE){CKA_PRIME, group.p, group.p_n};
    out[1] = (CK_ATTRIBUTE){CKA_SUBPRIME, group.q, group.q_n};
    out[2] = (CK_ATTRIBUTE){CKA_BASE, group.g, group.g_n};
    return SAMPLE_GROUP_PARTS;
}

CK_ULONG sample_dh_parts(const char *group, CK_ATTRIBUTE out[2])
{
    static CK_BYTE prime[SAMPLE_DH_BYTES_MAX], base[1];
    EVP_PKEY *key = sample_dh(group);
    BIGNUM *p = number_of(key, OSSL_PKEY_PARAM_FFC_P), *g = number_of(key, OSSL_PKEY_PARAM_FFC_G);

    out[0] = (CK_ATTRIBUTE){CKA_PRIME, prime, (CK_ULONG)BN_bn2bin(p, prime)};
    ck_assert_int_eq(BN_num_bytes(g), sizeof base);
    out[1] = (CK_ATTRIBUTE){CKA_BASE, base, (CK_ULONG)BN_bn2bin(g, base)};
    BN_free(p);
    BN_free(g);
    EVP_PKEY_free(key);
    return 2;
}

CK_RV sample_group_pair(CK_SESSION_HANDLE s, struct sample_group *in, CK_ATTRIBUTE *more, CK_ULONG n, struct token_pair *pair)
{
    CK_MECHANISM m = {CKM_DSA_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE parts[] = {{CKA_PRIME, in->p, in->p_n}, {CKA_SUBPRIME, in->q, in->q_n}, {CKA_BASE, in->g, in->g_n}};

    return f->C_GenerateKeyPair(s, &m, parts, 3, more, n, &pair->public_key, &pair->private_key);
}

CK_RV sample_group_import(CK_SESSION_HANDLE s, struct sample_group *in)
{
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_DSA;
    CK_BYTE x[] = {0x23, 0x45};
    CK_ATTRIBUTE parts[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_PRIME, in->p, in->p_n}, {CKA_SUBPRIME, in->q, in->q_n},
                            {CKA_BASE, in->g, in->g_n}, {CKA_VALUE, x, sizeof x}};
    CK_OBJECT_HANDLE made;

    return f->C_CreateObject(s, parts, 6, &made);
}

CK_RV sample_dsa_unwrap(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE with, CK_BYTE *wrapped, CK_ULONG n, CK_KEY_TYPE type, CK_OBJECT_HANDLE *made)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE parts[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SENSITIVE, &no, 1},
                            {CKA_EXTRACTABLE, &yes, 1}};

    return f->C_UnwrapKey(s, &m, with, wrapped, n, parts, 4, made);
}
