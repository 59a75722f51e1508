#include "daemon/replica/replica.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3, WAIT_MS = 20000 };

/* A state machine that keeps each command under a running number, and answers with that number. */
struct node {
    struct replica *replica;
    char folder[256];
    MDB_env *env;
    MDB_dbi db;
    MDB_txn *txn;
    uint64_t count;
    int snapshots; /* how often a state came that was not empty */
};

static struct node nodes[NODES + 1];
static pthread_rwlock_t wiring = PTHREAD_RWLOCK_INITIALIZER; /* who is there, for the links */
static bool streaming; /* one snapshot at a time is enough here */

static void on_opened(void *data, MDB_env *env, uint64_t index)
{
    struct node *n = data;
    MDB_txn *txn;
    MDB_stat st;

    if (n->env != NULL)
        mdb_env_close(n->env);
    n->env = env;
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, "commands", MDB_CREATE, &n->db), 0);
    ck_assert_int_eq(mdb_stat(txn, n->db, &st), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    n->count = st.ms_entries;
    n->snapshots += index > 0;
}

static _Atomic bool is_shut; /* the vault, as it were */

static bool on_ready(void *data)
{
    (void)data;
    return !is_shut;
}

static void on_begin(void *data, uint64_t index, uint64_t leader_time_ms, const struct replica_command *commands,
                     size_t count)
{
    struct node *n = data;
    (void)index;
    ck_assert_uint_gt(leader_time_ms, 0);
    ck_assert_uint_gt(count, 0);
    ck_assert_ptr_nonnull(commands[count - 1].bytes);
    ck_assert_int_eq(mdb_txn_begin(n->env, NULL, 0, &n->txn), 0);
}

static void on_apply(void *data, size_t which, const struct replica_command *command, struct buffer *answer)
{
    struct node *n = data;
    (void)which;
    char key[32];
    MDB_val k = {(size_t)snprintf(key, sizeof key, "%010llu", (unsigned long long)++n->count), key};
    MDB_val v = {command->n, (void *)(uintptr_t)command->bytes};
    ck_assert_int_eq(mdb_put(n->txn, n->db, &k, &v, 0), 0);
    buffer_put_u64(answer, n->count);
}

static void on_end(void *data, uint64_t index)
{
    struct node *n = data;
    (void)index;
    ck_assert_int_eq(mdb_txn_commit(n->txn), 0);
}

static const struct replica_state state = {.opened = on_opened, .ready = on_ready, .begin = on_begin, .apply = on_apply, .end = on_end};

/* Links within the process: what one sends, the other receives at once. */
static void link_send(void *data, uint64_t to, const uint8_t *bytes, size_t n)
{
    const struct node *from = data;
    pthread_rwlock_rdlock(&wiring);
    if (to <= NODES && nodes[to].replica != NULL)
        replica_receive(nodes[to].replica, (uint64_t)(from - nodes), bytes, n);
    pthread_rwlock_unlock(&wiring);
}

static void link_send_snapshot(void *data, uint64_t to, const uint8_t *bytes, size_t n, const char *path)
{
    const struct node *from = data;
    char into[512], block[4096];
    FILE *in, *out;
    size_t got;

    pthread_rwlock_rdlock(&wiring);
    if (to > NODES || nodes[to].replica == NULL)
        goto out;
    replica_incoming_path(nodes[to].replica, (uint64_t)(from - nodes), into, sizeof into);
    in = fopen(path, "re");
    out = fopen(into, "we");
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    while ((got = fread(block, 1, sizeof block, in)) > 0)
        ck_assert_uint_eq(fwrite(block, 1, got, out), got);
    fclose(in);
    fclose(out);
    replica_receive_snapshot(nodes[to].replica, (uint64_t)(from - nodes), bytes, n, into);
out:
    pthread_rwlock_unlock(&wiring);
}

static bool link_sending(void *data, uint64_t to)
{
    (void)data;
    (void)to;
    return streaming;
}

static const struct replica_links links = {link_send, link_send_snapshot, link_sending};

static void node_start(uint64_t id, uint32_t snapshot_entries)
{
    struct node *n = &nodes[id];
    char address[16];
    struct diag why = {0};
    struct replica_settings set = {.folder = n->folder, .id = id, .address = address, .seed = (uint32_t)id,
        .election_timeout_ms = 200, .lease_ms = 600, .snapshot_entries = snapshot_entries,
        .state_bytes_max = 64 << 20, .log_bytes_max = 64 << 20, .state = &state, .links = &links, .data = n};

    snprintf(address, sizeof address, "node-%d", (int)id);
    struct replica *r = replica_open(&set, &why);
    pthread_rwlock_wrlock(&wiring);
    n->replica = r;
    pthread_rwlock_unlock(&wiring);
    ck_assert_msg(n->replica != NULL, "%s", why.what);
}

