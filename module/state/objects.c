#include "module/state/objects.h"

#include <stdlib.h>

#include "common/clock.h"
#include "module/state/table_lock.h"
#include "proto/limits.h"

struct objects_entry {
    CK_OBJECT_HANDLE handle;
    struct known *object;
    CK_SESSION_HANDLE session;           /* session objects: whose */
    struct objects_entry *next;          /* in its bucket */
    struct objects_entry *older, *newer; /* token objects */
};

void objects_init(struct objects *o)
{
    *o = (struct objects){.last = OBJECT_ID_LIMIT};
    pthread_mutex_init(&o->lock, NULL);
}

void objects_after_fork(struct objects *o)
{
    pthread_mutex_init(&o->lock, NULL);
}

/* ---- under the lock. Entries that leave the table are put on a list and freed without it: that may enter the gate. */

static struct objects_entry **place(struct objects *o, CK_OBJECT_HANDLE handle)
{
    struct objects_entry **at = &o->buckets[handle % OBJECTS_BUCKETS];

    while (*at != NULL && (*at)->handle != handle)
        at = &(*at)->next;
    return at;
}

static void unlink_use(struct objects *o, struct objects_entry *e)
{
    *(e->older != NULL ? &e->older->newer : &o->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &o->newest) = e->older;
}

static void link_use(struct objects *o, struct objects_entry *e)
{
    e->older = o->newest;
    e->newer = NULL;
    *(o->newest != NULL ? &o->newest->newer : &o->oldest) = e;
    o->newest = e;
}

static void take_out(struct objects *o, struct objects_entry **at, struct objects_entry **gone)
{
    struct objects_entry *e = *at;

    *at = e->next;
    if (objects_is_session(e->handle)) {
        o->sessions--;
    } else {
        o->tokens--;
        unlink_use(o, e);
    }
    e->next = *gone;
    *gone = e;
}

typedef bool entry_test(const struct objects_entry *e, CK_SESSION_HANDLE session);

static void take_out_all(struct objects *o, entry_test *test, CK_SESSION_HANDLE session, struct objects_entry **gone)
{
    for (unsigned i = 0; i < OBJECTS_BUCKETS; i++) {
        struct objects_entry **at = &o->buckets[i];
        while (*at != NULL) {
            if (test(*at, session))
                take_out(o, at, gone);
            else
                at = &(*at)->next;
        }
    }
}

static bool is_any(const struct objects_entry *e, CK_SESSION_HANDLE session)
{
    (void)e, (void)session;
    return true;
}

static bool is_of_session(const struct objects_entry *e, CK_SESSION_HANDLE session)
{
    return objects_is_session(e->handle) && (session == 0 || e->session == session);
}

static bool is_of_login(const struct objects_entry *e, CK_SESSION_HANDLE session)
{
    (void)session;
    return !objects_is_session(e->handle) || !known_is_open(e->object);
}

/* ---- */

static void free_entries(struct objects_entry *gone)
{
    while (gone != NULL) {
        struct objects_entry *next = gone->next;
        known_release(gone->object);
        free(gone);
        gone = next;
    }
}

static void drop_all(struct objects *o, entry_test *test, CK_SESSION_HANDLE session, bool login)
{
    struct objects_entry *gone = NULL;

    table_lock(&o->lock);
    if (test != is_of_session || o->sessions > 0)
        take_out_all(o, test, session, &gone);
    o->forgotten += login;
    table_unlock(&o->lock);
    free_entries(gone);
}

void objects_clear(struct objects *o)
{
    drop_all(o, is_any, 0, true);
}

void objects_drop_session(struct objects *o, CK_SESSION_HANDLE session)
{
    drop_all(o, is_of_session, session, false);
}

void objects_forget_login(struct objects *o)
{
    drop_all(o, is_of_login, 0, true);
}

struct known *objects_find(struct objects *o, CK_OBJECT_HANDLE handle)
{
    struct objects_entry *e;
    struct known *found = NULL;

    table_lock(&o->lock);
    if ((e = *place(o, handle)) != NULL) {
        found = known_hold(e->object);
        if (!objects_is_session(handle)) {
            unlink_use(o, e);
            link_use(o, e);
        }
    }
    table_unlock(&o->lock);
    return found;
}

