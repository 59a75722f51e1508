/* One-time passwords through the module: RFC 4226's own values, whose counter counts, what is refused, and many threads at one key. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 128, THREADS = 8, EACH = 12 };

/* RFC 4226 appendix D. */
static CK_BYTE secret[] = "12345678901234567890";
static const char *const passwords[] = {"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"};
static const CK_ULONG numbers[] = {1284755224, 1094287082, 137359152, 1726969429, 1640338314,
                                   868254676,  1918287922, 82162583,  673399871,  645520489};
enum { PASSWORDS = sizeof passwords / sizeof passwords[0] };

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE key;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_ULONG ignored = CK_OTP_PARAM_IGNORED, optional = CK_OTP_PARAM_OPTIONAL, mandatory = CK_OTP_PARAM_MANDATORY;

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    key = 0;
}

static CK_RV import(CK_ULONG *requirement, const CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_OBJECT_CLASS object_class = CKO_OTP_KEY;
    CK_KEY_TYPE type = CKK_HOTP;
    CK_ATTRIBUTE t[16] = {{CKA_CLASS, &object_class, sizeof object_class},
                          {CKA_KEY_TYPE, &type, sizeof type},
                          {CKA_VALUE, secret, sizeof secret - 1},
                          {CKA_OTP_COUNTER_REQUIREMENT, requirement, sizeof *requirement}};
    CK_ULONG n = 4;
    bool placed = false;

    for (CK_ULONG i = 0; i < more_n; i++) {
        placed = placed || more[i].type == CKA_TOKEN;
        t[n++] = more[i];
    }
    if (!placed)
        t[n++] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, 1};
    return f->C_CreateObject(s, t, n, &key);
}

static CK_MECHANISM *hotp(const CK_BYTE *counter)
{
    static CK_OTP_PARAM param;
    static CK_OTP_PARAMS params;
    static CK_MECHANISM m;

    param = (CK_OTP_PARAM){CK_OTP_COUNTER, (void *)(uintptr_t)counter, 8};
    params = (CK_OTP_PARAMS){&param, 1};
    m = (CK_MECHANISM){CKM_HOTP, &params, sizeof params};
    if (counter == NULL)
        m = (CK_MECHANISM){CKM_HOTP, NULL, 0};
    return &m;
}

static const CK_BYTE *count(CK_BYTE n)
{
    static CK_BYTE bytes[8];

    bytes[7] = n;
    return bytes;
}

/* The password alone, as text. */
static CK_RV made(CK_SESSION_HANDLE session, CK_MECHANISM *m, char *out)
{
    CK_BYTE block[ROOM];
    CK_OTP_SIGNATURE_INFO info;
    CK_OTP_PARAM value;
    CK_ULONG n = sizeof block;
    CK_RV rv = f->C_SignInit(session, m, key);

    if (rv == CKR_OK)
        rv = f->C_Sign(session, NULL, 0, block, &n);
    if (rv != CKR_OK)
        return rv;
    memcpy(&info, block, sizeof info);
    ck_assert_uint_eq(info.ulCount, 1);
    memcpy(&value, info.pParams, sizeof value);
    ck_assert_uint_eq(value.type, CK_OTP_VALUE);
    ck_assert((CK_BYTE *)value.pValue + value.ulValueLen == block + n);
    memcpy(out, value.pValue, value.ulValueLen);
    out[value.ulValueLen] = '\0';
    return CKR_OK;
}

static void gives(CK_MECHANISM *m, const char *password)
{
    char out[ROOM];

    ck_ok(made(s, m, out));
    ck_assert_str_eq(out, password);
}

static CK_RV verified(CK_MECHANISM *m, const char *password)
{
    CK_RV rv = f->C_VerifyInit(s, m, key);

    return rv == CKR_OK ? f->C_Verify(s, NULL, 0, (CK_BYTE *)(uintptr_t)password, strlen(password)) : rv;
}

static CK_ULONG counter_now(void)
{
    CK_BYTE bytes[8] = {0};
    CK_ATTRIBUTE a = {CKA_OTP_COUNTER, bytes, sizeof bytes};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, 8);
    return bytes[7] | (CK_ULONG)bytes[6] << 8;
}

