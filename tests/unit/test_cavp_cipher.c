/* NIST's vectors against what the vault encrypts, decrypts and wraps with secret keys. */
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "proto/cipher_mode.h"
#include "proto/limits.h"
#include "tests/unit/cavp.h"
#include "tests/unit/runner.h"
#include "vault/provider/cipher.h"

static struct cavp_bytes secret, plain, sealed, iv, aad, tag, other;
static uint8_t out[CAVP_BYTES_MAX + CIPHER_LONGER_BYTES_MAX];
static Hsm__Mechanism given;
static Hsm__AeadParams aead;
static Hsm__IvParams vector;

static ProtobufCBinaryData borrow(struct cavp_bytes *b)
{
    return (ProtobufCBinaryData){.data = b->at, .len = b->n};
}

static struct key *key_of(CK_KEY_TYPE type)
{
    struct key_part value = {.type = CKA_VALUE, .value = secret.at, .n = secret.n};
    struct key *key = NULL;

    return key_load(NULL, type, &value, 1, &key) == ERR_OK ? key : NULL;
}

static struct cipher cipher_of(const struct mechanism *row, struct key *key, size_t tag_bytes)
{
    hsm__mechanism__init(&given);
    hsm__aead_params__init(&aead);
    hsm__iv_params__init(&vector);
    aead.iv = vector.iv = borrow(&iv);
    aead.aad = borrow(&aad);
    aead.tag_bytes = (uint32_t)tag_bytes;
    aead.data_bytes = row->param == PARAM_CCM ? plain.n : 0;
    vector.counter_bits = cipher_has_counter(row) ? 32 : 0;
    if (cipher_mode_of(row)->tagged)
        given.aead = &aead;
    else if (row->param != PARAM_NONE)
        given.iv = &vector;
    return (struct cipher){.mechanism = row, .given = &given, .key = key};
}

static bool makes(struct cipher *c, bool encrypt, const struct cavp_bytes *from, const struct cavp_bytes *to)
{
    size_t n = 0;

    c->encrypt = encrypt;
    return cipher_run(c, from->at, from->n, out, &n) == ERR_OK && n == to->n && memcmp(out, to->at, n) == 0;
}

static bool both_ways(struct cipher *c)
{
    return c->key != NULL && makes(c, true, &plain, &sealed) && makes(c, false, &sealed, &plain);
}

/* ---- modes */

/* One name for all three keys of triple DES, or a name each. */
static void take_key(const struct cavp *c)
{
    static const char *const names[] = {"KEY1", "KEY2", "KEY3"};

    if (cavp_text(c, "KEY") != NULL) {
        cavp_bytes(c, "KEY", &secret);
        return;
    }
    secret.n = 0;
    for (size_t i = 0; i < 3; i++) {
        cavp_bytes(c, cavp_text(c, "KEYs") != NULL ? "KEYs" : names[i], &other);
        memcpy(secret.at + secret.n, other.at, other.n);
        secret.n += other.n;
    }
}

/* With one key three times, and with two of which the first comes again, triple DES has vectors of the shorter keys as well. */
static void shorter_keys(const struct cavp *c, CK_MECHANISM_TYPE type)
{
    bool single = memcmp(secret.at, secret.at + 8, 8) == 0, two = memcmp(secret.at, secret.at + 16, 8) == 0;
    struct cipher with;
    struct key *key;

    if (!two || secret.n != 24)
        return;
    secret.n = 16;
    key = key_of(CKK_DES2);
    with = cipher_of(mechanism_find(type), key, 0);
    cavp_held(c, both_ways(&with));
    key_free(key);
    if (!single)
        return;
    secret.n = 8;
    key = key_of(CKK_DES);
    with = cipher_of(mechanism_find(type == CKM_DES3_ECB ? CKM_DES_ECB : CKM_DES_CBC), key, 0);
    cavp_held(c, both_ways(&with));
    key_free(key);
}

static void mode_file(const char *name, CK_MECHANISM_TYPE type)
{
    const struct mechanism *row = mechanism_find(type);
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct cipher with;
        struct key *key;
        if (!cavp_has(c, "CIPHERTEXT"))
            continue;
        take_key(c);
        iv.n = 0;
        if (row->param != PARAM_NONE)
            cavp_bytes(c, "IV", &iv);
        cavp_bytes(c, "PLAINTEXT", &plain);
        cavp_bytes(c, "CIPHERTEXT", &sealed);
        key = key_of(row->key_type);
        with = cipher_of(row, key, 0);
        cavp_held(c, both_ways(&with));
        key_free(key);
        if (row->key_type == CKK_DES3)
            shorter_keys(c, type);
    }
}

