/* Encryption and decryption through the module: every row of the table in one part and in many, against OpenSSL alone; sizes, order of
 * calls, and what must be refused. */
#include <stdlib.h>
#include <string.h>

#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "tests/unit/opinion_secret.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/token.h"

enum { BIG = 3 * CIPHER_BYTES_MAX + 48, ROOM = BIG + 1024 };

static CK_SESSION_HANDLE s;
static CK_BYTE text[ROOM], sealed[ROOM], again[ROOM];

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (CK_BYTE)(i * 31 + i / 256);
}

/* ---- rows and keys */

static bool is_row(const struct mechanism *row)
{
    return mechanism_does(row, CKF_ENCRYPT) && row->key_type != CKK_RSA;
}

static CK_OBJECT_HANDLE key_for(const struct mechanism *row, CK_ULONG *bytes)
{
    const struct key_kind *kind = key_kind_find(row->key_type);

    *bytes = kind->bytes_max;
    return token_secret_key(s, row->key_type, kind->bytes_max);
}

/* Lengths of data that the row takes. */
static bool takes_length(const struct mechanism *row, CK_ULONG n)
{
    const struct cipher_mode *mode = cipher_mode_of(row);
    CK_ULONG unit = mode->unit > 0 ? mode->unit : cipher_block_bytes(row);

    return n >= mode->least && (!mode->whole || n % unit == 0);
}

/* ---- in one part and in many */

typedef CK_RV (*init_fn)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV (*all_fn)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
typedef CK_RV (*final_fn)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);

struct way {
    init_fn init;
    all_fn all, update;
    final_fn final;
};

static struct way encrypt(void)
{
    return (struct way){f->C_EncryptInit, f->C_Encrypt, f->C_EncryptUpdate, f->C_EncryptFinal};
}

static struct way decrypt(void)
{
    return (struct way){f->C_DecryptInit, f->C_Decrypt, f->C_DecryptUpdate, f->C_DecryptFinal};
}

/* Every call first asks for the size, then tries a buffer that is one byte too small, and only then gives enough. */
static CK_ULONG in_one(struct way w, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_BYTE *out)
{
    CK_ULONG size = 0, small, room, got;

    ck_ok(w.init(s, m, key));
    ck_ok(w.all(s, in, n, NULL, &size));
    room = got = size;
    if (size > 0) {
        CK_BYTE *exact = malloc(size);
        ck_ok(w.all(s, in, n, exact, &got));
        ck_assert_uint_le(got, size);
        if (got > 0) {
            ck_ok(w.init(s, m, key));
            small = got - 1;
            ck_rv(w.all(s, in, n, exact, &small), CKR_BUFFER_TOO_SMALL);
            ck_assert_uint_ge(small, got);
            room = got;
            ck_ok(w.all(s, in, n, exact, &room));
            ck_assert_uint_eq(room, got);
        }
        memcpy(out, exact, got);
        free(exact);
    } else {
        ck_ok(w.all(s, in, n, out, &got));
    }
    ck_rv(w.final(s, out, &room), CKR_OPERATION_NOT_INITIALIZED);
    return got;
}

/* `in` and `out` may be the same. */
static CK_ULONG in_parts(struct way w, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_ULONG part, CK_BYTE *out)
{
    CK_ULONG written = 0, size, got;

    ck_ok(w.init(s, m, key));
    for (CK_ULONG at = 0; at < n; at += part) {
        CK_ULONG now = n - at < part ? n - at : part;
        ck_ok(w.update(s, in + at, now, NULL, &size));
        got = size;
        ck_ok(w.update(s, in + at, now, out + written, &got));
        ck_assert_uint_eq(got, size);
        written += got;
        got = 0;
        ck_ok(w.update(s, in, 0, out + written, &got));
        ck_assert_uint_eq(got, 0);
    }
    ck_ok(w.final(s, NULL, &size));
    got = size;
    ck_ok(w.final(s, out + written, &got));
    ck_assert_uint_le(got, size);
    return written + got;
}

static CK_RV try(struct way w, CK_MECHANISM m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n)
{
    CK_ULONG got = ROOM;

    ck_ok(w.init(s, &m, key));
    return w.all(s, in, n, again, &got);
}

