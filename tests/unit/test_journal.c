#include "daemon/replica/journal.h"
#include "daemon/replica/members.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAP_BYTES = 16 << 20 };

static char folder[256];
static struct journal *journal;

static struct record *members_of_one(void)
{
    struct members m = {0};
    members_add(&m, 1, "one", MEMBER_VOTER);
    return members_encode(&m, 1);
}

static void fresh(void)
{
    struct record *first = members_of_one();
    snprintf(folder, sizeof folder, "%s", temp_folder_of_test("journal"));
    journal = journal_open(folder, MAP_BYTES, NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert(journal_found(journal, 1, first, NULL));
    record_unref(first);
}

static void append(uint64_t first, uint64_t term, size_t n)
{
    struct run run;
    const struct run *runs[] = {&run};
    size_t i;
    char text[32];

    run_init(&run, first);
    for (i = 0; i < n; i++) {
        snprintf(text, sizeof text, "entry %zu of term %d", i, (int)term);
        run_push(&run, record_new(term, RECORD_COMMAND, text, strlen(text)));
    }
    ck_assert(journal_save_vote(journal, term, 1, NULL));
    ck_assert(journal_append(journal, runs, 1, NULL));
    run_clear(&run);
}

static void check_log(uint64_t first, uint64_t last, uint64_t last_term)
{
    struct journal_content c;
    struct diag why = {0};
    ck_assert_msg(journal_load(journal, &c, &why), "%s", why.what);
    ck_assert_uint_eq(c.log.first, first);
    ck_assert_uint_eq(run_last(&c.log), last);
    ck_assert_uint_eq(c.log.rec[c.log.n - 1]->term, last_term);
    journal_content_clear(&c);
}

START_TEST(test_journal_keeps_entries_votes_and_boots_over_a_reopen)
{
    struct journal_content c;
    uint64_t boot = 0;
    fresh();
    append(2, 3, 10);
    ck_assert(journal_count_boot(journal, &boot, NULL));
    ck_assert(journal_count_boot(journal, &boot, NULL));
    ck_assert_uint_eq(boot, 2);
    journal_close(journal);
    ck_assert(journal_verify(folder, MAP_BYTES, NULL));
    journal = journal_open(folder, MAP_BYTES, NULL);
    ck_assert(journal_load(journal, &c, NULL));
    ck_assert_uint_eq(c.node, 1);
    ck_assert_uint_eq(c.term, 3);
    ck_assert_uint_eq(c.vote, 1);
    ck_assert_uint_eq(c.boot, 2);
    ck_assert_uint_eq(run_last(&c.log), 11);
    ck_assert_int_eq(c.log.rec[0]->kind, RECORD_MEMBERS);
    journal_content_clear(&c);
    journal_close(journal);
}
END_TEST

START_TEST(test_journal_append_replaces_everything_behind)
{
    fresh();
    append(2, 3, 10);
    append(5, 4, 1);
    check_log(1, 5, 4);
    journal_close(journal);
}
END_TEST

START_TEST(test_journal_compacts_a_prefix_and_installs_over_all)
{
    struct record *members = members_of_one();
    struct snap *s = snap_new(6, 3, 1, members), *t = snap_new(90, 3, 1, members);
    struct journal_content c;

    fresh();
    append(2, 3, 10);
    ck_assert(journal_compact(journal, s, 4, NULL));
    check_log(5, 11, 3);
    ck_assert(journal_compact(journal, s, 4, NULL)); /* not there any more: all stay */
    check_log(5, 11, 3);
    ck_assert(journal_install(journal, t, NULL));
    ck_assert(journal_load(journal, &c, NULL));
    ck_assert_uint_eq(c.log.n, 0);
    ck_assert_uint_eq(c.log.first, 91);
    ck_assert_uint_eq(c.snap->index, 90);
    journal_content_clear(&c);
    append(91, 4, 2);
    check_log(91, 92, 4);
    snap_unref(s);
    snap_unref(t);
    record_unref(members);
    journal_close(journal);
}
END_TEST

/* Changes the stored value of a key in place, or deletes it, behind the journal's back. */
static void tamper(const char *database, MDB_val k, size_t at, bool removes)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi db;
    MDB_val v;
    uint8_t copy[512];

    ck_assert_int_eq(mdb_env_create(&env), 0);
    mdb_env_set_mapsize(env, MAP_BYTES);
    mdb_env_set_maxdbs(env, 4);
    ck_assert_int_eq(mdb_env_open(env, folder, 0, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, database, 0, &db), 0);
    ck_assert_int_eq(mdb_get(txn, db, &k, &v), 0);
    ck_assert_uint_le(v.mv_size, sizeof copy);
    memcpy(copy, v.mv_data, v.mv_size);
    v.mv_data = copy;
    copy[at % v.mv_size] ^= 1;
    ck_assert_int_eq(removes ? mdb_del(txn, db, &k, NULL) : mdb_put(txn, db, &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void must_be_found(void)
{
    struct diag why = {0};
    ck_assert(!journal_verify(folder, MAP_BYTES, &why));
    ck_assert_str_ne(why.what, "");
    ck_assert_str_ne(why.remedy, "");
}

START_TEST(test_journal_finds_every_flipped_byte_of_a_record)
{
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 5};
    MDB_val k = {8, key};
    size_t at;

    fresh();
    append(2, 3, 10);
    journal_close(journal);
    for (at = 0; at < 31; at++) {
        tamper("log", k, at, false);
        must_be_found();
        tamper("log", k, at, false);
    }
    ck_assert(journal_verify(folder, MAP_BYTES, NULL));
}
END_TEST

START_TEST(test_journal_finds_a_hole_and_a_damaged_vote)
{
    static char vote[] = "vote";
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 5};
    MDB_val k = {8, key}, v = {4, vote};

    fresh();
    append(2, 3, 10);
    journal_close(journal);
    tamper("meta", v, 3, false);
    must_be_found();
    tamper("meta", v, 3, false);
    tamper("log", k, 0, true);
    must_be_found();
}
END_TEST

START_TEST(test_journal_cut_short_is_an_error_and_no_crash)
{
    char path[300];
    fresh();
    append(2, 3, 2000);
    journal_close(journal);
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    ck_assert_int_eq(truncate(path, 3 * 4096), 0); /* reading behind it is a SIGBUS */
    must_be_found();
}
END_TEST

START_TEST(test_journal_full_disk_is_told_and_keeps_what_was)
{
    struct run run;
    const struct run *runs[] = {&run};
    struct diag why = {0};
    static uint8_t block[1 << 20];
    int i;

    fresh();
    append(2, 3, 10);
    run_init(&run, 12);
    for (i = 0; i < 20; i++)
        run_push(&run, record_new(3, RECORD_COMMAND, block, sizeof block));
    ck_assert(!journal_append(journal, runs, 1, &why)); /* the map is as full as a disk */
    ck_assert_str_ne(why.what, "");
    run_clear(&run);
    check_log(1, 11, 3);
    journal_close(journal);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_journal_keeps_entries_votes_and_boots_over_a_reopen,
        &test_journal_append_replaces_everything_behind, &test_journal_compacts_a_prefix_and_installs_over_all,
        &test_journal_finds_every_flipped_byte_of_a_record, &test_journal_finds_a_hole_and_a_damaged_vote,
        &test_journal_cut_short_is_an_error_and_no_crash, &test_journal_full_disk_is_told_and_keeps_what_was, NULL};
    return suite_of("journal", 30, tests);
}
