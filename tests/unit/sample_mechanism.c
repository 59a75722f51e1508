#include "tests/unit/sample_mechanism.h"

#include <string.h>

static const struct {
    CK_MECHANISM_TYPE type;
    CK_ULONG mgf;
} hashes[] = {
    {CKM_SHA_1, CKG_MGF1_SHA1},
    {CKM_SHA224, CKG_MGF1_SHA224},
    {CKM_SHA256, CKG_MGF1_SHA256},
    {CKM_SHA384, CKG_MGF1_SHA384},
    {CKM_SHA512, CKG_MGF1_SHA512},
    {CKM_SHA512_224, CK_UNAVAILABLE_INFORMATION},
    {CKM_SHA512_256, CK_UNAVAILABLE_INFORMATION},
    {CKM_SHA3_224, CKG_MGF1_SHA3_224},
    {CKM_SHA3_256, CKG_MGF1_SHA3_256},
    {CKM_SHA3_384, CKG_MGF1_SHA3_384},
    {CKM_SHA3_512, CKG_MGF1_SHA3_512},
};

enum { HASHES = sizeof hashes / sizeof hashes[0] };

CK_MECHANISM_TYPE sample_hash_type(const char *name)
{
    for (size_t i = 0; i < HASHES; i++)
        if (strcmp(mechanism_hash_name(hashes[i].type), name) == 0)
            return hashes[i].type;
    return CK_UNAVAILABLE_INFORMATION;
}

CK_ULONG sample_mgf(const char *name)
{
    for (size_t i = 0; i < HASHES; i++)
        if (strcmp(mechanism_hash_name(hashes[i].type), name) == 0)
            return hashes[i].mgf;
    return CK_UNAVAILABLE_INFORMATION;
}

CK_RSA_PKCS_PSS_PARAMS sample_pss(const struct mechanism *m)
{
    const char *hash = m->hash != NULL ? m->hash : "SHA256";

    return (CK_RSA_PKCS_PSS_PARAMS){
        .hashAlg = sample_hash_type(hash), .mgf = sample_mgf(hash), .sLen = mechanism_hash_bytes(hash)};
}

Hsm__PssParams sample_pss_wire(const CK_RSA_PKCS_PSS_PARAMS *pss)
{
    Hsm__PssParams wire = HSM__PSS_PARAMS__INIT;

    wire.hash = pss->hashAlg;
    wire.mgf = pss->mgf;
    wire.salt_bytes = pss->sLen;
    return wire;
}
