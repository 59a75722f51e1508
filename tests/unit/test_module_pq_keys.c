/* Post-quantum keys through the module: made and imported by every parameter set that libcrypto has, and not there at all where it has
 * none. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "proto/mechanism.h"
#include "proto/parameter_set.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { VALUE_BYTES_MAX = 5120 };

static CK_SESSION_HANDLE s;

static CK_MECHANISM_TYPE maker_of(CK_KEY_TYPE type)
{
    return type == CKK_ML_KEM ? CKM_ML_KEM_KEY_PAIR_GEN : type == CKK_ML_DSA ? CKM_ML_DSA_KEY_PAIR_GEN : CKM_SLH_DSA_KEY_PAIR_GEN;
}

/* Of those of one type that differ in nothing but the hash inside, one is enough where each takes its time. */
static bool is_slow(const struct parameter_set *set)
{
    return set->key_type == CKK_SLH_DSA && set->name[strlen(set->name) - 1] == 's' && set->number != CKP_SLH_DSA_SHA2_128S;
}

static const struct parameter_set *next(size_t *i)
{
    const struct parameter_set *set;

    while ((set = parameter_set_at((*i)++)) != NULL)
        if (parameter_set_is_here(set) && !is_slow(set))
            return set;
    return NULL;
}

struct value {
    CK_BYTE bytes[VALUE_BYTES_MAX];
    CK_ULONG n;
};

static CK_RV value_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct value *out)
{
    CK_ATTRIBUTE a = {type, out->bytes, sizeof out->bytes};
    CK_RV rv = f->C_GetAttributeValue(s, object, &a, 1);

    out->n = a.ulValueLen;
    return rv;
}

static CK_RV generate(CK_KEY_TYPE type, CK_ULONG number, bool open, struct token_pair *out)
{
    CK_MECHANISM m = {maker_of(type), NULL, 0};
    CK_BBOOL sensitive = !open, extractable = open;
    CK_ATTRIBUTE public_half[] = {{CKA_PARAMETER_SET, &number, sizeof number}};
    CK_ATTRIBUTE private_half[] = {{CKA_SENSITIVE, &sensitive, 1}, {CKA_EXTRACTABLE, &extractable, 1}};

    return f->C_GenerateKeyPair(s, &m, public_half, 1, private_half, 2, &out->public_key, &out->private_key);
}

/* Which of the three are given: a length of 0 leaves one out. */
static CK_RV import(const struct parameter_set *set, CK_OBJECT_CLASS object_class, const struct value *seed, const struct value *value,
                    CK_OBJECT_HANDLE *out)
{
    CK_KEY_TYPE type = set->key_type;
    CK_ULONG number = set->number, n = 3;
    CK_BBOOL open = CK_TRUE, sensitive = CK_FALSE;
    CK_ATTRIBUTE t[8] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                         {CKA_PARAMETER_SET, &number, sizeof number}};

    if (seed != NULL)
        t[n++] = (CK_ATTRIBUTE){CKA_SEED, (void *)(uintptr_t)seed->bytes, seed->n};
    if (value != NULL)
        t[n++] = (CK_ATTRIBUTE){CKA_VALUE, (void *)(uintptr_t)value->bytes, value->n};
    if (object_class == CKO_PRIVATE_KEY) {
        t[n++] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, &open, 1};
        t[n++] = (CK_ATTRIBUTE){CKA_SENSITIVE, &sensitive, 1};
    }
    return f->C_CreateObject(s, t, n, out);
}

/* The public key that OpenSSL reads from CKA_PUBLIC_KEY_INFO has CKA_VALUE. */
static void ck_public(CK_OBJECT_HANDLE object, const struct parameter_set *set, const struct value *value)
{
    struct value info, again;
    const CK_BYTE *at = info.bytes;
    EVP_PKEY *key;
    size_t n = 0;

    ck_ok(value_of(object, CKA_PUBLIC_KEY_INFO, &info));
    key = d2i_PUBKEY(NULL, &at, (long)info.n);
    ck_assert_ptr_nonnull(key);
    ck_assert(EVP_PKEY_is_a(key, set->name));
    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, "pub", again.bytes, sizeof again.bytes, &n), 1);
    ck_assert_uint_eq(n, value->n);
    ck_assert_mem_eq(again.bytes, value->bytes, n);
    EVP_PKEY_free(key);
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
}

