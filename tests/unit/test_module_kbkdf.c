/* SP 800-108 through the module: several keys of one derivation, and keys among the fields. The second opinion is OpenSSL's MAC, by
 * hand. */
#include <string.h>

#include <openssl/evp.h>

#include "proto/limits.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { BLOCK_BYTES = 32, INPUT_MAX = 256, FIELDS = 6 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE base_value[32], label[] = "label";
static CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 32};
static CK_SP800_108_DKM_LENGTH_FORMAT length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 32};

static CK_OBJECT_HANDLE import(const CK_BYTE *value, CK_ULONG n, CK_KEY_TYPE type, CK_BBOOL *derive, CK_BBOOL *sensitive)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, (void *)(uintptr_t)value, n},
                        {CKA_DERIVE, derive, 1}, {CKA_SENSITIVE, sensitive, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, t, 6, &key));
    return key;
}

static CK_OBJECT_HANDLE base(void)
{
    return import(base_value, sizeof base_value, CKK_GENERIC_SECRET, &yes, &no);
}

static void setup_under(enum policy policy)
{
    s = token_alice_under(policy);
    memset(base_value, 0x5a, sizeof base_value);
}

static void setup(void)
{
    setup_under(POLICY_COMPATIBLE);
}

/* ---- templates and parameters */

struct wanted {
    CK_KEY_TYPE type;
    CK_ULONG bytes;
    CK_BBOOL token, sensitive;
    CK_ATTRIBUTE t[5];
};

static CK_ATTRIBUTE *template_of(struct wanted *w)
{
    const CK_ATTRIBUTE t[] = {{CKA_KEY_TYPE, &w->type, sizeof w->type}, {CKA_VALUE_LEN, &w->bytes, sizeof w->bytes},
                              {CKA_TOKEN, &w->token, 1}, {CKA_SENSITIVE, &w->sensitive, 1}, {CKA_EXTRACTABLE, &yes, 1}};

    memcpy(w->t, t, sizeof t);
    return w->t;
}

static struct wanted aes(CK_ULONG bytes)
{
    return (struct wanted){.type = CKK_AES, .bytes = bytes};
}

static struct wanted secret(CK_ULONG bytes)
{
    return (struct wanted){.type = CKK_GENERIC_SECRET, .bytes = bytes};
}

/* All of `wanted` but the first are additional keys. */
static CK_RV derive(CK_MECHANISM_TYPE type, CK_MECHANISM_TYPE prf, CK_PRF_DATA_PARAM *fields, CK_ULONG fields_n, CK_OBJECT_HANDLE from,
                    struct wanted *wanted, CK_ULONG n, CK_OBJECT_HANDLE *made)
{
    CK_DERIVED_KEY more[DERIVED_KEYS_MAX + 1];
    CK_SP800_108_KDF_PARAMS p = {prf, fields_n, fields, n - 1, n > 1 ? more : NULL};
    CK_SP800_108_FEEDBACK_KDF_PARAMS feedback = {prf, fields_n, fields, 0, NULL, n - 1, n > 1 ? more : NULL};
    bool is_feedback = type == CKM_SP800_108_FEEDBACK_KDF;
    CK_MECHANISM m = {type, is_feedback ? (void *)&feedback : (void *)&p, is_feedback ? sizeof feedback : sizeof p};

    for (CK_ULONG i = 1; i < n; i++)
        more[i - 1] = (CK_DERIVED_KEY){template_of(&wanted[i]), 5, &made[i]};
    return f->C_DeriveKey(s, &m, from, template_of(&wanted[0]), 5, &made[0]);
}

static CK_ULONG value_of(CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, room};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

static void is_value(CK_OBJECT_HANDLE key, const CK_BYTE *right, CK_ULONG n)
{
    CK_BYTE value[128];

    ck_assert_uint_eq(value_of(key, value, sizeof value), n);
    ck_assert_mem_eq(value, right, n);
}

static CK_ULONG put_number(CK_BYTE *to, unsigned long number)
{
    for (int i = 0; i < 4; i++)
        to[i] = (CK_BYTE)(number >> (24 - 8 * i));
    return 4;
}