START_TEST(test_own_counter_gives_the_passwords_of_rfc_4226_one_after_the_other)
{
    setup();
    ck_ok(import(&ignored, NULL, 0));
    for (CK_ULONG i = 0; i < PASSWORDS; i++) {
        gives(hotp(NULL), passwords[i]);
        ck_assert_uint_eq(counter_now(), i + 1);
    }
    token_stop();
}
END_TEST

START_TEST(test_given_counter_gives_any_of_them_and_counts_nothing)
{
    setup();
    for (int in_token = 0; in_token < 2; in_token++) {
        CK_ATTRIBUTE place = {CKA_TOKEN, in_token ? &yes : &no, 1};
        ck_ok(import(&mandatory, &place, 1));
        for (CK_BYTE i = PASSWORDS; i-- > 0;) {
            unsigned before = local_node_proposals(token_node);
            gives(hotp(count(i)), passwords[i]);
            ck_ok(verified(hotp(count(i)), passwords[i]));
            ck_ok(verified(hotp(count(i)), passwords[i]));
            ck_assert_uint_eq(local_node_proposals(token_node), before);
        }
        ck_rv(verified(hotp(count(3)), passwords[4]), CKR_SIGNATURE_INVALID);
        ck_assert_uint_eq(counter_now(), 0);
    }
    token_stop();
}
END_TEST

