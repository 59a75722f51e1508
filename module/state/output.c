#include "module/state/output.h"

enum output output_check(const void *buffer, CK_ULONG *room, size_t needed)
{
    if (room == NULL)
        return OUTPUT_BAD;
    if (buffer != NULL && *room >= needed)
        return OUTPUT_FITS;
    *room = (CK_ULONG)needed;
    return buffer == NULL ? OUTPUT_SIZE : OUTPUT_TOO_SMALL;
}

CK_RV output_rv(enum output o)
{
    switch (o) {
    case OUTPUT_SIZE:
    case OUTPUT_FITS:
        return CKR_OK;
    case OUTPUT_TOO_SMALL:
        return CKR_BUFFER_TOO_SMALL;
    case OUTPUT_BAD:
        break;
    }
    return CKR_ARGUMENTS_BAD;
}

bool output_keeps_operation(enum output o)
{
    return o == OUTPUT_SIZE || o == OUTPUT_TOO_SMALL;
}
