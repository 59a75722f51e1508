/* NIST's vectors of Diffie-Hellman over finite fields, and others in their form, through the token and against what works with private
 * numbers in the vault; the groups of the RFCs, with OpenSSL alone at the other end.
 *
 * NIST's groups and RFC 5114's have subgroups, and their primes are no safe ones: no key comes to be in them, which is held; what is agreed
 * on in them is held below the check that refuses them. */
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/digest.h"
#include "tests/unit/cavp.h"
#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token_key.h"
#include "vault/provider/field_group.h"
#include "vault/provider/shared_secret.h"

static struct cavp_bytes p, g, x, y, z;
static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void start(void)
{
    local_node_policy = POLICY_COMPATIBLE;
    token_start_with_users();
    s = token_alice();
}

/* Digits of a decimal number. */
static void take_decimal(const struct cavp *c, const char *name, struct cavp_bytes *out)
{
    BIGNUM *n = NULL;

    ck_assert_int_ne(BN_dec2bn(&n, cavp_text(c, name)), 0);
    out->n = (size_t)BN_bn2bin(n, out->at);
    BN_free(n);
}

/* The public number that the private one makes. */
static bool makes_public_number(void)
{
    BIGNUM *prime = BN_bin2bn(p.at, (int)p.n, NULL), *number = BN_bin2bn(g.at, (int)g.n, NULL);
    BIGNUM *exponent = BN_bin2bn(x.at, (int)x.n, NULL), *right = BN_bin2bn(y.at, (int)y.n, NULL);
    BN_CTX *ctx = BN_CTX_new();
    bool same = BN_mod_exp(number, number, exponent, prime, ctx) == 1 && BN_cmp(number, right) == 0;

    BN_CTX_free(ctx);
    BN_free(right);
    BN_free(exponent);
    BN_free(number);
    BN_free(prime);
    return same;
}

/* ---- through the token */

static CK_RV bring(CK_OBJECT_HANDLE *made)
{
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_DH;
    CK_ATTRIBUTE parts[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_DERIVE, &yes, 1},
                            {CKA_PRIME, p.at, p.n}, {CKA_BASE, g.at, g.n}, {CKA_VALUE, x.at, x.n}};

    return f->C_CreateObject(s, parts, 6, made);
}

/* What the key and a public number have in common; returns its length. */
static CK_ULONG agree(CK_OBJECT_HANDLE key, CK_BYTE *other, CK_ULONG n, CK_BYTE out[SAMPLE_DH_BYTES_MAX])
{
    CK_MECHANISM m = {CKM_DH_PKCS_DERIVE, other, n};
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SENSITIVE, &no, 1},
                        {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE value = {CKA_VALUE, out, SAMPLE_DH_BYTES_MAX};
    CK_OBJECT_HANDLE made;

    ck_ok(f->C_DeriveKey(s, &m, key, t, 4, &made));
    ck_ok(f->C_GetAttributeValue(s, made, &value, 1));
    ck_ok(f->C_DestroyObject(s, made));
    return value.ulValueLen;
}

/* Botan's: one's private number, the other's public one. */
static void botan_file(void)
{
    struct cavp *c = cavp_open("asymmetric/DH/vec.txt");

    while (cavp_next(c)) {
        CK_BYTE got[SAMPLE_DH_BYTES_MAX];
        CK_OBJECT_HANDLE key;
        if (!cavp_has(c, "K"))
            continue;
        take_decimal(c, "P", &p);
        take_decimal(c, "G", &g);
        take_decimal(c, "X", &x);
        take_decimal(c, "Y", &y);
        cavp_bytes(c, "K", &z);
        if (p.n * 8 < FIELD_BITS_MIN) {
            ck_rv(bring(&key), CKR_KEY_SIZE_RANGE);
            cavp_skip("primes below 1024 bits, which hold no key");
            continue;
        }
        ck_ok(bring(&key));
        cavp_held(c, agree(key, y.at, y.n, got) == z.n && memcmp(got, z.at, z.n) == 0);
    }
}

/* A key alone: with the base as the other's number, its own public one comes out. */
static void key_file(void)
{
    struct cavp *c = cavp_open("asymmetric/DH/dhkey.txt");

    while (cavp_next(c)) {
        CK_BYTE got[SAMPLE_DH_BYTES_MAX] = {0};
        CK_OBJECT_HANDLE key;
        CK_ULONG n;
        cavp_bytes(c, "P", &p);
        cavp_bytes(c, "X", &x);
        cavp_bytes(c, "Y", &y);
        g.n = 1;
        g.at[0] = (uint8_t)cavp_number(c, "G");
        ck_ok(bring(&key));
        n = agree(key, g.at, g.n, got);
        cavp_held(c, makes_public_number() && n <= y.n && memcmp(got, y.at + y.n - n, n) == 0);
    }
}

