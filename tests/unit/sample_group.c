#include "tests/unit/sample_group.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

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
