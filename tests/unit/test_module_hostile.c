/* Every function of function.def: before C_Initialize, without a session, without a login, in a read-only session, with each pointer
 * missing, and then a long walk of calls in no order with arguments of every kind. Nothing may crash, hang, blame the token, or write where
 * it was not asked to. */
#include <stdlib.h>
#include <string.h>

#include "proto/attribute.h"
#include "proto/mechanism.h"
#include "tests/unit/call_shape.h"
#include "tests/unit/recipe.h"
#include "tests/unit/recipe_key.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 66000, MANY = 10000, KEYS = 8, CANARY = 64, WALK = 8000 };

/* What arguments point to. */
static CK_BYTE in[ROOM], out[ROOM + CANARY], other[1024];
static CK_ULONG length;
static CK_OBJECT_HANDLE handles[2];
static CK_ATTRIBUTE array[MANY];
static CK_MECHANISM mechanism;
static CK_BYTE parameter[512];
static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE keys[KEYS];
static uint64_t seed;

static uint64_t any(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

#define PICK(list) (list)[any(sizeof(list) / sizeof((list)[0]))]

static CK_ULONG word(const void *p)
{
    return (CK_ULONG)(uintptr_t)p;
}

static bool is(const struct call_shape *c, const char *name)
{
    return strcmp(c->name, name) == 0;
}

/* Arguments that are as they should be, as far as one can be so without knowing the function. */
static void fill(const struct call_shape *c, CK_ULONG a[CALL_ARGUMENTS_MAX])
{
    unsigned made = 0;

    memset(a, 0, CALL_ARGUMENTS_MAX * sizeof *a);
    length = ROOM;
    mechanism = (CK_MECHANISM){CKM_SHA256_RSA_PKCS, NULL, 0};
    array[0] = (CK_ATTRIBUTE){CKA_LABEL, in, 4};
    for (size_t i = 0; c->shape[i] != '\0'; i++) {
        switch (c->shape[i]) {
        case 's': a[i] = s; break;
        case 'm': a[i] = word(&mechanism); break;
        case 'o': a[i] = keys[0]; break;
        case 'A': a[i] = word(array); break;
        case 'C': a[i] = 1; break;
        case 'I': a[i] = word(in); break;
        case 'n': a[i] = 16; break;
        case 'O': a[i] = word(out); break;
        case 'N': a[i] = word(&length); break;
        case 'H': a[i] = word(&handles[made++ % 2]); break;
        case 'P': a[i] = word(other); break;
        case 'v': a[i] = 1; break;
        default: break;
        }
    }
}

START_TEST(test_every_function_has_a_shape)
{
    for (size_t i = 0; call_shape_at(i) != NULL; i++)
        ck_assert_msg(call_shape_at(i)->shape != NULL, "%s: give it a shape in tests/unit/call_shape.c", call_shape_at(i)->name);
}
END_TEST

START_TEST(test_before_initialize_every_function_says_so)
{
    CK_ULONG a[CALL_ARGUMENTS_MAX];

    token_prepare(NULL);
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        CK_RV rv;
        if (c->needs == CALL_NOTHING)
            continue;
        for (int how = 0; how < 3; how++) {
            fill(c, a);
            for (size_t k = 0; how > 0 && k < CALL_ARGUMENTS_MAX; k++)
                a[k] = how == 1 || c->shape[0] != 's' ? 0 : ~0UL; /* nothing is looked at */
            rv = call_with(c, a);
            if (is(c, "C_WaitForSlotEvent") && rv == CKR_ARGUMENTS_BAD)
                continue;
            ck_assert_msg(rv == CKR_CRYPTOKI_NOT_INITIALIZED, "%s: 0x%lx", c->name, rv);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_the_session_is_looked_at_before_anything_else)
{
    static const CK_SESSION_HANDLE invented[] = {0, 1000, 0x7fffffff, ~0UL, ~0UL >> 1};
    CK_ULONG a[CALL_ARGUMENTS_MAX];

    token_start(NULL);
    s = token_session();
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        for (size_t k = 0; c->needs >= CALL_SESSION && k < sizeof invented / sizeof invented[0]; k++) {
            CK_RV rv;
            for (size_t n = 0; n < CALL_ARGUMENTS_MAX; n++)
                a[n] = n == 0 ? invented[k] : ~0UL;
            rv = call_with(c, a);
            ck_assert_msg(rv == CKR_SESSION_HANDLE_INVALID, "%s: 0x%lx", c->name, rv);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_who_and_which_session_are_looked_at_before_the_arguments)
{
    CK_ULONG a[CALL_ARGUMENTS_MAX];
    CK_SESSION_HANDLE reads;

    token_start_with_users();
    reads = token_session_read();
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        CK_RV rv, wanted = c->who != CALL_ANYBODY ? CKR_USER_NOT_LOGGED_IN : CKR_SESSION_READ_ONLY;
        if (c->needs < CALL_SESSION || (c->who == CALL_ANYBODY && !c->writes))
            continue;
        for (size_t n = 0; n < CALL_ARGUMENTS_MAX; n++)
            a[n] = n == 0 ? reads : ~0UL;
        rv = call_with(c, a);
        ck_assert_msg(rv == wanted, "%s: 0x%lx", c->name, rv);
    }
    token_stop();
}
END_TEST

/* The token is never at fault for what a caller does; what was never asked for is not written. */
static void check_answer(const struct call_shape *c, CK_RV rv)
{
    bool blames = rv == CKR_GENERAL_ERROR || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_REMOVED ||
                  (rv == CKR_FUNCTION_FAILED && !is(c, "C_GetInterface"));

    ck_assert_msg(!blames && rv < 0x300, "%s: 0x%lx", c->name, rv);
    for (size_t i = 0; i < CANARY; i++)
        ck_assert_msg(out[ROOM + i] == 0x5a, "%s writes beyond", c->name);
}

/* Those that change what the others need, or wait. */
static bool is_apart(const struct call_shape *c)
{
    static const char *const names[] = {"C_Initialize", "C_Finalize",  "C_CloseSession", "C_CloseAllSessions", "C_Logout", "C_Login",
                                        "C_LoginUser",  "C_InitToken", "C_InitPIN",      "C_SetPIN",           "C_WaitForSlotEvent"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is(c, names[i]))
            return true;
    return false;
}

static void make_keys(void)
{
    struct token_pair ec = token_ec(s, false, "ec"), rsa = token_rsa(s, true, "rsa");

    keys[0] = ec.private_key;
    keys[1] = ec.public_key;
    keys[2] = rsa.private_key;
    keys[3] = rsa.public_key;
    keys[4] = token_hmac_key(s, true, "hmac");
    keys[5] = token_hmac_key(s, false, "hmac");
}

static void setup(void)
{
    memset(out, 0x5a, sizeof out);
    token_start_with_users();
    s = token_alice();
    make_keys();
}

/* One argument after the other is left out, the length beside it stays or is as large as can be. */
START_TEST(test_each_argument_may_be_missing)
{
    static const CK_ULONG lengths[] = {0, 1, 16, 0x80000000UL, ~0UL >> 1, ~0UL};
    CK_ULONG a[CALL_ARGUMENTS_MAX];

    setup();
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        for (size_t k = 0; !is_apart(c) && c->shape[k] != '\0'; k++) {
            bool sized = strchr("nC", c->shape[k + 1]) != NULL && c->shape[k + 1] != '\0';
            if (strchr("mAIJOPNHV", c->shape[k]) == NULL)
                continue;
            for (size_t n = 0; n < (sized ? sizeof lengths / sizeof lengths[0] : 1); n++) {
                CK_RV rv;
                fill(c, a);
                a[k] = 0;
                if (sized)
                    a[k + 1] = lengths[n];
                rv = call_with(c, a);
                check_answer(c, rv);
                if (sized && lengths[n] > 0 && rv == CKR_OK)
                    ck_abort_msg("%s takes %lu of nothing", c->name, lengths[n]);
                f3->C_SessionCancel(s, ~0UL);
            }
        }
    }
    token_stop();
}
END_TEST

/* Whatever goes on after a beginning says that there was none. */
START_TEST(test_what_was_not_begun_does_not_go_on)
{
    static const char *const others[] = {"C_SessionCancel", "C_SetOperationState"};
    CK_ULONG a[CALL_ARGUMENTS_MAX];
    unsigned tried = 0;

    setup();
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        CK_RV rv;
        if (c->needs != CALL_OPERATION || strstr(c->name, "Init") != NULL || is(c, others[0]) || is(c, others[1]))
            continue;
        fill(c, a);
        rv = call_with(c, a);
        ck_assert_msg(rv == CKR_OPERATION_NOT_INITIALIZED, "%s: 0x%lx", c->name, rv);
        tried++;
    }
    ck_assert_uint_ge(tried, 30);
    token_stop();
}
END_TEST

