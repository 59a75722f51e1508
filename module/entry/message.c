/* Message-based functions (PKCS #11 3.0 sections 5.9, 5.11, 5.14 and 5.16): there are no mechanisms for them yet. */
#include "module/entry/guard.h"

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)mechanism, (void)key;
    return guard_missing(FUNCTION_MessageEncryptInit);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                       CK_ULONG aad_bytes, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)aad, (void)aad_bytes, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_EncryptMessage);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)aad, (void)aad_bytes;
    return guard_missing(FUNCTION_EncryptMessageBegin);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in,
                           CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)in, (void)in_bytes, (void)out, (void)out_bytes, (void)flags;
    return guard_missing(FUNCTION_EncryptMessageNext);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    (void)session;
    return guard_missing(FUNCTION_MessageEncryptFinal);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)mechanism, (void)key;
    return guard_missing(FUNCTION_MessageDecryptInit);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                       CK_ULONG aad_bytes, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)aad, (void)aad_bytes, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DecryptMessage);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad, CK_ULONG aad_bytes)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)aad, (void)aad_bytes;
    return guard_missing(FUNCTION_DecryptMessageBegin);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in,
                           CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags)
{
    (void)session, (void)parameter, (void)parameter_bytes, (void)in, (void)in_bytes, (void)out, (void)out_bytes, (void)flags;
    return guard_missing(FUNCTION_DecryptMessageNext);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    (void)session;
    return guard_missing(FUNCTION_MessageDecryptFinal);
}
