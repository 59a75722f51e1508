/* C_DigestKey: keys whose value is shown are digested here, the others by the vault, and nobody can tell which by the result. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "proto/limits.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_SESSION_HANDLE s;
static CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
static CK_BYTE digest[64];
static CK_ULONG n;
static const char value[] = "the value of a key";

static CK_OBJECT_HANDLE make(CK_ULONG bytes, bool token, bool shown, bool derive)
{
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL on_token = token, sensitive = !shown, extractable = shown, may_derive = derive;
    CK_ATTRIBUTE array[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_TOKEN, &on_token, 1}, {CKA_SENSITIVE, &sensitive, 1}, {CKA_EXTRACTABLE, &extractable, 1},
                            {CKA_DERIVE, &may_derive, 1}, {CKA_VALUE, (void *)(uintptr_t)value, bytes}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, array, 7, &key));
    return key;
}

static void setup_under(enum policy policy)
{
    s = token_alice_under(policy);
    n = sizeof digest;
}

static void setup(void)
{
    setup_under(POLICY_COMPATIBLE);
}

static void check_final(const char *name, const char *text)
{
    CK_BYTE wanted[EVP_MAX_MD_SIZE];
    CK_ULONG size = 0;
    size_t wanted_n = 0;

    ck_assert_int_eq(EVP_Q_digest(NULL, name, NULL, text, strlen(text), wanted, &wanted_n), 1);
    ck_ok(f->C_DigestFinal(s, NULL, &size));
    ck_assert_uint_eq(size, wanted_n);
    n = size - 1;
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, size);
    n = sizeof digest;
    ck_ok(f->C_DigestFinal(s, digest, &n));
    ck_assert_uint_eq(n, wanted_n);
    ck_assert_mem_eq(digest, wanted, wanted_n);
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void update(const char *text)
{
    ck_ok(f->C_DigestUpdate(s, (CK_BYTE *)(uintptr_t)text, strlen(text)));
}

/* Every digest; shown and hidden keys, of the token and of the session, in every order. */
START_TEST(test_keys_are_digested_where_they_stand)
{
    CK_OBJECT_HANDLE shown, hidden, on_token;

    setup();
    shown = make(14, false, true, false);
    hidden = make(15, false, false, false);
    on_token = make(16, true, false, false);
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_MECHANISM m = {row->type, NULL, 0};
        if (!mechanism_does(row, CKF_DIGEST))
            continue;
        ck_ok(f->C_DigestInit(s, &m));
        update("<");
        ck_ok(f->C_DigestKey(s, shown));
        update(">");
        check_final(row->hash, "<the value of a>");
        ck_ok(f->C_DigestInit(s, &m));
        ck_ok(f->C_DigestKey(s, hidden));
        check_final(row->hash, "the value of a ");
        ck_ok(f->C_DigestInit(s, &m));
        update("1");
        ck_ok(f->C_DigestKey(s, hidden));
        ck_ok(f->C_DigestKey(s, shown));
        update("2");
        update("3");
        ck_ok(f->C_DigestKey(s, on_token));
        update("4");
        check_final(row->hash, "1the value of a the value of a23the value of a k4");
    }
    token_stop();
}
END_TEST

START_TEST(test_a_shown_key_needs_no_cluster)
{
    CK_OBJECT_HANDLE shown, hidden;

    token_connect_wait_ms = 200;
    setup();
    shown = make(5, false, true, true);
    hidden = make(16, false, false, false);
    local_node_faults(token_node)->dead = true;
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, shown));
    check_final("SHA256", "the v");
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_DEVICE_REMOVED);
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

static void refused(CK_OBJECT_HANDLE key, CK_RV rv)
{
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_rv(f->C_DigestKey(s, key), rv);
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_OPERATION_NOT_INITIALIZED);
}

