/* Many logins of one user at once, at several vaults, in every order that the seeds bring; nodes that die, and fronts that lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/access_world.h"
#include "tests/unit/runner.h"
#include "vault/access/attempts.h"

enum { STEP_RESERVE = 2, CROWD = 100, GUESSERS = 40, SEEDS = 2 };

static struct access_world x;
static uint64_t alice, seed;

static void setup(void)
{
    world_init(&x);
    world_admin(&x);
    alice = world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
}

static void teardown(void)
{
    world_clear(&x);
}

static unsigned dice(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 33) % n);
}

/* The counter of a user who is in the list. */
static struct attempts counter(uint64_t user)
{
    const struct fake_record *list = fake_record(&x.fake, fake_cluster_body(&x.fake)->users), *r = NULL;
    Hsm__UsersBody *users = hsm__users_body__unpack(NULL, list->n, list->body);
    struct attempts a;

    for (size_t i = 0; i < users->n_users; i++)
        if (users->users[i]->id == user)
            r = fake_record(&x.fake, users->users[i]->attempts);
    hsm__users_body__free_unpacked(users, NULL);
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(attempts_read(r->body, r->n, &a), ERR_OK);
    return a;
}

static void time_passes(uint64_t ms)
{
    fake_own_ms += ms;
    x.fake.leader_ms += ms;
}

/* ---- a crowd ------------------------------------------------------------------------------------------------------- */

/* A client that logs in as the module does: with one request id, again after ERR_BUSY and ERR_CONFLICT, with pauses that double. */
struct person {
    struct fake_channel channel;
    struct work *work; /* NULL: pauses, or has ended */
    uint8_t id[16];
    const char *name, *password;
    unsigned client;
    bool admin, ended, charged, reserved; /* charged: for scrypt, in this work */
    enum err verdict;
    uint64_t ready_ms, pause_ms, ended_ms;
};

static void person_init(struct person *p, unsigned number, const char *name, const char *password, unsigned client)
{
    memset(p, 0, sizeof *p);
    p->channel = world_channel(&x, number % FAKE_VAULTS);
    snprintf((char *)p->id, sizeof p->id, "%s %u", name, number);
    p->name = name;
    p->password = password;
    p->client = client;
    p->pause_ms = 5;
    p->ready_ms = fake_own_ms;
}

static void person_begin(struct person *p)
{
    x.client = x.signer = p->client;
    x.request_id = p->id;
    p->work = world_begin_login(&x, &p->channel, p->name, p->password, p->admin);
    p->charged = false;
    x.request_id = NULL;
}

static void person_end(struct person *p)
{
    p->verdict = world_end(&x, p->work);
    p->work = NULL;
    if (err_kind(p->verdict) == ERR_KIND_BUSY) {
        p->ready_ms = fake_own_ms + p->pause_ms / 2 + dice((unsigned)p->pause_ms / 2 + 1);
        p->pause_ms = p->pause_ms * 2 > 400 ? 400 : p->pause_ms * 2;
        return;
    }
    p->ended = true;
    p->ended_ms = fake_own_ms;
}

/* What a cluster takes its time for: scrypt, of which each vault does few at once, and rounds of Raft, each of which commits all that has
 * been proposed until then, in some order. */
enum { SCRYPT_MS = 60, ROUND_MS = 10, POOL = 2 };

static uint64_t pool_free_ms[FAKE_VAULTS][POOL];

static uint64_t after_scrypt(const struct person *p)
{
    uint64_t *pool = pool_free_ms[p->channel.vault - x.fake.vaults], *worker = pool;

    for (int i = 1; i < POOL; i++)
        if (pool[i] < *worker)
            worker = &pool[i];
    *worker = (*worker > fake_own_ms ? *worker : fake_own_ms) + SCRYPT_MS;
    return *worker;
}

/* One move of one person, at the time it is due. */
static void person_move(struct person *p)
{
    if (p->work == NULL)
        person_begin(p);
    if (!fake_move(p->work)) {
        person_end(p);
        return;
    }
    p->reserved = p->reserved || fake_has_done(p->work, STEP_RESERVE);
    if (p->reserved && !p->charged) {
        p->charged = true;
        p->ready_ms = after_scrypt(p);
    } else if (fake_proposes(p->work)) {
        p->ready_ms = (fake_own_ms / ROUND_MS + 1) * ROUND_MS;
    } else {
        p->ready_ms = fake_own_ms;
    }
}

