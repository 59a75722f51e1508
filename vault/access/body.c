#include "vault/access/body.h"

#include <string.h>

static void *take(void *w, size_t n)
{
    return work_memory(w, n > 0 ? n : 1);
}

static void keep(void *w, void *p)
{
    (void)w;
    (void)p; /* the work frees it */
}

ProtobufCAllocator body_allocator(struct work *w)
{
    return (ProtobufCAllocator){.alloc = take, .free = keep, .allocator_data = w};
}

enum err body_read(struct work *w, const struct opened_record *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out)
{
    ProtobufCAllocator memory = body_allocator(w);
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &memory, r->text.len, r->text.bytes);

    if (m == NULL)
        return ERR_CORRUPT;
    *out = m;
    return ERR_OK;
}

enum err body_put(struct work *w, uint64_t id, Hsm__RecordKind kind, uint64_t version, const ProtobufCMessage *body)
{
    struct put put = {.id = id, .kind = kind, .version = version};
    uint8_t *packed;

    put.body_bytes = protobuf_c_message_get_packed_size(body);
    packed = work_memory(w, put.body_bytes > 0 ? put.body_bytes : 1);
    if (packed == NULL)
        return ERR_NO_MEMORY;
    protobuf_c_message_pack(body, packed);
    put.body = packed;
    return work_put(w, &put);
}

void *work_copy(struct work *w, const void *bytes, size_t n)
{
    void *copy = work_memory(w, n > 0 ? n : 1);
    if (copy != NULL && n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

enum err reply_empty(struct work *w)
{
    Hsm__Reply *reply = work_reply(w);
    Hsm__Empty *empty = work_memory(w, sizeof *empty);

    if (empty == NULL)
        return ERR_NO_MEMORY;
    hsm__empty__init(empty);
    reply->of_case = HSM__REPLY__OF_EMPTY;
    reply->empty = empty;
    return ERR_OK;
}
