/* Two operations of a session on one part of data (PKCS #11 2.40 section 5.13): a digest or a signature of what is encrypted, a digest or
 * a verification of what is decrypted. Each of the two has been begun by itself, and ends by itself.
 *
 * The convention of all functions that give back bytes (module/state/output.h) holds for both: a size query or a short buffer leaves both
 * as they are. An error of one ends both, as nobody could tell any more how far each has come. CKR_OPERATION_NOT_INITIALIZED, where one is
 * not there, ends nothing. */
#ifndef CLUSTERHSM_MODULE_STATE_DUAL_H
#define CLUSTERHSM_MODULE_STATE_DUAL_H

#include "module/state/operations.h"

struct dual_part {
    const CK_BYTE *in;
    CK_ULONG n;
    CK_BYTE *out; /* may be `in` */
    CK_ULONG *out_n;
};

CK_RV dual_digest_encrypt(struct module *m, struct operations *o, const struct dual_part *p);
CK_RV dual_decrypt_digest(struct module *m, struct operations *o, const struct dual_part *p);
CK_RV dual_sign_encrypt(struct module *m, struct operations *o, const struct dual_part *p);
CK_RV dual_decrypt_verify(struct module *m, struct operations *o, const struct dual_part *p);

#endif
