/* The state machine: every rule of daemon/store/apply.h as a claim. */
#include "daemon/store/apply.h"

#include <stdio.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/draft.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

static char *folder;
static MDB_env *env;
static struct store store;
static uint64_t entry;

static void open_store(void)
{
    folder = temp_folder_new("apply");
    ck_assert_int_eq(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 8);
    mdb_env_set_mapsize(env, (size_t)256 << 20);
    ck_assert_int_eq(mdb_env_open(env, folder, MDB_NOTLS | MDB_NOSYNC, 0600), 0);
    ck_assert_int_eq(store_open(env, &store), ERR_OK);
    entry = 0;
}

static void close_store(void)
{
    mdb_env_close(env);
    temp_folder_free(folder);
}

/* One entry with one command. */
static Hsm__Outcome apply_bytes(const uint8_t *packed, size_t n, bool good)
{
    Hsm__Outcome out;
    struct apply a;
    ck_assert_int_eq(apply_begin(&a, &store, ++entry), ERR_OK);
    apply_time(&a, 1000 + entry);
    ck_assert_int_eq(apply_command(&a, packed, n, good, &out), ERR_OK);
    ck_assert_int_eq(apply_end(&a), ERR_OK);
    out.result = (ProtobufCBinaryData){0}; /* borrowed from a transaction that is over */
    return out;
}

static Hsm__Outcome apply_draft(const struct draft *d)
{
    uint8_t packed[8192];
    return apply_bytes(packed, draft_pack(d, packed), !d->bad_mac);
}

static void expect(const struct draft *d, Hsm__OutcomeStatus status, enum err error)
{
    Hsm__Outcome out = apply_draft(d);
    ck_assert_int_eq(out.status, status);
    ck_assert_str_eq(err_name(err_from_wire(out.error)), err_name(error));
}

#define DONE HSM__OUTCOME_STATUS__OUTCOME_DONE
#define REPEATED HSM__OUTCOME_STATUS__OUTCOME_REPEATED
#define CONFLICT HSM__OUTCOME_STATUS__OUTCOME_CONFLICT
#define REFUSED HSM__OUTCOME_STATUS__OUTCOME_REFUSED
#define TOO_OLD HSM__OUTCOME_STATUS__OUTCOME_TOO_OLD
#define OBJECT HSM__RECORD_KIND__RECORD_OBJECT
#define USER HSM__RECORD_KIND__RECORD_USER

static const char token_a[] = "token-aaaaaaaaaa";
static const char token_b[] = "token-bbbbbbbbbb";

/* A claimed cluster with 4096 ids leased (2 to 4097) and a user, id 2. */
static void setup(void)
{
    struct draft claim = {0}, user;
    open_store();
    claim = draft_new(entry, "claim");
    claim.lease = ID_BLOCK;
    draft_put(&claim, 1, 1, HSM__RECORD_KIND__RECORD_CLUSTER, 0, NULL);
    expect(&claim, DONE, ERR_OK);
    user = draft_new(entry, "user");
    draft_put(&user, 2, 1, USER, 0, NULL);
    expect(&user, DONE, ERR_OK);
}

static void put_key(uint64_t id, const char *name, const char *token)
{
    struct draft d = draft_new(entry, name);
    draft_put(&d, id, 1, OBJECT, 2, token);
    expect(&d, DONE, ERR_OK);
}

static size_t find(const char *token, uint64_t after, uint64_t *ids, size_t limit, bool *more)
{
    MDB_txn *txn;
    size_t n;
    ck_assert_int_eq(store_read(&store, &txn), ERR_OK);
    ck_assert_int_eq(store_find(&store, txn, (const uint8_t *)token, after, ids, limit, &n, more), ERR_OK);
    mdb_txn_abort(txn);
    return n;
}

