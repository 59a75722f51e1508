/* One vault thread's calls and answers.
 *
 *   request -> channel opened -> work -> run -> need    -> facts   -> run ...
 *   node    ->                   work           propose -> outcome -> run ...
 *                                               job (pool)         -> run ...
 *                                               reply, node: the last word, the work is gone
 *
 * A work stands in the place that its call's number names, modulo VAULT_PENDING_MAX; a second call for a taken place is refused. */
#include "vault/engine.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "common/log.h"
#include "proto/frame.pb-c.h"
#include "vault/command.h"
#include "vault/work_state.h"

struct engine {
    struct engine_setup setup;
    struct channels *channels;
    struct work *works[VAULT_PENDING_MAX];
};

struct engine_job {
    struct work *work;
};

enum err engine_new(const struct engine_setup *setup, struct engine **out)
{
    struct engine *e = calloc(1, sizeof *e);

    if (e != NULL)
        e->channels = channels_new();
    if (e == NULL || e->channels == NULL) {
        free(e);
        return ERR_NO_MEMORY;
    }
    e->setup = *setup;
    *out = e;
    return ERR_OK;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < VAULT_PENDING_MAX; i++)
        if (e->works[i] != NULL)
            work_free(e->works[i]);
    channels_free(e->channels);
    free(e);
}

/* ---- answers */

static void answer(struct engine *e, uint64_t call, Hsm__VaultAnswer *a)
{
    a->call = call;
    e->setup.answer(e->setup.arg, a);
}

static void answer_refused(struct engine *e, uint64_t call, enum err why)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Refused refused = HSM__REFUSED__INIT;

    refused.error = (uint32_t)why;
    a.of_case = HSM__VAULT_ANSWER__OF_REFUSED;
    a.refused = &refused;
    answer(e, call, &a);
}

static void answer_dropped(struct engine *e, uint64_t call)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Empty2 nothing = HSM__EMPTY2__INIT;

    a.of_case = HSM__VAULT_ANSWER__OF_DROPPED;
    a.dropped = &nothing;
    answer(e, call, &a);
}

static void answer_need(struct engine *e, struct work *w)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Need need = HSM__NEED__INIT;
    Hsm__Lookup lookups[FACTS_LOOKUPS_MAX], *at[FACTS_LOOKUPS_MAX];

    need.ids = w->facts.wanted;
    need.n_ids = w->facts.n_wanted;
    need.lookups = at;
    for (size_t i = 0; i < w->facts.n_lookups; i++) {
        struct found *f = &w->facts.lookups[i];
        Hsm__Lookup *l = &lookups[need.n_lookups];
        if (f->known)
            continue;
        hsm__lookup__init(l);
        l->token = (ProtobufCBinaryData){.data = f->token, .len = sizeof f->token};
        l->after = f->after;
        l->limit = f->limit;
        at[need.n_lookups++] = l;
    }
    a.of_case = HSM__VAULT_ANSWER__OF_NEED;
    a.need = &need;
    w->waits = WAITS_FOR_FACTS;
    answer(e, w->call, &a);
}

static void answer_propose(struct engine *e, struct work *w)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Propose propose = HSM__PROPOSE__INIT;

    propose.command = (ProtobufCBinaryData){.data = w->command.data, .len = w->command.len};
    a.of_case = HSM__VAULT_ANSWER__OF_PROPOSE;
    a.propose = &propose;
    w->waits = WAITS_FOR_OUTCOME;
    answer(e, w->call, &a);
}

/* ---- the last word */

enum { REPLY_BYTES_MAX = FRAME_BYTES_MAX - FRAME_HEADER_BYTES_MAX - 256 };

/* Seals the reply for its client. */
static enum err seal_reply(struct work *w, enum err verdict, struct buffer *out)
{
    struct secret text = {0};
    enum err e;
    size_t n;

