/* Records' bodies in a work's memory, which wipes them with the work. */
#ifndef CLUSTERHSM_VAULT_ACCESS_BODY_H
#define CLUSTERHSM_VAULT_ACCESS_BODY_H

#include "vault/work.h"

/* For hsm__x__unpack: what it takes is never freed by itself. Good until the handler returns. */
ProtobufCAllocator body_allocator(struct work *w);

/* The body of a record, as the message of `type`; ERR_CORRUPT. */
enum err body_read(struct work *w, const struct opened_record *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out);

/* A record without owner and tokens, put with this body. What work_put returns, or ERR_NO_MEMORY. */
enum err body_put(struct work *w, uint64_t id, Hsm__RecordKind kind, uint64_t version, const ProtobufCMessage *body);

/* A copy in the work's memory; NULL: none. n may be 0. */
void *work_copy(struct work *w, const void *bytes, size_t n);

/* The reply says that it is done, and no more. */
enum err reply_empty(struct work *w);

#endif
