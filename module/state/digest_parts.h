/* All that a digest was fed, kept as long as the vault may have to do it again with a key in it that only the vault may see: bytes, and
 * keys that stand between them. */
#ifndef CLUSTERHSM_MODULE_STATE_DIGEST_PARTS_H
#define CLUSTERHSM_MODULE_STATE_DIGEST_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gathered.h"
#include "module/state/known.h"
#include "proto/error.h"
#include "proto/limits.h"

struct digest_part_key {
    struct known *key; /* held */
    size_t at;         /* so many bytes stand before it */
};

/* All zero: nothing was fed. */
struct digest_parts {
    struct gathered bytes;
    struct digest_part_key keys[DIGEST_KEYS_MAX];
    size_t n_keys;
    size_t n_hidden; /* of them: whose value is not shown */
    bool forgotten;  /* more was fed than is kept; no hidden key is among it */
};

/* What cannot be kept is forgotten unless there is a hidden key: then it is ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err digest_parts_put(struct digest_parts *p, const uint8_t *bytes, size_t n);

/* ERR_KEY_INDIGESTIBLE: a hidden key after what is forgotten, or one too many. */
enum err digest_parts_put_key(struct digest_parts *p, struct known *key);

/* NULL: it is hidden. */
const struct known_value *digest_part_value(const struct digest_part_key *k);

/* Wipes. */
void digest_parts_clear(struct digest_parts *p);

#endif