START_TEST(test_who_says_whose_counter_counts_is_the_key)
{
    char out[ROOM];

    setup();
    ck_ok(import(&ignored, NULL, 0));
    gives(hotp(count(7)), passwords[0]); /* the given one is ignored, and its own counts */
    ck_assert_uint_eq(counter_now(), 1);
    ck_ok(import(&optional, NULL, 0));
    gives(hotp(count(7)), passwords[7]);
    gives(hotp(NULL), passwords[0]);
    gives(hotp(count(0)), passwords[0]);
    gives(hotp(NULL), passwords[1]);
    ck_ok(import(&mandatory, NULL, 0));
    ck_rv(made(s, hotp(NULL), out), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_password_is_accepted_once_and_within_the_window)
{
    setup();
    ck_ok(import(&ignored, NULL, 0));
    ck_ok(verified(hotp(NULL), passwords[0]));
    ck_rv(verified(hotp(NULL), passwords[0]), CKR_SIGNATURE_INVALID);
    ck_assert_uint_eq(counter_now(), 1);
    ck_rv(verified(hotp(NULL), passwords[6]), CKR_SIGNATURE_INVALID); /* five from 1 on */
    ck_assert_uint_eq(counter_now(), 1);
    ck_ok(verified(hotp(NULL), passwords[5]));
    ck_assert_uint_eq(counter_now(), 6);
    for (int i = 1; i < 6; i++) /* passed over */
        ck_rv(verified(hotp(NULL), passwords[i]), CKR_SIGNATURE_INVALID);
    ck_rv(verified(hotp(NULL), "87922"), CKR_SIGNATURE_LEN_RANGE);
    ck_rv(verified(hotp(NULL), "0287922"), CKR_SIGNATURE_LEN_RANGE);
    ck_ok(verified(hotp(NULL), passwords[6]));
    token_stop();
}
END_TEST

START_TEST(test_passwords_of_seven_and_eight_digits)
{
    setup();
    for (CK_ULONG digits = 6; digits <= 8; digits++) {
        CK_ATTRIBUTE length = {CKA_OTP_LENGTH, &digits, sizeof digits};
        ck_ok(import(&ignored, &length, 1));
        for (size_t i = 0; i < PASSWORDS; i++) {
            char all[16], out[ROOM];
            snprintf(all, sizeof all, "%010lu", numbers[i]);
            ck_ok(made(s, hotp(NULL), out));
            ck_assert_str_eq(out, all + 10 - digits);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_beginning_of_the_count_is_the_templates_and_its_end_is_the_end)
{
    CK_BYTE third[8] = {0, 0, 0, 0, 0, 0, 0, 3}, last[8];
    CK_ATTRIBUTE counter = {CKA_OTP_COUNTER, third, 8};
    char out[ROOM];

    memset(last, 0xff, sizeof last);
    setup();
    ck_ok(import(&ignored, &counter, 1));
    gives(hotp(NULL), passwords[3]);
    ck_rv(f->C_SetAttributeValue(s, key, &counter, 1), CKR_ATTRIBUTE_READ_ONLY);
    gives(hotp(NULL), passwords[4]);
    counter.pValue = last;
    ck_ok(import(&ignored, &counter, 1));
    ck_rv(made(s, hotp(NULL), out), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(verified(hotp(NULL), "000000"), CKR_SIGNATURE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_what_a_template_must_not_say_is_refused)
{
    CK_ULONG five = 5, nine = 9, hex = CK_OTP_FORMAT_HEXADECIMAL, three = 3;
    CK_BYTE bytes[9] = {0};
    CK_BYTE time[] = "20260101000000";
    const struct {
        CK_ATTRIBUTE a;
        CK_RV answer;
    } rows[] = {{{CKA_OTP_LENGTH, &five, sizeof five}, CKR_ATTRIBUTE_VALUE_INVALID},
                {{CKA_OTP_LENGTH, &nine, sizeof nine}, CKR_ATTRIBUTE_VALUE_INVALID},
                {{CKA_OTP_FORMAT, &hex, sizeof hex}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_OTP_COUNTER, bytes, 7}, CKR_ATTRIBUTE_VALUE_INVALID},
                {{CKA_OTP_COUNTER, bytes, 9}, CKR_ATTRIBUTE_VALUE_INVALID},
                {{CKA_OTP_COUNTER, NULL, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
                {{CKA_OTP_TIME_REQUIREMENT, &mandatory, sizeof mandatory}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_OTP_CHALLENGE_REQUIREMENT, &optional, sizeof optional}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_OTP_PIN_REQUIREMENT, &optional, sizeof optional}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_OTP_TIME, time, 14}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_OTP_USER_FRIENDLY_MODE, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_COPYABLE, &yes, 1}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_TOKEN, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
                {{CKA_DERIVE, &yes, 1}, CKR_ATTRIBUTE_TYPE_INVALID},
                {{CKA_ENCRYPT, &yes, 1}, CKR_ATTRIBUTE_TYPE_INVALID}};

    setup();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CK_RV rv = import(&ignored, &rows[i].a, 1);
        ck_assert_msg(rv == rows[i].answer, "row %zu: 0x%lx", i, rv);
    }
    ck_rv(import(&three, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_secret_keys_and_one_time_keys_do_not_take_each_others_class)
{
    CK_OBJECT_CLASS otp = CKO_OTP_KEY, secret_key = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_HOTP, hmac = CKK_SHA_1_HMAC;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_key, sizeof otp}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, secret, sizeof secret - 1}};

    setup();
    ck_rv(f->C_CreateObject(s, t, 3, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    t[0].pValue = &otp;
    t[1].pValue = &hmac;
    ck_rv(f->C_CreateObject(s, t, 3, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_data_has_no_place_in_a_password)
{
    CK_BYTE data[] = "data", block[ROOM];
    CK_ULONG n = sizeof block;

    setup();
    ck_ok(import(&ignored, NULL, 0));
    ck_ok(f->C_SignInit(s, hotp(NULL), key));
    ck_rv(f->C_Sign(s, data, 4, block, &n), CKR_DATA_INVALID);
    ck_ok(f->C_SignInit(s, hotp(NULL), key));
    ck_rv(f->C_SignUpdate(s, data, 4), CKR_DATA_INVALID);
    ck_rv(f->C_SignFinal(s, block, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, hotp(NULL), key));
    ck_rv(f->C_SignUpdate(s, NULL, 0), CKR_DATA_INVALID);
    ck_ok(f->C_VerifyInit(s, hotp(NULL), key));
    ck_rv(f->C_Verify(s, data, 4, (CK_BYTE *)(uintptr_t)passwords[0], 6), CKR_DATA_INVALID);
    ck_ok(f->C_VerifyInit(s, hotp(NULL), key));
    ck_rv(f->C_VerifyUpdate(s, data, 4), CKR_DATA_INVALID);
    ck_ok(f->C_SignInit(s, hotp(NULL), key));
    ck_ok(f->C_SignFinal(s, block, &n));
    ck_assert_uint_eq(counter_now(), 1);
    token_stop();
}
END_TEST

START_TEST(test_asking_for_the_size_counts_nothing)
{
    CK_BYTE block[ROOM];
    CK_ULONG n = 0, small;

    setup();
    ck_ok(import(&ignored, NULL, 0));
    ck_ok(f->C_SignInit(s, hotp(NULL), key));
    ck_ok(f->C_Sign(s, NULL, 0, NULL, &n));
    ck_assert_uint_eq(n, sizeof(CK_OTP_SIGNATURE_INFO) + sizeof(CK_OTP_PARAM) + 6);
    small = n - 1;
    ck_rv(f->C_Sign(s, NULL, 0, block, &small), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(counter_now(), 0);
    ck_ok(f->C_Sign(s, NULL, 0, block, &n));
    ck_assert_uint_eq(counter_now(), 1);
    token_stop();
}
END_TEST

START_TEST(test_wrong_parameters_are_refused)
{
    CK_FLAGS friendly = CKF_USER_FRIENDLY_OTP, next = CKF_NEXT_OTP;
    CK_BYTE bytes[9] = {0};
    CK_ULONG six = 6;
    struct {
        CK_OTP_PARAM list[2];
        CK_ULONG n;
        CK_RV answer;
    } rows[] = {{{{CK_OTP_FLAGS, &friendly, sizeof friendly}}, 1, CKR_OK},
                {{{CK_OTP_COUNTER, bytes, 8}, {CK_OTP_FLAGS, &friendly, sizeof friendly}}, 2, CKR_OK},
                {{{0}}, 0, CKR_OK},
                {{{CK_OTP_FLAGS, &next, sizeof next}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_FLAGS, &friendly, 1}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_COUNTER, bytes, 7}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_COUNTER, bytes, 9}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_COUNTER, NULL, 8}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_COUNTER, bytes, 8}, {CK_OTP_COUNTER, bytes, 8}}, 2, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_OUTPUT_LENGTH, &six, sizeof six}}, 1, CKR_MECHANISM_PARAM_INVALID},
                {{{CK_OTP_PIN, bytes, 4}}, 1, CKR_MECHANISM_PARAM_INVALID}};

    setup();
    ck_ok(import(&optional, NULL, 0));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CK_OTP_PARAMS params = {rows[i].list, rows[i].n};
        CK_MECHANISM m = {CKM_HOTP, &params, sizeof params};
        CK_RV rv = f->C_SignInit(s, &m, key);
        ck_assert_msg(rv == rows[i].answer, "row %zu: 0x%lx", i, rv);
        if (rv == CKR_OK)
            ck_ok(f->C_SignInit(s, NULL, 0));
    }
    token_stop();
}
END_TEST

