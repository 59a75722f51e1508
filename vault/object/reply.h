/* Objects as a handler stores them and tells of them. All in the work's memory. */
#ifndef CLUSTERHSM_VAULT_OBJECT_REPLY_H
#define CLUSTERHSM_VAULT_OBJECT_REPLY_H

#include "vault/keyring.h"
#include "vault/object/body.h"
#include "vault/work.h"

/* The work's memory, for objects. */
struct object_memory reply_memory(struct work *w);

/* Starts a reply of at most `room` objects: reply->objects, to be filled by the calls below. ERR_NO_MEMORY. */
enum err reply_objects(struct work *w, size_t room, Hsm__ObjectsReply **out);

/* Bytes as the reply, in memory of the work. ERR_NO_MEMORY. */
enum err reply_bytes(struct work *w, uint8_t *bytes, size_t n);

/* What may be shown of an object, in its memory. ERR_NO_MEMORY. */
enum err reply_shown(const struct object *o, uint64_t id, uint64_t version, Hsm__Object **out);

/* ERR_TOO_LARGE: the reply would not fit into its frame, and is as before (the first object of a reply always fits). */
enum err reply_append(Hsm__ObjectsReply *r, Hsm__Object *shown);

/* Both. */
enum err reply_add(Hsm__ObjectsReply *r, const struct object *o, uint64_t id, uint64_t version);

/* The same for a new session object: sealed for the work's user, and attached. Here and in reply_store: permitted_key's
 * errors. */
enum err reply_add_session(struct work *w, Hsm__ObjectsReply *r, const struct object *o);

/* A record's object that the work's user may see. ERR_NEED, ERR_NOT_FOUND (also where it may not be seen),
 * work_record's others. `r` and `o` are good until the handler returns. */
enum err reply_find(struct work *w, uint64_t id, const struct opened_record **r, struct object *o);

/* Puts a new object of the work's user, or nobody's validation object, under a new id. ERR_PENDING and work_new_id's others; ERR_TOO_LARGE,
 * ERR_NO_MEMORY. */
enum err reply_store(struct work *w, const struct object *o, uint64_t *id);

/* Puts a record's object anew, as it is now: the same id and owner, the next version. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err reply_store_changed(struct work *w, const struct object *o, const struct opened_record *now);

/* The result of a change that made objects, and back: their ids, or what else a few numbers say. ERR_CORRUPT: it is no such result. */
enum err reply_ids_put(struct work *w, const uint64_t *ids, size_t n);
enum err reply_ids_get(struct work *w, uint64_t *ids, size_t room, size_t *n);

/* The end of a handler that has made one object: into the token, by a change whose answer is reply_made_answer, or told of as a session
 * object at once. reply_store's and reply_add_session's errors. */
enum err reply_made(struct work *w, const struct object *o);
enum err reply_made_answer(struct work *w);

/* Adds an object that a change has made, as it is now. What has been deleted since is told by its id alone, at
 * version 0. */
enum err reply_add_made(struct work *w, Hsm__ObjectsReply *r, uint64_t id);

#endif
