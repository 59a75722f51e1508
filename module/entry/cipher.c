/* Encryption, decryption and the functions that do two things at once (PKCS #11 2.40 sections 5.8, 5.9 and 5.13): not there yet. */
#include "module/entry/guard.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)mechanism, (void)key;
    return guard_missing(FUNCTION_EncryptInit);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_Encrypt);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_EncryptUpdate);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_EncryptFinal);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)mechanism, (void)key;
    return guard_missing(FUNCTION_DecryptInit);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_Decrypt);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DecryptUpdate);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DecryptFinal);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DigestEncryptUpdate);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DecryptDigestUpdate);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_SignEncryptUpdate);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    (void)session, (void)in, (void)in_bytes, (void)out, (void)out_bytes;
    return guard_missing(FUNCTION_DecryptVerifyUpdate);
}
