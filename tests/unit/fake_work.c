#include "tests/unit/fake_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "vault/access/access.h"

enum { STEPS = 4, CACHE = 128, WANTS = 64, NEW_IDS = 8 };

struct memory_piece {
    struct memory_piece *next;
    size_t n;
    max_align_t bytes[];
};

struct work {
    struct fake *fake;
    struct fake_channel *channel;
    struct login login; /* a copy, as the engine makes one */
    const struct request *row;
    const struct operation *operation;
    uint8_t *packed;
    Hsm__Request *request;
    uint8_t id[FAKE_ID_BYTES], digest[FAKE_DIGEST_BYTES];
    enum { READY, READS, APPLIES, ENDED } state;
    bool answering;
    unsigned rounds, conflicts, conflicts_max;
    enum err verdict;
    Hsm__Reply reply;
    char detail[256];

    struct { bool there, used; uint64_t id; struct opened_record opened; Hsm__RecordHeader header; } cache[CACHE];
    size_t n_cache;
    struct { uint8_t token[INDEX_TOKEN_BYTES]; uint64_t after, ids[FIND_IDS_MAX]; size_t n; bool more; } found[WANTS];
    size_t n_found;
    uint64_t wants[WANTS];
    size_t n_wants, n_want_found;

    struct fake_command command;
    int step; /* being applied; 0: the command proper */
    struct { bool done; Hsm__Outcome outcome; } steps[STEPS];
    Hsm__Outcome outcome;
    uint64_t new_ids[NEW_IDS];
    size_t n_new_ids, at_new_id;
    struct memory_piece *memory;
    void *kept;
    void (*release)(void *);
};

static void drop_memory(struct work *w)
{
    while (w->memory != NULL) {
        struct memory_piece *m = w->memory;
        w->memory = m->next;
        memset(m->bytes, 0xdd, m->n);
        free(m);
    }
}

static void drop_records(struct work *w)
{
    for (size_t i = 0; i < w->n_cache; i++)
        secret_clear(&w->cache[i].opened.text);
    w->n_cache = w->n_found = w->n_wants = w->n_want_found = 0;
    w->rounds = 0;
}

static void drop_changes(struct work *w)
{
    for (size_t i = 0; i < w->command.n_puts; i++)
        free(w->command.puts[i].body);
    memset(&w->command, 0, sizeof w->command);
}

static void drop_command(struct work *w)
{
    drop_changes(w);
    for (size_t i = 0; i < w->n_cache; i++)
        w->cache[i].used = false;
    w->at_new_id = 0;
}

struct vault *work_vault(const struct work *w) { return w->channel->vault; }
const struct request *work_row(const struct work *w) { return w->row; }
const Hsm__Request *work_request(const struct work *w) { return w->request; }
const uint8_t *work_request_id(const struct work *w) { return w->row->effect == EFFECT_CHANGE ? w->id : NULL; }
const uint8_t *work_channel_hash(const struct work *w) { return w->channel->hash; }
struct login *work_login(struct work *w) { return &w->login; }
const Hsm__Outcome *work_outcome(const struct work *w) { return &w->outcome; }
Hsm__Reply *work_reply(struct work *w) { return &w->reply; }
void *work_kept(const struct work *w) { return w->kept; }

void work_keep(struct work *w, void *kept, void (*release)(void *kept))
{
    if (w->kept != NULL)
        w->release(w->kept);
    w->kept = kept;
    w->release = release;
}

void *work_memory(struct work *w, size_t n)
{
    struct memory_piece *m = calloc(1, sizeof *m + n);
    m->n = n;
    m->next = w->memory;
    w->memory = m;
    return m->bytes;
}

void work_detail(struct work *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->detail, sizeof w->detail, format, args);
    va_end(args);
}

void work_persist(struct work *w, unsigned misses_max)
{
    w->conflicts_max = misses_max;
}

enum err work_require(struct work *w, uint64_t id, uint64_t version)
{
    ck_assert_uint_lt(w->command.n_pre, FAKE_PRECONDITIONS);
    w->command.pre[w->command.n_pre][0] = id;
    w->command.pre[w->command.n_pre++][1] = version;
    return ERR_OK;
}

