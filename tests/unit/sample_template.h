/* Templates as the module sends them, and memory for objects, for tests. */
#ifndef CLUSTERHSM_TESTS_UNIT_SAMPLE_TEMPLATE_H
#define CLUSTERHSM_TESTS_UNIT_SAMPLE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "crypto/curve.h"
#include "proto/pkcs11.h"
#include "proto/request.pb-c.h"
#include "vault/object/body.h"

enum { SAMPLE_ATTRIBUTES_MAX = 300 };

/* Values of more than eight bytes are borrowed. Does not move once something is in it. */
struct sample_template {
    Hsm__Template message;
    Hsm__Attribute attributes[SAMPLE_ATTRIBUTES_MAX];
    Hsm__Attribute *list[SAMPLE_ATTRIBUTES_MAX];
    uint8_t small[SAMPLE_ATTRIBUTES_MAX][8];
};

void sample_start(struct sample_template *t);
void sample_bytes(struct sample_template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t n);
void sample_text(struct sample_template *t, CK_ATTRIBUTE_TYPE type, const char *text);
void sample_bool(struct sample_template *t, CK_ATTRIBUTE_TYPE type, bool value);
void sample_ulong(struct sample_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);

/* A key of 2048 bits, the same each time; the caller frees it. */
EVP_PKEY *sample_rsa(void);

/* CKK_DSA, of 2048 and 224 bits, the same each time; a new one of CKK_DH in a group by OpenSSL's name. The caller frees them. */
EVP_PKEY *sample_dsa(void);
EVP_PKEY *sample_dh(const char *group);

/* A new one on a curve of any type; the caller frees it. */
EVP_PKEY *sample_on_curve(const struct curve *c);

/* Class, key type and the parts of an OpenSSL key (its numbers are borrowed from static memory until the next call). */
void sample_private(struct sample_template *t, const EVP_PKEY *key, bool primes);
void sample_public(struct sample_template *t, const EVP_PKEY *key);

/* The raw point of a key on a curve. */
/* The public number of a key of sample_dh's, of the prime's length. */
enum { SAMPLE_DH_BYTES_MAX = 1024 };
size_t sample_public_value(const EVP_PKEY *key, uint8_t out[SAMPLE_DH_BYTES_MAX]);

size_t sample_point(const EVP_PKEY *key, uint8_t raw[CURVE_POINT_BYTES_MAX]);

/* Memory that is freed all at once. */
struct object_memory sample_memory(void);
void sample_memory_free(void);

/* The next so many takings succeed, the one after fails; SIZE_MAX: all succeed. */
void sample_memory_fail(size_t after);

#endif
