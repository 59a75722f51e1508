/* Sixteen threads at once: on sessions of their own, on one session, logging in and out, opening and closing, and one that finalizes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { THREADS = 16, ROUNDS = 20 };

static CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
static CK_BYTE data[] = "data";
static CK_SESSION_HANDLE shared;
static struct token_pair p;
static _Atomic unsigned counted;

static void together(void *(*what)(void *))
{
    pthread_t threads[THREADS];

    for (long i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, what, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void *sign_find_and_make(void *arg)
{
    CK_SESSION_HANDLE s = token_session();
    CK_BYTE signature[128], label[64];
    char mine[32];

    snprintf(mine, sizeof mine, "thread %ld", (long)arg);
    for (int i = 0; i < ROUNDS; i++) {
        CK_ULONG n = sizeof signature;
        CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};
        struct token_pair made;
        ck_ok(f->C_SignInit(s, &ecdsa, p.private_key));
        ck_ok(f->C_Sign(s, data, 4, signature, &n));
        ck_ok(f->C_VerifyInit(s, &ecdsa, p.public_key));
        ck_ok(f->C_Verify(s, data, 4, signature, n));
        ck_ok(f->C_GetAttributeValue(s, p.private_key, &a, 1));
        if (i % 5 == 0) {
            made = token_ec(s, i % 10 != 0, mine);
            ck_assert_uint_eq(token_count(s, mine), 2);
            ck_ok(f->C_DestroyObject(s, made.private_key));
            ck_ok(f->C_DestroyObject(s, made.public_key));
        }
    }
    ck_ok(f->C_CloseSession(s));
    return NULL;
}

START_TEST(test_threads_with_sessions_of_their_own)
{
    token_start_with_users();
    shared = token_alice();
    p = token_ec(shared, true, "shared");
    together(sign_find_and_make);
    ck_assert_uint_eq(token_count(shared, "shared"), 2);
    token_stop();
}
END_TEST

/* One operation of a kind a session: whoever comes second is told. */
static void *fight_for_one(void *arg)
{
    CK_BYTE out[64];

    (void)arg;
    for (int i = 0; i < ROUNDS * 10; i++) {
        CK_ULONG n = sizeof out;
        CK_RV rv = f->C_DigestInit(shared, &sha);
        if (rv == CKR_OK) {
            rv = f->C_Digest(shared, data, 4, out, &n);
            counted += rv == CKR_OK;
        }
        ck_assert_msg(rv == CKR_OK || rv == CKR_OPERATION_ACTIVE || rv == CKR_OPERATION_NOT_INITIALIZED, "0x%lx", rv);
        ck_ok(f->C_GetSessionInfo(shared, &(CK_SESSION_INFO){.flags = 0}));
    }
    return NULL;
}

START_TEST(test_threads_on_one_session)
{
    token_start(NULL);
    shared = token_session();
    together(fight_for_one);
    ck_assert_uint_gt(counted, 0);
    token_stop();
}
END_TEST

static void *log_in(void *arg)
{
    CK_RV rv;

    (void)arg;
    rv = token_login(shared, CKU_USER, ALICE);
    counted += rv == CKR_OK;
    ck_assert_msg(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN, "0x%lx", rv);
    /* Whichever it was, somebody is logged in by now. */
    ck_ok(f->C_SignInit(token_session(), &ecdsa, p.private_key));
    return NULL;
}

START_TEST(test_of_threads_that_log_in_at_once_one_does)
{
    token_start_with_users();
    shared = token_alice();
    p = token_ec(shared, true, "key");
    ck_ok(f->C_Logout(shared));
    counted = 0;
    together(log_in);
    ck_assert_uint_eq(counted, 1);
    token_stop();
}
END_TEST

static void *in_and_out(void *arg)
{
    CK_SESSION_HANDLE s = token_session();

    for (int i = 0; i < 4; i++) {
        CK_RV rv = (long)arg % 2 == 0 ? token_login(s, CKU_USER, ALICE) : f->C_Logout(s);
        CK_OBJECT_HANDLE found[8];
        CK_ULONG n;
        (void)rv;
        ck_ok(f->C_FindObjectsInit(s, NULL, 0));
        rv = f->C_FindObjects(s, found, 8, &n);
        ck_assert_msg(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_OPERATION_NOT_INITIALIZED, "0x%lx", rv);
        (void)f->C_FindObjectsFinal(s);
        rv = f->C_SignInit(s, &ecdsa, p.private_key);
        ck_assert_msg(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_KEY_HANDLE_INVALID, "0x%lx", rv);
        (void)f->C_SignInit(s, NULL, 0);
    }
    ck_ok(f->C_CloseSession(s));
    return NULL;
}

START_TEST(test_threads_that_log_in_and_out_leave_a_sound_state)
{
    CK_RV rv;

    token_start_with_users();
    shared = token_alice();
    p = token_ec(shared, true, "key");
    together(in_and_out);
    rv = token_login(shared, CKU_USER, ALICE);
    ck_assert(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
    ck_assert_uint_eq(token_count(shared, "key"), 2);
    token_stop();
}
END_TEST

static void *until_the_end(void *arg)
{
    CK_SESSION_HANDLE s;
    CK_RV rv = CKR_OK;

    if ((long)arg == 0) {
        while (counted < THREADS)
            ;
        ck_ok(f->C_Finalize(NULL));
        return NULL;
    }
    for (int i = 0; rv == CKR_OK; i++) {
        CK_BYTE signature[128];
        CK_ULONG n = sizeof signature;
        rv = f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);
        if (rv == CKR_OK)
            rv = f->C_SignInit(s, &ecdsa, p.private_key);
        if (rv == CKR_OK)
            rv = f->C_Sign(s, data, 4, signature, &n);
        counted++;
    }
    ck_assert_msg(rv == CKR_CRYPTOKI_NOT_INITIALIZED || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_USER_NOT_LOGGED_IN, "0x%lx", rv);
    return NULL;
}

START_TEST(test_finalize_amid_calls_lets_them_end)
{
    token_start_with_users();
    shared = token_alice();
    p = token_ec(shared, true, "key");
    counted = 0;
    together(until_the_end);
    ck_ok(f->C_Initialize(NULL));
    shared = token_alice();
    ck_assert_uint_eq(token_count(shared, "key"), 2);
    token_stop();
}
END_TEST

static void *start(void *arg)
{
    CK_RV rv = f->C_Initialize(NULL);

    (void)arg;
    counted += rv == CKR_OK;
    ck_assert(rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    return NULL;
}

START_TEST(test_of_threads_that_initialize_at_once_one_does)
{
    token_prepare(NULL);
    counted = 0;
    together(start);
    ck_assert_uint_eq(counted, 1);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_threads_with_sessions_of_their_own,
        &test_threads_on_one_session,
        &test_of_threads_that_log_in_at_once_one_does,
        &test_threads_that_log_in_and_out_leave_a_sound_state,
        &test_finalize_amid_calls_lets_them_end,
        &test_of_threads_that_initialize_at_once_one_does,
        NULL,
    };
    return suite_of("module_threads", 120, tests);
}
