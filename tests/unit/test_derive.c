/* Derivations: each family against a published value or against OpenSSL called in another way, and what must be
 * refused. */
#include "tests/unit/secret_key.h"
#include "vault/provider/derive.h"

#include <string.h>

#include <openssl/evp.h>

#include "common/hex.h"
#include "tests/unit/runner.h"
#include "vault/provider/generate.h"
#include "vault/provider/kdf.h"

enum { OUT_MAX = 512 };

static struct secret made;

static struct key *generic(const char *hex)
{
    uint8_t bytes[OUT_MAX];
    size_t n = 0;

    ck_assert(hex_decode(hex, bytes, sizeof bytes, &n));
    return secret_key(CKK_GENERIC_SECRET, bytes, n);
}

static ProtobufCBinaryData wire(const void *bytes, size_t n)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bytes, .len = n};
}

static void is_hex(const char *hex)
{
    uint8_t bytes[OUT_MAX];
    size_t n = 0;

    ck_assert(hex_decode(hex, bytes, sizeof bytes, &n));
    ck_assert_uint_eq(made.len, n);
    ck_assert_mem_eq(made.bytes, bytes, n);
}

struct call {
    Hsm__Mechanism given;
    struct derive d;
};

static struct call *call(CK_MECHANISM_TYPE type, const struct key *base)
{
    static struct call c;

    hsm__mechanism__init(&c.given);
    c.given.type = type;
    c.d = (struct derive){.mechanism = mechanism_find(type), .given = &c.given, .base = base};
    ck_assert_ptr_nonnull(c.d.mechanism);
    return &c;
}

static void derives(const struct call *c, size_t n)
{
    ck_assert_int_eq(derive_value(&c->d, n, &made), ERR_OK);
    ck_assert_uint_eq(made.len, n);
}

static void refuses(const struct call *c, size_t n, enum err expected)
{
    ck_assert_int_eq(derive_value(&c->d, n, &made), expected);
}

static void with_other(struct call *c, const struct key *const *other)
{
    c->d.others = other;
    c->d.n_others = 1;
}

/* ---- bytes */

START_TEST(test_keys_are_joined_and_cut_at_their_end)
{
    static Hsm__DataParams data;
    struct key *base = generic("0102030405"), *other = generic("0a0b");
    const struct key *one_more = other;
    struct call *c = call(CKM_CONCATENATE_BASE_AND_KEY, base);

    refuses(c, 7, ERR_KEY_HANDLE);
    with_other(c, &one_more);
    ck_assert_uint_eq(derive_bytes(&c->d), 7);
    derives(c, 7);
    is_hex("01020304050a0b");
    derives(c, 3);
    is_hex("010203");
    refuses(c, 8, ERR_KEY_SIZE);
    hsm__data_params__init(&data);
    data.data = wire("\x0a\x0b", 2);
    c = call(CKM_CONCATENATE_BASE_AND_DATA, base);
    c->given.data = &data;
    derives(c, 7);
    is_hex("01020304050a0b");
    c = call(CKM_CONCATENATE_DATA_AND_BASE, base);
    c->given.data = &data;
    derives(c, 7);
    is_hex("0a0b0102030405");
    with_other(c, &one_more);
    refuses(c, 7, ERR_KEY_HANDLE);
    c = call(CKM_XOR_BASE_AND_DATA, base);
    c->given.data = &data;
    ck_assert_uint_eq(derive_bytes(&c->d), 2);
    derives(c, 2);
    is_hex("0b09");
    refuses(c, 3, ERR_KEY_SIZE);
    key_free(base);
    key_free(other);
}
END_TEST

/* The example of PKCS#11 v3.1 section 6.27.7: 0x329F84A9, 16 bits from bit 21 on, which goes over the end. */
START_TEST(test_a_key_is_extracted_as_the_standard_has_it)
{
    static Hsm__DataParams at;
    struct key *base = generic("329f84a9");
    struct call *c = call(CKM_EXTRACT_KEY_FROM_KEY, base);

    hsm__data_params__init(&at);
    c->given.data = &at;
    at.bit = 21;
    derives(c, 2);
    is_hex("9526");
    at.bit = 0;
    derives(c, 4);
    is_hex("329f84a9");
    refuses(c, 5, ERR_KEY_SIZE);
    at.bit = 32;
    refuses(c, 1, ERR_MECHANISM_PARAM);
    key_free(base);
}
END_TEST

