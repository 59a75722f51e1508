/* The objects that this process knows: token objects as last seen (a bounded cache, by their id), and its own session objects, which live
 * nowhere else. Handles of token objects are their ids, those of session objects lie above OBJECT_ID_LIMIT and are never given out twice.
 *
 * Any thread may call. What is found is held by the caller until known_release. */
#ifndef CLUSTERHSM_MODULE_STATE_OBJECTS_H
#define CLUSTERHSM_MODULE_STATE_OBJECTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "module/state/known.h"
#include "module/state/template.h"
#include "proto/limits.h"

struct objects_entry;

enum { OBJECTS_BUCKETS = 1024 };

struct objects {
    pthread_mutex_t lock;
    struct objects_entry *buckets[OBJECTS_BUCKETS];
    struct objects_entry *oldest, *newest; /* of the token objects, by their last use */
    size_t tokens, sessions;
    CK_OBJECT_HANDLE last;  /* session object's */
    unsigned forgotten;     /* so often was all forgotten that a login could see */
};

void objects_init(struct objects *o);
void objects_clear(struct objects *o);
void objects_after_fork(struct objects *o);

static inline bool objects_is_session(CK_OBJECT_HANDLE handle)
{
    return handle > OBJECT_ID_LIMIT;
}

/* NULL: not known (yet). Held. */
struct known *objects_find(struct objects *o, CK_OBJECT_HANDLE handle);

/* Number of the login that what is asked for now is seen under: to be taken before the cluster is asked. */
unsigned objects_epoch(struct objects *o);

/* Takes the token object over. Where the same version is known already that one stays, and is seen now. A reply to an earlier login is
 * dropped. */
void objects_put(struct objects *o, unsigned epoch, struct known *object);

/* A new session object of a session; takes it over. CKR_DEVICE_MEMORY: SESSION_OBJECTS_MAX are there; CKR_HOST_MEMORY;
 * CKR_USER_NOT_LOGGED_IN: one that not everybody sees, of a login that is over. */
CK_RV objects_add(struct objects *o, unsigned epoch, CK_SESSION_HANDLE session, struct known *object, CK_OBJECT_HANDLE *out);

/* A session object is another now; takes that over. False: it is gone meanwhile. */
bool objects_replace(struct objects *o, CK_OBJECT_HANDLE handle, struct known *object);

/* It is gone. False: it was not known. */
bool objects_drop(struct objects *o, CK_OBJECT_HANDLE handle);

/* The session is closed: so are its objects. session 0: all session objects. */
void objects_drop_session(struct objects *o, CK_SESSION_HANDLE session);

/* The login is over: session objects are gone that not everybody sees, and nothing is known of token objects. */
void objects_forget_login(struct objects *o);

/* Handles of the session objects that fit, in order of birth, with room for so many more; the caller frees *out. */
CK_RV objects_match(struct objects *o, const struct template *t, size_t more, CK_OBJECT_HANDLE **out, size_t *n);

#endif
