/* What counts as a wrong password, and how many there may be: rules on plain values, one vault's own bound, names and hashes. */
#include "vault/access/attempts.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tests/unit/runner.h"
#include "vault/access/guesses.h"
#include "vault/access/password.h"

static struct attempts a;
static uint64_t now_ms;
static unsigned ids;

static void setup(void)
{
    memset(&a, 0, sizeof a);
    now_ms = 1000000;
    ids = 0;
}

/* A login under way: of this client, with an id of its own. */
struct one {
    uint8_t client[ATTEMPTS_CLIENT_BYTES], id[ATTEMPTS_ID_BYTES];
    struct attempt t;
};

static struct attempt *by(struct one *o, unsigned client, enum attempts_kind kind)
{
    memset(o, 0, sizeof *o);
    snprintf((char *)o->client, sizeof o->client, "client %u", client);
    snprintf((char *)o->id, sizeof o->id, "%u", ++ids);
    o->t = (struct attempt){.kind = kind, .client = o->client, .id = o->id, .now_ms = now_ms};
    return &o->t;
}

static enum err try_once(unsigned client, enum attempts_kind kind, bool right)
{
    struct one o;
    struct attempt *t = by(&o, client, kind);
    struct attempts before = a;
    enum err e = attempts_reserve(&a, t);
    if (e == ERR_OK)
        attempts_settle(&a, t, right);
    else
        a = before;
    return e;
}

START_TEST(test_five_wrong_passwords_of_a_client_lock_it_and_no_other)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(try_once(1, ATTEMPTS_USER, false), ERR_OK);
    ck_assert_int_eq(try_once(1, ATTEMPTS_USER, true), ERR_PIN_LOCKED);
    ck_assert_int_eq(try_once(2, ATTEMPTS_USER, true), ERR_OK);
    ck_assert(attempts_locked(&a, ATTEMPTS_USER));
}
END_TEST

START_TEST(test_twenty_wrong_passwords_lock_the_user_for_all)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_USER_MAX; i++)
        ck_assert_int_eq(try_once(i, ATTEMPTS_USER, false), ERR_OK);
    ck_assert_int_eq(try_once(100, ATTEMPTS_USER, true), ERR_PIN_LOCKED);
}
END_TEST

START_TEST(test_right_password_forgets_the_clients_failures_only)
{
    setup();
    for (unsigned i = 0; i + 1 < LOGIN_TRIES_MAX; i++) {
        ck_assert_int_eq(try_once(1, ATTEMPTS_USER, false), ERR_OK);
        ck_assert_int_eq(try_once(2, ATTEMPTS_USER, false), ERR_OK);
    }
    ck_assert_int_eq(try_once(1, ATTEMPTS_USER, true), ERR_OK);
    ck_assert_uint_eq(a.n, 1);
    ck_assert_uint_eq(a.failures, LOGIN_TRIES_MAX - 1);
    ck_assert_int_eq(try_once(2, ATTEMPTS_USER, false), ERR_OK);
    ck_assert_int_eq(try_once(2, ATTEMPTS_USER, false), ERR_PIN_LOCKED);
}
END_TEST

START_TEST(test_open_attempts_take_room_and_others_wait)
{
    struct one open[LOGIN_TRIES_MAX], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(attempts_reserve(&a, by(&open[i], 1, ATTEMPTS_USER)), ERR_OK);
    ck_assert_int_eq(attempts_glance(&a, by(&late, 1, ATTEMPTS_USER), now_ms), ERR_BUSY);
    ck_assert_int_eq(attempts_reserve(&a, &late.t), ERR_BUSY);
    attempts_settle(&a, &open[0].t, true);
    ck_assert_int_eq(attempts_reserve(&a, &late.t), ERR_OK);
}
END_TEST

START_TEST(test_reservation_made_twice_is_one)
{
    struct one o;
    setup();
    by(&o, 1, ATTEMPTS_USER);
    ck_assert_int_eq(attempts_reserve(&a, &o.t), ERR_OK);
    ck_assert_int_eq(attempts_reserve(&a, &o.t), ERR_OK);
    ck_assert_uint_eq(a.rows[0].n_open, 1);
    attempts_settle(&a, &o.t, false);
    attempts_settle(&a, &o.t, false);
    ck_assert_uint_eq(a.failures, 1);
}
END_TEST