START_TEST(test_sets_are_here_where_openssl_has_them_and_nowhere_else)
{
    static const CK_MECHANISM_TYPE makers[] = {CKM_ML_KEM_KEY_PAIR_GEN, CKM_ML_DSA_KEY_PAIR_GEN, CKM_SLH_DSA_KEY_PAIR_GEN};
    bool has = OPENSSL_version_major() > 3 || (OPENSSL_version_major() == 3 && OPENSSL_version_minor() >= 5);
    CK_MECHANISM_TYPE list[512];
    CK_ULONG n = 512;
    CK_MECHANISM_INFO info;

    setup();
    for (size_t i = 0; parameter_set_at(i) != NULL; i++)
        ck_assert_msg(parameter_set_is_here(parameter_set_at(i)) == has, "%s", parameter_set_at(i)->name);
    ck_ok(f->C_GetMechanismList(0, list, &n));
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        bool listed = false;
        for (CK_ULONG k = 0; k < n; k++)
            listed = listed || list[k] == makers[i];
        ck_assert(listed == has);
        ck_rv(f->C_GetMechanismInfo(0, makers[i], &info), has ? CKR_OK : CKR_MECHANISM_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_without_openssl_they_are_refused_as_if_there_were_no_such_thing)
{
    static const CK_KEY_TYPE types[] = {CKK_ML_KEM, CKK_ML_DSA, CKK_SLH_DSA};
    struct value value = {.n = 1312};
    struct token_pair pair;
    CK_OBJECT_HANDLE object;

    setup();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct parameter_set set = {.key_type = types[i], .number = 1};
        if (parameter_set_makes_here(types[i]))
            continue;
        ck_rv(generate(types[i], 1, false, &pair), CKR_MECHANISM_INVALID);
        ck_rv(import(&set, CKO_PUBLIC_KEY, NULL, &value, &object), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(import(&set, CKO_PRIVATE_KEY, NULL, &value, &object), CKR_ATTRIBUTE_VALUE_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_every_set_makes_a_pair_that_belongs_together)
{
    const struct parameter_set *set;

    setup();
    for (size_t i = 0; (set = next(&i)) != NULL;) {
        bool kem = set->key_type == CKK_ML_KEM;
        struct token_pair p;
        struct value value;
        ck_ok(generate(set->key_type, set->number, false, &p));
        ck_assert_uint_eq(token_number(s, p.public_key, CKA_PARAMETER_SET), set->number);
        ck_assert_uint_eq(token_number(s, p.private_key, CKA_PARAMETER_SET), set->number);
        ck_assert_uint_eq(token_number(s, p.private_key, CKA_KEY_TYPE), set->key_type);
        ck_assert_uint_eq(token_number(s, p.private_key, CKA_KEY_GEN_MECHANISM), maker_of(set->key_type));
        ck_rv(value_of(p.private_key, CKA_VALUE, &value), CKR_ATTRIBUTE_SENSITIVE);
        ck_rv(value_of(p.private_key, CKA_SEED, &value), set->seed_bytes > 0 ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID);
        ck_rv(value_of(p.public_key, CKA_SEED, &value), CKR_ATTRIBUTE_TYPE_INVALID);
        ck_ok(value_of(p.public_key, CKA_VALUE, &value));
        ck_assert_uint_eq(value.n, set->public_bytes);
        ck_public(p.public_key, set, &value);
        ck_public(p.private_key, set, &value);
        ck_assert(token_flag(s, p.private_key, CKA_SIGN) == !kem && token_flag(s, p.private_key, CKA_DECAPSULATE) == kem);
        ck_assert(token_flag(s, p.public_key, CKA_VERIFY) == !kem && token_flag(s, p.public_key, CKA_ENCAPSULATE) == kem);
        ck_assert(!token_flag(s, p.public_key, CKA_PRIVATE) && token_flag(s, p.private_key, CKA_PRIVATE));
    }
    token_stop();
}
END_TEST

START_TEST(test_private_key_comes_back_by_its_seed_or_its_value)
{
    const struct parameter_set *set;

    setup();
    for (size_t i = 0; (set = next(&i)) != NULL;) {
        struct value public_value, value, seed, again;
        struct token_pair p;
        CK_OBJECT_HANDLE object;
        ck_ok(generate(set->key_type, set->number, true, &p));
        ck_ok(value_of(p.public_key, CKA_VALUE, &public_value));
        ck_ok(value_of(p.private_key, CKA_VALUE, &value));
        ck_assert_uint_eq(value.n, set->private_bytes);
        ck_ok(import(set, CKO_PRIVATE_KEY, NULL, &value, &object));
        ck_public(object, set, &public_value);
        ck_rv(value_of(object, CKA_SEED, &again), CKR_ATTRIBUTE_TYPE_INVALID); /* nobody knows it */
        value.n--;
        ck_rv(import(set, CKO_PRIVATE_KEY, NULL, &value, &object), CKR_ATTRIBUTE_VALUE_INVALID);
        value.n++;
        ck_rv(import(set, CKO_PRIVATE_KEY, NULL, NULL, &object), CKR_TEMPLATE_INCOMPLETE);
        if (set->seed_bytes == 0)
            continue;
        ck_ok(value_of(p.private_key, CKA_SEED, &seed));
        ck_assert_uint_eq(seed.n, set->seed_bytes);
        ck_ok(import(set, CKO_PRIVATE_KEY, &seed, NULL, &object));
        ck_public(object, set, &public_value);
        ck_ok(value_of(object, CKA_VALUE, &again));
        ck_assert_mem_eq(again.bytes, value.bytes, value.n);
        ck_ok(import(set, CKO_PRIVATE_KEY, &seed, &value, &object));
        seed.bytes[3] ^= 1;
        ck_rv(import(set, CKO_PRIVATE_KEY, &seed, &value, &object), CKR_TEMPLATE_INCONSISTENT);
        seed.n--;
        ck_rv(import(set, CKO_PRIVATE_KEY, &seed, NULL, &object), CKR_ATTRIBUTE_VALUE_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_damaged_private_key_is_refused)
{
    const struct parameter_set *set;

    setup();
    for (size_t i = 0; (set = next(&i)) != NULL;) {
        struct token_pair p;
        struct value value;
        CK_OBJECT_HANDLE object;
        ck_ok(generate(set->key_type, set->number, true, &p));
        ck_ok(value_of(p.private_key, CKA_VALUE, &value));
        /* The public key's hash; the last of t0 or of PK.root. */
        value.bytes[set->private_bytes - (set->key_type == CKK_ML_KEM ? 64 : 1)] ^= 1;
        ck_assert_uint_ne(import(set, CKO_PRIVATE_KEY, NULL, &value, &object), CKR_OK);
    }
    token_stop();
}
END_TEST

START_TEST(test_public_key_is_imported)
{
    const struct parameter_set *set;

    setup();
    for (size_t i = 0; (set = next(&i)) != NULL;) {
        struct token_pair p;
        struct value value, seed = {.n = 32};
        CK_OBJECT_HANDLE object;
        ck_ok(generate(set->key_type, set->number, false, &p));
        ck_ok(value_of(p.public_key, CKA_VALUE, &value));
        ck_ok(import(set, CKO_PUBLIC_KEY, NULL, &value, &object)); /* made in the module */
        ck_public(object, set, &value);
        ck_assert(token_flag(s, object, CKA_ENCAPSULATE) == (set->key_type == CKK_ML_KEM));
        ck_assert(token_flag(s, object, CKA_VERIFY) == (set->key_type != CKK_ML_KEM));
        ck_rv(import(set, CKO_PUBLIC_KEY, &seed, &value, &object), CKR_ATTRIBUTE_TYPE_INVALID);
        value.n--;
        ck_rv(import(set, CKO_PUBLIC_KEY, NULL, &value, &object), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(import(set, CKO_PUBLIC_KEY, NULL, NULL, &object), CKR_TEMPLATE_INCOMPLETE);
    }
    token_stop();
}
END_TEST

START_TEST(test_set_is_asked_for_and_has_to_exist)
{
    CK_MECHANISM m = {CKM_ML_DSA_KEY_PAIR_GEN, NULL, 0};
    struct value value = {.n = 1312};
    struct token_pair p;
    CK_OBJECT_HANDLE object;

    setup();
    if (parameter_set_makes_here(CKK_ML_DSA)) {
        ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, NULL, 0, &p.public_key, &p.private_key), CKR_TEMPLATE_INCOMPLETE);
        ck_rv(generate(CKK_ML_DSA, 4, false, &p), CKR_PARAMETER_SET_NOT_SUPPORTED);
        ck_rv(generate(CKK_ML_KEM, 0, false, &p), CKR_PARAMETER_SET_NOT_SUPPORTED);
        ck_rv(import(&(struct parameter_set){.key_type = CKK_ML_DSA, .number = 9}, CKO_PUBLIC_KEY, NULL, &value, &object),
              CKR_PARAMETER_SET_NOT_SUPPORTED);
        ck_rv(import(&(struct parameter_set){.key_type = CKK_ML_DSA, .number = 9}, CKO_PRIVATE_KEY, NULL, &value, &object),
              CKR_PARAMETER_SET_NOT_SUPPORTED);
        ck_rv(import(&(struct parameter_set){.key_type = CKK_EC, .number = 1}, CKO_PUBLIC_KEY, NULL, &value, &object),
              CKR_TEMPLATE_INCONSISTENT);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_sets_are_here_where_openssl_has_them_and_nowhere_else,
        &test_without_openssl_they_are_refused_as_if_there_were_no_such_thing,
        &test_every_set_makes_a_pair_that_belongs_together,
        &test_private_key_comes_back_by_its_seed_or_its_value,
        &test_damaged_private_key_is_refused,
        &test_public_key_is_imported,
        &test_set_is_asked_for_and_has_to_exist,
        NULL,
    };

    return suite_of("module_pq_keys", 120, tests);
}
