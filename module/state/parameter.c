#include "module/state/parameter.h"

#include <string.h>

#include "proto/limits.h"

void *parameter_memory(size_t n)
{
    ProtobufCAllocator *a = memory_wiping();

    return a->alloc(a->allocator_data, n);
}

enum err parameter_copy(const void *bytes, CK_ULONG n, ProtobufCBinaryData *out)
{
    if (n > PARAMETER_BYTES_MAX || (bytes == NULL && n > 0))
        return ERR_MECHANISM_PARAM;
    *out = (ProtobufCBinaryData){.len = 0};
    if (n == 0)
        return ERR_OK;
    if ((out->data = parameter_memory(n)) == NULL)
        return ERR_NO_MEMORY;
    memcpy(out->data, bytes, n);
    out->len = n;
    return ERR_OK;
}

enum err parameter_take_pss(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_RSA_PKCS_PSS_PARAMS pss;
    const char *hash;

    memcpy(&pss, given, sizeof pss);
    hash = mechanism_hash_name(pss.hashAlg);
    if (hash == NULL || mechanism_mgf_hash(pss.mgf) == NULL)
        return ERR_MECHANISM_PARAM;
    if (row->hash != NULL && strcmp(row->hash, hash) != 0)
        return ERR_MECHANISM_PARAM; /* PKCS #11 3.1 section 6.1.12: the parameter's hash is the mechanism's */
    if ((out->pss = parameter_memory(sizeof *out->pss)) == NULL)
        return ERR_NO_MEMORY;
    hsm__pss_params__init(out->pss);
    out->pss->hash = pss.hashAlg;
    out->pss->mgf = pss.mgf;
    out->pss->salt_bytes = pss.sLen;
    return ERR_OK;
}

enum err parameter_take_eddsa(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    struct pkcs11_eddsa_params eddsa = {.phFlag = CK_FALSE};

    (void)row;
    if (n > 0 && n != sizeof eddsa)
        return ERR_MECHANISM_PARAM;
    if (n > 0)
        memcpy(&eddsa, given, n);
    if ((out->eddsa = parameter_memory(sizeof *out->eddsa)) == NULL)
        return ERR_NO_MEMORY;
    hsm__eddsa_params__init(out->eddsa);
    out->eddsa->prehash = eddsa.phFlag != CK_FALSE;
    return parameter_copy(eddsa.pContextData, eddsa.ulContextDataLen, &out->eddsa->context);
}
