#include "daemon/store/apply.h"

#include <string.h>

#include "common/secret.h"
#include "proto/limits.h"
#include "proto/memory.h"
#include "proto/record_id.h"

enum {
    DIGEST_BYTES = 32,
    RECORD_FORMAT = 1,
    CHANGES_MAX = 64,
    PRECONDITIONS_MAX = 256,
    TOKENS_MAX = 64,
    RESULT_BYTES_MAX = 4096,
    RECORD_BYTES_MAX = OBJECT_BYTES_MAX + 8192
};

/* A command taken apart, with what its changes meet in the store. Owned: see plan_clear. */
struct plan {
    struct memory memory; /* "malformed" must be said by all nodes or none, so a failed allocation may not look like it */
    Hsm__CommandBody *body;
    size_t n;
    struct step {
        uint64_t id;
        const uint8_t *packed; /* NULL: erase */
        size_t packed_bytes;
        Hsm__RecordHeader *header;
        Hsm__RecordHeader *old; /* NULL: there is none */
    } steps[CHANGES_MAX];
};

static void plan_clear(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->steps[i].header != NULL)
            hsm__record_header__free_unpacked(p->steps[i].header, &p->memory.allocator);
        if (p->steps[i].old != NULL)
            hsm__record_header__free_unpacked(p->steps[i].old, &p->memory.allocator);
    }
    if (p->body != NULL)
        hsm__command_body__free_unpacked(p->body, &p->memory.allocator);
}

static Hsm__RecordHeader *header_of(struct memory *m, const uint8_t *packed, size_t n)
{
    Hsm__Record *record = hsm__record__unpack(&m->allocator, n, packed);
    Hsm__RecordHeader *header = NULL;
    if (record == NULL)
        return NULL;
    header = hsm__record_header__unpack(&m->allocator, record->header.len, record->header.data);
    hsm__record__free_unpacked(record, &m->allocator);
    return header;
}

/* ---- the form --------------------------------------------------------------------------------------------- */

static bool header_is_sound(const Hsm__RecordHeader *h, const Hsm__CommandBody *body)
{
    if (h->format != RECORD_FORMAT || h->kind <= HSM__RECORD_KIND__RECORD_NONE || h->kind > HSM__RECORD_KIND__RECORD_USERS ||
        h->id == 0 || h->id >= OBJECT_ID_LIMIT || h->version == 0 || h->n_tokens > TOKENS_MAX ||
        (h->kind == HSM__RECORD_KIND__RECORD_CLUSTER) != (h->id == CLUSTER_RECORD_ID))
        return false;
    for (size_t i = 0; i < h->n_tokens; i++)
        if (h->tokens[i].len != STORE_TOKEN_BYTES)
            return false;
    for (size_t i = 0; i < h->n_tokens; i++)
        for (size_t j = 0; j < i; j++)
            if (memcmp(h->tokens[i].data, h->tokens[j].data, STORE_TOKEN_BYTES) == 0)
                return false;
    return h->cluster_id.len == STORE_ID_BYTES && memcmp(h->cluster_id.data, body->cluster_id.data, STORE_ID_BYTES) == 0 &&
           h->request_id.len == STORE_ID_BYTES && memcmp(h->request_id.data, body->request_id.data, STORE_ID_BYTES) == 0;
}

static bool take_change(struct plan *p, const Hsm__Change *change)
{
    struct step *s = &p->steps[p->n];
    memset(s, 0, sizeof *s);
    if (change->of_case == HSM__CHANGE__OF_ERASE) {
        s->id = change->erase;
    } else if (change->of_case == HSM__CHANGE__OF_PUT && change->put.len <= RECORD_BYTES_MAX) {
        s->packed = change->put.data;
        s->packed_bytes = change->put.len;
        s->header = header_of(&p->memory, change->put.data, change->put.len);
        if (s->header == NULL)
            return false;
        s->id = s->header->id;
    } else {
        return false;
    }
    p->n++;
    for (size_t i = 0; i + 1 < p->n; i++)
        if (p->steps[i].id == s->id)
            return false;
    return s->header == NULL || header_is_sound(s->header, p->body);
}

