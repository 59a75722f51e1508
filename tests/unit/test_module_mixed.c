/* All operations of a session at once, in turns that nobody planned: each comes to what it would come to alone, and what ends one ends no
 * other (PKCS #11 2.40 section 5.6: a session has one operation of each kind). */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { TEXT = 96, ROUNDS = 30, LABELLED = 5 };

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE key, aes;
static CK_BYTE iv[16], ciphertext[TEXT];
static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0}, cbc = {CKM_AES_CBC, iv, sizeof iv};
static CK_BYTE text[TEXT], mac[32], digest[32];
static CK_ULONG n;
static unsigned seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

/* One kind of operation: it takes the text in pieces, and has its own way to begin and to end. */
struct kind {
    void (*begin)(void);
    void (*feed)(CK_BYTE *part, CK_ULONG bytes);
    void (*end)(void); /* checks the result */
    CK_FLAGS cancel;
};

static void sign_begin(void)
{
    ck_ok(f->C_SignInit(s, &hmac, key));
}

static void sign_feed(CK_BYTE *part, CK_ULONG bytes)
{
    ck_ok(f->C_SignUpdate(s, part, bytes));
}

static void check(const CK_BYTE *got, const CK_BYTE wanted[32])
{
    ck_assert_uint_eq(n, 32);
    ck_assert_mem_eq(got, wanted, 32);
}

static void sign_end(void)
{
    CK_BYTE got[64];

    n = sizeof got;
    ck_ok(f->C_SignFinal(s, got, &n));
    check(got, mac);
}

static void verify_begin(void)
{
    ck_ok(f->C_VerifyInit(s, &hmac, key));
}

static void verify_feed(CK_BYTE *part, CK_ULONG bytes)
{
    ck_ok(f->C_VerifyUpdate(s, part, bytes));
}

static void verify_end(void)
{
    ck_ok(f->C_VerifyFinal(s, mac, sizeof mac));
}

static void digest_begin(void)
{
    ck_ok(f->C_DigestInit(s, &sha));
}

static void digest_feed(CK_BYTE *part, CK_ULONG bytes)
{
    ck_ok(f->C_DigestUpdate(s, part, bytes));
}

static void digest_end(void)
{
    CK_BYTE got[64];

    n = sizeof got;
    ck_ok(f->C_DigestFinal(s, got, &n));
    check(got, digest);
}

static void message_sign_begin(void)
{
    ck_ok(f3->C_MessageSignInit(s, &hmac, key));
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
}

static void message_sign_feed(CK_BYTE *part, CK_ULONG bytes)
{
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, part, bytes, NULL, NULL));
}

static void message_sign_end(void)
{
    CK_BYTE got[64];

    n = sizeof got;
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, NULL, 0, got, &n));
    check(got, mac);
    ck_ok(f3->C_MessageSignFinal(s));
}

static void message_verify_begin(void)
{
    ck_ok(f3->C_MessageVerifyInit(s, &hmac, key));
    ck_ok(f3->C_VerifyMessageBegin(s, NULL, 0));
}

static void message_verify_feed(CK_BYTE *part, CK_ULONG bytes)
{
    ck_ok(f3->C_VerifyMessageNext(s, NULL, 0, part, bytes, NULL, 0));
}

static void message_verify_end(void)
{
    ck_ok(f3->C_VerifyMessageNext(s, NULL, 0, NULL, 0, mac, sizeof mac));
    ck_ok(f3->C_MessageVerifyFinal(s));
}

/* What has come of a cipher so far. */
static CK_BYTE encrypted[TEXT + 16], decrypted[TEXT + 16];
static CK_ULONG encrypted_n, decrypted_n;

static void encrypt_begin(void)
{
    encrypted_n = 0;
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
}

static void encrypt_feed(CK_BYTE *part, CK_ULONG bytes)
{
    n = sizeof encrypted - encrypted_n;
    ck_ok(f->C_EncryptUpdate(s, part, bytes, encrypted + encrypted_n, &n));
    encrypted_n += n;
}

static void encrypt_end(void)
{
    n = sizeof encrypted - encrypted_n;
    ck_ok(f->C_EncryptFinal(s, encrypted + encrypted_n, &n));
    ck_assert_uint_eq(encrypted_n + n, TEXT);
    ck_assert_mem_eq(encrypted, ciphertext, TEXT);
}

static void decrypt_begin(void)
{
    decrypted_n = 0;
    ck_ok(f->C_DecryptInit(s, &cbc, aes));
}

/* The same place of the ciphertext. */
static void decrypt_feed(CK_BYTE *part, CK_ULONG bytes)
{
    n = sizeof decrypted - decrypted_n;
    ck_ok(f->C_DecryptUpdate(s, ciphertext + (part - text), bytes, decrypted + decrypted_n, &n));
    decrypted_n += n;
}

static void decrypt_end(void)
{
    n = sizeof decrypted - decrypted_n;
    ck_ok(f->C_DecryptFinal(s, decrypted + decrypted_n, &n));
    ck_assert_uint_eq(decrypted_n + n, TEXT);
    ck_assert_mem_eq(decrypted, text, TEXT);
}

/* Objects with a label, one at a time; the text is as long as it takes to find all. */
static unsigned found;

static void find_begin(void)
{
    static char found_label[] = "found";
    CK_ATTRIBUTE label = {CKA_LABEL, found_label, 5};

    found = 0;
    ck_ok(f->C_FindObjectsInit(s, &label, 1));
}

