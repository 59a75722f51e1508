/* NIST's vectors of DSA against what checks signatures in the module and what works with private keys in the vault: signatures, pairs,
 * groups. */
#include <string.h>

#include <openssl/bn.h>

#include "crypto/digest.h"
#include "crypto/field.h"
#include "crypto/verify.h"
#include "tests/unit/cavp.h"
#include "tests/unit/runner.h"
#include "vault/provider/field_group.h"
#include "vault/provider/sign.h"

/* What a record has. */
static struct cavp_bytes p, q, g, x, y, message, number;
static uint8_t digest[DIGEST_BYTES_MAX], signature[SIGNATURE_BYTES_MAX];
static size_t digest_n, signature_n;

/* The lines in brackets are "mod = L=1024, N=160, SHA-1", or "mod = 1024": then SHA-1 is meant. */
static const struct mechanism *row_of(const struct cavp *c)
{
    const char *theirs = strstr(cavp_text(c, "["), "SHA-");
    const char *digits = theirs != NULL ? theirs + 4 : "1";

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        if (row->family == FAMILY_DSA && row->hash != NULL && strcmp(row->hash + 3, digits) == 0)
            return row;
    }
    ck_abort_msg("no row with SHA-%s", digits);
}

static void take_group(const struct cavp *c)
{
    cavp_bytes(c, "P", &p);
    cavp_bytes(c, "Q", &q);
    cavp_bytes(c, "G", &g);
}

/* NULL: refused. */
static struct public_key *public_of(const struct cavp *c)
{
    struct public_field parts;
    struct public_key *key = NULL;

    take_group(c);
    cavp_bytes(c, "Y", &y);
    parts = (struct public_field){{p.at, p.n}, {q.at, q.n}, {g.at, g.n}, {y.at, y.n}};
    return public_key_field(NULL, CKK_DSA, &parts, &key) == ERR_OK ? key : NULL;
}

static struct key *private_of(const struct cavp *c)
{
    struct key_part parts[4];
    struct key *key = NULL;

    take_group(c);
    cavp_bytes(c, "X", &x);
    parts[0] = (struct key_part){CKA_PRIME, p.at, p.n};
    parts[1] = (struct key_part){CKA_SUBPRIME, q.at, q.n};
    parts[2] = (struct key_part){CKA_BASE, g.at, g.n};
    parts[3] = (struct key_part){CKA_VALUE, x.at, x.n};
    ck_assert_int_eq(key_load(NULL, CKK_DSA, parts, 4, &key), ERR_OK);
    return key;
}

/* ---- signatures */

/* By the row with the hash inside, and by the one without. */
static bool verifies(const struct mechanism *row, const struct public_key *key)
{
    const struct verify hashed = {.mechanism = row, .key = key}, bare = {.mechanism = mechanism_find(CKM_DSA), .key = key};
    enum err e = verify_signature(&hashed, digest, digest_n, signature, signature_n);

    ck_assert_int_eq(verify_signature(&bare, digest, digest_n, signature, signature_n), e);
    ck_assert(e == ERR_OK || e == ERR_SIGNATURE);
    return e == ERR_OK;
}

/* False: it is longer than signatures have it. */
static bool put_number(const struct cavp *c, const char *name, size_t bytes, uint8_t *to)
{
    cavp_bytes(c, name, &number);
    if (number.n > bytes)
        return false;
    memset(to, 0, bytes - number.n);
    memcpy(to + bytes - number.n, number.at, number.n);
    return true;
}

static void try_signing(const struct cavp *c, const struct mechanism *row, const struct public_key *half)
{
    struct key *key = private_of(c);
    const struct sign hashed = {.mechanism = row, .key = key}, bare = {.mechanism = mechanism_find(CKM_DSA), .key = key};

    ck_assert_int_eq(sign_data(&hashed, digest, digest_n, signature, &signature_n), ERR_OK);
    cavp_held(c, signature_n == 2 * key_number_bytes(key) && verifies(row, half));
    ck_assert_int_eq(sign_data(&bare, digest, digest_n, signature, &signature_n), ERR_OK);
    cavp_held(c, signature_n == 2 * key_number_bytes(key) && verifies(row, half));
    key_free(key);
}

