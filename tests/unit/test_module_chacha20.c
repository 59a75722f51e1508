/* CKM_CHACHA20: where its counter ends, both of its layouts, and what it is to a key that CKM_CHACHA20_POLY1305 wraps with. */
#include <string.h>

#include <openssl/evp.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { TEXT_BYTES = 1000, BLOCK_BYTES = 64 };

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE key;
static CK_BYTE text[TEXT_BYTES], sealed[TEXT_BYTES], right[TEXT_BYTES], counter[8], nonce[12] = "a nonce here";
static CK_CHACHA20_PARAMS p;
static CK_MECHANISM m = {CKM_CHACHA20, &p, sizeof p};

static void setup(void)
{
    s = token_alice_under(POLICY_MODERN); /* it is there under both */
    key = token_secret_key(s, CKK_CHACHA20, 32);
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (CK_BYTE)(i * 3 + 1);
}

static void count_from(uint64_t first, CK_ULONG bits)
{
    for (size_t i = 0; i < sizeof counter; i++)
        counter[i] = (CK_BYTE)(first >> (8 * i));
    p = (CK_CHACHA20_PARAMS){counter, bits, nonce, 128 - bits};
}

static CK_RV encrypt(CK_ULONG n)
{
    CK_ULONG got = sizeof sealed;
    CK_RV rv = f->C_EncryptInit(s, &m, key);

    return rv == CKR_OK ? f->C_Encrypt(s, text, n, sealed, &got) : rv;
}

/* By parts of one length: the same as at once. */
static CK_RV encrypt_parts(CK_ULONG n, CK_ULONG part)
{
    CK_ULONG at = 0, got;
    CK_RV rv = f->C_EncryptInit(s, &m, key);

    while (rv == CKR_OK && at < n) {
        CK_ULONG now = n - at < part ? n - at : part;
        got = sizeof sealed - at;
        rv = f->C_EncryptUpdate(s, text + at, now, sealed + at, &got);
        if (rv == CKR_OK)
            ck_assert_uint_eq(got, now);
        at += now;
    }
    got = 0;
    return rv == CKR_OK ? f->C_EncryptFinal(s, sealed, &got) : rv;
}

/* Each block alone, by OpenSSL, whose vector is the count and the nonce: so nothing is left to how it counts. */
static void by_blocks(uint64_t first, CK_ULONG bits, CK_ULONG n)
{
    CK_BYTE state[16], value[32];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int made;

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (CK_BYTE)(i + 1);
    for (CK_ULONG at = 0; at < n; at += BLOCK_BYTES, first++) {
        for (size_t i = 0; i < bits / 8; i++)
            state[i] = (CK_BYTE)(first >> (8 * i));
        memcpy(state + bits / 8, nonce, sizeof state - bits / 8);
        ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_chacha20(), NULL, value, state), 1);
        ck_assert_int_eq(EVP_EncryptUpdate(ctx, right + at, &made, text + at, (int)(n - at < BLOCK_BYTES ? n - at : BLOCK_BYTES)), 1);
    }
    EVP_CIPHER_CTX_free(ctx);
}

START_TEST(test_both_layouts_count_as_the_cipher_does_in_parts_of_every_length)
{
    static const struct {
        uint64_t first;
        CK_ULONG bits;
    } from[] = {{0, 32}, {1, 32}, {0xfffffff0, 32}, {0, 64}, {0xfffffffe, 64}, {0xfffffffffffffff0, 64}};
    static const CK_ULONG parts[] = {1, 7, 63, 64, 65, 200, 999};

    setup();
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        by_blocks(from[i].first, from[i].bits, TEXT_BYTES);
        count_from(from[i].first, from[i].bits);
        ck_ok(encrypt(TEXT_BYTES));
        ck_assert_mem_eq(sealed, right, TEXT_BYTES);
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
            if (parts[k] == 1 && i > 0)
                continue; /* a thousand requests */
            memset(sealed, 0, sizeof sealed);
            ck_ok(encrypt_parts(TEXT_BYTES, parts[k]));
            ck_assert_mem_eq(sealed, right, TEXT_BYTES);
        }
    }
    token_stop();
}
END_TEST

/* With the counter begun anew the same bytes would be added once more. */
START_TEST(test_counter_does_not_begin_anew)
{
    setup();
    for (CK_ULONG bits = 32; bits <= 64; bits += 32) {
        count_from(bits == 32 ? 0xfffffffe : 0xfffffffffffffffe, bits); /* two blocks are left */
        ck_ok(encrypt(2 * BLOCK_BYTES));
        ck_rv(encrypt(2 * BLOCK_BYTES + 1), CKR_DATA_LEN_RANGE);
        ck_ok(encrypt_parts(2 * BLOCK_BYTES, BLOCK_BYTES));
        ck_rv(encrypt_parts(2 * BLOCK_BYTES + 1, BLOCK_BYTES), CKR_DATA_LEN_RANGE);
        ck_rv(encrypt_parts(2 * BLOCK_BYTES + 1, 2 * BLOCK_BYTES), CKR_DATA_LEN_RANGE);
        ck_rv(encrypt_parts(3 * BLOCK_BYTES, 50), CKR_DATA_LEN_RANGE);
    }
    token_stop();
}
END_TEST

/* What the tagged cipher adds from its first block on is this one's from count 1; so a key that an admin has trusted has neither use, as
 * an AES key has not that wraps by GCM. */
START_TEST(test_a_key_that_is_trusted_to_wrap_does_not_decrypt_by_it)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM gen = {CKM_CHACHA20_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &yes, 1}, {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_COPYABLE, &no, 1},
                        {CKA_EXTRACTABLE, &no, 1}},
                 uses[] = {{CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}};

    setup();
    ck_ok(f->C_GenerateKey(s, &gen, t, 5, &key));
    ck_ok(token_trust(s, key));
    count_from(1, 32);
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_DecryptInit(s, &m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_SetAttributeValue(s, key, uses, 1), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_SetAttributeValue(s, key, uses + 1, 1), CKR_ACTION_PROHIBITED);
    ck_ok(f->C_GenerateKey(s, &gen, t, 5, &key)); /* and the first further use takes the trust away for ever */
    ck_ok(f->C_SetAttributeValue(s, key, uses, 1));
    ck_rv(token_trust(s, key), CKR_ACTION_PROHIBITED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_both_layouts_count_as_the_cipher_does_in_parts_of_every_length,
        &test_counter_does_not_begin_anew,
        &test_a_key_that_is_trusted_to_wrap_does_not_decrypt_by_it,
        NULL,
    };

    return suite_of("module_chacha20", 120, tests);
}
