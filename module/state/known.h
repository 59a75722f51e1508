/* An object as this process knows it: what the user may read of it, as it was when the vault said so. Never changes; shared by counting.
 *
 * Values are canonical (proto/attribute.h). Whatever of them is a key's own secret lies in locked memory. */
#ifndef CLUSTERHSM_MODULE_STATE_KNOWN_H
#define CLUSTERHSM_MODULE_STATE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/public_key.h"
#include "proto/attribute.h"
#include "proto/error.h"
#include "proto/pkcs11.h"
#include "proto/request.pb-c.h"

struct known_value {
    const struct attribute *row;
    const uint8_t *bytes;
    size_t n;
};

struct known;

/* From a reply; seen now. The first reference is the caller's. ERR_MALFORMED: no vault of ours says such a thing. */
enum err known_from_wire(const Hsm__Object *wire, struct known **out);

struct known *known_hold(struct known *o);
void known_release(struct known *o); /* NULL is legal */

/* The record's id, 0 for a session object; and its version. */
uint64_t known_id(const struct known *o);
uint64_t known_version(const struct known *o);

/* A session object's record, to be sent along when it is used; n 0: it has none. Borrowed. */
const uint8_t *known_sealed(const struct known *o, size_t *n);

/* NULL: it has no such attribute, or it is not shown. Borrowed. */
const struct known_value *known_value(const struct known *o, CK_ATTRIBUTE_TYPE type);
/* By position; NULL at the end. */
const struct known_value *known_value_at(const struct known *o, size_t position);
/* It has the attribute, but does not show it. */
bool known_hides(const struct known *o, CK_ATTRIBUTE_TYPE type);

bool known_bool(const struct known *o, CK_ATTRIBUTE_TYPE type);
CK_ULONG known_ulong(const struct known *o, CK_ATTRIBUTE_TYPE type); /* CK_UNAVAILABLE_INFORMATION: none */

/* Whether everybody sees it (proto/visibility.h). */
bool known_is_open(const struct known *o);

/* Whether a key's CKA_ALLOWED_MECHANISMS, if it has any, has this one. */
bool known_allows(const struct known *o, CK_MECHANISM_TYPE mechanism);

/* CLOCK_BOOTTIME in ms when the vault last said that it is so. */
uint64_t known_seen_ms(const struct known *o);
void known_set_seen(struct known *o, uint64_t now_ms);

/* Bits of an RSA modulus or a curve, bytes of a secret key, and of the public key where there is a parameter set; 0: no key that we
 * know. */
size_t known_key_size(const struct known *o);

/* Bits of what the length of a signature goes by: the same, but for DSA the subprime's. */
size_t known_signing_size(const struct known *o);

/* NULL: no key made by one. */
const struct parameter_set *known_set(const struct known *o);
/* The curve that CKA_EC_PARAMS names; NULL: none. */
const struct curve *known_curve(const struct known *o);

/* The public key of a CKO_PUBLIC_KEY, made at the first call. As long as the object. Enters the gate. public_key.h's errors. */
enum err known_public_key(struct known *o, OSSL_LIB_CTX *libctx, const struct public_key **out);

#endif
