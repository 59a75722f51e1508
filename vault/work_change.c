/* The changes of a work, from what its handler collects to the command that goes out. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "vault/command.h"
#include "vault/ids.h"
#include "vault/record.h"
#include "vault/work_state.h"

enum { CHANGES_ROOM = 8 }; /* at first: most requests have one or two */

/* ---- collecting */

enum err work_new_id(struct work *w, uint64_t *id)
{
    if (w->n_ids_used == WORK_IDS_MAX)
        return ERR_LIMIT;
    if (w->n_ids_used == w->n_ids) {
        if (!ids_take(w->vault->ids, &w->ids[w->n_ids])) {
            w->proposed = PROPOSED_LEASE;
            return ERR_PENDING;
        }
        w->n_ids++;
    }
    *id = w->ids[w->n_ids_used++];
    return ERR_OK;
}

void work_forget_changes(struct work *w)
{
    for (size_t i = 0; i < w->n_changes; i++) {
        buffer_clear(&w->changes[i].record);
        secret_clear(&w->changes[i].body);
    }
    w->n_changes = w->n_requires = 0;
    buffer_reset(&w->result);
}

static enum err change_new(struct work *w, uint64_t id, struct work_change **out)
{
    if (w->n_changes == WORK_CHANGES_MAX)
        return ERR_LIMIT;
    if (w->n_changes == w->changes_room) {
        size_t room = w->changes_room > 0 ? 2 * w->changes_room : CHANGES_ROOM;
        struct work_change *more = realloc(w->changes, room * sizeof *more); /* what it holds of secrets are pointers */
        if (more == NULL)
            return ERR_NO_MEMORY;
        w->changes = more;
        w->changes_room = room;
    }
    *out = &w->changes[w->n_changes++];
    **out = (struct work_change){.id = id};
    return ERR_OK;
}

enum err work_put(struct work *w, const struct put *p)
{
    struct work_change *c;
    enum err e = p->n_tokens <= WORK_TOKENS_MAX ? change_new(w, p->id, &c) : ERR_LIMIT;

    if (e != ERR_OK)
        return e;
    c->put = true;
    c->kind = p->kind;
    c->version = p->version;
    c->owner = p->owner;
    c->n_tokens = p->n_tokens;
    if (p->n_tokens > 0)
        memcpy(c->tokens, p->tokens, p->n_tokens * INDEX_TOKEN_BYTES);
    return secret_copy(&c->body, p->body, p->body_bytes) ? ERR_OK : ERR_NO_MEMORY;
}

enum err work_erase(struct work *w, uint64_t id, uint64_t version)
{
    struct work_change *change;
    enum err e = change_new(w, id, &change);

    return e == ERR_OK ? work_require(w, id, version) : e;
}

enum err work_require(struct work *w, uint64_t id, uint64_t version)
{
    if (w->n_requires == WORK_CHANGES_MAX)
        return ERR_LIMIT;
    w->requires[w->n_requires].id = id;
    w->requires[w->n_requires++].version = version;
    return ERR_OK;
}

enum err work_result(struct work *w, const uint8_t *bytes, size_t n)
{
    if (n > RESULT_BYTES_MAX)
        return ERR_LIMIT;
    buffer_reset(&w->result);
    return n == 0 || buffer_put(&w->result, bytes, n) ? ERR_OK : ERR_NO_MEMORY;
}

bool work_has_change(const struct work *w)
{
    return w->n_changes > 0 || w->result.len > 0;
}

enum err work_step(struct work *w, unsigned step, const Hsm__Outcome **outcome)
{
    for (size_t i = 0; i < WORK_STEPS_MAX; i++)
        if (w->steps[i].number == step) {
            *outcome = w->steps[i].outcome;
            work_forget_changes(w);
            return ERR_OK;
        }
    w->proposed = PROPOSED_STEP;
    w->proposed_step = step;
    return ERR_PENDING;
}

enum err work_keep_step(struct work *w, Hsm__Outcome *outcome)
{
    for (size_t i = 0; i < WORK_STEPS_MAX; i++)
        if (w->steps[i].number == 0) {
            w->steps[i].number = w->proposed_step;
            w->steps[i].outcome = outcome;
            return ERR_OK;
        }
    hsm__outcome__free_unpacked(outcome, NULL);
    return ERR_BUG;
}

/* ---- the command */

/* The id under which a step goes out: the same at every retry of the request. */
static enum err step_id(struct work *w, unsigned step, uint8_t out[REQUEST_ID_BYTES])
{
    static const char label[] = "clusterhsm step";
    uint8_t text[sizeof label - 1 + REQUEST_ID_BYTES + 1], hash[32];
    size_t n = 0;