START_TEST(test_every_row_gives_the_same_in_one_part_and_in_many_and_back)
{
    static const CK_ULONG lengths[] = {0, 1, 8, 15, 16, 17, 32, 40, 100, 1000, 4096}, parts[] = {1, 7, 16, 33, 5000};
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_ULONG key_bytes;
        CK_OBJECT_HANDLE key;
        if (!is_row(row))
            continue;
        key = key_for(row, &key_bytes);
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            CK_ULONG n = lengths[l], sealed_n, got;
            CK_MECHANISM m = sample_mechanism(row, n);
            if (!takes_length(row, n))
                continue;
            sealed_n = in_one(encrypt(), &m, key, text, n, sealed);
            ck_assert_uint_eq(sealed_n, cipher_encrypted_bytes(row, row->param == PARAM_CCM ? 12 : 16, n));
            got = in_one(decrypt(), &m, key, sealed, sealed_n, again);
            ck_assert_uint_eq(got, n);
            ck_assert_mem_eq(again, text, n);
            for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
                if (n / parts[p] > 100)
                    continue;
                got = in_parts(encrypt(), &m, key, text, n, parts[p], again);
                ck_assert_msg(got == sealed_n && (cipher_mode_of(row)->iv_first > 0 || memcmp(again, sealed, got) == 0),
                              "%s: %lu in parts of %lu", row->name, n, parts[p]);
                got = in_parts(decrypt(), &m, key, sealed, sealed_n, parts[p], again);
                ck_assert_msg(got == n && memcmp(again, text, got) == 0, "%s: %lu in parts of %lu, back", row->name, n, parts[p]);
            }
        }
        tried++;
    }
    ck_assert_uint_ge(tried, 14);
    token_stop();
}
END_TEST

/* ---- OpenSSL alone */

START_TEST(test_every_row_is_openssls)
{
    static const CK_ULONG lengths[] = {96, 77, 17}; /* the latter for modes that take them */

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        const struct key_kind *kind = key_kind_find(row->key_type);
        if (!is_row(row))
            continue;
        for (CK_ULONG bytes = kind->bytes_min; bytes <= kind->bytes_max; bytes += kind->bytes_step) {
            CK_OBJECT_HANDLE key = token_secret_key(s, row->key_type, bytes);
            CK_BYTE value[64];
            for (CK_ULONG j = 0; j < bytes; j++)
                value[j] = (CK_BYTE)(j + 1);
            for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
                CK_MECHANISM m = sample_mechanism(row, lengths[l]);
                CK_ULONG n, theirs_n;
                if (!takes_length(row, lengths[l]))
                    continue;
                n = in_one(encrypt(), &m, key, text, lengths[l], sealed);
                memcpy(again, sealed, n); /* for a vector in front */
                theirs_n = opinion_encrypts(&m, (struct opinion_key){value, bytes}, text, lengths[l], again);
                ck_assert_msg(n == theirs_n && memcmp(sealed, again, n) == 0, "%s with %lu bytes", row->name, bytes);
            }
        }
    }
    token_stop();
}
END_TEST

/* RFC 3962 appendix B: its ciphertext ends with the short block, where CS1 of NIST's addendum to SP 800-38A, which other tokens mean by
 * this mechanism as well, has that one in front of the last whole block; of whole blocks alone it swaps none. */
START_TEST(test_stolen_ciphertext_is_as_rfc_3962_has_it_in_the_order_of_cs1)
{
    static CK_BYTE words[] = "I would like the General Gau's Chicken, please, and wonton soup.", key[] = "chicken teriyaki", zero[16];
    static const char *const blocks[][4] = {{"97", "c6353568f2bf8cb4d8a580362da7ff7f"},
                                            {"97687268d6ecccc0c07b25e25ecfe5", "fc00783e0efdb2c1d445d4c8eff7ed22"},
                                            {"97687268d6ecccc0c07b25e25ecfe584", "39312523a78662d5be7fcbcc98ebf5a8"},
                                            {"97687268d6ecccc0c07b25e25ecfe584", "39312523a78662d5be7fcbcc98ebf5",
                                             "b3fffd940c16a18c1b5549d2f838029e"},
                                            {"97687268d6ecccc0c07b25e25ecfe584", "39312523a78662d5be7fcbcc98ebf5a8",
                                             "9dad8bbb96c4cdc03bc103e1a194bbd8"},
                                            {"97687268d6ecccc0c07b25e25ecfe584", "39312523a78662d5be7fcbcc98ebf5a8",
                                             "9dad8bbb96c4cdc03bc103e1a194bbd8", "4807efe836ee89a526730dbc2f7bc840"}};
    CK_MECHANISM m = {CKM_AES_CTS, zero, sizeof zero};
    CK_KEY_TYPE aes = CKK_AES;
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE, key, 16},
                        {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}};
    CK_OBJECT_HANDLE object;

    setup();
    ck_ok(f->C_CreateObject(s, t, 5, &object));
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        CK_BYTE right[64];
        CK_ULONG n = 0;
        for (size_t b = 0; b < 4 && blocks[i][b] != NULL; b++)
            for (const char *c = blocks[i][b]; *c != '\0'; c += 2)
                right[n++] = (CK_BYTE)strtoul((const char[]){c[0], c[1], '\0'}, NULL, 16);
        ck_assert_uint_eq(in_one(encrypt(), &m, object, words, n, sealed), n);
        ck_assert_msg(memcmp(sealed, right, n) == 0, "%lu bytes", n);
        ck_assert_uint_eq(in_one(decrypt(), &m, object, sealed, n, again), n);
        ck_assert_mem_eq(again, words, n);
    }
    ck_rv(try(encrypt(), m, object, words, 15), CKR_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), m, object, words, 15), CKR_ENCRYPTED_DATA_LEN_RANGE);
    token_stop();
}
END_TEST

