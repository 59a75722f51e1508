/* What a session has begun and not finished: at most one of each kind at a time. */
#ifndef CLUSTERHSM_MODULE_STATE_OPERATIONS_H
#define CLUSTERHSM_MODULE_STATE_OPERATIONS_H

#include "module/state/ciphering.h"
#include "module/state/digesting.h"
#include "module/state/message_ciphering.h"
#include "module/state/message_signing.h"
#include "module/state/search.h"
#include "module/state/signature_first.h"
#include "module/state/signing.h"

/* All zero: nothing. Belongs to who holds the session's lock. */
struct operations {
    struct search search;
    struct digesting digesting;
    struct ciphering encrypting, decrypting;
    struct message_ciphering message_encrypting, message_decrypting;
    struct signing signing, verifying;
    struct signing sign_recovering, verify_recovering;
    struct message_signing message_signing, message_verifying;
    struct signature_first signature_first; /* only where `verifying` is nothing */
};

/* Ends them all. */
void operations_clear(struct operations *o);

/* The same without touching what they own: a thread that is not in this process was at work on it when the process was forked. */
void operations_forget(struct operations *o);

/* The login is over: ends what may have been begun under it; a digest stays but where a private key is in it. */
void operations_end_private(struct operations *o);

/* Is one under way that a key is in, but for a digest? */
bool operations_have_key(const struct operations *o);

/* Of the operation whose key asks for the user's password: the first that waits for it, else the first that has it already. NULL: none. */
struct reauthentication *operations_reauthentication(struct operations *o);

/* C_SessionCancel: CKF_ENCRYPT, CKF_DECRYPT, CKF_SIGN, CKF_VERIFY, CKF_DIGEST, CKF_FIND_OBJECTS; others are no operations here. */
void operations_cancel(struct operations *o, CK_FLAGS which);

#endif
