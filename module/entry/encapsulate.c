/* Key encapsulation (PKCS #11 3.2 section 5.18): there are no mechanisms for it yet. */
#include "module/entry/guard.h"

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE *array, CK_ULONG count,
                       CK_BYTE *ciphertext, CK_ULONG *ciphertext_bytes, CK_OBJECT_HANDLE *key)
{
    (void)session, (void)mechanism, (void)public_key, (void)array, (void)count, (void)ciphertext, (void)ciphertext_bytes, (void)key;
    return guard_missing(FUNCTION_EncapsulateKey);
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE *array,
                       CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG ciphertext_bytes, CK_OBJECT_HANDLE *key)
{
    (void)session, (void)mechanism, (void)private_key, (void)array, (void)count, (void)ciphertext, (void)ciphertext_bytes, (void)key;
    return guard_missing(FUNCTION_DecapsulateKey);
}
