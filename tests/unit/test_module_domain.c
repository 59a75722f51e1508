/* Domain parameters that the token makes: those of Diffie-Hellman are the standards', those of DSA are new; from them to pairs and their
 * use, judged by OpenSSL. What a template may not ask for, under both policies, and who sees them. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/token_key.h"

enum { ROOM = 1024 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE p[ROOM], q[ROOM], g[ROOM];

static CK_OBJECT_HANDLE made(CK_MECHANISM_TYPE type, CK_ULONG bits)
{
    CK_OBJECT_HANDLE object;

    ck_ok(sample_group_generate(s, type, bits, NULL, 0, &object));
    return object;
}

static CK_ULONG parts_of(CK_OBJECT_HANDLE domain, CK_ATTRIBUTE out[SAMPLE_GROUP_PARTS])
{
    CK_ULONG n = token_number(s, domain, CKA_KEY_TYPE) == CKK_DSA ? 3 : 2;

    out[0] = (CK_ATTRIBUTE){CKA_PRIME, p, sizeof p};
    out[1] = (CK_ATTRIBUTE){CKA_BASE, g, sizeof g};
    out[2] = (CK_ATTRIBUTE){CKA_SUBPRIME, q, sizeof q};
    ck_ok(f->C_GetAttributeValue(s, domain, out, n));
    return n;
}

static EVP_PKEY *judged(CK_OBJECT_HANDLE domain)
{
    EVP_PKEY *openssl = sample_group_read(s, domain);

    ck_assert(opinion_accepts_domain(openssl));
    return openssl;
}

/* ---- what is made */

START_TEST(test_diffie_hellman_parameters_are_the_standards)
{
    static const struct {
        CK_ULONG bits;
        const char *group; /* OpenSSL's name; it has none for that of RFC 2409 */
    } groups[] = {{1024, NULL}, {1536, "modp_1536"}, {2048, "ffdhe2048"}, {3072, "ffdhe3072"}, {4096, "ffdhe4096"}, {6144, "ffdhe6144"},
                  {8192, "ffdhe8192"}};

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        CK_OBJECT_HANDLE domain = made(CKM_DH_PKCS_PARAMETER_GEN, groups[i].bits);
        EVP_PKEY *openssl = sample_group_read(s, domain);
        char name[32] = "";
        ck_assert_uint_eq(token_number(s, domain, CKA_KEY_TYPE), CKK_DH);
        ck_assert_uint_eq(token_number(s, domain, CKA_PRIME_BITS), groups[i].bits);
        ck_assert_int_eq(EVP_PKEY_get_bits(openssl), (int)groups[i].bits);
        ck_assert(EVP_PKEY_get_group_name(openssl, name, sizeof name, NULL) == (groups[i].group != NULL));
        ck_assert(groups[i].group == NULL || strcmp(name, groups[i].group) == 0);
        ck_assert(groups[i].bits > 2048 || opinion_accepts_domain(openssl)); /* it takes minutes for those of more bits */
        EVP_PKEY_free(openssl);
    }
    token_stop();
}
END_TEST

/* RFC 2409 section 6.2, from its text. */
START_TEST(test_oldest_group_is_the_standards_number)
{
    static const char text[] = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
                               "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
                               "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";
    CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS];
    CK_BYTE right[128];
    BIGNUM *number = NULL;

    s = token_alice_under(POLICY_COMPATIBLE);
    ck_assert_int_ne(BN_hex2bn(&number, text), 0);
    ck_assert_int_eq(BN_bn2bin(number, right), sizeof right);
    parts_of(made(CKM_DH_PKCS_PARAMETER_GEN, 1024), parts);
    ck_assert(parts[0].ulValueLen == sizeof right && memcmp(p, right, sizeof right) == 0);
    ck_assert(parts[1].ulValueLen == 1 && g[0] == 2);
    BN_free(number);
    token_stop();
}
END_TEST

