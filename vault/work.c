/* What a handler sees of its work (vault/work.h), and the life of the work itself. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault/work_state.h"

/* Memory of a work: wiped when a handler begins anew, and at the end. */
struct work_block {
    struct work_block *next;
    size_t n;
    max_align_t bytes[];
};

static void blocks_free(struct work *w)
{
    while (w->blocks != NULL) {
        struct work_block *b = w->blocks;
        w->blocks = b->next;
        bytes_wipe(b->bytes, b->n);
        free(b);
    }
}

struct work *work_new(struct engine *engine, struct vault *vault, uint64_t call)
{
    struct work *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->engine = engine;
    w->vault = vault;
    w->call = call;
    w->conflicts_max = CONFLICT_RETRIES_MAX;
    memory_init_wiping(&w->memory);
    return w;
}

void work_free(struct work *w)
{
    work_end(w);
    work_keep(w, NULL, NULL);
    facts_clear(&w->facts);
    work_forget_changes(w);
    buffer_clear(&w->status);
    buffer_clear(&w->command);
    buffer_clear(&w->result);
    free(w->changes);
    blocks_free(w);
    for (size_t i = 0; i < WORK_STEPS_MAX; i++)
        if (w->steps[i].outcome != NULL)
            hsm__outcome__free_unpacked(w->steps[i].outcome, NULL);
    if (w->outcome != NULL)
        hsm__outcome__free_unpacked(w->outcome, NULL);
    if (w->request != NULL)
        hsm__request__free_unpacked(w->request, &w->memory.allocator);
    if (w->node_call != NULL)
        hsm__node_call__free_unpacked(w->node_call, &w->memory.allocator);
    if (w->channel != NULL)
        channels_done(w->channel);
    free(w);
}

void work_begin(struct work *w)
{
    work_forget_changes(w);
    blocks_free(w);
    facts_unuse(&w->facts);
    diag_clear(&w->detail);
    hsm__reply__init(&w->reply);
    hsm__node_answer__init(&w->node_answer);
    w->n_ids_used = 0;
    if (w->view == NULL)
        w->view = keyring_view(w->vault->keyring);
    w->policy_known = w->view != NULL && w->view->body != NULL;
    w->policy = w->policy_known ? policy_from_wire(w->view->body->policy) : POLICY_MODERN;
}

void work_end(struct work *w)
{
    keyring_view_done(w->vault->keyring, w->view);
    w->view = NULL;
}

void work_forget_facts(struct work *w)
{
    uint64_t applied = w->facts.applied;

    facts_clear(&w->facts);
    w->facts.applied = applied;
}

/* ---- who asks, and what */

struct vault *work_vault(const struct work *w)
{
    return w->vault;
}

const struct request *work_row(const struct work *w)
{
    return w->row;
}

const Hsm__Request *work_request(const struct work *w)
{
    return w->request;
}

const uint8_t *work_request_id(const struct work *w)
{
    return w->has_id && (w->row == NULL || w->row->effect == EFFECT_CHANGE) ? w->request_id : NULL;
}

const uint8_t *work_channel_hash(const struct work *w)
{
    return channel_hash(w->channel->noise);
}

struct login *work_login(struct work *w)
{
    return &w->login;
}

enum policy work_policy(const struct work *w)
{
    return w->policy;
}

const Hsm__NodeCall *work_node_call(const struct work *w)
{
    return w->node_call;
}

const struct buffer *work_status(const struct work *w)
{
    return &w->status;
}

void work_persist(struct work *w, unsigned misses_max)
{
    w->conflicts_max = misses_max;
}

enum err work_dear(struct work *w)
{
    w->dear = true;
    return w->on_pool ? ERR_OK : ERR_PENDING;
}

enum err work_lengthy(struct work *w)
{
    w->dear = true;
    if (w->runs_lengthy)
        return ERR_OK;
    w->lengthy = true;
    return ERR_PENDING;
}

/* ---- records */

enum err work_record(struct work *w, uint64_t id, Hsm__RecordKind kind, const struct opened_record **out)
{
    struct facts_proof proof = {.view = w->view, .seen = w->vault->seen, .cache = w->vault->records};
    struct fact *r = NULL;
    enum err e;

    if (w->view == NULL)
        return ERR_WRONG_STATE;
    e = facts_record(&w->facts, &proof, id, &r);
    if (e != ERR_OK)
        return e;
    if (r->absent || (kind != HSM__RECORD_KIND__RECORD_NONE && r->record->header->kind != kind))
        return ERR_NOT_FOUND;
    *out = r->record;
    return ERR_OK;
}

enum err work_want(struct work *w, const uint64_t *ids, size_t n)
{
    enum err result = ERR_OK;

    for (size_t i = 0; i < n; i++) {
        enum err e = facts_want(&w->facts, ids[i]);
        if (e == ERR_NEED)
            result = e;
        else if (e != ERR_OK)
            return e;
    }
    return result;
}

enum err work_lookup(struct work *w, const uint8_t token[INDEX_TOKEN_BYTES], uint64_t after, uint32_t limit, const uint64_t **ids,
                     size_t *n, bool *more)
{
    const struct found *found = NULL;
    enum err e = facts_lookup(&w->facts, token, after, limit, &found);

    if (e != ERR_OK)
        return e;
    *ids = found->ids;
    *n = found->n;
    *more = found->more;
    return ERR_OK;
}

/* ---- what a handler leaves */

const Hsm__Outcome *work_outcome(const struct work *w)
{
    return w->outcome;
}

Hsm__Reply *work_reply(struct work *w)
{
    return &w->reply;
}

Hsm__NodeAnswer *work_node_answer(struct work *w)
{
    return &w->node_answer;
}

void *work_memory(struct work *w, size_t n)
{
    struct work_block *b = n <= SIZE_MAX - sizeof *b ? calloc(1, sizeof *b + n) : NULL;

    if (b == NULL)
        return NULL;
    b->next = w->blocks;
    b->n = n;
    w->blocks = b;
    return b->bytes;
}

void work_detail(struct work *w, const char *format, ...)
{
    char text[DIAG_WHAT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diag_set(&w->detail, "%s", text);
}

enum err work_explain(struct work *w, enum err e, const struct diag *why)
{
    char text[DIAG_WHAT_BYTES];

    if (e != ERR_OK && why->what[0] != '\0')
        work_detail(w, "%s", diag_text(why, text, sizeof text));
    return e;
}

void work_keep(struct work *w, void *kept, void (*release)(void *kept))
{
    if (w->kept != NULL && w->release != NULL)
        w->release(w->kept);
    w->kept = kept;
    w->release = release;
}

void *work_kept(const struct work *w)
{
    return w->kept;
}
