/* An allocator for unpacking that remembers whether it failed.
 *
 * hsm__x__unpack answers NULL for "malformed" and for "no memory" alike. Where all nodes must say the same of the same bytes, the two may
 * not be confused: a node that is short of memory has no opinion. */
#ifndef CLUSTERHSM_PROTO_MEMORY_H
#define CLUSTERHSM_PROTO_MEMORY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

/* Give &allocator to unpack and free_unpacked; it must not move between the two. */
struct memory {
    ProtobufCAllocator allocator;
    bool failed; /* an allocation, for whatever reason */
    bool beyond; /* ... as it would have gone beyond `left` */
    size_t left; /* a wiping one: bytes that may still be taken; what is given back counts no more */
};

void memory_init(struct memory *m);

/* The same, for messages with secrets in them: what is given back is wiped first. Its `left` begins without a limit; set it for a message
 * from outside, as an empty element of a list takes two bytes there and a hundred here. */
void memory_init_wiping(struct memory *m);

/* A wiping one for everybody, which remembers nothing. Any thread, for ever. */
ProtobufCAllocator *memory_wiping(void);

#endif
