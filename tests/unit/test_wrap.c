/* vault/provider/wrap.h, asked by somebody who does not keep to what the module sends. */
#include <string.h>

#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/secret_key.h"
#include "vault/provider/wrap.h"

static uint8_t bytes[64] = "bytes of any kind, more of them than any vector has, to be read.";

static struct key *aes(void)
{
    return secret_key(CKK_AES, bytes, 16);
}

/* What comes of both directions, which has to be the same. */
static enum err tried(CK_MECHANISM_TYPE type, Hsm__Mechanism *given)
{
    struct secret plain = {0};
    struct buffer out = {0};
    struct key *k = aes();
    struct wrap w = {.mechanism = mechanism_find(type), .given = given, .key = k};
    enum err e;

    ck_assert(secret_copy(&plain, bytes, 32));
    e = wrap_bytes(&w, &plain, &out);
    ck_assert_uint_eq(out.len > 0, e == ERR_OK);
    secret_clear(&plain);
    if (e != ERR_OK)
        ck_assert_int_eq(unwrap_bytes(&w, bytes, 48, &plain), e);
    secret_clear(&plain);
    buffer_clear(&out);
    key_free(k);
    return e;
}

/* OpenSSL would read what is behind it. */
START_TEST(test_a_vector_of_another_length_is_refused)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_CBC_PAD, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (size_t n = 0; n <= 20; n++) {
            Hsm__Mechanism given = HSM__MECHANISM__INIT;
            Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
            size_t right = types[i] == CKM_AES_CBC_PAD ? 16 : types[i] == CKM_AES_KEY_WRAP ? 8 : 4;
            bool fits = n == right || (n == 0 && types[i] != CKM_AES_CBC_PAD);
            iv.iv = (ProtobufCBinaryData){.data = bytes, .len = n};
            given.type = types[i];
            given.iv = &iv;
            ck_assert_msg(tried(types[i], &given) == (fits ? ERR_OK : ERR_MECHANISM_PARAM), "%lx: %zu", types[i], n);
        }
}
END_TEST

START_TEST(test_a_tag_that_the_mode_does_not_have_is_refused)
{
    for (uint32_t n = 0; n <= 300; n++) {
        Hsm__Mechanism given = HSM__MECHANISM__INIT;
        Hsm__AeadParams aead = HSM__AEAD_PARAMS__INIT;
        bool gcm = n == 4 || n == 8 || (n >= 12 && n <= 16), ccm = n >= 4 && n <= 16 && n % 2 == 0;
        aead.iv = (ProtobufCBinaryData){.data = bytes, .len = 12};
        aead.tag_bytes = n;
        given.aead = &aead;
        ck_assert_int_eq(tried(CKM_AES_GCM, &given), gcm ? ERR_OK : ERR_MECHANISM_PARAM);
        ck_assert_int_eq(tried(CKM_AES_CCM, &given), ccm ? ERR_OK : ERR_MECHANISM_PARAM);
    }
}
END_TEST

START_TEST(test_a_parameter_of_another_mechanism_is_refused)
{
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;

    ck_assert_int_eq(tried(CKM_AES_KEY_WRAP, &given), ERR_MECHANISM_PARAM);
    ck_assert_int_eq(tried(CKM_AES_GCM, &given), ERR_MECHANISM_PARAM);
    given.iv = &iv;
    ck_assert_int_eq(tried(CKM_AES_GCM, &given), ERR_MECHANISM_PARAM);
    given.aes_bits = 128;
    ck_assert_int_eq(tried(CKM_AES_KEY_WRAP, &given), ERR_MECHANISM_PARAM);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_a_vector_of_another_length_is_refused,
        &test_a_tag_that_the_mode_does_not_have_is_refused,
        &test_a_parameter_of_another_mechanism_is_refused,
        NULL,
    };

    return suite_of("wrap", 30, tests);
}
