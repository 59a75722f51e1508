/* A loop over the whole mechanism table: what every row must refuse, for each function that takes a mechanism, when it begins and not
 * later. Keys of another type, wrong parameters, keys that may not, mechanisms that the key does not allow, rows that do something else. */
#include <stdio.h>

#include <string.h>

#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "tests/unit/recipe.h"
#include "tests/unit/recipe_key.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token.h"

enum { TYPES_MAX = 32, DATA_BYTES = 64, OUT_BYTES = 4096 };

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE target; /* to be wrapped */
static struct recipe_key able[TYPES_MAX], unable[TYPES_MAX];
static size_t types;
static CK_BYTE point[CURVE_POINT_BYTES_MAX];

/* ---- every function that takes a mechanism: it begins something, or does it */

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET;
static CK_ULONG value_bytes = 16;
static CK_ATTRIBUTE made[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                              {CKA_KEY_TYPE, &generic_type, sizeof generic_type},
                              {CKA_VALUE_LEN, &value_bytes, sizeof value_bytes}};

static CK_RV wrap(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_BYTE out[OUT_BYTES];
    CK_ULONG n = sizeof out;

    return f->C_WrapKey(session, m, key, target, out, &n);
}

static CK_RV unwrap(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_BYTE wrapped[256] = {0};
    CK_OBJECT_HANDLE out;

    return f->C_UnwrapKey(session, m, key, wrapped, sizeof wrapped, made, 2, &out);
}

static CK_RV derive(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE out;

    return f->C_DeriveKey(session, m, key, made, 3, &out);
}

static CK_RV encapsulate(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_BYTE out[OUT_BYTES];
    CK_OBJECT_HANDLE secret;
    CK_ULONG n = sizeof out;

    return f3->C_EncapsulateKey(session, m, key, made, 2, out, &n, &secret);
}

static CK_RV decapsulate(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_BYTE ciphertext[OUT_BYTES] = {0};
    CK_OBJECT_HANDLE secret;

    return f3->C_DecapsulateKey(session, m, key, made, 2, ciphertext, 1088, &secret);
}

static CK_RV verify_first(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_BYTE signature[256] = {0};

    return f3->C_VerifySignatureInit(session, m, key, signature, sizeof signature);
}

static CK_RV digest(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    (void)key;
    return f->C_DigestInit(session, m);
}

static CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    static CK_ULONG prime_bits = 1024;
    CK_ATTRIBUTE size = {CKA_PRIME_BITS, &prime_bits, sizeof prime_bits};
    const struct mechanism *row = mechanism_find(m->mechanism);
    CK_OBJECT_HANDLE out;

    (void)key;
    return f->C_GenerateKey(session, m, row != NULL && mechanism_class_made(row) == CKO_DOMAIN_PARAMETERS ? &size : made + 2, 1, &out);
}

static CK_RV generate_pair(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE public_key, private_key;

    (void)key;
    return f->C_GenerateKeyPair(session, m, NULL, 0, NULL, 0, &public_key, &private_key);
}

struct function {
    const char *name;
    CK_FLAGS flag;     /* of the rows that it is for */
    bool by_public;    /* which half of a pair it takes */
    bool messages;     /* of those rows, the ones whose parameter comes with each message */
    CK_RV (*call)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
    CK_RV wrong_type, no_key; /* answers that are not those of most functions */
};

static struct function functions[20];
static size_t functions_n;

static void add(struct function x)
{
    x.wrong_type = x.wrong_type != 0 ? x.wrong_type : CKR_KEY_TYPE_INCONSISTENT;
    x.no_key = x.no_key != 0 ? x.no_key : CKR_KEY_HANDLE_INVALID;
    functions[functions_n++] = x;
}