START_TEST(test_only_whole_results_count_as_whole)
{
    static Hsm__DataParams data;
    struct key *base = generic("0102030405");
    struct call *c = call(CKM_CONCATENATE_DATA_AND_BASE, base);

    hsm__data_params__init(&data);
    data.data = wire("0123456789", 10);
    c->given.data = &data;
    ck_assert(derive_is_whole(&c->d, 15) && !derive_is_whole(&c->d, 14));
    c = call(CKM_XOR_BASE_AND_DATA, base);
    c->given.data = &data;
    ck_assert(derive_is_whole(&c->d, 5) && !derive_is_whole(&c->d, 4));
    ck_assert(derive_reveals(c->d.mechanism, NULL, 0));
    ck_assert(!derive_reveals(mechanism_find(CKM_HKDF_DERIVE), NULL, 0));
    key_free(base);
}
END_TEST

/* FIPS 180-2 appendix B.1 and FIPS 202: "abc". */
START_TEST(test_a_key_is_hashed)
{
    struct key *base = generic("616263");
    struct call *c = call(CKM_SHA256_KEY_DERIVATION, base);

    ck_assert_uint_eq(derive_bytes(&c->d), 32);
    derives(c, 32);
    is_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    derives(c, 5);
    is_hex("ba7816bf8f");
    refuses(c, 33, ERR_KEY_SIZE);
    c = call(CKM_SHAKE_128_KEY_DERIVATION, base);
    ck_assert_uint_eq(derive_bytes(&c->d), 0);
    derives(c, 16);
    is_hex("5881092dd818bf5cf8a3ddb793fbcba7");
    derives(c, 300);
    key_free(base);
}
END_TEST

/* FIPS 197 appendix C.1; CBC with a zero vector begins the same. */
START_TEST(test_encrypted_data_is_a_key)
{
    static Hsm__DataParams data;
    uint8_t key[16], text[32], zero[16] = {0};
    struct key *base;
    struct call *c;

    for (size_t i = 0; i < 16; i++) {
        key[i] = (uint8_t)i;
        text[i] = text[16 + i] = (uint8_t)(0x11 * i);
    }
    base = secret_key(CKK_AES, key, sizeof key);
    hsm__data_params__init(&data);
    data.data = wire(text, 32);
    c = call(CKM_AES_ECB_ENCRYPT_DATA, base);
    c->given.data = &data;
    derives(c, 32);
    is_hex("69c4e0d86a7b0430d8cdb78070b4c55a69c4e0d86a7b0430d8cdb78070b4c55a");
    data.data.len = 31;
    refuses(c, 16, ERR_MECHANISM_PARAM);
    data.data.len = 32;
    c = call(CKM_AES_CBC_ENCRYPT_DATA, base);
    c->given.data = &data;
    refuses(c, 16, ERR_MECHANISM_PARAM);
    data.iv = wire(zero, 16);
    derives(c, 16);
    is_hex("69c4e0d86a7b0430d8cdb78070b4c55a");
    key_free(base);
    base = generic("0102030405");
    c->d.base = base;
    refuses(c, 16, ERR_KEY_TYPE);
    key_free(base);
}
END_TEST

/* ---- HKDF: RFC 5869 appendix A.1 in its two halves */

START_TEST(test_hkdf_in_two_steps_is_hkdf)
{
    static Hsm__HkdfParams p;
    struct key *base = generic("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), *prk,
               *salt = generic("000102030405060708090a0b0c");
    const struct key *other = salt;
    struct call *c = call(CKM_HKDF_DERIVE, base);
    uint8_t info[10];

    for (size_t i = 0; i < sizeof info; i++)
        info[i] = (uint8_t)(0xf0 + i);
    hsm__hkdf_params__init(&p);
    c->given.hkdf = &p;
    p.hash = CKM_SHA256;
    p.salt_type = CKF_HKDF_SALT_KEY;
    refuses(c, 32, ERR_MECHANISM_PARAM); /* neither of the steps */
    p.extract = true;
    refuses(c, 32, ERR_KEY_HANDLE);
    with_other(c, &other);
    ck_assert_uint_eq(derive_bytes(&c->d), 32);
    derives(c, 32);
    is_hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    refuses(c, 33, ERR_KEY_SIZE);
    prk = secret_key(CKK_GENERIC_SECRET, made.bytes, made.len);
    c = call(CKM_HKDF_DERIVE, prk);
    c->given.hkdf = &p;
    p.extract = false;
    p.expand = true;
    p.salt_type = CKF_HKDF_SALT_NULL;
    p.info = wire(info, sizeof info);
    derives(c, 42);
    is_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    refuses(c, DERIVE_BYTES_MAX + 1, ERR_KEY_SIZE);
    p.hash = CKM_SHA_1;
    derives(c, 16);
    p.hash = CKM_RSA_PKCS;
    refuses(c, 16, ERR_MECHANISM_PARAM);
    key_free(prk);
    key_free(salt);
    key_free(base);
}
END_TEST

/* ---- TLS 1.2 by hand: RFC 5246 section 5 */

static void p_hash(const uint8_t *secret, size_t secret_n, const void *seed, size_t seed_n, size_t n, uint8_t *out)
{
    uint8_t a[EVP_MAX_MD_SIZE + OUT_MAX], block[32];
    size_t done = 0;

    EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, secret_n, seed, seed_n, a, 32, NULL);
    while (done < n) {
        memcpy(a + 32, seed, seed_n);
        EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, secret_n, a, 32 + seed_n, block, 32, NULL);
        memcpy(out + done, block, n - done < 32 ? n - done : 32);
        done += 32;
        EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, secret_n, a, 32, a, 32, NULL);
    }
}

