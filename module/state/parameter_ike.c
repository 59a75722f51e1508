/* Parameters of IKE's derivations. The keys that they name are found by further_keys.c: they are no part of the message. */
#include "module/state/parameter.h"

#include <string.h>

static enum err new_ike(CK_MECHANISM_TYPE prf, const CK_BYTE *first, CK_ULONG first_n, Hsm__Mechanism *out)
{
    if ((out->ike = parameter_memory(sizeof *out->ike)) == NULL)
        return ERR_NO_MEMORY;
    hsm__ike_params__init(out->ike);
    out->ike->prf = prf;
    return parameter_copy(first, first_n, &out->ike->first);
}

enum err parameter_take_ike_prf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    struct pkcs11_ike_prf_params p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if (p.bDataAsKey != CK_FALSE && p.bRekey != CK_FALSE)
        return ERR_ARGUMENTS; /* PKCS#11 v3.1 section 6.64.3 */
    if ((e = new_ike(p.prfMechanism, p.pNi, p.ulNiLen, out)) != ERR_OK)
        return e;
    out->ike->data_as_key = p.bDataAsKey != CK_FALSE;
    return parameter_copy(p.pNr, p.ulNrLen, &out->ike->second);
}

enum err parameter_take_ike1_prf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    struct pkcs11_ike1_prf_params p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((e = new_ike(p.prfMechanism, p.pCKYi, p.ulCKYiLen, out)) != ERR_OK)
        return e;
    out->ike->number = p.keyNumber;
    return parameter_copy(p.pCKYr, p.ulCKYrLen, &out->ike->second);
}

/* Clients that NSS has brought up leave all but the PRF out where there is neither key nor data. */
enum err parameter_take_ike1_extended(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    struct pkcs11_ike1_extended_params p = {.pExtraData = NULL};

    (void)row;
    if (given == NULL || (n != sizeof p && n != sizeof p.prfMechanism))
        return ERR_MECHANISM_PARAM;
    memcpy(&p, given, n);
    return new_ike(p.prfMechanism, p.pExtraData, p.ulExtraDataLen, out);
}

enum err parameter_take_ike2_prf_plus(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    struct pkcs11_ike2_prf_plus_params p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return new_ike(p.prfMechanism, p.pSeedData, p.ulSeedDataLen, out);
}