static bool take_body(struct plan *p, const Hsm__Command *command)
{
    Hsm__CommandBody *b = hsm__command_body__unpack(&p->memory.allocator, command->body.len, command->body.data);
    p->body = b;
    if (b == NULL || b->cluster_id.len != STORE_ID_BYTES || b->request_id.len != STORE_ID_BYTES || b->digest.len != DIGEST_BYTES ||
        b->n_changes > CHANGES_MAX || b->n_preconditions > PRECONDITIONS_MAX || b->result.len > RESULT_BYTES_MAX ||
        b->lease_ids > ID_BLOCK)
        return false;
    for (size_t i = 0; i < b->n_changes; i++)
        if (!take_change(p, b->changes[i]))
            return false;
    return true;
}

static bool take_apart(struct plan *p, const uint8_t *packed, size_t n)
{
    Hsm__Command *command = hsm__command__unpack(&p->memory.allocator, n, packed);
    bool ok = command != NULL && take_body(p, command);
    if (command != NULL)
        hsm__command__free_unpacked(command, &p->memory.allocator);
    return ok;
}

/* ---- against the state ------------------------------------------------------------------------------------ */

static bool puts_cluster_record(const struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->steps[i].id == CLUSTER_RECORD_ID && p->steps[i].header != NULL)
            return true;
    return false;
}

static bool is_our_cluster(const struct apply *a, const struct plan *p)
{
    if (!a->state.claimed)
        return puts_cluster_record(p);
    return memcmp(a->state.cluster_id, p->body->cluster_id.data, STORE_ID_BYTES) == 0;
}

/* *header NULL where there is no such record. */
static enum err stored_header(struct apply *a, struct memory *m, uint64_t id, Hsm__RecordHeader **header)
{
    const uint8_t *bytes;
    size_t n;
    enum err e = store_get(a->store, a->txn, id, &bytes, &n);

    *header = NULL;
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e != ERR_OK)
        return e;
    *header = header_of(m, bytes, n);
    return *header != NULL ? ERR_OK : m->failed ? ERR_NO_MEMORY : ERR_CORRUPT;
}

static enum err check_preconditions(struct apply *a, struct plan *p, bool *hold)
{
    const Hsm__CommandBody *body = p->body;

    *hold = true;
    for (size_t i = 0; i < body->n_preconditions && *hold; i++) {
        Hsm__RecordHeader *h;
        enum err e = stored_header(a, &p->memory, body->preconditions[i]->id, &h);
        if (e != ERR_OK)
            return e;
        *hold = (h != NULL ? h->version : 0) == body->preconditions[i]->version;
        if (h != NULL)
            hsm__record_header__free_unpacked(h, &p->memory.allocator);
    }
    return ERR_OK;
}

/* A put that meets another version than its predecessor's lost a race: that is no fault of the command. */
static enum err judge_put(struct apply *a, const struct step *s, enum err *fault)
{
    bool used = false;

    *fault = ERR_OK;
    if (s->header->version != (s->old != NULL ? s->old->version : 0) + 1)
        *fault = ERR_CONFLICT;
    else if (s->old != NULL && (s->old->kind != s->header->kind || s->old->owner != s->header->owner))
        *fault = ERR_MALFORMED;
    else if (s->id != CLUSTER_RECORD_ID && s->id >= a->state.next_id)
        *fault = ERR_MALFORMED;
    if (*fault == ERR_OK && s->old == NULL) {
        enum err e = store_is_used(a->store, a->txn, s->id, &used);
        if (e != ERR_OK)
            return e;
        *fault = used ? ERR_STALE : ERR_OK;
    }
    return ERR_OK;
}