/* ---- more than one request */

START_TEST(test_streams_go_over_many_requests_and_others_are_refused)
{
    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_ULONG key_bytes, n = BIG, sealed_n = ROOM, got = ROOM;
        CK_OBJECT_HANDLE key;
        CK_MECHANISM m;
        if (!is_row(row))
            continue;
        key = key_for(row, &key_bytes);
        m = sample_mechanism(row, CIPHER_BYTES_MAX);
        ck_ok(f->C_EncryptInit(s, &m, key));
        if (!cipher_mode_of(row)->streams) {
            ck_rv(f->C_Encrypt(s, text, CIPHER_BYTES_MAX + 16, sealed, &sealed_n), CKR_DATA_LEN_RANGE);
            ck_ok(f->C_EncryptInit(s, &m, key));
            ck_ok(f->C_EncryptUpdate(s, text, CIPHER_BYTES_MAX, sealed, &got));
            ck_rv(f->C_EncryptUpdate(s, text, 1, sealed, &got), CKR_DATA_LEN_RANGE);
            if (row->family == FAMILY_CCM)
                continue; /* with a nonce of 12 bytes it could */
            got = in_one(encrypt(), &m, key, text, CIPHER_BYTES_MAX, sealed);
            ck_assert_uint_eq(got, cipher_encrypted_bytes(row, 16, CIPHER_BYTES_MAX));
            continue;
        }
        ck_ok(f->C_Encrypt(s, text, n, sealed, &sealed_n));
        ck_assert_uint_eq(in_parts(encrypt(), &m, key, text, n, CIPHER_BYTES_MAX + 5, again), sealed_n);
        ck_assert_msg(memcmp(sealed, again, sealed_n) == 0, "%s", row->name);
        /* In place, in one part and in two odd ones. */
        got = in_parts(decrypt(), &m, key, again, sealed_n, 2 * CIPHER_BYTES_MAX + 3, again);
        ck_assert_msg(got == n && memcmp(again, text, n) == 0, "%s", row->name);
        ck_ok(f->C_DecryptInit(s, &m, key));
        got = ROOM;
        ck_ok(f->C_Decrypt(s, sealed, sealed_n, sealed, &got));
        ck_assert_msg(got == n && memcmp(sealed, text, n) == 0, "%s", row->name);
    }
    token_stop();
}
END_TEST

/* ---- what is refused */