static void hmac(const CK_BYTE *data, size_t n, CK_BYTE out[BLOCK_BYTES])
{
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, base_value, sizeof base_value, data, n, out, BLOCK_BYTES, NULL));
}

/* counter || label || length */
static void block_at(unsigned i, unsigned long bits, CK_BYTE out[BLOCK_BYTES])
{
    CK_BYTE input[INPUT_MAX];
    CK_ULONG n = put_number(input, i);

    memcpy(input + n, label, sizeof label);
    n += sizeof label;
    n += put_number(input + n, bits);
    hmac(input, n, out);
}

static CK_ULONG fields_of(CK_PRF_DATA_PARAM out[FIELDS])
{
    out[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter};
    out[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, label, sizeof label};
    out[2] = (CK_PRF_DATA_PARAM){CK_SP800_108_DKM_LENGTH, &length, sizeof length};
    return 3;
}

static CK_ULONG secrets(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE t = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE found[64];
    CK_ULONG n = 0;

    ck_ok(f->C_FindObjectsInit(s, &t, 1));
    ck_ok(f->C_FindObjects(s, found, 64, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    return n;
}

/* ---- tests */

/* The standard's own example: 48 and 16 bytes are of three blocks, and no block is of two keys. */
START_TEST(test_keys_of_one_derivation_have_no_block_in_common)
{
    CK_PRF_DATA_PARAM fields[FIELDS];
    CK_BYTE blocks[3 * BLOCK_BYTES];

    setup();
    for (CK_ULONG method = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS; method <= CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS; method++) {
        struct wanted wanted[] = {secret(48), aes(16)};
        CK_OBJECT_HANDLE made[2] = {0};
        unsigned long bits = method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ? 512 : 768;
        length.dkmLengthMethod = method;
        ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_of(fields), base(), wanted, 2, made));
        for (unsigned i = 0; i < 3; i++)
            block_at(i + 1, bits, blocks + i * BLOCK_BYTES);
        is_value(made[0], blocks, 48);
        is_value(made[1], blocks + 2 * BLOCK_BYTES, 16);
    }
    length.dkmLengthMethod = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    token_stop();
}
END_TEST

/* As one key that is long enough has them all. */
START_TEST(test_every_mode_makes_many_keys_of_every_kind)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_SP800_108_COUNTER_KDF, CKM_SP800_108_FEEDBACK_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF,
                                              CKM_CLOUDHSM_SP800_108_COUNTER_KDF};

    setup();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool counts = mechanism_find(types[i])->family == FAMILY_KBKDF_COUNTER;
        CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, counts ? &counter : NULL, counts ? sizeof counter : 0},
                                      {CK_SP800_108_BYTE_ARRAY, label, sizeof label}};
        struct wanted wanted[DERIVED_KEYS_MAX], one = secret(DERIVED_KEYS_MAX * BLOCK_BYTES);
        CK_OBJECT_HANDLE made[DERIVED_KEYS_MAX] = {0}, whole = 0;
        CK_BYTE right[DERIVED_KEYS_MAX * BLOCK_BYTES];
        for (size_t k = 0; k < DERIVED_KEYS_MAX; k++) {
            wanted[k] = k % 3 == 0 ? aes(16) : k % 3 == 1 ? secret(k + 1) : (struct wanted){.type = CKK_CHACHA20, .bytes = 32};
            wanted[k].token = k % 2 == 1; /* session objects and token objects at once */
        }
        ck_ok(derive(types[i], CKM_SHA256_HMAC, fields, 2, base(), wanted, DERIVED_KEYS_MAX, made));
        ck_ok(derive(types[i], CKM_SHA256_HMAC, fields, 2, base(), &one, 1, &whole));
        ck_assert_uint_eq(value_of(whole, right, sizeof right), sizeof right);
        for (size_t k = 0; k < DERIVED_KEYS_MAX; k++) {
            CK_BBOOL token = 7;
            CK_ATTRIBUTE a = {CKA_TOKEN, &token, 1};
            is_value(made[k], right + k * BLOCK_BYTES, wanted[k].bytes);
            ck_ok(f->C_GetAttributeValue(s, made[k], &a, 1));
            ck_assert_uint_eq(token, wanted[k].token);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_all_are_made_or_none_and_the_bad_template_is_shown)
{
    CK_PRF_DATA_PARAM fields[FIELDS];
    CK_ULONG fields_n = fields_of(fields), before;
    CK_OBJECT_HANDLE from, made[4];

    setup();
    from = base();
    before = secrets();
    for (size_t bad = 1; bad < 4; bad++) {
        struct wanted wanted[] = {aes(16), aes(16), aes(16), aes(16)};
        for (size_t k = 0; k < 4; k++) {
            wanted[k].token = k < 2;
            made[k] = 4711 + k;
        }
        wanted[bad].bytes = 17; /* no length of an AES key: the vault says so */
        ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_n, from, wanted, 4, made), CKR_TEMPLATE_INCONSISTENT);
        for (size_t k = 1; k < 4; k++)
            ck_assert_uint_eq(made[k], k == bad ? CK_INVALID_HANDLE : 4711 + k);
        wanted[bad].bytes = 16;
        made[bad] = 4711 + bad;
        template_of(&wanted[bad]);
        wanted[bad].type = CKK_RSA;
        ck_assert_uint_ne(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_n, from, wanted, 4, made), CKR_OK);
        ck_assert_uint_eq(made[bad], CK_INVALID_HANDLE);
    }
    ck_assert_uint_eq(secrets(), before);
    token_stop();
}
END_TEST