static bool is_precondition(const Hsm__CommandBody *body, uint64_t id)
{
    for (size_t i = 0; i < body->n_preconditions; i++)
        if (body->preconditions[i]->id == id && body->preconditions[i]->version != 0)
            return true;
    return false;
}

static enum err judge_erase(struct apply *a, const struct plan *p, const struct step *s, enum err *fault)
{
    bool owns = false;
    enum err e = ERR_OK;

    *fault = ERR_OK;
    if (s->old == NULL)
        *fault = ERR_CONFLICT;
    else if (s->id == CLUSTER_RECORD_ID || !is_precondition(p->body, s->id))
        *fault = ERR_MALFORMED;
    else if (s->old->kind == HSM__RECORD_KIND__RECORD_USER) {
        e = store_owns(a->store, a->txn, s->id, &owns);
        if (owns)
            *fault = ERR_USER_OWNS_KEYS;
    }
    return e;
}

static bool erases(const struct plan *p, uint64_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->steps[i].id == id && p->steps[i].header == NULL)
            return true;
    return false;
}

/* A new record of an owner who is gone, or goes by this very command, would be nobody's for ever. */
static enum err judge_owner(struct apply *a, struct plan *p, const struct step *s, enum err *fault)
{
    Hsm__RecordHeader *owner;
    enum err e;

    if (s->header == NULL || s->old != NULL || s->header->owner == 0)
        return ERR_OK;
    if (erases(p, s->header->owner)) {
        *fault = ERR_USER_OWNS_KEYS;
        return ERR_OK;
    }
    e = stored_header(a, &p->memory, s->header->owner, &owner);
    if (e != ERR_OK)
        return e;
    if (owner == NULL || owner->kind != HSM__RECORD_KIND__RECORD_USER)
        *fault = ERR_CONFLICT;
    if (owner != NULL)
        hsm__record_header__free_unpacked(owner, &p->memory.allocator);
    return ERR_OK;
}

static enum err judge_changes(struct apply *a, struct plan *p, enum err *fault)
{
    *fault = ERR_OK;
    for (size_t i = 0; i < p->n && *fault == ERR_OK; i++) {
        struct step *s = &p->steps[i];
        enum err e = stored_header(a, &p->memory, s->id, &s->old);
        if (e == ERR_OK && s->header != NULL)
            e = judge_put(a, s, fault);
        else if (e == ERR_OK)
            e = judge_erase(a, p, s, fault);
        if (e == ERR_OK && *fault == ERR_OK)
            e = judge_owner(a, p, s, fault);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

/* ---- doing it ----------------------------------------------------------------------------------------------- */

static enum err carry_out(struct apply *a, const struct plan *p, Hsm__Outcome *out)
{
    const Hsm__CommandBody *body = p->body;
    struct ring_entry entry = {.index = a->state.applied, .result = body->result.data, .result_bytes = body->result.len};
    struct ring_entry kept;
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < p->n; i++) {
        const struct step *s = &p->steps[i];
        e = s->header != NULL ? store_put_record(a->store, a->txn, s->header, s->old, s->packed, s->packed_bytes)
                              : store_erase_record(a->store, a->txn, s->old);
        if (e == ERR_OK && s->header != NULL && s->old == NULL)
            e = store_mark_used(a->store, a->txn, s->id);
        if (a->changed != NULL)
            a->changed(a->changed_arg, s->id);
    }
    if (e != ERR_OK)
        return e;
    if (!a->state.claimed) {
        a->state.claimed = true;
        memcpy(a->state.cluster_id, body->cluster_id.data, STORE_ID_BYTES);
    }
    if (body->lease_ids > 0) {
        entry.ids_first = a->state.next_id;
        a->state.next_id += body->lease_ids;
    }
    memcpy(entry.digest, body->digest.data, DIGEST_BYTES);
    e = ring_put(a->store, a->txn, body->request_id.data, &entry, &a->state);
    if (e == ERR_OK)
        e = ring_get(a->store, a->txn, body->request_id.data, &kept);
    if (e != ERR_OK)
        return e;
    out->status = HSM__OUTCOME_STATUS__OUTCOME_DONE;
    out->index = entry.index;
    out->ids_first = entry.ids_first;
    out->result = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)kept.result, .len = kept.result_bytes};
    return ERR_OK;
}