/* Moves everybody until all have ended or the time is up; how many have not. */
static size_t crowd_run(struct person *crowd, size_t n, uint64_t ms_max)
{
    uint64_t until = fake_own_ms + ms_max;
    size_t waiting = n;

    memset(pool_free_ms, 0, sizeof pool_free_ms);
    while (waiting > 0 && fake_own_ms <= until) {
        uint64_t next = UINT64_MAX;
        size_t first = dice((unsigned)n);
        waiting = 0;
        for (size_t i = 0; i < n; i++) {
            struct person *p = &crowd[(first + i) % n];
            if (!p->ended && p->ready_ms <= fake_own_ms)
                person_move(p);
            if (!p->ended) {
                waiting++;
                next = p->ready_ms < next ? p->ready_ms : next;
            }
        }
        if (waiting > 0 && next > fake_own_ms)
            time_passes(next - fake_own_ms);
    }
    for (size_t i = 0; i < n; i++)
        if (crowd[i].work != NULL) {
            fake_end(crowd[i].work);
            crowd[i].work = NULL;
        }
    return waiting;
}

static size_t count(const struct person *crowd, size_t n, enum err verdict)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += crowd[i].ended && crowd[i].verdict == verdict;
    return found;
}

/* All in time, and nothing is left in the counter. */
static void expect_all_in(const char *what, struct person *crowd, size_t n)
{
    size_t waiting = crowd_run(crowd, n, 20000);
    struct attempts a = counter(alice);

    ck_assert_msg(waiting == 0, "%s: %zu of %zu have not logged in after 20 s", what, waiting, n);
    ck_assert_uint_eq(count(crowd, n, ERR_OK), n);
    ck_assert_uint_eq(a.n, 0);
    ck_assert_uint_eq(a.failures, 0);
}

START_TEST(test_hundred_processes_with_the_right_password_all_get_in)
{
    static struct person crowd[CROWD];
    for (int s = 1; s <= SEEDS; s++) {
        seed = (uint64_t)s;
        setup();
        for (unsigned i = 0; i < CROWD; i++)
            person_init(&crowd[i], i, "alice", "password", 0);
        expect_all_in("one certificate", crowd, CROWD);
        teardown();
    }
}
END_TEST

START_TEST(test_hundred_processes_of_several_machines_all_get_in)
{
    static struct person crowd[CROWD];
    for (int s = 1; s <= SEEDS; s++) {
        seed = (uint64_t)s;
        setup();
        for (unsigned i = 0; i < CROWD; i++)
            person_init(&crowd[i], i, "alice", "password", i % WORLD_RSA);
        expect_all_in("several certificates", crowd, CROWD);
        teardown();
    }
}
END_TEST