static void node_stop(uint64_t id)
{
    struct replica *r = nodes[id].replica;
    pthread_rwlock_wrlock(&wiring);
    nodes[id].replica = NULL;
    pthread_rwlock_unlock(&wiring);
    replica_close(r);
    mdb_env_close(nodes[id].env);
    nodes[id].env = NULL;
}

static void folders(void)
{
    const char *temp = temp_folder_of_test("replica");
    int i;
    for (i = 1; i <= NODES; i++) {
        snprintf(nodes[i].folder, sizeof nodes[i].folder, "%s/%d", temp, i);
        ck_assert_int_eq(mkdir(nodes[i].folder, 0700), 0);
    }
    ck_assert(replica_create(nodes[1].folder, 1, "node-1", NULL));
}

/* A call that waits. */
struct call {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over;
    enum replica_outcome outcome;
    uint64_t index, answer;
};

static void on_done(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n)
{
    struct call *c = arg;
    struct cursor in;
    pthread_mutex_lock(&c->lock);
    c->outcome = outcome;
    c->index = index;
    cursor_init(&in, answer, n);
    c->answer = n == 8 ? cursor_u64(&in) : 0;
    c->is_over = true;
    pthread_cond_signal(&c->ended);
    pthread_mutex_unlock(&c->lock);
}

static enum replica_outcome wait_for(struct call *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->is_over)
        pthread_cond_wait(&c->ended, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return c->outcome;
}

#define CALL_INIT {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER}

static enum replica_outcome propose(uint64_t id, const char *text, uint64_t *answer)
{
    struct call c = CALL_INIT;
    replica_propose(nodes[id].replica, (const uint8_t *)text, strlen(text), on_done, &c);
    wait_for(&c);
    if (answer != NULL)
        *answer = c.answer;
    return c.outcome;
}

/* Asks until it is done: a fresh leader or a change under way says "busy". */
static void must_propose(uint64_t id, const char *text)
{
    int i;
    for (i = 0; i < WAIT_MS / 10 && propose(id, text, NULL) != REPLICA_DONE; i++)
        usleep(10000);
    ck_assert_int_lt(i, WAIT_MS / 10);
}

static void must_change(void (*change)(struct replica *, uint64_t, replica_done, void *), uint64_t on, uint64_t id)
{
    int i;
    for (i = 0; i < WAIT_MS / 10; i++) {
        struct call c = CALL_INIT;
        change(nodes[on].replica, id, on_done, &c);
        if (wait_for(&c) == REPLICA_DONE)
            return;
        usleep(10000);
    }
    ck_abort_msg("a change of members did not end");
}

static void add(struct replica *r, uint64_t id, replica_done done, void *arg)
{
    char address[16];
    snprintf(address, sizeof address, "node-%d", (int)id);
    replica_add(r, id, address, done, arg);
}

static void wait_leader(uint64_t id)
{
    int i;
    for (i = 0; i < WAIT_MS / 10 && !(replica_is_leader(nodes[id].replica) && replica_may_serve(nodes[id].replica)); i++)
        usleep(10000);
    ck_assert_int_lt(i, WAIT_MS / 10);
}

static void wait_applied(uint64_t id, uint64_t index)
{
    int i;
    for (i = 0; i < WAIT_MS / 10 && replica_applied(nodes[id].replica) < index; i++)
        usleep(10000);
    ck_assert_int_lt(i, WAIT_MS / 10);
}

START_TEST(test_replica_of_one_keeps_what_it_acknowledged_over_restarts)
{
    uint64_t answer = 0;
    char text[32];
    int i, round;

    folders();
    for (round = 0; round < 3; round++) {
        node_start(1, 40);
        wait_leader(1);
        for (i = 0; i < 50; i++) {
            snprintf(text, sizeof text, "command %d", i);
            ck_assert_int_eq(propose(1, text, &answer), REPLICA_DONE);
            ck_assert_uint_eq(answer, (uint64_t)(round * 50 + i + 1));
        }
        node_stop(1);
    }
    ck_assert_int_gt(nodes[1].snapshots, 0);
}
END_TEST

/* Runs until it is killed; says on the pipe what was acknowledged. */
static void propose_for_ever(int fd) __attribute__((noreturn));
static void propose_for_ever(int fd)
{
    uint64_t answer;
    node_start(1, 50);
    wait_leader(1);
    for (;;)
        if (propose(1, "again", &answer) == REPLICA_DONE && write(fd, &answer, sizeof answer) != sizeof answer)
            _exit(1);
}

