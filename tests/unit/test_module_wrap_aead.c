/* Wraps that authenticate: C_WrapKeyAuthenticated and C_UnwrapKeyAuthenticated, and C_WrapKey with the parameters that PKCS #11 3.2 has
 * for it (sections 5.18.6, 5.18.7, 6.13.3, 6.13.5). What comes out is opened by OpenSSL alone. */
#include <string.h>

#include <openssl/evp.h>

#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 512, TAG = 16, IV = 12 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_BYTE value[33] = "what is wrapped and comes back ..", kek[32] = "a key of thirty-two bytes, known", aad[] = "this goes along";

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, CK_BYTE *bytes, CK_ULONG n, CK_BBOOL *uses)
{
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, bytes, n}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP, uses, 1}, {CKA_UNWRAP, uses, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, t, 6, &key));
    return key;
}

/* One mechanism with a parameter of messages, and what stands in it. */
struct way {
    CK_MECHANISM_TYPE type;
    CK_KEY_TYPE key_type;
    const char *cipher;
    bool makes; /* the vault may make the vector */
    CK_BYTE iv[IV], tag[TAG];
    union {
        CK_GCM_MESSAGE_PARAMS gcm;
        CK_CCM_MESSAGE_PARAMS ccm;
        CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS chacha;
    } p;
};

static struct way ways[] = {
    {.type = CKM_AES_GCM, .key_type = CKK_AES, .cipher = "AES-256-GCM", .makes = true},
    {.type = CKM_AES_CCM, .key_type = CKK_AES, .cipher = "AES-256-CCM", .makes = true},
    {.type = CKM_CHACHA20_POLY1305, .key_type = CKK_CHACHA20, .cipher = "ChaCha20-Poly1305"},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static CK_MECHANISM mechanism_of(struct way *w, CK_ULONG generator)
{
    switch (w->type) {
    case CKM_AES_GCM:
        w->p.gcm = (CK_GCM_MESSAGE_PARAMS){w->iv, IV, 0, generator, w->tag, 8 * TAG};
        return (CK_MECHANISM){w->type, &w->p.gcm, sizeof w->p.gcm};
    case CKM_AES_CCM:
        w->p.ccm = (CK_CCM_MESSAGE_PARAMS){0, w->iv, IV, 0, generator, w->tag, TAG};
        return (CK_MECHANISM){w->type, &w->p.ccm, sizeof w->p.ccm};
    default:
        w->p.chacha = (CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS){w->iv, 8 * IV, w->tag};
        return (CK_MECHANISM){w->type, &w->p.chacha, sizeof w->p.chacha};
    }
}

/* By OpenSSL alone. */
static void check_by_hand(const struct way *w, const CK_BYTE *iv, const CK_BYTE *wrapped, int n, const CK_BYTE *tag, bool with_aad)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, w->cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CK_BYTE plain[ROOM];
    int made = 0, rest = 0;
    bool ccm = w->type == CKM_AES_CCM;

    ck_assert_int_eq(n, sizeof value);
    ck_assert(EVP_DecryptInit_ex(ctx, cipher, NULL, NULL, NULL) == 1 && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, IV, NULL) == 1);
    ck_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(uintptr_t)tag) == 1);
    ck_assert(EVP_DecryptInit_ex(ctx, NULL, NULL, kek, iv) == 1);
    ck_assert(!ccm || EVP_DecryptUpdate(ctx, NULL, &made, NULL, n) == 1);
    ck_assert(!with_aad || EVP_DecryptUpdate(ctx, NULL, &made, aad, sizeof aad) == 1);
    ck_assert(EVP_DecryptUpdate(ctx, plain, &made, wrapped, n) == 1 && (ccm || EVP_DecryptFinal_ex(ctx, plain + made, &rest) == 1));
    ck_assert_mem_eq(plain, value, sizeof value);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
}

static CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
static CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                                  {CKA_SENSITIVE, &no, 1}};

static void check_value(CK_OBJECT_HANDLE key)
{
    CK_BYTE got[ROOM];
    CK_ATTRIBUTE a = {CKA_VALUE, got, sizeof got};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, sizeof value);
    ck_assert_mem_eq(got, value, sizeof value);
}

/* ---- tests */