static void want(struct work *w, uint64_t id)
{
    for (size_t i = 0; i < w->n_wants; i++)
        if (w->wants[i] == id)
            return;
    ck_assert_uint_lt(w->n_wants, WANTS);
    w->wants[w->n_wants++] = id;
}

enum err work_record(struct work *w, uint64_t id, Hsm__RecordKind kind, const struct opened_record **out)
{
    for (size_t i = 0; i < w->n_cache; i++)
        if (w->cache[i].id == id) {
            w->cache[i].used = true;
            if (!w->cache[i].there || (kind != HSM__RECORD_KIND__RECORD_NONE && w->cache[i].header.kind != kind))
                return ERR_NOT_FOUND;
            *out = &w->cache[i].opened;
            return ERR_OK;
        }
    want(w, id);
    return ERR_NEED;
}

enum err work_want(struct work *w, const uint64_t *ids, size_t n)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        bool there = false;
        for (size_t j = 0; j < w->n_cache; j++)
            there = there || w->cache[j].id == ids[i];
        if (!there) {
            want(w, ids[i]);
            e = ERR_NEED;
        }
    }
    return e;
}

enum err work_lookup(struct work *w, const uint8_t token[INDEX_TOKEN_BYTES], uint64_t after, uint32_t limit, const uint64_t **ids,
                     size_t *n, bool *more)
{
    for (size_t i = 0; i < w->n_found; i++)
        if (memcmp(w->found[i].token, token, INDEX_TOKEN_BYTES) == 0 && w->found[i].after == after) {
            *ids = w->found[i].ids;
            *n = w->found[i].n < limit ? w->found[i].n : limit;
            *more = w->found[i].n > limit;
            return ERR_OK;
        }
    ck_assert_uint_lt(w->n_found + w->n_want_found, WANTS);
    memcpy(w->found[w->n_found + w->n_want_found].token, token, INDEX_TOKEN_BYTES);
    w->found[w->n_found + w->n_want_found++].after = after;
    return ERR_NEED;
}

enum err work_new_id(struct work *w, uint64_t *id)
{
    if (w->at_new_id == w->n_new_ids) {
        ck_assert_uint_lt(w->n_new_ids, NEW_IDS);
        w->new_ids[w->n_new_ids++] = w->fake->next_id++;
    }
    *id = w->new_ids[w->at_new_id++];
    return ERR_OK;
}

enum err work_put(struct work *w, const struct put *p)
{
    struct fake_change *own = &w->command.puts[w->command.n_puts++];

    ck_assert_uint_le(w->command.n_puts, FAKE_CHANGES);
    own->put = *p;
    own->put.body = own->body = malloc(p->body_bytes + 1);
    memcpy(own->body, p->body, p->body_bytes);
    if (p->n_tokens > 0)
        memcpy(own->token, p->tokens, sizeof own->token);
    own->put.tokens = (const uint8_t(*)[INDEX_TOKEN_BYTES])own->token;
    return ERR_OK;
}

enum err work_erase(struct work *w, uint64_t id, uint64_t version)
{
    w->command.erases[w->command.n_erases++] = id;
    ck_assert_uint_le(w->command.n_erases, FAKE_CHANGES);
    return work_require(w, id, version);
}

enum err work_result(struct work *w, const uint8_t *bytes, size_t n)
{
    ck_assert_uint_le(n, FAKE_RESULT_BYTES);
    memcpy(w->command.result, bytes, n);
    w->command.result_n = n;
    return ERR_OK;
}

enum err work_step(struct work *w, unsigned step, const Hsm__Outcome **outcome)
{
    ck_assert_uint_lt(step, STEPS);
    if (!w->steps[step].done) {
        w->step = (int)step;
        return ERR_PENDING;
    }
    drop_changes(w);
    *outcome = &w->steps[step].outcome;
    return ERR_OK;
}

/* ---- its moves -------------------------------------------------------------------------------------------------- */

static void sha256(const void *bytes, size_t n, uint8_t out[32])
{
    size_t len;
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, bytes, n, out, &len), 1);
}