static enum err look(uint64_t id)
{
    const uint8_t *bytes;
    size_t n;
    MDB_txn *txn;
    enum err e;
    ck_assert_int_eq(store_read(&store, &txn), ERR_OK);
    e = store_get(&store, txn, id, &bytes, &n);
    mdb_txn_abort(txn);
    return e;
}

static struct store_state state(void)
{
    struct store_state st;
    MDB_txn *txn;
    ck_assert_int_eq(store_read(&store, &txn), ERR_OK);
    ck_assert_int_eq(store_state(&store, txn, &st), ERR_OK);
    mdb_txn_abort(txn);
    return st;
}

START_TEST(test_created_record_is_found_by_id_and_token)
{
    uint64_t ids[4];
    bool more;
    setup();
    put_key(10, "key", token_a);
    ck_assert_int_eq(look(10), ERR_OK);
    ck_assert_uint_eq(find(token_a, 0, ids, 4, &more), 1);
    ck_assert_uint_eq(ids[0], 10);
    ck_assert(!more);
    ck_assert_uint_eq(find(token_b, 0, ids, 4, &more), 0);
    close_store();
}
END_TEST

START_TEST(test_find_goes_on_after_its_cursor)
{
    uint64_t ids[2];
    bool more;
    setup();
    for (uint64_t id = 10; id < 15; id++) {
        char name[16];
        snprintf(name, sizeof name, "key%d", (int)id);
        put_key(id, name, token_a);
    }
    ck_assert_uint_eq(find(token_a, 0, ids, 2, &more), 2);
    ck_assert(more);
    ck_assert_uint_eq(find(token_a, 11, ids, 2, &more), 2);
    ck_assert_uint_eq(ids[0], 12);
    ck_assert(more);
    ck_assert_uint_eq(find(token_a, 13, ids, 2, &more), 1);
    ck_assert(!more);
    ck_assert_uint_eq(find(token_a, UINT64_MAX, ids, 2, &more), 0);
    close_store();
}
END_TEST

START_TEST(test_new_version_moves_its_tokens)
{
    uint64_t ids[2];
    bool more;
    struct draft d;
    setup();
    put_key(10, "key", token_a);
    d = draft_new(entry, "rename");
    draft_put(&d, 10, 2, OBJECT, 2, token_b);
    expect(&d, DONE, ERR_OK);
    ck_assert_uint_eq(find(token_a, 0, ids, 2, &more), 0);
    ck_assert_uint_eq(find(token_b, 0, ids, 2, &more), 1);
    close_store();
}
END_TEST

START_TEST(test_repeated_request_changes_nothing_and_says_so)
{
    struct draft d;
    setup();
    d = draft_new(entry, "lease");
    d.lease = 100;
    ck_assert_uint_eq(apply_draft(&d).ids_first, 4098);
    {
        Hsm__Outcome again = apply_draft(&d);
        ck_assert_int_eq(again.status, REPEATED);
        ck_assert_uint_eq(again.ids_first, 4098);
        ck_assert_uint_eq(again.index, entry - 1);
    }
    ck_assert_uint_eq(state().next_id, 4198);
    close_store();
}
END_TEST

START_TEST(test_request_id_of_another_request_is_refused)
{
    struct draft d;
    setup();
    put_key(10, "key", NULL);
    d = draft_new(entry, "key");
    d.digest[0] ^= 1;
    expect(&d, REFUSED, ERR_FORGED);
    close_store();
}
END_TEST

START_TEST(test_command_without_a_good_mac_changes_nothing)
{
    struct draft d;
    setup();
    d = draft_new(entry, "forged");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    d.bad_mac = true;
    expect(&d, REFUSED, ERR_FORGED);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    close_store();
}
END_TEST

START_TEST(test_version_other_than_the_next_is_a_conflict)
{
    struct draft d;
    setup();
    put_key(10, "key", NULL);
    for (uint64_t version = 1; version < 4; version += 2) {
        d = draft_new(entry, version == 1 ? "again" : "skip");
        draft_put(&d, 10, version, OBJECT, 2, NULL);
        expect(&d, CONFLICT, ERR_CONFLICT);
    }
    close_store();
}
END_TEST

