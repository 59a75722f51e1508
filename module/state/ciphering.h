/* C_Encrypt* and C_Decrypt*. C_EncryptInit is answered here; a request is whole. Modes that can be cut (proto/cipher_mode.h: streams) go
 * part by part, each part a request of its own that begins with the chaining value that this file carries; the others are gathered here up
 * to CIPHER_BYTES_MAX and go at once. Public keys encrypt here.
 *
 *   nothing ──init──► begun ──update──► parts ──final──► nothing
 *                       └─── encrypt or decrypt ─────────────┘
 * Every error ends it; a size query or a short buffer leaves it as it is. */
#ifndef CLUSTERHSM_MODULE_STATE_CIPHERING_H
#define CLUSTERHSM_MODULE_STATE_CIPHERING_H

#include <stdbool.h>

#include "common/gathered.h"
#include "module/state/known.h"
#include "module/state/mechanism_given.h"
#include "module/state/reauthentication.h"
#include "proto/cipher_mode.h"
#include "proto/pkcs11.h"

struct module;

/* Where a stream stands. Plain memory, to be kept and put back where an answer does not fit. */
struct ciphering_place {
    uint8_t chain[CIPHER_BLOCK_BYTES_MAX]; /* the vector, or the counter, of the next block */
    uint8_t tail[CIPHER_STEP_BYTES_MAX];   /* what was given of the block that is not done */
    size_t tail_n;
    size_t told;     /* of those, so many bytes have their answer already */
    bool at_end;     /* the counter has come to its end */
};

/* All zero: nothing. */
struct ciphering {
    struct known *key;
    struct mechanism_given mechanism;
    const struct cipher_mode *mode; /* NULL: RSA */
    struct reauthentication reauthentication;
    bool encrypt;
    bool parts;
    struct ciphering_place place;   /* streams */
    struct gathered gathered;       /* the others: all data */
};

/* use: CKF_ENCRYPT or CKF_DECRYPT. mechanism NULL ends what is there. CKR_OPERATION_ACTIVE, CKR_MECHANISM_*, CKR_KEY_*. */
CK_RV ciphering_begin(struct module *m, struct ciphering *c, CK_FLAGS use, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* Input and output may be the same memory (PKCS #11 2.40 section 5.2). */
CK_RV ciphering_all(struct module *m, struct ciphering *c, const CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n);
CK_RV ciphering_update(struct module *m, struct ciphering *c, const CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n);
CK_RV ciphering_final(struct module *m, struct ciphering *c, CK_BYTE *out, CK_ULONG *out_n);

void ciphering_end(struct ciphering *c);

#endif
