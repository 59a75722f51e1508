/* Functions that do two things at once (PKCS #11 2.40 section 5.13). */
#include "module/entry/guard.h"
#include "module/state/dual.h"

/* The whole of such an entry. */
#define DUAL(name, function) \
    GUARDED(name, session,   \
            function(c.module, &c.session->operations, &(struct dual_part){.in = in, .n = in_bytes, .out = out, .out_n = out_bytes}))

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    DUAL(DigestEncryptUpdate, dual_digest_encrypt);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    DUAL(DecryptDigestUpdate, dual_decrypt_digest);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    DUAL(SignEncryptUpdate, dual_sign_encrypt);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes)
{
    DUAL(DecryptVerifyUpdate, dual_decrypt_verify);
}