/* CKA_SUB_PRIME_BITS 0: not given. */
START_TEST(test_dsa_parameters_are_new_ones_of_every_size)
{
    static const CK_ULONG sizes[][3] = {{1024, 160, 160}, {1024, 0, 160}, {2048, 224, 224},
                                        {2048, 0, 256},   {3072, 256, 256}};

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CK_ULONG subprime = sizes[i][1];
        CK_ATTRIBUTE more = {CKA_SUB_PRIME_BITS, &subprime, sizeof subprime};
        CK_OBJECT_HANDLE domain;
        EVP_PKEY *openssl;
        BIGNUM *number = NULL;
        ck_ok(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, sizes[i][0], &more, subprime > 0, &domain));
        openssl = judged(domain);
        ck_assert_int_eq(EVP_PKEY_get_bits(openssl), (int)sizes[i][0]);
        ck_assert_int_eq(EVP_PKEY_get_bn_param(openssl, OSSL_PKEY_PARAM_FFC_Q, &number), 1);
        ck_assert_int_eq(BN_num_bits(number), (int)sizes[i][2]);
        ck_assert_uint_eq(token_number(s, domain, CKA_PRIME_BITS), sizes[i][0]);
        ck_assert_uint_eq(token_number(s, domain, CKA_SUB_PRIME_BITS), sizes[i][2]);
        ck_assert_uint_eq(token_number(s, domain, CKA_KEY_TYPE), CKK_DSA);
        BN_free(number);
        EVP_PKEY_free(openssl);
    }
    token_stop();
}
END_TEST

START_TEST(test_no_two_parameters_of_dsa_are_the_same)
{
    CK_BYTE before[ROOM] = {0};
    CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS];
    s = token_alice_under(POLICY_COMPATIBLE);
    for (int i = 0; i < 3; i++) {
        parts_of(made(CKM_DSA_PARAMETER_GEN, 1024), parts);
        ck_assert_mem_ne(before, p, 128);
        memcpy(before, p, sizeof before);
    }
    token_stop();
}
END_TEST

/* PKCS#11 v3.1 sections 6.2 and 6.4: what the mechanism contributes, and CKA_LOCAL (section 4.11). */
START_TEST(test_parameters_say_where_they_come_from_and_are_no_key)
{
    static const CK_ATTRIBUTE_TYPE lacking[] = {CKA_KEY_GEN_MECHANISM, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_ID, CKA_VALUE, CKA_DERIVE,
                                                CKA_SIGN, CKA_ALLOWED_MECHANISMS, CKA_VALUE_LEN};
    static const CK_MECHANISM_TYPE both[] = {CKM_DH_PKCS_PARAMETER_GEN, CKM_DSA_PARAMETER_GEN};
    static CK_BYTE theirs[128] = {1};

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE domain = made(both[i], 1024);
        CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS];
        CK_ULONG size = 0, number;
        parts_of(domain, parts);
        ck_assert_uint_eq(token_number(s, domain, CKA_CLASS), CKO_DOMAIN_PARAMETERS);
        ck_assert(token_flag(s, domain, CKA_LOCAL));
        ck_assert(!token_flag(s, domain, CKA_TOKEN) && !token_flag(s, domain, CKA_PRIVATE));
        ck_assert(token_flag(s, domain, CKA_MODIFIABLE) && token_flag(s, domain, CKA_COPYABLE) && token_flag(s, domain, CKA_DESTROYABLE));
        for (size_t k = 0; k < sizeof lacking / sizeof lacking[0]; k++) {
            CK_ATTRIBUTE a = {lacking[k], &number, sizeof number};
            ck_rv(f->C_GetAttributeValue(s, domain, &a, 1), CKR_ATTRIBUTE_TYPE_INVALID);
        }
        number = 0;
        ck_rv(f->C_GetAttributeValue(s, domain, &(CK_ATTRIBUTE){CKA_SUB_PRIME_BITS, &number, sizeof number}, 1),
              both[i] == CKM_DSA_PARAMETER_GEN ? CKR_OK : CKR_ATTRIBUTE_TYPE_INVALID);
        ck_ok(f->C_GetObjectSize(s, domain, &size));
        ck_assert_uint_gt(size, 128);
        ck_rv(f->C_SignInit(s, &(CK_MECHANISM){CKM_DSA, NULL, 0}, domain), CKR_KEY_HANDLE_INVALID);
        ck_rv(f->C_DeriveKey(s, &(CK_MECHANISM){CKM_DH_PKCS_DERIVE, theirs, sizeof theirs}, domain, NULL, 0, &domain),
              CKR_KEY_HANDLE_INVALID);
    }
    token_stop();
}
END_TEST

/* ---- from parameters to a signature, and to a secret of two */

