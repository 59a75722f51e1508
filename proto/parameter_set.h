/* The parameter sets that post-quantum keys are made by (CKA_PARAMETER_SET): of which lengths all is, and what libcrypto calls them.
 *
 * Not every libcrypto has them. Which are there is asked once when a process starts (crypto/post_quantum.h); those that are not, or before
 * that was asked, do not exist for anybody: neither the set nor, where a type of key has none, its mechanisms (proto/mechanism.h).
 *
 * Any thread may call, and what is returned lives for ever. */
#ifndef CLUSTERHSM_PROTO_PARAMETER_SET_H
#define CLUSTERHSM_PROTO_PARAMETER_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

enum {
    PARAMETER_SET_PUBLIC_BYTES_MAX = 2592,  /* ML-DSA-87 */
    PARAMETER_SET_PRIVATE_BYTES_MAX = 4896, /* the same */
    PARAMETER_SET_SEED_BYTES_MAX = 64,      /* ML-KEM */
    PARAMETER_SET_OUTPUT_BYTES_MAX = 49856  /* SLH-DSA-SHA2-256f */
};

struct parameter_set {
    CK_KEY_TYPE key_type;
    CK_ULONG number;   /* CKP_ */
    const char *name;  /* OpenSSL's: "ML-DSA-65" */
    const char *oid;   /* of the algorithm in PKCS #8 and SubjectPublicKeyInfo: "2.16.840.1.101.3.4.3.18" */
    size_t public_bytes;
    size_t private_bytes; /* CKA_VALUE of a private key */
    size_t seed_bytes;    /* CKA_SEED; 0: such keys have none */
    size_t output_bytes;  /* a signature, or an encapsulated key */
};

/* NULL: there is none, or not here. */
const struct parameter_set *parameter_set_find(CK_KEY_TYPE key_type, CK_ULONG number);
const struct parameter_set *parameter_set_by_name(const char *name);

/* The same also of those that are not here: for people, who want to know what they have. */
const struct parameter_set *parameter_set_by_oid(const char *oid);

/* Rows by position, those too that are not here: NULL at the end. */
const struct parameter_set *parameter_set_at(size_t position);

/* Whether it is here; and what crypto/post_quantum.h says of that, which tells mechanism_relist afterwards. */
bool parameter_set_is_here(const struct parameter_set *set);
void parameter_set_here(const struct parameter_set *set, bool here);

/* Whether keys of this type are made by parameter sets, as a constant expression and as a call; and whether any such key can be here. */
#define PARAMETER_SET_MAKES(key_type) ((key_type) == CKK_ML_KEM || (key_type) == CKK_ML_DSA || (key_type) == CKK_SLH_DSA)
bool parameter_set_makes(CK_KEY_TYPE key_type);
bool parameter_set_makes_here(CK_KEY_TYPE key_type);

#endif
