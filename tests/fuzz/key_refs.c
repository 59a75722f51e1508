#include "tests/fuzz/key_refs.h"

#include <stdbool.h>
#include <stdint.h>

static void visit(ProtobufCMessage *message, key_refs_fn *each, void *arg)
{
    if (message == NULL)
        return;
    if (message->descriptor == &hsm__key_ref__descriptor)
        each(arg, (Hsm__KeyRef *)(void *)message);
    else
        key_refs_each(message, each, arg);
}

/* Whether a member of a union is the one that is set. */
static bool is_set(const uint8_t *at, const ProtobufCFieldDescriptor *f)
{
    return !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(const uint32_t *)(const void *)(at + f->quantifier_offset) == f->id;
}

void key_refs_each(ProtobufCMessage *message, key_refs_fn *each, void *arg)
{
    uint8_t *at = (uint8_t *)message;

    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        void *member = at + f->offset;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || !is_set(at, f))
            continue;
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            visit(*(ProtobufCMessage **)member, each, arg);
            continue;
        }
        for (size_t k = 0; k < *(const size_t *)(const void *)(at + f->quantifier_offset); k++)
            visit((*(ProtobufCMessage ***)member)[k], each, arg);
    }
}
