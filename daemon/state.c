/*
 * An entry, on the replica's thread:
 *
 *   begin   the vault's verdict on all commands in one hop; the entry's write transaction opens
 *   apply   each command, in order
 *   end     has the cluster record changed? the vault is told, and answers, while nobody can see the change yet; commit
 *
 * So there is no moment in which a request is decided by a newer cluster record than the vault knows of.
 */
#include "daemon/state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/store/apply.h"
#include "daemon/vault_check.h"
#include "proto/record_id.h"

enum { ANSWER_MS_MAX = 20000, EXIT_FAIL_STOP = 70, RECENT_MAX = 4096 };

/* An environment and who still reads it. */
struct hold {
    struct state *state;
    struct store store;
    unsigned holders; /* readers, and the state itself while it is the current one */
};

/* What was changed lately. An entry is settled within milliseconds, or when a lease has run out. */
struct recent {
    struct {
        uint64_t index, id;
    } rows[RECENT_MAX];
    size_t next, n;
    uint64_t forgotten; /* an entry up to here may be missing */
};

struct state {
    struct state_setup setup;
    pthread_mutex_t lock; /* guards `current`, every hold's count, and `recent`; held for a few instructions, or a walk over it */
    struct hold *current;
    struct recent recent;
    /* Replica's thread alone: */
    struct vault_check check;
    struct apply apply;
    bool good[REPLICA_BATCH_COMMANDS_MAX];
    struct buffer told; /* the cluster record that the vault knows */
};

static void fail(const char *what, enum err e) __attribute__((noreturn));
static void fail(const char *what, enum err e)
{
    log_error("state_stopped", "what=\"%s\" why=\"%s\"", what, err_text(e));
    _exit(EXIT_FAIL_STOP);
}

static void must(enum err e, const char *what)
{
    if (e != ERR_OK)
        fail(what, e);
}

static void hold_end(struct hold *h)
{
    bool last;

    pthread_mutex_lock(&h->state->lock);
    last = --h->holders == 0;
    pthread_mutex_unlock(&h->state->lock);
    if (!last)
        return;
    mdb_env_close(h->store.env);
    free(h);
}

/* True: it is another record than before, and the vault has taken it. */
static bool tell_cluster_record(struct state *s, const struct store *store, MDB_txn *txn)
{
    const uint8_t *record;
    size_t n;
    enum err e = store_get(store, txn, CLUSTER_RECORD_ID, &record, &n);

    if (e == ERR_NOT_FOUND)
        return false;
    must(e, "the cluster record cannot be read");
    if (n == s->told.len && memcmp(record, s->told.data, n) == 0)
        return false;
    must(vault_check_cluster_record(&s->check, record, n), "the vault does not take the cluster record");
    buffer_reset(&s->told);
    if (!buffer_put(&s->told, record, n))
        fail("the cluster record cannot be kept", ERR_NO_MEMORY);
    return true;
}

static void tell_above(struct state *s, bool changed)
{
    if (changed && s->setup.cluster_record != NULL)
        s->setup.cluster_record(s->setup.arg);
}

static void on_opened(void *data, MDB_env *env, uint64_t index)
{
    struct state *s = data;
    struct hold *h = calloc(1, sizeof *h), *was;
    MDB_txn *txn;
    bool changed;

    if (h == NULL)
        fail("the state cannot be opened", ERR_NO_MEMORY);
    h->state = s;
    h->holders = 1;
    must(store_open(env, &h->store), "the state cannot be opened");
    must(store_read(&h->store, &txn), "the state cannot be read");
    changed = tell_cluster_record(s, &h->store, txn);
    mdb_txn_abort(txn);
    pthread_mutex_lock(&s->lock);
    was = s->current;
    s->current = h;
    s->recent.n = s->recent.next = 0;
    s->recent.forgotten = index; /* what it brought was not told one by one */
    pthread_mutex_unlock(&s->lock);
    if (was != NULL)
        hold_end(was);
    log_debug("state_opened", "index=%llu", (unsigned long long)index);
    tell_above(s, changed);
}