START_TEST(test_pairs_are_made_in_them_and_sign)
{
    CK_BYTE digest[32] = "thirty-two bytes of some digest", signature[64];
    CK_MECHANISM m = {CKM_DSA_KEY_PAIR_GEN, NULL, 0}, dsa = {CKM_DSA, NULL, 0};
    CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS];
    CK_ULONG n = sizeof signature;
    struct opinion o = {.row = mechanism_find(CKM_DSA), .data = digest, .n = sizeof digest};
    struct token_pair pair;
    EVP_PKEY *openssl;

    s = token_alice_under(POLICY_COMPATIBLE);
    ck_assert_uint_eq(parts_of(made(CKM_DSA_PARAMETER_GEN, 2048), parts), 3);
    ck_ok(f->C_GenerateKeyPair(s, &m, parts, 3, NULL, 0, &pair.public_key, &pair.private_key));
    ck_ok(f->C_SignInit(s, &dsa, pair.private_key));
    ck_ok(f->C_Sign(s, digest, sizeof digest, signature, &n));
    openssl = token_key_public(s, pair.public_key);
    ck_assert(opinion_accepts(&o, openssl, signature, n));
    ck_ok(f->C_VerifyInit(s, &dsa, pair.public_key));
    ck_ok(f->C_Verify(s, digest, sizeof digest, signature, n));
    EVP_PKEY_free(openssl);
    token_stop();
}
END_TEST

static CK_ULONG agreed(const struct token_pair *mine, const struct token_pair *theirs, CK_BYTE out[ROOM])
{
    CK_BYTE number[ROOM];
    CK_ATTRIBUTE value = {CKA_VALUE, number, sizeof number}, shared = {CKA_VALUE, out, ROOM};
    CK_MECHANISM m = {CKM_DH_PKCS_DERIVE, number, 0};
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SENSITIVE, &no, 1},
                        {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE secret;

    ck_ok(f->C_GetAttributeValue(s, theirs->public_key, &value, 1));
    m.ulParameterLen = value.ulValueLen;
    ck_ok(f->C_DeriveKey(s, &m, mine->private_key, t, 4, &secret));
    ck_ok(f->C_GetAttributeValue(s, secret, &shared, 1));
    return shared.ulValueLen;
}

START_TEST(test_pairs_are_made_in_them_and_agree)
{
    static const CK_ULONG sizes[] = {1024, 1536, 2048, 4096};
    CK_MECHANISM m = {CKM_DH_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS], derive = {CKA_DERIVE, &yes, 1};
    CK_BYTE ours[ROOM], theirs[ROOM], right[ROOM];

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct token_pair a, b;
        CK_ULONG n;
        size_t whole;
        EVP_PKEY *domain = sample_group_read(s, made(CKM_DH_PKCS_PARAMETER_GEN, sizes[i])), *openssl, *alone = NULL;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(domain, NULL);
        ck_assert_uint_eq(parts_of(made(CKM_DH_PKCS_PARAMETER_GEN, sizes[i]), parts), 2);
        ck_ok(f->C_GenerateKeyPair(s, &m, parts, 2, &derive, 1, &a.public_key, &a.private_key));
        ck_ok(f->C_GenerateKeyPair(s, &m, parts, 2, &derive, 1, &b.public_key, &b.private_key));
        n = agreed(&a, &b, ours);
        ck_assert_uint_eq(agreed(&b, &a, theirs), n);
        ck_assert_mem_eq(ours, theirs, n);
        ck_assert(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &alone) == 1); /* and with one of OpenSSL's in the same group */
        b = token_key_import(s, alone);
        openssl = token_key_public(s, a.public_key);
        n = agreed(&a, &b, ours);
        whole = opinion_agrees(alone, openssl, right, ROOM); /* without leading zeros */
        ck_assert_uint_le(whole, n);
        ck_assert_mem_eq(ours + n - whole, right, whole);
        for (size_t zeros = 0; zeros < n - whole; zeros++)
            ck_assert_uint_eq(ours[zeros], 0);
        EVP_PKEY_free(openssl);
        EVP_PKEY_free(alone);
        EVP_PKEY_free(domain);
        EVP_PKEY_CTX_free(ctx);
    }
    token_stop();
}
END_TEST

/* ---- objects */