    if (verdict != ERR_OK) {
        const uint32_t which = w->reply.which;
        hsm__reply__init(&w->reply);
        w->reply.which = which;
    }
    w->reply.error = (uint32_t)verdict;
    w->reply.detail = w->detail.what;
    w->reply.applied = w->facts.applied;
    w->reply.policy = w->policy_known ? w->policy + 1u : 0;
    n = hsm__reply__get_packed_size(&w->reply);
    if (n > REPLY_BYTES_MAX && verdict == ERR_OK) {
        work_detail(w, "the answer has %zu bytes, the limit is %u", n, (unsigned)REPLY_BYTES_MAX);
        return seal_reply(w, ERR_TOO_LARGE, out);
    }
    e = secret_new(&text, n > 0 ? n : 1) ? ERR_OK : ERR_NO_MEMORY;
    if (e == ERR_OK) {
        hsm__reply__pack(&w->reply, text.bytes);
        e = channel_seal_reply(w->channel->noise, w->counter, text.bytes, n, out);
    }
    secret_clear(&text);
    return e;
}

/* After a change its command has said the rest. But a key that the answer uses, or an object that it tells of, is good
 * as of now only, not as of the moment of the change or of one before it: what the command has not made itself is looked
 * at again like a reading's. So whichever handler comes to a key in its answer, it cannot forget that. */
static bool is_rested_on(const struct work *w, const struct fact *r)
{
    if (!w->answering)
        return r->used;
    return r->used && !r->own && (r->absent || r->record->header->kind == HSM__RECORD_KIND__RECORD_OBJECT);
}

/* What the verdict rests on. */
static size_t list_used(const struct work *w, Hsm__Used *used, Hsm__Used **at)
{
    size_t n = 0;

    for (size_t i = 0; i < w->facts.n_records; i++) {
        if (!is_rested_on(w, &w->facts.records[i]))
            continue;
        hsm__used__init(&used[n]);
        used[n].id = w->facts.records[i].id;
        used[n].version = w->facts.records[i].version;
        at[n] = &used[n];
        n++;
    }
    return n;
}

static void reply(struct engine *e, struct work *w, enum err verdict)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Sealed sealed = HSM__SEALED__INIT;
    Hsm__Used used[FACTS_RECORDS_MAX], *at[FACTS_RECORDS_MAX];
    struct buffer body = {0};
    enum err failed = w->channel->closed ? ERR_CHANNEL_UNKNOWN : seal_reply(w, verdict, &body);

    if (failed == ERR_OK) {
        sealed.body = (ProtobufCBinaryData){.data = body.data, .len = body.len};
        sealed.used = at;
        sealed.n_used = list_used(w, used, at);
        a.of_case = HSM__VAULT_ANSWER__OF_REPLY;
        a.reply = &sealed;
        answer(e, w->call, &a);
    } else {
        answer_refused(e, w->call, failed);
    }
    buffer_clear(&body);
}

static void answer_node(struct engine *e, struct work *w, enum err verdict)
{
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;

    w->node_answer.error = (uint32_t)verdict;
    w->node_answer.detail = w->detail.what;
    a.of_case = HSM__VAULT_ANSWER__OF_NODE;
    a.node = &w->node_answer;
    answer(e, w->call, &a);
}

static void end(struct engine *e, struct work *w)
{
    e->works[w->call % VAULT_PENDING_MAX] = NULL;
    work_free(w);
}

/* Login and resume put their login into the channel. All others can only have found that the one they came with holds no more, or holds
 * anew: that is nothing to say of another that has taken its place meanwhile. */
static void keep_login(struct work *w)
{
    bool own = w->row->number == REQUEST_login || w->row->number == REQUEST_resume;

    if (memcmp(&w->login, &w->login_before, sizeof w->login) != 0 &&
        (own || memcmp(&w->channel->login, &w->login_before, sizeof w->login) == 0))
        w->channel->login = w->login;
}

static void finish(struct engine *e, struct work *w, enum err verdict)
{
    if (verdict == ERR_BUG)
        log_error("work_bug", "request=%s", w->row != NULL ? w->row->name : "node");
    if (w->channel == NULL) {
        answer_node(e, w, verdict);
    } else {
        keep_login(w);
        reply(e, w, verdict);
    }
    end(e, w);
}

/* ---- running */

static void advance(struct engine *e, struct work *w);

