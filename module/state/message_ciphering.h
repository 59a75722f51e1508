/* Message-based encryption and decryption (PKCS #11 3.0 sections 5.9 and 5.11): one beginning, then any number of messages, each with a
 * vector and a tag of its own, in one part or in many.
 *
 *   nothing ──init──► begun ──encrypt or decrypt──► begun
 *                       └──begin──► in a message ──next──► in a message ──next, the last──► begun
 *   final, from anywhere: nothing
 * An error ends the message and not what was begun; a size query or a short buffer ends neither. A message is one request: its parts are
 * gathered here, and all of the answer comes with the last one. Its vector is made where the parameter is given: in the vault for a message
 * in one part, here for one that begins before its data is there. */
#ifndef CLUSTERHSM_MODULE_STATE_MESSAGE_CIPHERING_H
#define CLUSTERHSM_MODULE_STATE_MESSAGE_CIPHERING_H

#include "common/gathered.h"
#include "module/state/known.h"
#include "module/state/message_signing.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

/* All zero: nothing. */
struct message_ciphering {
    struct known *key;
    const struct mechanism *row;
    bool encrypt;
    Hsm__Mechanism *message; /* of the one in many parts, with its associated data; NULL: there is none */
    struct gathered gathered;
};

struct message_bytes {
    const CK_BYTE *bytes;
    CK_ULONG n;
};

/* use: CKF_ENCRYPT or CKF_DECRYPT. mechanism NULL ends what is there; a parameter in it is not looked at, as each message has its own.
 * CKR_OPERATION_ACTIVE, CKR_MECHANISM_*, CKR_KEY_*. */
CK_RV message_ciphering_begin(struct module *m, struct message_ciphering *s, CK_FLAGS use, const CK_MECHANISM *mechanism,
                              CK_OBJECT_HANDLE key);

/* CKR_AEAD_DECRYPT_FAILED: the tag is wrong. */
CK_RV message_ciphering_all(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes aad,
                            struct message_bytes in, CK_BYTE *out, CK_ULONG *out_n);

CK_RV message_ciphering_start(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes aad);
CK_RV message_ciphering_next(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes in,
                             CK_BYTE *out, CK_ULONG *out_n, CK_FLAGS flags);

/* CKR_OPERATION_NOT_INITIALIZED. */
CK_RV message_ciphering_finish(struct message_ciphering *s);

void message_ciphering_end(struct message_ciphering *s);

#endif