START_TEST(test_lengths_that_a_mode_has_not_are_told)
{
    CK_OBJECT_HANDLE aes, xts;
    CK_ULONG got = ROOM;
    CK_MECHANISM m;

    setup();
    aes = token_secret_key(s, CKK_AES, 32);
    xts = token_secret_key(s, CKK_AES_XTS, 64);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_CBC), 0), aes, text, 17), CKR_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_AES_CBC), 0), aes, text, 17), CKR_ENCRYPTED_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_AES_CBC_PAD), 0), aes, text, 17), CKR_ENCRYPTED_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_AES_CBC_PAD), 0), aes, text, 0), CKR_ENCRYPTED_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_AES_GCM), 0), aes, text, 15), CKR_ENCRYPTED_DATA_LEN_RANGE);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_CLOUDHSM_AES_GCM), 0), aes, text, 27), CKR_ENCRYPTED_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_CCM), 20), aes, text, 19), CKR_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_XTS), 0), xts, text, 15), CKR_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_KEY_WRAP), 0), aes, text, 8), CKR_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_KEY_WRAP), 0), aes, text, 20), CKR_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_AES_KEY_WRAP_KWP), 0), aes, text, 0), CKR_DATA_LEN_RANGE);
    m = sample_mechanism(mechanism_find(CKM_AES_CBC), 0);
    ck_ok(f->C_EncryptInit(s, &m, aes));
    ck_ok(f->C_EncryptUpdate(s, text, 20, sealed, &got));
    ck_assert_uint_eq(got, 16);
    ck_rv(f->C_EncryptFinal(s, sealed, &got), CKR_DATA_LEN_RANGE);
    ck_rv(f->C_EncryptFinal(s, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_changed_ciphertext_gives_no_plaintext)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP,
                                              CKM_CLOUDHSM_AES_GCM};

    setup();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct mechanism *row = mechanism_find(types[i]);
        CK_ULONG key_bytes, n;
        CK_OBJECT_HANDLE key = key_for(row, &key_bytes);
        CK_MECHANISM m = sample_mechanism(row, 64);
        n = in_one(encrypt(), &m, key, text, 64, sealed);
        for (CK_ULONG at = 0; at < n; at += 5) {
            sealed[at] ^= 4;
            memset(again, 0x77, 64);
            ck_rv(try(decrypt(), m, key, sealed, n), CKR_ENCRYPTED_DATA_INVALID);
            for (size_t j = 0; j < 64; j++)
                ck_assert_uint_eq(again[j], 0x77);
            sealed[at] ^= 4;
        }
        ck_rv(try(decrypt(), m, key, sealed, n), CKR_OK);
    }
    token_stop();
}
END_TEST

START_TEST(test_every_wrong_padding_is_told_alike)
{
    CK_OBJECT_HANDLE key;
    CK_MECHANISM plain, padded;
    CK_BYTE block[32];

    setup();
    key = token_secret_key(s, CKK_AES, 16);
    plain = sample_mechanism(mechanism_find(CKM_AES_CBC), 0);
    padded = sample_mechanism(mechanism_find(CKM_AES_CBC_PAD), 0);
    for (unsigned last = 0; last < 256; last++)
        for (unsigned wrong = 0; wrong < 17; wrong++) {
            bool good = last >= 1 && last <= 16 && (wrong == 16 || wrong >= last);
            if (wrong > 2 && wrong < 14 && last % 16 != 3)
                continue;
            memset(block, (int)last, sizeof block);
            if (wrong < 16)
                block[31 - wrong] ^= 0x40;
            if (wrong == 0)
                continue; /* that is another last byte */
            in_one(encrypt(), &plain, key, block, 32, sealed);
            ck_rv(try(decrypt(), padded, key, sealed, 32), good ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID);
        }
    token_stop();
}
END_TEST

