/* A cluster that may be wiped is wiped (C_InitToken of an active one, PKCS #11 3.1 section 5.5.7): all token objects of crypto
 * users go, public ones too, and then the users. Admins, what they have stated (validation objects), nodes, anchors and the
 * policy stay.
 *
 * Each request does a bounded part, by what it finds, and says whether there is more; so it may be repeated by anybody, at any
 * node:
 *   begin    the cluster record says that it is being wiped. From that version on no crypto user is served (access_check), and as
 *            every change requires the version that it was judged by, nothing more can come of what is under way
 *   objects  up to WIPE_OBJECTS_MAX of some users, whatever their CKA_DESTROYABLE says: that is about C_DestroyObject, and an
 *            object whose owner is gone would be nobody's for ever
 *   users    who have none left, which apply sees to: up to WIPE_USERS_MAX
 *   end      there is no crypto user: the record says so
 * A front that hides objects from its vault gains nothing: their owner is not deleted then, by any honest node. */
#include "common/buffer.h"
#include "proto/limits.h"
#include "vault/access/access.h"
#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/index.h"
#include "vault/keyring.h"
#include "vault/node/cluster_body.h"
#include "vault/object/key_cache.h"
#include "vault/operation/operation.h"

enum { SCOPES_MAX = WIPE_USERS_MAX + 1, ID_BYTES = 8 };

_Static_assert(WIPE_OBJECTS_MAX + VALIDATIONS_MAX <= NEED_IDS_MAX, "what is destroyed and what is passed over are asked for at once");

/* What one request does. */
struct part {
    bool more;
    uint8_t users;
    size_t n;
    uint64_t ids[WIPE_OBJECTS_MAX]; /* of objects */
};

/* ---- what the command carries, so that a retry is answered alike */

static enum err part_put(struct work *w, const struct part *p)
{
    struct buffer bytes = {0};
    enum err e;

    buffer_put_u8(&bytes, p->more);
    buffer_put_u8(&bytes, p->users);
    for (size_t i = 0; i < p->n; i++)
        buffer_put_u64(&bytes, p->ids[i]);
    e = bytes.failed ? ERR_NO_MEMORY : work_result(w, bytes.data, bytes.len);
    buffer_clear(&bytes);
    return e;
}

static enum err part_get(struct work *w, struct part *p)
{
    const Hsm__Outcome *outcome = work_outcome(w);
    struct cursor c;

    if (outcome->result.len < 2 || (outcome->result.len - 2) % ID_BYTES != 0 || (outcome->result.len - 2) / ID_BYTES > WIPE_OBJECTS_MAX)
        return ERR_CORRUPT;
    cursor_init(&c, outcome->result.data, outcome->result.len);
    p->more = cursor_u8(&c) != 0;
    p->users = cursor_u8(&c);
    p->n = (outcome->result.len - 2) / ID_BYTES;
    for (size_t i = 0; i < p->n; i++)
        p->ids[i] = cursor_u64(&c);
    return ERR_OK;
}

/* ---- objects */

struct listing {
    const uint64_t *ids;
    size_t n;
};

/* All objects of a scope, as many as fit; all scopes are asked for before the first ERR_NEED is told. */
static enum err look_up(struct work *w, const uint64_t *scopes, size_t n, struct listing *lists)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    enum err e = ERR_OK, worst = ERR_OK;

    if (view == NULL)
        return ERR_WRONG_STATE;
    for (size_t i = 0; i < n && (worst == ERR_OK || worst == ERR_NEED); i++) {
        uint8_t token[INDEX_TOKEN_BYTES];
        bool more;
        if ((e = index_token(view->index, scopes[i], INDEX_ALL, NULL, 0, token)) == ERR_OK)
            e = work_lookup(w, token, 0, FIND_IDS_MAX, &lists[i].ids, &lists[i].n, &more);
        if (e != ERR_OK)
            worst = e;
    }
    keyring_view_done(work_vault(w)->keyring, view);
    return worst;
}

/* Erases those of the candidates that are somebody's. What is nobody's is a validation object, and an admin's to remove. Where there is not
 * one of them to erase and the candidates may not be all, nothing can be said. */
static enum err erase_objects(struct work *w, const uint64_t *ids, size_t n, struct part *p)
{
    size_t nobodys = 0;
    enum err e = work_want(w, ids, n);

