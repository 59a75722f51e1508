/* The elliptic curves, as CKA_EC_PARAMS names them, and points as CKA_EC_POINT carries them. Constant data: any thread. */
#ifndef CLUSTERHSM_CRYPTO_CURVE_H
#define CLUSTERHSM_CRYPTO_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/error.h"

enum { CURVE_FIELD_BYTES_MAX = 48, CURVE_POINT_BYTES_MAX = 1 + 2 * CURVE_FIELD_BYTES_MAX };

struct curve {
    const char *name;      /* OpenSSL's: "P-256" */
    size_t bits;
    size_t field_bytes;
    const uint8_t *params; /* CKA_EC_PARAMS: the DER object identifier */
    size_t params_bytes;
};

/* The curve of a CKA_EC_PARAMS value; NULL if it is not one of ours (ERR_CURVE is the answer then). */
const struct curve *curve_find(const void *params, size_t n);
const struct curve *curve_by_name(const char *name);

/* Rows by position, NULL at the end. */
const struct curve *curve_at(size_t position);

/* An uncompressed point of the curve's length from a CKA_EC_POINT value, raw or as DER OCTET STRING (clients send both).
 * `point` is borrowed from `value`. ERR_ATTRIBUTE_VALUE: neither. Whether it lies on the curve is public_key_ec's to say. */
enum err curve_point_read(const struct curve *c, const uint8_t *value, size_t n, const uint8_t **point, size_t *point_n);

/* Appends the raw point as DER OCTET STRING, the form that PKCS#11 v2.40 section 2.3.3 gives CKA_EC_POINT. */
enum err curve_point_write(const uint8_t *point, size_t n, struct buffer *out);

#endif
