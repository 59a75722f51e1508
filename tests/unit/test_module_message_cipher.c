/* Message-based encryption and decryption through the module: every AEAD row, against its one-message self, with vectors that are made. */
#include <string.h>

#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/token.h"

enum { ROOM = CIPHER_BYTES_MAX + 64 };

static CK_SESSION_HANDLE s;
static CK_BYTE text[ROOM], sealed[ROOM], again[ROOM], iv[16], tag[16], aad[] = "more data";

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (CK_BYTE)(i * 13 + i / 256);
    memcpy(iv, "a nonce here", 12);
}

static bool is_row(const struct mechanism *row)
{
    return cipher_has_messages(row) && mechanism_does(row, CKF_ENCRYPT);
}

union parameters {
    CK_GCM_MESSAGE_PARAMS gcm;
    CK_CCM_MESSAGE_PARAMS ccm;
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS chacha;
};

/* The row's structure for so much data; its size. The tag's length is that of sample_mechanism. */
static CK_ULONG parameter_of(const struct mechanism *row, CK_ULONG n, union parameters *p, CK_ULONG *tag_n)
{
    *tag_n = row->param == PARAM_CCM ? 12 : 16;
    if (row->param == PARAM_GCM) {
        p->gcm = (CK_GCM_MESSAGE_PARAMS){iv, 12, 0, CKG_NO_GENERATE, tag, 128};
        return sizeof p->gcm;
    }
    if (row->param == PARAM_CCM) {
        p->ccm = (CK_CCM_MESSAGE_PARAMS){n, iv, 12, 0, CKG_NO_GENERATE, tag, 12};
        return sizeof p->ccm;
    }
    p->chacha = (CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS){iv, 96, tag};
    return sizeof p->chacha;
}

START_TEST(test_messages_are_what_the_mechanism_makes_of_one)
{
    static const CK_ULONG lengths[] = {0, 1, 100, 5000};
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_MECHANISM m = {row->type, NULL, 0}, one;
        CK_OBJECT_HANDLE key;
        if (!is_row(row))
            continue;
        tried++;
        key = token_secret_key(s, row->key_type, 32);
        ck_ok(f3->C_MessageEncryptInit(s, &m, key));
        ck_ok(f3->C_MessageDecryptInit(s, &m, key));
        ck_rv(f3->C_MessageEncryptInit(s, &m, key), CKR_OPERATION_ACTIVE);
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            CK_ULONG n = lengths[l], got = ROOM, whole = ROOM, tag_n, size = 0;
            union parameters p;
            CK_ULONG p_n = parameter_of(row, n, &p, &tag_n);
            one = sample_mechanism(row, n);
            ck_ok(f->C_EncryptInit(s, &one, key));
            ck_ok(f->C_Encrypt(s, text, n, again, &whole));
            ck_ok(f3->C_EncryptMessage(s, &p, p_n, aad, sizeof aad, text, n, NULL, &size));
            ck_assert_uint_eq(size, n);
            ck_ok(f3->C_EncryptMessage(s, &p, p_n, aad, sizeof aad, text, n, sealed, &got));
            ck_assert_uint_eq(got, n);
            ck_assert_mem_eq(sealed, again, n);
            ck_assert_mem_eq(tag, again + n, tag_n);
            got = ROOM;
            ck_ok(f3->C_DecryptMessage(s, &p, p_n, aad, sizeof aad, sealed, n, again, &got));
            ck_assert_uint_eq(got, n);
            ck_assert_mem_eq(again, text, n);
            /* In parts, the last one asked for its size first. */
            ck_ok(f3->C_DecryptMessageBegin(s, &p, p_n, aad, sizeof aad));
            ck_rv(f3->C_DecryptMessage(s, &p, p_n, aad, sizeof aad, sealed, n, again, &got), CKR_OPERATION_ACTIVE);
            got = ROOM;
            ck_ok(f3->C_DecryptMessageNext(s, &p, p_n, sealed, n / 3, again, &got, 0));
            ck_assert_uint_eq(got, 0);
            size = 0;
            ck_ok(f3->C_DecryptMessageNext(s, &p, p_n, sealed + n / 3, n - n / 3, NULL, &size, CKF_END_OF_MESSAGE));
            ck_assert_uint_eq(size, n);
            got = ROOM;
            ck_ok(f3->C_DecryptMessageNext(s, &p, p_n, sealed + n / 3, n - n / 3, again, &got, CKF_END_OF_MESSAGE));
            ck_assert_uint_eq(got, n);
            ck_assert_mem_eq(again, text, n);
            ck_rv(f3->C_DecryptMessageNext(s, &p, p_n, sealed, n, again, &got, CKF_END_OF_MESSAGE), CKR_OPERATION_NOT_INITIALIZED);
            /* A wrong tag ends the message and nothing else. */
            tag[0] ^= 1;
            memset(again, 7, sizeof again);
            ck_rv(f3->C_DecryptMessage(s, &p, p_n, aad, sizeof aad, sealed, n, again, &got), CKR_AEAD_DECRYPT_FAILED);
            ck_assert_uint_eq(again[0], 7);
        }
        ck_ok(f3->C_MessageEncryptFinal(s));
        ck_ok(f3->C_MessageDecryptFinal(s));
        ck_rv(f3->C_MessageEncryptFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    }
    ck_assert_uint_eq(tried, 3);
    token_stop();
}
END_TEST

