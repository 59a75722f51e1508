/* The user's password for one use of a key whose CKA_ALWAYS_AUTHENTICATE is true (PKCS #11 3.1 section 4.9): C_Login with
 * CKU_CONTEXT_SPECIFIC, between a use's beginning and its end. The vault tries the password when it is given, so that C_Login can say
 * whether it was right; and again with the use, which it does not grant without (docs/decisions/010). In between it lies in locked memory,
 * as long as the operation that it is for. */
#ifndef CLUSTERHSM_MODULE_STATE_REAUTHENTICATION_H
#define CLUSTERHSM_MODULE_STATE_REAUTHENTICATION_H

#include <stdbool.h>

#include "common/secret.h"
#include "module/state/known.h"
#include "proto/pkcs11.h"

struct module;
struct session;

/* A part of each operation that may use a private key. All zero: nothing. */
struct reauthentication {
    bool needed;
    struct secret password; /* of who is logged in; empty: not given yet, or not the right one */
};

/* The operation has begun, with this key. */
void reauthentication_begin(struct reauthentication *r, const struct known *key);

/* May the key be used now? Else the answer is CKR_USER_NOT_LOGGED_IN. */
bool reauthentication_done(const struct reauthentication *r);

/* What goes along with the use; NULL: nothing is needed. */
const struct secret *reauthentication_password(const struct reauthentication *r);

/* It was for `from` and is for `to` now. */
void reauthentication_move(struct reauthentication *to, struct reauthentication *from);

void reauthentication_end(struct reauthentication *r);

/* C_Login and C_LoginUser with CKU_CONTEXT_SPECIFIC, for that operation of the session which waits for it. The name, where one is given,
 * has to be that of who is logged in. CKR_OPERATION_NOT_INITIALIZED: none waits; CKR_USER_NOT_LOGGED_IN; CKR_PIN_*: the operation stays as
 * it is, but CKR_PIN_LOCKED ends the login. */
CK_RV reauthenticate_pin(struct module *m, struct session *session, const CK_BYTE *pin, CK_ULONG n);
CK_RV reauthenticate_user(struct module *m, struct session *session, const CK_BYTE *name, CK_ULONG name_n, const CK_BYTE *pin, CK_ULONG n);

#endif