START_TEST(test_precondition_that_fails_changes_nothing)
{
    struct draft d;
    setup();
    d = draft_new(entry, "stale");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    d.pre[0][0] = 2;
    d.pre[0][1] = 7;
    d.n_pre = 1;
    expect(&d, CONFLICT, ERR_CONFLICT);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    d = draft_new(entry, "absent");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    d.pre[0][0] = 10; /* version 0: must not exist */
    d.n_pre = 1;
    expect(&d, DONE, ERR_OK);
    close_store();
}
END_TEST

START_TEST(test_conflict_is_not_remembered)
{
    struct draft d;
    setup();
    d = draft_new(entry, "twice");
    draft_put(&d, 10, 2, OBJECT, 2, NULL);
    expect(&d, CONFLICT, ERR_CONFLICT);
    d.put[0].version = 1;
    expect(&d, DONE, ERR_OK);
    close_store();
}
END_TEST

START_TEST(test_id_that_nobody_leased_is_refused)
{
    struct draft d;
    setup();
    d = draft_new(entry, "far");
    draft_put(&d, 4098, 1, OBJECT, 2, NULL);
    expect(&d, REFUSED, ERR_MALFORMED);
    close_store();
}
END_TEST

START_TEST(test_erase_needs_the_version_it_decided_by)
{
    struct draft d;
    setup();
    put_key(10, "key", token_a);
    d = draft_new(entry, "blind");
    d.erase[0] = 10;
    d.n_erase = 1;
    expect(&d, REFUSED, ERR_MALFORMED);
    d = draft_new(entry, "seeing");
    d.erase[0] = d.pre[0][0] = 10;
    d.pre[0][1] = 1;
    d.n_erase = d.n_pre = 1;
    expect(&d, DONE, ERR_OK);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    {
        uint64_t ids[1];
        bool more;
        ck_assert_uint_eq(find(token_a, 0, ids, 1, &more), 0);
    }
    close_store();
}
END_TEST

START_TEST(test_id_of_an_erased_record_is_not_taken_again)
{
    struct draft d, again;
    setup();
    put_key(10, "key", token_a);
    d = draft_new(entry, "erase");
    d.erase[0] = d.pre[0][0] = 10;
    d.pre[0][1] = 1;
    d.n_erase = d.n_pre = 1;
    expect(&d, DONE, ERR_OK);
    again = draft_new(entry, "again");
    draft_put(&again, 10, 1, OBJECT, 2, token_a);
    expect(&again, REFUSED, ERR_STALE);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    put_key(11, "neighbour", token_a);
    close_store();
}
END_TEST

START_TEST(test_user_who_owns_keys_is_not_erased)
{
    struct draft d;
    setup();
    put_key(10, "key", NULL);
    d = draft_new(entry, "bye");
    d.erase[0] = d.pre[0][0] = 2;
    d.pre[0][1] = 1;
    d.n_erase = d.n_pre = 1;
    expect(&d, REFUSED, ERR_USER_OWNS_KEYS);
    ck_assert_int_eq(look(2), ERR_OK);
    close_store();
}
END_TEST

START_TEST(test_key_for_a_user_who_is_gone_is_a_conflict)
{
    struct draft d;
    setup();
    d = draft_new(entry, "orphan");
    draft_put(&d, 10, 1, OBJECT, 77, NULL);
    expect(&d, CONFLICT, ERR_CONFLICT);
    close_store();
}
END_TEST

START_TEST(test_owner_and_kind_never_change)
{
    struct draft d;
    setup();
    put_key(10, "key", NULL);
    d = draft_new(entry, "steal");
    draft_put(&d, 10, 2, OBJECT, 3, NULL);
    expect(&d, REFUSED, ERR_MALFORMED);
    d = draft_new(entry, "become");
    draft_put(&d, 10, 2, USER, 2, NULL);
    expect(&d, REFUSED, ERR_MALFORMED);
    close_store();
}
END_TEST

