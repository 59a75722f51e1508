/* General-purpose functions (PKCS #11 2.40 section 5.4). */
#include "module/entry/guard.h"
#include "module/entry/padded.h"
#include "module/state/library.h"

CK_RV C_Initialize(void *args)
{
    return library_initialize(args);
}

CK_RV C_Finalize(void *reserved)
{
    return reserved == NULL ? library_finalize() : CKR_ARGUMENTS_BAD;
}

static CK_RV get_info(CK_INFO *info)
{
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_INFO){.cryptokiVersion = {2, 40}, .libraryVersion = padded_version()};
    padded_copy(info->manufacturerID, sizeof info->manufacturerID, PADDED_MANUFACTURER);
    padded_copy(info->libraryDescription, sizeof info->libraryDescription, "ClusterHSM PKCS#11 module");
    return CKR_OK;
}

CK_RV C_GetInfo(CK_INFO *info)
{
    GUARDED(GetInfo, 0, get_info(info));
}