static enum err refuse(Hsm__Outcome *out, Hsm__OutcomeStatus status, enum err why)
{
    out->status = status;
    out->error = (uint32_t)why;
    return ERR_OK;
}

/* Step 3. *known tells that the outcome is decided. */
static enum err look_in_ring(struct apply *a, const Hsm__CommandBody *body, Hsm__Outcome *out, bool *known)
{
    struct ring_entry first;
    enum err e = ring_get(a->store, a->txn, body->request_id.data, &first);

    *known = e == ERR_OK;
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (!bytes_equal(first.digest, body->digest.data, DIGEST_BYTES))
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_FORGED);
    out->status = HSM__OUTCOME_STATUS__OUTCOME_REPEATED;
    out->index = first.index;
    out->ids_first = first.ids_first;
    out->result = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)first.result, .len = first.result_bytes};
    return ERR_OK;
}

static enum err decide(struct apply *a, struct plan *p, Hsm__Outcome *out)
{
    bool known, hold;
    enum err fault, e;

    if (!is_our_cluster(a, p))
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_FORGED);
    e = look_in_ring(a, p->body, out, &known);
    if (e != ERR_OK || known)
        return e;
    if (p->body->born_index < a->state.ring_floor)
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_TOO_OLD, ERR_BORN_TOO_OLD);
    e = check_preconditions(a, p, &hold);
    if (e != ERR_OK)
        return e;
    if (!hold)
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, ERR_CONFLICT);
    if (p->body->lease_ids > 0 && a->state.next_id + p->body->lease_ids > OBJECT_ID_LIMIT)
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_LIMIT);
    e = judge_changes(a, p, &fault);
    if (e != ERR_OK)
        return e;
    if (fault == ERR_CONFLICT)
        return refuse(out, HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, fault);
    return fault != ERR_OK ? refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, fault) : carry_out(a, p, out);
}

enum err apply_begin(struct apply *a, const struct store *s, uint64_t index)
{
    struct apply fresh = {.store = s};
    enum err e = store_error(mdb_txn_begin(s->env, NULL, 0, &fresh.txn));

    if (e != ERR_OK)
        return e;
    e = store_state(s, fresh.txn, &fresh.state);
    if (e == ERR_OK && index <= fresh.state.applied)
        e = ERR_BUG;
    if (e != ERR_OK) {
        mdb_txn_abort(fresh.txn);
        return e;
    }
    fresh.state.applied = index;
    *a = fresh;
    return ERR_OK;
}

void apply_time(struct apply *a, uint64_t leader_time_ms)
{
    a->leader_time_ms = leader_time_ms;
}

enum err apply_command(struct apply *a, const uint8_t *packed, size_t n, bool good, Hsm__Outcome *out)
{
    struct plan p = {0};
    enum err e;

    memory_init(&p.memory);
    hsm__outcome__init(out);
    out->leader_time_ms = a->leader_time_ms;
    if (!take_apart(&p, packed, n))
        e = p.memory.failed ? ERR_NO_MEMORY : refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_MALFORMED);
    else if (!good)
        e = refuse(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_FORGED);
    else
        e = decide(a, &p, out);
    plan_clear(&p);
    return e;
}

enum err apply_end(struct apply *a)
{
    enum err e = store_put_state(a->store, a->txn, &a->state);
    if (e == ERR_OK)
        e = store_error(mdb_txn_commit(a->txn));
    else
        mdb_txn_abort(a->txn);
    a->txn = NULL;
    return e;
}

void apply_abort(struct apply *a)
{
    if (a->txn != NULL)
        mdb_txn_abort(a->txn);
    a->txn = NULL;
}