/* After a run. */
static void go_on(struct engine *e, struct work *w, enum err verdict)
{
    if (verdict == ERR_NEED && !facts_wants(&w->facts))
        finish(e, w, ERR_BUG);
    else if (verdict == ERR_NEED && w->rounds++ < NEED_ROUNDS_MAX)
        answer_need(e, w);
    else if (verdict == ERR_PENDING && w->proposed != PROPOSED_NOTHING)
        answer_propose(e, w);
    else if (verdict == ERR_PENDING)
        advance(e, w);
    else
        finish(e, w, verdict == ERR_NEED ? ERR_LIMIT : verdict);
}

bool engine_job_is_lengthy(const struct engine_job *job)
{
    return job->work->runs_lengthy;
}

void engine_job_run(struct engine_job *job)
{
    struct work *w = job->work;

    /* Nobody waits for it any more: what it would take the others need. */
    w->job_result = atomic_load(&w->dropped) ? ERR_BUSY : work_run(w, w->parts);
}

void engine_job_done(struct engine_job *job)
{
    struct work *w = job->work;
    struct engine *e = w->engine;

    free(job);
    w->on_pool = false;
    w->waits = WAITS_FOR_NOTHING;
    if (!w->dropped) {
        go_on(e, w, w->job_result);
        return;
    }
    answer_dropped(e, w->call);
    end(e, w);
}

void engine_job_drop(struct engine_job *job)
{
    job->work->on_pool = false;
    job->work->waits = WAITS_FOR_NOTHING;
    free(job);
}

/* One user's, by whichever channel. Those that the front has forgotten keep their places until their turn comes, so they count. */
static bool waits_with_too_many(const struct engine *e, const struct work *w)
{
    size_t n = 0;

    for (size_t i = 0; i < VAULT_PENDING_MAX; i++) {
        const struct work *other = e->works[i];
        n += other != NULL && other->runs_lengthy && other->waits == WAITS_FOR_JOB &&
             other->login_before.user_id == w->login_before.user_id; /* `login` is the pool's now */
    }
    return n >= LENGTHY_PENDING_MAX;
}

static void advance(struct engine *e, struct work *w)
{
    struct engine_job *job;

    if (w->lengthy && waits_with_too_many(e, w)) {
        finish(e, w, ERR_BUSY);
        return;
    }
    w->runs_lengthy = w->lengthy;
    w->lengthy = false;
    if (!w->dear || e->setup.defer == NULL) {
        w->on_pool = w->dear;
        w->job_result = work_run(w, e->setup.parts);
        w->on_pool = false;
        go_on(e, w, w->job_result);
        return;
    }
    job = malloc(sizeof *job);
    if (job == NULL) {
        finish(e, w, ERR_NO_MEMORY);
        return;
    }
    job->work = w;
    w->waits = WAITS_FOR_JOB;
    w->on_pool = true;
    e->setup.defer(e->setup.arg, job);
}

/* ---- calls */

/* A work in the call's place; NULL and the call is refused. */
static struct work *begin(struct engine *e, uint64_t call)
{
    struct work **place = &e->works[call % VAULT_PENDING_MAX];
    struct work *w = *place == NULL ? work_new(e, e->setup.vault, call) : NULL;

    if (w == NULL) {
        answer_refused(e, call, *place != NULL ? ERR_LIMIT : ERR_NO_MEMORY);
        return NULL;
    }
    w->parts = e->setup.parts;
    *place = w;
    return w;
}

static void refuse(struct engine *e, struct work *w, enum err why)
{
    answer_refused(e, w->call, why);
    end(e, w);
}

/* The open header: as the client sealed it, or the body will not open. */
static enum err read_header(struct work *w, const Hsm__RequestCall *call)
{
    Hsm__FrameHeader *h = hsm__frame_header__unpack(NULL, call->header.len, call->header.data);
    enum err e = ERR_MALFORMED;