START_TEST(test_tls_secrets_are_as_written)
{
    static Hsm__Tls12Params p;
    uint8_t secret[48], out[OUT_MAX];
    struct key *base;
    struct call *c;

    memset(secret, 3, sizeof secret);
    base = secret_key(CKK_GENERIC_SECRET, secret, sizeof secret);
    hsm__tls12_params__init(&p);
    p.hash = CKM_SHA256;
    p.client_random = wire("client", 6);
    p.server_random = wire("server!", 7);
    c = call(CKM_TLS12_MASTER_KEY_DERIVE, base);
    c->given.tls12 = &p;
    ck_assert_uint_eq(derive_bytes(&c->d), 48);
    derives(c, 48);
    p_hash(secret, 48, "master secretclientserver!", 26, 48, out);
    ck_assert_mem_eq(made.bytes, out, 48);
    refuses(c, 47, ERR_KEY_SIZE);
    c = call(CKM_TLS12_KEY_AND_MAC_DERIVE, base);
    c->given.tls12 = &p;
    p.mac_bits = 160;
    p.key_bits = 128;
    p.iv_bits = 32;
    ck_assert_uint_eq(derive_bytes(&c->d), 80);
    derives(c, 80);
    p_hash(secret, 48, "key expansionserver!client", 26, 80, out);
    ck_assert_mem_eq(made.bytes, out, 80);
    p.mac_bits = 161;
    refuses(c, 80, ERR_MECHANISM_PARAM);
    c = call(CKM_TLS12_KDF, base);
    c->given.tls12 = &p;
    refuses(c, 20, ERR_MECHANISM_PARAM);
    p.label = wire("label", 5);
    p.context = wire("ctx", 3);
    derives(c, 20);
    p_hash(secret, 48, "labelclientserver!\0\3ctx", 23, 20, out);
    ck_assert_mem_eq(made.bytes, out, 20);
    p.context.len = 0; /* none ... */
    derives(c, 20);
    p_hash(secret, 48, "labelclientserver!", 18, 20, out);
    ck_assert_mem_eq(made.bytes, out, 20);
    p.with_context = true; /* ... and an empty one (RFC 5705 section 4) */
    derives(c, 20);
    p_hash(secret, 48, "labelclientserver!\0\0", 20, 20, out);
    ck_assert_mem_eq(made.bytes, out, 20);
    p.hash = CKM_SHA_1 + 1;
    refuses(c, 20, ERR_MECHANISM_PARAM);
    key_free(base);
    base = generic("0102");
    c = call(CKM_TLS12_MASTER_KEY_DERIVE, base);
    c->given.tls12 = &p;
    refuses(c, 48, ERR_KEY_SIZE);
    key_free(base);
}
END_TEST

/* ---- ECDH: both sides, each curve, each function */

static void point_of(const struct key *k, struct secret *out)
{
    ck_assert_int_eq(key_part(k, CKA_EC_POINT, out), ERR_OK);
}

/* ANSI X9.63 section 5.6.3 by hand, its first block. */
static void first_block(const char *hash, const struct secret *z, const char *shared, bool counter_first, uint8_t *out,
                        size_t n)
{
    static const uint8_t one[] = {0, 0, 0, 1};
    uint8_t text[OUT_MAX], digest[EVP_MAX_MD_SIZE];
    size_t at = 0;

    if (counter_first) {
        memcpy(text, one, 4);
        at = 4;
    }
    memcpy(text + at, z->bytes, z->len);
    at += z->len;
    if (!counter_first) {
        memcpy(text + at, one, 4);
        at += 4;
    }
    memcpy(text + at, shared, strlen(shared));
    at += strlen(shared);
    ck_assert_int_eq(EVP_Q_digest(NULL, hash, NULL, text, at, digest, NULL), 1);
    memcpy(out, digest, n);
}

