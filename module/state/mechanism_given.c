#include "module/state/mechanism_given.h"

#include "module/state/module.h"
#include "module/state/parameter.h"
#include "module/state/policy.h"
#include "module/state/refusal.h"
#include "proto/parameter.h"

/* How each parameter is taken, and the size of the structure that the application gives. `take_any` looks at the length itself. */
static const struct {
    CK_ULONG bytes;
    enum err (*take)(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
    enum err (*take_any)(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
} parameters[] = {
    [PARAM_PSS] = {.bytes = sizeof(CK_RSA_PKCS_PSS_PARAMS), .take = parameter_take_pss},
    [PARAM_OAEP] = {.bytes = sizeof(CK_RSA_PKCS_OAEP_PARAMS), .take = parameter_take_oaep},
    [PARAM_IV] = {.take_any = parameter_take_iv},
    [PARAM_CTR] = {.bytes = sizeof(CK_AES_CTR_PARAMS), .take = parameter_take_ctr},
    [PARAM_GCM] = {.take_any = parameter_take_gcm},
    [PARAM_GCM_NO_IV] = {.take_any = parameter_take_gcm},
    [PARAM_CCM] = {.bytes = sizeof(CK_CCM_PARAMS), .take = parameter_take_ccm},
    [PARAM_CHACHA20] = {.bytes = sizeof(CK_CHACHA20_PARAMS), .take = parameter_take_chacha20},
    [PARAM_CHACHA] = {.bytes = sizeof(CK_SALSA20_CHACHA20_POLY1305_PARAMS), .take = parameter_take_chacha},
    [PARAM_PQ] = {.take_any = parameter_take_pq},
    [PARAM_PQ_NO_CONTEXT] = {.take_any = parameter_take_pq},
    [PARAM_PQ_HASH] = {.bytes = sizeof(CK_HASH_SIGN_ADDITIONAL_CONTEXT), .take = parameter_take_pq_hash},
    [PARAM_OTP] = {.take_any = parameter_take_otp},
    [PARAM_EDDSA] = {.take_any = parameter_take_eddsa},
    [PARAM_GENERAL] = {.bytes = sizeof(CK_ULONG), .take = parameter_take_general},
    [PARAM_ECDH] = {.bytes = sizeof(CK_ECDH1_DERIVE_PARAMS), .take = parameter_take_ecdh},
    [PARAM_PUBLIC_VALUE] = {.take_any = parameter_take_public_value},
    [PARAM_HKDF] = {.bytes = sizeof(CK_HKDF_PARAMS), .take = parameter_take_hkdf},
    [PARAM_KBKDF] = {.bytes = sizeof(CK_SP800_108_KDF_PARAMS), .take = parameter_take_kbkdf},
    [PARAM_KBKDF_FEEDBACK] = {.bytes = sizeof(CK_SP800_108_FEEDBACK_KDF_PARAMS), .take = parameter_take_kbkdf_feedback},
    [PARAM_CLOUDHSM_KBKDF] = {.take_any = parameter_take_cloudhsm_kbkdf},
    [PARAM_PBKDF2] = {.bytes = sizeof(CK_PKCS5_PBKD2_PARAMS2), .take = parameter_take_pbkdf2},
    [PARAM_TLS12_MASTER] = {.bytes = sizeof(CK_TLS12_MASTER_KEY_DERIVE_PARAMS), .take = parameter_take_tls12_master},
    [PARAM_TLS12_KEYS] = {.bytes = sizeof(CK_TLS12_KEY_MAT_PARAMS), .take = parameter_take_tls12_keys},
    [PARAM_TLS12_EXTENDED] = {.bytes = sizeof(CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS), .take = parameter_take_tls12_extended},
    [PARAM_TLS12_SAFE_KEYS] = {.bytes = sizeof(CK_TLS12_KEY_MAT_PARAMS), .take = parameter_take_tls12_safe_keys},
    [PARAM_TLS_MAC] = {.bytes = sizeof(struct pkcs11_tls_mac_params), .take = parameter_take_tls_mac},
    [PARAM_TLS12_KDF] = {.bytes = sizeof(CK_TLS_KDF_PARAMS), .take = parameter_take_tls12_kdf},
    [PARAM_KEY] = {.bytes = sizeof(CK_OBJECT_HANDLE), .take = parameter_take_key},
    [PARAM_DATA] = {.bytes = sizeof(CK_KEY_DERIVATION_STRING_DATA), .take = parameter_take_data},
    [PARAM_BIT] = {.bytes = sizeof(CK_ULONG), .take = parameter_take_bit},
    [PARAM_IKE_PRF] = {.bytes = sizeof(struct pkcs11_ike_prf_params), .take = parameter_take_ike_prf},
    [PARAM_IKE1_PRF] = {.bytes = sizeof(struct pkcs11_ike1_prf_params), .take = parameter_take_ike1_prf},
    [PARAM_IKE1_EXTENDED] = {.take_any = parameter_take_ike1_extended},
    [PARAM_IKE2_PRF_PLUS] = {.bytes = sizeof(struct pkcs11_ike2_prf_plus_params), .take = parameter_take_ike2_prf_plus},
    [PARAM_SSHKDF] = {.bytes = sizeof(struct pkcs11_sshkdf_params), .take = parameter_take_sshkdf},
    [PARAM_RSA_AES] = {.bytes = sizeof(CK_RSA_AES_KEY_WRAP_PARAMS), .take = parameter_take_rsa_aes},
    [PARAM_ECDH_AES] = {.bytes = sizeof(CK_ECDH_AES_KEY_WRAP_PARAMS), .take = parameter_take_ecdh_aes},
    [PARAM_AES_CBC_DATA] = {.bytes = sizeof(CK_AES_CBC_ENCRYPT_DATA_PARAMS), .take = parameter_take_aes_cbc_data},
    [PARAM_DES_CBC_DATA] = {.bytes = sizeof(CK_DES_CBC_ENCRYPT_DATA_PARAMS), .take = parameter_take_des_cbc_data},
};

static enum err take_parameter(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out)
{
    enum mechanism_param param = row->param;

    (void)context;
    if (param == PARAM_NONE) /* a pointer without a length is what some programs leave there */
        return given->ulParameterLen == 0 ? ERR_OK : ERR_MECHANISM_PARAM;
    if (parameters[param].take_any != NULL)
        return given->pParameter == NULL && given->ulParameterLen > 0
                   ? ERR_MECHANISM_PARAM
                   : parameters[param].take_any(row, given->pParameter, given->ulParameterLen, out);
    if (given->pParameter == NULL || given->ulParameterLen != parameters[param].bytes)
        return ERR_MECHANISM_PARAM;
    return parameters[param].take(row, given->pParameter, out);
}

static void refuse_parameter(const struct mechanism *row, const CK_MECHANISM *given)
{
    CK_ULONG wanted = parameters[row->param].bytes;

    if (row->param == PARAM_NONE)
        refusal(ERR_MECHANISM_PARAM, "%s has no parameter, and one of %lu bytes is given", row->name,
                given->ulParameterLen);
    else if (wanted != 0 && wanted != given->ulParameterLen)
        refusal(ERR_MECHANISM_PARAM, "%s: its parameter has %lu bytes, and the structure has %lu", row->name,
                given->ulParameterLen, wanted);
    else
        refusal(ERR_MECHANISM_PARAM, "%s: its parameter, which has %lu bytes, is malformed or not allowed", row->name,
                given->ulParameterLen);
}

const struct mechanism *mechanism_asked(const struct module *m, CK_MECHANISM_TYPE type)
{
    return mechanism_find(alias_meaning(&m->aliases, ALIAS_MECHANISM, type));
}

enum err mechanism_take(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation, struct mechanism_given *out)
{
    return mechanism_take_by(m, given, operation, take_parameter, NULL, out);
}

enum err mechanism_take_by(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation, mechanism_parameter_fn *take, void *context,
                           struct mechanism_given *out)
{
    CK_MECHANISM_TYPE hash;
    enum err e;

    *out = (struct mechanism_given){.row = mechanism_asked(m, given->mechanism)};
    if (out->row == NULL)
        return refusal(ERR_MECHANISM, "there is no mechanism 0x%lx here; %s", given->mechanism,
                       given->mechanism < CKM_VENDOR_DEFINED
                           ? "docs/pkcs11.md has all that there are, and which need OpenSSL 3.5"
                           : "another vendor's number can be an alias of one that is (aliases in docs/configuration.md)");
    if (!mechanism_does(out->row, operation))
        return refusal(ERR_MECHANISM, "%s does not %s", out->row->name, refusal_verb(operation));
    if ((e = policy_check_row(m, out->row)) != ERR_OK)
        return e;
    if ((out->wire = parameter_memory(sizeof *out->wire)) == NULL)
        return ERR_NO_MEMORY;
    hsm__mechanism__init(out->wire);
    out->wire->type = out->row->type;
    e = take(out->row, given, context, out->wire);
    if (e == ERR_OK && out->wire->ecdh != NULL)
        out->wire->ecdh->kdf = alias_meaning(&m->aliases, ALIAS_KDF, out->wire->ecdh->kdf);
    if (e == ERR_OK)
        e = parameter_check(out->row, out->wire);
    if (e == ERR_MECHANISM_PARAM)
        refuse_parameter(out->row, given);
    if (e == ERR_OK && parameter_names_hash(out->wire, &hash))
        e = policy_check_hash(m, out->row, hash);
    if (e != ERR_OK)
        mechanism_clear(out);
    return e;
}

enum err mechanism_copy(const struct mechanism_given *m, struct mechanism_given *out)
{
    size_t n = hsm__mechanism__get_packed_size(m->wire);
    uint8_t *packed = parameter_memory(n + 1); /* there is a byte also of nothing */

    *out = (struct mechanism_given){.row = NULL};
    if (packed == NULL)
        return ERR_NO_MEMORY;
    hsm__mechanism__pack(m->wire, packed);
    *out = *m;
    out->wire = hsm__mechanism__unpack(memory_wiping(), n, packed);
    memory_wiping()->free(memory_wiping()->allocator_data, packed);
    if (out->wire != NULL)
        return ERR_OK;
    *out = (struct mechanism_given){.row = NULL};
    return ERR_NO_MEMORY;
}

void mechanism_clear(struct mechanism_given *m)
{
    hsm__mechanism__free_unpacked(m->wire, memory_wiping());
    *m = (struct mechanism_given){.row = NULL};
}