/* ---- templates: of nothing, of ten thousand entries, and of as many as can be said */

static CK_OBJECT_HANDLE key_for(const struct mechanism *row, bool by_public)
{
    static struct token_pair made[40];
    CK_KEY_TYPE type;
    size_t i = 0;

    while (recipe_key_type_at(i, &type) && !mechanism_takes_key(row, type))
        i++;
    if (!recipe_key_type_at(i, &type) || i == sizeof made / sizeof made[0])
        return keys[0];
    if (made[i].private_key == 0) {
        struct recipe_key k = recipe_key_make(s, type, 48, (struct recipe_uses){CK_TRUE, NULL, 0});
        made[i] = k.handles;
        recipe_key_clear(&k);
    }
    return by_public ? made[i].public_key : made[i].private_key;
}

/* One template of the call has so many entries; the answer is none that a program could take for a success. */
static void give_template(const struct call_shape *c, CK_ULONG a[CALL_ARGUMENTS_MAX], CK_ULONG n)
{
    CK_ULONG copy[CALL_ARGUMENTS_MAX];

    for (size_t k = 0; c->shape[k] != '\0'; k++) {
        CK_RV rv;
        if (c->shape[k] != 'A')
            continue;
        memcpy(copy, a, sizeof copy);
        copy[k] = n > 0 ? word(array) : 0;
        copy[k + 1] = n;
        length = ROOM;
        rv = call_with(c, copy);
        check_answer(c, rv);
        ck_assert_msg(rv != CKR_OK || n == 0 || (is(c, "C_GetAttributeValue") && n == MANY), "%s takes a template of %lu", c->name, n);
        f3->C_SessionCancel(s, ~0UL);
    }
}

