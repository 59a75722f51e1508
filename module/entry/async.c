/* Calls that go on by themselves (PKCS #11 3.2 section 5.19): there are none here, as the module has no threads. */
#include "module/entry/guard.h"

CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_BYTE *function, CK_ASYNC_DATA *result)
{
    (void)session, (void)function, (void)result;
    return guard_missing(FUNCTION_AsyncComplete);
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_BYTE *function, CK_ULONG *id)
{
    (void)session, (void)function, (void)id;
    return guard_missing(FUNCTION_AsyncGetID);
}

CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_BYTE *function, CK_ULONG id, CK_BYTE *data, CK_ULONG bytes)
{
    (void)session, (void)function, (void)id, (void)data, (void)bytes;
    return guard_missing(FUNCTION_AsyncJoin);
}
