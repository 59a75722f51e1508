#include "daemon/replica/replica_state.h"

#include "common/clock.h"
#include "common/log.h"
#include "daemon/replica/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OR_DEFAULT(value, preset) ((value) != 0 ? (value) : (preset))

/* ---- proposals --------------------------------------------------------------------------------------------------- */

/* One entry from what waits. */
static void propose_batch(struct replica *r)
{
    struct pending *p = replica_alloc(1, sizeof *p + REPLICA_BATCH_COMMANDS_MAX * sizeof p->command[0]);
    struct buffer entry = {0};
    struct item *i;
    size_t k;

    buffer_put_u8(&entry, REPLICA_ENTRY_FORMAT);
    buffer_put_u64(&entry, clock_real_ms());
    while (p->n < REPLICA_BATCH_COMMANDS_MAX && entry.len < REPLICA_BATCH_BYTES_MAX &&
           (i = replica_take(r, &r->waiting)) != NULL) {
        buffer_put_bytes(&entry, i->bytes, i->n);
        p->command[p->n].done = i->done;
        p->command[p->n++].arg = i->arg;
        item_free(i);
    }
    if (entry.failed)
        replica_fail("out of memory", NULL);
    if (p->n > 0 && core_propose(r->core, entry.data, entry.len, clock_boot_ms(), &p->index, &p->term) == CORE_OK) {
        *r->pending_tail = p;
        r->pending_tail = &p->next;
        r->n_pending++;
    } else {
        enum replica_outcome outcome = core_is_leader(r->core) ? REPLICA_BUSY : REPLICA_NOT_LEADER;
        for (k = 0; k < p->n; k++)
            p->command[k].done(p->command[k].arg, outcome, 0, NULL, 0);
        free(p);
    }
    buffer_clear(&entry);
}

static bool anything_waits(struct replica *r)
{
    bool waits;
    uv_mutex_lock(&r->lock);
    waits = r->waiting.head != NULL;
    uv_mutex_unlock(&r->lock);
    return waits;
}

static void take_proposals(struct replica *r)
{
    struct item *i;

    if (!core_is_leader(r->core)) {
        while ((i = replica_take(r, &r->waiting)) != NULL)
            item_end(i, REPLICA_NOT_LEADER);
        return;
    }
    while (r->n_pending < REPLICA_INFLIGHT_BATCHES && !replica_is_transferring(r) && anything_waits(r)) {
        propose_batch(r);
        replica_poll(r);
    }
}

/* ---- the replica's thread ---------------------------------------------------------------------------------------- */

static void tell_state(struct replica *r)
{
    const struct replica_state *state = r->set.state;
    uint64_t leader = core_leader(r->core);
    bool leads = core_is_leader(r->core);
    struct members m;

    if (core_members_applied_index(r->core) != r->told_members) {
        r->told_members = core_members_applied_index(r->core);
        core_members_applied(r->core, &m);
        if (state->members != NULL)
            state->members(r->set.data, &m);
    }
    if (leads != r->told_leads || leader != r->told_leader) {
        r->told_leads = leads;
        r->told_leader = leader;
        atomic_store(&r->leader, leader);
        atomic_store(&r->leads, leads);
        if (state->role != NULL)
            state->role(r->set.data, leads, leader);
    }
}

static void publish(struct replica *r, uint64_t now_us)
{
    const struct core *c = r->core;
    uint64_t until = lease_serve_until_us(&r->lease);
    struct replica_status s = {
        .id = r->set.id, .leader = core_leader(c), .term = core_term(c), .commit = core_commit(c),
        .applied = core_applied(c), .durable = core_durable(c), .first = core_first(c), .last = core_last(c),
        .released = r->lease.released, .boot = r->lease.boot, .log_bytes = core_log_bytes(c), .steps = core_steps(c),
        .snapshot_index = core_snap(c) != NULL ? core_snap(c)->index : 0,
        .lease_left_ms = until > now_us ? (until - now_us) / 1000 : 0,
        .leads = core_is_leader(c), .may_serve = until > now_us,
    };

    atomic_store(&r->serve_until_us, until);
    atomic_store(&r->settled, r->lease.settled);
    core_members(c, &s.members);
    uv_mutex_lock(&r->lock);
    r->status = s;
    uv_mutex_unlock(&r->lock);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct replica *r, uint64_t now_us)
{
    uint64_t at_us = core_deadline_ms(r->core) * 1000;

    if (r->lease.deadline_us < at_us)
        at_us = r->lease.deadline_us;
    uv_update_time(&r->loop);
    uv_timer_start(&r->timer, on_timer, at_us > now_us ? (at_us - now_us + 999) / 1000 : 0, 0);
}

