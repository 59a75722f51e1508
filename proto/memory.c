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
    m->failed = m->beyond = false;
    m->left = SIZE_MAX;
}

/* Remembers its length, for wiping. */
struct block {
    size_t n;
    max_align_t bytes[];
};

static void *take_block(void *memory, size_t n)
{
    struct memory *m = memory; /* NULL: nobody's */
    bool may = n <= SIZE_MAX - sizeof(struct block) && (m == NULL || sizeof(struct block) + n <= m->left);
    struct block *b = may ? malloc(sizeof *b + n) : NULL;

    if (b == NULL) {
        if (m != NULL) {
            m->failed = true;
            m->beyond = m->beyond || !may;
        }
        return NULL;
    }
    if (m != NULL && m->left != SIZE_MAX)
        m->left -= sizeof *b + n;
    b->n = n;
    return b->bytes;
}

static void give_block(void *memory, void *p)
{
    struct memory *m = memory;
    struct block *b;

    if (p == NULL)
        return;
    b = (struct block *)((char *)p - offsetof(struct block, bytes));
    if (m != NULL && m->left != SIZE_MAX)
        m->left += sizeof *b + b->n;
    bytes_wipe(b->bytes, b->n);
    free(b);
}

void memory_init_wiping(struct memory *m)
{
    m->allocator = (ProtobufCAllocator){.alloc = take_block, .free = give_block, .allocator_data = m};
    m->failed = m->beyond = false;
    m->left = SIZE_MAX;
}

ProtobufCAllocator *memory_wiping(void)
{
    static ProtobufCAllocator shared = {.alloc = take_block, .free = give_block};

    return &shared;
}