START_TEST(test_templates_of_any_length_are_refused_or_answered)
{
    static const CK_ULONG counts[] = {0, MANY, ~0UL >> 1, ~0UL};
    CK_ULONG a[CALL_ARGUMENTS_MAX];

    setup();
    for (size_t i = 0; i < MANY; i++)
        array[i] = (CK_ATTRIBUTE){CKA_LABEL, in, 4};
    for (size_t i = 0; call_shape_at(i) != NULL; i++) {
        const struct call_shape *c = call_shape_at(i);
        bool mechanisms = strchr(c->shape, 'm') != NULL;
        if (strchr(c->shape, 'A') == NULL)
            continue;
        for (size_t m = 0; mechanism_at(m) != NULL && (mechanisms || m == 0); m++) {
            fill(c, a);
            if (mechanisms) {
                a[2] = c->shape[2] == 'o' ? key_for(mechanism_at(m), is(c, "C_EncapsulateKey")) : a[2];
                mechanism = recipe_good(mechanism_at(m), 32);
                if (strstr(c->name, "Authenticated") != NULL) /* which take those of messages: as long, and not the same */
                    mechanism.pParameter = NULL;
            } else if (c->shape[1] == 'o') {
                a[1] = keys[1];
            }
            for (size_t n = 0; n < sizeof counts / sizeof counts[0]; n++)
                give_template(c, a, counts[n]);
        }
    }
    token_stop();
}
END_TEST

