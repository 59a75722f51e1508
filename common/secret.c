#include "common/secret.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A slab: 64 slots of one size in locked pages, and a word that says which of them are free. */
struct slab {
    struct slab *next; /* never changes once the slab is in its list */
    uint8_t *slots;
    _Atomic uint64_t free;
};

struct size_class {
    size_t slot_bytes;
    _Atomic(struct slab *) first;
};

enum { SLOTS = 64 };

static struct size_class classes[] = {{64, NULL}, {512, NULL}, {4096, NULL}};

void bytes_wipe(void *bytes, size_t n)
{
    if (n > 0)
        explicit_bzero(bytes, n);
}

bool bytes_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t different = 0;
    for (size_t i = 0; i < n; i++)
        different |= (uint8_t)(x[i] ^ y[i]);
    return different == 0;
}

static size_t whole_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

/* Locking fails beyond RLIMIT_MEMLOCK: a client goes on then; the vault has locked everything by mlockall. */
static uint8_t *pages_open(size_t n)
{
    void *pages = mmap(NULL, whole_pages(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    (void)mlock(pages, whole_pages(n));
    (void)madvise(pages, whole_pages(n), MADV_DONTDUMP);
    return pages;
}

static struct size_class *class_for(size_t n)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (n <= classes[i].slot_bytes)
            return &classes[i];
    return NULL;
}

/* The slab's own words stand in the first bytes of its pages; slots start at the next multiple of their size. */
static struct slab *slab_open(const struct size_class *class)
{
    size_t head = class->slot_bytes > sizeof(struct slab) ? class->slot_bytes : sizeof(struct slab);
    uint8_t *pages = pages_open(head + SLOTS * class->slot_bytes);
    if (!pages)
        return NULL;
    struct slab *slab = (struct slab *)(void *)pages;
    slab->slots = pages + head;
    atomic_init(&slab->free, UINT64_MAX);
    return slab;
}

static uint8_t *slab_take(struct slab *slab, size_t slot_bytes)
{
    uint64_t free = atomic_load(&slab->free);
    while (free) {
        unsigned slot = (unsigned)__builtin_ctzll(free);
        if (atomic_compare_exchange_weak(&slab->free, &free, free & ~(UINT64_C(1) << slot)))
            return slab->slots + slot * slot_bytes;
    }
    return NULL;
}

static uint8_t *slot_take(struct size_class *class)
{
    struct slab *slab = atomic_load(&class->first);
    for (; slab; slab = slab->next) {
        uint8_t *slot = slab_take(slab, class->slot_bytes);
        if (slot)
            return slot;
    }
    slab = slab_open(class);
    if (!slab)
        return NULL;
    uint8_t *slot = slab_take(slab, class->slot_bytes);
    slab->next = atomic_load(&class->first);
    while (!atomic_compare_exchange_weak(&class->first, &slab->next, slab))
        ;
    return slot;
}

static void slot_give_back(struct size_class *class, const uint8_t *slot)
{
    for (struct slab *slab = atomic_load(&class->first); slab; slab = slab->next) {
        if (slot < slab->slots || slot >= slab->slots + SLOTS * class->slot_bytes)
            continue;
        size_t index = (size_t)(slot - slab->slots) / class->slot_bytes;
        atomic_fetch_or(&slab->free, UINT64_C(1) << index);
        return;
    }
}

bool secret_new(struct secret *s, size_t len)
{
    secret_clear(s);
    if (len > SIZE_MAX / 2)
        return false;
    struct size_class *class = class_for(len);
    uint8_t *bytes = class ? slot_take(class) : pages_open(len);
    if (!bytes)
        return false;
    *s = (struct secret){.bytes = bytes, .len = len, .room = class ? class->slot_bytes : whole_pages(len)};
    return true;
}

bool secret_copy(struct secret *s, const void *bytes, size_t len)
{
    struct secret copy = {0};
    if (!secret_new(&copy, len)) {
        secret_clear(s);
        return false;
    }
    if (len > 0)
        memcpy(copy.bytes, bytes, len);
    secret_move(s, &copy);
    return true;
}

void secret_move(struct secret *to, struct secret *from)
{
    if (to == from)
        return;
    secret_clear(to);
    *to = *from;
    *from = (struct secret){0}; /* transferred */
}

void secret_clear(struct secret *s)
{
    if (s->bytes) {
        struct size_class *class = class_for(s->room);
        bytes_wipe(s->bytes, s->room);
        if (class)
            slot_give_back(class, s->bytes);
        else
            munmap(s->bytes, s->room);
    }
    *s = (struct secret){0};
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->len == b->len && bytes_equal(a->bytes, b->bytes, a->len);
}