static void agree_on(const struct curve *curve)
{
    static Hsm__EcdhParams p;
    struct key *a = NULL, *b = NULL;
    struct secret point = {0}, z = {0};
    uint8_t block[EVP_MAX_MD_SIZE];
    struct call *c;
    size_t half = curve->field_bytes / 2;

    ck_assert_int_eq(generate_ec(NULL, curve, &a), ERR_OK);
    ck_assert_int_eq(generate_ec(NULL, curve, &b), ERR_OK);
    hsm__ecdh_params__init(&p);
    p.kdf = CKD_NULL;
    for (int side = 0; side < 2; side++) {
        point_of(side == 0 ? b : a, &point);
        p.peer = wire(point.bytes, point.len);
        c = call(side == 0 ? CKM_ECDH1_DERIVE : CKM_ECDH1_COFACTOR_DERIVE, side == 0 ? a : b);
        c->given.ecdh = &p;
        ck_assert_uint_eq(derive_bytes(&c->d), curve->field_bytes);
        derives(c, curve->field_bytes);
        if (side == 0)
            secret_move(&z, &made);
        else
            ck_assert(secret_equal(&z, &made));
    }
    derives(c, half);
    ck_assert_mem_eq(made.bytes, z.bytes + z.len - half, half);
    refuses(c, curve->field_bytes + 1, ERR_KEY_SIZE);
    p.shared = wire("more", 4);
    refuses(c, half, ERR_MECHANISM_PARAM);
    p.kdf = CKD_SHA256_KDF;
    derives(c, 32);
    first_block("SHA256", &z, "more", false, block, 32);
    ck_assert_mem_eq(made.bytes, block, 32);
    p.kdf = CKD_SHA3_512_KDF;
    derives(c, 20);
    first_block("SHA3-512", &z, "more", false, block, 20);
    ck_assert_mem_eq(made.bytes, block, 20);
    p.kdf = CKD_SHA384_KDF_SP800;
    derives(c, 20);
    first_block("SHA384", &z, "more", true, block, 20);
    ck_assert_mem_eq(made.bytes, block, 20);
    p.kdf = CKD_SHA1_KDF_ASN1;
    refuses(c, 20, ERR_MECHANISM_PARAM);
    p.kdf = CKD_SHA256_KDF;
    point.bytes[point.len - 1] ^= 1;
    if (curve->key_type == CKK_EC)
        refuses(c, 32, ERR_MECHANISM_PARAM);
    p.peer.len--;
    refuses(c, 32, ERR_MECHANISM_PARAM);
    p.peer.len = 0;
    refuses(c, 32, ERR_MECHANISM_PARAM);
    secret_clear(&z);
    secret_clear(&point);
    key_free(a);
    key_free(b);
}

START_TEST(test_both_sides_agree_on_every_curve)
{
    unsigned tried = 0;

    for (size_t i = 0; curve_at(i) != NULL; i++)
        if (curve_at(i)->key_type != CKK_EC_EDWARDS) {
            agree_on(curve_at(i));
            tried++;
        }
    ck_assert_uint_ge(tried, 8);
}
END_TEST

/* RFC 7748 section 6: a point of small order would give zero for every key. */
START_TEST(test_points_of_small_order_are_refused)
{
    static Hsm__EcdhParams p;
    uint8_t zero[32] = {0}, one[32] = {1};
    struct key *k = NULL;
    struct call *c;

    if (curve_by_name("X25519") == NULL)
        return;
    ck_assert_int_eq(generate_ec(NULL, curve_by_name("X25519"), &k), ERR_OK);
    hsm__ecdh_params__init(&p);
    p.kdf = CKD_NULL;
    c = call(CKM_ECDH1_DERIVE, k);
    c->given.ecdh = &p;
    p.peer = wire(zero, 32);
    refuses(c, 32, ERR_MECHANISM_PARAM);
    p.peer = wire(one, 32);
    refuses(c, 32, ERR_MECHANISM_PARAM);
    key_free(k);
}
END_TEST

/* RFC 6070, the second vector. */
START_TEST(test_pbkdf2_gives_the_published_value)
{
    struct kdf_pbkdf2 p = {.hash = "SHA1",
                           .password = {(const uint8_t *)"password", 8},
                           .salt = {(const uint8_t *)"salt", 4},
                           .iterations = 2};

    ck_assert_int_eq(kdf_pbkdf2(NULL, &p, 20, &made), ERR_OK);
    is_hex("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_keys_are_joined_and_cut_at_their_end,
        &test_a_key_is_extracted_as_the_standard_has_it,
        &test_only_whole_results_count_as_whole,
        &test_a_key_is_hashed,
        &test_encrypted_data_is_a_key,
        &test_hkdf_in_two_steps_is_hkdf,
        &test_tls_secrets_are_as_written,
        &test_both_sides_agree_on_every_curve,
        &test_points_of_small_order_are_refused,
        &test_pbkdf2_gives_the_published_value,
        NULL,
    };

    return suite_of("derive", 60, tests);
}