/* Where no result stands beside, the signature is good; where the private number does, others are made. */
static void signature_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        bool good = !cavp_has(c, "Result") || cavp_text(c, "Result")[0] == 'P', fits;
        const struct mechanism *row;
        struct public_key *half;
        size_t n;
        if (!cavp_has(c, "S"))
            continue;
        row = row_of(c);
        if ((half = public_of(c)) == NULL) { /* "Y changed" may be in no group any more */
            cavp_held(c, !good);
            continue;
        }
        n = public_key_number_bytes(half);
        cavp_bytes(c, "Msg", &message);
        ck_assert_int_eq(digest_once(NULL, row->hash, message.at, message.n, digest, &digest_n), ERR_OK);
        fits = put_number(c, "R", n, signature) && put_number(c, "S", n, signature + n);
        signature_n = 2 * n;
        cavp_held(c, good == (fits && verifies(row, half)));
        if (good && cavp_has(c, "X"))
            try_signing(c, row, half);
        public_key_free(half);
    }
}

START_TEST(test_signatures_are_as_nist_has_them)
{
    signature_file("asymmetric/DSA/FIPS_186-2/SigVer.rsp");
    signature_file("asymmetric/DSA/FIPS_186-2/SigGen.txt");
    signature_file("asymmetric/DSA/FIPS_186-3/SigVer.rsp");
    signature_file("asymmetric/DSA/FIPS_186-3/SigGen.txt");
    cavp_report("DSA");
}
END_TEST

/* ---- pairs */

static void pair_file(const char *name)
{
    struct cavp *c = cavp_open(name);
    bool looked_at = false;

    while (cavp_next(c)) {
        struct secret made = {0};
        struct key *key;
        looked_at = looked_at && !cavp_has(c, "P");
        if (!cavp_has(c, "X"))
            continue;
        key = private_of(c);
        cavp_bytes(c, "Y", &y);
        cavp_held(c, (looked_at || key_check(NULL, key) == ERR_OK) && key_public_part(key, CKA_VALUE, &made) == ERR_OK && made.len <= y.n &&
                         memcmp(made.bytes, y.at + y.n - made.len, made.len) == 0);
        looked_at = true; /* the group of all that follow */
        secret_clear(&made);
        key_free(key);
    }
}

START_TEST(test_pairs_are_as_nist_has_them)
{
    pair_file("asymmetric/DSA/FIPS_186-2/KeyPair.rsp");
    pair_file("asymmetric/DSA/FIPS_186-3/KeyPair.rsp");
    cavp_report("DSA pairs");
}
END_TEST

/* ---- groups */

static BIGNUM *number_of(const struct cavp *c, const char *name)
{
    cavp_bytes(c, name, &number);
    return BN_bin2bn(number.at, (int)number.n, NULL);
}

/* Where primes stand alone, a base as FIPS 186-4 appendix A.2.1 makes it: 2 ^ ((p - 1) / q). */
static BIGNUM *base_of(const struct cavp *c, const BIGNUM *prime, const BIGNUM *subprime)
{
    BIGNUM *exponent, *base;
    BN_CTX *ctx;

    if (cavp_has(c, "G"))
        return number_of(c, "G");
    ctx = BN_CTX_new();
    exponent = BN_dup(prime);
    base = BN_new();
    ck_assert(BN_sub_word(exponent, 1) == 1 && BN_div(exponent, NULL, exponent, subprime, ctx) == 1 && BN_set_word(base, 2) == 1 &&
              BN_mod_exp(base, base, exponent, prime, ctx) == 1);
    BN_free(exponent);
    BN_CTX_free(ctx);
    return base;
}

/* A wrong seed makes no wrong group, and another base by the canonical way (A.2.3) may have the right order. */
static bool says_nothing(const struct cavp *c)
{
    const char *result = cavp_text(c, "Result");

    return strstr(result, "produce") != NULL || (result[0] == 'F' && cavp_has(c, "domain_parameter_seed"));
}

static void group_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        BIGNUM *prime, *subprime, *base;
        if (!cavp_has(c, "Result"))
            continue;
        if (says_nothing(c)) {
            cavp_skip("groups of which only the seed is wrong, and nobody gives us that");
            continue;
        }
        prime = number_of(c, "P");
        subprime = number_of(c, "Q");
        base = base_of(c, prime, subprime);
        cavp_held(c, (cavp_text(c, "Result")[0] == 'P') == (field_check(CKK_DSA, prime, subprime, base) == ERR_OK &&
                                                            field_group_check(NULL, CKK_DSA, prime, subprime, base) == ERR_OK));
        BN_free(prime);
        BN_free(subprime);
        BN_free(base);
    }
}

START_TEST(test_groups_are_judged_as_nist_does)
{
    group_file("asymmetric/DSA/FIPS_186-2/PQGVer.rsp");
    group_file("asymmetric/DSA/FIPS_186-3/PQGVer.rsp");
    cavp_report("DSA groups");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_signatures_are_as_nist_has_them,
        &test_pairs_are_as_nist_has_them,
        &test_groups_are_judged_as_nist_does,
        NULL,
    };

    return suite_of("cavp_dsa", 300, tests);
}
