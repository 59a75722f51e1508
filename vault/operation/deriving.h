/* A derivation in work: the keys that it is made with, and the objects that it makes, whose values are cut out of one. For op_derive.c.
 *
 * Errors are reply errors; what is to be said beside them stands in `why`. */
#ifndef CLUSTERHSM_VAULT_OPERATION_DERIVING_H
#define CLUSTERHSM_VAULT_OPERATION_DERIVING_H

#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/named.h"
#include "vault/object/schema.h"
#include "vault/provider/derive.h"

enum { DERIVING_MAKERS_MAX = 1 + DERIVE_OTHERS_MAX };
enum { DERIVING_CLOSED_BYTES_MIN = 16 }; /* a shorter key could be tried out, and the next byte after it */

struct deriving {
    struct work *work;
    struct key_use base, others[DERIVE_OTHERS_MAX];
    const struct key *other_keys[DERIVE_OTHERS_MAX];
    struct named named[DERIVING_MAKERS_MAX]; /* the base key, then the others */
    size_t n_named;
    struct derive derive;
    struct lineage lineage;
    struct diag why;
    struct object *objects; /* room for DERIVED_KEYS_MAX, in the work's memory */
    size_t n;
    uint32_t template;   /* which one is looked at, from 1; 0: none */
    struct secret value; /* of which the objects are made */
    bool data_length_given; /* what the template of a data object says of its length */
    size_t data_bytes;
};

/* The request's keys, permitted, and its parameter, checked. Closed in any case. */
enum err deriving_open(struct deriving *d, struct work *w);
void deriving_close(struct deriving *d);

/* Value and objects of the call's template and the additional ones: one key, or several of SP 800-108. */
enum err deriving_keys(struct deriving *d);
/* The same of CKM_TLS12_KEY_AND_MAC_DERIVE: up to four keys of one template; two vectors remain at the end of the value. */
enum err deriving_tls_keys(struct deriving *d);
/* The base key's public half. */
enum err deriving_public_key(struct deriving *d);

/* ---- the steps of one object */

struct schema deriving_schema(const struct deriving *d);
enum err deriving_read(struct deriving *d, const Hsm__Template *given, struct schema *s, struct object *o);
/* A secret key's value in stored form; data as it is. */
enum err deriving_put(struct deriving *d, const struct schema *s, struct object *o, const uint8_t *bytes, size_t n);
enum err deriving_complete(struct deriving *d, const struct schema *s, struct object *o);

#endif