    for (size_t i = 0; i < n && e == ERR_OK && p->n < WIPE_OBJECTS_MAX; i++) {
        const struct opened_record *record = NULL;
        e = work_record(w, ids[i], HSM__RECORD_KIND__RECORD_OBJECT, &record);
        if (e == ERR_NOT_FOUND) {
            e = ERR_OK; /* gone since the index was read, or the front has made the id up */
        } else if (e == ERR_OK && record->header->owner == 0) {
            nobodys++;
        } else if (e == ERR_OK) {
            p->ids[p->n++] = ids[i];
            e = work_erase(w, ids[i], record->header->version);
        }
    }
    if (e != ERR_OK || p->n > 0 || n < NEED_IDS_MAX)
        return e;
    if (nobodys < n)
        return ERR_CONFLICT; /* another's request has been faster */
    work_detail(w, "there are more than %u validation objects: remove some (hsmctl validation remove)", VALIDATIONS_MAX);
    return ERR_LIMIT;
}

static enum err destroy(struct work *w, const Hsm__UserEntry *const *users, size_t n, struct part *p)
{
    uint64_t scopes[SCOPES_MAX] = {INDEX_PUBLIC}, ids[NEED_IDS_MAX];
    struct listing lists[SCOPES_MAX] = {{NULL, 0}};
    size_t n_ids = 0;
    enum err e;

    for (size_t i = 0; i < n; i++)
        scopes[i + 1] = users[i]->id;
    if ((e = look_up(w, scopes, n + 1, lists)) != ERR_OK)
        return e;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j < lists[i].n && n_ids < NEED_IDS_MAX; j++)
            ids[n_ids++] = lists[i].ids[j];
    return erase_objects(w, ids, n_ids, p);
}

/* ---- the parts */

static enum err begin(struct work *w, Hsm__ClusterBody *body, uint64_t version)
{
    const struct part p = {.more = true};
    enum err e;

    body->wiping = true;
    e = cluster_body_put(w, body, version + 1);
    return e == ERR_OK ? part_put(w, &p) : e;
}

static enum err end(struct work *w, Hsm__ClusterBody *body, uint64_t version)
{
    const struct part p = {.more = false};
    enum err e;

    body->wiping = false;
    e = cluster_body_put(w, body, version + 1);
    return e == ERR_OK ? part_put(w, &p) : e;
}

static enum err go_on(struct work *w, Hsm__ClusterBody *body, uint64_t version)
{
    const Hsm__UserEntry *users[WIPE_USERS_MAX];
    struct part p = {.more = true};
    struct users all;
    size_t n = 0;
    enum err e = users_read(w, &all);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < all.body->n_users && n < WIPE_USERS_MAX; i++)
        if (!all.body->users[i]->admin)
            users[n++] = all.body->users[i];
    if ((e = destroy(w, users, n, &p)) != ERR_OK)
        return e;
    if (p.n == 0 && n == 0)
        return end(w, body, version);
    if (p.n == 0) {
        p.users = (uint8_t)n;
        e = users_erase(w, &all, users, n);
    }
    return e == ERR_OK ? part_put(w, &p) : e;
}

enum err op_wipe_decide(struct work *w)
{
    Hsm__ClusterBody *body = NULL;
    uint64_t version;
    enum err e;

    work_persist(w, WIPE_MISSES_MAX);
    if ((e = cluster_body_read(w, &body, &version)) != ERR_OK)
        return e;
    if (!body->wipeable) {
        work_detail(w, "this cluster cannot be wiped: that is said when a cluster is activated, and never later");
        e = ERR_WRONG_STATE;
    } else {
        e = body->wiping ? go_on(w, body, version) : begin(w, body, version);
    }
    hsm__cluster_body__free_unpacked(body, NULL);
    return e;
}

enum err op_wipe_answer(struct work *w)
{
    Hsm__WipeReply *reply = work_memory(w, sizeof *reply);
    struct part p = {.n = 0};
    enum err e = reply != NULL ? part_get(w, &p) : ERR_NO_MEMORY;

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < p.n; i++)
        key_cache_forget(work_vault(w)->key_cache, p.ids[i]);
    hsm__wipe_reply__init(reply);
    reply->more = p.more;
    reply->objects = (uint32_t)p.n;
    reply->users = p.users;
    work_reply(w)->of_case = HSM__REPLY__OF_WIPE;
    work_reply(w)->wipe = reply;
    return ERR_OK;
}
