/* Key encapsulation (PKCS #11 3.2 sections 5.18.8 and 5.18.9). */
#include "module/entry/guard.h"
#include "module/state/encapsulating.h"

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE *array, CK_ULONG count,
                       CK_BYTE *ciphertext, CK_ULONG *ciphertext_bytes, CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};

    GUARDED(EncapsulateKey, session,
            mechanism == NULL
                ? CKR_ARGUMENTS_BAD
                : encapsulating_encapsulate(c.module, c.session, mechanism, public_key, t, ciphertext, ciphertext_bytes, key));
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE *array,
                       CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG ciphertext_bytes, CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};

    GUARDED(DecapsulateKey, session,
            mechanism == NULL
                ? CKR_ARGUMENTS_BAD
                : encapsulating_decapsulate(c.module, c.session, mechanism, private_key, t, ciphertext, ciphertext_bytes, key));
}