/* Bits, as NIST writes those of CFB1, in the bytes that a caller gives: zeros behind. */
static size_t bits_of(const struct cavp *c, const char *name, struct cavp_bytes *to)
{
    const char *text = cavp_text(c, name);
    size_t n = strlen(text);

    to->n = (n + 7) / 8;
    memset(to->at, 0, to->n);
    for (size_t i = 0; i < n; i++)
        to->at[i / 8] |= (uint8_t)((text[i] - '0') << (7 - i % 8));
    return n;
}

/* The bits before the zeros: what is behind a bit is nothing to it. */
static bool makes_bits(struct cipher *c, bool encrypt, const struct cavp_bytes *from, const struct cavp_bytes *to, size_t bits)
{
    size_t n = 0;

    c->encrypt = encrypt;
    if (c->key == NULL || cipher_run(c, from->at, from->n, out, &n) != ERR_OK || n != to->n)
        return false;
    if (bits % 8 != 0)
        out[n - 1] &= (uint8_t)(0xff << (8 - bits % 8));
    return memcmp(out, to->at, n) == 0;
}

static void bits_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct cipher with;
        struct key *key;
        size_t bits;
        if (!cavp_has(c, "CIPHERTEXT"))
            continue;
        take_key(c);
        cavp_bytes(c, "IV", &iv);
        bits = bits_of(c, "PLAINTEXT", &plain);
        ck_assert_uint_eq(bits_of(c, "CIPHERTEXT", &sealed), bits);
        key = key_of(CKK_AES);
        with = cipher_of(mechanism_find(CKM_AES_CFB1), key, 0);
        cavp_held(c, makes_bits(&with, true, &plain, &sealed, bits) && makes_bits(&with, false, &sealed, &plain, bits));
        key_free(key);
    }
}

static const char *const aes_tests[] = {"GFSbox", "KeySbox", "MMT", "VarKey", "VarTxt"};
static const unsigned aes_sizes[] = {128, 192, 256};

START_TEST(test_aes_modes_are_as_nist_has_them)
{
    static const struct {
        const char *folder, *name;
        CK_MECHANISM_TYPE type;
    } modes[] = {{"ECB", "ECB", CKM_AES_ECB}, {"CBC", "CBC", CKM_AES_CBC},   {"OFB", "OFB", CKM_AES_OFB},
                 {"CFB", "CFB8", CKM_AES_CFB8}, {"CFB", "CFB128", CKM_AES_CFB128}, {"CFB", "CFB1", CKM_AES_CFB1}};
    char name[128];

    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++)
        for (size_t t = 0; t < 5; t++)
            for (size_t s = 0; s < 3; s++) {
                snprintf(name, sizeof name, "ciphers/AES/%s/%s%s%u.rsp", modes[m].folder, modes[m].name, aes_tests[t], aes_sizes[s]);
                if (modes[m].type == CKM_AES_CFB1)
                    bits_file(name);
                else
                    mode_file(name, modes[m].type);
            }
    for (size_t s = 0; s < 3; s++) {
        snprintf(name, sizeof name, "ciphers/AES/CTR/aes-%u-ctr.txt", aes_sizes[s]);
        mode_file(name, CKM_AES_CTR);
    }
    cavp_report("AES modes");
}
END_TEST

START_TEST(test_triple_des_is_as_nist_has_it)
{
    static const char *const tests[] = {"MMT1", "MMT2", "MMT3", "invperm", "permop", "subtab", "varkey", "vartext"};
    static const char *const others[] = {"CBC/TCBCI", "OFB/TOFB", "OFB/TOFBI", "CFB/TCFB1", "CFB/TCFB8", "CFB/TCFB64", "CFB/TCFBP1",
                                         "CFB/TCFBP8", "CFB/TCFBP64"};
    char name[128];

    for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++) {
        snprintf(name, sizeof name, "ciphers/3DES/ECB/TECB%s.rsp", tests[t]);
        mode_file(name, CKM_DES3_ECB);
        snprintf(name, sizeof name, "ciphers/3DES/CBC/TCBC%s.rsp", tests[t]);
        mode_file(name, CKM_DES3_CBC);
        for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
            snprintf(name, sizeof name, "ciphers/3DES/%s%s.rsp", others[o], tests[t]);
            cavp_skip_file(name, "OFB, CFB and interleaved modes of triple DES, which are no mechanisms here");
        }
    }
    cavp_report("DES of one, two and three keys");
}
END_TEST

