/* Message-based encryption and decryption (PKCS #11 3.0 sections 5.9 and 5.11). */
#include "module/entry/guard.h"

#define ENCRYPTING (&c.session->operations.message_encrypting)
#define DECRYPTING (&c.session->operations.message_decrypting)

static struct message_parameter parameter_of(const void *bytes, CK_ULONG n)
{
    return (struct message_parameter){.bytes = bytes, .n = n};
}

static struct message_bytes bytes_of(const CK_BYTE *bytes, CK_ULONG n)
{
    return (struct message_bytes){.bytes = bytes, .n = n};
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(MessageEncryptInit, session, message_ciphering_begin(c.module, ENCRYPTING, CKF_ENCRYPT, mechanism, key));
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes,
                       CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(EncryptMessage, session,
            message_ciphering_all(c.module, ENCRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(aad, aad_bytes),
                                  bytes_of(in, in_bytes), out, out_bytes));
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes)
{
    GUARDED(EncryptMessageBegin, session,
            message_ciphering_start(c.module, ENCRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(aad, aad_bytes)));
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in, CK_ULONG in_bytes,
                           CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags)
{
    GUARDED(EncryptMessageNext, session,
            message_ciphering_next(c.module, ENCRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(in, in_bytes), out, out_bytes,
                                   flags));
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    GUARDED(MessageEncryptFinal, session, message_ciphering_finish(ENCRYPTING));
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(MessageDecryptInit, session, message_ciphering_begin(c.module, DECRYPTING, CKF_DECRYPT, mechanism, key));
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes,
                       CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(DecryptMessage, session,
            message_ciphering_all(c.module, DECRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(aad, aad_bytes),
                                  bytes_of(in, in_bytes), out, out_bytes));
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes)
{
    GUARDED(DecryptMessageBegin, session,
            message_ciphering_start(c.module, DECRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(aad, aad_bytes)));
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in, CK_ULONG in_bytes,
                           CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags)
{
    GUARDED(DecryptMessageNext, session,
            message_ciphering_next(c.module, DECRYPTING, parameter_of(parameter, parameter_bytes), bytes_of(in, in_bytes), out, out_bytes,
                                   flags));
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    GUARDED(MessageDecryptFinal, session, message_ciphering_finish(DECRYPTING));
}