static CK_ULONG found(const CK_ATTRIBUTE *by, CK_ULONG n, CK_OBJECT_HANDLE *first)
{
    CK_OBJECT_HANDLE handles[8];
    CK_ULONG count = 0;

    ck_ok(f->C_FindObjectsInit(s, (CK_ATTRIBUTE *)(uintptr_t)by, n));
    ck_ok(f->C_FindObjects(s, handles, 8, &count));
    ck_ok(f->C_FindObjectsFinal(s));
    *first = handles[0];
    return count;
}

START_TEST(test_parameters_are_found_copied_and_destroyed)
{
    static const CK_MECHANISM_TYPE both[] = {CKM_DH_PKCS_PARAMETER_GEN, CKM_DSA_PARAMETER_GEN};
    CK_OBJECT_CLASS object_class = CKO_DOMAIN_PARAMETERS;
    CK_UTF8CHAR label[] = "group";
    CK_ATTRIBUTE more[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, label, 5}}, here = {CKA_TOKEN, &no, 1};

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE domain, copy, got;
        CK_ATTRIBUTE parts[SAMPLE_GROUP_PARTS + 1], *by_class = parts;
        CK_BYTE prime[ROOM];
        ck_ok(sample_group_generate(s, both[i], 2048, more, 2, &domain));
        ck_assert(token_flag(s, domain, CKA_TOKEN) && token_flag(s, domain, CKA_LOCAL));
        parts_of(domain, parts + 1);
        memcpy(prime, p, sizeof prime);
        *by_class = (CK_ATTRIBUTE){CKA_CLASS, &object_class, sizeof object_class};
        ck_assert_uint_eq(found(parts, 2, &got), 1); /* by its class and its prime */
        ck_assert_uint_eq(got, domain);
        ck_ok(f->C_CopyObject(s, domain, &here, 1, &copy));
        ck_assert(token_flag(s, copy, CKA_LOCAL) && token_number(s, copy, CKA_PRIME_BITS) == 2048);
        ck_assert_uint_eq(found(parts, 2, &got), 2);
        ck_ok(f->C_Logout(s)); /* nobody's secret */
        ck_assert_uint_eq(found(parts, 2, &got), 2);
        parts_of(domain, parts + 1);
        ck_assert_mem_eq(prime, p, sizeof prime);
        ck_ok(token_login(s, CKU_USER, ALICE));
        ck_ok(f->C_DestroyObject(s, domain));
        ck_rv(f->C_GetAttributeValue(s, domain, parts + 1, 1), CKR_OBJECT_HANDLE_INVALID);
        ck_ok(f->C_DestroyObject(s, copy));
        ck_assert_uint_eq(found(by_class, 1, &got), 0);
    }
    token_stop();
}
END_TEST