START_TEST(test_lists_of_keys_that_are_none_are_refused)
{
    CK_PRF_DATA_PARAM fields[FIELDS];
    CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, fields_of(fields), fields, 1, NULL};
    CK_MECHANISM m = {CKM_SP800_108_COUNTER_KDF, &p, sizeof p};
    struct wanted wanted = aes(16), many[DERIVED_KEYS_MAX + 1];
    CK_OBJECT_HANDLE from, key = 0, made[DERIVED_KEYS_MAX + 1], extra = 4711;
    CK_DERIVED_KEY more = {template_of(&wanted), 5, NULL};

    setup();
    from = base();
    ck_rv(f->C_DeriveKey(s, &m, from, template_of(&wanted), 5, &key), CKR_MECHANISM_PARAM_INVALID);
    p.pAdditionalDerivedKeys = &more; /* which says nowhere where its handle goes */
    ck_rv(f->C_DeriveKey(s, &m, from, template_of(&wanted), 5, &key), CKR_MECHANISM_PARAM_INVALID);
    more = (CK_DERIVED_KEY){NULL, 5, &extra};
    ck_rv(f->C_DeriveKey(s, &m, from, template_of(&wanted), 5, &key), CKR_ARGUMENTS_BAD);
    ck_assert_uint_eq(extra, CK_INVALID_HANDLE);
    more = (CK_DERIVED_KEY){template_of(&wanted), 100000, &extra};
    ck_rv(f->C_DeriveKey(s, &m, from, template_of(&wanted), 5, &key), CKR_ARGUMENTS_BAD);
    p.ulAdditionalDerivedKeys = ~0UL;
    ck_rv(f->C_DeriveKey(s, &m, from, template_of(&wanted), 5, &key), CKR_MECHANISM_PARAM_INVALID);
    for (size_t i = 0; i <= DERIVED_KEYS_MAX; i++)
        many[i] = aes(16);
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 3, from, many, DERIVED_KEYS_MAX + 1, made),
          CKR_MECHANISM_PARAM_INVALID);
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 3, from, many, DERIVED_KEYS_MAX, made));
    token_stop();
}
END_TEST

