/* One-time passwords by requests, whatever the module would let through: the value of such a key is for passwords and nothing else, and its
 * counter is counted in one place. */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template t;
static const char value[] = "12345678901234567890"; /* RFC 4226 appendix D */
static uint8_t counter[OTP_COUNTER_BYTES + 1];
static Hsm__Mechanism hotp;
static Hsm__OtpParams given;

static const Hsm__Object *make(CK_ULONG requirement, bool token)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_OTP_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_HOTP);
    sample_ulong(&t, CKA_OTP_COUNTER_REQUIREMENT, requirement);
    sample_bool(&t, CKA_TOKEN, token);
    sample_bytes(&t, CKA_VALUE, value, sizeof value - 1);
    return stage_one(stage_create(ALICE, &t, ERR_OK));
}

static const Hsm__Object *make_secret(void)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_bool(&t, CKA_DERIVE, true);
    sample_bool(&t, CKA_SIGN, true);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    sample_bytes(&t, CKA_VALUE, value, sizeof value - 1);
    return stage_one(stage_create(ALICE, &t, ERR_OK));
}

static Hsm__Mechanism mechanism_of(CK_MECHANISM_TYPE type)
{
    Hsm__Mechanism m = HSM__MECHANISM__INIT;

    m.type = type;
    return m;
}

static void setup(void)
{
    stage_open();
    hsm__otp_params__init(&given);
    hotp = mechanism_of(CKM_HOTP);
    hotp.otp = &given;
}

static ProtobufCBinaryData ask(enum who who, const Hsm__Object *key, const char *password, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__OneTime call = HSM__ONE_TIME__INIT;
    Hsm__KeyRef ref = stage_key(key);
    const Hsm__Reply *reply;

    call.key = &ref;
    call.mechanism = &hotp;
    call.verify = password != NULL;
    if (password != NULL)
        call.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)password, .len = strlen(password)};
    request.of_case = HSM__REQUEST__OF_ONE_TIME;
    request.one_time = &call;
    reply = stage_ask(who, &request, expected);
    if (expected != ERR_OK || password != NULL)
        return (ProtobufCBinaryData){0};
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_BYTES);
    return reply->bytes->value;
}

static void gives(const Hsm__Object *key, const char *password)
{
    ProtobufCBinaryData got = ask(ALICE, key, NULL, ERR_OK);

    ck_assert_uint_eq(got.len, strlen(password));
    ck_assert_mem_eq(got.data, password, got.len);
}

START_TEST(test_the_key_is_its_owners_and_so_are_its_passwords)
{
    const Hsm__Object *key;

    setup();
    key = make(CK_OTP_PARAM_IGNORED, true);
    ask(BOB, key, NULL, ERR_KEY_HANDLE);
    ask(BOB, key, "755224", ERR_KEY_HANDLE);
    ask(ADMIN, key, NULL, ERR_PERMISSION);
    gives(key, "755224");
    stage_close();
}
END_TEST

START_TEST(test_password_whose_reply_is_lost_is_counted_once)
{
    const Hsm__Object *key;

    setup();
    key = make(CK_OTP_PARAM_IGNORED, true);
    for (int i = 0; i < 2; i++) {
        static const char *const next[] = {"755224", "287082"};
        local_node_faults(stage_node())->lose_replies = 1;
        gives(key, next[i]);
    }
    local_node_faults(stage_node())->conflicts = ONE_TIME_MISSES_MAX;
    gives(key, "359152");
    stage_close();
}
END_TEST

START_TEST(test_password_that_is_wrong_changes_nothing)
{
    const Hsm__Object *key;
    unsigned before;

    setup();
    key = make(CK_OTP_PARAM_IGNORED, true);
    before = local_node_proposals(stage_node());
    ask(ALICE, key, "000000", ERR_SIGNATURE);
    ask(ALICE, key, "", ERR_SIGNATURE_LEN);
    ask(ALICE, key, "7552240", ERR_SIGNATURE_LEN);
    ck_assert_uint_eq(local_node_proposals(stage_node()), before);
    ask(ALICE, key, "755224", ERR_OK);
    ck_assert_uint_eq(local_node_proposals(stage_node()), before + 1);
    stage_close();
}
END_TEST

START_TEST(test_parameters_that_are_none_are_refused)
{
    const Hsm__Object *key;

    setup();
    key = make(CK_OTP_PARAM_OPTIONAL, true);
    for (size_t n = 1; n <= sizeof counter; n += n == 7 ? 2 : 1) {
        given.counter = (ProtobufCBinaryData){.data = counter, .len = n};
        ask(ALICE, key, NULL, ERR_MECHANISM_PARAM);
    }
    hotp.otp = NULL;
    ask(ALICE, key, NULL, ERR_MECHANISM_PARAM);
    stage_close();
}
END_TEST

