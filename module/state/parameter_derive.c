/* Parameters of derivations, and of wrapping with a fresh key. */
#include "module/state/parameter.h"

#include <string.h>

#include "proto/limits.h"

static enum err take_ecdh(const CK_ECDH1_DERIVE_PARAMS *p, Hsm__Mechanism *out)
{
    enum err e;

    if ((out->ecdh = parameter_memory(sizeof *out->ecdh)) == NULL)
        return ERR_NO_MEMORY;
    hsm__ecdh_params__init(out->ecdh);
    out->ecdh->kdf = p->kdf;
    if ((e = parameter_copy(p->pSharedData, p->ulSharedDataLen, &out->ecdh->shared)) != ERR_OK)
        return e;
    return parameter_copy(p->pPublicData, p->ulPublicDataLen, &out->ecdh->peer);
}

enum err parameter_take_ecdh(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_ECDH1_DERIVE_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_ecdh(&p, out);
}

enum err parameter_take_hkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_HKDF_PARAMS p;
    enum err e = ERR_OK;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((out->hkdf = parameter_memory(sizeof *out->hkdf)) == NULL)
        return ERR_NO_MEMORY;
    hsm__hkdf_params__init(out->hkdf);
    out->hkdf->extract = p.bExtract != CK_FALSE;
    out->hkdf->expand = p.bExpand != CK_FALSE;
    out->hkdf->hash = p.prfHashMechanism;
    out->hkdf->salt_type = p.bExtract != CK_FALSE ? p.ulSaltType : CKF_HKDF_SALT_NULL;
    if (out->hkdf->salt_type == CKF_HKDF_SALT_DATA)
        e = parameter_copy(p.pSalt, p.ulSaltLen, &out->hkdf->salt);
    return e == ERR_OK ? parameter_copy(p.pInfo, p.ulInfoLen, &out->hkdf->info) : e;
}

/* ---- SP 800-108 */

static bool take_counter(const CK_PRF_DATA_PARAM *p, Hsm__KbkdfField *f)
{
    CK_SP800_108_COUNTER_FORMAT format;

    if (p->pValue == NULL || p->ulValueLen != sizeof format)
        return false;
    memcpy(&format, p->pValue, sizeof format);
    f->bits = format.ulWidthInBits;
    f->little_endian = format.bLittleEndian != CK_FALSE;
    return true;
}

static bool take_length(const CK_PRF_DATA_PARAM *p, Hsm__KbkdfField *f)
{
    CK_SP800_108_DKM_LENGTH_FORMAT format;

    if (p->pValue == NULL || p->ulValueLen != sizeof format)
        return false;
    memcpy(&format, p->pValue, sizeof format);
    f->bits = format.ulWidthInBits;
    f->little_endian = format.bLittleEndian != CK_FALSE;
    f->method = format.dkmLengthMethod;
    return true;
}

static enum err take_field(const struct mechanism *row, const CK_PRF_DATA_PARAM *p, Hsm__KbkdfField *f)
{
    bool counter = row->family == FAMILY_KBKDF_COUNTER;

    f->type = p->type;
    switch (p->type) {
    case CK_SP800_108_ITERATION_VARIABLE: /* a number in counter mode only; some give a format elsewhere too */
        return !counter || take_counter(p, f) ? ERR_OK : ERR_MECHANISM_PARAM;
    case CK_SP800_108_OPTIONAL_COUNTER:
        return take_counter(p, f) ? ERR_OK : ERR_MECHANISM_PARAM;
    case CK_SP800_108_DKM_LENGTH:
        return take_length(p, f) ? ERR_OK : ERR_MECHANISM_PARAM;
    case CK_SP800_108_BYTE_ARRAY:
        return parameter_copy(p->pValue, p->ulValueLen, &f->value);
    case CK_SP800_108_KEY_HANDLE: /* found by further_keys.c: it is no part of the message */
        return p->pValue != NULL && p->ulValueLen == sizeof(CK_OBJECT_HANDLE) ? ERR_OK : ERR_MECHANISM_PARAM;
    default:
        return ERR_MECHANISM_PARAM;
    }
}

static enum err take_kbkdf(const struct mechanism *row, const CK_SP800_108_FEEDBACK_KDF_PARAMS *p, Hsm__Mechanism *out)
{
    size_t keys = 0;
    enum err e;