START_TEST(test_replica_killed_at_any_moment_has_what_it_acknowledged)
{
    uint64_t acked = 0, answer;
    int round, fd[2];

    folders();
    for (round = 0; round < 12; round++) {
        struct timespec t = {0, 60000000 + 13000000 * round};
        pid_t pid;
        ck_assert_int_eq(pipe(fd), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            propose_for_ever(fd[1]);
        close(fd[1]);
        /* The first answer of a new life counts everything that was ever applied. */
        ck_assert_int_eq(read(fd[0], &answer, sizeof answer), sizeof answer);
        ck_assert_uint_gt(answer, acked);
        acked = answer;
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
        while (read(fd[0], &answer, sizeof answer) == sizeof answer) {
            ck_assert_uint_eq(answer, acked + 1);
            acked = answer;
        }
        close(fd[0]);
        waitpid(pid, NULL, 0);
    }
    ck_assert_uint_gt(acked, 100);
}
END_TEST

START_TEST(test_replica_refuses_a_second_cluster_in_the_same_folder)
{
    struct diag why = {0};
    folders();
    ck_assert(!replica_create(nodes[1].folder, 2, "other", &why));
    ck_assert_str_ne(why.remedy, "");
}
END_TEST

START_TEST(test_replica_without_a_log_is_no_leader_and_serves_nothing)
{
    folders();
    node_start(2, 1000);
    usleep(600000);
    ck_assert_int_eq(propose(2, "x", NULL), REPLICA_NOT_LEADER);
    ck_assert(!replica_may_serve(nodes[2].replica));
    node_stop(2);
}
END_TEST

START_TEST(test_replica_applies_nothing_while_the_state_is_not_ready)
{
    struct call c = CALL_INIT;
    struct replica_status status;

    folders();
    node_start(1, 1000);
    wait_leader(1);
    must_propose(1, "open");
    is_shut = true;
    replica_propose(nodes[1].replica, (const uint8_t *)"x", 1, on_done, &c);
    usleep(300000);
    replica_status(nodes[1].replica, &status);
    ck_assert_uint_gt(status.commit, status.applied);
    pthread_mutex_lock(&c.lock);
    ck_assert(!c.is_over);
    pthread_mutex_unlock(&c.lock);
    is_shut = false;
    ck_assert_int_eq(wait_for(&c), REPLICA_DONE);
    node_stop(1);
}
END_TEST

START_TEST(test_replica_grows_from_one_to_three_by_snapshot_and_loses_its_leader)
{
    struct replica_status status;
    uint64_t leader = 1;
    int i;

    folders();
    for (i = 1; i <= NODES; i++)
        node_start((uint64_t)i, 30);
    wait_leader(1);
    for (i = 0; i < 100; i++)
        must_propose(1, "before");
    must_change(add, 1, 2);
    must_change(add, 1, 3);
    replica_status(nodes[1].replica, &status);
    ck_assert_uint_eq(status.members.n, 3);
    ck_assert_uint_eq(members_count(&status.members, MEMBER_VOTER), 3);
    ck_assert_int_gt(nodes[2].snapshots, 0);

    must_change(replica_transfer, 1, 2);
    wait_leader(2);
    must_propose(2, "after the transfer");
    node_stop(2);
    for (i = 0; i < WAIT_MS / 10 && leader != 0; i++, usleep(10000))
        if (replica_is_leader(nodes[1].replica) || replica_is_leader(nodes[3].replica))
            break;
    leader = replica_is_leader(nodes[1].replica) ? 1 : 3;
    must_propose(leader, "without the second");
    replica_status(nodes[leader].replica, &status);
    node_start(2, 30);
    wait_applied(2, status.applied);
    must_change(replica_remove, leader, 2);
    must_propose(leader, "by two");
    for (i = 1; i <= NODES; i++)
        node_stop((uint64_t)i);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_replica_of_one_keeps_what_it_acknowledged_over_restarts,
        &test_replica_killed_at_any_moment_has_what_it_acknowledged,
        &test_replica_refuses_a_second_cluster_in_the_same_folder,
        &test_replica_without_a_log_is_no_leader_and_serves_nothing,
        &test_replica_applies_nothing_while_the_state_is_not_ready,
        &test_replica_grows_from_one_to_three_by_snapshot_and_loses_its_leader, NULL};
    return suite_of("replica", 60, tests);
}