START_TEST(test_what_is_wrapped_with_associated_data_comes_back_with_the_same)
{
    setup();
    for (size_t i = 0; i < WAYS; i++)
        for (CK_ULONG generator = CKG_NO_GENERATE; generator <= (ways[i].makes ? CKG_GENERATE : CKG_NO_GENERATE); generator++) {
            struct way *w = &ways[i];
            CK_MECHANISM m = mechanism_of(w, generator), back;
            CK_OBJECT_HANDLE with = import(w->key_type, kek, sizeof kek, &yes), key = import(generic, value, sizeof value, &no), again = 0;
            CK_BYTE wrapped[ROOM], none[IV] = {0};
            CK_ULONG n = 0, little = 3;
            memset(w->iv, 0, IV);
            memset(w->tag, 0, TAG);
            ck_ok(f3->C_WrapKeyAuthenticated(s, &m, with, key, aad, sizeof aad, NULL, &n));
            ck_assert_uint_eq(n, sizeof value);
            ck_rv(f3->C_WrapKeyAuthenticated(s, &m, with, key, aad, sizeof aad, wrapped, &little), CKR_BUFFER_TOO_SMALL);
            ck_assert(little == sizeof value && memcmp(w->iv, none, IV) == 0 && memcmp(w->tag, none, IV) == 0);
            n = sizeof wrapped;
            ck_ok(f3->C_WrapKeyAuthenticated(s, &m, with, key, aad, sizeof aad, wrapped, &n));
            ck_assert_int_eq(memcmp(w->iv, none, IV) == 0, generator == CKG_NO_GENERATE);
            check_by_hand(w, w->iv, wrapped, (int)n, w->tag, true);
            back = mechanism_of(w, CKG_GENERATE_COUNTER_XOR); /* which unwrapping ignores */
            ck_ok(f3->C_UnwrapKeyAuthenticated(s, &back, with, wrapped, n, template, 3, aad, sizeof aad, &again));
            check_value(again);
            ck_rv(f3->C_UnwrapKeyAuthenticated(s, &back, with, wrapped, n, template, 3, aad, sizeof aad - 1, &again),
                  CKR_WRAPPED_KEY_INVALID);
            ck_rv(f3->C_UnwrapKeyAuthenticated(s, &back, with, wrapped, n, template, 3, NULL, 0, &again), CKR_WRAPPED_KEY_INVALID);
            wrapped[0] ^= 1;
            ck_rv(f3->C_UnwrapKeyAuthenticated(s, &back, with, wrapped, n, template, 3, aad, sizeof aad, &again), CKR_WRAPPED_KEY_INVALID);
            wrapped[0] ^= 1;
            w->tag[TAG - 1] ^= 1;
            ck_rv(f3->C_UnwrapKeyAuthenticated(s, &back, with, wrapped, n, template, 3, aad, sizeof aad, &again), CKR_WRAPPED_KEY_INVALID);
        }
    token_stop();
}
END_TEST

/* C_WrapKey's own structures: the token makes the vector, the tag stands behind the key. */
START_TEST(test_the_token_makes_the_vector_of_a_wrap)
{
    CK_BYTE iv[IV] = {7, 7}, nonce[IV] = {0}, wrapped[ROOM];
    CK_GCM_WRAP_PARAMS gcm = {iv, IV, 16, CKG_GENERATE, aad, sizeof aad, 8 * TAG};
    CK_CCM_WRAP_PARAMS ccm = {~0UL, nonce, IV, 0, CKG_GENERATE_RANDOM, aad, sizeof aad, TAG};
    CK_CCM_PARAMS ccm_short = {12345678, nonce, IV, aad, sizeof aad, TAG};
    CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof gcm};
    CK_OBJECT_HANDLE with, key, again;
    CK_ULONG n = sizeof wrapped;

    setup();
    with = import(CKK_AES, kek, sizeof kek, &yes);
    key = import(generic, value, sizeof value, &no);
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID); /* fewer than 96 bits at random */
    gcm.ulIvFixedBits = 0;
    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    ck_assert(n == sizeof value + TAG && (iv[0] != 7 || iv[1] != 7));
    check_by_hand(&ways[0], iv, wrapped, (int)n - TAG, wrapped + n - TAG, true);
    gcm.ivGenerator = 99; /* ignored */
    ck_ok(f->C_UnwrapKey(s, &m, with, wrapped, n, template, 3, &again));
    check_value(again);
    gcm.ivGenerator = CKG_GENERATE_COUNTER;
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    gcm.ivGenerator = CKG_NO_GENERATE;
    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    gcm.pIv = NULL;
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_AES_CCM, &ccm, sizeof ccm};
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    check_by_hand(&ways[1], nonce, wrapped, (int)n - TAG, wrapped + n - TAG, true);
    ck_ok(f->C_UnwrapKey(s, &m, with, wrapped, n, template, 3, &again));
    check_value(again);
    m = (CK_MECHANISM){CKM_AES_CCM, &ccm_short, sizeof ccm_short};
    ck_ok(f->C_UnwrapKey(s, &m, with, wrapped, n, template, 3, &again));
    check_value(again);
    token_stop();
}
END_TEST