START_TEST(test_cluster_record_is_never_erased)
{
    struct draft d;
    setup();
    d = draft_new(entry, "wipe");
    d.erase[0] = d.pre[0][0] = 1;
    d.pre[0][1] = 1;
    d.n_erase = d.n_pre = 1;
    expect(&d, REFUSED, ERR_MALFORMED);
    close_store();
}
END_TEST

START_TEST(test_command_of_another_cluster_is_refused)
{
    static const uint8_t other[16] = "another-cluster";
    struct draft d;
    setup();
    d = draft_new(entry, "foreign");
    d.cluster = other;
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    expect(&d, REFUSED, ERR_FORGED);
    close_store();
}
END_TEST

START_TEST(test_state_without_a_cluster_takes_the_cluster_record_only)
{
    struct draft d;
    open_store();
    d = draft_new(entry, "early");
    d.lease = 10;
    expect(&d, REFUSED, ERR_FORGED);
    ck_assert(!state().claimed);
    close_store();
}
END_TEST

START_TEST(test_one_bad_change_undoes_its_command)
{
    struct draft d;
    setup();
    d = draft_new(entry, "half");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    draft_put(&d, 4098, 1, OBJECT, 2, NULL);
    expect(&d, REFUSED, ERR_MALFORMED);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    close_store();
}
END_TEST

START_TEST(test_one_id_twice_in_a_command_is_refused)
{
    struct draft d;
    setup();
    d = draft_new(entry, "double");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    expect(&d, REFUSED, ERR_MALFORMED);
    close_store();
}
END_TEST

START_TEST(test_full_ring_forgets_the_oldest_and_refuses_what_was_born_before)
{
    uint8_t packed[8192];
    struct draft d;
    struct apply a;
    Hsm__Outcome out;
    setup();
    ck_assert_int_eq(apply_begin(&a, &store, ++entry), ERR_OK);
    for (uint32_t i = 0; i < RING_MUTATIONS; i++) {
        char name[16];
        snprintf(name, sizeof name, "fill%u", i);
        d = draft_new(entry, name);
        ck_assert_int_eq(apply_command(&a, packed, draft_pack(&d, packed), true, &out), ERR_OK);
        ck_assert_int_eq(out.status, DONE);
    }
    ck_assert_int_eq(apply_end(&a), ERR_OK);
    ck_assert_uint_eq(state().ring_next - state().ring_first, RING_MUTATIONS);
    ck_assert_uint_eq(state().ring_floor, 2); /* claim and user are forgotten */
    d = draft_new(entry, "user"); /* a replay: its id is forgotten, but its birth is not */
    d.born = 1;
    draft_put(&d, 3, 1, USER, 0, NULL);
    expect(&d, TOO_OLD, ERR_BORN_TOO_OLD);
    d = draft_new(entry, "fresh");
    draft_put(&d, 3, 1, USER, 0, NULL);
    expect(&d, DONE, ERR_OK);
    close_store();
}
END_TEST

START_TEST(test_entries_must_come_in_order)
{
    struct apply a;
    setup();
    ck_assert_int_eq(apply_begin(&a, &store, entry), ERR_BUG);
    ck_assert_int_eq(apply_begin(&a, &store, entry + 3), ERR_OK); /* the log's own entries are not ours */
    apply_abort(&a);
    ck_assert_uint_eq(state().applied, entry);
    close_store();
}
END_TEST