START_TEST(test_counter_does_not_begin_anew)
{
    CK_AES_CTR_PARAMS p = {.ulCounterBits = 8};
    CK_MECHANISM m = {CKM_AES_CTR, &p, sizeof p};
    CK_OBJECT_HANDLE key;
    CK_ULONG got = ROOM;

    setup();
    key = token_secret_key(s, CKK_AES, 16);
    p.cb[15] = 0xfe;
    p.cb[14] = 0xff;
    ck_rv(try(encrypt(), m, key, text, 33), CKR_DATA_LEN_RANGE);
    ck_rv(try(encrypt(), m, key, text, 32), CKR_OK);
    ck_ok(f->C_EncryptInit(s, &m, key));
    ck_ok(f->C_EncryptUpdate(s, text, 32, sealed, &got));
    ck_assert_mem_eq(sealed, again, 32);
    ck_rv(f->C_EncryptUpdate(s, text, 1, sealed, &got), CKR_DATA_LEN_RANGE);
    ck_ok(f->C_DecryptInit(s, &m, key));
    got = ROOM;
    ck_ok(f->C_DecryptUpdate(s, sealed, 31, again, &got));
    ck_ok(f->C_DecryptUpdate(s, sealed + 31, 1, again, &got));
    ck_rv(f->C_DecryptUpdate(s, sealed, 1, again, &got), CKR_ENCRYPTED_DATA_LEN_RANGE);
    p.ulCounterBits = 0;
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_MECHANISM_PARAM_INVALID);
    p.ulCounterBits = 129;
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_init_refuses_wrong_keys_and_wrong_parameters)
{
    CK_BYTE iv[16] = {0}, aad[4] = {0};
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 128};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, 16}, ecb = {CKM_AES_ECB, NULL, 0}, none = {CKM_AES_CBC, NULL, 0};
    CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof gcm};
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE only_decrypts[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                                    {CKA_DECRYPT, &yes, 1}, {CKA_ENCRYPT, &no, 1}, {CKA_VALUE, text, 16}};
    CK_OBJECT_HANDLE aes, generic, chacha, one_way;

    setup();
    aes = token_secret_key(s, CKK_AES, 16);
    generic = token_secret_key(s, CKK_GENERIC_SECRET, 16);
    chacha = token_secret_key(s, CKK_CHACHA20, 32);
    ck_ok(f->C_CreateObject(s, only_decrypts, 5, &one_way));
    ck_rv(f->C_EncryptInit(s, &cbc, generic), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f->C_EncryptInit(s, &cbc, chacha), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f->C_EncryptInit(s, &cbc, one_way), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(f->C_DecryptInit(s, &cbc, one_way));
    ck_rv(f->C_DecryptInit(s, &cbc, one_way), CKR_OPERATION_ACTIVE);
    ck_ok(f->C_DecryptInit(s, NULL, 0));
    ck_rv(f->C_EncryptInit(s, &cbc, 77777), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_EncryptInit(s, &none, aes), CKR_MECHANISM_PARAM_INVALID);
    cbc.ulParameterLen = 15;
    ck_rv(f->C_EncryptInit(s, &cbc, aes), CKR_MECHANISM_PARAM_INVALID);
    ecb.pParameter = iv;
    ecb.ulParameterLen = 16;
    ck_rv(f->C_EncryptInit(s, &ecb, aes), CKR_MECHANISM_PARAM_INVALID);
    for (CK_ULONG bits = 0; bits <= 160; bits++) {
        bool good = bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0);
        gcm.ulTagBits = bits;
        ck_rv(f->C_EncryptInit(s, &m, aes), good ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
        ck_ok(f->C_EncryptInit(s, NULL, 0));
    }
    gcm.ulTagBits = 128;
    gcm.ulIvLen = 0;
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_PARAM_INVALID);
    gcm.ulIvLen = 12;
    gcm.pAAD = NULL;
    gcm.ulAADLen = 4;
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_PARAM_INVALID);
    gcm.pAAD = aad;
    gcm.ulAADLen = ~0UL;
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_PARAM_INVALID);
    m.mechanism = CKM_SHA256;
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_INVALID);
    m.mechanism = CKM_AES_KEY_GEN;
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

/* ---- RSA */

static struct token_pair rsa_pair(void)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE public_half[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE private_half[] = {{CKA_DECRYPT, &yes, 1}};
    struct token_pair p;

    ck_ok(f->C_GenerateKeyPair(s, &m, public_half, 2, private_half, 1, &p.public_key, &p.private_key));
    return p;
}