START_TEST(test_private_parameters_are_their_owners)
{
    CK_OBJECT_CLASS object_class = CKO_DOMAIN_PARAMETERS;
    CK_ATTRIBUTE by_class = {CKA_CLASS, &object_class, sizeof object_class}, more[] = {{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}};
    CK_OBJECT_HANDLE domain, got;

    s = token_alice_under(POLICY_COMPATIBLE);
    ck_ok(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, 1024, more, 2, &domain));
    ck_assert_uint_eq(found(&by_class, 1, &got), 1);
    ck_ok(f->C_Logout(s));
    ck_assert_uint_eq(found(&by_class, 1, &got), 0);
    ck_rv(f->C_GetObjectSize(s, domain, &(CK_ULONG){0}), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

/* ---- what may not be asked for */

START_TEST(test_templates_that_ask_for_something_else_are_refused)
{
    static CK_BYTE number[256] = {0x80}, label[] = "x";
    static CK_ULONG size = 2048, other = 1024, sub = 256, odd = 255, bits = 256;
    static CK_OBJECT_CLASS domain_class = CKO_DOMAIN_PARAMETERS, public_class = CKO_PUBLIC_KEY, secret_class = CKO_SECRET_KEY;
    static CK_KEY_TYPE dsa = CKK_DSA, dh = CKK_DH, x942 = CKK_X9_42_DH;
    static CK_BBOOL truth = CK_TRUE;
    static const CK_MECHANISM_TYPE both[] = {CKM_DH_PKCS_PARAMETER_GEN, CKM_DSA_PARAMETER_GEN};
    static const struct {
        CK_ATTRIBUTE a;
        CK_RV of_dh, of_dsa;
    } cases[] = {
        {{CKA_PRIME, number, sizeof number}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_BASE, number, 1}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_SUBPRIME, number, 32}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_PRIME, NULL, 0}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_LOCAL, &truth, 1}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_UNIQUE_ID, label, 1}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
        {{CKA_KEY_GEN_MECHANISM, &size, sizeof size}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_VALUE, number, 32}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_VALUE_LEN, &bits, sizeof bits}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_VALUE_BITS, &bits, sizeof bits}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_SENSITIVE, &truth, 1}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_ID, label, 1}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_CLASS, &domain_class, sizeof domain_class}, CKR_OK, CKR_OK},
        {{CKA_CLASS, &public_class, sizeof public_class}, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_CLASS, &secret_class, sizeof secret_class}, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &dh, sizeof dh}, CKR_OK, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &dsa, sizeof dsa}, CKR_TEMPLATE_INCONSISTENT, CKR_OK},
        {{CKA_KEY_TYPE, &x942, sizeof x942}, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_PRIME_BITS, &size, sizeof size}, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT}, /* twice */
        {{CKA_PRIME_BITS, &other, sizeof other}, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_SUB_PRIME_BITS, &sub, sizeof sub}, CKR_TEMPLATE_INCONSISTENT, CKR_OK},
        {{CKA_SUB_PRIME_BITS, &odd, sizeof odd}, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, label, 1}, CKR_OK, CKR_OK},
    };
    CK_OBJECT_HANDLE domain;

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            CK_RV right = k == 0 ? cases[i].of_dh : cases[i].of_dsa, rv = sample_group_generate(s, both[k], 2048, &cases[i].a, 1, &domain);
            ck_assert_msg(rv == right, "case %zu, mechanism %zu: 0x%lx, not 0x%lx", i, k, rv, right);
        }
    for (size_t k = 0; k < 2; k++) {
        CK_MECHANISM with = {both[k], number, 1};
        CK_ATTRIBUTE t = {CKA_PRIME_BITS, &size, sizeof size}, narrow = {CKA_PRIME_BITS, &size, 4};
        ck_rv(sample_group_generate(s, both[k], 0, NULL, 0, &domain), CKR_TEMPLATE_INCOMPLETE);
        ck_rv(f->C_GenerateKey(s, &with, &t, 1, &domain), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(sample_group_generate(s, both[k], 0, &narrow, 1, &domain), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(f->C_GenerateKeyPair(s, &(CK_MECHANISM){both[k], NULL, 0}, &t, 1, NULL, 0, &domain, &domain), CKR_MECHANISM_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_sizes_that_no_group_has_are_refused)
{
    static const CK_ULONG of_dh[] = {1, 512, 768, 1023, 2047, 2049, 2560, 8191, 16384, ~0UL},
                          of_dsa[] = {1, 512, 768, 1023, 1025, 1536, 2047, 3071, 4096, ~0UL};
    static const CK_ULONG pairs[][2] = {{1024, 224}, {1024, 256}, {2048, 160}, {3072, 224}, {3072, 0}, {2048, ~0UL}};
    CK_OBJECT_HANDLE domain;

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < sizeof of_dh / sizeof of_dh[0]; i++)
        ck_rv(sample_group_generate(s, CKM_DH_PKCS_PARAMETER_GEN, of_dh[i], NULL, 0, &domain), CKR_ATTRIBUTE_VALUE_INVALID);
    for (size_t i = 0; i < sizeof of_dsa / sizeof of_dsa[0]; i++)
        ck_rv(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, of_dsa[i], NULL, 0, &domain), CKR_ATTRIBUTE_VALUE_INVALID);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CK_ULONG sub = pairs[i][1];
        CK_ATTRIBUTE more = {CKA_SUB_PRIME_BITS, &sub, sizeof sub};
        ck_rv(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, pairs[i][0], &more, 1, &domain), CKR_ATTRIBUTE_VALUE_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_modern_policy_has_neither_dsa_nor_the_old_groups)
{
    static const CK_ULONG good[] = {2048, 3072, 4096, 6144, 8192}, old[] = {1024, 1536};
    CK_MECHANISM_INFO info;
    CK_OBJECT_HANDLE domain;
    CK_SLOT_ID slot;
    CK_ULONG n = 1;

    s = token_alice_under(POLICY_MODERN);
    ck_ok(f->C_GetSlotList(CK_TRUE, &slot, &n));
    ck_rv(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, 2048, NULL, 0, &domain), CKR_MECHANISM_INVALID);
    ck_rv(f->C_GetMechanismInfo(slot, CKM_DSA_PARAMETER_GEN, &info), CKR_MECHANISM_INVALID);
    ck_ok(f->C_GetMechanismInfo(slot, CKM_DH_PKCS_PARAMETER_GEN, &info));
    ck_assert(info.ulMinKeySize == 2048 && info.ulMaxKeySize == 8192 && info.flags == (CKF_HW | CKF_GENERATE));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_ok(sample_group_generate(s, CKM_DH_PKCS_PARAMETER_GEN, good[i], NULL, 0, &domain));
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
        ck_rv(sample_group_generate(s, CKM_DH_PKCS_PARAMETER_GEN, old[i], NULL, 0, &domain), CKR_KEY_SIZE_RANGE);
    token_stop();
    s = token_alice_under(POLICY_COMPATIBLE);
    ck_ok(f->C_GetMechanismInfo(slot, CKM_DSA_PARAMETER_GEN, &info));
    ck_assert(info.ulMinKeySize == 1024 && info.ulMaxKeySize == 3072 && info.flags == (CKF_HW | CKF_GENERATE));
    ck_ok(f->C_GetMechanismInfo(slot, CKM_DH_PKCS_PARAMETER_GEN, &info));
    ck_assert_uint_eq(info.ulMinKeySize, 1024);
    token_stop();
}
END_TEST

