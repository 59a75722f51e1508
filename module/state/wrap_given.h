/* The mechanism that a key is wrapped by, of C_WrapKey and its like. Where it authenticates there are more forms of its
 * parameter than encryption has (PKCS #11 3.2 sections 6.13.3 and 6.13.5): CK_GCM_WRAP_PARAMS and CK_CCM_WRAP_PARAMS,
 * whose vector may be the token's to make; and with C_WrapKeyAuthenticated those of messages, where the tag stands in
 * the parameter and the associated data is an argument. */
#ifndef CLUSTERHSM_MODULE_STATE_WRAP_GIVEN_H
#define CLUSTERHSM_MODULE_STATE_WRAP_GIVEN_H

#include "module/state/mechanism_given.h"
#include "proto/pkcs11.h"

struct wrap_given {
    struct mechanism_given mechanism;
    CK_BYTE *iv; /* the application's: where the vault's vector goes. NULL: it makes none */
    CK_ULONG iv_n;
    CK_BYTE *tag; /* the application's. NULL: the tag is the end of the wrapped key */
    CK_ULONG tag_n;
};

/* What C_WrapKeyAuthenticated and C_UnwrapKeyAuthenticated get besides. */
struct wrap_associated {
    const CK_BYTE *bytes;
    CK_ULONG n;
};

/* `operation` is CKF_WRAP or CKF_UNWRAP; associated is NULL in C_WrapKey and C_UnwrapKey. mechanism_take's errors.
 * Cleared by mechanism_clear(&out->mechanism). */
enum err wrap_given_take(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation,
                         const struct wrap_associated *associated, struct wrap_given *out);

#endif