START_TEST(test_hundred_processes_get_in_with_little_room_left)
{
    static struct person crowd[CROWD];
    struct fake_channel c;
    seed = 1;
    setup();
    c = world_channel(&x, 0);
    for (unsigned i = 1; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(world_login(&x, &c, "alice", "wrong", false), ERR_PIN_INCORRECT);
    for (unsigned i = 0; i < CROWD; i++)
        person_init(&crowd[i], i, "alice", "password", 0);
    expect_all_in("one try left", crowd, CROWD);
    teardown();
}
END_TEST

START_TEST(test_guesses_at_all_nodes_at_once_are_no_more_than_five)
{
    static struct person crowd[GUESSERS];
    for (int s = 1; s <= SEEDS; s++) {
        seed = (uint64_t)s;
        setup();
        for (unsigned i = 0; i < GUESSERS; i++)
            person_init(&crowd[i], i, "alice", "wrong", 0);
        ck_assert_uint_eq(crowd_run(crowd, GUESSERS, 60000), 0);
        ck_assert_uint_eq(count(crowd, GUESSERS, ERR_PIN_INCORRECT), LOGIN_TRIES_MAX);
        ck_assert_uint_eq(count(crowd, GUESSERS, ERR_PIN_LOCKED), GUESSERS - LOGIN_TRIES_MAX);
        ck_assert_uint_eq(counter(alice).failures, LOGIN_TRIES_MAX);
        teardown();
    }
}
END_TEST

START_TEST(test_guesses_with_all_certificates_at_once_are_no_more_than_twenty)
{
    static struct person crowd[GUESSERS];
    for (int s = 1; s <= SEEDS; s++) {
        seed = (uint64_t)s;
        setup();
        for (unsigned i = 0; i < GUESSERS; i++)
            person_init(&crowd[i], i, "alice", "wrong", i % WORLD_STRANGER);
        ck_assert_uint_eq(crowd_run(crowd, GUESSERS, 60000), 0);
        ck_assert_uint_eq(count(crowd, GUESSERS, ERR_PIN_INCORRECT), LOGIN_TRIES_USER_MAX);
        ck_assert_uint_eq(counter(alice).failures, LOGIN_TRIES_USER_MAX);
        teardown();
    }
}
END_TEST

/* Connections are dropped and nodes die anywhere on the way; whoever was judged has been reserved for, so no order gives more. */
START_TEST(test_guesses_of_dying_nodes_are_no_more_than_five)
{
    for (int s = 1; s <= 20; s++) {
        unsigned told = 0;
        seed = (uint64_t)s;
        setup();
        for (unsigned i = 0; i < 30; i++) {
            struct person p;
            unsigned lives = dice(14);
            person_init(&p, i, "alice", "wrong", 0);
            person_begin(&p);
            while (lives-- > 0 && fake_move(p.work))
                ;
            if (lives == UINT32_MAX) {
                fake_end(p.work);
                continue;
            }
            told += fake_verdict(p.work) == ERR_PIN_INCORRECT;
            fake_end(p.work);
        }
        ck_assert_uint_le(told, LOGIN_TRIES_MAX);
        for (struct attempts a = counter(alice); a.n > 0; a.n--)
            ck_assert_uint_le(a.rows[a.n - 1].failures + a.rows[a.n - 1].n_open, LOGIN_TRIES_MAX);
        teardown();
    }
}
END_TEST

START_TEST(test_reservations_of_a_dead_node_end_as_failures)
{
    struct person dead[LOGIN_TRIES_MAX], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++) {
        person_init(&dead[i], i, "alice", "password", 0);
        person_begin(&dead[i]);
        while (!fake_has_done(dead[i].work, STEP_RESERVE))
            ck_assert(fake_move(dead[i].work));
        fake_end(dead[i].work);
    }
    person_init(&late, 99, "alice", "password", 0);
    ck_assert_uint_eq(crowd_run(&late, 1, LOGIN_RESERVATION_MS / 2), 1);
    ck_assert_int_eq(late.verdict, ERR_BUSY);
    ck_assert_uint_eq(crowd_run(&late, 1, LOGIN_RESERVATION_MS), 0);
    ck_assert_int_eq(late.verdict, ERR_PIN_LOCKED);
    teardown();
}
END_TEST

START_TEST(test_dead_reservations_do_not_keep_the_right_password_out)
{
    struct person dead[LOGIN_TRIES_MAX - 1], late;
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX - 1; i++) {
        person_init(&dead[i], i, "alice", "password", 0);
        person_begin(&dead[i]);
        while (!fake_has_done(dead[i].work, STEP_RESERVE))
            ck_assert(fake_move(dead[i].work));
        fake_end(dead[i].work);
    }
    time_passes(LOGIN_RESERVATION_MS + 1);
    person_init(&late, 99, "alice", "password", 0);
    ck_assert_uint_eq(crowd_run(&late, 1, 1000), 0);
    ck_assert_int_eq(late.verdict, ERR_OK);
    ck_assert_uint_eq(counter(alice).failures, 0);
    teardown();
}
END_TEST

/* ---- retries ------------------------------------------------------------------------------------------------------- */

/* The connection is lost after each move in turn; the client asks again at another vault, with the same id. */
static void retry_after_every_move(const char *password, enum err verdict, unsigned failures)
{
    for (unsigned moves = 0, more = 1; more; moves++) {
        struct person p;
        setup();
        person_init(&p, 0, "alice", password, 0);
        person_begin(&p);
        for (unsigned i = 0; i < moves && more; i++)
            more = fake_move(p.work);
        fake_end(p.work);
        p.channel = world_channel(&x, 1);
        p.work = NULL;
        ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
        ck_assert_int_eq(p.verdict, verdict);
        ck_assert_uint_eq(counter(alice).failures, failures);
        ck_assert_uint_eq(counter(alice).n, failures);
        ck_assert_uint_eq(failures > 0 ? counter(alice).rows[0].n_open : 0, 0);
        if (verdict == ERR_OK)
            ck_assert_int_eq(world_sign(&x, &p.channel), ERR_OK);
        teardown();
    }
}

