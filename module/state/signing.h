/* C_Sign* and C_Verify*. C_SignInit is answered here; a signature is one request, with the digest where the mechanism's row lets the module
 * hash, else with all data, gathered. Public keys verify here; what a secret key verifies goes to the vault.
 *
 *   nothing ──init──► begun ──update──► parts ──final──► nothing
 *                       └─── sign or verify ─────────────────┘
 * Every error ends it; a size query or a short buffer leaves it as it is. */
#ifndef CLUSTERHSM_MODULE_STATE_SIGNING_H
#define CLUSTERHSM_MODULE_STATE_SIGNING_H

#include <stdbool.h>

#include "common/gathered.h"
#include "crypto/digest.h"
#include "module/state/mechanism_given.h"
#include "module/state/known.h"
#include "module/state/reauthentication.h"
#include "proto/pkcs11.h"

struct module;

/* All zero: nothing. */
struct signing {
    struct known *key;
    struct mechanism_given mechanism;
    size_t signature_bytes;
    bool parts;
    struct reauthentication reauthentication;
    bool recover; /* begun for a signature that gives the data back (module/state/recovering.h) */
    struct digest *digest;    /* the module hashes */
    struct gathered gathered; /* all data */
};

/* use: CKF_SIGN, CKF_VERIFY, CKF_SIGN_RECOVER, CKF_VERIFY_RECOVER. mechanism NULL ends what is there. CKR_OPERATION_ACTIVE,
 * CKR_MECHANISM_*, CKR_KEY_*. */
CK_RV signing_begin(struct module *m, struct signing *s, CK_FLAGS use, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* `out`, which is nothing, is what `s` was when it had just begun. */
enum err signing_copy(struct module *m, const struct signing *s, struct signing *out);

CK_RV signing_update(struct signing *s, const CK_BYTE *data, CK_ULONG n);

CK_RV signing_sign(struct module *m, struct signing *s, const CK_BYTE *data, CK_ULONG n, CK_BYTE *signature, CK_ULONG *signature_n);
CK_RV signing_sign_final(struct module *m, struct signing *s, CK_BYTE *signature, CK_ULONG *signature_n);

CK_RV signing_verify(struct module *m, struct signing *s, const CK_BYTE *data, CK_ULONG n, const CK_BYTE *signature, CK_ULONG signature_n);
CK_RV signing_verify_final(struct module *m, struct signing *s, const CK_BYTE *signature, CK_ULONG signature_n);

void signing_end(struct signing *s);

#endif