START_TEST(test_agreements_are_as_published)
{
    start();
    botan_file();
    key_file();
    cavp_skip_file("asymmetric/DH/bad_exchange.txt", "pairs of 512 bits, which hold no key");
    cavp_report("DH");
    token_stop();
}
END_TEST

/* ---- groups with subgroups */

static void take_group(const struct cavp *c)
{
    cavp_bytes(c, "P", &p);
    cavp_bytes(c, "G", &g);
}

/* Without the check of its group, which has to refuse it; NULL: the number is not in range. */
static struct key *own_key(const struct cavp *c)
{
    struct key_part parts[3];
    struct key *key = NULL;

    take_group(c);
    cavp_bytes(c, "XstatIUT", &x);
    parts[0] = (struct key_part){CKA_PRIME, p.at, p.n};
    parts[1] = (struct key_part){CKA_BASE, g.at, g.n};
    parts[2] = (struct key_part){CKA_VALUE, x.at, x.n};
    return key_load(NULL, CKK_DH, parts, 3, &key) == ERR_OK ? key : NULL;
}

static bool agrees(const struct cavp *c)
{
    struct key *key = own_key(c);
    struct secret made = {0};
    bool ok;

    ck_assert_ptr_nonnull(key);
    ck_assert_int_eq(key_check(NULL, key), ERR_DOMAIN_PARAMS);
    cavp_bytes(c, "YstatCAVS", &y);
    cavp_bytes(c, "Z", &z);
    ok = shared_secret_field(NULL, key, (struct kdf_bytes){y.at, y.n}, &made) == ERR_OK && made.len == z.n &&
         memcmp(made.bytes, z.at, z.n) == 0;
    secret_clear(&made);
    key_free(key);
    return ok;
}

/* "[FA - SHA1]"; RFC 5114 has none. */
static bool is_hashed(const struct cavp *c)
{
    const char *theirs = strstr(cavp_section(c), "SHA");
    uint8_t digest[DIGEST_BYTES_MAX];
    static struct cavp_bytes right;
    size_t n = 0;

    if (!cavp_has(c, "CAVSHashZZ"))
        return true;
    ck_assert_ptr_nonnull(theirs);
    ck_assert_int_eq(digest_once(NULL, theirs, z.at, z.n, digest, &n), ERR_OK);
    cavp_bytes(c, "CAVSHashZZ", &right);
    return right.n == n && memcmp(right.at, digest, n) == 0;
}

/* "F (1 - CAVS's Static public key fails PKV 5.6.2.4)": it is out of the subgroup, and a key of CKK_DH has no CKA_SUBPRIME to tell by. The
 * same of one's own, which is not even taken (3). */
static bool says_nothing(const struct cavp *c)
{
    return strstr(cavp_text(c, "Result"), "fails PKV") != NULL;
}

/* In the token each group's first key is refused. */
static void subgroup_file(const char *name)
{
    struct cavp *c = cavp_open(name);
    static struct cavp_bytes refused;

    while (cavp_next(c)) {
        CK_OBJECT_HANDLE none;
        if (!cavp_has(c, "Result"))
            continue;
        take_group(c);
        if (refused.n != p.n || memcmp(refused.at, p.at, p.n) != 0) {
            cavp_bytes(c, "XstatIUT", &x);
            ck_rv(bring(&none), CKR_DOMAIN_PARAMS_INVALID);
            refused = p;
        }
        if (says_nothing(c))
            cavp_skip("public numbers out of the subgroup, which a key of CKK_DH cannot tell");
        else
            cavp_held(c, (agrees(c) && is_hashed(c)) == (cavp_text(c, "Result")[0] == 'P'));
    }
}

START_TEST(test_groups_with_subgroups_are_refused_and_agree_as_nist_has_it)
{
    start();
    subgroup_file("asymmetric/DH/KASValidityTest_FFCStatic_NOKC_ZZOnly_init.fax");
    subgroup_file("asymmetric/DH/KASValidityTest_FFCStatic_NOKC_ZZOnly_resp.fax");
    subgroup_file("asymmetric/DH/RFC5114.txt");
    cavp_report("DH in groups that the token refuses");
    token_stop();
}
END_TEST

/* ---- groups of the RFCs */