static void find_feed(CK_BYTE *part, CK_ULONG bytes)
{
    CK_OBJECT_HANDLE one;
    CK_ULONG count;

    (void)part, (void)bytes;
    ck_ok(f->C_FindObjects(s, &one, 1, &count));
    found += count;
}

static void find_end(void)
{
    find_feed(NULL, 0);
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert_uint_eq(found, LABELLED);
}

static const struct kind kinds[] = {
    {sign_begin, sign_feed, sign_end, CKF_SIGN},
    {verify_begin, verify_feed, verify_end, CKF_VERIFY},
    {digest_begin, digest_feed, digest_end, CKF_DIGEST},
    {message_sign_begin, message_sign_feed, message_sign_end, CKF_MESSAGE_SIGN},
    {message_verify_begin, message_verify_feed, message_verify_end, CKF_MESSAGE_VERIFY},
    {encrypt_begin, encrypt_feed, encrypt_end, CKF_ENCRYPT},
    {decrypt_begin, decrypt_feed, decrypt_end, CKF_DECRYPT},
    {find_begin, find_feed, find_end, CKF_FIND_OBJECTS},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], WITHOUT_RESULTS = KINDS - 3 /* the last three keep theirs in one place for all sessions */ };

static CK_OBJECT_HANDLE make_aes(void)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG bytes = 16;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE array[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}};
    CK_OBJECT_HANDLE made = 0;

    ck_ok(f->C_GenerateKey(s, &m, array, 3, &made));
    return made;
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    aes = make_aes();
    key = token_hmac_key(s, false, "hmac");
    for (int i = 0; i < LABELLED; i++)
        token_hmac_key(s, i % 2 == 0, "found");
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (CK_BYTE)i;
    n = sizeof mac;
    sign_begin();
    ck_ok(f->C_Sign(s, text, TEXT, mac, &n));
    n = sizeof digest;
    digest_begin();
    ck_ok(f->C_Digest(s, text, TEXT, digest, &n));
    n = sizeof ciphertext;
    encrypt_begin();
    ck_ok(f->C_Encrypt(s, text, TEXT, ciphertext, &n));
}

/* A piece for one that nobody chose; true: it has come to its end, and began again. */
static bool turn(size_t at[KINDS])
{
    size_t k = any(KINDS), room = TEXT - at[k], piece = room == 0 ? 0 : 1 + any(room > 20 ? 20 : (unsigned)room);

    if (piece > 0) {
        kinds[k].feed(text + at[k], piece);
        at[k] += piece;
        return false;
    }
    kinds[k].end();
    kinds[k].begin();
    at[k] = 0;
    return true;
}

START_TEST(test_operations_in_turns_come_to_what_they_come_to_alone)
{
    size_t at[KINDS] = {0};
    unsigned ends = 0;

    setup();
    for (size_t k = 0; k < KINDS; k++)
        kinds[k].begin();
    while (ends < ROUNDS * KINDS)
        ends += turn(at);
    token_stop();
}
END_TEST

/* What comes after the first 46 bytes. */
static void feed_rest(size_t k)
{
    for (size_t at = 46; at < TEXT; at += 10)
        kinds[k].feed(text + at, 10);
}

START_TEST(test_what_ends_one_operation_ends_no_other)
{
    setup();
    for (size_t one = 0; one < KINDS; one++) {
        for (size_t k = 0; k < KINDS; k++) {
            kinds[k].begin();
            kinds[k].feed(text, 46);
        }
        ck_ok(f3->C_SessionCancel(s, kinds[one].cancel));
        for (size_t k = 0; k < KINDS; k++) {
            if (k == one)
                continue;
            feed_rest(k);
            kinds[k].end();
        }
        kinds[one].begin();
        ck_ok(f3->C_SessionCancel(s, kinds[one].cancel));
    }
    token_stop();
}
END_TEST

START_TEST(test_an_error_of_one_operation_ends_no_other)
{
    setup();
    for (size_t k = 0; k < KINDS; k++) {
        kinds[k].begin();
        kinds[k].feed(text, 46);
    }
    ck_rv(f->C_SignUpdate(s, NULL, 5), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_VerifyFinal(s, mac, 31), CKR_SIGNATURE_LEN_RANGE);
    for (size_t k = 2; k < KINDS; k++) {
        feed_rest(k);
        kinds[k].end();
    }
    ck_rv(f->C_SignUpdate(s, text, 5), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_VerifyUpdate(s, text, 5), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

/* What one session does is nothing to the others. */
START_TEST(test_sessions_do_not_mix)
{
    CK_SESSION_HANDLE sessions[3];

    setup();
    for (int i = 0; i < 3; i++) {
        sessions[i] = s = i == 0 ? s : token_session();
        for (size_t k = 0; k < KINDS; k++)
            kinds[k].begin();
    }
    for (size_t from = 0; from < TEXT; from += 16)
        for (int i = 0; i < 3; i++) {
            s = sessions[i];
            for (size_t k = 0; k < WITHOUT_RESULTS; k++)
                kinds[k].feed(text + from, 16);
        }
    for (int i = 2; i >= 0; i--) {
        s = sessions[i];
        for (size_t k = 0; k < WITHOUT_RESULTS; k++)
            kinds[k].end();
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_operations_in_turns_come_to_what_they_come_to_alone,
        &test_what_ends_one_operation_ends_no_other,
        &test_an_error_of_one_operation_ends_no_other,
        &test_sessions_do_not_mix,
        NULL,
    };
    return suite_of("module_mixed", 60, tests);
}