/* CK_SP800_108_KEY_HANDLE: the value of a key stands among the fields. */
START_TEST(test_a_key_can_be_a_field)
{
    CK_BYTE inside[24], other[5] = "other", input[INPUT_MAX], right[BLOCK_BYTES];
    CK_OBJECT_HANDLE from, key, key2, mute, made = 0, wrong = 4711;
    CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
                                  {CK_SP800_108_KEY_HANDLE, &key, sizeof key},
                                  {CK_SP800_108_BYTE_ARRAY, label, sizeof label},
                                  {CK_SP800_108_KEY_HANDLE, &key2, sizeof key2},
                                  {CK_SP800_108_KEY_HANDLE, &key, sizeof key}};
    CK_PRF_DATA_PARAM much[8];
    struct wanted wanted = secret(BLOCK_BYTES);
    CK_ULONG n;

    setup();
    from = base();
    memset(inside, 7, sizeof inside);
    key = import(inside, sizeof inside, CKK_AES, &yes, &no);
    key2 = import(other, sizeof other, CKK_GENERIC_SECRET, &yes, &yes);
    mute = import(inside, sizeof inside, CKK_AES, &no, &no);
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 5, from, &wanted, 1, &made));
    n = put_number(input, 1);
    memcpy(input + n, inside, sizeof inside);
    n += sizeof inside;
    memcpy(input + n, label, sizeof label);
    n += sizeof label;
    memcpy(input + n, other, sizeof other);
    n += sizeof other;
    memcpy(input + n, inside, sizeof inside);
    hmac(input, n + sizeof inside, right);
    is_value(made, right, BLOCK_BYTES);
    fields[1].pValue = &wrong;
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 5, from, &wanted, 1, &made), CKR_KEY_HANDLE_INVALID);
    fields[1].pValue = &mute;
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 5, from, &wanted, 1, &made), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fields[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_KEY_HANDLE, &key, 4};
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 5, from, &wanted, 1, &made), CKR_MECHANISM_PARAM_INVALID);
    fields[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_KEY_HANDLE, NULL, sizeof key};
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 5, from, &wanted, 1, &made), CKR_MECHANISM_PARAM_INVALID);
    much[0] = fields[0];
    for (size_t i = 1; i < 8; i++)
        much[i] = (CK_PRF_DATA_PARAM){CK_SP800_108_KEY_HANDLE, &key, sizeof key};
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, much, 1 + DERIVE_OTHERS_MAX, from, &wanted, 1, &made));
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, much, 2 + DERIVE_OTHERS_MAX, from, &wanted, 1, &made),
          CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

/* What is made of a closed key is closed, whichever of the keys it is and whichever is made. */
START_TEST(test_a_closed_field_closes_every_key_under_the_modern_policy)
{
    CK_BYTE inside[24];
    CK_OBJECT_HANDLE key, made[2];
    CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter}, {CK_SP800_108_KEY_HANDLE, &key, sizeof key}};
    struct wanted wanted[] = {aes(16), aes(16)};

    setup_under(POLICY_MODERN);
    memset(inside, 7, sizeof inside);
    key = import(inside, sizeof inside, CKK_AES, &yes, &yes);
    wanted[0].sensitive = CK_TRUE;
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 2, base(), wanted, 2, made), CKR_TEMPLATE_INCONSISTENT);
    wanted[1].sensitive = CK_TRUE;
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 2, base(), wanted, 2, made));
    token_stop();
}
END_TEST

/* CMAC can be undone by who knows its key: one block of it would give the field back. */
START_TEST(test_a_field_that_is_a_key_takes_a_one_way_prf)
{
    static const enum policy policies[] = {POLICY_MODERN, POLICY_COMPATIBLE};
    CK_BYTE inside[16] = {7}, known[16] = {1};
    CK_OBJECT_HANDLE key, from, made;
    CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter}, {CK_SP800_108_KEY_HANDLE, &key, sizeof key}};
    struct wanted wanted = secret(16);

    for (size_t i = 0; i < 2; i++) {
        setup_under(policies[i]);
        key = import(inside, sizeof inside, CKK_AES, &yes, &yes);
        from = import(known, sizeof known, CKK_AES, &yes, &no);
        wanted.sensitive = CK_TRUE;
        ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_AES_CMAC, fields, 2, from, &wanted, 1, &made), CKR_MECHANISM_PARAM_INVALID);
        ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 2, from, &wanted, 1, &made));
        token_stop();
    }
}
END_TEST

