/* Message-based signing and verifying (PKCS #11 3.0 sections 5.14 and 5.16). */
#include "module/entry/guard.h"

#define SIGNING (&c.session->operations.message_signing)
#define VERIFYING (&c.session->operations.message_verifying)

static struct message_parameter parameter_of(const void *bytes, CK_ULONG n)
{
    return (struct message_parameter){.bytes = bytes, .n = n};
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(MessageSignInit, session, message_signing_begin(c.module, SIGNING, CKF_SIGN, mechanism, key));
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data, CK_ULONG data_bytes,
                    CK_BYTE *signature, CK_ULONG *signature_bytes)
{
    GUARDED(SignMessage, session,
            message_signing_sign(c.module, SIGNING, parameter_of(parameter, parameter_bytes), data, data_bytes, signature,
                                 signature_bytes));
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes)
{
    GUARDED(SignMessageBegin, session, message_signing_start(c.module, SIGNING, parameter_of(parameter, parameter_bytes)));
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data, CK_ULONG data_bytes,
                        CK_BYTE *signature, CK_ULONG *signature_bytes)
{
    GUARDED(SignMessageNext, session,
            message_signing_sign_next(c.module, SIGNING, parameter_of(parameter, parameter_bytes), data, data_bytes, signature,
                                      signature_bytes));
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    GUARDED(MessageSignFinal, session, message_signing_finish(SIGNING));
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(MessageVerifyInit, session, message_signing_begin(c.module, VERIFYING, CKF_VERIFY, mechanism, key));
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data, CK_ULONG data_bytes,
                      CK_BYTE *signature, CK_ULONG signature_bytes)
{
    GUARDED(VerifyMessage, session,
            message_signing_verify(c.module, VERIFYING, parameter_of(parameter, parameter_bytes), data, data_bytes, signature,
                                   signature_bytes));
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes)
{
    GUARDED(VerifyMessageBegin, session, message_signing_start(c.module, VERIFYING, parameter_of(parameter, parameter_bytes)));
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data, CK_ULONG data_bytes,
                          CK_BYTE *signature, CK_ULONG signature_bytes)
{
    GUARDED(VerifyMessageNext, session,
            message_signing_verify_next(c.module, VERIFYING, parameter_of(parameter, parameter_bytes), data, data_bytes, signature,
                                        signature_bytes));
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    GUARDED(MessageVerifyFinal, session, message_signing_finish(VERIFYING));
}