static void command_id(const struct work *w, int step, uint8_t out[FAKE_ID_BYTES])
{
    uint8_t text[FAKE_ID_BYTES + 1], hash[32];
    memcpy(text, w->id, FAKE_ID_BYTES);
    text[FAKE_ID_BYTES] = (uint8_t)step;
    sha256(text, sizeof text, hash);
    memcpy(out, step == 0 ? w->id : hash, FAKE_ID_BYTES);
}

static void cache(struct work *w, uint64_t id)
{
    const struct fake_record *r = id != w->fake->hidden ? fake_record(w->fake, id) : NULL;
    size_t at = w->n_cache++;

    ck_assert_uint_le(w->n_cache, CACHE);
    memset(&w->cache[at], 0, sizeof w->cache[at]);
    w->cache[at].id = id;
    w->cache[at].there = r != NULL;
    if (r == NULL)
        return;
    hsm__record_header__init(&w->cache[at].header);
    w->cache[at].header.id = r->id;
    w->cache[at].header.kind = r->kind;
    w->cache[at].header.version = r->version;
    w->cache[at].opened.header = &w->cache[at].header;
    ck_assert(secret_new(&w->cache[at].opened.text, r->n + 1));
    memcpy(w->cache[at].opened.text.bytes, r->body, r->n);
    w->cache[at].opened.text.len = r->n;
}

static void forget(struct work *w, uint64_t id)
{
    for (size_t i = 0; i < w->n_cache; i++)
        if (w->cache[i].id == id) {
            secret_clear(&w->cache[i].opened.text);
            w->n_cache--;
            if (i < w->n_cache) {
                w->cache[i] = w->cache[w->n_cache];
                w->cache[i].opened.header = &w->cache[i].header;
            }
            return;
        }
}

static void read_wants(struct work *w)
{
    ck_assert_uint_le(++w->rounds, NEED_ROUNDS_MAX);
    for (size_t i = 0; i < w->n_wants; i++)
        cache(w, w->wants[i]);
    for (size_t i = 0; i < w->n_want_found; i++) {
        size_t at = w->n_found++;
        w->found[at].n = 0;
        for (size_t j = 0; j < w->fake->n_records && w->found[at].n < FIND_IDS_MAX; j++) {
            const struct fake_record *r = &w->fake->records[j];
            if (r->version != 0 && r->has_token && r->id > w->found[at].after &&
                memcmp(r->token, w->found[at].token, INDEX_TOKEN_BYTES) == 0)
                w->found[at].ids[w->found[at].n++] = r->id;
        }
    }
    w->n_wants = w->n_want_found = 0;
}

static void end(struct work *w, enum err e)
{
    w->channel->login = w->login;
    w->verdict = e;
    w->state = ENDED;
}

static void require_used(struct work *w)
{
    for (size_t i = 0; i < w->n_cache; i++)
        if (w->cache[i].used)
            work_require(w, w->cache[i].id, w->cache[i].there ? w->cache[i].header.version : 0);
}

static void think(struct work *w)
{
    enum err e;

    drop_memory(w);
    if (!w->answering)
        drop_command(w);
    w->step = 0;
    hsm__reply__init(&w->reply);
    e = w->answering ? w->operation->answer(w) : access_check(w);
    if (!w->answering && e == ERR_OK)
        e = w->operation->decide(w);
    if (e == ERR_NEED) {
        ck_assert_uint_gt(w->n_wants + w->n_want_found, 0);
        w->state = READS;
    } else if (e == ERR_PENDING) {
        ck_assert_int_ne(w->step, 0);
        command_id(w, w->step, w->command.id);
        if (w->command.n_puts + w->command.n_erases == 0)
            w->command.n_pre = 0;
        else
            require_used(w);
        w->state = APPLIES;
    } else if (e == ERR_OK && !w->answering && w->command.n_puts + w->command.n_erases + w->command.result_n > 0) {
        ck_assert_int_eq(w->row->effect, EFFECT_CHANGE);
        command_id(w, 0, w->command.id);
        require_used(w);
        w->state = APPLIES;
    } else {
        ck_assert_int_ne(e, ERR_BUG);
        end(w, e);
    }
}

static void missed(struct work *w)
{
    drop_records(w);
    if (++w->conflicts > w->conflicts_max)
        end(w, ERR_CONFLICT);
}

