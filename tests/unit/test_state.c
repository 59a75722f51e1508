#include "daemon/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/record.pb-c.h"
#include "tests/unit/draft.h"
#include "tests/unit/fake_vault.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

enum { EXIT_FAIL_STOP = 70, COMMAND_BYTES = 8192 };

/* What the vault sees and says, under no lock: its thread and ours take turns on a pair that blocks. */
static struct {
    unsigned batches, commands, records;
    bool record_was_visible;
    bool refuses_record, is_silent;
    uint64_t bad; /* bit i: the i-th command of each batch */
} vault;

static char *folder;
static struct state *s;
static struct fake_vault *fake;
static int fd;
static unsigned told;
static uint64_t next_index;
static unsigned environments;

static bool sees(uint64_t id)
{
    struct state_reader r;
    const uint8_t *bytes;
    size_t n;
    bool found;
    if (state_read(s, &r) != ERR_OK)
        return false;
    found = store_get(r.store, r.txn, id, &bytes, &n) == ERR_OK;
    state_read_end(&r);
    return found;
}

static void on_call(void *arg, struct fake_vault *v, const Hsm__VaultCall *call)
{
    Hsm__NodeAnswer answer = HSM__NODE_ANSWER__INIT;
    uint8_t good[REPLICA_BATCH_COMMANDS_MAX];
    (void)arg;
    if (vault.is_silent) {
        fake_vault_refused(v, call->call, ERR_VAULT_LOCKED);
        return;
    }
    if (call->of_case == HSM__VAULT_CALL__OF_CHECK) {
        vault.batches++;
        vault.commands += (unsigned)call->check->n_commands;
        for (size_t i = 0; i < call->check->n_commands; i++)
            good[i] = !(i < 64 && (vault.bad >> i & 1));
        fake_vault_verdict(v, call->call, good, call->check->n_commands);
        return;
    }
    ck_assert_int_eq(call->of_case, HSM__VAULT_CALL__OF_NODE);
    ck_assert_int_eq(call->node->of_case, HSM__NODE_CALL__OF_CLUSTER_RECORD);
    vault.records++;
    vault.record_was_visible = sees(1);
    answer.error = vault.refuses_record ? ERR_FORGED : ERR_OK;
    fake_vault_node(v, call->call, &answer);
}

static void on_cluster_record(void *arg)
{
    (void)arg;
    told++;
    ck_assert(sees(1));
}

static MDB_env *environment_new(void)
{
    char path[512];
    MDB_env *env;
    snprintf(path, sizeof path, "%s/%d-%u", folder, (int)getpid(), environments++);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 32);
    mdb_env_set_mapsize(env, 16 << 20);
    ck_assert_int_eq(mdb_env_open(env, path, MDB_NOTLS | MDB_NOSYNC, 0600), 0);
    return env;
}

static void open_env(MDB_env *env)
{
    state_callbacks.opened(s, env, next_index);
}

static void setup(void)
{
    struct state_setup set = {.cluster_record = on_cluster_record};
    struct diag why = {0};
    memset(&vault, 0, sizeof vault);
    fake = fake_vault_new(on_call, NULL, &fd);
    set.check_fd = fd;
    s = state_new(&set, &why);
    ck_assert_msg(s != NULL, "%s", why.what);
    told = 0;
    next_index = 0;
}

static void teardown(void)
{
    fake_vault_free(fake);
    state_free(s);
    close(fd);
}

/* Around all tests: those that end their process leave nothing behind. */
static void make_folder(void)
{
    folder = temp_folder_new("state");
}

static void remove_folder(void)
{
    temp_folder_free(folder);
}

/* One entry of these commands; the outcomes' status and error. */
static void entry(const struct draft *drafts, size_t n, Hsm__OutcomeStatus *status, uint32_t *error)
{
    static uint8_t bytes[REPLICA_BATCH_COMMANDS_MAX][COMMAND_BYTES];
    struct replica_command commands[REPLICA_BATCH_COMMANDS_MAX];
    uint64_t index = ++next_index;

    for (size_t i = 0; i < n; i++)
        commands[i] = (struct replica_command){bytes[i], draft_pack(&drafts[i], bytes[i])};
    state_callbacks.begin(s, index, 1234567, commands, n);
    for (size_t i = 0; i < n; i++) {
        struct buffer answer = {0};
        Hsm__Outcome *outcome;
        state_callbacks.apply(s, i, &commands[i], &answer);
        outcome = hsm__outcome__unpack(NULL, answer.len, answer.data);
        ck_assert_ptr_nonnull(outcome);
        status[i] = outcome->status;
        error[i] = outcome->error;
        ck_assert_uint_eq(outcome->leader_time_ms, 1234567);
        hsm__outcome__free_unpacked(outcome, NULL);
        buffer_clear(&answer);
    }
    state_callbacks.end(s, index);
}