static bool on_ready(void *data)
{
    struct state *s = data;
    return s->setup.ready == NULL || s->setup.ready(s->setup.arg);
}

static void on_changed(void *arg, uint64_t id)
{
    struct state *s = arg;
    struct recent *r = &s->recent;

    pthread_mutex_lock(&s->lock);
    if (r->n == RECENT_MAX)
        r->forgotten = r->rows[r->next].index;
    else
        r->n++;
    r->rows[r->next].index = s->apply.state.applied;
    r->rows[r->next].id = id;
    r->next = (r->next + 1) % RECENT_MAX;
    pthread_mutex_unlock(&s->lock);
}

static bool concerns(const struct state_basis *basis, uint64_t id)
{
    for (size_t i = 0; i < basis->n; i++)
        if (basis->ids[i] == id)
            return true;
    return basis->searched;
}

bool state_is_unsettled(struct state *s, uint64_t settled, uint64_t read_at, const struct state_basis *basis)
{
    const struct recent *r = &s->recent;
    bool found;

    if (read_at <= settled)
        return false;
    pthread_mutex_lock(&s->lock);
    found = r->forgotten > settled;
    for (size_t back = 1; !found && back <= r->n; back++) { /* the newest first */
        size_t at = (r->next + RECENT_MAX - back) % RECENT_MAX;
        if (r->rows[at].index <= settled)
            break;
        found = r->rows[at].index <= read_at && concerns(basis, r->rows[at].id);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void on_begin(void *data, uint64_t index, uint64_t leader_time_ms, const struct replica_command *commands, size_t n)
{
    struct state *s = data;

    if (n > REPLICA_BATCH_COMMANDS_MAX)
        fail("an entry has more commands than the limit", ERR_BUG);
    must(vault_check_commands(&s->check, commands, n, s->good), "the vault gives no verdict on a batch");
    must(apply_begin(&s->apply, &s->current->store, index), "an entry cannot be begun");
    apply_time(&s->apply, leader_time_ms);
    s->apply.changed = on_changed;
    s->apply.changed_arg = s;
}

static void on_apply(void *data, size_t which, const struct replica_command *command, struct buffer *answer)
{
    struct state *s = data;
    Hsm__Outcome outcome;
    uint8_t *into;

    must(apply_command(&s->apply, command->bytes, command->n, s->good[which], &outcome), "a command cannot be applied");
    into = buffer_extend(answer, hsm__outcome__get_packed_size(&outcome));
    if (into == NULL)
        fail("an outcome cannot be kept", ERR_NO_MEMORY);
    hsm__outcome__pack(&outcome, into);
}

static void on_end(void *data, uint64_t index)
{
    struct state *s = data;
    bool changed = tell_cluster_record(s, &s->current->store, s->apply.txn);
    (void)index;

    must(apply_end(&s->apply), "an entry cannot be committed");
    tell_above(s, changed);
}

const struct replica_state state_callbacks = {
    .opened = on_opened, .ready = on_ready, .begin = on_begin, .apply = on_apply, .end = on_end};

struct state *state_new(const struct state_setup *setup, struct diag *why)
{
    struct state *s = calloc(1, sizeof *s);

    if (s == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    s->setup = *setup;
    if (!vault_check_prepare(&s->check, setup->check_fd, ANSWER_MS_MAX, why)) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void state_free(struct state *s)
{
    if (s == NULL)
        return;
    if (s->current != NULL)
        hold_end(s->current);
    buffer_clear(&s->told);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum err state_read(struct state *s, struct state_reader *out)
{
    struct hold *h;
    enum err e;

    pthread_mutex_lock(&s->lock);
    h = s->current;
    if (h != NULL)
        h->holders++;
    pthread_mutex_unlock(&s->lock);
    if (h == NULL)
        return ERR_NOT_FOUND;
    out->store = &h->store;
    out->hold = h;
    e = store_read(&h->store, &out->txn);
    if (e != ERR_OK)
        hold_end(h);
    return e;
}

void state_read_end(struct state_reader *r)
{
    mdb_txn_abort(r->txn);
    hold_end(r->hold);
}