START_TEST(test_open_attempts_count_for_the_user_in_all)
{
    struct one open[LOGIN_TRIES_USER_MAX], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_USER_MAX; i++)
        ck_assert_int_eq(attempts_reserve(&a, by(&open[i], i, ATTEMPTS_USER)), ERR_OK);
    ck_assert_int_eq(attempts_reserve(&a, by(&late, 99, ATTEMPTS_USER)), ERR_BUSY);
}
END_TEST

START_TEST(test_reservation_of_a_dead_node_becomes_a_failure)
{
    struct one dead[LOGIN_TRIES_MAX], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(attempts_reserve(&a, by(&dead[i], 1, ATTEMPTS_USER)), ERR_OK);
    now_ms += LOGIN_RESERVATION_MS + 1;
    ck_assert_int_eq(attempts_glance(&a, by(&late, 1, ATTEMPTS_USER), now_ms), ERR_OK); /* looks old: ask the leader */
    ck_assert_int_eq(attempts_reserve(&a, &late.t), ERR_PIN_LOCKED);
}
END_TEST

START_TEST(test_leader_whose_clock_is_behind_keeps_no_reservation_open)
{
    struct one dead[LOGIN_TRIES_MAX - 1], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX - 1; i++)
        ck_assert_int_eq(attempts_reserve(&a, by(&dead[i], 1, ATTEMPTS_USER)), ERR_OK);
    now_ms -= LOGIN_RESERVATION_MS + 1;
    ck_assert_int_eq(attempts_reserve(&a, by(&late, 1, ATTEMPTS_USER)), ERR_OK);
    ck_assert_uint_eq(a.failures, LOGIN_TRIES_MAX - 1);
}
END_TEST

START_TEST(test_late_attempt_that_was_counted_is_not_counted_again)
{
    struct one slow;
    setup();
    ck_assert_int_eq(attempts_reserve(&a, by(&slow, 1, ATTEMPTS_USER)), ERR_OK);
    now_ms += LOGIN_RESERVATION_MS + 1;
    ck_assert_int_eq(try_once(1, ATTEMPTS_USER, false), ERR_OK);
    ck_assert_uint_eq(a.failures, 2);
    attempts_settle(&a, &slow.t, false);
    ck_assert_uint_eq(a.failures, 2);
    attempts_settle(&a, &slow.t, true);
    ck_assert_uint_eq(a.failures, 0);
}
END_TEST

START_TEST(test_last_admin_is_slowed_and_never_locked)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(try_once(1, ATTEMPTS_LAST_ADMIN, false), ERR_OK);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(try_once(1, ATTEMPTS_LAST_ADMIN, false), ERR_BUSY);
        now_ms += LOGIN_SLOW_MS;
        ck_assert_int_eq(try_once(1, ATTEMPTS_LAST_ADMIN, false), ERR_OK);
    }
    now_ms += LOGIN_SLOW_MS;
    ck_assert_int_eq(try_once(1, ATTEMPTS_LAST_ADMIN, true), ERR_OK);
    ck_assert(!attempts_locked(&a, ATTEMPTS_LAST_ADMIN));
}
END_TEST

START_TEST(test_last_admin_tries_once_at_a_time_beyond_the_limits)
{
    struct one first, second;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(try_once(1, ATTEMPTS_LAST_ADMIN, false), ERR_OK);
    now_ms += LOGIN_SLOW_MS;
    ck_assert_int_eq(attempts_reserve(&a, by(&first, 1, ATTEMPTS_LAST_ADMIN)), ERR_OK);
    ck_assert_int_eq(attempts_reserve(&a, by(&second, 1, ATTEMPTS_LAST_ADMIN)), ERR_BUSY);
}
END_TEST

START_TEST(test_many_certificates_do_not_keep_the_last_admin_out)
{
    setup();
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_int_eq(try_once(i, ATTEMPTS_LAST_ADMIN, false), ERR_OK);
        ck_assert_uint_le(a.n, LOGIN_CLIENTS_MAX);
    }
    ck_assert_int_eq(try_once(5000, ATTEMPTS_LAST_ADMIN, true), ERR_OK);
}
END_TEST

