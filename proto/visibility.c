#include "proto/visibility.h"

bool visibility_opens(CK_OBJECT_CLASS object_class)
{
    switch (object_class) {
    case CKO_DATA:
    case CKO_CERTIFICATE:
    case CKO_PUBLIC_KEY:
    case CKO_DOMAIN_PARAMETERS:
    case CKO_PROFILE:
    case CKO_VALIDATION:
        return true;
    default:
        return false;
    }
}

bool visibility_is_open(CK_OBJECT_CLASS object_class, bool is_private)
{
    return !is_private && visibility_opens(object_class);
}
