#include "daemon/vault_link.h"

#include "tests/unit/runner.h"

#include <string.h>
#include <unistd.h>

#include "proto/limits.h"

static uv_loop_t loop;
static struct vault_link *l;
static int vault; /* the other end, blocking */
static unsigned answers, lost, dead;
static uint64_t answered[8];

static void on_dead(void *arg, const char *reason)
{
    (void)arg, (void)reason;
    dead++;
}

static void on_answer(void *arg, uint64_t call, const Hsm__VaultAnswer *answer)
{
    (void)arg;
    if (answer == NULL)
        lost++;
    else
        answered[answers++ % 8] = call;
}

static void setup(void)
{
    int fds[2];
    answers = lost = dead = 0;
    uv_loop_init(&loop);
    ck_assert_int_eq(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0), 0);
    vault = fds[1];
    l = vault_link_new(&loop, fds[0], on_dead, NULL, NULL);
    ck_assert_ptr_nonnull(l);
}

static void teardown(void)
{
    vault_link_free(l);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    if (vault >= 0)
        close(vault);
}

static uint64_t call(void)
{
    Hsm__VaultCall c = HSM__VAULT_CALL__INIT;
    Hsm__ChannelClose close_channel = HSM__CHANNEL_CLOSE__INIT;
    uint64_t number = 0;
    c.of_case = HSM__VAULT_CALL__OF_CHANNEL_CLOSE;
    c.channel_close = &close_channel;
    ck_assert_int_eq(vault_link_call(l, &c, on_answer, NULL, &number), ERR_OK);
    return number;
}

static void answer(uint64_t number, bool need)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Need n = HSM__NEED__INIT;
    Hsm__Verdict v = HSM__VERDICT__INIT;
    uint8_t bytes[64] = {0};
    a.call = number;
    a.of_case = need ? HSM__VAULT_ANSWER__OF_NEED : HSM__VAULT_ANSWER__OF_VERDICT;
    if (need)
        a.need = &n;
    else
        a.verdict = &v;
    bytes[3] = (uint8_t)hsm__vault_answer__pack(&a, bytes + 4);
    ck_assert_int_eq(write(vault, bytes, 4u + bytes[3]), 4 + bytes[3]);
}

static void turns(void)
{
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

START_TEST(test_vault_link_answers_find_their_calls_in_any_order)
{
    uint64_t a = call(), b = call();
    answer(b, false);
    answer(a, false);
    turns();
    ck_assert_uint_eq(answers, 2);
    ck_assert_uint_eq(answered[0], b);
    ck_assert_uint_eq(answered[1], a);
}
END_TEST

START_TEST(test_vault_link_call_writes_a_length_and_the_call)
{
    uint8_t got[64];
    uint64_t a = call();
    turns();
    ssize_t n = read(vault, got, sizeof got);
    ck_assert_int_gt(n, 4);
    ck_assert_uint_eq(got[3], (unsigned)n - 4);
    Hsm__VaultCall *c = hsm__vault_call__unpack(NULL, (size_t)n - 4, got + 4);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->call, a);
    hsm__vault_call__free_unpacked(c, NULL);
}
END_TEST

START_TEST(test_vault_link_need_leaves_the_call_open)
{
    uint64_t a = call();
    answer(a, true);
    answer(a, false);
    turns();
    ck_assert_uint_eq(answers, 2);
    ck_assert_uint_eq(dead, 0);
}
END_TEST

START_TEST(test_vault_link_answer_to_no_call_is_the_end)
{
    uint64_t a = call();
    answer(a, false);
    answer(a, false);
    turns();
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(dead, 1);
}
END_TEST

START_TEST(test_vault_link_death_tells_every_open_call)
{
    Hsm__VaultCall c = HSM__VAULT_CALL__INIT;
    uint64_t number;
    call();
    call();
    turns();
    close(vault);
    vault = -1;
    turns();
    ck_assert_uint_eq(lost, 2);
    ck_assert_uint_eq(dead, 1);
    ck_assert_int_eq(vault_link_call(l, &c, on_answer, NULL, &number), ERR_LOST);
}
END_TEST

START_TEST(test_vault_link_dropped_call_hears_nothing)
{
    uint64_t a = call();
    vault_link_drop(l, a);
    answer(a, false);
    turns();
    ck_assert_uint_eq(answers, 0);
    ck_assert_uint_eq(dead, 0);
}
END_TEST

START_TEST(test_vault_link_has_no_more_open_than_the_vault_keeps)
{
    Hsm__VaultCall c = HSM__VAULT_CALL__INIT;
    uint64_t number;
    for (int i = 0; i < 1024; i++)
        call();
    ck_assert_int_eq(vault_link_call(l, &c, on_answer, NULL, &number), ERR_BUSY);
}
END_TEST

START_TEST(test_vault_link_carries_a_full_set_of_facts_and_no_more)
{
    static uint8_t record[OBJECT_BYTES_MAX];
    enum { ONE_TOO_MANY = VAULT_FRAME_BYTES_MAX / OBJECT_BYTES_MAX };
    ProtobufCBinaryData records[ONE_TOO_MANY];
    Hsm__Facts facts = HSM__FACTS__INIT;
    Hsm__VaultCall c = HSM__VAULT_CALL__INIT;
    uint64_t number;
    for (size_t i = 0; i < ONE_TOO_MANY; i++)
        records[i] = (ProtobufCBinaryData){.data = record, .len = sizeof record};
    c.of_case = HSM__VAULT_CALL__OF_FACTS;
    c.facts = &facts;
    facts.records = records;
    facts.n_records = NEED_IDS_MAX;
    ck_assert_int_eq(vault_link_call(l, &c, on_answer, NULL, &number), ERR_OK);
    facts.n_records = ONE_TOO_MANY;
    ck_assert_int_eq(vault_link_call(l, &c, on_answer, NULL, &number), ERR_TOO_LARGE);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("vault_link");
    TCase *tc = tcase_create("vault_link");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_vault_link_answers_find_their_calls_in_any_order);
    tcase_add_test(tc, test_vault_link_call_writes_a_length_and_the_call);
    tcase_add_test(tc, test_vault_link_need_leaves_the_call_open);
    tcase_add_test(tc, test_vault_link_answer_to_no_call_is_the_end);
    tcase_add_test(tc, test_vault_link_death_tells_every_open_call);
    tcase_add_test(tc, test_vault_link_dropped_call_hears_nothing);
    tcase_add_test(tc, test_vault_link_has_no_more_open_than_the_vault_keeps);
    tcase_add_test(tc, test_vault_link_carries_a_full_set_of_facts_and_no_more);
    suite_add_tcase(s, tc);
    return s;
}
