/* What rows of the mechanism table take, for tests that loop over it. */
#ifndef CLUSTERHSM_TESTS_UNIT_SAMPLE_MECHANISM_H
#define CLUSTERHSM_TESTS_UNIT_SAMPLE_MECHANISM_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

/* CKM_ and CKG_ of a hash by OpenSSL's name; CK_UNAVAILABLE_INFORMATION: there is none. */
CK_MECHANISM_TYPE sample_hash_type(const char *name);
CK_ULONG sample_mgf(const char *name);

/* A row of secret keys, or OAEP, with a parameter that suits it, for so much data (CCM). Good until the next call. */
CK_MECHANISM sample_mechanism(const struct mechanism *m, CK_ULONG data_bytes);

/* The row's hash (SHA-256 where it has none) everywhere, and a salt of the hash's length. */
CK_RSA_PKCS_PSS_PARAMS sample_pss(const struct mechanism *m);

/* The same as it travels. */
Hsm__PssParams sample_pss_wire(const CK_RSA_PKCS_PSS_PARAMS *pss);

#endif