static void check_pin(const char *what, CK_RV rv)
{
    bool told = rv == CKR_ARGUMENTS_BAD || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID || rv == CKR_PIN_INCORRECT;

    ck_assert_msg(told, "%s: 0x%lx", what, rv);
}

/* A PIN that is missing, and one of a length that nobody may read. */
START_TEST(test_pins_may_be_missing_and_of_any_length)
{
    static const CK_ULONG lengths[] = {0, 1, 1000, 0x80000000UL, ~0UL >> 1, ~0UL};
    CK_BYTE one[1] = {'x'};

    token_start_with_users();
    ck_rv(f->C_InitToken(1, one, 1, NULL), CKR_SLOT_ID_INVALID);
    s = token_session();
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int missing = 0; missing < 2; missing++) {
            CK_BYTE *pin = missing ? NULL : one;
            CK_ULONG n = lengths[i];
            check_pin("C_Login", f->C_Login(s, CKU_USER, pin, n));
            check_pin("C_LoginUser", f3->C_LoginUser(s, CKU_USER, pin, n, pin, n));
            check_pin("C_SetPIN", f->C_SetPIN(s, pin, n, pin, n));
            ck_rv(f->C_InitPIN(s, pin, n), CKR_USER_NOT_LOGGED_IN);
        }
    ck_rv(f->C_Login(s, 77, one, 1), CKR_USER_TYPE_INVALID);
    ck_ok(token_login(s, CKU_SO, ADMIN));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_pin("C_InitPIN", f->C_InitPIN(s, NULL, lengths[i]));
        check_pin("C_InitPIN", f->C_InitPIN(s, one, lengths[i]));
    }
    token_stop();
}
END_TEST

/* ---- the walk */

static void any_template(CK_ULONG *where, CK_ULONG *count)
{
    static const CK_ULONG hostile[] = {ROOM, 0x80000000UL, ~0UL >> 1, ~0UL};
    static const CK_ULONG counts[] = {0, 1, 2, 3, 5, 8, 20, 300, MANY};
    CK_ULONG n = PICK(counts);
    size_t rows = 0;

    while (attribute_at(rows) != NULL)
        rows++;
    for (CK_ULONG i = 0; i < n; i++) {
        CK_ATTRIBUTE *x = &array[i];
        x->type = any(10) == 0 ? any(~0UL) : attribute_at(any(rows))->type;
        x->pValue = any(8) == 0 ? NULL : in;
        x->ulValueLen = any(10) == 0 ? PICK(hostile) : (CK_ULONG[]){1, 8, 8, 16, 32, 0, 100}[any(7)];
    }
    *where = any(12) == 0 ? 0 : word(array);
    *count = *where == 0 && any(2) == 0 ? ~0UL : n;
}

static CK_ULONG any_mechanism(void)
{
    size_t rows = 0;

    while (mechanism_at(rows) != NULL)
        rows++;
    mechanism.mechanism = any(20) == 0 ? any(0x5000) : mechanism_at(any(rows))->type;
    mechanism.pParameter = any(3) == 0 ? parameter : NULL;
    mechanism.ulParameterLen = (CK_ULONG[]){0, 0, 0, 0, 1, 8, 12, 16, 24, 32, 40, 48, 512, ~0UL}[any(14)];
    return any(20) == 0 ? 0 : word(&mechanism);
}

static CK_ULONG any_object(void)
{
    return any(6) == 0 ? (CK_ULONG[]){0, 1, 12345, ~0UL, ~0UL >> 1}[any(5)] : keys[any(6)];
}

static void any_bytes(CK_ULONG *where, CK_ULONG *n)
{
    static const CK_ULONG lengths[] = {0, 1, 15, 16, 17, 32, 32, 64, 256, 1000, ROOM};

    *n = PICK(lengths);
    *where = word(in);
    if (any(10) == 0) {
        *where = 0;
        *n = (CK_ULONG[]){0, 1, ~0UL}[any(3)];
    }
}

