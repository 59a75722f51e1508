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
 * Only a request that names the record's version begins: one that a front has held back, or of a second client that has not
 * heard of the end yet, does nothing to a cluster that is used anew. Until the end wipe_forbid calls it off, and only that.
 * A front that hides objects from its vault gains nothing: their owner is not deleted then, by any honest node.
 *
 * After each miss all is read anew, and in no more rounds than NEED_ROUNDS_MAX: who asks (access_check); the cluster record and
 * the list of users; their objects' ids, with the first objects and the users' records; the other objects. */
#include <string.h>

#include "proto/limits.h"
#include "proto/record_id.h"
#include "vault/access/access.h"
#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/index.h"
#include "vault/keyring.h"
#include "vault/node/cluster_body.h"
#include "vault/object/key_cache.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"

enum { SCOPES_MAX = WIPE_USERS_MAX + 1, PART_NUMBERS = 2 };

_Static_assert(WIPE_OBJECTS_MAX + VALIDATIONS_MAX <= NEED_IDS_MAX, "what is destroyed and what is passed over are asked for at once");

/* What one request does. */
struct part {
    bool more;
    uint64_t users;
    size_t n;
    uint64_t ids[WIPE_OBJECTS_MAX]; /* of objects */
};

/* ---- what the command carries, so that a retry is answered alike: two numbers, and the objects' ids */

static enum err part_put(struct work *w, const struct part *p)
{
    uint64_t numbers[PART_NUMBERS + WIPE_OBJECTS_MAX] = {p->more, p->users};

    memcpy(numbers + PART_NUMBERS, p->ids, p->n * sizeof p->ids[0]);
    return reply_ids_put(w, numbers, PART_NUMBERS + p->n);
}

static enum err part_get(struct work *w, struct part *p)
{
    uint64_t numbers[PART_NUMBERS + WIPE_OBJECTS_MAX];
    size_t n = 0;
    enum err e = reply_ids_get(w, numbers, PART_NUMBERS + WIPE_OBJECTS_MAX, &n);

    if (e != ERR_OK || n < PART_NUMBERS)
        return e != ERR_OK ? e : ERR_CORRUPT;
    *p = (struct part){.more = numbers[0] != 0, .users = numbers[1], .n = n - PART_NUMBERS};
    memcpy(p->ids, numbers + PART_NUMBERS, p->n * sizeof p->ids[0]);
    return ERR_OK;
}

static enum err part_tell(struct work *w, const struct part *p)
{
    Hsm__WipeReply *reply = work_memory(w, sizeof *reply);

    if (reply == NULL)
        return ERR_NO_MEMORY;
    hsm__wipe_reply__init(reply);
    reply->more = p->more;
    reply->objects = (uint32_t)p->n;
    reply->users = (uint32_t)p->users;
    work_reply(w)->of_case = HSM__REPLY__OF_WIPE;
    work_reply(w)->wipe = reply;
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

/* The least ids of all lists, ascending: those whose records the front brings along with the lists. */
static size_t least_of(const struct listing *lists, size_t n_lists, uint64_t ids[NEED_IDS_MAX])
{
    size_t at[SCOPES_MAX] = {0}, n = 0;
    uint64_t least = 1;

    while (least != 0 && n < NEED_IDS_MAX) {
        least = 0;
        for (size_t i = 0; i < n_lists; i++) {
            while (n > 0 && at[i] < lists[i].n && lists[i].ids[at[i]] <= ids[n - 1])
                at[i]++;
            if (at[i] < lists[i].n && (least == 0 || lists[i].ids[at[i]] < least))
                least = lists[i].ids[at[i]];
        }
        if (least != 0)
            ids[n++] = least;
    }
    return n;
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

/* The users' own records are asked for along with the lists: it may be their turn. */
static enum err destroy(struct work *w, const Hsm__UserEntry *const *users, size_t n, struct part *p)
{
    uint64_t scopes[SCOPES_MAX] = {INDEX_PUBLIC}, own[2 * WIPE_USERS_MAX], ids[NEED_IDS_MAX];
    struct listing lists[SCOPES_MAX] = {{NULL, 0}};
    enum err e, wanted;

    for (size_t i = 0; i < n; i++) {
        scopes[i + 1] = own[2 * i] = users[i]->id;
        own[2 * i + 1] = users[i]->attempts;
    }
    wanted = work_want(w, own, 2 * n);
    if (wanted != ERR_OK && wanted != ERR_NEED)
        return wanted;
    e = look_up(w, scopes, n + 1, lists);
    if (e != ERR_OK || wanted != ERR_OK)
        return e != ERR_OK ? e : wanted;
    return erase_objects(w, ids, least_of(lists, n + 1, ids), p);
}

/* ---- the parts */

/* The beginning and the end. */
static enum err mark(struct work *w, Hsm__ClusterBody *body, uint64_t version, bool wiping)
{
    const struct part p = {.more = wiping};
    enum err e;

    body->wiping = wiping;
    e = cluster_body_put(w, body, version);
    return e == ERR_OK ? part_put(w, &p) : e;
}

static enum err begin(struct work *w, Hsm__ClusterBody *body, uint64_t version)
{
    static const struct part nothing = {.more = false};
    uint64_t meant = work_request(w)->wipe->version;

    if (meant == 0)
        return part_tell(w, &nothing); /* the end has come by another's request */
    if (meant == version)
        return mark(w, body, version, true);
    work_detail(w, "the cluster has changed since it was looked at: look again (hsmctl cluster status)");
    return ERR_WRONG_STATE;
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
        return mark(w, body, version, false);
    if (p.n == 0) {
        p.users = n;
        e = users_erase(w, &all, users, n);
    }
    return e == ERR_OK ? part_put(w, &p) : e;
}

enum err op_wipe_decide(struct work *w)
{
    Hsm__ClusterBody *body = NULL;
    uint64_t ids[] = {CLUSTER_RECORD_ID, 0}, version;
    enum err e = users_id(w, &ids[1]);

    work_persist(w, WIPE_MISSES_MAX);
    if (e == ERR_OK)
        e = work_want(w, ids, sizeof ids / sizeof ids[0]);
    if (e == ERR_OK)
        e = cluster_body_read(w, &body, &version);
    if (e != ERR_OK)
        return e;
    if (!body->wipeable) {
        work_detail(w, "this cluster cannot be wiped: that is said when a cluster is activated, and never later; "
                       "or it was forbidden since");
        return ERR_WRONG_STATE;
    }
    return body->wiping ? go_on(w, body, version) : begin(w, body, version);
}

enum err op_wipe_answer(struct work *w)
{
    struct part p = {.n = 0};
    enum err e = part_get(w, &p);

    for (size_t i = 0; i < p.n; i++)
        key_cache_forget(work_vault(w)->key_cache, p.ids[i]);
    return e == ERR_OK ? part_tell(w, &p) : e;
}
