/* SSH's derivation: NIST's examples (CAVP, SP 800-135: the second of SHA-1 and one of SHA-384, whose sessions are not the first exchange),
 * every hash, letter and number of blocks by OpenSSL's digest alone, and what is refused. */
#include <string.h>

#include <openssl/evp.h>

#include "common/hex.h"
#include "tests/unit/runner.h"
#include "tests/unit/secret_key.h"
#include "vault/provider/derive.h"

enum { BYTES_MAX = 512, LETTERS = 6, BLOCKS = 3, HASH_BYTES_MAX = 64 };

static struct secret made;

static size_t bytes_of(const char *hex, uint8_t out[BYTES_MAX])
{
    size_t n = 0;

    ck_assert(hex_decode(hex, out, BYTES_MAX, &n));
    return n;
}

static struct key *generic(const void *bytes, size_t n)
{
    return secret_key(CKK_GENERIC_SECRET, bytes, n);
}

struct call {
    Hsm__Mechanism given;
    Hsm__SshkdfParams ssh;
    uint8_t hash[BYTES_MAX], session[BYTES_MAX];
    struct derive d;
};

static struct call *call(CK_MECHANISM_TYPE hash, const struct key *base)
{
    static struct call c;

    hsm__mechanism__init(&c.given);
    hsm__sshkdf_params__init(&c.ssh);
    c.given.type = KRM_SSHKDF_DERIVE;
    c.given.sshkdf = &c.ssh;
    c.ssh.hash = hash;
    c.ssh.letter = 'A';
    c.ssh.exchange_hash.data = c.hash;
    c.ssh.session_id.data = c.session;
    c.d = (struct derive){.mechanism = mechanism_find(KRM_SSHKDF_DERIVE), .given = &c.given, .base = base};
    return &c;
}

/* ---- NIST's */

static const struct example {
    CK_MECHANISM_TYPE hash;
    const char *key, *exchange, *session, *made[LETTERS];
} examples[] = {
    {CKM_SHA_1,
     "0000008100ec6f2c5f0517fd92f730567bd783138302917c277552b1b3fdf2b67d6edb6fa81bd17f7ebbe339b54b171341e6522b91611f8274cc88652a45"
     "8f8041261040818a268497e949e12f57271318b2b3194c29760cbb767c0fc8833b272994e18682da807e6c9f235d88ef89c203c6f756d25cc2bea199b02c"
     "955b8b40cbc04f9208",
     "ee40eef61bea3da8c2b1cec40fc4cdac892a2626", "ca9aad244e24797fd348d1250387c8aa45a0110a",
     {"55a1015757de84cb", "7e57f61d5735f4fb", "dd1c24bde1af845e82207541e3e173aec822fb904a94ae3c",
      "cbbfdc9442af6db7f8c4dcaa4b0b5d0163e0e204476aa2a0", "e153e04886c0dc446dde9a9b3b13efb77151764d",
      "c8e4f61bd6b5abb2c6e06eca7b302349435e4842"}},
    {CKM_SHA384,
     "000000801b8e7d2292f95d97c99e9c93fcc681f2a446437d7595137f761eb9351f50cfb71988aad2d9611a5e3d32c58b1efef596b2b495c12355b6caa5c6"
     "47237670c7cbeb7b7ef5d39b600b44ab1cecc7ff454981f70366f5dc95f790c9744e55b0b5cee770df10dc3f081b8774b4735c86917384ed7da0b597bd93"
     "2e676b7ef6fe2cd3",
     "d1ecf201e213b656e7e002d26b263ead5ef6f265a2cfd05eb83985dbc1dd0620f729800a92f676e6c8219aadbea0a037",
     "fc6bb80f9116c6746603327d5338e853f37b06593402e31bf5a43abd5e6de8f26166bb572ce0c88360a7bbbe83d0377b",
     {"b2ada53484907db5", "89224486fcb33030", "38ccc00303d5aaf748f3c11d986b99f9bf36049a6f7ea92f",
      "f8a7a4b2e1d28c6a38e120a2cb876ed49f454ea2aabc3a99",
      "9f42ab15d0b041019960ff6a5a12e209c427dc334434126399fb8850ec8feda957b74f1976b4c8a97906d7d64c5c2a83",
      "d383bedd3b80ddc470db9b819893e85dfab9e359e40bc77576e23ed8c5e73beecefb511ccdf1eb66416c271be5f90199"}},
};

START_TEST(test_all_letters_are_as_nist_has_them)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *x = &examples[i];
        uint8_t k[BYTES_MAX], right[BYTES_MAX];
        struct key *base = generic(k, bytes_of(x->key, k));
        struct call *c = call(x->hash, base);
        c->ssh.exchange_hash.len = bytes_of(x->exchange, c->hash);
        c->ssh.session_id.len = bytes_of(x->session, c->session);
        for (size_t j = 0; j < LETTERS; j++) {
            size_t n = bytes_of(x->made[j], right);
            c->ssh.letter = (uint32_t)('A' + j);
            ck_assert_uint_eq(derive_bytes(&c->d), 0);
            ck_assert_int_eq(derive_value(&c->d, n, &made), ERR_OK);
            ck_assert_uint_eq(made.len, n);
            ck_assert_mem_eq(made.bytes, right, n);
        }
        key_free(base);
    }
}
END_TEST

