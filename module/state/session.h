/* The sessions of this process and who is logged in: both belong together, as all sessions share the login and the last one that closes
 * ends it (PKCS #11 2.40 section 5.6). Nothing here waits or talks to the cluster.
 *
 * A session costs a few hundred bytes here and nothing on a server. Handles are never given out twice. */
#ifndef CLUSTERHSM_MODULE_STATE_SESSION_H
#define CLUSTERHSM_MODULE_STATE_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "module/state/operations.h"
#include "proto/limits.h"
#include "proto/pkcs11.h"

enum session_user { SESSION_NOBODY, SESSION_USER, SESSION_ADMIN };

struct session {
    CK_SESSION_HANDLE handle;
    CK_FLAGS flags;
    pthread_mutex_t lock;       /* the two below; held by one call at a time, also while it waits for the cluster */
    struct operations operations;
    unsigned logouts;           /* of struct sessions, when the operations were last looked at */
    unsigned users;             /* calls that are in it: under the table's lock, as all that follows */
    bool closed;
    struct session *next;
};

enum { SESSION_BUCKETS = 256 };

/* All zero but for the lock: sessions_init. */
struct sessions {
    pthread_mutex_t lock;
    struct session *buckets[SESSION_BUCKETS];
    size_t count, count_write;
    CK_SESSION_HANDLE last;
    enum session_user user;
    char name[USER_NAME_BYTES_MAX + 1]; /* of who is logged in */
    unsigned logouts;                   /* so many logins have ended: what was begun under an earlier one is over */
};

void sessions_init(struct sessions *s);
/* Nobody may be in a session. */
void sessions_clear(struct sessions *s);
/* In a child: whoever was in a session is not in this process, and what he was doing there is forgotten. */
void sessions_after_fork(struct sessions *s);

/* CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_SESSION_READ_WRITE_SO_EXISTS, CKR_SESSION_COUNT, CKR_HOST_MEMORY. */
CK_RV session_open(struct sessions *s, CK_FLAGS flags, CK_SESSION_HANDLE *out);

/* NULL: there is no such session. It lives until session_give_back, also when it is closed meanwhile. */
struct session *session_borrow(struct sessions *s, CK_SESSION_HANDLE handle);
/* True: it was closed meanwhile, and this was the last call in it; it is gone now, and so must be what it owned. */
bool session_give_back(struct sessions *s, struct session *session);

/* CKR_SESSION_HANDLE_INVALID. *logged_out: it was the last one and somebody was logged in; nobody is now. */
CK_RV session_close(struct sessions *s, CK_SESSION_HANDLE handle, bool *logged_out);
void session_close_all(struct sessions *s, bool *logged_out);

struct session_counts {
    size_t all, write;
};
struct session_counts sessions_count(struct sessions *s);

/* For C_GetSessionInfo. */
CK_STATE session_state(struct sessions *s, const struct session *session);

enum session_user sessions_user(struct sessions *s);
/* The name of who is logged in, "" for nobody. */
void sessions_user_name(struct sessions *s, char out[USER_NAME_BYTES_MAX + 1]);

/* May this user log in now? CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY_EXISTS. */
CK_RV sessions_may_login(struct sessions *s, enum session_user user);
/* CKR_SESSION_CLOSED: no session is left that the login could belong to; nobody is logged in. CKR_SESSION_READ_ONLY_EXISTS as above. */
CK_RV sessions_login(struct sessions *s, enum session_user user, const char *name);
/* False: nobody was. */
bool sessions_logout(struct sessions *s);

/* Ends what a login that is over had begun. The session's lock is held. */
void session_catch_up(struct sessions *s, struct session *session);

#endif