/* After every event of the core, before anything else. */
void replica_poll(struct replica *r)
{
    uint64_t now_us = clock_boot_ns() / 1000;

    serving_poll(&r->serving, r->core, &r->lease, now_us / 1000, now_us);
    if (r->member != NULL) {
        replica_member_poll(r);
        serving_poll(&r->serving, r->core, &r->lease, now_us / 1000, now_us);
    }
    tell_state(r);
    publish(r, now_us);
    arm(r, now_us);
}

static void on_timer(uv_timer_t *timer)
{
    struct replica *r = timer->data;
    uint64_t now_us = clock_boot_ns() / 1000;

    if (now_us / 1000 >= core_deadline_ms(r->core))
        core_timeout(r->core, now_us / 1000);
    if (now_us >= r->lease.deadline_us)
        lease_timeout(&r->lease, now_us);
    replica_poll(r);
    take_proposals(r);
}

static void receive(struct replica *r, struct item *i)
{
    struct parcel *p = parcel_decode(i->bytes, i->n);

    if (p == NULL || p->msg.kind == MESSAGE_INSTALL)
        log_warning("message_refused", "from=%llu bytes=%zu", (unsigned long long)i->id, i->n);
    else if (p->msg.kind == MESSAGE_LEASE)
        lease_receive(&r->lease, i->id, &p->lease, clock_boot_ns() / 1000);
    else
        core_receive(r->core, i->id, p, clock_boot_ms());
    parcel_free(p);
    replica_poll(r);
}

