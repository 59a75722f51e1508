#include "tests/unit/fake_cluster.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tests/unit/runner.h"
#include "vault/access/guesses.h"
#include "vault/keyring.h"

uint64_t fake_own_ms;

enum { VIEWS = 64 };

struct fake_ring {
    uint8_t id[FAKE_ID_BYTES], digest[FAKE_DIGEST_BYTES], result[FAKE_RESULT_BYTES];
    size_t result_n;
};

/* ---- keyring -------------------------------------------------------------------------------------------------- */

struct keyring {
    struct master *master;
    struct index *index;
    struct cluster_view views[VIEWS]; /* old ones stay as they are */
    size_t n;
    int out;
};

const struct cluster_view *keyring_view(struct keyring *k)
{
    k->out++;
    return &k->views[k->n - 1];
}

void keyring_view_done(struct keyring *k, const struct cluster_view *view)
{
    k->out -= view != NULL;
}

static void view_add(struct keyring *k, const struct fake_record *r)
{
    struct cluster_view *v = &k->views[k->n++];
    ck_assert_uint_le(k->n, VIEWS);
    memcpy(v->cluster_id, "cluster of tests", sizeof v->cluster_id);
    v->master = k->master;
    v->index = k->index;
    v->body = hsm__cluster_body__unpack(NULL, r->n, r->body);
    v->version = r->version;
}

/* ---- store ------------------------------------------------------------------------------------------------------ */

struct fake_record *fake_record(struct fake *f, uint64_t id)
{
    for (size_t i = 0; i < f->n_records; i++)
        if (f->records[i].id == id && f->records[i].version != 0)
            return &f->records[i];
    return NULL;
}

static void store_put(struct fake *f, const struct put *p)
{
    struct fake_record *r = fake_record(f, p->id);
    if (r == NULL) {
        ck_assert_uint_lt(f->n_records, FAKE_RECORDS);
        r = &f->records[f->n_records++];
        *r = (struct fake_record){.id = p->id, .kind = p->kind, .owner = p->owner};
    }
    free(r->body);
    r->body = malloc(p->body_bytes + 1);
    memcpy(r->body, p->body, p->body_bytes);
    r->n = p->body_bytes;
    r->version = p->version;
    r->has_token = p->n_tokens > 0;
    if (r->has_token)
        memcpy(r->token, p->tokens[0], INDEX_TOKEN_BYTES);
    if (p->id == 1)
        view_add(f->vaults[0].keyring, r);
}

uint64_t fake_put(struct fake *f, uint64_t id, Hsm__RecordKind kind, const ProtobufCMessage *body)
{
    uint8_t packed[65536];
    struct fake_record *old = id != 0 ? fake_record(f, id) : NULL;
    struct put p = {.id = id != 0 ? id : f->next_id++, .kind = kind, .version = old != NULL ? old->version + 1 : 1, .body = packed};
    p.body_bytes = protobuf_c_message_pack(body, packed);
    store_put(f, &p);
    return p.id;
}

static uint64_t own_clock(void)
{
    return fake_own_ms;
}

void fake_init(struct fake *f, const ProtobufCBinaryData *anchors, size_t n)
{
    struct keyring *k = calloc(1, sizeof *k);
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();

    memset(f, 0, sizeof *f);
    f->next_id = 2;
    f->leader_ms = UINT64_C(1000000000000);
    f->ring = calloc(FAKE_RING, sizeof *f->ring);
    ck_assert_int_eq(master_new(libctx, &k->master), ERR_OK);
    ck_assert_int_eq(master_add(k->master, 1, NULL), ERR_OK);
    ck_assert_int_eq(index_new(k->master, &k->index), ERR_OK);
    for (int i = 0; i < FAKE_VAULTS; i++)
        f->vaults[i] = (struct vault){.libctx = libctx, .keyring = k, .guesses = guesses_new(libctx), .now_ms = own_clock};
    fake_anchors(f, anchors, n);
}

void fake_clear(struct fake *f)
{
    struct keyring *k = f->vaults[0].keyring;
    OSSL_LIB_CTX *libctx = f->vaults[0].libctx;

    ck_assert_int_eq(k->out, 0);
    for (size_t i = 0; i < k->n; i++)
        hsm__cluster_body__free_unpacked((Hsm__ClusterBody *)(uintptr_t)k->views[i].body, NULL);
    for (int i = 0; i < FAKE_VAULTS; i++)
        guesses_free(f->vaults[i].guesses);
    for (size_t i = 0; i < f->n_records; i++)
        free(f->records[i].body);
    free(f->ring);
    index_free(k->index);
    master_free(k->master);
    OSSL_LIB_CTX_free(libctx);
    free(k);
}