START_TEST(test_many_certificates_get_no_more_tries_in_all)
{
    unsigned tries = 0;
    setup();
    for (unsigned i = 0; i < 1000; i++)
        tries += try_once(i, ATTEMPTS_USER, false) == ERR_OK;
    ck_assert_uint_eq(tries, LOGIN_TRIES_USER_MAX);
    ck_assert_uint_le(a.n, LOGIN_CLIENTS_MAX);
}
END_TEST

START_TEST(test_bucket_locks_name_and_client_and_nobody_else)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(try_once(1, ATTEMPTS_BUCKET, false), ERR_OK);
    ck_assert_int_eq(try_once(1, ATTEMPTS_BUCKET, false), ERR_PIN_LOCKED);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(try_once(100 + i, ATTEMPTS_BUCKET, false), ERR_OK);
}
END_TEST

START_TEST(test_record_comes_back_as_it_went)
{
    struct one open;
    struct attempts back;
    struct buffer packed = {0};
    setup();
    a.user_id = 77;
    for (unsigned i = 0; i < 1000; i++)
        try_once(i, ATTEMPTS_LAST_ADMIN, false);
    ck_assert_int_eq(attempts_reserve(&a, by(&open, 999, ATTEMPTS_LAST_ADMIN)), ERR_BUSY);
    now_ms += LOGIN_SLOW_MS;
    ck_assert_int_eq(attempts_reserve(&a, by(&open, 999, ATTEMPTS_LAST_ADMIN)), ERR_OK);
    ck_assert_int_eq(attempts_write(&a, &packed), ERR_OK);
    memset(&back, 0, sizeof back);
    ck_assert_int_eq(attempts_read(packed.data, packed.len, &back), ERR_OK);
    ck_assert_uint_eq(back.user_id, 77);
    ck_assert_uint_eq(back.failures, a.failures);
    ck_assert_uint_eq(back.n, a.n);
    for (size_t i = 0; i < a.n; i++) {
        ck_assert_mem_eq(back.rows[i].client, a.rows[i].client, sizeof a.rows[i].client);
        ck_assert_uint_eq(back.rows[i].n_open, a.rows[i].n_open);
        ck_assert_uint_eq(back.rows[i].last_failure_ms, a.rows[i].last_failure_ms);
    }
    ck_assert(attempts_has(&back, &open.t));
    buffer_clear(&packed);
}
END_TEST

START_TEST(test_vault_hears_few_wrong_passwords_at_once)
{
    struct guesses *g = guesses_new(NULL);
    unsigned n = 0;
    while (guesses_take(g, 7, 1000))
        n++;
    ck_assert_uint_eq(n, GUESSES_MAX);
    ck_assert(!guesses_take(g, 7, 1000 + GUESS_MS - 1));
    ck_assert(guesses_take(g, 7, 1000 + GUESS_MS));
    ck_assert(!guesses_take(g, 7, 1000 + GUESS_MS));
    guesses_free(g);
}
END_TEST

/* Ids are a front's choice, and the table has 2048 places: by no rule that a front could know do these share one. */
START_TEST(test_ids_that_a_front_chose_do_not_share_guesses)
{
    struct guesses *g = guesses_new(NULL);
    unsigned left = 0;
    while (guesses_take(g, 1, 1000))
        ;
    for (unsigned i = 1; i <= 64; i++)
        left += guesses_take(g, 1 + i * 2048, 1000);
    ck_assert_uint_ge(left, 60);
    guesses_free(g);
}
END_TEST

START_TEST(test_right_passwords_cost_a_vault_nothing)
{
    struct guesses *g = guesses_new(NULL);
    for (unsigned i = 0; i < 10 * GUESSES_MAX; i++) {
        ck_assert(guesses_take(g, 7, 1000));
        guesses_give_back(g, 7);
    }
    guesses_free(g);
}
END_TEST

START_TEST(test_clock_that_jumps_back_gives_no_guesses)
{
    struct guesses *g = guesses_new(NULL);
    while (guesses_take(g, 7, 1000000))
        ;
    ck_assert(!guesses_take(g, 7, 1000));
    ck_assert(guesses_take(g, 7, 1000 + GUESS_MS));
    guesses_free(g);
}
END_TEST

