/* What the files that ask the cluster have in common (cluster*.c). */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_ASK_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_ASK_H

#include "module/state/known.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/request.pb-c.h"

/* One whole request; ids: the records that it names. A failure is logged, *out is NULL then; else it is of the wanted case, and freed with
 * rpc_reply_free. A login that is over is ended here. */
enum err cluster_ask(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                     Hsm__Reply **out);

/* For a request that is answered by nothing but that it is done. */
enum err cluster_ask_done(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids);

/* cluster_ask without a look at whether the login holds: by who has its turn, or asks for what needs none. */
enum err cluster_ask_once(struct module *m, const Hsm__Request *request, Hsm__Reply__OfCase wanted, Hsm__Reply **out);

/* cluster_ask; what a refusal says of which template it is about goes to *which (Reply.which), unless that is NULL. */
enum err cluster_ask_which(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                           Hsm__Reply **out, uint32_t *which);

/* For a request that is answered by bytes: *n is the room at first. ERR_MALFORMED: none, or more than that, which no vault of ours
 * sends. */
enum err cluster_ask_bytes(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, uint8_t *out, size_t *n);

/* For a request that makes one object, which is kept as cluster_keep_made says. */
CK_RV cluster_ask_made(struct module *m, CK_SESSION_HANDLE session, const Hsm__Request *request, const uint64_t *ids, size_t n_ids,
                       CK_OBJECT_HANDLE *out);

/* An object that was made: a token object goes into the cache, a session object becomes `session`'s. epoch: objects_epoch before asking. */
CK_RV cluster_keep_made(struct module *m, unsigned epoch, CK_SESSION_HANDLE session, const Hsm__Object *wire, CK_OBJECT_HANDLE *out);

/* Bytes in a message; borrowed, and only read. */
static inline ProtobufCBinaryData cluster_bytes(const uint8_t *bytes, size_t n)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bytes, .len = n};
}

/* Makes a request of what `authorized` has as its use, or of none: with the password. Borrows all. */
void cluster_authorize(Hsm__Request *request, Hsm__Authorized *authorized, const struct secret *password);

/* How a request names an object; borrows from it. */
Hsm__KeyRef cluster_key_ref(const struct known *key);

#endif