static void take_item(struct replica *r, struct item *i)
{
    switch (i->kind) {
    case ITEM_RECEIVE:
        receive(r, i);
        item_free(i);
        break;
    case ITEM_SNAPSHOT:
        replica_load_snapshot(r, i);
        item_free(i);
        break;
    case ITEM_ADD:
    case ITEM_REMOVE:
    case ITEM_TRANSFER:
        replica_member_start(r, i);
        break;
    case ITEM_PROPOSE:
        item_end(i, REPLICA_BUSY);
        break;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct replica *r = wake->data;
    struct item *i;

    replica_writer_completed(r);
    while ((i = replica_take(r, &r->inbox)) != NULL)
        take_item(r, i);
    take_proposals(r);
    uv_mutex_lock(&r->lock);
    if (r->stopping)
        uv_stop(&r->loop);
    uv_mutex_unlock(&r->lock);
}

static void run_loop(void *arg)
{
    struct replica *r = arg;
    uv_run(&r->loop, UV_RUN_DEFAULT);
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static void sub(const char *folder, const char *name, char *out, size_t room)
{
    snprintf(out, room, "%s/%s", folder, name);
}

bool replica_exists(const char *folder)
{
    char path[REPLICA_PATH_BYTES];
    struct stat st;
    sub(folder, "log/data.mdb", path, sizeof path);
    return stat(path, &st) == 0;
}

bool replica_create(const char *folder, uint64_t id, const char *address, struct diag *why)
{
    char path[REPLICA_PATH_BYTES];
    struct members m = {0};
    struct record *first;
    struct journal *j;
    bool ok;

    if (replica_exists(folder)) {
        diag_set(why, "there is a cluster's log already");
        diag_where(why, folder, 0);
        diag_remedy(why, "start the node without --create, or choose an empty data folder");
        return false;
    }
    if (!members_add(&m, id, address, MEMBER_VOTER)) {
        diag_set(why, "node id %llu with address \"%s\" cannot be a member", (unsigned long long)id, address);
        return false;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        diag_set(why, "cannot make the folder: %s", strerror(errno));
        diag_where(why, folder, 0);
        return false;
    }
    sub(folder, "log", path, sizeof path);
    if ((j = journal_open(path, 8ULL << 30, why)) == NULL)
        return false;
    first = members_encode(&m, 1);
    ok = journal_found(j, id, first, why);
    record_unref(first);
    journal_close(j);
    return ok;
}

static bool prepare_journal(struct replica *r, struct journal_content *c, uint64_t *boot, struct diag *why)
{
    char path[REPLICA_PATH_BYTES + 16];

    sub(r->folder, "log", path, sizeof path);
    if (replica_exists(r->folder) && !journal_verify(path, r->set.log_bytes_max, why))
        return false;
    if ((r->journal = journal_open(path, r->set.log_bytes_max, why)) == NULL)
        return false;
    if (!journal_load(r->journal, c, why))
        return false;
    if (c->node == 0) {
        if (!journal_found(r->journal, r->set.id, NULL, why))
            return false;
    } else if (c->node != r->set.id) {
        diag_set(why, "the log is that of node %llu, this is node %llu", (unsigned long long)c->node,
                 (unsigned long long)r->set.id);
        diag_where(why, r->folder, 0);
        diag_remedy(why, "give the node its own data folder");
        return false;
    }
    return journal_count_boot(r->journal, boot, why);
}

static bool prepare_state(struct replica *r, const struct journal_content *c, struct diag *why)
{
    char path[REPLICA_PATH_BYTES + 64];

    sub(r->folder, "snapshot", path, sizeof path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        diag_set(why, "cannot make the folder: %s", strerror(errno));
        diag_where(why, path, 0);
        return false;
    }
    replica_remove_states(r);
    if (!replica_make_state(r, &r->state, why))
        return false;
    if (c->snap != NULL) {
        struct snap *found = NULL;
        bool same;
        replica_snapshot_path(r, c->snap->term, c->snap->index, path, sizeof path);
        if (!snapshot_read(path, r->state, &found, why)) {
            diag_remedy(why, "empty its data folder (keep a copy), and let it join as a new node");
            return false;
        }
        same = found->index == c->snap->index && found->term == c->snap->term;
        snap_unref(found);
        if (!same) {
            diag_set(why, "the snapshot is not the one that the log names");
            diag_where(why, path, 0);
            return false;
        }
    }
    r->set.state->opened(r->set.data, r->state, c->snap != NULL ? c->snap->index : 0);
    return true;
}

static void settle(struct replica_settings *set)
{
    set->election_timeout_ms = OR_DEFAULT(set->election_timeout_ms, 500);
    set->lease_ms = OR_DEFAULT(set->lease_ms, 1500);
    set->drift_ppm = OR_DEFAULT(set->drift_ppm, 200000);
    set->snapshot_entries = OR_DEFAULT(set->snapshot_entries, 100000);
    set->state_bytes_max = OR_DEFAULT(set->state_bytes_max, 16ULL << 30);
    set->log_bytes_max = OR_DEFAULT(set->log_bytes_max, 8ULL << 30);
    if (set->links_data == NULL)
        set->links_data = set->data;
}

static bool start_core(struct replica *r, const struct journal_content *c, uint64_t boot, struct diag *why)
{
    const struct core_settings core = {
        .id = r->set.id, .address = r->address, .seed = r->set.seed,
        .election_timeout_ms = r->set.election_timeout_ms, .heartbeat_ms = r->set.election_timeout_ms / 10 + 1,
        .install_timeout_ms = 1000, .catch_up_round_ms = REPLICA_MEMBER_MS_MAX, .inflight_max = 256,
        .snapshot_entries = r->set.snapshot_entries, .snapshot_bytes = 256 << 20,
        .trailing_entries = r->set.snapshot_entries / 2, .trailing_bytes = 64 << 20, .pre_vote = true,
    };
    const struct lease_settings lease = {
        .length_us = r->set.lease_ms * 1000ULL, .renew_us = r->set.lease_ms * 250ULL, .margin_us = 2000,
        .drift_ppm = r->set.drift_ppm,
    };
    const struct core_disk disk = {c->term, c->vote, c->snap, &c->log};

    lease_init(&r->lease, r->set.id, boot, &lease, &replica_lease_host, r);
    r->core = core_open(&core, &disk, &replica_core_host, r, clock_boot_ms());
    if (r->core == NULL)
        diag_set(why, "the replication engine does not start: node id or address are refused");
    return r->core != NULL;
}

static bool start_threads(struct replica *r, struct diag *why)
{
    r->thread_made = uv_thread_create(&r->writer, replica_writer_run, r) == 0;
    r->writer_made = r->thread_made;
    r->thread_made = r->writer_made && uv_thread_create(&r->thread, run_loop, r) == 0;
    if (!r->thread_made)
        diag_set(why, "cannot start the replica's threads");
    return r->thread_made;
}

static bool prepare_loop(struct replica *r, struct diag *why)
{
    uv_mutex_init(&r->lock);
    uv_cond_init(&r->jobs_come);
    r->inbox.tail = &r->inbox.head;
    r->waiting.tail = &r->waiting.head;
    r->todo.tail = &r->todo.head;
    r->done.tail = &r->done.head;
    r->pending_tail = &r->pending;
    r->wake.data = r->timer.data = r;
    r->loop_made = uv_loop_init(&r->loop) == 0;
    if (r->loop_made && uv_async_init(&r->loop, &r->wake, on_wake) == 0 && uv_timer_init(&r->loop, &r->timer) == 0)
        return true;
    diag_set(why, "cannot make the replica's event loop");
    return false;
}

struct replica *replica_open(const struct replica_settings *set, struct diag *why)
{
    struct replica *r = replica_alloc(1, sizeof *r);
    struct journal_content content = {0};
    uint64_t boot = 0;
    bool ok;

    r->set = *set;
    settle(&r->set);
    snprintf(r->folder, sizeof r->folder, "%s", set->folder);
    snprintf(r->address, sizeof r->address, "%s", set->address);
    ok = prepare_loop(r, why) && prepare_journal(r, &content, &boot, why) && prepare_state(r, &content, why) &&
         start_core(r, &content, boot, why);
    journal_content_clear(&content);
    if (ok) {
        replica_poll(r);
        ok = start_threads(r, why);
    }
    if (ok)
        return r;
    replica_close(r);
    return NULL;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void free_jobs(struct job *j)
{
    struct job *next;
    for (; j != NULL; j = next) {
        next = j->next;
        if (j->write != NULL)
            core_write_free(j->write);
        snap_unref(j->snap);
        free(j);
    }
}

void replica_close(struct replica *r)
{
    struct item *i;

    uv_mutex_lock(&r->lock);
    r->stopping = true;
    uv_cond_signal(&r->jobs_come);
    uv_mutex_unlock(&r->lock);
    if (r->writer_made)
        uv_thread_join(&r->writer);
    if (r->thread_made) {
        uv_async_send(&r->wake);
        uv_thread_join(&r->thread);
    }
    replica_finish_pending(r, REPLICA_UNKNOWN, UINT64_MAX);
    while ((i = items_pop(&r->waiting)) != NULL || (i = items_pop(&r->inbox)) != NULL)
        item_end(i, REPLICA_UNKNOWN);
    if (r->member != NULL)
        item_end(r->member, REPLICA_UNKNOWN);
    if (r->loop_made) { /* lets snapshots on the pool end, and closes the handles */
        uv_walk(&r->loop, close_handle, NULL);
        uv_run(&r->loop, UV_RUN_DEFAULT);
        uv_loop_close(&r->loop);
    }
    free_jobs(r->todo.head);
    free_jobs(r->done.head);
    if (r->core != NULL)
        core_close(r->core);
    journal_close(r->journal);
    uv_cond_destroy(&r->jobs_come);
    uv_mutex_destroy(&r->lock);
    free(r);
}

/* ---- any thread -------------------------------------------------------------------------------------------------- */

void replica_propose(struct replica *r, const uint8_t *command, size_t n, replica_done done, void *arg)
{
    struct item *i;

    if (n > REPLICA_COMMAND_BYTES_MAX) {
        done(arg, REPLICA_BUSY, 0, NULL, 0);
        return;
    }
    i = item_new(ITEM_PROPOSE, 0, NULL, command, n);
    i->done = done;
    i->arg = arg;
    replica_post(r, &r->waiting, i);
}

bool replica_may_serve(const struct replica *r)
{
    return clock_boot_ns() / 1000 < atomic_load(&r->serve_until_us);
}

uint64_t replica_applied(const struct replica *r)
{
    return atomic_load(&r->applied);
}

uint64_t replica_settled(const struct replica *r)
{
    return atomic_load(&r->settled);
}

uint64_t replica_leader(const struct replica *r)
{
    return atomic_load(&r->leader);
}

bool replica_is_leader(const struct replica *r)
{
    return atomic_load(&r->leads);
}

void replica_status(struct replica *r, struct replica_status *out)
{
    uint64_t now_us = clock_boot_ns() / 1000, until = atomic_load(&r->serve_until_us);

    uv_mutex_lock(&r->lock);
    *out = r->status;
    uv_mutex_unlock(&r->lock);
    out->may_serve = now_us < until;
    out->lease_left_ms = now_us < until ? (until - now_us) / 1000 : 0;
}

void replica_receive(struct replica *r, uint64_t from, const uint8_t *bytes, size_t n)
{
    replica_post(r, &r->inbox, item_new(ITEM_RECEIVE, from, NULL, bytes, n));
}

void replica_receive_snapshot(struct replica *r, uint64_t from, const uint8_t *bytes, size_t n, const char *path)
{
    replica_post(r, &r->inbox, item_new(ITEM_SNAPSHOT, from, path, bytes, n));
}

static void post_member(struct replica *r, enum item_kind kind, uint64_t id, const char *text, replica_done done,
                        void *arg)
{
    struct item *i = item_new(kind, id, text, NULL, 0);
    i->done = done;
    i->arg = arg;
    replica_post(r, &r->inbox, i);
}

void replica_add(struct replica *r, uint64_t id, const char *address, replica_done done, void *arg)
{
    post_member(r, ITEM_ADD, id, address, done, arg);
}

void replica_remove(struct replica *r, uint64_t id, replica_done done, void *arg)
{
    post_member(r, ITEM_REMOVE, id, NULL, done, arg);
}

void replica_transfer(struct replica *r, uint64_t id, replica_done done, void *arg)
{
    post_member(r, ITEM_TRANSFER, id, NULL, done, arg);
}