    if ((out->kbkdf = parameter_memory(sizeof *out->kbkdf)) == NULL)
        return ERR_NO_MEMORY;
    hsm__kbkdf_params__init(out->kbkdf);
    out->kbkdf->prf = p->prfType;
    if (p->ulNumberOfDataParams == 0 || p->ulNumberOfDataParams > KBKDF_FIELDS_MAX || p->pDataParams == NULL ||
        p->ulAdditionalDerivedKeys > DERIVED_KEYS_MAX - 1 || (p->ulAdditionalDerivedKeys > 0 && p->pAdditionalDerivedKeys == NULL))
        return ERR_MECHANISM_PARAM;
    if ((e = parameter_copy(p->pIV, p->ulIVLen, &out->kbkdf->iv)) != ERR_OK)
        return e;
    if ((out->kbkdf->fields = parameter_memory(p->ulNumberOfDataParams * sizeof out->kbkdf->fields[0])) == NULL)
        return ERR_NO_MEMORY;
    for (CK_ULONG i = 0; e == ERR_OK && i < p->ulNumberOfDataParams; i++) {
        CK_PRF_DATA_PARAM field;
        Hsm__KbkdfField *f = parameter_memory(sizeof *f);
        if (f == NULL)
            return ERR_NO_MEMORY;
        hsm__kbkdf_field__init(f);
        out->kbkdf->fields[out->kbkdf->n_fields++] = f;
        memcpy(&field, p->pDataParams + i, sizeof field);
        e = take_field(row, &field, f);
        keys += field.type == CK_SP800_108_KEY_HANDLE;
    }
    return e == ERR_OK && keys > DERIVE_OTHERS_MAX ? ERR_MECHANISM_PARAM : e;
}

enum err parameter_take_kbkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_SP800_108_KDF_PARAMS p;

    memcpy(&p, given, sizeof p);
    return take_kbkdf(row,
                      &(CK_SP800_108_FEEDBACK_KDF_PARAMS){.prfType = p.prfType,
                                                          .ulNumberOfDataParams = p.ulNumberOfDataParams,
                                                          .pDataParams = p.pDataParams,
                                                          .ulAdditionalDerivedKeys = p.ulAdditionalDerivedKeys,
                                                          .pAdditionalDerivedKeys = p.pAdditionalDerivedKeys},
                      out);
}

enum err parameter_take_kbkdf_feedback(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_SP800_108_FEEDBACK_KDF_PARAMS p;

    memcpy(&p, given, sizeof p);
    return take_kbkdf(row, &p, out);
}

/* ---- passwords */

enum err parameter_take_pbkdf2(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_PKCS5_PBKD2_PARAMS2 p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if (p.saltSource != CKZ_SALT_SPECIFIED || p.ulPrfDataLen > 0)
        return ERR_MECHANISM_PARAM;
    if ((out->pbkdf2 = parameter_memory(sizeof *out->pbkdf2)) == NULL)
        return ERR_NO_MEMORY;
    hsm__pbkdf2_params__init(out->pbkdf2);
    out->pbkdf2->prf = p.prf;
    out->pbkdf2->iterations = p.iterations;
    if ((e = parameter_copy(p.pSaltSourceData, p.ulSaltSourceDataLen, &out->pbkdf2->salt)) != ERR_OK)
        return e;
    return parameter_copy(p.pPassword, p.ulPasswordLen, &out->pbkdf2->password);
}

/* ---- TLS 1.2 */

enum { TLS_SERVER = 1, TLS_CLIENT = 2 }; /* ulServerOrClient */

static enum err new_tls(CK_MECHANISM_TYPE hash, Hsm__Mechanism *out)
{
    if ((out->tls12 = parameter_memory(sizeof *out->tls12)) == NULL)
        return ERR_NO_MEMORY;
    hsm__tls12_params__init(out->tls12);
    out->tls12->hash = hash;
    return ERR_OK;
}

static enum err take_tls(CK_MECHANISM_TYPE hash, const CK_SSL3_RANDOM_DATA *random, Hsm__Mechanism *out)
{
    enum err e = new_tls(hash, out);

    if (e == ERR_OK)
        e = parameter_copy(random->pClientRandom, random->ulClientRandomLen, &out->tls12->client_random);
    return e == ERR_OK ? parameter_copy(random->pServerRandom, random->ulServerRandomLen, &out->tls12->server_random)
                       : e;
}

enum err parameter_take_tls12_master(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_tls(p.prfHashMechanism, &p.RandomInfo, out);
}

/* RFC 7627: the hash of the handshake so far stands where the random values stood. */
enum err parameter_take_tls12_extended(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    e = new_tls(p.prfHashMechanism, out);
    return e == ERR_OK ? parameter_copy(p.pSessionHash, p.ulSessionHashLen, &out->tls12->context) : e;
}

static enum err take_tls_keys(const CK_TLS12_KEY_MAT_PARAMS *p, Hsm__Mechanism *out)
{
    enum err e;

    if (p->bIsExport != CK_FALSE || p->pReturnedKeyMaterial == NULL)
        return ERR_MECHANISM_PARAM;
    if ((e = take_tls(p->prfHashMechanism, &p->RandomInfo, out)) != ERR_OK)
        return e;
    out->tls12->mac_bits = p->ulMacSizeInBits;
    out->tls12->key_bits = p->ulKeySizeInBits;
    return ERR_OK;
}