START_TEST(test_session_key_gives_passwords_of_given_counters_only)
{
    const Hsm__Object *key;

    setup();
    key = make(CK_OTP_PARAM_MANDATORY, false);
    ask(ALICE, key, NULL, ERR_MECHANISM_PARAM);
    counter[7] = 3;
    given.counter = (ProtobufCBinaryData){.data = counter, .len = OTP_COUNTER_BYTES};
    gives(key, "969429");
    gives(key, "969429");
    ask(ALICE, key, "969429", ERR_OK);
    ask(BOB, key, NULL, ERR_KEY_HANDLE);
    stage_close();
}
END_TEST

START_TEST(test_other_keys_and_other_requests_do_not_meet)
{
    struct stage_use use = {.data = (const uint8_t *)"", .n = 0};
    const ProtobufCBinaryData mac = {.data = (uint8_t *)(uintptr_t)"755224", .len = 6};

    setup();
    ask(ALICE, make_secret(), NULL, ERR_KEY_TYPE);
    hotp = mechanism_of(CKM_SHA_1_HMAC);
    ask(ALICE, make_secret(), NULL, ERR_MECHANISM);
    ask(ALICE, make(CK_OTP_PARAM_IGNORED, true), NULL, ERR_KEY_TYPE);
    use.key = stage_key(make(CK_OTP_PARAM_IGNORED, true));
    use.mechanism = CKM_SHA_1_HMAC;
    stage_sign(ALICE, &use, ERR_KEY_TYPE);
    stage_verify(ALICE, &use, mac, ERR_KEY_TYPE);
    stage_close();
}
END_TEST

/* By the requests of signatures it would not count. */
START_TEST(test_requests_to_sign_and_verify_have_no_passwords)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Sign sign = HSM__SIGN__INIT;
    Hsm__Verify verify = HSM__VERIFY__INIT;
    Hsm__KeyRef ref;

    setup();
    ref = stage_key(make(CK_OTP_PARAM_IGNORED, true));
    sign.key = verify.key = &ref;
    sign.mechanism = verify.mechanism = &hotp;
    request.of_case = HSM__REQUEST__OF_SIGN;
    request.sign = &sign;
    stage_ask(ALICE, &request, ERR_MECHANISM);
    request.of_case = HSM__REQUEST__OF_VERIFY;
    request.verify = &verify;
    stage_ask(ALICE, &request, ERR_MECHANISM);
    stage_close();
}
END_TEST

START_TEST(test_value_is_neither_digested_nor_derived_from_nor_joined_to_another)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__DigestKey digest = HSM__DIGEST_KEY__INIT;
    Hsm__DigestPart part = HSM__DIGEST_PART__INIT, *parts[] = {&part};
    Hsm__Derive derive = HSM__DERIVE__INIT;
    Hsm__Mechanism sha = mechanism_of(CKM_SHA256), hash = mechanism_of(CKM_SHA256_KEY_DERIVATION),
                   both = mechanism_of(CKM_CONCATENATE_BASE_AND_KEY);
    Hsm__Template none = HSM__TEMPLATE__INIT;
    Hsm__KeyRef ref, other, *others[1];

    setup();
    stage_policy(ADMIN, "compatible", ERR_OK);
    ref = stage_key(make(CK_OTP_PARAM_IGNORED, true));
    other = stage_key(make_secret());
    part.key = &ref;
    digest.mechanism = &sha;
    digest.parts = parts;
    digest.n_parts = 1;
    request.of_case = HSM__REQUEST__OF_DIGEST_KEY;
    request.digest_key = &digest;
    stage_ask(ALICE, &request, ERR_KEY_TYPE);
    request.of_case = HSM__REQUEST__OF_DERIVE;
    request.derive = &derive;
    derive.template_ = &none;
    derive.key = &ref;
    derive.mechanism = &hash;
    stage_ask(ALICE, &request, ERR_KEY_TYPE);
    derive.key = &other;
    derive.mechanism = &both;
    derive.others = others;
    derive.n_others = 1;
    others[0] = &ref;
    stage_ask(ALICE, &request, ERR_KEY_TYPE);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_the_key_is_its_owners_and_so_are_its_passwords,
        &test_password_whose_reply_is_lost_is_counted_once, &test_password_that_is_wrong_changes_nothing,
        &test_parameters_that_are_none_are_refused, &test_session_key_gives_passwords_of_given_counters_only,
        &test_other_keys_and_other_requests_do_not_meet, &test_requests_to_sign_and_verify_have_no_passwords,
        &test_value_is_neither_digested_nor_derived_from_nor_joined_to_another, NULL};
    return suite_of("op_one_time", 60, tests);
}
