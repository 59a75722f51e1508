/* C_Digest*: all in this process, nothing goes over the network, unless a key is digested that only the vault may see. From then on what
 * comes is gathered, and the vault digests all of it when the digest is asked for. */
#ifndef CLUSTERHSM_MODULE_STATE_DIGESTING_H
#define CLUSTERHSM_MODULE_STATE_DIGESTING_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "module/state/digest_parts.h"
#include "proto/pkcs11.h"

struct module;

/* All zero: none. */
struct digesting {
    struct digest *digest;
    const struct mechanism *row;
    bool parts; /* C_DigestUpdate was called: C_Digest may not be any more */
    struct digest_parts fed;
};

/* mechanism NULL ends what is there (PKCS #11 3.0 section 5.12). CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID. */
CK_RV digesting_begin(struct module *m, struct digesting *d, const CK_MECHANISM *mechanism);

CK_RV digesting_update(struct digesting *d, const CK_BYTE *data, CK_ULONG n);

/* The value of a secret key. CKR_KEY_HANDLE_INVALID; CKR_KEY_INDIGESTIBLE; CKR_KEY_SIZE_RANGE: so short that its digest would give it
 * away. */
CK_RV digesting_key(struct module *m, struct digesting *d, CK_OBJECT_HANDLE key);

/* These two end the digest but where the result tells a size only (module/state/output.h). */
CK_RV digesting_all(struct digesting *d, const CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n);
CK_RV digesting_finish(struct module *m, struct digesting *d, CK_BYTE *out, CK_ULONG *out_n);

void digesting_end(struct digesting *d);

/* The login is over: ends a digest that has a hidden key in it. */
void digesting_end_private(struct digesting *d);

/* C_GetOperationState and C_SetOperationState. CKR_STATE_UNSAVEABLE, CKR_SAVED_STATE_INVALID. */
CK_RV digesting_save(struct module *m, const struct digesting *d, CK_BYTE *out, CK_ULONG *out_n);
CK_RV digesting_restore(struct module *m, struct digesting *d, const CK_BYTE *state, CK_ULONG n);

/* digest_update, in pieces between which a fork may happen. */
enum err digest_feed(struct digest *d, const void *bytes, size_t n);

#endif
