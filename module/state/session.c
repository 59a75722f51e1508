#include "module/state/session.h"

#include <stdlib.h>
#include <string.h>

#include "module/state/table_lock.h"

void sessions_init(struct sessions *s)
{
    *s = (struct sessions){.last = 0};
    pthread_mutex_init(&s->lock, NULL);
}

static void session_free(struct session *session)
{
    operations_clear(&session->operations);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

/* Takes all sessions out of the table; with the lock held. Those that nobody is in are the caller's, as a list. */
static struct session *take_all(struct sessions *s)
{
    struct session *idle = NULL;

    for (unsigned i = 0; i < SESSION_BUCKETS; i++) {
        while (s->buckets[i] != NULL) {
            struct session *session = s->buckets[i];
            s->buckets[i] = session->next;
            session->closed = true;
            if (session->users == 0) {
                session->next = idle;
                idle = session;
            }
        }
    }
    s->count = s->count_write = 0;
    return idle;
}

static void free_list(struct session *list)
{
    while (list != NULL) {
        struct session *next = list->next;
        session_free(list);
        list = next;
    }
}

void sessions_clear(struct sessions *s)
{
    free_list(take_all(s));
    s->user = SESSION_NOBODY;
    bytes_wipe(s->name, sizeof s->name);
    s->logouts++;
}

void sessions_after_fork(struct sessions *s)
{
    pthread_mutex_init(&s->lock, NULL);
    for (unsigned i = 0; i < SESSION_BUCKETS; i++) {
        for (struct session *session = s->buckets[i]; session != NULL; session = session->next) {
            pthread_mutex_init(&session->lock, NULL);
            if (session->users > 0)
                operations_forget(&session->operations);
            session->users = 0;
        }
    }
}

static struct session **place(struct sessions *s, CK_SESSION_HANDLE handle)
{
    struct session **at = &s->buckets[handle % SESSION_BUCKETS];

    while (*at != NULL && (*at)->handle != handle)
        at = &(*at)->next;
    return at;
}

/* Under the lock, like all static functions from here on. */
static CK_RV may_open(const struct sessions *s, CK_FLAGS flags)
{
    if ((flags & CKF_RW_SESSION) == 0 && s->user == SESSION_ADMIN)
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    return s->count < SESSIONS_MAX ? CKR_OK : CKR_SESSION_COUNT;
}

CK_RV session_open(struct sessions *s, CK_FLAGS flags, CK_SESSION_HANDLE *out)
{
    struct session *session;
    CK_RV rv;

    if ((flags & CKF_SERIAL_SESSION) == 0)
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if ((session = calloc(1, sizeof *session)) == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_init(&session->lock, NULL);
    session->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);
    table_lock(&s->lock);
    rv = may_open(s, flags);
    if (rv == CKR_OK) {
        struct session **at;
        session->handle = ++s->last;
        session->logouts = s->logouts;
        s->count++;
        s->count_write += (flags & CKF_RW_SESSION) != 0;
        at = place(s, session->handle);
        *at = session;
        *out = session->handle;
    }
    table_unlock(&s->lock);
    if (rv != CKR_OK)
        session_free(session);
    return rv;
}

struct session *session_borrow(struct sessions *s, CK_SESSION_HANDLE handle)
{
    struct session *session;

    table_lock(&s->lock);
    session = *place(s, handle);
    if (session != NULL)
        session->users++;
    table_unlock(&s->lock);
    return session;
}

bool session_give_back(struct sessions *s, struct session *session)
{
    bool last;

    table_lock(&s->lock);
    last = --session->users == 0 && session->closed;
    table_unlock(&s->lock);
    if (last)
        session_free(session);
    return last;
}

static bool end_login(struct sessions *s)
{
    if (s->user == SESSION_NOBODY)
        return false;
    s->user = SESSION_NOBODY;
    bytes_wipe(s->name, sizeof s->name);
    s->logouts++;
    return true;
}

CK_RV session_close(struct sessions *s, CK_SESSION_HANDLE handle, bool *logged_out)
{
    struct session **at, *session, *idle = NULL;

    *logged_out = false;
    table_lock(&s->lock);
    at = place(s, handle);
    if ((session = *at) != NULL) {
        *at = session->next;
        session->closed = true;
        if (session->users == 0)
            idle = session;
        s->count--;
        s->count_write -= (session->flags & CKF_RW_SESSION) != 0;
        *logged_out = s->count == 0 && end_login(s);
    }
    table_unlock(&s->lock);
    if (idle != NULL)
        session_free(idle);
    return session != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

void session_close_all(struct sessions *s, bool *logged_out)
{
    struct session *idle;

    table_lock(&s->lock);
    idle = take_all(s);
    *logged_out = end_login(s);
    table_unlock(&s->lock);
    free_list(idle);
}

struct session_counts sessions_count(struct sessions *s)
{
    struct session_counts counts;

    table_lock(&s->lock);
    counts = (struct session_counts){.all = s->count, .write = s->count_write};
    table_unlock(&s->lock);
    return counts;
}

CK_STATE session_state(struct sessions *s, const struct session *session)
{
    bool writes = (session->flags & CKF_RW_SESSION) != 0;

    switch (sessions_user(s)) {
    case SESSION_ADMIN:
        return CKS_RW_SO_FUNCTIONS;
    case SESSION_USER:
        return writes ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    case SESSION_NOBODY:
        break;
    }
    return writes ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

enum session_user sessions_user(struct sessions *s)
{
    enum session_user user;

    table_lock(&s->lock);
    user = s->user;
    table_unlock(&s->lock);
    return user;
}

void sessions_user_name(struct sessions *s, char out[USER_NAME_BYTES_MAX + 1])
{
    table_lock(&s->lock);
    memcpy(out, s->name, sizeof s->name);
    table_unlock(&s->lock);
}

static CK_RV may_login(const struct sessions *s, enum session_user user)
{
    if (s->user != SESSION_NOBODY)
        return s->user == user ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    return user == SESSION_ADMIN && s->count > s->count_write ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

CK_RV sessions_may_login(struct sessions *s, enum session_user user)
{
    CK_RV rv;

    table_lock(&s->lock);
    rv = may_login(s, user);
    table_unlock(&s->lock);
    return rv;
}

CK_RV sessions_login(struct sessions *s, enum session_user user, const char *name)
{
    CK_RV rv;

    table_lock(&s->lock);
    rv = s->count > 0 ? may_login(s, user) : CKR_SESSION_CLOSED;
    if (rv == CKR_OK) {
        size_t n = strlen(name);
        s->user = user;
        memcpy(s->name, name, n < sizeof s->name ? n + 1 : 0);
    }
    table_unlock(&s->lock);
    return rv;
}

bool sessions_logout(struct sessions *s)
{
    bool was;

    table_lock(&s->lock);
    was = end_login(s);
    table_unlock(&s->lock);
    return was;
}

void session_catch_up(struct sessions *s, struct session *session)
{
    unsigned logouts;

    table_lock(&s->lock);
    logouts = s->logouts;
    table_unlock(&s->lock);
    if (session->logouts != logouts)
        operations_end_private(&session->operations);
    session->logouts = logouts;
}