/* NIST gives the length of a data unit in bits; here it is whole bytes. */
START_TEST(test_xts_is_as_nist_has_it)
{
    static const char *const names[] = {"ciphers/AES/XTS/tweak-128hexstr/XTSGenAES128.rsp",
                                        "ciphers/AES/XTS/tweak-128hexstr/XTSGenAES256.rsp"};

    for (size_t i = 0; i < 2; i++) {
        struct cavp *c = cavp_open(names[i]);
        while (cavp_next(c)) {
            struct cipher with;
            struct key *key;
            if (cavp_number(c, "DataUnitLen") % 8 != 0) {
                cavp_skip("data units that are no whole bytes");
                continue;
            }
            cavp_bytes(c, "Key", &secret);
            cavp_bytes(c, "i", &iv);
            cavp_bytes(c, "PT", &plain);
            cavp_bytes(c, "CT", &sealed);
            key = key_of(CKK_AES_XTS);
            with = cipher_of(mechanism_find(CKM_AES_XTS), key, 0);
            cavp_held(c, both_ways(&with));
            key_free(key);
        }
    }
    cavp_report("AES-XTS");
}
END_TEST

/* ---- with a tag */

/* What is to be refused has no plaintext. */
static void judge_tagged(const struct cavp *c, const struct mechanism *row, size_t tag_bytes, bool refused)
{
    struct key *key = key_of(row->key_type);
    struct cipher with = cipher_of(row, key, tag_bytes);
    size_t n = 0;

    with.encrypt = false;
    if (refused)
        cavp_held(c, key != NULL && cipher_run(&with, sealed.at, sealed.n, out, &n) == ERR_ENCRYPTED_DATA);
    else
        cavp_held(c, both_ways(&with));
    key_free(key);
}

static void gcm_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        if (!cavp_has(c, "Tag"))
            continue;
        cavp_bytes(c, "Key", &secret);
        cavp_bytes(c, "IV", &iv);
        cavp_bytes(c, "AAD", &aad);
        cavp_bytes(c, "CT", &sealed);
        cavp_bytes(c, "Tag", &tag);
        plain.n = 0;
        if (cavp_has(c, "PT"))
            cavp_bytes(c, "PT", &plain);
        memcpy(sealed.at + sealed.n, tag.at, tag.n);
        sealed.n += tag.n;
        if (iv.n > GCM_IV_BYTES_MAX)
            cavp_skip("vectors above 128 bytes, which OpenSSL has not");
        else
            judge_tagged(c, mechanism_find(CKM_AES_GCM), tag.n, cavp_has(c, "FAIL"));
    }
}

/* Lengths stand beside; of none there is a byte all the same. */
static void ccm_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        bool refused;
        if (!cavp_has(c, "CT"))
            continue;
        refused = cavp_has(c, "Result") && strcmp(cavp_text(c, "Result"), "Fail") == 0;
        cavp_bytes(c, "Key", &secret);
        cavp_bytes(c, "Nonce", &iv);
        cavp_bytes(c, "Adata", &aad);
        aad.n = cavp_number(c, "Alen");
        cavp_bytes(c, "CT", &sealed);
        plain.n = 0;
        if (cavp_has(c, "Payload"))
            cavp_bytes(c, "Payload", &plain);
        plain.n = cavp_number(c, "Plen");
        judge_tagged(c, mechanism_find(CKM_AES_CCM), cavp_number(c, "Tlen"), refused);
    }
}

/* The counter stands before the nonce, its least byte first: four bytes of twelve, or, in later issues of the file, eight of eight. */
static void chacha20_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        unsigned long counter;
        struct cipher with;
        struct key *key;
        if (!cavp_has(c, "CIPHERTEXT"))
            continue;
        cavp_bytes(c, "KEY", &secret);
        cavp_bytes(c, "NONCE", &other);
        cavp_bytes(c, "PLAINTEXT", &plain);
        cavp_bytes(c, "CIPHERTEXT", &sealed);
        counter = cavp_number(c, "INITIAL_BLOCK_COUNTER");
        iv.n = CIPHER_BLOCK_BYTES_MAX;
        memset(iv.at, 0, iv.n);
        for (size_t i = 0; i < 4; i++)
            iv.at[i] = (uint8_t)(counter >> (8 * i));
        memcpy(iv.at + iv.n - other.n, other.at, other.n);
        key = key_of(CKK_CHACHA20);
        with = cipher_of(mechanism_find(CKM_CHACHA20), key, 0);
        vector.counter_bits = (uint32_t)(8 * (iv.n - other.n));
        cavp_held(c, both_ways(&with));
        key_free(key);
    }
}

