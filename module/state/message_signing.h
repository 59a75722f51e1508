/* Message-based signing and verifying (PKCS #11 3.0 sections 5.14 and 5.16): one beginning, then any number of messages, each in one part
 * or in many.
 *
 *   nothing ──init──► begun ──sign or verify──► begun
 *                       └──begin──► in a message ──next──► in a message ──next, the last──► begun
 *   final, from anywhere: nothing
 * An error ends the message and not what was begun. No mechanism here has a parameter a message. */
#ifndef CLUSTERHSM_MODULE_STATE_MESSAGE_SIGNING_H
#define CLUSTERHSM_MODULE_STATE_MESSAGE_SIGNING_H

#include "module/state/signing.h"

/* All zero: nothing. */
struct message_signing {
    struct signing pattern; /* what each message begins as */
    struct signing message; /* the one in many parts */
};

struct message_parameter {
    const void *bytes;
    CK_ULONG n;
};

/* As signing_begin. */
CK_RV message_signing_begin(struct module *m, struct message_signing *s, CK_FLAGS use, const CK_MECHANISM *mechanism,
                            CK_OBJECT_HANDLE key);

/* CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE: in a message; CKR_MECHANISM_PARAM_INVALID. */
CK_RV message_signing_start(struct module *m, struct message_signing *s, struct message_parameter p);

CK_RV message_signing_sign(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                           CK_BYTE *signature, CK_ULONG *signature_n);
/* signature_n NULL: more is to come. */
CK_RV message_signing_sign_next(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                                CK_BYTE *signature, CK_ULONG *signature_n);

CK_RV message_signing_verify(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                             const CK_BYTE *signature, CK_ULONG signature_n);
/* signature NULL: more is to come. */
CK_RV message_signing_verify_next(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                                  const CK_BYTE *signature, CK_ULONG signature_n);

/* CKR_OPERATION_NOT_INITIALIZED. */
CK_RV message_signing_finish(struct message_signing *s);

void message_signing_end(struct message_signing *s);

#endif