void fake_anchors(struct fake *f, const ProtobufCBinaryData *anchors, size_t n)
{
    struct keyring *k = f->vaults[0].keyring;
    Hsm__ClusterBody body = HSM__CLUSTER_BODY__INIT;

    if (k->n > 0)
        body = *k->views[k->n - 1].body;
    body.client_anchors = (ProtobufCBinaryData *)(uintptr_t)anchors;
    body.n_client_anchors = n;
    body.trust_epoch++;
    fake_put(f, 1, HSM__RECORD_KIND__RECORD_CLUSTER, &body.base);
}

const Hsm__ClusterBody *fake_cluster_body(struct fake *f)
{
    struct keyring *k = f->vaults[0].keyring;
    return k->views[k->n - 1].body;
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

static bool changes_are_sound(struct fake *f, const struct fake_command *c)
{
    for (size_t i = 0; i < c->n_pre; i++) {
        const struct fake_record *r = fake_record(f, c->pre[i][0]);
        if ((r != NULL ? r->version : 0) != c->pre[i][1])
            return false;
    }
    for (size_t i = 0; i < c->n_puts; i++) {
        const struct fake_record *r = fake_record(f, c->puts[i].put.id);
        if (c->puts[i].put.version != (r != NULL ? r->version : 0) + 1)
            return false;
        ck_assert(r == NULL || r->kind == c->puts[i].put.kind);
    }
    return true;
}

static bool owns(const struct fake *f, const struct fake_command *c)
{
    for (size_t i = 0; i < c->n_erases; i++)
        for (size_t j = 0; j < f->n_records; j++)
            if (f->records[j].version != 0 && f->records[j].owner == c->erases[i])
                return true;
    return false;
}

static void outcome_is(Hsm__Outcome *out, Hsm__OutcomeStatus status, enum err e)
{
    out->status = status;
    out->error = (uint32_t)e;
}

static struct fake_ring *in_ring(struct fake *f, const uint8_t *id)
{
    for (size_t i = 0; i < f->n_ring; i++)
        if (memcmp(f->ring[i].id, id, FAKE_ID_BYTES) == 0)
            return &f->ring[i];
    return NULL;
}

bool fake_repeated(struct fake *f, const struct fake_command *c, Hsm__Outcome *out)
{
    struct fake_ring *first = in_ring(f, c->id);

    hsm__outcome__init(out);
    out->leader_time_ms = f->leader_ms;
    if (first == NULL && !f->pretends_repeated)
        return false;
    outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_REPEATED, ERR_OK);
    if (first != NULL && memcmp(first->digest, c->digest, FAKE_DIGEST_BYTES) != 0)
        outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_FORGED);
    else if (first != NULL)
        out->result = (ProtobufCBinaryData){.data = first->result, .len = first->result_n};
    if (f->liar != NULL)
        f->liar(f, out);
    return true;
}

static void carry_out(struct fake *f, const struct fake_command *c, Hsm__Outcome *out)
{
    struct fake_ring *entry = &f->ring[f->n_ring++];

    ck_assert_uint_le(f->n_ring, FAKE_RING);
    f->commands++;
    for (size_t i = 0; i < c->n_puts; i++)
        store_put(f, &c->puts[i].put);
    for (size_t i = 0; i < c->n_erases; i++) {
        struct fake_record *gone = fake_record(f, c->erases[i]);
        ck_assert_ptr_nonnull(gone);
        gone->version = 0;
    }
    memcpy(entry->id, c->id, FAKE_ID_BYTES);
    memcpy(entry->digest, c->digest, FAKE_DIGEST_BYTES);
    memcpy(entry->result, c->result, c->result_n);
    entry->result_n = c->result_n;
    outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_DONE, ERR_OK);
    out->result = (ProtobufCBinaryData){.data = entry->result, .len = entry->result_n};
}

void fake_apply(struct fake *f, const struct fake_command *c, Hsm__Outcome *out)
{
    if (fake_repeated(f, c, out))
        return;
    if (f->pretends_done) {
        outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_DONE, ERR_OK);
        out->result = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)c->result, .len = c->result_n};
    } else if (!changes_are_sound(f, c)) {
        f->conflicts++;
        outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, ERR_CONFLICT);
    } else if (owns(f, c)) {
        outcome_is(out, HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_USER_OWNS_KEYS);
    } else {
        carry_out(f, c, out);
    }
    if (f->liar != NULL)
        f->liar(f, out);
}
