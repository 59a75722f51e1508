/* The elliptic curves, as CKA_EC_PARAMS names them, and points as CKA_EC_POINT carries them. Constant data: any thread. */
#ifndef CLUSTERHSM_CRYPTO_CURVE_H
#define CLUSTERHSM_CRYPTO_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/error.h"
#include "proto/pkcs11.h"

enum { CURVE_FIELD_BYTES_MAX = 66, CURVE_POINT_BYTES_MAX = 1 + 2 * CURVE_FIELD_BYTES_MAX };

struct curve {
    const char *name;      /* OpenSSL's: of the group ("P-256") where key_type is CKK_EC, else of the algorithm ("ED25519") */
    const char *printed;   /* what some clients send as PrintableString: "secp256r1", "edwards25519" */
    CK_KEY_TYPE key_type;  /* CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY */
    int nid;               /* OpenSSL's number of it */
    size_t bits;
    size_t field_bytes;    /* of a private key, and of half a signature */
    size_t point_bytes;    /* of a raw point */
    const uint8_t *params; /* CKA_EC_PARAMS as it is stored: the DER object identifier */
    size_t params_bytes;
};

/* The curve of a CKA_EC_PARAMS value: an object identifier, or a name as PrintableString (PKCS#11 v3.1 section 6.3.3).
 * NULL if it is not one of ours (ERR_CURVE is the answer then). */
const struct curve *curve_find(const void *params, size_t n);
const struct curve *curve_by_name(const char *name);
const struct curve *curve_by_nid(int nid);

/* Rows by position, NULL at the end. */
const struct curve *curve_at(size_t position);

/* A point of the curve's length (uncompressed, where there is a choice) from a CKA_EC_POINT value, raw or as DER OCTET
 * STRING (clients send both). `point` is borrowed from `value`. ERR_ATTRIBUTE_VALUE: neither. Whether it lies on the
 * curve is public_key_ec's to say. */
enum err curve_point_read(const struct curve *c, const uint8_t *value, size_t n, const uint8_t **point, size_t *point_n);

/* Appends the raw point as DER OCTET STRING, the form that PKCS#11 v2.40 section 2.3.3 gives CKA_EC_POINT. */
enum err curve_point_write(const uint8_t *point, size_t n, struct buffer *out);

/* How long that is. */
size_t curve_point_der_bytes(size_t point_n);

#endif
