#include "module/state/further_keys.h"

#include <stddef.h>
#include <string.h>

/* `out` has room for DERIVE_OTHERS_MAX. */
typedef size_t take_fn(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out);

static size_t take_key(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    (void)given;
    memcpy(out, mechanism->pParameter, sizeof *out);
    return 1;
}

static size_t take_hkdf(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    CK_HKDF_PARAMS p;

    memcpy(&p, mechanism->pParameter, sizeof p);
    out[0] = p.hSaltKey;
    return given->wire->hkdf->salt_type == CKF_HKDF_SALT_KEY ? 1 : 0;
}

static size_t take_kbkdf(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    const Hsm__KbkdfParams *fields = given->wire->kbkdf;
    CK_SP800_108_KDF_PARAMS p = {.pDataParams = NULL};
    CK_PRF_DATA_PARAM field;
    size_t n = 0;

    memcpy(&p, mechanism->pParameter, offsetof(CK_SP800_108_KDF_PARAMS, ulAdditionalDerivedKeys)); /* all structures for it begin alike */
    for (size_t i = 0; i < fields->n_fields && n < DERIVE_OTHERS_MAX; i++)
        if (fields->fields[i]->type == CK_SP800_108_KEY_HANDLE) {
            memcpy(&field, p.pDataParams + i, sizeof field);
            memcpy(&out[n++], field.pValue, sizeof out[0]);
        }
    return n;
}

static size_t take_ike_prf(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    struct pkcs11_ike_prf_params p;

    (void)given;
    memcpy(&p, mechanism->pParameter, sizeof p);
    out[0] = p.hNewKey;
    return p.bRekey != CK_FALSE ? 1 : 0;
}

static size_t take_ike1_prf(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    struct pkcs11_ike1_prf_params p;

    (void)given;
    memcpy(&p, mechanism->pParameter, sizeof p);
    out[0] = p.hKeygxy;
    out[1] = p.hPrevKey;
    return p.bHasPrevKey != CK_FALSE ? 2 : 1;
}

static size_t take_ike1_extended(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    struct pkcs11_ike1_extended_params p = {.bHasKeygxy = CK_FALSE};

    (void)given;
    memcpy(&p, mechanism->pParameter, mechanism->ulParameterLen); /* all of it, or the PRF alone */
    out[0] = p.hKeygxy;
    return p.bHasKeygxy != CK_FALSE ? 1 : 0;
}

static size_t take_ike2_prf_plus(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    struct pkcs11_ike2_prf_plus_params p;

    (void)given;
    memcpy(&p, mechanism->pParameter, sizeof p);
    out[0] = p.hSeedKey;
    return p.bHasSeedKey != CK_FALSE ? 1 : 0;
}

static take_fn *const takes[] = {
    [PARAM_KEY] = take_key,
    [PARAM_HKDF] = take_hkdf,
    [PARAM_KBKDF] = take_kbkdf,
    [PARAM_KBKDF_FEEDBACK] = take_kbkdf,
    [PARAM_CLOUDHSM_KBKDF] = take_kbkdf,
    [PARAM_IKE_PRF] = take_ike_prf,
    [PARAM_IKE1_PRF] = take_ike1_prf,
    [PARAM_IKE1_EXTENDED] = take_ike1_extended,
    [PARAM_IKE2_PRF_PLUS] = take_ike2_prf_plus,
};

size_t further_keys(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE out[DERIVE_OTHERS_MAX])
{
    size_t i = (size_t)given->row->param;

    return i < sizeof takes / sizeof takes[0] && takes[i] != NULL ? takes[i](given, mechanism, out) : 0;
}
