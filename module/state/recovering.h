/* C_VerifyRecover: RSA signatures that give the data back. Begun by signing_begin with CKF_VERIFY_RECOVER; C_SignRecover is signing_sign of
 * one begun with CKF_SIGN_RECOVER. In one part only. All that is done here is done in this process. */
#ifndef CLUSTERHSM_MODULE_STATE_RECOVERING_H
#define CLUSTERHSM_MODULE_STATE_RECOVERING_H

#include "module/state/signing.h"

/* A size query or a short buffer leaves it as it is, everything else ends it. */
CK_RV recovering_verify(struct module *m, struct signing *s, const CK_BYTE *signature, CK_ULONG n, CK_BYTE *data, CK_ULONG *data_n);

#endif