static void add_functions(void)
{
    functions_n = 0;
    add((struct function){"C_SignInit", CKF_SIGN, false, false, f->C_SignInit, 0, 0});
    add((struct function){"C_VerifyInit", CKF_VERIFY, true, false, f->C_VerifyInit, 0, 0});
    add((struct function){"C_SignRecoverInit", CKF_SIGN_RECOVER, false, false, f->C_SignRecoverInit, 0, 0});
    add((struct function){"C_VerifyRecoverInit", CKF_VERIFY_RECOVER, true, false, f->C_VerifyRecoverInit, 0, 0});
    add((struct function){"C_MessageSignInit", CKF_SIGN, false, false, f3->C_MessageSignInit, 0, 0});
    add((struct function){"C_MessageVerifyInit", CKF_VERIFY, true, false, f3->C_MessageVerifyInit, 0, 0});
    add((struct function){"C_VerifySignatureInit", CKF_VERIFY, true, false, verify_first, 0, 0});
    add((struct function){"C_EncryptInit", CKF_ENCRYPT, true, false, f->C_EncryptInit, 0, 0});
    add((struct function){"C_DecryptInit", CKF_DECRYPT, false, false, f->C_DecryptInit, 0, 0});
    add((struct function){"C_MessageEncryptInit", CKF_ENCRYPT, true, true, f3->C_MessageEncryptInit, 0, 0});
    add((struct function){"C_MessageDecryptInit", CKF_DECRYPT, false, true, f3->C_MessageDecryptInit, 0, 0});
    add((struct function){"C_WrapKey", CKF_WRAP, true, false, wrap, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPING_KEY_HANDLE_INVALID});
    add((struct function){"C_UnwrapKey", CKF_UNWRAP, false, false, unwrap, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                          CKR_UNWRAPPING_KEY_HANDLE_INVALID});
    add((struct function){"C_DeriveKey", CKF_DERIVE, false, false, derive, 0, 0});
    /* No key of another type has these uses, and the use is looked at before the type. */
    add((struct function){"C_EncapsulateKey", CKF_ENCAPSULATE, true, false, encapsulate, CKR_KEY_FUNCTION_NOT_PERMITTED, 0});
    add((struct function){"C_DecapsulateKey", CKF_DECAPSULATE, false, false, decapsulate, CKR_KEY_FUNCTION_NOT_PERMITTED, 0});
    add((struct function){"C_DigestInit", CKF_DIGEST, false, false, digest, 0, 0});
    add((struct function){"C_GenerateKey", CKF_GENERATE, false, false, generate, 0, 0});
    add((struct function){"C_GenerateKeyPair", CKF_GENERATE_KEY_PAIR, false, false, generate_pair, 0, 0});
}

static bool takes_key(const struct function *x)
{
    return (x->flag & (CKF_DIGEST | CKF_GENERATE | CKF_GENERATE_KEY_PAIR)) == 0;
}

static bool does(const struct function *x, const struct mechanism *row)
{
    return mechanism_does(row, x->flag) && (!x->messages || cipher_has_messages(row));
}

static bool makes_keys(const struct mechanism *row)
{
    return (row->flags & (CKF_GENERATE | CKF_GENERATE_KEY_PAIR)) != 0;
}

/* Whether keys of the type can be given the use at all: without it they are refused for that, whatever their type. */
static bool may_have_use(const struct function *x, const struct mechanism *row, const struct recipe_key *k)
{
    if (key_kind_is_otp(key_kind_find(k->type)))
        return (x->flag & (CKF_SIGN | CKF_VERIFY)) != 0 || row->family == FAMILY_PUBLIC_KEY; /* which is no use */
    return (x->flag & (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)) == 0 || k->openssl != NULL;
}

/* Most derivations begin with any secret key, whatever it is for. */
static bool takes(const struct function *x, const struct mechanism *row, const struct recipe_key *k)
{
    return mechanism_takes_key(row, k->type) ||
           (x->flag == CKF_DERIVE && row->key_type == CKK_GENERIC_SECRET && key_kind_is_secret(key_kind_find(k->type))) ||
           ((row->family == FAMILY_ECDH || row->family == FAMILY_ECDH_AES_WRAP) && k->type == CKK_EC_MONTGOMERY);
}

/* The mechanism as this function takes it. */
static CK_MECHANISM good_for(const struct function *x, const struct mechanism *row)
{
    return x->messages ? (CK_MECHANISM){row->type, NULL, 0} : recipe_good(row, DATA_BYTES);
}