static void any_arguments(const struct call_shape *c, CK_ULONG a[CALL_ARGUMENTS_MAX])
{
    fill(c, a);
    for (size_t i = 0; c->shape[i] != '\0'; i++) {
        switch (c->shape[i]) {
        case 'm': a[i] = any_mechanism(); break;
        case 'o': a[i] = any_object(); break;
        case 'A': any_template(&a[i], &a[i + 1]); break;
        case 'I': if (c->shape[i + 1] == 'n') any_bytes(&a[i], &a[i + 1]); break;
        case 'J': any_bytes(&a[i], &a[i + 1]); a[i] = a[i + 1] == 0 ? 0 : word(parameter); a[i + 1] = any(64); break;
        case 'O':
            a[i] = any(5) == 0 ? 0 : word(out);
            if (c->shape[i + 1] == 'n' || c->shape[i + 1] == 'v')
                a[i + 1] = any(100);
            break;
        case 'N': length = (CK_ULONG[]){0, 1, 16, 64, ROOM, ROOM}[any(6)]; a[i] = any(20) == 0 ? 0 : word(&length); break;
        case 'H': if (any(20) == 0) a[i] = 0; break;
        case 'P': if (any(20) == 0) a[i] = 0; break;
        case 'v':
            if (c->shape[i - (i > 0)] != 'O')
                a[i] = any(4) == 0 ? any(~0UL) : any(64);
            break;
        case 'l': a[i] = any(4) == 0 ? any(~0UL) : 0; break;
        default: break;
        }
    }
    if (is(c, "C_FindObjects") && a[2] > ROOM / sizeof(CK_OBJECT_HANDLE))
        a[2] = 5;
    if (is(c, "C_GetSlotList") || is(c, "C_GetMechanismList"))
        length = length > 1000 ? 1000 : length;
    if (is(c, "C_GetInterfaceList") && length > 100)
        length = 100;
}

static bool is_for_key(const struct call_shape *c)
{
    return c->shape[0] == 's' && c->shape[1] == 'm';
}

START_TEST(test_a_long_walk_of_calls_in_no_order)
{
    const char *longer = getenv("CLUSTERHSM_WALK");
    unsigned long steps = longer != NULL ? strtoul(longer, NULL, 10) : WALK, good = 0;
    size_t n = 0;

    setup();
    while (call_shape_at(n) != NULL)
        n++;
    seed = longer != NULL ? (uint64_t)steps * 2654435761u + 1 : 88172645463325252u;
    for (unsigned long i = 0; i < steps; i++) {
        const struct call_shape *c = call_shape_at(any(n));
        CK_ULONG a[CALL_ARGUMENTS_MAX];
        CK_RV rv;
        if (is_apart(c) || (is_for_key(c) && any(4) == 0))
            continue;
        any_arguments(c, a);
        rv = call_with(c, a);
        check_answer(c, rv);
        good += rv == CKR_OK;
        if (any(50) == 0)
            f3->C_SessionCancel(s, ~0UL);
        if (i % 2000 == 1999) { /* some of the keys are gone by now, and much else has come */
            ck_ok(f->C_CloseAllSessions(0));
            s = token_alice();
            make_keys();
        }
    }
    ck_assert_uint_gt(good, steps / 100);
    ck_ok(f->C_CloseAllSessions(0));
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_function_has_a_shape,
        &test_before_initialize_every_function_says_so,
        &test_the_session_is_looked_at_before_anything_else,
        &test_who_and_which_session_are_looked_at_before_the_arguments,
        &test_each_argument_may_be_missing,
        &test_what_was_not_begun_does_not_go_on,
        &test_templates_of_any_length_are_refused_or_answered,
        &test_pins_may_be_missing_and_of_any_length,
        &test_a_long_walk_of_calls_in_no_order,
        NULL,
    };
    return suite_of("module_hostile", 120, tests);
}