static void chacha_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        if (!cavp_has(c, "Ciphertext"))
            continue;
        cavp_bytes(c, "Key", &secret);
        cavp_bytes(c, "IV", &iv);
        cavp_bytes(c, "AAD", &aad);
        cavp_bytes(c, "Ciphertext", &sealed);
        cavp_bytes(c, "Plaintext", &plain);
        cavp_bytes(c, "Tag", &tag);
        memcpy(sealed.at + sealed.n, tag.at, tag.n);
        sealed.n += tag.n;
        if (iv.n != 12)
            cavp_skip("nonces of another length than 12 bytes");
        else
            judge_tagged(c, mechanism_find(CKM_CHACHA20_POLY1305), tag.n, cavp_has(c, "Result"));
    }
}

START_TEST(test_ciphers_with_a_tag_are_as_nist_has_them)
{
    static const char *const ccm[] = {"DVPT", "VADT", "VNT", "VPT", "VTT"};
    char name[128];

    for (size_t s = 0; s < 3; s++) {
        snprintf(name, sizeof name, "ciphers/AES/GCM/gcmEncryptExtIV%u.rsp", aes_sizes[s]);
        gcm_file(name);
        snprintf(name, sizeof name, "ciphers/AES/GCM/gcmDecrypt%u.rsp", aes_sizes[s]);
        gcm_file(name);
    }
    cavp_report("AES-GCM");
    for (size_t s = 0; s < 3; s++)
        for (size_t t = 0; t < 5; t++) {
            snprintf(name, sizeof name, "ciphers/AES/CCM/%s%u.rsp", ccm[t], aes_sizes[s]);
            ccm_file(name);
        }
    cavp_report("AES-CCM");
    chacha20_file("ciphers/ChaCha20/rfc7539.txt");
    cavp_report("ChaCha20");
    chacha_file("ciphers/ChaCha20Poly1305/openssl.txt");
    cavp_skip_file("ciphers/ChaCha20Poly1305/boringssl.txt", "texts in quotes");
    cavp_report("ChaCha20-Poly1305");
}
END_TEST

/* ---- key wraps, which are ciphers too */

static void wrap_file(const char *name, CK_MECHANISM_TYPE type, bool seals)
{
    const struct mechanism *row = mechanism_find(type);
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct cipher with;
        struct key *key;
        size_t n = 0;
        if (!cavp_has(c, "C"))
            continue;
        cavp_bytes(c, "K", &secret);
        cavp_bytes(c, "C", &sealed);
        if (cavp_has(c, "P"))
            cavp_bytes(c, "P", &plain);
        iv.n = 0;
        key = key_of(CKK_AES);
        with = cipher_of(row, key, 0);
        ck_assert(cavp_has(c, "P") || !seals);
        if (cavp_has(c, "P"))
            cavp_held(c, both_ways(&with));
        else
            cavp_held(c, key != NULL && cipher_run(&with, sealed.at, sealed.n, out, &n) == ERR_ENCRYPTED_DATA);
        key_free(key);
    }
}

START_TEST(test_key_wraps_are_as_nist_has_them)
{
    static const struct {
        const char *name;
        CK_MECHANISM_TYPE type;
        bool seals;
    } files[] = {{"KW_AE", CKM_AES_KEY_WRAP, true},
                 {"KW_AD", CKM_AES_KEY_WRAP, false},
                 {"KWP_AE", CKM_AES_KEY_WRAP_KWP, true},
                 {"KWP_AD", CKM_AES_KEY_WRAP_KWP, false}};
    char name[128];

    for (size_t f = 0; f < 4; f++)
        for (size_t s = 0; s < 3; s++) {
            snprintf(name, sizeof name, "keywrap/kwtestvectors/%s_%u.txt", files[f].name, aes_sizes[s]);
            wrap_file(name, files[f].type, files[f].seals);
            snprintf(name, sizeof name, "keywrap/kwtestvectors/%s_%u_inv.txt", files[f].name, aes_sizes[s]);
            cavp_skip_file(name, "wraps by the inverse cipher, which are no mechanisms");
        }
    cavp_skip_file("keywrap/kwtestvectors/TKW_AE.txt", "wraps by triple DES, which are no mechanisms");
    cavp_skip_file("keywrap/kwtestvectors/TKW_AD.txt", "wraps by triple DES, which are no mechanisms");
    cavp_report("AES key wraps");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_aes_modes_are_as_nist_has_them,
        &test_triple_des_is_as_nist_has_it,
        &test_xts_is_as_nist_has_it,
        &test_ciphers_with_a_tag_are_as_nist_has_them,
        &test_key_wraps_are_as_nist_has_them,
        NULL,
    };

    return suite_of("cavp_cipher", 300, tests);
}
