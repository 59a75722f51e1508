/* Message digesting (PKCS #11 2.40 section 5.10). */
#include "module/entry/guard.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
    GUARDED(DigestInit, session, digesting_begin(c.module, &c.session->operations.digesting, mechanism));
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes, CK_BYTE *digest, CK_ULONG *digest_bytes)
{
    GUARDED(Digest, session, digesting_all(&c.session->operations.digesting, data, bytes, digest, digest_bytes));
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG bytes)
{
    GUARDED(DigestUpdate, session, digesting_update(&c.session->operations.digesting, part, bytes));
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    GUARDED(DigestKey, session, digesting_key(c.module, &c.session->operations.digesting, key));
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_bytes)
{
    GUARDED(DigestFinal, session, digesting_finish(c.module, &c.session->operations.digesting, digest, digest_bytes));
}