START_TEST(test_all_that_holds_for_a_wrap_holds_for_an_authenticated_one)
{
    struct way *w = &ways[0];
    CK_MECHANISM m = mechanism_of(w, CKG_GENERATE), kw = {CKM_AES_KEY_WRAP, NULL, 0}, short_one = m;
    CK_GCM_PARAMS plain = {w->iv, IV, 96, NULL, 0, 128};
    CK_ATTRIBUTE closed = {CKA_EXTRACTABLE, &no, 1}, careful = {CKA_WRAP_WITH_TRUSTED, &yes, 1};
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE with, mute, key, again;

    setup();
    with = import(CKK_AES, kek, sizeof kek, &yes);
    mute = import(CKK_AES, kek, sizeof kek, &no);
    key = import(generic, value, sizeof value, &no);
    ck_rv(f3->C_WrapKeyAuthenticated(s, &kw, with, key, aad, sizeof aad, wrapped, &n), CKR_MECHANISM_INVALID);
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, mute, key, aad, sizeof aad, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, 0, key, aad, sizeof aad, wrapped, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, with, 0, aad, sizeof aad, wrapped, &n), CKR_KEY_HANDLE_INVALID);
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, with, key, NULL, 3, wrapped, &n), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_WrapKeyAuthenticated(s, NULL, with, key, aad, sizeof aad, wrapped, &n), CKR_ARGUMENTS_BAD);
    short_one.ulParameterLen--;
    ck_rv(f3->C_WrapKeyAuthenticated(s, &short_one, with, key, aad, sizeof aad, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    short_one = (CK_MECHANISM){CKM_AES_GCM, NULL, 0};
    ck_rv(f3->C_WrapKeyAuthenticated(s, &short_one, with, key, aad, sizeof aad, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    short_one = (CK_MECHANISM){CKM_AES_GCM, &plain, sizeof plain - 8};
    ck_rv(f3->C_WrapKeyAuthenticated(s, &short_one, with, key, aad, sizeof aad, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    ck_ok(f->C_SetAttributeValue(s, key, &careful, 1));
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, with, key, aad, sizeof aad, wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
    ck_ok(f->C_SetAttributeValue(s, key, &closed, 1));
    ck_rv(f3->C_WrapKeyAuthenticated(s, &m, with, key, aad, sizeof aad, wrapped, &n), CKR_KEY_UNEXTRACTABLE);
    memset(wrapped, 1, sizeof wrapped);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &kw, with, wrapped, 32, template, 3, aad, sizeof aad, &again), CKR_MECHANISM_INVALID);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &m, mute, wrapped, 32, template, 3, aad, sizeof aad, &again), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &m, 0, wrapped, 32, template, 3, aad, sizeof aad, &again), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &m, with, wrapped, 0, template, 3, aad, sizeof aad, &again), CKR_WRAPPED_KEY_LEN_RANGE);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &m, with, wrapped, 32, template, 3, NULL, 1, &again), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_UnwrapKeyAuthenticated(s, &m, with, NULL, 32, template, 3, aad, sizeof aad, &again), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_what_is_wrapped_with_associated_data_comes_back_with_the_same,
        &test_the_token_makes_the_vector_of_a_wrap,
        &test_all_that_holds_for_a_wrap_holds_for_an_authenticated_one,
        NULL,
    };

    return suite_of("module_wrap_aead", 60, tests);
}
