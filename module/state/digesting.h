/* C_Digest*: all in this process, nothing goes over the network. */
#ifndef CLUSTERHSM_MODULE_STATE_DIGESTING_H
#define CLUSTERHSM_MODULE_STATE_DIGESTING_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "proto/pkcs11.h"

struct module;

/* All zero: none. */
struct digesting {
    struct digest *digest;
    bool parts; /* C_DigestUpdate was called: C_Digest may not be any more */
};

/* mechanism NULL ends what is there (PKCS #11 3.0 section 5.12). CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID. */
CK_RV digesting_begin(struct module *m, struct digesting *d, const CK_MECHANISM *mechanism);

CK_RV digesting_update(struct digesting *d, const CK_BYTE *data, CK_ULONG n);

/* These two end the digest but where the result tells a size only (module/state/output.h). */
CK_RV digesting_all(struct digesting *d, const CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n);
CK_RV digesting_finish(struct digesting *d, CK_BYTE *out, CK_ULONG *out_n);

void digesting_end(struct digesting *d);

/* C_GetOperationState and C_SetOperationState. CKR_STATE_UNSAVEABLE, CKR_SAVED_STATE_INVALID. */
CK_RV digesting_save(struct module *m, const struct digesting *d, CK_BYTE *out, CK_ULONG *out_n);
CK_RV digesting_restore(struct module *m, struct digesting *d, const CK_BYTE *state, CK_ULONG n);

/* digest_update, in pieces between which a fork may happen. */
enum err digest_feed(struct digest *d, const void *bytes, size_t n);

#endif
