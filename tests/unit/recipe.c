#include "tests/unit/recipe.h"

#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/unit/sample_mechanism.h"
#include "tests/unit/sample_template.h"

CK_BYTE recipe_data[RECIPE_DATA_BYTES] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
                                          'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v'};
CK_BYTE recipe_server_random[RECIPE_DATA_BYTES] = "another thirty-two random bytes";
struct recipe_other recipe_other;
CK_SSL3_KEY_MAT_OUT recipe_material;
CK_VERSION recipe_version;

/* Fields of SP 800-108 in the one order that OpenSSL knows too: a counter of 32 bits, then data; in feedback mode behind the last block. */
static CK_MECHANISM kbkdf(const struct mechanism *row)
{
    static CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 32};
    static CK_PRF_DATA_PARAM fields[3];
    static CK_SP800_108_KDF_PARAMS plain;
    static CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
    bool counts = row->family == FAMILY_KBKDF_COUNTER;
    CK_ULONG n = 0;

    fields[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, counts ? &counter : NULL, counts ? sizeof counter : 0};
    if (row->family == FAMILY_KBKDF_FEEDBACK)
        fields[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_OPTIONAL_COUNTER, &counter, sizeof counter};
    fields[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, recipe_data, RECIPE_DATA_BYTES};
    plain = (CK_SP800_108_KDF_PARAMS){CKM_SHA256_HMAC, n, fields, 0, NULL};
    feedback = (CK_SP800_108_FEEDBACK_KDF_PARAMS){CKM_SHA256_HMAC, n, fields, RECIPE_DATA_BYTES, recipe_data, 0, NULL};
    return row->param == PARAM_KBKDF_FEEDBACK ? (CK_MECHANISM){row->type, &feedback, sizeof feedback}
                                              : (CK_MECHANISM){row->type, &plain, sizeof plain};
}

static CK_MECHANISM tls(const struct mechanism *row)
{
    static CK_TLS12_MASTER_KEY_DERIVE_PARAMS master;
    static CK_TLS12_KEY_MAT_PARAMS keys;
    static CK_TLS_KDF_PARAMS kdf;
    static CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS extended;
    static CK_BYTE iv_client[16], iv_server[16];
    const CK_SSL3_RANDOM_DATA random = {recipe_data, RECIPE_DATA_BYTES, recipe_server_random, RECIPE_DATA_BYTES};

    recipe_material.pIVClient = iv_client;
    recipe_material.pIVServer = iv_server;
    master = (CK_TLS12_MASTER_KEY_DERIVE_PARAMS){random, &recipe_version, CKM_SHA256};
    keys = (CK_TLS12_KEY_MAT_PARAMS){256, 128, 0, CK_FALSE, random, &recipe_material, CKM_SHA256};
    kdf = (CK_TLS_KDF_PARAMS){CKM_SHA256, recipe_data, 5, random, NULL, 0};
    extended = (CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS){CKM_SHA256, recipe_data, RECIPE_DATA_BYTES, &recipe_version};
    if (row->param == PARAM_TLS12_MASTER)
        return (CK_MECHANISM){row->type, &master, sizeof master};
    if (row->param == PARAM_TLS12_EXTENDED)
        return (CK_MECHANISM){row->type, &extended, sizeof extended};
    if (row->param == PARAM_TLS12_KDF)
        return (CK_MECHANISM){row->type, &kdf, sizeof kdf};
    return (CK_MECHANISM){row->type, &keys, sizeof keys};
}

/* The further key, where there may be one, and two halves of recipe_data. */
static CK_MECHANISM ike(const struct mechanism *row)
{
    static struct pkcs11_ike_prf_params prf;
    static struct pkcs11_ike1_prf_params prf1;
    static struct pkcs11_ike1_extended_params extended;
    static struct pkcs11_ike2_prf_plus_params plus;
    const CK_ULONG half = RECIPE_DATA_BYTES / 2;

    prf = (struct pkcs11_ike_prf_params){CKM_SHA256_HMAC, CK_FALSE, CK_TRUE,          recipe_data, half,
                                         recipe_data + half, half, recipe_other.key};
    prf1 = (struct pkcs11_ike1_prf_params){CKM_SHA256_HMAC, CK_TRUE, recipe_other.key, recipe_other.key, recipe_data, half,
                                           recipe_data + half, half, RECIPE_NUMBER};
    extended = (struct pkcs11_ike1_extended_params){CKM_SHA256_HMAC, CK_TRUE, recipe_other.key, recipe_data, RECIPE_DATA_BYTES};
    plus = (struct pkcs11_ike2_prf_plus_params){CKM_SHA256_HMAC, CK_TRUE, recipe_other.key, recipe_data, RECIPE_DATA_BYTES};
    switch ((int)row->param) {
    case PARAM_IKE_PRF: return (CK_MECHANISM){row->type, &prf, sizeof prf};
    case PARAM_IKE1_PRF: return (CK_MECHANISM){row->type, &prf1, sizeof prf1};
    case PARAM_IKE1_EXTENDED: return (CK_MECHANISM){row->type, &extended, sizeof extended};
    default: return (CK_MECHANISM){row->type, &plus, sizeof plus};
    }
}