    if (h != NULL && h->kind == HSM__FRAME_KIND__FRAME_REQUEST) {
        w->row = request_find(h->request);
        w->operation = w->row != NULL ? w->parts->operation(h->request) : NULL;
        w->counter = h->counter;
        w->born = h->born_index;
        w->has_id = h->request_id.len == REQUEST_ID_BYTES;
        if (w->has_id)
            memcpy(w->request_id, h->request_id.data, REQUEST_ID_BYTES);
        if (w->operation != NULL && (w->has_id || w->row->effect != EFFECT_CHANGE))
            e = ERR_OK;
    }
    if (h != NULL)
        hsm__frame_header__free_unpacked(h, NULL);
    return e;
}

static enum err read_request(struct work *w, const Hsm__RequestCall *call)
{
    struct secret text = {0};
    enum err e = read_header(w, call);

    if (e == ERR_OK)
        e = channel_open(w->channel->noise, w->counter, call->header.data, call->header.len, call->body.data, call->body.len, &text);
    if (e == ERR_OK) {
        w->memory.left = REQUEST_MEMORY_BYTES_MAX; /* nobody has been asked yet whether he may ask, and it may wait for the pool */
        w->request = hsm__request__unpack(&w->memory.allocator, text.len, text.bytes);
        if (w->request == NULL)
            e = w->memory.beyond ? ERR_TOO_LARGE : w->memory.failed ? ERR_NO_MEMORY : ERR_MALFORMED;
        else if ((uint32_t)w->request->of_case != w->row->number)
            e = ERR_MALFORMED;
    }
    secret_clear(&text);
    return e;
}

static void on_request(struct engine *e, uint64_t number, const Hsm__RequestCall *call)
{
    struct work *w = begin(e, number);
    enum err failed;

    if (w == NULL)
        return;
    w->channel = channels_hold(e->channels, call->connection);
    failed = w->channel != NULL ? read_request(w, call) : ERR_CHANNEL_UNKNOWN;
    if (failed == ERR_OK && call->facts != NULL) {
        failed = work_take_facts(w, call->facts);
        failed = failed == ERR_PENDING ? ERR_OK : failed;
        w->repeats = call->facts->repeated_id && w->row->effect == EFFECT_CHANGE;
    }
    if (failed != ERR_OK) {
        refuse(e, w, failed);
        return;
    }
    w->login_before = w->login = w->channel->login;
    w->dear = w->row->cost == COST_DEAR;
    advance(e, w);
}

/* The call lives no longer than engine_call: the work has a copy. */
static enum err copy_node_call(struct work *w, const Hsm__NodeCall *call)
{
    struct secret packed = {0};
    size_t n = hsm__node_call__get_packed_size(call);