START_TEST(test_repeated_login_with_a_wrong_password_counts_once)
{
    retry_after_every_move("wrong", ERR_PIN_INCORRECT, 1);
}
END_TEST

START_TEST(test_repeated_login_with_the_right_password_gets_in)
{
    retry_after_every_move("password", ERR_OK, 0);
}
END_TEST

START_TEST(test_request_id_is_good_for_one_password)
{
    struct person first, second;
    setup();
    person_init(&first, 0, "alice", "wrong", 0);
    person_begin(&first);
    while (!fake_has_done(first.work, STEP_RESERVE))
        ck_assert(fake_move(first.work));
    person_init(&second, 0, "alice", "wrong too", 0); /* on the reservation of the first */
    ck_assert_uint_eq(crowd_run(&second, 1, 1000), 0);
    ck_assert_int_eq(second.verdict, ERR_PIN_INCORRECT);
    ck_assert_uint_eq(crowd_run(&first, 1, 1000), 0);
    ck_assert_int_eq(first.verdict, ERR_FORGED);
    person_init(&second, 0, "alice", "password", 0);
    ck_assert_uint_eq(crowd_run(&second, 1, 1000), 0);
    ck_assert_int_eq(second.verdict, ERR_FORGED);
    ck_assert_uint_eq(counter(alice).failures, 1);
    teardown();
}
END_TEST

START_TEST(test_repeated_login_needs_its_signature_on_the_new_channel)
{
    struct person p;
    setup();
    person_init(&p, 0, "alice", "password", 0);
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_OK);
    memcpy(x.mac_hash, p.channel.hash, sizeof x.mac_hash);
    x.other_hash = true;
    p.channel = world_channel(&x, 1);
    p.ended = false;
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_CLIENT_CERTIFICATE);
    ck_assert_uint_eq(p.channel.login.user_id, 0);
    teardown();
}
END_TEST

/* ---- together with other changes ------------------------------------------------------------------------------------ */

START_TEST(test_no_login_outlives_the_password_it_was_made_with)
{
    for (unsigned moves = 0, more = 1; more; moves++) {
        struct fake_channel admin;
        struct person p;
        setup();
        admin = world_channel(&x, 1);
        ck_assert_int_eq(world_login(&x, &admin, "admin", "password", true), ERR_OK);
        person_init(&p, 0, "alice", "password", 0);
        person_begin(&p);
        for (unsigned i = 0; i < moves && more; i++)
            more = fake_move(p.work);
        ck_assert_int_eq(world_change(&x, &admin, "alice", "", "new password"), ERR_OK);
        crowd_run(&p, 1, 1000);
        if (p.verdict == ERR_OK)
            ck_assert_int_eq(world_sign(&x, &p.channel), ERR_TICKET);
        else
            ck_assert_int_eq(p.verdict, ERR_PIN_INCORRECT);
        teardown();
    }
}
END_TEST

START_TEST(test_no_login_outlives_its_anchor)
{
    for (unsigned moves = 0, more = 1; more; moves++) {
        struct person p;
        setup();
        person_init(&p, 0, "alice", "password", 0);
        person_begin(&p);
        for (unsigned i = 0; i < moves && more; i++)
            more = fake_move(p.work);
        world_anchors(&x, false, true);
        crowd_run(&p, 1, 1000);
        if (p.verdict == ERR_OK)
            ck_assert_int_eq(world_sign(&x, &p.channel), ERR_TICKET);
        else
            ck_assert_int_eq(p.verdict, ERR_CLIENT_CERTIFICATE);
        teardown();
    }
}
END_TEST