START_TEST(test_what_cannot_be_digested_is_refused_at_once)
{
    struct token_pair ec;

    setup();
    ec = token_ec(s, false, "ec");
    ck_rv(f->C_DigestKey(s, ec.private_key), CKR_OPERATION_NOT_INITIALIZED);
    refused(ec.private_key, CKR_KEY_INDIGESTIBLE);
    refused(ec.public_key, CKR_KEY_HANDLE_INVALID);
    refused(0, CKR_KEY_HANDLE_INVALID);
    refused(~0UL, CKR_KEY_HANDLE_INVALID);
    refused(make(DIGEST_KEY_BYTES_MIN - 1, false, false, false), CKR_KEY_SIZE_RANGE);
    refused(make(16, false, false, true), CKR_KEY_INDIGESTIBLE); /* it may derive */
    token_stop();
}
END_TEST

START_TEST(test_under_the_modern_policy_only_a_shown_key_is_digested)
{
    CK_OBJECT_HANDLE shown, hidden;

    setup_under(POLICY_MODERN);
    shown = make(16, false, true, false);
    hidden = make(16, false, false, false);
    refused(hidden, CKR_KEY_INDIGESTIBLE);
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, shown));
    check_final("SHA256", "the value of a k");
    token_stop();
}
END_TEST

START_TEST(test_much_before_a_hidden_key_makes_it_indigestible_and_much_behind_it_is_refused)
{
    CK_OBJECT_HANDLE shown, hidden;
    CK_BYTE *much = calloc(1, SIGN_DATA_BYTES_MAX);

    setup();
    shown = make(16, false, true, false);
    hidden = make(16, false, false, false);
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestUpdate(s, much, SIGN_DATA_BYTES_MAX));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_ok(f->C_DigestFinal(s, digest, &n));
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestUpdate(s, much, SIGN_DATA_BYTES_MAX));
    ck_ok(f->C_DigestUpdate(s, much, 1));
    ck_ok(f->C_DigestKey(s, shown)); /* of that there is no end */
    ck_rv(f->C_DigestKey(s, hidden), CKR_KEY_INDIGESTIBLE);
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_ok(f->C_DigestUpdate(s, much, SIGN_DATA_BYTES_MAX));
    ck_rv(f->C_DigestUpdate(s, much, 1), CKR_DATA_LEN_RANGE);
    ck_ok(f->C_DigestInit(s, &sha256));
    for (unsigned i = 0; i < DIGEST_KEYS_MAX; i++)
        ck_ok(f->C_DigestKey(s, hidden));
    ck_rv(f->C_DigestKey(s, hidden), CKR_KEY_INDIGESTIBLE);
    ck_ok(f->C_DigestInit(s, &sha256));
    for (unsigned i = 0; i < 3 * DIGEST_KEYS_MAX; i++)
        ck_ok(f->C_DigestKey(s, shown));
    ck_ok(f->C_DigestFinal(s, digest, &n));
    free(much);
    token_stop();
}
END_TEST

START_TEST(test_a_digest_with_a_hidden_key_is_not_put_aside_and_ends_with_the_login)
{
    CK_OBJECT_HANDLE hidden, shown;
    CK_BYTE state[64];
    CK_ULONG size = sizeof state;

    setup();
    hidden = make(16, false, false, false);
    shown = make(16, false, true, false);
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, shown));
    ck_ok(f->C_GetOperationState(s, state, &size));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_rv(f->C_GetOperationState(s, state, &size), CKR_STATE_UNSAVEABLE);
    ck_ok(f->C_SetOperationState(s, state, size, 0, 0));
    ck_rv(f->C_DigestKey(s, hidden), CKR_KEY_INDIGESTIBLE); /* what was before the state is not known */
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_rv(f->C_Digest(s, state, 1, digest, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_DigestInit(s, &sha256));
    ck_ok(f->C_DigestKey(s, hidden));
    ck_ok(f->C_Logout(s));
    ck_rv(f->C_DigestFinal(s, digest, &n), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_keys_are_digested_where_they_stand,
        &test_a_shown_key_needs_no_cluster,
        &test_what_cannot_be_digested_is_refused_at_once,
        &test_under_the_modern_policy_only_a_shown_key_is_digested,
        &test_much_before_a_hidden_key_makes_it_indigestible_and_much_behind_it_is_refused,
        &test_a_digest_with_a_hidden_key_is_not_put_aside_and_ends_with_the_login,
        NULL,
    };
    return suite_of("module_digest_key", 60, tests);
}
