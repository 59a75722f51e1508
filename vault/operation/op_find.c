/* C_FindObjects: the ids that stand under the template's most selective token, in the user's own scope and the
 * public one, merged in order; their records opened, and each held against the whole template. One request looks at
 * FIND_IDS_MAX of them at most: where there are more, or the reply is full, it says where to go on.
 *
 * A user's own objects come first, all of them: under a label that others have given to theirs too, a program that takes
 * the first takes its own. So the ids are gone through twice, for the user's objects and then for the open ones of others,
 * unless the first way has met none of those, or one request holds all candidates: then it keeps those of others until the end. */
#include "proto/limits.h"
#include "proto/visibility.h"
#include "vault/object/reply.h"
#include "vault/object/tokens.h"
#include "vault/object/view.h"
#include "vault/operation/operation.h"

enum { SCOPES_MAX = 2 };

/* The cursor: the last id looked at, below OBJECT_ID_LIMIT, and whose objects were looked for. It only grows. */
#define CURSOR_MET_OTHERS (UINT64_C(1) << 61) /* own ones, and others' were among them */
#define CURSOR_OTHERS (UINT64_C(1) << 62)     /* others' */
#define CURSOR_ID (CURSOR_MET_OTHERS - 1)

struct candidates {
    uint64_t ids[FIND_IDS_MAX];
    size_t n;
    bool more; /* beyond the last of them */
};

/* What the index says of one scope. */
struct listing {
    const uint64_t *ids;
    size_t n;
    bool more;
};

/* Admins and who has not logged in have none. */
static bool has_own(struct work *w)
{
    return work_login(w)->user_id != 0 && work_login(w)->role == ROLE_CRYPTO_USER;
}

/* Where objects stand that the template fits. CKA_PRIVATE false says of keys that nobody but their owner sees them all the same. */
static size_t scopes_of(struct work *w, const struct object *template, bool others, uint64_t scopes[SCOPES_MAX])
{
    bool any = !object_has(template, CKA_CLASS), asked = object_has(template, CKA_PRIVATE), is_private = object_bool(template, CKA_PRIVATE);
    bool opens = any || visibility_opens(object_ulong(template, CKA_CLASS, CK_UNAVAILABLE_INFORMATION));
    bool all_open = asked && !is_private && opens && !any;
    size_t n = 0;

    if (!others && !all_open)
        scopes[n++] = work_login(w)->user_id;
    if (opens && !is_private)
        scopes[n++] = INDEX_PUBLIC;
    return n;
}

/* Both scopes are asked for before the first ERR_NEED is told, so that they cost one round. */
static enum err look_up(struct work *w, const struct object *template, bool others, uint64_t after, struct listing *lists, size_t *n)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    uint64_t scopes[SCOPES_MAX];
    uint8_t token[INDEX_TOKEN_BYTES];
    enum err e = ERR_OK, worst = ERR_OK;

    if (view == NULL)
        return ERR_WRONG_STATE;
    *n = scopes_of(w, template, others, scopes);
    for (size_t i = 0; i < *n && (worst == ERR_OK || worst == ERR_NEED); i++) {
        if ((e = tokens_best(view->index, template, scopes[i], token)) == ERR_OK)
            e = work_lookup(w, token, after, FIND_IDS_MAX, &lists[i].ids, &lists[i].n, &lists[i].more);
        if (e != ERR_OK)
            worst = e;
    }
    keyring_view_done(work_vault(w)->keyring, view);
    return worst;
}

/* In order of ids over all lists. What lies beyond the end of a list that goes on is not known yet, so the merge
 * stops there. */
static void merge(const struct listing *lists, size_t n, struct candidates *c)
{
    size_t at[SCOPES_MAX] = {0};

    c->n = 0;
    c->more = false;
    for (;;) {
        const struct listing *least = NULL;
        for (size_t i = 0; i < n; i++) {
            if (at[i] == lists[i].n && lists[i].more) {
                c->more = true;
                return;
            }
            if (at[i] < lists[i].n && (least == NULL || lists[i].ids[at[i]] < least->ids[at[least - lists]]))
                least = &lists[i];
        }
        if (least == NULL)
            return;
        if (c->n == FIND_IDS_MAX) {
            c->more = true;
            return;
        }
        if (c->n == 0 || c->ids[c->n - 1] != least->ids[at[least - lists]])
            c->ids[c->n++] = least->ids[at[least - lists]];
        at[least - lists]++;
    }
}