/* Both ways: the token's pair with OpenSSL's public number is OpenSSL's with the token's. */
static void agree_with_openssl(const char *group)
{
    CK_MECHANISM m = {CKM_DH_PKCS_KEY_PAIR_GEN, NULL, 0};
    EVP_PKEY *openssl = sample_dh(group), *ours;
    CK_BYTE theirs[SAMPLE_DH_BYTES_MAX], got[SAMPLE_DH_BYTES_MAX], right[SAMPLE_DH_BYTES_MAX];
    CK_ATTRIBUTE parts[] = {{CKA_PRIME, p.at, p.n}, {CKA_BASE, g.at, g.n}}, derives = {CKA_DERIVE, &yes, 1};
    struct token_pair pair;
    BIGNUM *known = NULL;
    CK_ULONG n;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(openssl, OSSL_PKEY_PARAM_FFC_P, &known), 1);
    ck_assert_msg(BN_bn2bin(known, theirs) == (int)p.n && memcmp(theirs, p.at, p.n) == 0, "%s", group);
    BN_free(known);
    ck_ok(f->C_GenerateKeyPair(s, &m, parts, 2, &derives, 1, &pair.public_key, &pair.private_key));
    n = agree(pair.private_key, theirs, sample_public_value(openssl, theirs), got);
    ours = token_key_public(s, pair.public_key);
    ck_assert_uint_eq(opinion_agrees(openssl, ours, right, sizeof right), p.n);
    ck_assert_msg(n == p.n && memcmp(got, right, n) == 0, "%s", group);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(openssl);
}

START_TEST(test_groups_of_rfc_3526_are_as_published_and_agree_with_openssl)
{
    struct cavp *c = cavp_open("asymmetric/DH/rfc3526.txt");

    start();
    while (cavp_next(c)) {
        BIGNUM *prime, *base;
        char group[32];
        if (!cavp_has(c, "P"))
            continue;
        cavp_bytes(c, "P", &p);
        g.n = 1;
        g.at[0] = (uint8_t)cavp_number(c, "G");
        prime = BN_bin2bn(p.at, (int)p.n, NULL);
        base = BN_bin2bn(g.at, (int)g.n, NULL);
        cavp_held(c, field_group_is_known(NULL, prime, base));
        snprintf(group, sizeof group, "modp_%zu", 8 * p.n);
        agree_with_openssl(group);
        BN_free(base);
        BN_free(prime);
    }
    cavp_report("DH groups of RFC 3526");
    token_stop();
}
END_TEST

/* 2^bits * e, rounded down: of 1/k! no more than one is lost for each k. */
static void put_e(BIGNUM *e, int bits)
{
    enum { SPARE = 64 };
    BIGNUM *term = BN_new();

    BN_zero(e);
    ck_assert_int_eq(BN_set_bit(term, bits + SPARE), 1);
    for (BN_ULONG k = 1; !BN_is_zero(term); k++) {
        ck_assert_int_eq(BN_add(e, e, term), 1);
        ck_assert(BN_div_word(term, k) != (BN_ULONG)-1);
    }
    ck_assert_int_eq(BN_rshift(e, e, SPARE), 1);
    BN_free(term);
}

/* RFC 7919 appendix A: p = 2^b - 2^(b - 64) + ([2^(b - 130) e] + X) * 2^64 - 1, with the least X that makes it a safe prime. */
static void put_ffdhe(int bits, BN_ULONG least)
{
    BIGNUM *prime = BN_new(), *part = BN_new(), *one = BN_new();

    put_e(prime, bits - 130);
    ck_assert(BN_add_word(prime, least) == 1 && BN_lshift(prime, prime, 64) == 1 && BN_sub_word(prime, 1) == 1);
    ck_assert(BN_one(one) == 1 && BN_lshift(part, one, bits) == 1 && BN_add(prime, prime, part) == 1);
    ck_assert(BN_lshift(part, one, bits - 64) == 1 && BN_sub(prime, prime, part) == 1);
    p.n = (size_t)BN_bn2bin(prime, p.at);
    g.n = 1;
    g.at[0] = 2;
    BN_free(one);
    BN_free(part);
    BN_free(prime);
}

START_TEST(test_groups_of_rfc_7919_are_as_defined_and_agree_with_openssl)
{
    static const struct {
        int bits;
        BN_ULONG least;
    } groups[] = {{2048, 560316}, {3072, 2625351}, {4096, 5736041}, {6144, 15705020}, {8192, 10965728}};

    start();
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        char group[32];
        put_ffdhe(groups[i].bits, groups[i].least);
        snprintf(group, sizeof group, "ffdhe%d", groups[i].bits);
        agree_with_openssl(group);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_agreements_are_as_published,
        &test_groups_with_subgroups_are_refused_and_agree_as_nist_has_it,
        &test_groups_of_rfc_3526_are_as_published_and_agree_with_openssl,
        &test_groups_of_rfc_7919_are_as_defined_and_agree_with_openssl,
        NULL,
    };

    return suite_of("cavp_dh", 300, tests);
}
