/* The object that a request names: a token object by its id, a session object by its sealed record.
 *
 * A session copy of a token key has no secret part of its own: it refers to the token key, and is opened together with it. So it dies with
 * it, and deleting a key, or changing its owner, cannot be evaded by a copy that was made before; nor can an admin's trust in a secret
 * key, which ends its copies. */
#ifndef CLUSTERHSM_VAULT_OBJECT_NAMED_H
#define CLUSTERHSM_VAULT_OBJECT_NAMED_H

#include "vault/object/body.h"
#include "vault/work.h"

struct named {
    struct object object;              /* whole, in the work's memory */
    const struct opened_record *record; /* NULL: a session object */
    uint64_t id;                       /* 0: a session object */
};

/* For the work's user, who may see it. ERR_NEED; ERR_OBJECT_HANDLE: there is none; work_record's others. */
enum err named_open(struct work *w, const Hsm__KeyRef *ref, struct named *out);

/* The same without asking who may see it: for an admin, and a token object only. */
enum err named_open_any(struct work *w, const Hsm__KeyRef *ref, struct named *out);

/* The two ways to an object of the work's user: a token object's record, and a session object's text, which the caller clears.
 * ERR_NEED; ERR_OBJECT_HANDLE: it is not there, or another's, which is as good; ERR_WRONG_STATE; work_record's others. */
enum err named_record(struct work *w, uint64_t id, const struct opened_record **out);
enum err named_session_text(struct work *w, const ProtobufCBinaryData *sealed, struct secret *out);

/* Is the token key that a copy refers to there, the work's user's, and not trusted since? ERR_NEED, ERR_OBJECT_HANDLE;
 * reference 0: it refers to none. */
enum err named_reference_lives(struct work *w, uint64_t reference);

/* Puts the secret parts of the key that an opened copy refers to into it, and what has been closed of that one since; nothing
 * where it refers to none. named_reference_lives's. */
enum err named_complete(struct work *w, struct object *o);

/* What of a copy is sealed: itself, but for the secret parts that it refers to. */
void named_strip(const struct object *o, struct object *out);

#endif
