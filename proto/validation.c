#include "proto/validation.h"

#include <string.h>

static const char *const types[] = {
    [CKV_TYPE_UNSPECIFIED] = "unspecified", [CKV_TYPE_SOFTWARE] = "software", [CKV_TYPE_HARDWARE] = "hardware",
    [CKV_TYPE_FIRMWARE] = "firmware",       [CKV_TYPE_HYBRID] = "hybrid",
};

/* FIPS 140 has four levels; Common Criteria the EAL 1 to 7, and 0 where a protection profile stands in an EAL's place. What another
 * authority counts is its own affair. */
static const struct validation_authority authorities[] = {
    {CKV_AUTHORITY_TYPE_UNSPECIFIED, "unspecified", 0, 255},
    {CKV_AUTHORITY_TYPE_NIST_CMVP, "nist-cmvp", 1, 4},
    {CKV_AUTHORITY_TYPE_COMMON_CRITERIA, "common-criteria", 0, 7},
};

enum { TYPES = sizeof types / sizeof types[0], AUTHORITIES = sizeof authorities / sizeof authorities[0] };

const char *validation_type_name(CK_ULONG type)
{
    return type < TYPES ? types[type] : NULL;
}

bool validation_type_find(const char *name, CK_ULONG *out)
{
    for (CK_ULONG i = 0; i < TYPES; i++)
        if (strcmp(types[i], name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

const struct validation_authority *validation_authority(CK_ULONG number)
{
    for (size_t i = 0; i < AUTHORITIES; i++)
        if (authorities[i].number == number)
            return &authorities[i];
    return NULL;
}

const struct validation_authority *validation_authority_find(const char *name)
{
    for (size_t i = 0; i < AUTHORITIES; i++)
        if (strcmp(authorities[i].name, name) == 0)
            return &authorities[i];
    return NULL;
}

const char *validation_types_text(void)
{
    return "unspecified, software, hardware, firmware or hybrid";
}

const char *validation_authorities_text(void)
{
    return "unspecified, nist-cmvp or common-criteria";
}