unsigned objects_epoch(struct objects *o)
{
    unsigned epoch;

    table_lock(&o->lock);
    epoch = o->forgotten;
    table_unlock(&o->lock);
    return epoch;
}

static struct objects_entry *entry_new(struct known *object, CK_OBJECT_HANDLE handle, CK_SESSION_HANDLE session)
{
    struct objects_entry *e = calloc(1, sizeof *e);

    if (e != NULL)
        *e = (struct objects_entry){.handle = handle, .object = object, .session = session};
    return e;
}

void objects_put(struct objects *o, unsigned epoch, struct known *object)
{
    struct objects_entry *made = entry_new(object, known_id(object), 0), *gone = NULL, **at;

    if (made == NULL) {
        known_release(object); /* it is asked for again when it is needed */
        return;
    }
    table_lock(&o->lock);
    at = place(o, made->handle);
    if (epoch != o->forgotten || (*at != NULL && known_version((*at)->object) > known_version(object))) {
        made->next = gone;
        gone = made;
    } else if (*at != NULL && known_version((*at)->object) == known_version(object)) {
        known_set_seen((*at)->object, known_seen_ms(object));
        made->next = gone;
        gone = made;
    } else {
        if (*at != NULL)
            take_out(o, at, &gone);
        made->next = *at;
        *at = made;
        link_use(o, made);
        if (++o->tokens > OBJECTS_CACHED_MAX)
            take_out(o, place(o, o->oldest->handle), &gone);
    }
    table_unlock(&o->lock);
    free_entries(gone);
}

CK_RV objects_add(struct objects *o, unsigned epoch, CK_SESSION_HANDLE session, struct known *object, CK_OBJECT_HANDLE *out)
{
    struct objects_entry *made = entry_new(object, 0, session), **at;
    CK_RV rv = CKR_OK;

    if (made == NULL) {
        known_release(object);
        return CKR_HOST_MEMORY;
    }
    table_lock(&o->lock);
    if (!known_is_open(object) && epoch != o->forgotten) {
        rv = CKR_USER_NOT_LOGGED_IN;
    } else if (o->sessions >= SESSION_OBJECTS_MAX) {
        rv = CKR_DEVICE_MEMORY;
    } else {
        *out = made->handle = ++o->last;
        at = place(o, made->handle);
        *at = made;
        o->sessions++;
    }
    table_unlock(&o->lock);
    if (rv != CKR_OK)
        free_entries(made);
    return rv;
}

bool objects_replace(struct objects *o, CK_OBJECT_HANDLE handle, struct known *object)
{
    struct objects_entry *e;
    struct known *before = object;

    table_lock(&o->lock);
    if ((e = *place(o, handle)) != NULL) {
        before = e->object;
        e->object = object;
    }
    table_unlock(&o->lock);
    known_release(before);
    return before != object;
}

bool objects_drop(struct objects *o, CK_OBJECT_HANDLE handle)
{
    struct objects_entry **at, *gone = NULL;
    bool known;

    table_lock(&o->lock);
    at = place(o, handle);
    known = *at != NULL;
    if (known)
        take_out(o, at, &gone);
    table_unlock(&o->lock);
    free_entries(gone);
    return known;
}

static int by_handle(const void *a, const void *b)
{
    const CK_OBJECT_HANDLE *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

CK_RV objects_match(struct objects *o, const struct template *t, size_t more, CK_OBJECT_HANDLE **out, size_t *n)
{
    CK_OBJECT_HANDLE *found;

    *n = 0;
    table_lock(&o->lock);
    found = malloc((o->sessions + more + 1) * sizeof *found);
    for (unsigned i = 0; found != NULL && o->sessions > 0 && i < OBJECTS_BUCKETS; i++)
        for (const struct objects_entry *e = o->buckets[i]; e != NULL; e = e->next)
            if (objects_is_session(e->handle) && template_fits(t, e->object))
                found[(*n)++] = e->handle;
    table_unlock(&o->lock);
    if (found == NULL)
        return CKR_HOST_MEMORY;
    qsort(found, *n, sizeof *found, by_handle);
    *out = found;
    return CKR_OK;
}
