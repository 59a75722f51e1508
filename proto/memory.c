#include "proto/memory.h"

#include <stdlib.h>

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
