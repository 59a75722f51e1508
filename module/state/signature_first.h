/* C_VerifySignature*: a verification whose signature is known before the data (PKCS #11 3.2 section 5.13). */
#ifndef CLUSTERHSM_MODULE_STATE_SIGNATURE_FIRST_H
#define CLUSTERHSM_MODULE_STATE_SIGNATURE_FIRST_H

#include "module/state/signing.h"

/* All zero: nothing. */
struct signature_first {
    struct signing verifying;
    struct buffer signature; /* a copy */
};

/* As signing_begin; CKR_ARGUMENTS_BAD, CKR_SIGNATURE_LEN_RANGE. */
CK_RV signature_first_begin(struct module *m, struct signature_first *v, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            const CK_BYTE *signature, CK_ULONG n);

CK_RV signature_first_update(struct signature_first *v, const CK_BYTE *data, CK_ULONG n);

CK_RV signature_first_verify(struct module *m, struct signature_first *v, const CK_BYTE *data, CK_ULONG n);
CK_RV signature_first_final(struct module *m, struct signature_first *v);

void signature_first_end(struct signature_first *v);

#endif