START_TEST(test_names_are_folded_and_of_few_characters)
{
    char out[USER_NAME_BYTES_MAX + 1];
    ck_assert_int_eq(name_form("Alice_01", out), ERR_OK);
    ck_assert_str_eq(out, "alice_01");
    ck_assert_int_eq(name_form("", out), ERR_PIN_LEN);
    ck_assert_int_eq(name_form("abcdefghijklmnopqrstuvwxyz01234", out), ERR_OK);
    ck_assert_int_eq(name_form("abcdefghijklmnopqrstuvwxyz012345", out), ERR_PIN_LEN);
    ck_assert_int_eq(name_form("a b", out), ERR_PIN_INVALID);
    ck_assert_int_eq(name_form("a:b", out), ERR_PIN_INVALID);
    ck_assert_int_eq(name_form("b\xc3\xa4r", out), ERR_PIN_INVALID);
}
END_TEST

START_TEST(test_password_is_right_for_its_hash_only)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    struct password_hash hash, other;
    bool right = false;
    ck_assert_int_eq(password_hash(libctx, (const uint8_t *)"password", 8, &hash), ERR_OK);
    ck_assert_int_eq(password_hash(libctx, (const uint8_t *)"password", 8, &other), ERR_OK);
    ck_assert_mem_ne(hash.hash, other.hash, sizeof hash.hash);
    ck_assert_int_eq(password_check(libctx, &hash, (const uint8_t *)"password", 8, &right), ERR_OK);
    ck_assert(right);
    ck_assert_int_eq(password_check(libctx, &hash, (const uint8_t *)"passwore", 8, &right), ERR_OK);
    ck_assert(!right);
    ck_assert_int_eq(password_check(libctx, &hash, NULL, 0, &right), ERR_OK);
    ck_assert(!right);
    hash.log_n = 60;
    ck_assert_int_eq(password_check(libctx, &hash, (const uint8_t *)"password", 8, &right), ERR_CORRUPT);
    OSSL_LIB_CTX_free(libctx);
}
END_TEST

START_TEST(test_hash_is_scrypt_as_the_standard_has_it)
{
    uint8_t expected[PASSWORD_HASH_BYTES];
    struct password_hash hash;
    ck_assert_int_eq(password_hash(NULL, (const uint8_t *)"password", 8, &hash), ERR_OK);
    ck_assert_uint_eq(hash.log_n, 14);
    ck_assert_int_eq(EVP_PBE_scrypt("password", 8, hash.salt, sizeof hash.salt, 1 << 14, 8, 1, 64 << 20, expected, sizeof expected), 1);
    ck_assert_mem_eq(hash.hash, expected, sizeof expected);
}
END_TEST

START_TEST(test_passwords_have_seven_to_256_bytes)
{
    ck_assert_int_eq(password_form(6), ERR_PIN_LEN);
    ck_assert_int_eq(password_form(7), ERR_OK);
    ck_assert_int_eq(password_form(256), ERR_OK);
    ck_assert_int_eq(password_form(257), ERR_PIN_LEN);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_five_wrong_passwords_of_a_client_lock_it_and_no_other,
        &test_twenty_wrong_passwords_lock_the_user_for_all, &test_right_password_forgets_the_clients_failures_only,
        &test_open_attempts_take_room_and_others_wait, &test_reservation_made_twice_is_one,
        &test_open_attempts_count_for_the_user_in_all, &test_reservation_of_a_dead_node_becomes_a_failure,
        &test_leader_whose_clock_is_behind_keeps_no_reservation_open, &test_late_attempt_that_was_counted_is_not_counted_again,
        &test_last_admin_is_slowed_and_never_locked, &test_last_admin_tries_once_at_a_time_beyond_the_limits,
        &test_many_certificates_do_not_keep_the_last_admin_out, &test_many_certificates_get_no_more_tries_in_all,
        &test_bucket_locks_name_and_client_and_nobody_else, &test_record_comes_back_as_it_went,
        &test_vault_hears_few_wrong_passwords_at_once, &test_right_passwords_cost_a_vault_nothing,
        &test_ids_that_a_front_chose_do_not_share_guesses, &test_clock_that_jumps_back_gives_no_guesses,
        &test_names_are_folded_and_of_few_characters,
        &test_password_is_right_for_its_hash_only, &test_hash_is_scrypt_as_the_standard_has_it,
        &test_passwords_have_seven_to_256_bytes, NULL};
    return suite_of("attempts", 30, tests);
}