START_TEST(test_last_admin_gets_in_while_another_client_guesses)
{
    static struct person guessers[20], admin;
    uint64_t began;
    seed = 1;
    setup();
    world_make_cheap(&x, "admin", "password");
    for (unsigned i = 0; i < 20; i++) {
        person_init(&guessers[i], i, "admin", "wrong", 1 + i % 4);
        guessers[i].admin = true;
    }
    crowd_run(guessers, 20, 15000);
    ck_assert_uint_ge(count(guessers, 20, ERR_PIN_INCORRECT), LOGIN_TRIES_USER_MAX - 5);
    began = fake_own_ms;
    person_init(&admin, 99, "admin", "password", 0);
    admin.admin = true;
    ck_assert_uint_eq(crowd_run(&admin, 1, 20000), 0);
    ck_assert_int_eq(admin.verdict, ERR_OK);
    ck_assert_uint_le(fake_own_ms - began, 20000);
    teardown();
}
END_TEST

/* ---- fronts that lie ------------------------------------------------------------------------------------------------ */

START_TEST(test_front_that_reserves_nothing_gets_few_guesses)
{
    struct fake_channel c;
    unsigned guesses = 0;
    enum err e;
    setup();
    c = world_channel(&x, 0);
    x.fake.pretends_done = true;
    while ((e = world_login(&x, &c, "alice", "wrong", false)) == ERR_PIN_INCORRECT)
        guesses++;
    ck_assert_int_eq(e, ERR_BUSY);
    ck_assert_uint_eq(guesses, GUESSES_MAX);
    teardown();
}
END_TEST

static uint8_t heard[FAKE_RESULT_BYTES];
static size_t heard_n;

static void hear(struct fake *f, Hsm__Outcome *o)
{
    (void)f;
    if (o->result.len > 0) {
        memcpy(heard, o->result.data, o->result.len);
        heard_n = o->result.len;
    }
}

static void say(struct fake *f, Hsm__Outcome *o)
{
    (void)f;
    o->result = (ProtobufCBinaryData){.data = heard, .len = heard_n};
}

START_TEST(test_front_cannot_hand_one_clients_success_to_another)
{
    struct person p;
    setup();
    x.fake.liar = hear;
    person_init(&p, 0, "alice", "password", 0);
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_OK);
    ck_assert_uint_gt(heard_n, 0);
    x.fake.liar = say;
    person_init(&p, 1, "alice", "wrong", 0); /* as the outcome of its own command */
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_FORGED);
    x.fake.pretends_repeated = true;
    person_init(&p, 2, "alice", "wrong", 0); /* as if it had been made before */
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_FORGED);
    x.fake.n_ring = 0;
    person_init(&p, 0, "alice", "wrong", 0); /* under the very id of the success */
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_FORGED);
    heard_n = 0;
    person_init(&p, 3, "alice", "wrong", 0);
    ck_assert_uint_eq(crowd_run(&p, 1, 1000), 0);
    ck_assert_int_eq(p.verdict, ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_front_cannot_hide_a_counter_or_the_list)
{
    struct fake_channel c;
    setup();
    c = world_channel(&x, 0);
    x.fake.hidden = fake_cluster_body(&x.fake)->users;
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CORRUPT);
    for (size_t i = 0; i < x.fake.n_records; i++)
        if (x.fake.records[i].kind == HSM__RECORD_KIND__RECORD_ATTEMPTS) {
            x.fake.hidden = x.fake.records[i].id;
            ck_assert_int_eq(world_login(&x, &c, x.fake.hidden == alice + 1 ? "alice" : "admin", "password", false), ERR_CORRUPT);
        }
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_hundred_processes_with_the_right_password_all_get_in,
        &test_hundred_processes_of_several_machines_all_get_in, &test_hundred_processes_get_in_with_little_room_left,
        &test_guesses_at_all_nodes_at_once_are_no_more_than_five,
        &test_guesses_with_all_certificates_at_once_are_no_more_than_twenty, &test_guesses_of_dying_nodes_are_no_more_than_five,
        &test_reservations_of_a_dead_node_end_as_failures, &test_dead_reservations_do_not_keep_the_right_password_out,
        &test_repeated_login_with_a_wrong_password_counts_once, &test_repeated_login_with_the_right_password_gets_in,
        &test_request_id_is_good_for_one_password, &test_repeated_login_needs_its_signature_on_the_new_channel,
        &test_no_login_outlives_the_password_it_was_made_with, &test_no_login_outlives_its_anchor,
        &test_last_admin_gets_in_while_another_client_guesses, &test_front_that_reserves_nothing_gets_few_guesses,
        &test_front_cannot_hand_one_clients_success_to_another, &test_front_cannot_hide_a_counter_or_the_list, NULL};
    return suite_of("logins", 120, tests);
}
