/* An object in memory: its attributes in canonical form (proto/attribute.h), sorted by type, each once.
 *
 * Values lie in memory that the object was given at birth, whose owner wipes and frees all of it at once; an object
 * itself has nothing to clear. So a reply may borrow values, and no private part is left behind wherever a handler
 * stops. One thread at a time. */
#ifndef CLUSTERHSM_VAULT_OBJECT_BODY_H
#define CLUSTERHSM_VAULT_OBJECT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/secret.h"
#include "proto/error.h"
#include "proto/pkcs11.h"
#include "proto/record.pb-c.h"

enum { OBJECT_ATTRIBUTES_MAX = 112 }; /* at least the table's rows: a test holds them together */

/* take: memory for n bytes that lives as long as the object is used, or NULL. work_memory, for a handler. */
struct object_memory {
    void *(*take)(void *arg, size_t n);
    void *arg;
};

struct object_attribute {
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t n;
};

struct object {
    struct object_memory memory;
    uint64_t reference; /* a session copy of a token key: that one's id, else 0 (vault/object/named.h) */
    bool sole;          /* there has never been another of this key, and all it has done is wrap and unwrap (vault/object/sole.h) */
    size_t n;
    struct object_attribute attributes[OBJECT_ATTRIBUTES_MAX];
};

void object_init(struct object *o, struct object_memory memory);

/* NULL: it has none. Borrowed until the next put. */
const struct object_attribute *object_find(const struct object *o, CK_ATTRIBUTE_TYPE type);
bool object_has(const struct object *o, CK_ATTRIBUTE_TYPE type);

/* Sets a copy of the value, in place of the one that was there. ERR_NO_MEMORY; ERR_BUG: more attributes than there
 * are. */
enum err object_put(struct object *o, CK_ATTRIBUTE_TYPE type, const void *value, size_t n);
enum err object_put_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool value);
enum err object_put_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value);

/* False, or `otherwise`, where the object has no such attribute. */
bool object_bool(const struct object *o, CK_ATTRIBUTE_TYPE type);
CK_ULONG object_ulong(const struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise);

/* From and to a packed ObjectBody. Reading fills an object after object_init. ERR_NO_MEMORY; ERR_CORRUPT: what a
 * vault sealed is no object of ours; ERR_TOO_LARGE: packed it is above OBJECT_BYTES_MAX. */
enum err object_read(struct object *o, const uint8_t *packed, size_t n);
enum err object_pack(const struct object *o, struct secret *out);

#endif