START_TEST(test_hostile_bytes_change_nothing)
{
    uint8_t packed[8192], bent[8192];
    struct draft d;
    size_t n;
    uint32_t x = 99;
    struct store_state before;
    setup();
    d = draft_new(entry, "victim");
    draft_put(&d, 10, 1, OBJECT, 2, token_a);
    d.pre[0][0] = 2;
    d.pre[0][1] = 9; /* never holds, so that no bent command may succeed by luck */
    d.n_pre = 1;
    n = draft_pack(&d, packed);
    before = state();
    for (unsigned round = 0; round < 5000; round++) {
        Hsm__Outcome out;
        size_t cut = round % 3 == 0 ? round % n : n;
        memcpy(bent, packed, n);
        x = x * 1664525u + 1013904223u;
        bent[(x >> 8) % n] ^= (uint8_t)(1u << (x >> 28) % 8);
        out = apply_bytes(bent, cut, false);
        ck_assert_int_eq(out.status, REFUSED);
    }
    ck_assert_uint_eq(state().ring_next, before.ring_next);
    ck_assert_uint_eq(state().next_id, before.next_id);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    close_store();
}
END_TEST

START_TEST(test_user_is_not_erased_by_the_command_that_gives_them_a_key)
{
    struct draft d;
    setup();
    d = draft_new(entry, "both");
    draft_put(&d, 10, 1, OBJECT, 2, NULL);
    d.erase[0] = d.pre[0][0] = 2;
    d.pre[0][1] = 1;
    d.n_erase = d.n_pre = 1;
    expect(&d, REFUSED, ERR_USER_OWNS_KEYS);
    ck_assert_int_eq(look(2), ERR_OK);
    ck_assert_int_eq(look(10), ERR_NOT_FOUND);
    close_store();
}
END_TEST

START_TEST(test_bent_commands_with_a_good_mac_never_crash_apply)
{
    uint8_t packed[8192], bent[8192];
    uint32_t x = 7;
    setup();
    put_key(10, "key", token_a);
    for (unsigned round = 0; round < 5000; round++) {
        struct draft d = draft_new(entry, "bent");
        size_t n;
        Hsm__Outcome out;
        memcpy(d.request_id + 8, &round, sizeof round);
        draft_put(&d, 10 + round % 3, 1 + round % 2, OBJECT, 2, token_b);
        n = draft_pack(&d, packed);
        memcpy(bent, packed, n);
        x = x * 1664525u + 1013904223u;
        bent[(x >> 8) % n] ^= (uint8_t)(1u << (x >> 28) % 8);
        out = apply_bytes(bent, n, true);
        ck_assert_int_ne(out.status, HSM__OUTCOME_STATUS__OUTCOME_NONE);
    }
    ck_assert_int_eq(look(1), ERR_OK);
    ck_assert_int_eq(look(2), ERR_OK);
    close_store();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_created_record_is_found_by_id_and_token, &test_find_goes_on_after_its_cursor,
        &test_new_version_moves_its_tokens, &test_repeated_request_changes_nothing_and_says_so,
        &test_request_id_of_another_request_is_refused, &test_command_without_a_good_mac_changes_nothing,
        &test_version_other_than_the_next_is_a_conflict, &test_precondition_that_fails_changes_nothing,
        &test_conflict_is_not_remembered, &test_id_that_nobody_leased_is_refused, &test_erase_needs_the_version_it_decided_by,
        &test_id_of_an_erased_record_is_not_taken_again,
        &test_user_who_owns_keys_is_not_erased, &test_key_for_a_user_who_is_gone_is_a_conflict, &test_owner_and_kind_never_change,
        &test_cluster_record_is_never_erased, &test_command_of_another_cluster_is_refused,
        &test_state_without_a_cluster_takes_the_cluster_record_only, &test_one_bad_change_undoes_its_command,
        &test_one_id_twice_in_a_command_is_refused, &test_full_ring_forgets_the_oldest_and_refuses_what_was_born_before,
        &test_entries_must_come_in_order, &test_hostile_bytes_change_nothing,
        &test_user_is_not_erased_by_the_command_that_gives_them_a_key,
        &test_bent_commands_with_a_good_mac_never_crash_apply, NULL};
    return suite_of("apply", 60, tests);
}
