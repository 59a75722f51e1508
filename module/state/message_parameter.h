/* A message's own parameter (PKCS #11 3.0: CK_GCM_MESSAGE_PARAMS, CK_CCM_MESSAGE_PARAMS, CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), as one
 * form. The pointers are the application's: vector and tag are read or written there. */
#ifndef CLUSTERHSM_MODULE_STATE_MESSAGE_PARAMETER_H
#define CLUSTERHSM_MODULE_STATE_MESSAGE_PARAMETER_H

#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

struct message_given {
    CK_BYTE *iv;
    CK_ULONG iv_n;
    CK_ULONG fixed_bits;
    CK_ULONG generator; /* CKG_ */
    CK_BYTE *tag;
    CK_ULONG tag_n;
    CK_ULONG data_n;    /* CCM: announced */
};

/* ERR_MECHANISM_PARAM: no such structure, or without a vector or a place for the tag. */
enum err message_parameter_take(const struct mechanism *row, const void *bytes, CK_ULONG n, struct message_given *out);

/* The same as it travels, with associated data: the vector as it is given, even where the vault makes one. ERR_MECHANISM_PARAM,
 * ERR_NO_MEMORY. */
enum err message_parameter_put(const struct message_given *g, const void *aad, CK_ULONG aad_n, Hsm__Mechanism *out);

#endif