static Hsm__OutcomeStatus entry_of(struct draft d, uint32_t *error)
{
    Hsm__OutcomeStatus status;
    uint32_t e;
    entry(&d, 1, &status, error != NULL ? error : &e);
    return status;
}

static struct draft cluster_record(uint64_t version)
{
    char name[16];
    struct draft d;
    snprintf(name, sizeof name, "cluster-%d", (int)version);
    d = draft_new(next_index, name);
    draft_put(&d, 1, version, HSM__RECORD_KIND__RECORD_CLUSTER, 0, NULL);
    d.lease = version == 1 ? 64 : 0;
    return d;
}

static struct draft user(const char *name, uint64_t id)
{
    struct draft d = draft_new(next_index, name);
    draft_put(&d, id, 1, HSM__RECORD_KIND__RECORD_USER, 0, NULL);
    return d;
}

START_TEST(test_state_before_the_replica_opened_one_cannot_be_read)
{
    struct state_reader r;
    ck_assert_int_eq(state_read(s, &r), ERR_NOT_FOUND);
}
END_TEST

START_TEST(test_state_shows_an_entry_when_it_has_ended)
{
    open_env(environment_new());
    ck_assert_int_eq(entry_of(cluster_record(1), NULL), HSM__OUTCOME_STATUS__OUTCOME_DONE);
    ck_assert(sees(1));
    ck_assert(!sees(2));
    ck_assert_int_eq(entry_of(user("u", 2), NULL), HSM__OUTCOME_STATUS__OUTCOME_DONE);
    ck_assert(sees(2));
}
END_TEST

static bool unsettled(uint64_t settled, uint64_t read_at, uint64_t id, bool searched)
{
    struct state_basis basis = {.ids = &id, .n = id != 0, .searched = searched};
    return state_is_unsettled(s, settled, read_at, &basis);
}

START_TEST(test_state_knows_which_answers_rest_on_what_is_not_settled)
{
    open_env(environment_new());
    entry_of(cluster_record(1), NULL); /* 1 */
    entry_of(user("two", 2), NULL);    /* 2 */
    entry_of(user("three", 3), NULL);  /* 3 */
    ck_assert(unsettled(1, 3, 2, false));
    ck_assert(!unsettled(1, 3, 7, false)); /* nobody has changed it */
    ck_assert(!unsettled(1, 2, 3, false)); /* it was read before that change */
    ck_assert(!unsettled(2, 3, 2, false)); /* its change is settled */
    ck_assert(unsettled(2, 3, 0, true));   /* a search, and something has changed */
    ck_assert(!unsettled(3, 3, 0, true));
    open_env(environment_new()); /* as of 3, by a snapshot: nobody knows what came with it */
    ck_assert(unsettled(2, 3, 7, false));
    ck_assert(!unsettled(3, 3, 7, false));
}
END_TEST

START_TEST(test_state_asks_for_an_entrys_verdict_in_one_hop_and_obeys_it)
{
    struct draft drafts[3];
    Hsm__OutcomeStatus status[3];
    uint32_t error[3];

    open_env(environment_new());
    entry_of(cluster_record(1), NULL);
    drafts[0] = user("a", 2), drafts[1] = user("b", 3), drafts[2] = user("c", 4);
    vault.bad = 1 << 1;
    vault.batches = 0;
    entry(drafts, 3, status, error);
    ck_assert_uint_eq(vault.batches, 1);
    ck_assert_int_eq(status[0], HSM__OUTCOME_STATUS__OUTCOME_DONE);
    ck_assert_int_eq(status[1], HSM__OUTCOME_STATUS__OUTCOME_REFUSED);
    ck_assert_int_eq(error[1], ERR_FORGED);
    ck_assert_int_eq(status[2], HSM__OUTCOME_STATUS__OUTCOME_DONE);
    ck_assert(sees(2) && !sees(3) && sees(4));
}
END_TEST