static CK_OBJECT_HANDLE half(const struct function *x, const struct recipe_key *k)
{
    return x->by_public ? k->handles.public_key : k->handles.private_key;
}

/* ---- the world */

static void setup(void)
{
    const struct recipe_uses all = {CK_TRUE, NULL, 0}, none = {CK_FALSE, NULL, 0};
    CK_KEY_TYPE type;

    s = token_alice_under(POLICY_COMPATIBLE); /* which has every row */
    add_functions();
    for (types = 0; recipe_key_type_at(types, &type); types++) {
        ck_assert_uint_lt(types, TYPES_MAX);
        able[types] = recipe_key_make(s, type, 32, all);
        unable[types] = recipe_key_make(s, type, 32, none);
        if (type == CKK_EC) {
            recipe_other.point = point;
            recipe_other.point_n = sample_point(able[types].openssl, point);
        }
        if (type == CKK_GENERIC_SECRET)
            recipe_other.key = target = able[types].handles.private_key;
    }
}

static void teardown(void)
{
    for (size_t i = 0; i < types; i++) {
        recipe_key_clear(&able[i]);
        recipe_key_clear(&unable[i]);
    }
    token_stop();
}

static const struct recipe_key *key_for(const struct mechanism *row, const struct recipe_key *keys)
{
    for (size_t i = 0; i < types; i++)
        if (mechanism_takes_key(row, keys[i].type))
            return &keys[i];
    return NULL;
}

/* Rows that need a base key of 48 bytes have one of their own. */
static struct recipe_key key_made_for(const struct mechanism *row, struct recipe_uses uses)
{
    const struct recipe_key *k = key_for(row, able);

    ck_assert_msg(k != NULL, "%s: no recipe has a key for it", row->name);
    return recipe_key_make(s, k->type, row->size_min == 48 ? 48 : 32, uses);
}

static void refuses(const struct function *x, const struct mechanism *row, const char *what, CK_MECHANISM m, CK_OBJECT_HANDLE key,
                    CK_RV answer)
{
    CK_RV rv = x->call(s, &m, key);

    ck_assert_msg(rv == answer, "%s, %s, %s: 0x%lx, not 0x%lx", x->name, row->name, what, rv, answer);
}

/* It is not refused for any of the reasons that are tried here. What goes on after that is test_module_rows's. */
static void begins(const struct function *x, const struct mechanism *row, CK_OBJECT_HANDLE key)
{
    static const CK_RV refusals[] = {CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED,
                                     CKR_OPERATION_ACTIVE, CKR_ARGUMENTS_BAD};
    CK_MECHANISM m = good_for(x, row);
    CK_RV rv = x->call(s, &m, key);

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        ck_assert_msg(rv != refusals[i] && rv != x->wrong_type && rv != x->no_key, "%s, %s, all right: 0x%lx", x->name, row->name, rv);
    ck_ok(f3->C_SessionCancel(s, ~0UL));
}

/* ---- tests */

START_TEST(test_every_row_and_every_parameter_has_a_recipe)
{
    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_FLAGS known = 0;
        for (size_t k = 0; k < functions_n; k++)
            known |= functions[k].flag;
        ck_assert_msg((row->flags & known) != 0, "%s: no function here is for it", row->name);
        ck_assert_msg(recipe_is_spoiled(row->param), "%s: nothing known is wrong in its parameter", row->name);
        ck_assert_msg(!row->has_key || makes_keys(row) || key_for(row, able) != NULL,
                      "%s: no recipe has a key for it", row->name);
    }
    teardown();
}
END_TEST

START_TEST(test_no_function_takes_a_row_that_is_not_for_it)
{
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        for (size_t k = 0; k < functions_n; k++) {
            const struct function *x = &functions[k];
            const struct recipe_key *key = key_for(mechanism_at(i), able);
            if (does(x, mechanism_at(i)))
                continue;
            refuses(x, mechanism_at(i), "not for it", good_for(x, mechanism_at(i)), key != NULL ? half(x, key) : target,
                    CKR_MECHANISM_INVALID);
            tried++;
        }
    printf("%u pairs of row and function refused\n", tried);
    teardown();
}
END_TEST