/* Otherwise a byte of it, then two, then three would be guessed by what they sign. */
START_TEST(test_nothing_short_is_derived_from_a_closed_key_under_the_modern_policy)
{
    CK_PRF_DATA_PARAM fields[FIELDS];
    CK_ULONG fields_n = fields_of(fields);
    CK_BYTE inside[32] = {7};
    CK_OBJECT_HANDLE key, made;
    struct wanted one = secret(1), few = secret(15), enough = secret(16);

    setup_under(POLICY_MODERN);
    key = import(inside, sizeof inside, CKK_GENERIC_SECRET, &yes, &yes);
    one.sensitive = few.sensitive = enough.sensitive = CK_TRUE;
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_n, key, &one, 1, &made), CKR_KEY_SIZE_RANGE);
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_n, key, &few, 1, &made), CKR_KEY_SIZE_RANGE);
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, fields_n, key, &enough, 1, &made));
    token_stop();
}
END_TEST

/* The PRF is a mechanism like any other, and in the policy or not. */
START_TEST(test_triple_des_is_a_prf_under_the_compatible_policy)
{
    CK_PRF_DATA_PARAM fields[FIELDS];
    CK_ULONG fields_n = fields_of(fields), n;
    CK_BYTE input[INPUT_MAX], right[16];
    struct wanted wanted = aes(16);
    CK_OBJECT_HANDLE from, made;

    setup();
    from = import(base_value, 24, CKK_GENERIC_SECRET, &yes, &no);
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_DES3_CMAC, fields, fields_n, from, &wanted, 1, &made), CKR_KEY_TYPE_INCONSISTENT);
    from = import(base_value, 24, CKK_DES3, &yes, &no);
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_DES3_CMAC, fields, fields_n, from, &wanted, 1, &made));
    for (unsigned i = 0; i < 2; i++) {
        n = put_number(input, i + 1);
        memcpy(input + n, label, sizeof label);
        n += sizeof label;
        n += put_number(input + n, 128);
        ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "CMAC", NULL, "DES-EDE3-CBC", NULL, base_value, 24, input, n, right + 8 * i, 8, NULL));
    }
    is_value(made, right, 16);
    token_stop();
    setup_under(POLICY_MODERN);
    from = import(base_value, 24, CKK_GENERIC_SECRET, &yes, &no);
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_DES3_CMAC, fields, fields_n, from, &wanted, 1, &made), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

/* The PRF reads it for each block. */
START_TEST(test_parameter_of_a_derivation_has_an_end)
{
    static CK_BYTE text[PARAMETER_BYTES_MAX];
    CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
                                  {CK_SP800_108_BYTE_ARRAY, text, sizeof text},
                                  {CK_SP800_108_BYTE_ARRAY, text, sizeof text},
                                  {CK_SP800_108_BYTE_ARRAY, text, sizeof text}};
    struct wanted w = secret(32);
    CK_OBJECT_HANDLE from, made;

    setup();
    from = base();
    ck_ok(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 3, from, &w, 1, &made));
    ck_rv(derive(CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, fields, 4, from, &w, 1, &made), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_keys_of_one_derivation_have_no_block_in_common,
        &test_every_mode_makes_many_keys_of_every_kind,
        &test_all_are_made_or_none_and_the_bad_template_is_shown,
        &test_lists_of_keys_that_are_none_are_refused,
        &test_a_key_can_be_a_field,
        &test_a_closed_field_closes_every_key_under_the_modern_policy,
        &test_a_field_that_is_a_key_takes_a_one_way_prf,
        &test_nothing_short_is_derived_from_a_closed_key_under_the_modern_policy,
        &test_triple_des_is_a_prf_under_the_compatible_policy,
        &test_parameter_of_a_derivation_has_an_end,
        NULL,
    };

    return suite_of("module_kbkdf", 60, tests);
}