START_TEST(test_rsa_encrypts_with_the_public_key_and_decrypts_with_the_private_one)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_RSA_PKCS, CKM_RSA_X_509, CKM_RSA_PKCS_OAEP};
    static const CK_ULONG most[] = {245, 256, 190};
    struct token_pair pair;

    setup();
    pair = rsa_pair();
    text[0] = 1; /* below the modulus */
    for (size_t i = 0; i < 3; i++) {
        const struct mechanism *row = mechanism_find(types[i]);
        CK_MECHANISM m = sample_mechanism(row, 0);
        CK_ULONG n, got;
        for (CK_ULONG length = 0; length <= most[i]; length += length < 2 ? 1 : most[i] - 2) {
            bool raw = types[i] == CKM_RSA_X_509;
            n = ROOM;
            ck_ok(f->C_EncryptInit(s, &m, pair.public_key));
            ck_ok(f->C_Encrypt(s, text, length, sealed, &n));
            ck_assert_uint_eq(n, 256);
            got = in_one(decrypt(), &m, pair.private_key, sealed, n, again);
            ck_assert_uint_eq(got, raw ? 256 : length);
            ck_assert_mem_eq(again + (raw ? 256 - length : 0), text, length);
            got = in_parts(decrypt(), &m, pair.private_key, sealed, n, 100, again);
            ck_assert_uint_eq(got, raw ? 256 : length);
        }
        ck_rv(try(encrypt(), m, pair.public_key, text, most[i] + 1), CKR_DATA_LEN_RANGE);
        ck_rv(try(decrypt(), m, pair.private_key, sealed, 255), CKR_ENCRYPTED_DATA_LEN_RANGE);
        ck_rv(f->C_EncryptInit(s, &m, pair.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(f->C_DecryptInit(s, &m, pair.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    memset(text, 0xff, 256);
    ck_rv(try(encrypt(), sample_mechanism(mechanism_find(CKM_RSA_X_509), 0), pair.public_key, text, 256), CKR_DATA_INVALID);
    memset(sealed, 0xff, 256);
    ck_rv(try(decrypt(), sample_mechanism(mechanism_find(CKM_RSA_X_509), 0), pair.private_key, sealed, 256), CKR_ENCRYPTED_DATA_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_oaep_takes_every_hash_and_mask_and_label)
{
    static const char *const names[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512", "SHA512-256"};
    CK_BYTE label[] = "a label";
    CK_RSA_PKCS_OAEP_PARAMS p = {.source = CKZ_DATA_SPECIFIED};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &p, sizeof p};
    struct token_pair pair;

    setup();
    pair = rsa_pair();
    for (size_t h = 0; h < sizeof names / sizeof names[0]; h++)
        for (size_t g = 0; g < sizeof names / sizeof names[0] - 1; g++) {
            CK_ULONG n = ROOM, got = ROOM;
            p.hashAlg = sample_hash_type(names[h]);
            p.mgf = sample_mgf(names[g]);
            p.pSourceData = g % 2 ? label : NULL;
            p.ulSourceDataLen = g % 2 ? sizeof label : 0;
            ck_ok(f->C_EncryptInit(s, &m, pair.public_key));
            ck_ok(f->C_Encrypt(s, text, 30, sealed, &n));
            ck_ok(f->C_DecryptInit(s, &m, pair.private_key));
            ck_ok(f->C_Decrypt(s, sealed, n, again, &got));
            ck_assert_uint_eq(got, 30);
            ck_assert_mem_eq(again, text, 30);
            p.pSourceData = label;
            p.ulSourceDataLen = 3;
            ck_rv(try(decrypt(), m, pair.private_key, sealed, n), CKR_ENCRYPTED_DATA_INVALID);
        }
    p.hashAlg = CKM_RIPEMD160;
    ck_rv(f->C_EncryptInit(s, &m, pair.public_key), CKR_MECHANISM_PARAM_INVALID);
    p.hashAlg = CKM_SHA256;
    p.source = 7;
    ck_rv(f->C_EncryptInit(s, &m, pair.public_key), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_order_of_calls_is_kept)
{
    CK_MECHANISM m;
    CK_OBJECT_HANDLE key;
    CK_ULONG got = ROOM;

    setup();
    key = token_secret_key(s, CKK_AES, 16);
    m = sample_mechanism(mechanism_find(CKM_AES_CBC_PAD), 0);
    ck_rv(f->C_Encrypt(s, text, 5, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_EncryptUpdate(s, text, 5, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_EncryptFinal(s, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_Decrypt(s, text, 5, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_DecryptFinal(s, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_EncryptInit(s, &m, key));
    ck_ok(f->C_DecryptInit(s, &m, key)); /* the other direction is its own */
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_OPERATION_ACTIVE);
    ck_ok(f->C_EncryptUpdate(s, text, 5, sealed, &got));
    ck_rv(f->C_Encrypt(s, text, 5, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_EncryptFinal(s, sealed, &got), CKR_OPERATION_NOT_INITIALIZED); /* that was an error, so it ended */
    ck_rv(f->C_Decrypt(s, NULL, 5, sealed, &got), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_DecryptInit(s, &m, key));
    ck_rv(f->C_Decrypt(s, text, 16, again, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_DecryptInit(s, &m, key));
    ck_ok(f3->C_SessionCancel(s, CKF_DECRYPT));
    ck_rv(f->C_DecryptFinal(s, again, &got), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_gives_the_same_in_one_part_and_in_many_and_back,
        &test_every_row_is_openssls,
        &test_streams_go_over_many_requests_and_others_are_refused,
        &test_stolen_ciphertext_is_as_rfc_3962_has_it_in_the_order_of_cs1,
        &test_lengths_that_a_mode_has_not_are_told,
        &test_changed_ciphertext_gives_no_plaintext,
        &test_every_wrong_padding_is_told_alike,
        &test_counter_does_not_begin_anew,
        &test_init_refuses_wrong_keys_and_wrong_parameters,
        &test_rsa_encrypts_with_the_public_key_and_decrypts_with_the_private_one,
        &test_oaep_takes_every_hash_and_mask_and_label,
        &test_order_of_calls_is_kept,
        NULL,
    };

    return suite_of("module_cipher", 120, tests);
}
