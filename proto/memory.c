#include "proto/memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/secret.h"

static void *take(void *memory, size_t n)
{
    void *p = malloc(n ? n : 1);
    if (p == NULL)
        ((struct memory *)memory)->failed = true;
    return p;
}

static void give(void *memory, void *p)
{
    (void)memory;
    free(p);
}

void memory_init(struct memory *m)
{
    m->allocator = (ProtobufCAllocator){.alloc = take, .free = give, .allocator_data = m};
    m->failed = false;
}

/* Remembers its length, for wiping. */
struct block {
    size_t n;
    max_align_t bytes[];
};

static void *take_block(void *memory, size_t n)
{
    struct block *b = n <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + n) : NULL;

    if (b == NULL) {
        if (memory != NULL)
            ((struct memory *)memory)->failed = true;
        return NULL;
    }
    b->n = n;
    return b->bytes;
}

static void give_block(void *memory, void *p)
{
    struct block *b;

    (void)memory;
    if (p == NULL)
        return;
    b = (struct block *)((char *)p - offsetof(struct block, bytes));
    bytes_wipe(b->bytes, b->n);
    free(b);
}

void memory_init_wiping(struct memory *m)
{
    m->allocator = (ProtobufCAllocator){.alloc = take_block, .free = give_block, .allocator_data = m};
    m->failed = false;
}

ProtobufCAllocator *memory_wiping(void)
{
    static ProtobufCAllocator shared = {.alloc = take_block, .free = give_block};

    return &shared;
}