enum err parameter_take_tls12_keys(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_TLS12_KEY_MAT_PARAMS p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    e = take_tls_keys(&p, out);
    if (e == ERR_OK && p.ulIVSizeInBits > 0 && (p.pReturnedKeyMaterial->pIVClient == NULL || p.pReturnedKeyMaterial->pIVServer == NULL))
        e = ERR_MECHANISM_PARAM;
    if (e == ERR_OK)
        out->tls12->iv_bits = p.ulIVSizeInBits;
    return e;
}

enum err parameter_take_tls12_safe_keys(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_TLS12_KEY_MAT_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_tls_keys(&p, out);
}

enum err parameter_take_tls_mac(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    struct pkcs11_tls_mac_params p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((p.ulServerOrClient != TLS_SERVER && p.ulServerOrClient != TLS_CLIENT) || p.ulMacLength > PARAMETER_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    if ((e = new_tls(p.prfHashMechanism, out)) != ERR_OK)
        return e;
    out->tls12->mac_bits = 8 * p.ulMacLength;
    out->tls12->server = p.ulServerOrClient == TLS_SERVER;
    return ERR_OK;
}

enum err parameter_take_tls12_kdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_TLS_KDF_PARAMS p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((e = take_tls(p.prfMechanism, &p.RandomInfo, out)) != ERR_OK)
        return e;
    if ((e = parameter_copy(p.pLabel, p.ulLabelLength, &out->tls12->label)) != ERR_OK)
        return e;
    out->tls12->with_context = p.pContextData != NULL; /* RFC 5705 section 4: an empty one is another thing than none */
    return parameter_copy(p.pContextData, p.ulContextDataLength, &out->tls12->context);
}

/* ---- data */

static enum err take_data(const void *bytes, CK_ULONG n, const void *iv, CK_ULONG iv_n, Hsm__Mechanism *out)
{
    enum err e;

    if ((out->data = parameter_memory(sizeof *out->data)) == NULL)
        return ERR_NO_MEMORY;
    hsm__data_params__init(out->data);
    e = parameter_copy(bytes, n, &out->data->data);
    return e == ERR_OK ? parameter_copy(iv, iv_n, &out->data->iv) : e;
}

/* The second key is found by further_keys.c: it is no part of the message. */
enum err parameter_take_key(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    (void)row, (void)given, (void)out;
    return ERR_OK;
}

enum err parameter_take_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_KEY_DERIVATION_STRING_DATA p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_data(p.pData, p.ulLen, NULL, 0, out);
}

enum err parameter_take_public_value(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    const CK_BYTE *number = given;

    (void)row;
    for (; n > 0 && number[0] == 0; n--) /* a number as CKA_VALUE is one, which loses them too */
        number++;
    return take_data(number, n, NULL, 0, out);
}

enum err parameter_take_bit(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_ULONG bit;
    enum err e = take_data(NULL, 0, NULL, 0, out);

    (void)row;
    memcpy(&bit, given, sizeof bit);
    if (e == ERR_OK)
        out->data->bit = bit;
    return e;
}

enum err parameter_take_aes_cbc_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_AES_CBC_ENCRYPT_DATA_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_data(p.pData, p.length, p.iv, sizeof p.iv, out);
}

enum err parameter_take_des_cbc_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_DES_CBC_ENCRYPT_DATA_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_data(p.pData, p.length, p.iv, sizeof p.iv, out);
}

/* ---- wrapping */

static enum err take_aes_bits(CK_ULONG bits, Hsm__Mechanism *out)
{
    if (bits != 128 && bits != 192 && bits != 256)
        return ERR_MECHANISM_PARAM;
    out->aes_bits = (uint32_t)bits;
    return ERR_OK;
}

enum err parameter_take_rsa_aes(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_RSA_AES_KEY_WRAP_PARAMS p;
    enum err e;

    memcpy(&p, given, sizeof p);
    e = take_aes_bits(p.ulAESKeyBits, out);
    if (e == ERR_OK && p.pOAEPParams == NULL)
        e = ERR_MECHANISM_PARAM;
    return e == ERR_OK ? parameter_take_oaep(row, p.pOAEPParams, out) : e;
}

enum err parameter_take_ecdh_aes(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_ECDH_AES_KEY_WRAP_PARAMS p;
    CK_ECDH1_DERIVE_PARAMS agreement = {.kdf = 0};
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    agreement.kdf = p.kdf;
    agreement.pSharedData = p.pSharedData;
    agreement.ulSharedDataLen = p.ulSharedDataLen;
    e = take_aes_bits(p.ulAESKeyBits, out);
    return e == ERR_OK ? take_ecdh(&agreement, out) : e;
}
