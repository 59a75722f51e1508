#include "proto/attribute_limit.h"

#include <stdint.h>

#include "proto/limits.h"

static const struct {
    CK_ATTRIBUTE_TYPE type;
    size_t bytes_max;
} short_values[] = {
    {CKA_LABEL, LABEL_BYTES_MAX},
    {CKA_ID, ID_BYTES_MAX},
    {CKA_ALLOWED_MECHANISMS, ALLOWED_MECHANISMS_MAX * sizeof(uint64_t)},
    {CKA_VALIDATION_MODULE_ID, VALIDATION_TEXT_BYTES_MAX},
    {CKA_VALIDATION_CERTIFICATE_IDENTIFIER, VALIDATION_TEXT_BYTES_MAX},
    {CKA_VALIDATION_CERTIFICATE_URI, URI_BYTES_MAX},
    {CKA_VALIDATION_VENDOR_URI, URI_BYTES_MAX},
    {CKA_VALIDATION_PROFILE, VALIDATION_TEXT_BYTES_MAX},
};

size_t attribute_bytes_max(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof short_values / sizeof short_values[0]; i++)
        if (short_values[i].type == type)
            return short_values[i].bytes_max;
    return ATTRIBUTE_BYTES_MAX;
}