    if (!secret_new(&packed, n > 0 ? n : 1))
        return ERR_NO_MEMORY;
    hsm__node_call__pack(call, packed.bytes);
    w->node_call = hsm__node_call__unpack(&w->memory.allocator, n, packed.bytes);
    secret_clear(&packed);
    return w->node_call != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static void on_node(struct engine *e, uint64_t number, const Hsm__NodeCall *call)
{
    struct work *w = begin(e, number);
    enum err failed;

    if (w == NULL)
        return;
    w->operation = w->parts->node((uint32_t)call->of_case);
    failed = w->operation != NULL ? copy_node_call(w, call) : ERR_MALFORMED;
    w->has_id = RAND_bytes_ex(w->vault->libctx, w->request_id, sizeof w->request_id, 0) == 1;
    if (failed == ERR_OK && !w->has_id) {
        ERR_clear_error();
        failed = ERR_BUG;
    }
    if (failed != ERR_OK)
        refuse(e, w, failed);
    else
        advance(e, w);
}

static void on_channel_open(struct engine *e, uint64_t number, const Hsm__ChannelOpen *call)
{
    const struct cluster_view *view = keyring_view(e->setup.vault->keyring);
    struct channel_setup setup = {.libctx = e->setup.vault->libctx, .prologue = CHANNEL_PROLOGUE,
                                  .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Opened opened = HSM__OPENED__INIT;
    struct buffer message = {0};
    struct channel *noise = NULL;
    enum err failed = view != NULL ? ERR_OK : ERR_VAULT_LOCKED;

    if (failed == ERR_OK) {
        setup.server_private = view->login_private;
        failed = channel_new(&setup, &noise);
    }
    if (failed == ERR_OK)
        failed = channel_accept(noise, call->message.data, call->message.len, NULL, NULL, 0, &message);
    keyring_view_done(e->setup.vault->keyring, view);
    if (failed == ERR_OK)
        failed = channels_put(e->channels, call->connection, noise);
    else
        channel_free(noise);
    if (failed == ERR_OK) {
        opened.message = (ProtobufCBinaryData){.data = message.data, .len = message.len};
        a.of_case = HSM__VAULT_ANSWER__OF_OPENED;
        a.opened = &opened;
        answer(e, number, &a);
    } else {
        answer_refused(e, number, failed);
    }
    buffer_clear(&message);
}

static void on_check(struct engine *e, uint64_t number, const Hsm__CheckBatch *call)
{
    const struct cluster_view *view = keyring_view(e->setup.vault->keyring);
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;
    Hsm__Verdict verdict = HSM__VERDICT__INIT;
    struct buffer good = {0};
    enum err failed = view != NULL ? command_check_batch(view->master, call, &good) : ERR_VAULT_LOCKED;

    keyring_view_done(e->setup.vault->keyring, view);
    if (failed == ERR_OK) {
        verdict.good = (ProtobufCBinaryData){.data = good.data, .len = good.len};
        a.of_case = HSM__VAULT_ANSWER__OF_VERDICT;
        a.verdict = &verdict;
        answer(e, number, &a);
    } else {
        answer_refused(e, number, failed);
    }
    buffer_clear(&good);
}

/* The work that waits for this; NULL: it has had its last word. */
static struct work *waiting(struct engine *e, uint64_t number, enum work_waits waits)
{
    struct work *w = e->works[number % VAULT_PENDING_MAX];

    return w != NULL && w->call == number && w->waits == waits ? w : NULL;
}

static void take(struct engine *e, struct work *w, enum err verdict)
{
    w->waits = WAITS_FOR_NOTHING;
    if (verdict == ERR_PENDING)
        advance(e, w);
    else
        finish(e, w, verdict);
}

static void on_drop(struct engine *e, uint64_t number)
{
    struct work *w = e->works[number % VAULT_PENDING_MAX];

    if (w != NULL && w->call == number && w->waits == WAITS_FOR_JOB) {
        w->dropped = true;
        return;
    }
    if (w != NULL && w->call == number)
        end(e, w);
    answer_dropped(e, number);
}

void engine_call(struct engine *e, const Hsm__VaultCall *call)
{
    struct work *w;

    switch (call->of_case) {
    case HSM__VAULT_CALL__OF_CHANNEL_OPEN:
        on_channel_open(e, call->call, call->channel_open);
        break;
    case HSM__VAULT_CALL__OF_CHANNEL_CLOSE:
        channels_close(e->channels, call->channel_close->connection);
        answer_dropped(e, call->call);
        break;
    case HSM__VAULT_CALL__OF_REQUEST:
        on_request(e, call->call, call->request);
        break;
    case HSM__VAULT_CALL__OF_FACTS:
        if ((w = waiting(e, call->call, WAITS_FOR_FACTS)) != NULL)
            take(e, w, work_take_facts(w, call->facts));
        break;
    case HSM__VAULT_CALL__OF_OUTCOME:
        if ((w = waiting(e, call->call, WAITS_FOR_OUTCOME)) != NULL)
            take(e, w, work_take_outcome(w, call->outcome));
        break;
    case HSM__VAULT_CALL__OF_CHECK:
        on_check(e, call->call, call->check);
        break;
    case HSM__VAULT_CALL__OF_DROP:
        on_drop(e, call->call);
        break;
    case HSM__VAULT_CALL__OF_NODE:
        on_node(e, call->call, call->node);
        break;
    case HSM__VAULT_CALL__OF__NOT_SET:
    case _HSM__VAULT_CALL__OF__CASE_IS_INT_SIZE:
    default:
        answer_refused(e, call->call, ERR_MALFORMED);
    }
}
