/* Sixty-four threads with and without sessions of their own, on objects that others make and destroy under them: whatever a call answers is
 * true, and nothing else is ever answered than what such a neighbour can bring about. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { THREADS = 64, SHARED = 4, KEYS = 8 };

static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
static CK_BYTE data[] = "what all of them sign", mac[32], digest[32];
static CK_SESSION_HANDLE shared[SHARED];
static _Atomic CK_OBJECT_HANDLE keys[KEYS];
static _Atomic unsigned made, good;

static unsigned rounds(void)
{
    const char *longer = getenv("CLUSTERHSM_CROWD");

    return longer != NULL ? (unsigned)strtoul(longer, NULL, 10) : 12;
}

static void together(void *(*what)(void *))
{
    pthread_t threads[THREADS];

    for (long i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, what, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static bool is_one_of(CK_RV rv, const CK_RV *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rv == list[i])
            return true;
    return false;
}

/* Another thread may have begun, ended or gone on with the operation, or destroyed the key. */
static bool went(CK_RV rv)
{
    static const CK_RV neighbours[] = {CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID,
                                       CKR_OBJECT_HANDLE_INVALID};

    ck_assert_msg(rv == CKR_OK || is_one_of(rv, neighbours, 4), "0x%lx", rv);
    good += rv == CKR_OK;
    return rv == CKR_OK;
}

static void setup(void)
{
    CK_ULONG n = sizeof mac;

    token_start_with_users();
    for (int i = 0; i < SHARED; i++)
        shared[i] = i == 0 ? token_alice() : token_session();
    for (int i = 0; i < KEYS; i++)
        keys[i] = token_hmac_key(shared[0], i % 2 == 0, "crowd");
    ck_ok(f->C_SignInit(shared[0], &hmac, keys[0]));
    ck_ok(f->C_Sign(shared[0], data, sizeof data, mac, &n));
    n = sizeof digest;
    ck_ok(f->C_DigestInit(shared[0], &sha));
    ck_ok(f->C_Digest(shared[0], data, sizeof data, digest, &n));
    made = good = 0;
}

/* Another key of the same value in the place of one; the session lives as long as the test, and so do its objects. */
static void replace(unsigned at)
{
    CK_OBJECT_HANDLE old = atomic_exchange(&keys[at], token_hmac_key(shared[0], made++ % 2 == 0, "crowd"));

    went(f->C_DestroyObject(shared[0], old));
}

static void look(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_BYTE label[16];
    CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};
    CK_ULONG size;

    if (went(f->C_GetAttributeValue(s, key, &a, 1)))
        ck_assert(a.ulValueLen == 5 && memcmp(label, "crowd", 5) == 0);
    went(f->C_GetObjectSize(s, key, &size));
}

/* With a session of one's own nobody else is in its operations. */
static void *alone(void *arg)
{
    CK_SESSION_HANDLE s = token_session();
    unsigned seed = (unsigned)(long)arg;

    for (unsigned i = 0; i < rounds(); i++) {
        CK_BYTE out[64];
        CK_ULONG n = sizeof out;
        CK_OBJECT_HANDLE key = keys[(seed + i) % KEYS];
        ck_ok(f->C_DigestInit(s, &sha));
        ck_ok(f->C_DigestUpdate(s, data, 5));
        if (went(f->C_SignInit(s, &hmac, key)) && went(f->C_Sign(s, data, sizeof data, out, &n)))
            ck_assert(n == 32 && memcmp(out, mac, 32) == 0);
        if (went(f->C_VerifyInit(s, &hmac, key)))
            went(f->C_Verify(s, data, sizeof data, mac, sizeof mac));
        look(s, key);
        ck_ok(f->C_DigestUpdate(s, data + 5, sizeof data - 5));
        n = sizeof out;
        ck_ok(f->C_DigestFinal(s, out, &n));
        ck_assert(n == 32 && memcmp(out, digest, 32) == 0);
        if ((seed + i) % 8 == 0)
            replace((seed + i) / 8 % KEYS);
        if (i % 4 == 3) {
            ck_ok(f->C_CloseSession(s));
            s = token_session();
        }
    }
    ck_ok(f->C_CloseSession(s));
    return NULL;
}

/* On shared sessions anything may come between two calls; a call in one step is whole, and a signature that comes is a true one. */
static void *crowded(void *arg)
{
    unsigned seed = (unsigned)(long)arg;

    for (unsigned i = 0; i < rounds(); i++) {
        CK_SESSION_HANDLE s = shared[(seed + i) % SHARED];
        CK_OBJECT_HANDLE key = keys[(seed * 3 + i) % KEYS], found[4];
        CK_BYTE out[64];
        CK_ULONG n = sizeof out;
        CK_BYTE crowd[] = "crowd";
        CK_ATTRIBUTE label = {CKA_LABEL, crowd, 5};
        went(f->C_SignInit(s, &hmac, key));
        if (went(f->C_Sign(s, data, sizeof data, out, &n)))
            ck_assert(n == 32 && memcmp(out, mac, 32) == 0);
        went(f->C_VerifyInit(s, &hmac, key));
        went(f->C_Verify(s, data, sizeof data, mac, sizeof mac));
        n = sizeof out;
        went(f->C_DigestInit(s, &sha));
        if (went(f->C_Digest(s, data, sizeof data, out, &n)))
            ck_assert(n == 32 && memcmp(out, digest, 32) == 0);
        went(f->C_FindObjectsInit(s, &label, 1));
        went(f->C_FindObjects(s, found, 4, &n));
        went(f->C_FindObjectsFinal(s));
        look(s, key);
        if ((seed + i) % 8 == 0)
            replace((seed + i) / 8 % KEYS);
    }
    return NULL;
}

static void check_end(void)
{
    CK_ULONG left;

    for (int i = 0; i < SHARED; i++)
        ck_ok(f3->C_SessionCancel(shared[i], ~0UL));
    left = token_count(shared[0], "crowd");
    ck_assert_uint_eq(left, KEYS);
    ck_assert_uint_gt(good, THREADS);
    ck_assert_uint_gt(made, 0);
    token_stop();
}

START_TEST(test_sixty_four_threads_with_sessions_of_their_own)
{
    setup();
    together(alone);
    check_end();
}
END_TEST

START_TEST(test_sixty_four_threads_on_four_sessions)
{
    setup();
    together(crowded);
    check_end();
}
END_TEST

static void *either(void *arg)
{
    return (long)arg % 2 == 0 ? alone(arg) : crowded(arg);
}

START_TEST(test_both_at_once)
{
    setup();
    together(either);
    check_end();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_sixty_four_threads_with_sessions_of_their_own,
        &test_sixty_four_threads_on_four_sessions,
        &test_both_at_once,
        NULL,
    };
    return suite_of("module_crowd", 240, tests);
}
