/*
 * What core and lease want done: votes, writes, snapshots, messages, and the state machine.
 */
#include "daemon/replica/replica_state.h"

#include "common/clock.h"
#include "common/log.h"
#include "daemon/replica/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_READERS_MAX = 512 };

/* ---- the state --------------------------------------------------------------------------------------------------- */

void replica_remove_states(struct replica *r)
{
    static const char *const files[] = {"/data.mdb", "/lock.mdb", ""};
    char path[REPLICA_PATH_BYTES + 48];
    unsigned i, k;
    bool found = true;

    for (i = 0; found; i++)
        for (k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "%s/state.%u%s", r->folder, i, files[k]);
            found = remove(path) == 0;
        }
}

bool replica_make_state(struct replica *r, MDB_env **env, struct diag *why)
{
    char path[REPLICA_PATH_BYTES + 32];
    MDB_env *made = NULL;
    int rc;

    snprintf(path, sizeof path, "%s/state.%u", r->folder, r->state_count++);
    rc = mkdir(path, 0700) != 0 && errno != EEXIST ? errno : mdb_env_create(&made);
    if (rc == 0 && (rc = mdb_env_set_mapsize(made, r->set.state_bytes_max)) == 0 &&
        (rc = mdb_env_set_maxdbs(made, SNAPSHOT_DATABASES_MAX)) == 0 &&
        (rc = mdb_env_set_maxreaders(made, STATE_READERS_MAX)) == 0)
        rc = mdb_env_open(made, path, MDB_NOTLS | MDB_NOSYNC | MDB_NORDAHEAD, 0600);
    if (rc == 0) {
        *env = made;
        return true;
    }
    if (made != NULL)
        mdb_env_close(made);
    diag_set(why, "cannot make the state: %s", mdb_strerror(rc));
    diag_where(why, path, 0);
    return false;
}

static bool on_ready(void *data)
{
    struct replica *r = data;
    return r->set.state->ready == NULL || r->set.state->ready(r->set.data);
}

/* The commands of an entry. What is malformed holds none, on every node alike. */
static size_t split_entry(const struct record *rec, uint64_t *time_ms, struct replica_command *out)
{
    struct cursor in;
    uint8_t format;
    size_t n;

    cursor_init(&in, rec->data, rec->len);
    format = cursor_u8(&in);
    *time_ms = cursor_u64(&in);
    if (rec->kind != RECORD_COMMAND || in.failed || format != REPLICA_ENTRY_FORMAT)
        return 0;
    for (n = 0; in.left > 0 && n < REPLICA_BATCH_COMMANDS_MAX; n++)
        out[n].bytes = cursor_bytes(&in, REPLICA_COMMAND_BYTES_MAX, &out[n].n);
    return cursor_done(&in) ? n : 0;
}

static void apply_entry(struct replica *r, uint64_t index, const struct record *rec, struct pending *mine)
{
    struct replica_command commands[REPLICA_BATCH_COMMANDS_MAX];
    const struct replica_state *state = r->set.state;
    struct buffer scratch = {0};
    uint64_t time_ms;
    size_t n = split_entry(rec, &time_ms, commands), i;

    if (n == 0)
        return;
    state->begin(r->set.data, index, time_ms, commands, n);
    for (i = 0; i < n; i++) {
        buffer_reset(&scratch);
        state->apply(r->set.data, i, &commands[i], mine != NULL && i < mine->n ? &mine->command[i].answer : &scratch);
    }
    state->end(r->set.data, index);
    buffer_clear(&scratch);
}

static void end_pending(struct replica *r, enum replica_outcome outcome)
{
    struct pending *p = r->pending;
    size_t i;

    r->pending = p->next;
    if (r->pending == NULL)
        r->pending_tail = &r->pending;
    r->n_pending--;
    for (i = 0; i < p->n; i++) {
        p->command[i].done(p->command[i].arg, outcome, p->index, p->command[i].answer.data, p->command[i].answer.len);
        buffer_clear(&p->command[i].answer);
    }
    free(p);
}

void replica_finish_pending(struct replica *r, enum replica_outcome outcome, uint64_t upto)
{
    while (r->pending != NULL && r->pending->index <= upto && (outcome != REPLICA_DONE || r->pending->applied))
        end_pending(r, outcome);
}