START_TEST(test_generated_key_has_twenty_bytes_and_defaults)
{
    CK_MECHANISM m = {CKM_HOTP_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &yes, 1}};
    CK_BYTE value[64];
    CK_ATTRIBUTE shown = {CKA_VALUE, value, sizeof value};
    char out[ROOM];

    setup();
    ck_rv(f->C_GenerateKey(s, &m, NULL, 0, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(f->C_GenerateKey(s, &m, t, 1, &key));
    ck_assert_uint_eq(token_number(s, key, CKA_CLASS), CKO_OTP_KEY);
    ck_assert_uint_eq(token_number(s, key, CKA_KEY_TYPE), CKK_HOTP);
    ck_assert_uint_eq(token_number(s, key, CKA_VALUE_LEN), 20);
    ck_assert_uint_eq(token_number(s, key, CKA_OTP_LENGTH), 6);
    ck_assert_uint_eq(token_number(s, key, CKA_OTP_FORMAT), CK_OTP_FORMAT_DECIMAL);
    ck_assert_uint_eq(token_number(s, key, CKA_OTP_COUNTER_REQUIREMENT), CK_OTP_PARAM_IGNORED);
    ck_assert(token_flag(s, key, CKA_SENSITIVE) && token_flag(s, key, CKA_SIGN) && token_flag(s, key, CKA_VERIFY));
    ck_assert(token_flag(s, key, CKA_LOCAL) && !token_flag(s, key, CKA_COPYABLE) && !token_flag(s, key, CKA_EXTRACTABLE));
    ck_rv(f->C_GetAttributeValue(s, key, &shown, 1), CKR_ATTRIBUTE_SENSITIVE);
    ck_ok(made(s, hotp(NULL), out));
    token_stop();
}
END_TEST

/* Whatever would be a second place for the counter, or make something else of the value. */
START_TEST(test_key_is_neither_copied_nor_wrapped_nor_derived_from_nor_digested)
{
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP_KWP, NULL, 0}, hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0}, sha = {CKM_SHA256, NULL, 0},
                 both = {CKM_CONCATENATE_BASE_AND_KEY, NULL, sizeof key};
    CK_OBJECT_CLASS otp = CKO_OTP_KEY;
    CK_KEY_TYPE type = CKK_HOTP;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &otp, sizeof otp}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &yes, 1}};
    CK_MECHANISM generate = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ULONG bytes = 32;
    CK_ATTRIBUTE goes_out[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};
    CK_OBJECT_HANDLE other, aes, generic;
    CK_BYTE out[ROOM];
    CK_ULONG n = sizeof out;

    setup();
    aes = token_secret_key(s, CKK_AES, 32);
    ck_ok(f->C_GenerateKey(s, &generate, goes_out, 3, &generic));
    ck_ok(import(&ignored, open, 2));
    ck_rv(f->C_CopyObject(s, key, NULL, 0, &other), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_WrapKey(s, &wrap, aes, key, out, &n), CKR_KEY_NOT_WRAPPABLE);
    ck_rv(f->C_DeriveKey(s, &hash, key, NULL, 0, &other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    both.pParameter = &key;
    ck_rv(f->C_DeriveKey(s, &both, generic, NULL, 0, &other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(f->C_DigestInit(s, &sha));
    ck_rv(f->C_DigestKey(s, key), CKR_KEY_INDIGESTIBLE);
    ck_ok(f3->C_SessionCancel(s, ~0UL));
    n = sizeof out;
    ck_ok(f->C_WrapKey(s, &wrap, aes, generic, out, &n));
    ck_rv(f->C_UnwrapKey(s, &wrap, aes, out, n, t, 3, &other), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(f->C_DeriveKey(s, &hash, generic, t, 3, &other), CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

START_TEST(test_uses_are_the_keys_to_permit)
{
    CK_ATTRIBUTE only_verifies[] = {{CKA_SIGN, &no, 1}, {CKA_VERIFY, &yes, 1}};
    CK_MECHANISM hmac = {CKM_SHA_1_HMAC, NULL, 0};
    char out[ROOM];

    setup();
    ck_ok(import(&ignored, only_verifies, 2));
    ck_rv(made(s, hotp(NULL), out), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(verified(hotp(NULL), passwords[0]));
    ck_ok(import(&ignored, NULL, 0));
    ck_rv(f->C_SignInit(s, &hmac, key), CKR_KEY_TYPE_INCONSISTENT);
    key = token_hmac_key(s, false, "x");
    ck_rv(f->C_SignInit(s, hotp(NULL), key), CKR_KEY_TYPE_INCONSISTENT);
    token_stop();
}
END_TEST

START_TEST(test_attributes_for_people_change_and_the_counter_stays)
{
    char who[] = "alice@example";
    CK_ATTRIBUTE name = {CKA_OTP_USER_IDENTIFIER, who, sizeof who - 1};

    setup();
    ck_ok(import(&ignored, NULL, 0));
    gives(hotp(NULL), passwords[0]);
    ck_ok(f->C_SetAttributeValue(s, key, &name, 1));
    gives(hotp(NULL), passwords[1]);
    ck_assert_uint_eq(counter_now(), 2);
    token_stop();
}
END_TEST

static CK_ULONG told[THREADS * EACH];

static void *ask(void *arg)
{
    CK_SESSION_HANDLE mine = token_session();
    size_t first = (size_t)(uintptr_t)arg * EACH;

    for (size_t i = 0; i < EACH; i++) {
        CK_MECHANISM m = {CKM_HOTP, NULL, 0};
        char out[ROOM];
        ck_ok(made(mine, &m, out));
        told[first + i] = strtoul(out, NULL, 10);
    }
    return NULL;
}

static int in_order(const void *a, const void *b)
{
    CK_ULONG x = *(const CK_ULONG *)a, y = *(const CK_ULONG *)b;

    return x < y ? -1 : x > y;
}

/* Of the same key and counters, by a key whose counter is given. */
static void all_of_them(CK_ULONG *out, CK_ULONG digits)
{
    CK_ATTRIBUTE length = {CKA_OTP_LENGTH, &digits, sizeof digits};

    ck_ok(import(&mandatory, &length, 1));
    for (size_t i = 0; i < THREADS * EACH; i++) {
        char text[ROOM];
        ck_ok(made(s, hotp(count((CK_BYTE)i)), text));
        out[i] = strtoul(text, NULL, 10);
    }
}

START_TEST(test_many_threads_at_one_key_get_each_password_once)
{
    CK_ULONG wanted[THREADS * EACH], digits = 8;
    CK_ATTRIBUTE length = {CKA_OTP_LENGTH, &digits, sizeof digits};
    pthread_t threads[THREADS];

    setup();
    all_of_them(wanted, digits);
    ck_ok(import(&ignored, &length, 1));
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(counter_now(), THREADS * EACH);
    qsort(told, THREADS * EACH, sizeof told[0], in_order);
    qsort(wanted, THREADS * EACH, sizeof wanted[0], in_order);
    ck_assert_mem_eq(told, wanted, sizeof wanted);
    token_stop();
}
END_TEST

static unsigned accepted[THREADS];

static void *offer(void *arg)
{
    CK_SESSION_HANDLE mine = token_session();
    size_t me = (size_t)(uintptr_t)arg;

    for (size_t i = 0; i < PASSWORDS; i++) {
        CK_MECHANISM m = {CKM_HOTP, NULL, 0};
        CK_RV rv;
        ck_ok(f->C_VerifyInit(mine, &m, key));
        rv = f->C_Verify(mine, NULL, 0, (CK_BYTE *)(uintptr_t)passwords[i], 6);
        ck_assert(rv == CKR_OK || rv == CKR_SIGNATURE_INVALID);
        accepted[me] += rv == CKR_OK;
    }
    return NULL;
}

START_TEST(test_many_threads_that_offer_the_same_passwords_are_accepted_once_each)
{
    pthread_t threads[THREADS];
    unsigned all = 0;

    setup();
    memset(accepted, 0, sizeof accepted);
    ck_ok(import(&ignored, NULL, 0));
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, offer, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        all += accepted[i];
    }
    ck_assert(all > 0 && all <= PASSWORDS);
    ck_assert_uint_eq(counter_now(), PASSWORDS); /* who is ahead of the others passes passwords over */
    token_stop();
}
END_TEST

START_TEST(test_password_whose_reply_is_lost_is_told_to_the_same_request)
{
    setup();
    ck_ok(import(&ignored, NULL, 0));
    local_node_faults(token_node)->lose_replies = 1;
    gives(hotp(NULL), passwords[0]);
    ck_assert_uint_eq(counter_now(), 1);
    gives(hotp(NULL), passwords[1]);
    local_node_faults(token_node)->lose_replies = 1;
    ck_ok(verified(hotp(NULL), passwords[2])); /* once, and told twice */
    ck_rv(verified(hotp(NULL), passwords[2]), CKR_SIGNATURE_INVALID);
    ck_assert_uint_eq(counter_now(), 3);
    token_stop();
}
END_TEST

START_TEST(test_password_outlives_conflicts)
{
    setup();
    ck_ok(import(&ignored, NULL, 0));
    local_node_faults(token_node)->conflicts = 20;
    gives(hotp(NULL), passwords[0]);
    local_node_faults(token_node)->conflicts = 20;
    ck_ok(verified(hotp(NULL), passwords[1]));
    ck_assert_uint_eq(counter_now(), 2);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_own_counter_gives_the_passwords_of_rfc_4226_one_after_the_other,
        &test_given_counter_gives_any_of_them_and_counts_nothing, &test_who_says_whose_counter_counts_is_the_key,
        &test_password_is_accepted_once_and_within_the_window, &test_passwords_of_seven_and_eight_digits,
        &test_beginning_of_the_count_is_the_templates_and_its_end_is_the_end, &test_what_a_template_must_not_say_is_refused,
        &test_secret_keys_and_one_time_keys_do_not_take_each_others_class, &test_data_has_no_place_in_a_password,
        &test_asking_for_the_size_counts_nothing, &test_wrong_parameters_are_refused, &test_generated_key_has_twenty_bytes_and_defaults,
        &test_key_is_neither_copied_nor_wrapped_nor_derived_from_nor_digested, &test_uses_are_the_keys_to_permit,
        &test_attributes_for_people_change_and_the_counter_stays, &test_many_threads_at_one_key_get_each_password_once,
        &test_many_threads_that_offer_the_same_passwords_are_accepted_once_each,
        &test_password_whose_reply_is_lost_is_told_to_the_same_request, &test_password_outlives_conflicts, NULL};
    return suite_of("module_one_time", 60, tests);
}
