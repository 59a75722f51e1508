/* The table of key types (key_kind.def). Constant data: any thread, for ever. A type that libcrypto lacks has no row
 * (proto/parameter_set.h). */
#ifndef CLUSTERHSM_PROTO_KEY_KIND_H
#define CLUSTERHSM_PROTO_KEY_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

enum key_kind_of { KEY_KIND_PAIR, KEY_KIND_KEM, KEY_KIND_AGREE, KEY_KIND_CIPHER, KEY_KIND_BASE, KEY_KIND_SECRET, KEY_KIND_OTP };

#define OWN_KIND_ONLY CK_UNAVAILABLE_INFORMATION

struct key_kind {
    CK_KEY_TYPE type;
    const char *name; /* "CKK_AES" */
    enum key_kind_of kind;
    size_t bytes_min, bytes_max, bytes_step; /* of a secret key's value */
    CK_KEY_TYPE also;   /* may take its place; OWN_KIND_ONLY: none */
    unsigned strength;  /* bits, where a search by parts finds it with less work than its length says; else 0 */
};

/* NULL: there are no such keys here. */
const struct key_kind *key_kind_find(CK_KEY_TYPE type);

/* Rows by position, sorted by type: NULL at the end. */
const struct key_kind *key_kind_at(size_t position);

/* A secret key, of whatever use but one-time passwords (which are another class of objects). False for NULL. */
bool key_kind_is_secret(const struct key_kind *k);

/* A key of one-time passwords. False for NULL. */
bool key_kind_is_otp(const struct key_kind *k);

/* One of these: a key that is its CKA_VALUE. False for NULL. */
bool key_kind_is_value(const struct key_kind *k);

/* A public and a private key. False for NULL. */
bool key_kind_is_pair(const struct key_kind *k);

/* Whether a secret key may be so long. */
bool key_kind_has_length(const struct key_kind *k, size_t bytes);

/* Whether a key of type `have` does where `want` is asked for: the same, or the one that may take its place. */
bool key_kind_serves(CK_KEY_TYPE have, CK_KEY_TYPE want);

#endif
