#include "proto/parameter_set.h"

#include <stdatomic.h>
#include <string.h>

#define NIST "2.16.840.1.101.3.4." /* the arc of its algorithms */

/* FIPS 203 section 8, FIPS 204 section 4, FIPS 205 section 11. */
static const struct parameter_set rows[] = {
    {CKK_ML_KEM, CKP_ML_KEM_512, "ML-KEM-512", NIST "4.1", 800, 1632, 64, 768},
    {CKK_ML_KEM, CKP_ML_KEM_768, "ML-KEM-768", NIST "4.2", 1184, 2400, 64, 1088},
    {CKK_ML_KEM, CKP_ML_KEM_1024, "ML-KEM-1024", NIST "4.3", 1568, 3168, 64, 1568},
    {CKK_ML_DSA, CKP_ML_DSA_44, "ML-DSA-44", NIST "3.17", 1312, 2560, 32, 2420},
    {CKK_ML_DSA, CKP_ML_DSA_65, "ML-DSA-65", NIST "3.18", 1952, 4032, 32, 3309},
    {CKK_ML_DSA, CKP_ML_DSA_87, "ML-DSA-87", NIST "3.19", 2592, 4896, 32, 4627},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S, "SLH-DSA-SHA2-128s", NIST "3.20", 32, 64, 0, 7856},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128S, "SLH-DSA-SHAKE-128s", NIST "3.26", 32, 64, 0, 7856},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, "SLH-DSA-SHA2-128f", NIST "3.21", 32, 64, 0, 17088},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F, "SLH-DSA-SHAKE-128f", NIST "3.27", 32, 64, 0, 17088},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192S, "SLH-DSA-SHA2-192s", NIST "3.22", 48, 96, 0, 16224},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192S, "SLH-DSA-SHAKE-192s", NIST "3.28", 48, 96, 0, 16224},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192F, "SLH-DSA-SHA2-192f", NIST "3.23", 48, 96, 0, 35664},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F, "SLH-DSA-SHAKE-192f", NIST "3.29", 48, 96, 0, 35664},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256S, "SLH-DSA-SHA2-256s", NIST "3.24", 64, 128, 0, 29792},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256S, "SLH-DSA-SHAKE-256s", NIST "3.30", 64, 128, 0, 29792},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256F, "SLH-DSA-SHA2-256f", NIST "3.25", 64, 128, 0, 49856},
    {CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, "SLH-DSA-SHAKE-256f", NIST "3.31", 64, 128, 0, 49856},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static atomic_bool here[ROWS];

const struct parameter_set *parameter_set_at(size_t position)
{
    return position < ROWS ? &rows[position] : NULL;
}

bool parameter_set_is_here(const struct parameter_set *set)
{
    return atomic_load(&here[set - rows]);
}

void parameter_set_here(const struct parameter_set *set, bool is_here)
{
    atomic_store(&here[set - rows], is_here);
}

const struct parameter_set *parameter_set_find(CK_KEY_TYPE key_type, CK_ULONG number)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].key_type == key_type && rows[i].number == number && here[i])
            return &rows[i];
    return NULL;
}

const struct parameter_set *parameter_set_by_name(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0 && here[i])
            return &rows[i];
    return NULL;
}

const struct parameter_set *parameter_set_by_oid(const char *oid)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].oid, oid) == 0)
            return &rows[i];
    return NULL;
}

bool parameter_set_makes(CK_KEY_TYPE key_type)
{
    return PARAMETER_SET_MAKES(key_type);
}

bool parameter_set_makes_here(CK_KEY_TYPE key_type)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].key_type == key_type && here[i])
            return true;
    return false;
}
