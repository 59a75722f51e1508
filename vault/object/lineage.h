/* What a key owes to the keys that it is made with: derived from, decapsulated or unwrapped by. The reasons stand in
 * docs/decisions/009. */
#ifndef CLUSTERHSM_VAULT_OBJECT_LINEAGE_H
#define CLUSTERHSM_VAULT_OBJECT_LINEAGE_H

#include "proto/mechanism.h"
#include "vault/object/schema.h"
#include "vault/work.h"

struct lineage {
    struct schema_base base; /* for the schema */
    bool sensitive;          /* the base key is not to be read */
    bool reveals;            /* the new value shows bytes of the old ones */
    bool closed;             /* nothing that can be read comes of it but by CKA_VALUE of the new key, which may have rules */
    bool whole;              /* the new value has to hold all of the old one */
    bool retyped;            /* the same bytes may be made keys of several types, and none of them is to be read */
};

/* From a base key, and from further ones, which are added one by one. The request is a derivation. */
void lineage_derived(struct work *w, const struct mechanism *m, const struct object *base, struct lineage *l);
void lineage_derived_also(struct work *w, const struct mechanism *m, const struct object *other, struct lineage *l);

/* Whether keys of this type may be made so. One that is found by its parts (proto/key_kind.h: DES) would be a way
 * to the same bytes as a key of another type: what shows bytes of a closed key makes none, as these were related
 * keys or halves of a longer one; and what only closed keys are made of makes none that can be searched, unless the
 * base key's CKA_DERIVE_TEMPLATE says that this is what they are. */
bool lineage_may_become(const struct lineage *l, CK_KEY_TYPE type, struct diag *why);

/* The same of what a key unwraps that is trusted or has a CKA_UNWRAP_TEMPLATE: what had been another type of key. */
bool lineage_may_unwrap(const struct object *wrapper, const struct schema_base *base, CK_KEY_TYPE type);

/* By decapsulation, which is a derivation that shows nothing of its base key: who has the ciphertext makes the same secret again. */
void lineage_decapsulated(struct work *w, const struct object *base, struct schema_base *out);

/* By a key: the template has no say in what would open again what had been closed when it was wrapped. */
void lineage_unwrapped(struct work *w, const struct object *wrapper, struct schema_base *base);

/* Whether a key wraps, or unwraps, by this mechanism: one that an admin has trusted, or still may trust
 * (vault/object/sole.h), does so only where the caller has no say in what comes out, and learns nothing from what goes in.
 * The mechanism has the parameter of its row. */
bool lineage_trusts(const struct object *wrapper, const struct mechanism *m, const Hsm__Mechanism *given, bool wraps, struct diag *why);

/* Whether a key is all that the maker's own template says (CKA_WRAP_TEMPLATE: of what may go out; the others: of what was made). */
bool lineage_fits(const struct object *maker, CK_ATTRIBUTE_TYPE own, const struct object *key);

/* Whether the maker has such a template at all: then what is made is not only the caller's to say. */
bool lineage_has_a_say(const struct object *maker, CK_ATTRIBUTE_TYPE own);

/* The caller's template with what the maker's own one (CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE, CKA_ENCAPSULATE_TEMPLATE,
 * CKA_DECAPSULATE_TEMPLATE) adds to it; of several makers it is called for one after the other. In the work's memory.
 * ERR_TEMPLATE_INCONSISTENT: they contradict each other; ERR_NO_MEMORY. */
enum err lineage_merge(struct work *w, const struct object *maker, CK_ATTRIBUTE_TYPE own, const Hsm__Template *given,
                       const Hsm__Template **out, struct diag *why);

/* The same of a key that is derived, and CKA_DERIVE_TEMPLATE. What shows bytes of the maker has that template itself, too: else the next
 * derivation would make the same bytes as one of the maker, without it. */
enum err lineage_merge_derived(struct work *w, const struct lineage *l, const struct object *maker, const Hsm__Template *given,
                               const Hsm__Template **out, struct diag *why);

/* Of the whole object, whoever has had a hand in it since: ERR_TEMPLATE_INCONSISTENT. */
enum err lineage_obeys(const struct object *maker, CK_ATTRIBUTE_TYPE own, const struct object *key, struct diag *why);

#endif