START_TEST(test_vectors_are_made_and_told)
{
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    CK_GCM_MESSAGE_PARAMS p = {iv, 16, 20, CKG_GENERATE, tag, 128};
    CK_BYTE before[16], first[16] = {0};
    CK_OBJECT_HANDLE key;
    CK_ULONG got = ROOM;

    setup();
    key = token_secret_key(s, CKK_AES, 16);
    ck_ok(f3->C_MessageEncryptInit(s, &m, key));
    ck_ok(f3->C_MessageDecryptInit(s, &m, key));
    memset(iv, 0xa5, sizeof iv);
    memcpy(before, iv, sizeof iv);
    for (int round = 0; round < 2; round++) {
        got = ROOM;
        if (round == 0) {
            ck_ok(f3->C_EncryptMessage(s, &p, sizeof p, aad, sizeof aad, text, 50, sealed, &got));
        } else {
            ck_ok(f3->C_EncryptMessageBegin(s, &p, sizeof p, aad, sizeof aad));
            ck_assert_mem_ne(iv, first, sizeof iv); /* told before the data comes */
            ck_ok(f3->C_EncryptMessageNext(s, &p, sizeof p, text, 50, sealed, &got, CKF_END_OF_MESSAGE));
        }
        ck_assert_mem_eq(iv, before, 2);
        ck_assert_uint_eq(iv[2] >> 4, 0xa);
        ck_assert_mem_ne(iv + 3, before + 3, 13);
        ck_assert_mem_ne(iv, first, sizeof iv);
        memcpy(first, iv, sizeof iv);
        got = ROOM;
        ck_ok(f3->C_DecryptMessage(s, &p, sizeof p, aad, sizeof aad, sealed, 50, again, &got));
        ck_assert_mem_eq(again, text, 50);
    }
    p.ivGenerator = CKG_GENERATE_RANDOM;
    ck_ok(f3->C_EncryptMessage(s, &p, sizeof p, aad, sizeof aad, text, 50, sealed, &got));
    p.ulIvFixedBits = 33;
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, aad, sizeof aad, text, 50, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f3->C_EncryptMessageBegin(s, &p, sizeof p, aad, sizeof aad), CKR_MECHANISM_PARAM_INVALID);
    p.ulIvFixedBits = 0;
    p.ivGenerator = CKG_GENERATE_COUNTER;
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, aad, sizeof aad, text, 50, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_messages_refuse_what_does_not_fit)
{
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0}, cbc = {CKM_AES_CBC, iv, 16};
    CK_GCM_MESSAGE_PARAMS p = {iv, 12, 0, CKG_NO_GENERATE, tag, 128};
    CK_OBJECT_HANDLE key, chacha;
    CK_ULONG got = ROOM;

    setup();
    key = token_secret_key(s, CKK_AES, 16);
    chacha = token_secret_key(s, CKK_CHACHA20, 32);
    ck_rv(f3->C_MessageEncryptInit(s, &cbc, key), CKR_MECHANISM_INVALID);
    ck_rv(f3->C_MessageEncryptInit(s, &m, chacha), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f3->C_MessageEncryptInit(s, &m, 9999), CKR_KEY_HANDLE_INVALID);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, &got), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_EncryptMessageBegin(s, &p, sizeof p, NULL, 0), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_MessageEncryptInit(s, &m, key));
    ck_rv(f3->C_EncryptMessageNext(s, &p, sizeof p, text, 5, sealed, &got, 0), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_EncryptMessage(s, NULL, 0, NULL, 0, text, 5, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p - 1, NULL, 0, text, 5, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 5, text, 5, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, NULL, 5, sealed, &got), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, CIPHER_BYTES_MAX + 1, sealed, &got), CKR_DATA_LEN_RANGE);
    p.pTag = NULL;
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    p.pTag = tag;
    p.ulTagBits = 40;
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, &got), CKR_MECHANISM_PARAM_INVALID);
    p.ulTagBits = 128;
    got = 4;
    ck_rv(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, &got), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(got, 5);
    ck_ok(f3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, text, 5, sealed, &got));
    ck_ok(f3->C_SessionCancel(s, CKF_MESSAGE_ENCRYPT));
    ck_rv(f3->C_MessageEncryptFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_messages_are_what_the_mechanism_makes_of_one,
        &test_vectors_are_made_and_told,
        &test_messages_refuse_what_does_not_fit,
        NULL,
    };

    return suite_of("module_message_cipher", 60, tests);
}