static void on_apply(void *data, uint64_t index, const struct record *rec)
{
    struct replica *r = data;
    struct pending *mine = r->pending;

    while (mine != NULL && mine->index != index)
        mine = mine->next;
    if (mine != NULL && mine->term != rec->term) { /* another leader's entry took the place of ours */
        replica_finish_pending(r, REPLICA_UNKNOWN, UINT64_MAX);
        mine = NULL;
    }
    apply_entry(r, index, rec, mine);
    if (mine != NULL)
        mine->applied = true;
    atomic_store(&r->applied, index);
}

/* ---- disk -------------------------------------------------------------------------------------------------------- */

static void on_save_vote(void *data, uint64_t term, uint64_t vote)
{
    struct replica *r = data;
    struct diag why = {0};
    if (!journal_save_vote(r->journal, term, vote, &why))
        replica_fail("the vote cannot be written", &why);
}

static void on_append(void *data, struct core_write *w)
{
    replica_writer_add(data, JOB_APPEND, w, NULL, 0);
}

static void on_install(void *data, struct snap *s)
{
    replica_writer_add(data, JOB_INSTALL, NULL, s, 0);
}

void replica_snapshot_path(const struct replica *r, uint64_t term, uint64_t index, char *out, size_t room)
{
    snprintf(out, room, "%s/snapshot/%020llu-%020llu", r->folder, (unsigned long long)term, (unsigned long long)index);
}

