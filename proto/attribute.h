/* The attribute table (attribute.def). Constant data: any thread, for ever. */
#ifndef CLUSTERHSM_PROTO_ATTRIBUTE_H
#define CLUSTERHSM_PROTO_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/pkcs11.h"

enum attribute_type {
    ATTRIBUTE_BOOL,
    ATTRIBUTE_ULONG,
    ATTRIBUTE_BYTES,
    ATTRIBUTE_UTF8,
    ATTRIBUTE_DATE,
    ATTRIBUTE_BIGINT,
    ATTRIBUTE_MECHANISMS,
    ATTRIBUTE_TEMPLATE,
    ATTRIBUTE_VERSION,
};

enum attribute_class {
    CLASS_DATA = 1 << 0,
    CLASS_CERT = 1 << 1,
    CLASS_PUBLIC = 1 << 2,
    CLASS_PRIVATE = 1 << 3,
    CLASS_SECRET = 1 << 4,
    CLASS_PROFILE = 1 << 5, /* the module's own (module/state/builtin.h): nobody makes one, so no CKO_ has this bit */
    CLASS_VALIDATION = 1 << 6,
    CLASS_DOMAIN = 1 << 7, /* CKO_DOMAIN_PARAMETERS */
    CLASS_OTP = 1 << 8 /* one-time password keys: secret keys with a counter, for that alone */
};

enum attribute_flag {
    ATTRIBUTE_CREATE = 1 << 0,
    ATTRIBUTE_CREATE_MUST = 1 << 1,
    ATTRIBUTE_GENERATE = 1 << 2,
    ATTRIBUTE_MODIFY = 1 << 3,
    ATTRIBUTE_MAKE = 1 << 4,
    ATTRIBUTE_SENSITIVE = 1 << 5,
    ATTRIBUTE_INDEXED = 1 << 6,
    ATTRIBUTE_ONE_WAY_TRUE = 1 << 7,
    ATTRIBUTE_ONE_WAY_FALSE = 1 << 8,
    ATTRIBUTE_MATERIAL = 1 << 9,
    ATTRIBUTE_USAGE = 1 << 10,
    ATTRIBUTE_IGNORED = 1 << 11,
    ATTRIBUTE_UNWRAP = 1 << 12,
    ATTRIBUTE_DERIVE = 1 << 13,
    ATTRIBUTE_COPY = 1 << 14,
    ATTRIBUTE_FRESH = 1 << 15,
    ATTRIBUTE_ADMIN = 1 << 16,
    ATTRIBUTE_MODIFY_DATA = 1 << 17,
    ATTRIBUTE_GENERATE_PAIR = 1 << 18,
    ATTRIBUTE_COUNTS = 1 << 24
};

enum attribute_default { DEFAULT_NO, DEFAULT_FALSE, DEFAULT_TRUE, DEFAULT_EMPTY, DEFAULT_BY_RULE };

struct attribute {
    CK_ATTRIBUTE_TYPE type;
    const char *name; /* "CKA_LABEL" */
    enum attribute_type value;
    unsigned classes; /* enum attribute_class */
    unsigned flags;   /* enum attribute_flag */
    enum attribute_default fallback;
};

/* NULL if there is no such attribute. */
const struct attribute *attribute_find(CK_ATTRIBUTE_TYPE type);

/* Rows by position, sorted by type: NULL at the end. */
const struct attribute *attribute_at(size_t position);

/* The bit of a CKO_, 0 if we have no such class of objects. */
unsigned attribute_class_bit(CK_OBJECT_CLASS object_class);

/* What a key has to have for a use: CKA_SIGN for CKF_SIGN and so on, for each use of mechanism flags that one attribute permits.
 * attribute_use_at: those CKF_ flags by position, 0 at the end. Of another flag there is none: CK_UNAVAILABLE_INFORMATION. */
CK_FLAGS attribute_use_at(size_t position);
CK_ATTRIBUTE_TYPE attribute_of_use(CK_FLAGS use);

/* The class bits of the keys that such a use is for, whatever their attributes say. */
unsigned attribute_classes_of_use(CK_FLAGS use);

/* Whether an object of this class may get another value of the attribute at all. */
bool attribute_is_modifiable(const struct attribute *a, unsigned class_bit);

/* Whether another value may take an attribute's place, by C_SetAttributeValue or in a copy (PKCS#11 v3.1 sections 4.1.2, 4.1.3).
 * modifiable: the object's CKA_MODIFIABLE; becomes: the new value, where it is a BOOL. ERR_ATTRIBUTE_READ_ONLY,
 * ERR_ACTION_PROHIBITED. */
enum err attribute_may_change(const struct attribute *a, unsigned class_bit, bool copy, bool modifiable, bool becomes);

/* Values travel in a canonical form that knows no CPU: bool one byte 0 or 1; CK_ULONG eight bytes, big endian;
 * MECHANISMS eight bytes each; BIGINT without leading zeros; TEMPLATE the type in eight bytes, the length in four, and
 * the canonical value of each; all else as it is. True if `n` bytes are canonical for the row. */
bool attribute_is_canonical(const struct attribute *a, const uint8_t *value, size_t n);

/* How long a number is in bits, from its first 1 on: 0 of zero, and of no bytes. */
size_t attribute_bits(const uint8_t *number, size_t n);

/* The next attribute of a canonical TEMPLATE: *value and *length lie in it; *at starts at 0. False: there is no other,
 * or what follows is none. */
bool attribute_template_next(const uint8_t *bytes, size_t n, size_t *at, CK_ATTRIBUTE_TYPE *type, const uint8_t **value,
                             size_t *length);

/* Between canonical and the host's form of C_GetAttributeValue and templates. `out` must have room for `room` bytes;
 * the result is the number of bytes, or 0 with *ok false where the value is of the wrong length or form, or does not
 * fit. Where out is NULL only the length is computed. BIGINT from the host loses its leading zeros. To the host a TEMPLATE has its length
 * only: each of its entries says for itself where its value goes (attribute_template_next). */
size_t attribute_from_host(const struct attribute *a, const void *value, size_t n, uint8_t *out, size_t room, bool *ok);
size_t attribute_to_host(const struct attribute *a, const uint8_t *value, size_t n, void *out, size_t room, bool *ok);

#endif
