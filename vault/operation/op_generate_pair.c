/* C_GenerateKeyPair. Each half is a token or a session object by its own template. The result of the change is the
 * ids of those that are in the token; a public session object of a private token key is made again from the private
 * one, also for a retry that finds the change done. */
#include "vault/object/material.h"
#include "vault/object/pair.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"

enum { HALVES = 2 };

static void release_key(void *key)
{
    key_free(key);
}

static enum err read_call(struct work *w, struct pair *p)
{
    const Hsm__Mechanism *given = work_request(w)->generate_pair->mechanism;
    const struct mechanism *row;
    struct diag why = {0};
    enum err e = permitted_mechanism(w, given, CKF_GENERATE_KEY_PAIR, &row);

    if (e == ERR_OK)
        e = work_explain(w, pair_read(work_vault(w)->libctx, work_request(w)->generate_pair, reply_memory(w), p, &why), &why);
    if (e == ERR_OK)
        e = permitted_row(w, p->proper);
    return e == ERR_OK && p->bits > 0 ? permitted_size(w, row, p->bits) : e;
}

static enum err generate(struct work *w, const struct pair *p, struct key **out)
{
    enum err e = p->bits > WORK_BRIEF_BITS_MAX ? work_lengthy(w) : ERR_OK;

    if (e == ERR_OK && (e = pair_generate(work_vault(w)->libctx, p, out)) == ERR_OK)
        work_keep(w, *out, release_key);
    return e;
}

static enum err complete(struct work *w, struct pair_half *half, const struct key *k)
{
    struct diag why = {0};

    return work_explain(w, pair_complete(half, k, &why), &why);
}

enum err op_generate_pair_decide(struct work *w)
{
    struct key *k = work_kept(w);
    Hsm__ObjectsReply *reply;
    struct pair p;
    uint64_t ids[HALVES];
    size_t n = 0;
    enum err e = read_call(w, &p);

    if (e == ERR_OK && k == NULL)
        e = generate(w, &p, &k);
    if (e == ERR_OK)
        e = complete(w, &p.public_half, k);
    if (e == ERR_OK)
        e = complete(w, &p.private_half, k);
    if (e == ERR_OK && p.public_half.token && (e = reply_store(w, &p.public_half.object, &ids[n])) == ERR_OK)
        n++;
    if (e == ERR_OK && p.private_half.token && (e = reply_store(w, &p.private_half.object, &ids[n])) == ERR_OK)
        n++;
    if (e != ERR_OK)
        return e;
    if (n > 0)
        return reply_ids_put(w, ids, n);
    if ((e = reply_objects(w, HALVES, &reply)) == ERR_OK && (e = reply_add_session(w, reply,
                                                                                   &p.public_half.object)) == ERR_OK)
        e = reply_add_session(w, reply, &p.private_half.object);
    return e;
}

/* The public session object of the private key under `id`. */
static enum err add_public_of(struct work *w, Hsm__ObjectsReply *reply, uint64_t id)
{
    const struct opened_record *record;
    struct key *k = NULL;
    struct object private_object;
    struct pair p;
    enum err e = reply_find(w, id, &record, &private_object);

    if (e == ERR_NOT_FOUND)
        return ERR_OBJECT_HANDLE; /* deleted since, and its public half was never told */
    if (e == ERR_OK && (e = read_call(w, &p)) == ERR_OK &&
        (e = material_load(work_vault(w)->libctx, &private_object, &k)) == ERR_OK &&
        (e = complete(w, &p.public_half, k)) == ERR_OK)
        e = reply_add_session(w, reply, &p.public_half.object);
    key_free(k);
    return e;
}

enum err op_generate_pair_answer(struct work *w)
{
    Hsm__ObjectsReply *reply;
    uint64_t ids[HALVES] = {0};
    size_t n = 0;
    enum err e = reply_ids_get(w, ids, HALVES, &n);

    if (e == ERR_OK)
        e = work_want(w, ids, n);
    if (e == ERR_OK)
        e = reply_objects(w, HALVES, &reply);
    if (e == ERR_OK && n == 1)
        e = add_public_of(w, reply, ids[0]);
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = reply_add_made(w, reply, ids[i]);
    return e;
}