struct search {
    const struct object *template;
    size_t limit;
    bool others;     /* looked for: others' objects, or the user's own */
    bool met_others; /* that fit */
    uint64_t after;
    Hsm__Object *kept[FIND_IDS_MAX]; /* those of others, as they are met on the way from the beginning through the user's own */
    size_t n_kept;
};

/* ERR_TOO_LARGE: the reply is full. */
static enum err show(const struct search *s, Hsm__ObjectsReply *r, Hsm__Object *shown)
{
    return r->n_objects < s->limit ? reply_append(r, shown) : ERR_TOO_LARGE;
}

/* Shows of the candidates whose objects are looked for. *stopped_at: the reply is full, and goes on above this id; 0: all
 * have been looked at. */
static enum err collect(struct work *w, struct search *s, const struct candidates *c, Hsm__ObjectsReply *r, uint64_t *stopped_at)
{
    *stopped_at = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct opened_record *record;
        Hsm__Object *shown;
        struct object o;
        bool is_others;
        enum err e = reply_find(w, c->ids[i], &record, &o);
        if (e == ERR_NOT_FOUND)
            continue; /* gone since the index was read, or the front has made the id up */
        if (e != ERR_OK)
            return e;
        if (!view_fits(&o, s->template))
            continue;
        is_others = !has_own(w) || record->header->owner != work_login(w)->user_id;
        s->met_others = s->met_others || is_others;
        if (is_others != s->others && (!is_others || s->after != 0))
            continue;
        if ((e = reply_shown(&o, c->ids[i], record->header->version, &shown)) != ERR_OK)
            return e;
        if (is_others != s->others) {
            s->kept[s->n_kept++] = shown;
            continue;
        }
        e = show(s, r, shown);
        if (e == ERR_TOO_LARGE) { /* the next request begins with this one */
            *stopped_at = c->ids[i] - 1;
            return ERR_OK;
        }
        if (e != ERR_OK)
            return e;
    }
    *stopped_at = c->more && c->n > 0 ? c->ids[c->n - 1] : 0;
    return ERR_OK;
}

/* All of others' are among those that were met. */
static void show_kept(const struct search *s, Hsm__ObjectsReply *r)
{
    for (size_t i = 0; i < s->n_kept; i++)
        if (show(s, r, s->kept[i]) != ERR_OK) {
            r->next_after_id = (s->kept[i]->id - 1) | CURSOR_OTHERS;
            return;
        }
}

static enum err collect_all(struct work *w, struct search *s, const struct candidates *c, Hsm__ObjectsReply *r)
{
    uint64_t stopped_at = 0;
    enum err e = collect(w, s, c, r, &stopped_at);

    if (e != ERR_OK)
        return e;
    if (stopped_at != 0)
        r->next_after_id = stopped_at | (s->others ? CURSOR_OTHERS : s->met_others ? CURSOR_MET_OTHERS : 0);
    else if (!s->others && s->met_others && s->after != 0)
        r->next_after_id = CURSOR_OTHERS;
    else if (!s->others)
        show_kept(s, r);
    return ERR_OK;
}

enum err op_find_decide(struct work *w)
{
    const Hsm__Find *find = work_request(w)->find;
    struct search s = {.limit = find->limit == 0 || find->limit > FIND_IDS_MAX ? FIND_IDS_MAX : find->limit,
                       .others = !has_own(w) || (find->after_id & CURSOR_OTHERS) != 0,
                       .met_others = (find->after_id & CURSOR_MET_OTHERS) != 0,
                       .after = find->after_id & CURSOR_ID};
    struct listing lists[SCOPES_MAX] = {{NULL, 0, false}, {NULL, 0, false}};
    struct candidates candidates;
    Hsm__ObjectsReply *reply;
    struct object template;
    bool possible = false;
    size_t n = 0;
    enum err e;

    object_init(&template, reply_memory(w));
    s.template = &template;
    if ((e = view_template(find->template_, &template, &possible)) != ERR_OK ||
        (e = reply_objects(w, s.limit, &reply)) != ERR_OK ||
        !possible)
        return e;
    if ((e = look_up(w, &template, s.others, s.after, lists, &n)) != ERR_OK)
        return e;
    merge(lists, n, &candidates);
    if ((e = work_want(w, candidates.ids, candidates.n)) != ERR_OK)
        return e;
    return collect_all(w, &s, &candidates, reply);
}