START_TEST(test_state_tells_the_vault_a_new_cluster_record_before_anyone_can_see_it)
{
    open_env(environment_new());
    entry_of(cluster_record(1), NULL);
    ck_assert_uint_eq(vault.records, 1);
    ck_assert(!vault.record_was_visible);
    ck_assert_uint_eq(told, 1);
    entry_of(user("u", 2), NULL);
    ck_assert_uint_eq(vault.records, 1);
    entry_of(cluster_record(2), NULL);
    ck_assert_uint_eq(vault.records, 2);
    ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(test_state_that_comes_with_a_cluster_record_tells_the_vault_first)
{
    MDB_env *env = environment_new();
    MDB_txn *txn;
    struct store store;
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    MDB_val k = {8, key}, v = {6, (void *)(uintptr_t)"record"};

    ck_assert_int_eq(store_open(env, &store), ERR_OK);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_put(txn, store.records, &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    open_env(env);
    ck_assert_uint_eq(vault.records, 1);
    ck_assert(!vault.record_was_visible);
    ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(test_state_that_is_swapped_leaves_its_readers_what_they_read)
{
    struct state_reader old;
    const uint8_t *bytes;
    size_t n;

    open_env(environment_new());
    entry_of(cluster_record(1), NULL);
    ck_assert_int_eq(state_read(s, &old), ERR_OK);
    open_env(environment_new());
    ck_assert(!sees(1));
    ck_assert_int_eq(store_get(old.store, old.txn, 1, &bytes, &n), ERR_OK);
    ck_assert_uint_gt(n, 0);
    state_read_end(&old);
}
END_TEST

START_TEST(test_state_splits_a_batch_that_no_frame_to_the_vault_could_hold)
{
    static uint8_t big[REPLICA_COMMAND_BYTES_MAX];
    struct replica_command commands[10];

    open_env(environment_new());
    for (size_t i = 0; i < 10; i++)
        commands[i] = (struct replica_command){big, sizeof big};
    state_callbacks.begin(s, ++next_index, 1, commands, 10);
    state_callbacks.end(s, next_index);
    ck_assert_uint_eq(vault.batches, 2);
    ck_assert_uint_eq(vault.commands, 10);
}
END_TEST

START_TEST(test_state_without_a_verdict_ends_the_process)
{
    open_env(environment_new());
    vault.is_silent = true;
    entry_of(cluster_record(1), NULL);
}
END_TEST

START_TEST(test_state_with_a_dead_vault_ends_the_process)
{
    open_env(environment_new());
    fake_vault_free(fake);
    fake = NULL;
    entry_of(cluster_record(1), NULL);
}
END_TEST

START_TEST(test_state_whose_cluster_record_the_vault_refuses_ends_the_process)
{
    open_env(environment_new());
    vault.refuses_record = true;
    entry_of(cluster_record(1), NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("state");
    TCase *tc = tcase_create("state");
    tcase_add_unchecked_fixture(tc, make_folder, remove_folder);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_state_before_the_replica_opened_one_cannot_be_read);
    tcase_add_test(tc, test_state_shows_an_entry_when_it_has_ended);
    tcase_add_test(tc, test_state_knows_which_answers_rest_on_what_is_not_settled);
    tcase_add_test(tc, test_state_asks_for_an_entrys_verdict_in_one_hop_and_obeys_it);
    tcase_add_test(tc, test_state_tells_the_vault_a_new_cluster_record_before_anyone_can_see_it);
    tcase_add_test(tc, test_state_that_comes_with_a_cluster_record_tells_the_vault_first);
    tcase_add_test(tc, test_state_that_is_swapped_leaves_its_readers_what_they_read);
    tcase_add_test(tc, test_state_splits_a_batch_that_no_frame_to_the_vault_could_hold);
    if (getenv("CK_FORK") == NULL || strcmp(getenv("CK_FORK"), "no") != 0) {
        tcase_add_exit_test(tc, test_state_without_a_verdict_ends_the_process, EXIT_FAIL_STOP);
        tcase_add_exit_test(tc, test_state_with_a_dead_vault_ends_the_process, EXIT_FAIL_STOP);
        tcase_add_exit_test(tc, test_state_whose_cluster_record_the_vault_refuses_ends_the_process, EXIT_FAIL_STOP);
    }
    suite_add_tcase(suite, tc);
    return suite;
}