/* In the group of recipe_key_make's keys. */
static CK_MECHANISM public_value(const struct mechanism *row)
{
    static CK_BYTE value[SAMPLE_DH_BYTES_MAX];
    static size_t n;

    if (n == 0) {
        EVP_PKEY *key = sample_dh("ffdhe2048");
        n = sample_public_value(key, value);
        EVP_PKEY_free(key);
    }
    return (CK_MECHANISM){row->type, value, n};
}

CK_MECHANISM recipe_good(const struct mechanism *row, CK_ULONG data_bytes)
{
    static CK_RSA_PKCS_PSS_PARAMS pss;
    static CK_ECDH1_DERIVE_PARAMS ecdh;
    static CK_HKDF_PARAMS hkdf;
    static CK_PKCS5_PBKD2_PARAMS2 pbkdf2;
    static CK_OBJECT_HANDLE second;
    static CK_KEY_DERIVATION_STRING_DATA text;
    static CK_ULONG bit;
    static CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc;
    static CK_DES_CBC_ENCRYPT_DATA_PARAMS des_cbc;
    static CK_RSA_PKCS_OAEP_PARAMS oaep;
    static struct pkcs11_sshkdf_params sshkdf;
    static CK_RSA_AES_KEY_WRAP_PARAMS rsa_aes;
    static CK_ECDH_AES_KEY_WRAP_PARAMS ecdh_aes;
    static CK_SIGN_ADDITIONAL_CONTEXT pq;
    static struct pkcs11_eddsa_params eddsa;
    static CK_OTP_PARAM counter;
    static CK_OTP_PARAMS otp;

    switch (row->param) {
    case PARAM_PSS:
        pss = sample_pss(row);
        return (CK_MECHANISM){row->type, &pss, sizeof pss};
    case PARAM_ECDH:
        ecdh = (CK_ECDH1_DERIVE_PARAMS){CKD_NULL, 0, NULL, recipe_other.point_n, (CK_BYTE *)(uintptr_t)recipe_other.point};
        return (CK_MECHANISM){row->type, &ecdh, sizeof ecdh};
    case PARAM_PUBLIC_VALUE:
        return recipe_other.value != NULL ? (CK_MECHANISM){row->type, (void *)(uintptr_t)recipe_other.value, recipe_other.value_n}
                                          : public_value(row);
    case PARAM_HKDF: /* the length of data is what extraction gives */
        hkdf = (CK_HKDF_PARAMS){CK_TRUE, row->family != FAMILY_HKDF_DATA, CKM_SHA256, CKF_HKDF_SALT_DATA, recipe_data, 8, 0, recipe_data,
                                RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &hkdf, sizeof hkdf};
    case PARAM_KBKDF:
    case PARAM_KBKDF_FEEDBACK:
    case PARAM_CLOUDHSM_KBKDF:
        return kbkdf(row);
    case PARAM_PBKDF2:
        pbkdf2 = (CK_PKCS5_PBKD2_PARAMS2){CKZ_SALT_SPECIFIED, recipe_data, RECIPE_DATA_BYTES, RECIPE_ITERATIONS,
                                          CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0, recipe_data, RECIPE_PASSWORD_BYTES};
        return (CK_MECHANISM){row->type, &pbkdf2, sizeof pbkdf2};
    case PARAM_TLS12_MASTER:
    case PARAM_TLS12_KEYS:
    case PARAM_TLS12_KDF:
    case PARAM_TLS12_EXTENDED:
    case PARAM_TLS12_SAFE_KEYS:
        return tls(row);
    case PARAM_KEY:
        second = recipe_other.key;
        return (CK_MECHANISM){row->type, &second, sizeof second};
    case PARAM_DATA:
        text = (CK_KEY_DERIVATION_STRING_DATA){recipe_data, RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &text, sizeof text};
    case PARAM_BIT:
        bit = RECIPE_BIT;
        return (CK_MECHANISM){row->type, &bit, sizeof bit};
    case PARAM_AES_CBC_DATA:
        cbc = (CK_AES_CBC_ENCRYPT_DATA_PARAMS){.pData = recipe_data, .length = RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &cbc, sizeof cbc};
    case PARAM_DES_CBC_DATA:
        des_cbc = (CK_DES_CBC_ENCRYPT_DATA_PARAMS){.pData = recipe_data, .length = RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &des_cbc, sizeof des_cbc};
    case PARAM_IKE_PRF:
    case PARAM_IKE1_PRF:
    case PARAM_IKE1_EXTENDED:
    case PARAM_IKE2_PRF_PLUS:
        return ike(row);
    case PARAM_SSHKDF: /* by another letter it would be data */
        sshkdf = (struct pkcs11_sshkdf_params){CKM_SHA256, 'C', recipe_data, RECIPE_DATA_BYTES, recipe_data, RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &sshkdf, sizeof sshkdf};
    case PARAM_RSA_AES:
        oaep = (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
        rsa_aes = (CK_RSA_AES_KEY_WRAP_PARAMS){256, &oaep};
        return (CK_MECHANISM){row->type, &rsa_aes, sizeof rsa_aes};
    case PARAM_ECDH_AES:
        ecdh_aes = (CK_ECDH_AES_KEY_WRAP_PARAMS){256, CKD_SHA256_KDF, RECIPE_DATA_BYTES, recipe_data};
        return (CK_MECHANISM){row->type, &ecdh_aes, sizeof ecdh_aes};
    case PARAM_PQ:
        pq = (CK_SIGN_ADDITIONAL_CONTEXT){CKH_HEDGE_PREFERRED, recipe_data, RECIPE_DATA_BYTES};
        return (CK_MECHANISM){row->type, &pq, sizeof pq};
    case PARAM_PQ_NO_CONTEXT:
        pq = (CK_SIGN_ADDITIONAL_CONTEXT){CKH_HEDGE_PREFERRED, NULL, 0};
        return (CK_MECHANISM){row->type, &pq, sizeof pq};
    case PARAM_EDDSA:
        eddsa = (struct pkcs11_eddsa_params){CK_FALSE, 0, NULL};
        return (CK_MECHANISM){row->type, &eddsa, sizeof eddsa};
    case PARAM_OTP:
        counter = (CK_OTP_PARAM){CK_OTP_COUNTER, recipe_data, 8};
        otp = (CK_OTP_PARAMS){&counter, 1};
        return (CK_MECHANISM){row->type, &otp, sizeof otp};
    case PARAM_NONE:
    case PARAM_OAEP:
    case PARAM_IV:
    case PARAM_CTR:
    case PARAM_GCM:
    case PARAM_GCM_NO_IV:
    case PARAM_CCM:
    case PARAM_CHACHA20:
    case PARAM_CHACHA:
    case PARAM_GENERAL:
    case PARAM_TLS_MAC:
    case PARAM_PQ_HASH:
        break;
    }
    return sample_mechanism(row, data_bytes);
}

/* ---- wrong ones: a word somewhere in the good structure is another */

#define AT(type, field) offsetof(type, field)
#define CUT(type, field) offsetof(type, field), 0 /* a pointer is missing where its length is there */

static const struct {
    enum mechanism_param param;
    const char *what;
    size_t at;
    CK_ULONG value;
    CK_RV answer; /* 0: CKR_MECHANISM_PARAM_INVALID */
} spoils[] = {
    {PARAM_PSS, "hash", AT(CK_RSA_PKCS_PSS_PARAMS, hashAlg), CKM_RSA_PKCS, 0},
    {PARAM_PSS, "mask generation", AT(CK_RSA_PKCS_PSS_PARAMS, mgf), 0x99, 0},
    {PARAM_PSS, "salt", AT(CK_RSA_PKCS_PSS_PARAMS, sLen), 8192, 0},
    {PARAM_OAEP, "hash", AT(CK_RSA_PKCS_OAEP_PARAMS, hashAlg), CKM_RIPEMD160, 0},
    {PARAM_OAEP, "mask generation", AT(CK_RSA_PKCS_OAEP_PARAMS, mgf), 0x99, 0},
    {PARAM_OAEP, "source", AT(CK_RSA_PKCS_OAEP_PARAMS, source), 7, 0},
    {PARAM_OAEP, "label", CUT(CK_RSA_PKCS_OAEP_PARAMS, pSourceData), 0},
    {PARAM_OAEP, "label's length", AT(CK_RSA_PKCS_OAEP_PARAMS, ulSourceDataLen), ~0UL, 0},
    {PARAM_CTR, "no counter", AT(CK_AES_CTR_PARAMS, ulCounterBits), 0, 0},
    {PARAM_CTR, "counter", AT(CK_AES_CTR_PARAMS, ulCounterBits), 129, 0},
    {PARAM_GCM, "no IV", AT(CK_GCM_PARAMS, ulIvLen), 0, 0},
    {PARAM_GCM, "IV", CUT(CK_GCM_PARAMS, pIv), 0},
    {PARAM_GCM, "IV's length", AT(CK_GCM_PARAMS, ulIvLen), ~0UL, 0},
    {PARAM_GCM, "tag of 7 bits", AT(CK_GCM_PARAMS, ulTagBits), 7, 0},
    {PARAM_GCM, "tag of 136 bits", AT(CK_GCM_PARAMS, ulTagBits), 136, 0},
    {PARAM_GCM, "data's length", AT(CK_GCM_PARAMS, ulAADLen), ~0UL, 0},
    {PARAM_GCM_NO_IV, "tag of 7 bits", AT(CK_GCM_PARAMS, ulTagBits), 7, 0},
    {PARAM_GCM_NO_IV, "data's length", AT(CK_GCM_PARAMS, ulAADLen), ~0UL, 0},
    {PARAM_CCM, "nonce of 6", AT(CK_CCM_PARAMS, ulNonceLen), 6, 0},
    {PARAM_CCM, "nonce of 14", AT(CK_CCM_PARAMS, ulNonceLen), 14, 0},
    {PARAM_CCM, "nonce", CUT(CK_CCM_PARAMS, pNonce), 0},
    {PARAM_CCM, "data", CUT(CK_CCM_PARAMS, pAAD), 0},
    {PARAM_CCM, "tag of 3", AT(CK_CCM_PARAMS, ulMACLen), 3, 0},
    {PARAM_CCM, "tag of 18", AT(CK_CCM_PARAMS, ulMACLen), 18, 0},
    {PARAM_CCM, "length", AT(CK_CCM_PARAMS, ulDataLen), ~0UL, 0},
    {PARAM_CHACHA20, "counter", CUT(CK_CHACHA20_PARAMS, pBlockCounter), 0},
    {PARAM_CHACHA20, "counter of 16 bits", AT(CK_CHACHA20_PARAMS, blockCounterBits), 16, 0},
    {PARAM_CHACHA20, "counter that leaves no room for the nonce", AT(CK_CHACHA20_PARAMS, blockCounterBits), 64, 0},
    {PARAM_CHACHA20, "nonce", CUT(CK_CHACHA20_PARAMS, pNonce), 0},
    {PARAM_CHACHA20, "nonce's length", AT(CK_CHACHA20_PARAMS, ulNonceBits), 64, 0},
    {PARAM_CHACHA20, "nonce's length without end", AT(CK_CHACHA20_PARAMS, ulNonceBits), ~0UL, 0},
    {PARAM_CHACHA, "nonce", CUT(CK_SALSA20_CHACHA20_POLY1305_PARAMS, pNonce), 0},
    {PARAM_CHACHA, "nonce's length", AT(CK_SALSA20_CHACHA20_POLY1305_PARAMS, ulNonceBits), 64, 0},
    {PARAM_CHACHA, "data", CUT(CK_SALSA20_CHACHA20_POLY1305_PARAMS, pAAD), 0},
    {PARAM_GENERAL, "no bytes", 0, 0, 0},
    {PARAM_GENERAL, "many bytes", 0, 65, 0},
    {PARAM_GENERAL, "far too many bytes", 0, ~0UL, 0},
    {PARAM_ECDH, "KDF", AT(CK_ECDH1_DERIVE_PARAMS, kdf), 0x99, 0},
    {PARAM_ECDH, "point", CUT(CK_ECDH1_DERIVE_PARAMS, pPublicData), 0},
    {PARAM_ECDH, "no point", AT(CK_ECDH1_DERIVE_PARAMS, ulPublicDataLen), 0, 0},
    {PARAM_ECDH, "point's length", AT(CK_ECDH1_DERIVE_PARAMS, ulPublicDataLen), 20, 0},
    {PARAM_ECDH, "shared data", AT(CK_ECDH1_DERIVE_PARAMS, ulSharedDataLen), 4, 0},
    {PARAM_HKDF, "neither step", AT(CK_HKDF_PARAMS, bExtract), 0, 0},
    {PARAM_HKDF, "hash", AT(CK_HKDF_PARAMS, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_HKDF, "kind of salt", AT(CK_HKDF_PARAMS, ulSaltType), 9, 0},
    {PARAM_HKDF, "salt", CUT(CK_HKDF_PARAMS, pSalt), 0},
    {PARAM_HKDF, "info", CUT(CK_HKDF_PARAMS, pInfo), 0},
    {PARAM_HKDF, "salt's key", AT(CK_HKDF_PARAMS, ulSaltType), CKF_HKDF_SALT_KEY, CKR_KEY_HANDLE_INVALID},
    {PARAM_KBKDF, "PRF", AT(CK_SP800_108_KDF_PARAMS, prfType), CKM_RSA_PKCS, 0},
    {PARAM_KBKDF, "no fields", AT(CK_SP800_108_KDF_PARAMS, ulNumberOfDataParams), 0, 0},
    {PARAM_KBKDF, "fields", CUT(CK_SP800_108_KDF_PARAMS, pDataParams), 0},
    {PARAM_KBKDF, "many fields", AT(CK_SP800_108_KDF_PARAMS, ulNumberOfDataParams), ~0UL, 0},
    {PARAM_KBKDF, "further keys", AT(CK_SP800_108_KDF_PARAMS, ulAdditionalDerivedKeys), ~0UL, 0},
    {PARAM_KBKDF_FEEDBACK, "PRF", AT(CK_SP800_108_FEEDBACK_KDF_PARAMS, prfType), CKM_RSA_PKCS, 0},
    {PARAM_KBKDF_FEEDBACK, "no fields", AT(CK_SP800_108_FEEDBACK_KDF_PARAMS, ulNumberOfDataParams), 0, 0},
    {PARAM_KBKDF_FEEDBACK, "fields", CUT(CK_SP800_108_FEEDBACK_KDF_PARAMS, pDataParams), 0},
    {PARAM_KBKDF_FEEDBACK, "IV", CUT(CK_SP800_108_FEEDBACK_KDF_PARAMS, pIV), 0},
    {PARAM_KBKDF_FEEDBACK, "further keys", AT(CK_SP800_108_FEEDBACK_KDF_PARAMS, ulAdditionalDerivedKeys), ~0UL, 0},
    {PARAM_CLOUDHSM_KBKDF, "PRF", AT(CK_SP800_108_KDF_PARAMS, prfType), CKM_RSA_PKCS, 0},
    {PARAM_CLOUDHSM_KBKDF, "no fields", AT(CK_SP800_108_KDF_PARAMS, ulNumberOfDataParams), 0, 0},
    {PARAM_CLOUDHSM_KBKDF, "fields", CUT(CK_SP800_108_KDF_PARAMS, pDataParams), 0},
    {PARAM_CLOUDHSM_KBKDF, "many fields", AT(CK_SP800_108_KDF_PARAMS, ulNumberOfDataParams), ~0UL, 0},
    {PARAM_PBKDF2, "salt's source", AT(CK_PKCS5_PBKD2_PARAMS2, saltSource), 9, 0},
    {PARAM_PBKDF2, "salt", CUT(CK_PKCS5_PBKD2_PARAMS2, pSaltSourceData), 0},
    {PARAM_PBKDF2, "no rounds", AT(CK_PKCS5_PBKD2_PARAMS2, iterations), 0, 0},
    {PARAM_PBKDF2, "rounds for ever", AT(CK_PKCS5_PBKD2_PARAMS2, iterations), ~0UL, 0},
    {PARAM_PBKDF2, "PRF", AT(CK_PKCS5_PBKD2_PARAMS2, prf), 0x99, 0},
    {PARAM_PBKDF2, "PRF's data", AT(CK_PKCS5_PBKD2_PARAMS2, ulPrfDataLen), 4, 0},
    {PARAM_PBKDF2, "password", CUT(CK_PKCS5_PBKD2_PARAMS2, pPassword), 0},
    {PARAM_TLS12_MASTER, "hash", AT(CK_TLS12_MASTER_KEY_DERIVE_PARAMS, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS12_MASTER, "client's random", CUT(CK_TLS12_MASTER_KEY_DERIVE_PARAMS, RandomInfo.pClientRandom), 0},
    {PARAM_TLS12_MASTER, "server's random", CUT(CK_TLS12_MASTER_KEY_DERIVE_PARAMS, RandomInfo.pServerRandom), 0},
    {PARAM_TLS12_EXTENDED, "hash", AT(CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS12_EXTENDED, "session's hash", CUT(CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, pSessionHash), 0},
    {PARAM_TLS12_EXTENDED, "no session's hash", AT(CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, ulSessionHashLen), 0, 0},
    {PARAM_TLS_MAC, "hash", AT(struct pkcs11_tls_mac_params, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS_MAC, "11 bytes", AT(struct pkcs11_tls_mac_params, ulMacLength), 11, 0},
    {PARAM_TLS_MAC, "65 bytes", AT(struct pkcs11_tls_mac_params, ulMacLength), 65, 0},
    {PARAM_TLS_MAC, "far too many bytes", AT(struct pkcs11_tls_mac_params, ulMacLength), ~0UL, 0},
    {PARAM_TLS_MAC, "neither side", AT(struct pkcs11_tls_mac_params, ulServerOrClient), 0, 0},
    {PARAM_TLS_MAC, "a third side", AT(struct pkcs11_tls_mac_params, ulServerOrClient), 3, 0},
    {PARAM_TLS12_SAFE_KEYS, "hash", AT(CK_TLS12_KEY_MAT_PARAMS, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS12_SAFE_KEYS, "server's random", CUT(CK_TLS12_KEY_MAT_PARAMS, RandomInfo.pServerRandom), 0},
    {PARAM_TLS12_SAFE_KEYS, "place", CUT(CK_TLS12_KEY_MAT_PARAMS, pReturnedKeyMaterial), 0},
    {PARAM_TLS12_SAFE_KEYS, "export", AT(CK_TLS12_KEY_MAT_PARAMS, bIsExport), 1, 0},
    {PARAM_TLS12_KEYS, "hash", AT(CK_TLS12_KEY_MAT_PARAMS, prfHashMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS12_KEYS, "client's random", CUT(CK_TLS12_KEY_MAT_PARAMS, RandomInfo.pClientRandom), 0},
    {PARAM_TLS12_KEYS, "place", CUT(CK_TLS12_KEY_MAT_PARAMS, pReturnedKeyMaterial), 0},
    {PARAM_TLS12_KEYS, "export", AT(CK_TLS12_KEY_MAT_PARAMS, bIsExport), 1, 0},
    {PARAM_TLS12_KEYS, "odd bits", AT(CK_TLS12_KEY_MAT_PARAMS, ulMacSizeInBits), 3, 0},
    {PARAM_TLS12_KDF, "hash", AT(CK_TLS_KDF_PARAMS, prfMechanism), CKM_RSA_PKCS, 0},
    {PARAM_TLS12_KDF, "label", CUT(CK_TLS_KDF_PARAMS, pLabel), 0},
    {PARAM_TLS12_KDF, "server's random", CUT(CK_TLS_KDF_PARAMS, RandomInfo.pServerRandom), 0},
    {PARAM_TLS12_KDF, "context", AT(CK_TLS_KDF_PARAMS, ulContextDataLength), 4, 0},
    {PARAM_KEY, "no key", 0, 0, CKR_KEY_HANDLE_INVALID},
    {PARAM_KEY, "key", 0, 12345, CKR_KEY_HANDLE_INVALID},
    {PARAM_DATA, "data", CUT(CK_KEY_DERIVATION_STRING_DATA, pData), 0},
    {PARAM_DATA, "length", AT(CK_KEY_DERIVATION_STRING_DATA, ulLen), ~0UL, 0},
    {PARAM_BIT, "bit", 0, 8 * 4096, 0},
    {PARAM_AES_CBC_DATA, "data", CUT(CK_AES_CBC_ENCRYPT_DATA_PARAMS, pData), 0},
    {PARAM_AES_CBC_DATA, "length", AT(CK_AES_CBC_ENCRYPT_DATA_PARAMS, length), ~0UL, 0},
    {PARAM_DES_CBC_DATA, "data", CUT(CK_DES_CBC_ENCRYPT_DATA_PARAMS, pData), 0},
    {PARAM_DES_CBC_DATA, "length", AT(CK_DES_CBC_ENCRYPT_DATA_PARAMS, length), ~0UL, 0},
    {PARAM_IKE_PRF, "PRF", AT(struct pkcs11_ike_prf_params, prfMechanism), CKM_AES_GMAC, 0},
    {PARAM_IKE_PRF, "both keys at once", AT(struct pkcs11_ike_prf_params, bDataAsKey), 0x0101, CKR_ARGUMENTS_BAD},
    {PARAM_IKE_PRF, "nonce", CUT(struct pkcs11_ike_prf_params, pNi), 0},
    {PARAM_IKE_PRF, "nonce's length", AT(struct pkcs11_ike_prf_params, ulNrLen), ~0UL, 0},
    {PARAM_IKE_PRF, "new key", AT(struct pkcs11_ike_prf_params, hNewKey), 12345, CKR_KEY_HANDLE_INVALID},
    {PARAM_IKE1_PRF, "PRF", AT(struct pkcs11_ike1_prf_params, prfMechanism), CKM_SHA256, 0},
    {PARAM_IKE1_PRF, "cookie", CUT(struct pkcs11_ike1_prf_params, pCKYi), 0},
    {PARAM_IKE1_PRF, "cookie's length", AT(struct pkcs11_ike1_prf_params, ulCKYrLen), ~0UL, 0},
    {PARAM_IKE1_PRF, "no common key", AT(struct pkcs11_ike1_prf_params, hKeygxy), 0, CKR_KEY_HANDLE_INVALID},
    {PARAM_IKE1_PRF, "key before", AT(struct pkcs11_ike1_prf_params, hPrevKey), 12345, CKR_KEY_HANDLE_INVALID},
    {PARAM_IKE1_EXTENDED, "PRF", AT(struct pkcs11_ike1_extended_params, prfMechanism), CKM_SHA256_HMAC_GENERAL, 0},
    {PARAM_IKE1_EXTENDED, "data", CUT(struct pkcs11_ike1_extended_params, pExtraData), 0},
    {PARAM_IKE1_EXTENDED, "common key", AT(struct pkcs11_ike1_extended_params, hKeygxy), 12345, CKR_KEY_HANDLE_INVALID},
    {PARAM_IKE2_PRF_PLUS, "PRF", AT(struct pkcs11_ike2_prf_plus_params, prfMechanism), CKM_RSA_PKCS, 0},
    {PARAM_IKE2_PRF_PLUS, "seed", CUT(struct pkcs11_ike2_prf_plus_params, pSeedData), 0},
    {PARAM_IKE2_PRF_PLUS, "seed's length", AT(struct pkcs11_ike2_prf_plus_params, ulSeedDataLen), ~0UL, 0},
    {PARAM_IKE2_PRF_PLUS, "seed's key", AT(struct pkcs11_ike2_prf_plus_params, hSeedKey), 12345, CKR_KEY_HANDLE_INVALID},
    {PARAM_SSHKDF, "hash", AT(struct pkcs11_sshkdf_params, prfHashMechanism), CKM_SHA256_HMAC, 0},
    {PARAM_SSHKDF, "hash of another length", AT(struct pkcs11_sshkdf_params, prfHashMechanism), CKM_SHA384, 0},
    {PARAM_SSHKDF, "no letter", AT(struct pkcs11_sshkdf_params, derivedKeyType), 0, 0},
    {PARAM_SSHKDF, "letter before A", AT(struct pkcs11_sshkdf_params, derivedKeyType), 'A' - 1, 0},
    {PARAM_SSHKDF, "letter after F", AT(struct pkcs11_sshkdf_params, derivedKeyType), 'G', 0},
    {PARAM_SSHKDF, "small letter", AT(struct pkcs11_sshkdf_params, derivedKeyType), 'c', 0},
    {PARAM_SSHKDF, "exchange hash", CUT(struct pkcs11_sshkdf_params, pExchangeHash), 0},
    {PARAM_SSHKDF, "no exchange hash", AT(struct pkcs11_sshkdf_params, ulExchangeHashLen), 0, 0},
    {PARAM_SSHKDF, "shorter exchange hash", AT(struct pkcs11_sshkdf_params, ulExchangeHashLen), RECIPE_DATA_BYTES - 1, 0},
    {PARAM_SSHKDF, "exchange hash's length", AT(struct pkcs11_sshkdf_params, ulExchangeHashLen), ~0UL, 0},
    {PARAM_SSHKDF, "session", CUT(struct pkcs11_sshkdf_params, pSessionId), 0},
    {PARAM_SSHKDF, "no session", AT(struct pkcs11_sshkdf_params, ulSessionIdLen), 0, 0},
    {PARAM_SSHKDF, "session's length", AT(struct pkcs11_sshkdf_params, ulSessionIdLen), ~0UL, 0},
    {PARAM_RSA_AES, "key's length", AT(CK_RSA_AES_KEY_WRAP_PARAMS, ulAESKeyBits), 100, 0},
    {PARAM_RSA_AES, "OAEP", CUT(CK_RSA_AES_KEY_WRAP_PARAMS, pOAEPParams), 0},
    {PARAM_ECDH_AES, "key's length", AT(CK_ECDH_AES_KEY_WRAP_PARAMS, ulAESKeyBits), 512, 0},
    {PARAM_ECDH_AES, "KDF", AT(CK_ECDH_AES_KEY_WRAP_PARAMS, kdf), 0x99, 0},
    {PARAM_ECDH_AES, "data that no KDF takes", AT(CK_ECDH_AES_KEY_WRAP_PARAMS, kdf), CKD_NULL, 0},
    {PARAM_ECDH_AES, "shared data", CUT(CK_ECDH_AES_KEY_WRAP_PARAMS, pSharedData), 0},
    {PARAM_PQ, "hedge", AT(CK_SIGN_ADDITIONAL_CONTEXT, hedgeVariant), 7, 0},
    {PARAM_PQ, "context", CUT(CK_SIGN_ADDITIONAL_CONTEXT, pContext), 0},
    {PARAM_PQ, "context's length", AT(CK_SIGN_ADDITIONAL_CONTEXT, ulContextLen), ~0UL, 0},
    {PARAM_PQ_NO_CONTEXT, "hedge", AT(CK_SIGN_ADDITIONAL_CONTEXT, hedgeVariant), 7, 0},
    {PARAM_PQ_NO_CONTEXT, "context", AT(CK_SIGN_ADDITIONAL_CONTEXT, ulContextLen), 4, 0},
    {PARAM_PQ_HASH, "hedge", AT(CK_HASH_SIGN_ADDITIONAL_CONTEXT, hedgeVariant), 7, 0},
    {PARAM_PQ_HASH, "context", CUT(CK_HASH_SIGN_ADDITIONAL_CONTEXT, pContext), 0},
    {PARAM_PQ_HASH, "hash", AT(CK_HASH_SIGN_ADDITIONAL_CONTEXT, hash), CKM_RSA_PKCS, 0},
    {PARAM_OTP, "list", CUT(CK_OTP_PARAMS, pParams), 0},
    {PARAM_OTP, "list's length", AT(CK_OTP_PARAMS, ulCount), ~0UL, 0},
    {PARAM_EDDSA, "context", AT(struct pkcs11_eddsa_params, ulContextDataLen), 4, 0},
    {PARAM_EDDSA, "context's length", AT(struct pkcs11_eddsa_params, ulContextDataLen), ~0UL, 0},
};

enum { SPOILS = sizeof spoils / sizeof spoils[0] };

bool recipe_is_spoiled(enum mechanism_param param)
{
    for (size_t i = 0; i < SPOILS; i++)
        if (spoils[i].param == param)
            return true;
    return param == PARAM_NONE || param == PARAM_IV || param == PARAM_PUBLIC_VALUE; /* which have no structure */
}

/* What is wrong without a look at the structure. How many of them a kind has: all that may be left out has one less. */
static size_t wholes_of(const struct mechanism *row, const CK_MECHANISM *good)
{
    if (good->pParameter == NULL || row->param == PARAM_PUBLIC_VALUE) /* a number may be shorter */
        return 3;
    return row->param == PARAM_PQ || row->param == PARAM_PQ_NO_CONTEXT || row->param == PARAM_EDDSA || row->param == PARAM_OTP ? 4 : 5;
}

static void wrong_whole(size_t i, struct recipe_wrong *out)
{
    static CK_BYTE room[512];
    CK_MECHANISM *m = &out->mechanism;
    const CK_ULONG n = m->ulParameterLen;

    if (n > 0)
        memcpy(room, m->pParameter, n);
    *m = (CK_MECHANISM){m->mechanism, room, n + 1};
    out->what = "one byte too many";
    if (i == 1) {
        m->ulParameterLen = ~0UL;
        out->what = "endless";
    } else if (i == 2) {
        *m = (CK_MECHANISM){m->mechanism, NULL, n > 0 ? n : 4};
        out->what = "a length without bytes";
    } else if (i == 3) {
        m->ulParameterLen = n - 1;
        out->what = "one byte too few";
    } else if (i == 4) {
        *m = (CK_MECHANISM){m->mechanism, NULL, 0};
        out->what = "left out";
    }
}

bool recipe_wrong(const struct mechanism *row, CK_ULONG data_bytes, size_t i, struct recipe_wrong *out)
{
    size_t wholes, k = 0;

    *out = (struct recipe_wrong){.mechanism = recipe_good(row, data_bytes), .answer = CKR_MECHANISM_PARAM_INVALID};
    wholes = wholes_of(row, &out->mechanism);
    if (i < wholes) {
        wrong_whole(i, out);
        return true;
    }
    for (i -= wholes; k < SPOILS; k++)
        if (spoils[k].param == row->param && i-- == 0)
            break;
    if (k == SPOILS)
        return false;
    memcpy((CK_BYTE *)out->mechanism.pParameter + spoils[k].at, &spoils[k].value, sizeof spoils[k].value);
    out->what = spoils[k].what;
    if (spoils[k].answer != 0)
        out->answer = spoils[k].answer;
    return true;
}