void replica_incoming_path(const struct replica *r, uint64_t from, char *out, size_t room)
{
    snprintf(out, room, "%s/snapshot/incoming-%llu", r->folder, (unsigned long long)from);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_snapshot(const struct dirent *d)
{
    return strlen(d->d_name) == 41 && d->d_name[20] == '-';
}

/* The newest two stay: one may be on its way to a peer. */
void replica_remove_old_snapshots(struct replica *r)
{
    char path[REPLICA_PATH_BYTES + 300];
    struct dirent **list = NULL;
    int n, i;

    snprintf(path, sizeof path, "%s/snapshot", r->folder);
    n = scandir(path, &list, is_snapshot, by_name);
    for (i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/snapshot/%s", r->folder, list[i]->d_name);
        if (i < n - 2)
            unlink(path);
        free(list[i]);
    }
    free(list);
}

static void write_work(uv_work_t *work)
{
    struct transfer *t = work->data;
    t->ok = snapshot_write(t->txn, t->snap, t->path, &t->why);
}

static void write_done(uv_work_t *work, int status)
{
    struct transfer *t = work->data;
    (void)status;
    mdb_txn_abort(t->txn);
    if (!t->ok)
        replica_fail("the snapshot cannot be written", &t->why);
    replica_writer_add(t->r, JOB_COMPACT, NULL, t->snap, t->drop_upto);
    free(t);
}

/* The read transaction begins here, between two entries: it sees the state as of s->index and no other. */
static void on_compact(void *data, struct snap *s, uint64_t drop_upto)
{
    struct replica *r = data;
    struct transfer *t = replica_alloc(1, sizeof *t);
    int rc = mdb_txn_begin(r->state, NULL, MDB_RDONLY, &t->txn);

    if (rc != 0) {
        diag_set(&t->why, "%s", mdb_strerror(rc));
        replica_fail("the state cannot be read", &t->why);
    }
    t->work.data = t;
    t->r = r;
    t->snap = s;
    t->drop_upto = drop_upto;
    replica_snapshot_path(r, s->term, s->index, t->path, sizeof t->path);
    if (uv_queue_work(&r->loop, &t->work, write_work, write_done) != 0)
        replica_fail("the snapshot cannot be started", NULL);
}

static void read_work(uv_work_t *work)
{
    struct transfer *t = work->data;
    struct snap *s = NULL;

    t->ok = snapshot_read(t->path, t->env, &s, &t->why);
    if (!t->ok) /* its checksums were right on the way (TLS), so it was damaged there or here */
        diag_remedy(&t->why, "it is asked for again; if that stays so, restart that node, so that another one leads, and look at the "
                             "disks of both");
    if (t->ok && (s->index != t->parcel->msg.index || s->term != t->parcel->msg.index_term ||
                  s->members_index != t->parcel->snap->members_index ||
                  s->members->len != t->parcel->snap->members->len ||
                  memcmp(s->members->data, t->parcel->snap->members->data, s->members->len) != 0)) {
        diag_set(&t->why, "the snapshot is not the one that was announced");
        t->ok = false;
    }
    snap_unref(s);
}

/* Only a file that is whole and loaded reaches the core: it forgets its log at once. */
static void read_done(uv_work_t *work, int status)
{
    struct transfer *t = work->data;
    struct replica *r = t->r;
    char text[1024], path[REPLICA_PATH_BYTES];
    struct snap *s = t->parcel->snap;

    (void)status;
    r->loading = false;
    replica_snapshot_path(r, s->term, s->index, path, sizeof path);
    if (t->ok && !core_is_installing(r->core) && rename(t->path, path) == 0) {
        r->loaded = t->env;
        core_receive(r->core, t->from, t->parcel, clock_boot_ms());
        if (core_is_installing(r->core))
            t->env = NULL; /* transferred */
        else
            r->loaded = NULL;
        replica_poll(r);
    } else if (!t->ok) {
        log_warning("snapshot_refused", "from=%llu why=\"%s\"", (unsigned long long)t->from,
                    diag_text(&t->why, text, sizeof text));
    }
    if (t->env != NULL)
        mdb_env_close(t->env);
    unlink(t->path);
    parcel_free(t->parcel);
    free(t);
}

void replica_load_snapshot(struct replica *r, struct item *i)
{
    struct parcel *p = parcel_decode(i->bytes, i->n);
    struct transfer *t = replica_alloc(1, sizeof *t);

    t->work.data = t;
    t->r = r;
    t->from = i->id;
    t->parcel = p;
    snprintf(t->path, sizeof t->path, "%s", i->text);
    if (p != NULL && p->msg.kind == MESSAGE_INSTALL && !r->loading && !core_is_installing(r->core) &&
        replica_make_state(r, &t->env, &t->why) && uv_queue_work(&r->loop, &t->work, read_work, read_done) == 0) {
        r->loading = true;
        return;
    }
    if (t->env != NULL)
        mdb_env_close(t->env);
    unlink(t->path);
    parcel_free(p);
    free(t);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void on_send(void *data, uint64_t to, struct parcel *p)
{
    struct replica *r = data;
    const struct replica_links *links = r->set.links;
    struct buffer out = {0};
    char path[REPLICA_PATH_BYTES];

    if (links != NULL && parcel_encode(p, &out)) {
        if (p->msg.kind == MESSAGE_INSTALL) {
            replica_snapshot_path(r, p->snap->term, p->snap->index, path, sizeof path);
            links->send_snapshot(r->set.links_data, to, out.data, out.len, path);
        } else {
            links->send(r->set.links_data, to, out.data, out.len);
        }
    }
    buffer_clear(&out);
    parcel_free(p);
}

static bool on_sending_snapshot(void *data, uint64_t to)
{
    struct replica *r = data;
    return r->set.links != NULL && r->set.links->sending_snapshot(r->set.links_data, to);
}

/* May come from inside core_open(). */
static void on_became_leader(void *data)
{
    struct replica *r = data;
    log_info("leader", "node=%llu", (unsigned long long)r->set.id);
}

static void on_lost_leadership(void *data)
{
    struct replica *r = data;
    log_info("leads_no_more", "node=%llu", (unsigned long long)r->set.id);
    replica_finish_pending(r, REPLICA_UNKNOWN, UINT64_MAX);
}

static void on_fatal(void *data, const char *why) __attribute__((noreturn));
static void on_fatal(void *data, const char *why)
{
    (void)data;
    replica_fail(why, NULL);
}

const struct core_host replica_core_host = {
    .save_vote = on_save_vote,
    .append = on_append,
    .install = on_install,
    .compact = on_compact,
    .send = on_send,
    .sending_snapshot = on_sending_snapshot,
    .ready = on_ready,
    .apply = on_apply,
    .became_leader = on_became_leader,
    .lost_leadership = on_lost_leadership,
    .fatal = on_fatal,
};

static void on_lease_send(void *data, uint64_t to, const struct lease_message *m)
{
    struct parcel *p = parcel_new();
    p->msg.kind = MESSAGE_LEASE;
    p->lease = *m;
    on_send(data, to, p);
}

static void on_released(void *data, uint64_t index)
{
    replica_finish_pending(data, REPLICA_DONE, index);
}

const struct lease_host replica_lease_host = {on_lease_send, on_released};