/* ---- by hand */

static void add(EVP_MD_CTX *ctx, const void *bytes, size_t n)
{
    ck_assert_int_eq(EVP_DigestUpdate(ctx, bytes, n), 1);
}

/* K1 = HASH(K || H || letter || session), and every further block HASH(K || H || all blocks before). */
static void by_hand(const char *hash, const struct call *c, const void *k, size_t k_n, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(NULL, hash, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const uint8_t letter = (uint8_t)c->ssh.letter;
    unsigned block = 0;
    size_t whole = 0;

    for (int i = 0; i < BLOCKS; i++, whole += block) {
        ck_assert_int_eq(EVP_DigestInit_ex(ctx, md, NULL), 1);
        add(ctx, k, k_n);
        add(ctx, c->hash, c->ssh.exchange_hash.len);
        if (i == 0)
            add(ctx, &letter, 1);
        add(ctx, i == 0 ? c->session : out, i == 0 ? c->ssh.session_id.len : whole);
        ck_assert_int_eq(EVP_DigestFinal_ex(ctx, out + whole, &block), 1);
    }
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
}

START_TEST(test_every_hash_gives_what_its_digests_are)
{
    static const uint8_t k[] = "\0\0\0\x1bwhat both sides have agreed";
    struct key *base = generic(k, sizeof k - 1);
    unsigned tried = 0;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const char *hash = mechanism_hash_name(mechanism_at(i)->type);
        struct call *c = call(mechanism_at(i)->type, base);
        uint8_t right[BLOCKS * HASH_BYTES_MAX];
        size_t n = mechanism_hash_bytes(hash), lengths[] = {1, n, n + 1, BLOCKS * n};
        if (hash == NULL)
            continue;
        c->ssh.exchange_hash.len = n;
        c->ssh.session_id.len = 20;
        memset(c->hash, 0x51, n);
        memset(c->session, 0x52, 20);
        for (c->ssh.letter = 'A'; c->ssh.letter <= 'F'; c->ssh.letter++)
            for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
                by_hand(hash, c, k, sizeof k - 1, right);
                ck_assert_msg(derive_value(&c->d, lengths[j], &made) == ERR_OK, "%s", hash);
                ck_assert_uint_eq(made.len, lengths[j]);
                ck_assert_msg(memcmp(made.bytes, right, lengths[j]) == 0, "%s, %c", hash, (int)c->ssh.letter);
            }
        tried++;
    }
    ck_assert_uint_ge(tried, 11);
    key_free(base);
}
END_TEST

/* ---- what is refused */

static struct call *good(const struct key *base)
{
    struct call *c = call(CKM_SHA256, base);

    c->ssh.letter = 'C';
    c->ssh.exchange_hash.len = c->ssh.session_id.len = 32;
    return c;
}

static void refuses(const struct call *c, enum err expected)
{
    ck_assert_int_eq(derive_check(&c->d), expected);
    ck_assert_int_eq(derive_value(&c->d, 16, &made), expected);
}

START_TEST(test_what_the_rfc_does_not_have_is_refused)
{
    static const uint32_t letters[] = {0, 'A' - 1, 'G', 'a', 'A' + 0x100, ~0u};
    static const CK_MECHANISM_TYPE hashes[] = {0, CKM_SHA256_HMAC, CKM_SHA256_RSA_PKCS, CKM_SHA384, CKM_SHA_1, CK_UNAVAILABLE_INFORMATION};
    static const size_t lengths[] = {0, 31, 33, 64, 65, 400};
    uint8_t k[32] = {0};
    struct key *base = generic(k, sizeof k);
    struct call *c;

    ck_assert_int_eq(derive_check(&good(base)->d), ERR_OK);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        c = good(base);
        c->ssh.letter = letters[i];
        refuses(c, ERR_MECHANISM_PARAM);
    }
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        c = good(base);
        c->ssh.hash = hashes[i];
        refuses(c, ERR_MECHANISM_PARAM);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        c = good(base);
        c->ssh.exchange_hash.len = lengths[i];
        refuses(c, ERR_MECHANISM_PARAM);
        c = good(base);
        c->ssh.session_id.len = lengths[i];
        if (lengths[i] == 0 || lengths[i] > HASH_BYTES_MAX)
            refuses(c, ERR_MECHANISM_PARAM);
        else
            ck_assert_int_eq(derive_check(&c->d), ERR_OK);
    }
    c = good(base);
    c->d.n_others = 1;
    ck_assert_int_eq(derive_check(&c->d), ERR_KEY_HANDLE);
    key_free(base);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_all_letters_are_as_nist_has_them,
        &test_every_hash_gives_what_its_digests_are,
        &test_what_the_rfc_does_not_have_is_refused,
        NULL,
    };

    return suite_of("ssh_kdf", 20, tests);
}
