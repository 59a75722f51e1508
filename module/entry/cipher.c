/* Encryption and decryption (PKCS #11 2.40 sections 5.8 and 5.9). */
#include "module/entry/guard.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(EncryptInit, session, ciphering_begin(c.module, &c.session->operations.encrypting, CKF_ENCRYPT, mechanism, key));
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(Encrypt, session, ciphering_all(c.module, &c.session->operations.encrypting, in, in_bytes, out, out_bytes));
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(EncryptUpdate, session, ciphering_update(c.module, &c.session->operations.encrypting, in, in_bytes, out, out_bytes));
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(EncryptFinal, session, ciphering_final(c.module, &c.session->operations.encrypting, out, out_bytes));
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(DecryptInit, session, ciphering_begin(c.module, &c.session->operations.decrypting, CKF_DECRYPT, mechanism, key));
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(Decrypt, session, ciphering_all(c.module, &c.session->operations.decrypting, in, in_bytes, out, out_bytes));
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(DecryptUpdate, session, ciphering_update(c.module, &c.session->operations.decrypting, in, in_bytes, out, out_bytes));
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_bytes)
{
    GUARDED(DecryptFinal, session, ciphering_final(c.module, &c.session->operations.decrypting, out, out_bytes));
}