/* What the step has put is known without asking. */
static void step_applied(struct work *w, const Hsm__Outcome *out)
{
    w->steps[w->step].done = true;
    w->steps[w->step].outcome = *out;
    w->rounds = 0;
    for (size_t i = 0; i < w->command.n_puts; i++) {
        uint64_t id = w->command.puts[i].put.id;
        forget(w, id);
        if (out->status == HSM__OUTCOME_STATUS__OUTCOME_DONE)
            cache(w, id);
    }
}

static void applied(struct work *w, const Hsm__Outcome *out)
{
    if (out->status == HSM__OUTCOME_STATUS__OUTCOME_CONFLICT) {
        missed(w);
    } else if (out->status == HSM__OUTCOME_STATUS__OUTCOME_REFUSED) {
        end(w, (enum err)out->error);
    } else if (w->step != 0) {
        step_applied(w, out);
    } else {
        w->answering = true;
        w->outcome = *out;
    }
}

bool fake_move(struct work *w)
{
    Hsm__Outcome out;

    if (w->state == ENDED)
        return false;
    if (w->state == READY) {
        think(w);
    } else if (w->state == READS) {
        read_wants(w);
        w->state = READY;
    } else {
        w->state = READY;
        memcpy(w->command.digest, w->digest, FAKE_DIGEST_BYTES);
        fake_apply(w->fake, &w->command, &out);
        applied(w, &out);
    }
    return w->state != ENDED;
}

bool fake_proposes(const struct work *w)
{
    return w->state == APPLIES;
}

bool fake_has_done(const struct work *w, unsigned step)
{
    return w->steps[step].done;
}

static void digest_of(struct work *w)
{
    Hsm__Request copy = *w->request;
    uint64_t user_id = copy.of_case == HSM__REQUEST__OF_LOGIN ? 0 : w->login.user_id;
    Hsm__Login login;
    uint8_t packed[8192];

    if (copy.of_case == HSM__REQUEST__OF_LOGIN) {
        login = *copy.login;
        login.signature = (ProtobufCBinaryData){0};
        copy.login = &login;
    }
    ck_assert_uint_lt(hsm__request__get_packed_size(&copy), sizeof packed - 8);
    memcpy(packed, &user_id, sizeof user_id);
    sha256(packed, hsm__request__pack(&copy, packed + 8) + 8, w->digest);
}

struct work *fake_begin(struct fake *f, struct fake_channel *c, const struct operation *operation, const Hsm__Request *request,
                        const uint8_t *request_id)
{
    static uint64_t fresh;
    struct work *w = calloc(1, sizeof *w);
    size_t n = hsm__request__get_packed_size(request);
    struct fake_command asked = {0};

    w->fake = f;
    w->channel = c;
    w->conflicts_max = CONFLICT_RETRIES_MAX;
    w->login = c->login;
    w->operation = operation;
    w->packed = malloc(n + 1);
    w->request = hsm__request__unpack(NULL, hsm__request__pack(request, w->packed), w->packed);
    w->row = request_find((uint32_t)request->of_case);
    hsm__outcome__init(&w->outcome);
    fresh++;
    if (request_id != NULL)
        memcpy(w->id, request_id, FAKE_ID_BYTES);
    else
        memcpy(w->id, &fresh, sizeof fresh);
    digest_of(w);
    memcpy(asked.id, w->id, FAKE_ID_BYTES);
    memcpy(asked.digest, w->digest, FAKE_DIGEST_BYTES);
    if (w->row->effect == EFFECT_CHANGE && fake_repeated(f, &asked, &w->outcome)) {
        w->answering = true;
        if (w->outcome.status == HSM__OUTCOME_STATUS__OUTCOME_REFUSED)
            end(w, (enum err)w->outcome.error);
    }
    return w;
}

enum err fake_verdict(const struct work *w)
{
    ck_assert_int_eq(w->state, ENDED);
    return w->verdict;
}

const Hsm__Reply *fake_reply(const struct work *w)
{
    return &w->reply;
}

void fake_end(struct work *w)
{
    drop_memory(w);
    drop_records(w);
    drop_command(w);
    if (w->kept != NULL)
        w->release(w->kept);
    hsm__request__free_unpacked(w->request, NULL);
    free(w->packed);
    free(w);
}