START_TEST(test_every_row_refuses_keys_that_are_not_for_it)
{
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        for (size_t k = 0; k < functions_n; k++) {
            const struct mechanism *row = mechanism_at(i);
            const struct function *x = &functions[k];
            if (!does(x, row) || !takes_key(x))
                continue;
            for (size_t t = 0; t < types; t++) {
                if (!takes(x, row, &able[t]))
                    refuses(x, row, "another type of key", good_for(x, row), half(x, &able[t]),
                            may_have_use(x, row, &able[t]) ? x->wrong_type : CKR_KEY_FUNCTION_NOT_PERMITTED);
                else if (able[t].openssl != NULL)
                    refuses(x, row, "the other half", good_for(x, row),
                            x->by_public ? able[t].handles.private_key : able[t].handles.public_key, CKR_KEY_FUNCTION_NOT_PERMITTED);
                tried++;
            }
            refuses(x, row, "no key", good_for(x, row), 0, x->no_key);
            refuses(x, row, "an invented key", good_for(x, row), 12345, x->no_key);
        }
    printf("%u keys refused\n", tried);
    teardown();
}
END_TEST

START_TEST(test_every_row_refuses_keys_that_may_not)
{
    static const CK_MECHANISM_TYPE other[] = {CKM_MD5, CKM_SHA_1};
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        struct recipe_key only, never, mute;
        if (!row->has_key || makes_keys(row))
            continue;
        only = key_made_for(row, (struct recipe_uses){CK_TRUE, &row->type, 1});
        never = key_made_for(row, (struct recipe_uses){CK_TRUE, other, 2});
        mute = key_made_for(row, (struct recipe_uses){CK_FALSE, NULL, 0});
        if (row->family == FAMILY_ECDH)
            recipe_other.point_n = sample_point(only.openssl, point);
        for (size_t k = 0; k < functions_n; k++) {
            const struct function *x = &functions[k];
            if (!does(x, row))
                continue;
            if (row->family != FAMILY_PUBLIC_KEY) /* which every private key gives */
                refuses(x, row, "a key without the use", good_for(x, row), half(x, &mute), CKR_KEY_FUNCTION_NOT_PERMITTED);
            refuses(x, row, "a key that allows others only", good_for(x, row), half(x, &never), CKR_MECHANISM_INVALID);
            begins(x, row, half(x, &only));
            tried++;
        }
        recipe_key_clear(&only);
        recipe_key_clear(&never);
        recipe_key_clear(&mute);
    }
    printf("%u pairs of row and function\n", tried);
    teardown();
}
END_TEST

START_TEST(test_every_row_refuses_wrong_parameters)
{
    unsigned tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        bool keyed = row->has_key && !makes_keys(row);
        struct recipe_key key = {.type = 0};
        if (keyed)
            key = key_made_for(row, (struct recipe_uses){CK_TRUE, NULL, 0});
        for (size_t k = 0; k < functions_n; k++) {
            struct recipe_wrong wrong;
            if (!does(&functions[k], row) || functions[k].messages)
                continue;
            for (size_t w = 0; recipe_wrong(row, DATA_BYTES, w, &wrong); w++) {
                if (row->family == FAMILY_CCM && (functions[k].flag & (CKF_WRAP | CKF_UNWRAP)) != 0 && strcmp(wrong.what, "length") == 0)
                    continue; /* which wraps do not look at */
                refuses(&functions[k], row, wrong.what, wrong.mechanism, keyed ? half(&functions[k], &key) : 0, wrong.answer);
                tried++;
            }
        }
        recipe_key_clear(&key);
    }
    printf("%u wrong parameters refused\n", tried);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_and_every_parameter_has_a_recipe,
        &test_no_function_takes_a_row_that_is_not_for_it,
        &test_every_row_refuses_keys_that_are_not_for_it,
        &test_every_row_refuses_keys_that_may_not,
        &test_every_row_refuses_wrong_parameters,
        NULL,
    };

    return suite_of("module_rows_refused", 240, tests);
}