    memcpy(text, label, sizeof label - 1);
    memcpy(text + sizeof label - 1, w->request_id, REQUEST_ID_BYTES);
    text[sizeof text - 1] = (uint8_t)step;
    if (EVP_Q_digest(w->vault->libctx, "SHA256", NULL, text, sizeof text, hash, &n) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    memcpy(out, hash, REQUEST_ID_BYTES);
    return ERR_OK;
}

/* What one pass of preconditions and changes needs, beside the work. */
struct draft_command {
    Hsm__CommandBody body;
    Hsm__Precondition preconditions[FACTS_RECORDS_MAX + WORK_CHANGES_MAX];
    Hsm__Precondition *preconditions_at[FACTS_RECORDS_MAX + WORK_CHANGES_MAX];
    Hsm__Change changes[WORK_CHANGES_MAX];
    Hsm__Change *changes_at[WORK_CHANGES_MAX];
    uint8_t result[RESULT_TAG_BYTES + RESULT_BYTES_MAX];
};

static void require(struct draft_command *d, uint64_t id, uint64_t version)
{
    Hsm__Precondition *p = &d->preconditions[d->body.n_preconditions];

    for (size_t i = 0; i < d->body.n_preconditions; i++)
        if (d->preconditions[i].id == id && d->preconditions[i].version == version)
            return;
    hsm__precondition__init(p);
    p->id = id;
    p->version = version;
    d->preconditions_at[d->body.n_preconditions++] = p;
}

/* All that the decision looked at, and what it collected. */
static void fill(struct draft_command *d, struct work *w)
{
    for (size_t i = 0; i < w->facts.n_records; i++)
        if (w->facts.records[i].used)
            require(d, w->facts.records[i].id, w->facts.records[i].version);
    for (size_t i = 0; i < w->n_requires; i++)
        require(d, w->requires[i].id, w->requires[i].version);
    for (size_t i = 0; i < w->n_changes; i++) {
        Hsm__Change *c = &d->changes[i];
        hsm__change__init(c);
        if (w->changes[i].put) {
            c->of_case = HSM__CHANGE__OF_PUT;
            c->put = (ProtobufCBinaryData){.data = w->changes[i].record.data, .len = w->changes[i].record.len};
        } else {
            c->of_case = HSM__CHANGE__OF_ERASE;
            c->erase = w->changes[i].id;
        }
        d->changes_at[d->body.n_changes++] = c;
    }
}

/* Under the id of the command that they go out with: apply holds the two together. */
static enum err seal_changes(struct work *w, uint8_t id[REQUEST_ID_BYTES])
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < w->n_changes; i++) {
        struct work_change *c = &w->changes[i];
        Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
        ProtobufCBinaryData tokens[WORK_TOKENS_MAX];
        if (!c->put)
            continue;
        for (size_t j = 0; j < c->n_tokens; j++)
            tokens[j] = (ProtobufCBinaryData){.data = c->tokens[j], .len = INDEX_TOKEN_BYTES};
        h.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)w->view->cluster_id, .len = sizeof w->view->cluster_id};
        h.id = c->id;
        h.kind = c->kind;
        h.version = c->version;
        h.owner = c->owner;
        h.request_id = (ProtobufCBinaryData){.data = id, .len = REQUEST_ID_BYTES};
        h.tokens = tokens;
        h.n_tokens = c->n_tokens;
        e = record_seal(w->view->master, &h, c->body.bytes, c->body.len, &c->record);
    }
    return e;
}

enum err work_make_command(struct work *w, enum work_proposed proposed, unsigned step)
{
    struct draft_command *d;
    uint8_t id[REQUEST_ID_BYTES];
    enum err e = ERR_OK;

    if (w->view == NULL)
        return ERR_WRONG_STATE;
    memcpy(id, w->request_id, sizeof id);
    memset(w->digest, 0, sizeof w->digest);
    if (proposed == PROPOSED_STEP)
        e = step_id(w, step, id);
    else if (proposed == PROPOSED_LEASE)
        e = RAND_bytes_ex(w->vault->libctx, id, sizeof id, 0) == 1 ? ERR_OK : ERR_BUG;
    if (e == ERR_OK && proposed != PROPOSED_LEASE)
        e = work_digest(w);
    if (e == ERR_OK && (proposed == PROPOSED_STEP || proposed == PROPOSED_COMMAND))
        e = seal_changes(w, id);
    if (e != ERR_OK)
        return e;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return ERR_NO_MEMORY;
    hsm__command_body__init(&d->body);
    d->body.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)w->view->cluster_id, .len = sizeof w->view->cluster_id};
    d->body.request_id = (ProtobufCBinaryData){.data = id, .len = sizeof id};
    d->body.born_index = w->row != NULL && proposed != PROPOSED_LEASE ? w->born : w->facts.applied;
    d->body.digest = (ProtobufCBinaryData){.data = w->digest, .len = sizeof w->digest};
    d->body.preconditions = d->preconditions_at;
    d->body.changes = d->changes_at;
    if (proposed == PROPOSED_LEASE)
        d->body.lease_ids = ID_BLOCK;
    else if (proposed == PROPOSED_COMMAND || (proposed == PROPOSED_STEP && w->n_changes > 0))
        fill(d, w);
    if (proposed == PROPOSED_COMMAND) {
        d->body.result = (ProtobufCBinaryData){.data = d->result, .len = RESULT_TAG_BYTES + w->result.len};
        e = work_seal_result(w, d->result);
    }
    buffer_reset(&w->command);
    if (e == ERR_OK)
        e = command_seal(w->view->master, &d->body, &w->command);
    free(d);
    return e;
}