START_TEST(test_nobody_and_no_admin_makes_any)
{
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, 1};
    CK_OBJECT_HANDLE domain;
    CK_SESSION_HANDLE reads;

    s = token_alice_under(POLICY_COMPATIBLE);
    reads = token_session_read();
    ck_rv(sample_group_generate(reads, CKM_DH_PKCS_PARAMETER_GEN, 2048, &token, 1, &domain), CKR_SESSION_READ_ONLY);
    ck_ok(sample_group_generate(reads, CKM_DH_PKCS_PARAMETER_GEN, 2048, NULL, 0, &domain));
    ck_ok(f->C_CloseSession(reads));
    ck_ok(f->C_Logout(s));
    ck_rv(sample_group_generate(s, CKM_DH_PKCS_PARAMETER_GEN, 2048, NULL, 0, &domain), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_rv(sample_group_generate(s, CKM_DH_PKCS_PARAMETER_GEN, 2048, NULL, 0, &domain), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

/* What was found once is not searched for again when the change has to be made anew. */
START_TEST(test_parameters_are_kept_over_conflicts_and_lost_replies)
{
    CK_OBJECT_CLASS object_class = CKO_DOMAIN_PARAMETERS;
    CK_ATTRIBUTE by_class = {CKA_CLASS, &object_class, sizeof object_class}, token = {CKA_TOKEN, &yes, 1};
    CK_OBJECT_HANDLE domain, got;
    EVP_PKEY *openssl;

    s = token_alice_under(POLICY_COMPATIBLE);
    local_node_faults(token_node)->conflicts = 2;
    ck_ok(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, 1024, &token, 1, &domain));
    local_node_faults(token_node)->lose_replies = 1;
    ck_ok(sample_group_generate(s, CKM_DSA_PARAMETER_GEN, 1024, &token, 1, &domain));
    openssl = judged(domain);
    ck_assert_uint_eq(found(&by_class, 1, &got), 2);
    EVP_PKEY_free(openssl);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_diffie_hellman_parameters_are_the_standards,
        &test_oldest_group_is_the_standards_number,
        &test_dsa_parameters_are_new_ones_of_every_size,
        &test_no_two_parameters_of_dsa_are_the_same,
        &test_parameters_say_where_they_come_from_and_are_no_key,
        &test_pairs_are_made_in_them_and_sign,
        &test_pairs_are_made_in_them_and_agree,
        &test_parameters_are_found_copied_and_destroyed,
        &test_private_parameters_are_their_owners,
        &test_templates_that_ask_for_something_else_are_refused,
        &test_sizes_that_no_group_has_are_refused,
        &test_modern_policy_has_neither_dsa_nor_the_old_groups,
        &test_nobody_and_no_admin_makes_any,
        &test_parameters_are_kept_over_conflicts_and_lost_replies,
        NULL,
    };

    return suite_of("module_domain", 240, tests);
}
