/* The function lists and the interfaces, made from function.def. */
#include <stdbool.h>
#include <string.h>

#include "proto/pkcs11.h"

/* PKCS #11 2.40 section 4.8: this and no more, whatever else the module can do. */
static CK_FUNCTION_LIST list_240 = {
    .version = {2, 40},
#define LIST_240(name) .C_##name = C_##name,
#define LIST_300(name)
#define LIST_320(name)
#define FUNCTION(version, name, needs, who, session) LIST_##version(name)
#include "module/entry/function.def"
#undef FUNCTION
#undef LIST_300
#undef LIST_320
};

/* CK_FUNCTION_LIST_3_0 and CK_FUNCTION_LIST_3_2, which older headers do not have. */
struct function_list_300 {
    CK_VERSION version;
#define MEMBER_240(name) CK_C_##name C_##name;
#define MEMBER_300(name) CK_C_##name C_##name;
#define MEMBER_320(name)
#define FUNCTION(version, name, needs, who, session) MEMBER_##version(name)
#include "module/entry/function.def"
#undef FUNCTION
};

struct function_list_320 {
    CK_VERSION version;
#define FUNCTION(version, name, needs, who, session) CK_C_##name C_##name;
#include "module/entry/function.def"
#undef FUNCTION
};

static struct function_list_300 list_300 = {
    .version = {3, 0},
#define LIST_300(name) .C_##name = C_##name,
#define LIST_320(name)
#define FUNCTION(version, name, needs, who, session) LIST_##version(name)
#include "module/entry/function.def"
#undef FUNCTION
};

static struct function_list_320 list_320 = {
    .version = {3, 2},
#define FUNCTION(version, name, needs, who, session) .C_##name = C_##name,
#include "module/entry/function.def"
#undef FUNCTION
};

static char interface_name[] = "PKCS 11";

/* The first is what a program gets that names no version. */
static CK_INTERFACE interfaces[] = {
    {interface_name, &list_320, 0},
    {interface_name, &list_300, 0},
    {interface_name, &list_240, 0},
};
enum { INTERFACES = sizeof interfaces / sizeof interfaces[0] };

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &list_240;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    CK_ULONG room;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    *count = INTERFACES;
    if (list == NULL)
        return CKR_OK;
    if (room < INTERFACES)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof interfaces);
    return CKR_OK;
}

CK_RV C_GetInterface(CK_BYTE *name, CK_VERSION *version, CK_INTERFACE **out, CK_FLAGS flags)
{
    if (out == NULL)
        return CKR_ARGUMENTS_BAD;
    for (unsigned i = 0; i < INTERFACES; i++) {
        const CK_VERSION *has = interfaces[i].pFunctionList; /* every list begins with it */
        bool named = name == NULL || strcmp((const char *)name, interface_name) == 0;
        bool fits = version == NULL || (version->major == has->major && version->minor == has->minor);
        if (named && fits && (flags & ~interfaces[i].flags) == 0) {
            *out = &interfaces[i];
            return CKR_OK;
        }
    }
    return CKR_FUNCTION_FAILED;
}
