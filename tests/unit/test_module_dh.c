/* Diffie-Hellman over finite fields: pairs in groups that keep them, what both sides agree on, and public numbers that would tell the
 * private one. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token_key.h"

enum { PRIME_BYTES = 256 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_RV make(CK_ATTRIBUTE *group, CK_ULONG *value_bits, struct token_pair *out)
{
    CK_MECHANISM m = {CKM_DH_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE private_half[] = {{CKA_DERIVE, &yes, 1}, {CKA_VALUE_BITS, value_bits, sizeof *value_bits}};

    return f->C_GenerateKeyPair(s, &m, group, 2, private_half, value_bits != NULL ? 2 : 1, &out->public_key, &out->private_key);
}

static struct token_pair made_in(const char *group)
{
    CK_ATTRIBUTE parts[2];
    struct token_pair pair;

    sample_dh_parts(group, parts);
    ck_ok(make(parts, NULL, &pair));
    return pair;
}

/* bytes: 0: as many as there are */
static CK_RV derive(CK_OBJECT_HANDLE key, CK_BYTE *other, CK_ULONG n, CK_ULONG bytes, CK_OBJECT_HANDLE *made)
{
    CK_MECHANISM m = {CKM_DH_PKCS_DERIVE, other, n};
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SENSITIVE, &no, 1},
                        {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};

    return f->C_DeriveKey(s, &m, key, t, bytes > 0 ? 5 : 4, made);
}

static CK_ULONG read_value(CK_OBJECT_HANDLE object, CK_BYTE *to, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, to, room};

    ck_ok(f->C_GetAttributeValue(s, object, &a, 1));
    return a.ulValueLen;
}

static CK_ULONG value_bits_of(CK_OBJECT_HANDLE private_key)
{
    CK_ULONG bits = 0;
    CK_ATTRIBUTE a = {CKA_VALUE_BITS, &bits, sizeof bits};

    ck_ok(f->C_GetAttributeValue(s, private_key, &a, 1));
    return bits;
}

/* ---- pairs */

START_TEST(test_pairs_are_made_in_the_groups_of_the_standards)
{
    static const struct {
        const char *group;
        CK_ULONG bits;
    } groups[] = {{"ffdhe2048", 225}, {"modp_2048", 225}, {"ffdhe3072", 275}, {"ffdhe4096", 325}, {"modp_6144", 375}, {"ffdhe8192", 400}};

    s = token_alice_under(POLICY_MODERN);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        struct token_pair pair = made_in(groups[i].group);
        ck_assert_msg(value_bits_of(pair.private_key) == groups[i].bits, "%s: %lu bits", groups[i].group, value_bits_of(pair.private_key));
        ck_assert(token_flag(s, pair.private_key, CKA_NEVER_EXTRACTABLE) && token_flag(s, pair.private_key, CKA_LOCAL));
    }
    token_stop();
}
END_TEST

START_TEST(test_length_of_the_private_number_is_the_templates_within_reason)
{
    CK_ULONG good[] = {225, 256, 2047}, bad[] = {0, 1, 160, 224, 2048, 4096, ~0UL};
    CK_ATTRIBUTE parts[2];
    struct token_pair pair;

    s = token_alice_under(POLICY_MODERN);
    sample_dh_parts("ffdhe2048", parts);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_ok(make(parts, &good[i], &pair));
        ck_assert_uint_eq(value_bits_of(pair.private_key), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_rv(make(parts, &bad[i], &pair), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

/* What the order of such a base is made of would tell the private number. */
START_TEST(test_no_pair_is_made_in_a_group_that_tells)
{
    EVP_PKEY *given = sample_dsa_of(1);
    struct sample_group dsa = sample_group_of(given);
    CK_BYTE prime[PRIME_BYTES], base[] = {1}, minus_one[PRIME_BYTES];
    CK_ATTRIBUTE parts[2], other[] = {{CKA_PRIME, dsa.p, dsa.p_n}, {CKA_BASE, dsa.g, dsa.g_n}};
    struct token_pair pair;

    s = token_alice_under(POLICY_COMPATIBLE);
    ck_rv(make(other, NULL, &pair), CKR_DOMAIN_PARAMS_INVALID); /* a prime, and no safe one */
    sample_dh_parts("ffdhe2048", parts);
    ck_rv(make((CK_ATTRIBUTE[]){parts[0], {CKA_BASE, base, 1}}, NULL, &pair), CKR_ATTRIBUTE_VALUE_INVALID);
    memcpy(minus_one, parts[0].pValue, PRIME_BYTES);
    minus_one[PRIME_BYTES - 1]--;
    ck_rv(make((CK_ATTRIBUTE[]){parts[0], {CKA_BASE, minus_one, PRIME_BYTES}}, NULL, &pair), CKR_ATTRIBUTE_VALUE_INVALID);
    memcpy(prime, parts[0].pValue, PRIME_BYTES);
    prime[100] ^= 1;
    ck_rv(make((CK_ATTRIBUTE[]){{CKA_PRIME, prime, PRIME_BYTES}, parts[1]}, NULL, &pair), CKR_DOMAIN_PARAMS_INVALID);
    EVP_PKEY_free(given);
    token_stop();
}
END_TEST

/* Oakley's group of 1024 bits (RFC 2409 section 6.2). */
START_TEST(test_short_primes_are_for_the_compatible_policy)
{
    BIGNUM *p = BN_get_rfc2409_prime_1024(NULL);
    CK_BYTE prime[128], base[] = {2};
    CK_ATTRIBUTE parts[] = {{CKA_PRIME, prime, sizeof prime}, {CKA_BASE, base, 1}};
    CK_MECHANISM_INFO info;
    struct token_pair pair;

    ck_assert_int_eq(BN_bn2bin(p, prime), sizeof prime);
    BN_free(p);
    s = token_alice_under(POLICY_MODERN);
    ck_rv(make(parts, NULL, &pair), CKR_KEY_SIZE_RANGE);
    ck_ok(f->C_GetMechanismInfo(0, CKM_DH_PKCS_DERIVE, &info));
    ck_assert_uint_eq(info.ulMinKeySize, 2048);
    token_stop();
    s = token_alice_under(POLICY_COMPATIBLE);
    ck_ok(make(parts, NULL, &pair));
    ck_ok(f->C_GetMechanismInfo(0, CKM_DH_PKCS_DERIVE, &info));
    ck_assert_uint_eq(info.ulMinKeySize, 1024);
    token_stop();
}
END_TEST

/* ---- agreements */

START_TEST(test_two_pairs_agree_and_openssl_with_them)
{
    CK_BYTE mine[PRIME_BYTES], theirs[PRIME_BYTES], a[PRIME_BYTES], b[PRIME_BYTES], right[PRIME_BYTES], half[SAMPLE_DH_BYTES_MAX];
    struct token_pair one, two;
    EVP_PKEY *openssl = sample_dh("ffdhe2048"), *known;
    CK_OBJECT_HANDLE key;
    CK_ULONG mine_n, theirs_n;

    s = token_alice_under(POLICY_COMPATIBLE);
    one = made_in("ffdhe2048");
    two = made_in("ffdhe2048");
    mine_n = read_value(one.public_key, mine, sizeof mine);
    theirs_n = read_value(two.public_key, theirs, sizeof theirs);
    ck_ok(derive(one.private_key, theirs, theirs_n, 0, &key));
    ck_assert_uint_eq(read_value(key, a, sizeof a), PRIME_BYTES);
    ck_ok(derive(two.private_key, mine, mine_n, 0, &key));
    ck_assert_uint_eq(read_value(key, b, sizeof b), PRIME_BYTES);
    ck_assert_mem_eq(a, b, PRIME_BYTES);

    ck_ok(derive(one.private_key, half, sample_public_value(openssl, half), 0, &key));
    read_value(key, a, sizeof a);
    known = token_key_public(s, one.public_key);
    ck_assert_uint_eq(opinion_agrees(openssl, known, right, sizeof right), PRIME_BYTES);
    ck_assert_mem_eq(a, right, PRIME_BYTES);
    ck_ok(derive(one.private_key, half, PRIME_BYTES, 32, &key)); /* which are the last ones */
    ck_assert_uint_eq(read_value(key, a, sizeof a), 32);
    ck_assert_mem_eq(a, right + PRIME_BYTES - 32, 32);
    ck_rv(derive(one.private_key, half, PRIME_BYTES, PRIME_BYTES + 1, &key), CKR_KEY_SIZE_RANGE);
    EVP_PKEY_free(known);
    EVP_PKEY_free(openssl);
    token_stop();
}
END_TEST

/* As a DER INTEGER has them, whose first bit is its sign. */
START_TEST(test_public_number_may_begin_with_zeros)
{
    CK_BYTE mine[PRIME_BYTES + 2] = {0}, a[PRIME_BYTES], b[PRIME_BYTES];
    struct token_pair one, two;
    CK_OBJECT_HANDLE key;
    CK_ULONG n;

    s = token_alice_under(POLICY_COMPATIBLE);
    one = made_in("ffdhe2048");
    two = made_in("ffdhe2048");
    n = read_value(one.public_key, mine + 2, PRIME_BYTES);
    ck_ok(derive(two.private_key, mine + 2, n, 0, &key));
    read_value(key, a, sizeof a);
    for (size_t zeros = 1; zeros <= 2; zeros++) {
        ck_ok(derive(two.private_key, mine + 2 - zeros, n + zeros, 0, &key));
        read_value(key, b, sizeof b);
        ck_assert_mem_eq(a, b, PRIME_BYTES);
    }
    memset(mine, 0, sizeof mine);
    ck_rv(derive(two.private_key, mine, sizeof mine, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

/* A secret that begins with zeros keeps them: one public number in 256 gives such a one, and 5,000 are tried at most. */
START_TEST(test_leading_zeros_are_kept)
{
    CK_BYTE a[PRIME_BYTES], half[PRIME_BYTES];
    struct token_pair pair;
    EVP_PKEY *known;
    BIGNUM *p, *y, *g = BN_new(), *k = BN_new();
    BN_CTX *bn = BN_CTX_new();
    CK_OBJECT_HANDLE key;
    unsigned tries = 0;

    s = token_alice_under(POLICY_COMPATIBLE);
    pair = made_in("ffdhe2048");
    known = token_key_public(s, pair.public_key);
    p = y = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(known, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(known, OSSL_PKEY_PARAM_PUB_KEY, &y), 1);
    do { /* y^k < 2^2040: what the token agrees on with g^k */
        ck_assert_uint_lt(++tries, 5000);
        ck_assert(BN_set_word(k, tries + 1) == 1 && BN_mod_exp(g, y, k, p, bn) == 1);
    } while (BN_num_bytes(g) == PRIME_BYTES);
    ck_assert_int_eq(BN_bn2binpad(g, half, PRIME_BYTES), PRIME_BYTES); /* what is expected */
    ck_assert(BN_set_word(g, 2) == 1 && BN_mod_exp(g, g, k, p, bn) == 1);
    {
        CK_BYTE other[PRIME_BYTES];
        CK_ULONG n = (CK_ULONG)BN_bn2bin(g, other);
        ck_ok(derive(pair.private_key, other, n, 0, &key));
    }
    ck_assert_uint_eq(read_value(key, a, sizeof a), PRIME_BYTES);
    ck_assert_uint_eq(a[0], 0);
    ck_assert_mem_eq(a, half, PRIME_BYTES);
    BN_free(p);
    BN_free(y);
    BN_free(g);
    BN_free(k);
    BN_CTX_free(bn);
    EVP_PKEY_free(known);
    token_stop();
}
END_TEST

/* 0, 1 and p - 1 make the same of any key, or tell a bit of it; p and what follows are no numbers of the field. */
START_TEST(test_public_numbers_that_tell_are_refused)
{
    CK_BYTE number[PRIME_BYTES + 1] = {0};
    CK_ATTRIBUTE parts[2];
    struct token_pair pair;
    CK_OBJECT_HANDLE key;
    CK_BYTE *last = &number[PRIME_BYTES - 1];

    s = token_alice_under(POLICY_COMPATIBLE);
    pair = made_in("ffdhe2048");
    sample_dh_parts("ffdhe2048", parts);
    ck_rv(derive(pair.private_key, NULL, 0, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(derive(pair.private_key, number, 0, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    for (CK_BYTE low = 0; low < 2; low++) {
        *last = low;
        ck_rv(derive(pair.private_key, number, PRIME_BYTES, 0, &key), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(derive(pair.private_key, last, 1, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    }
    memcpy(number, parts[0].pValue, PRIME_BYTES);
    ck_rv(derive(pair.private_key, number, PRIME_BYTES, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    (*last)--;
    ck_rv(derive(pair.private_key, number, PRIME_BYTES, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    memset(number, 0xff, PRIME_BYTES);
    ck_rv(derive(pair.private_key, number, PRIME_BYTES, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(derive(pair.private_key, number, PRIME_BYTES + 1, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    *last = 4; /* a square: of the order that it should have */
    ck_ok(derive(pair.private_key, last, 1, 0, &key));
    token_stop();
}
END_TEST

START_TEST(test_agreement_of_a_closed_key_is_closed_under_the_modern_policy)
{
    CK_BYTE half[SAMPLE_DH_BYTES_MAX];
    EVP_PKEY *openssl = sample_dh("ffdhe2048");
    size_t n = sample_public_value(openssl, half);
    CK_MECHANISM m = {CKM_DH_PKCS_DERIVE, half, n};
    struct token_pair pair;
    CK_OBJECT_HANDLE key;

    s = token_alice_under(POLICY_MODERN);
    pair = made_in("ffdhe2048");
    ck_rv(derive(pair.private_key, half, n, 0, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(f->C_DeriveKey(s, &m, pair.private_key, NULL, 0, &key));
    ck_assert(token_flag(s, key, CKA_SENSITIVE) && !token_flag(s, key, CKA_EXTRACTABLE));
    EVP_PKEY_free(openssl);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_pairs_are_made_in_the_groups_of_the_standards,
        &test_length_of_the_private_number_is_the_templates_within_reason,
        &test_no_pair_is_made_in_a_group_that_tells,
        &test_short_primes_are_for_the_compatible_policy,
        &test_two_pairs_agree_and_openssl_with_them,
        &test_public_number_may_begin_with_zeros,
        &test_leading_zeros_are_kept,
        &test_public_numbers_that_tell_are_refused,
        &test_agreement_of_a_closed_key_is_closed_under_the_modern_policy,
        NULL,
    };

    return suite_of("module_dh", 120, tests);
}
