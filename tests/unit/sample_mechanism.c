#include "tests/unit/sample_mechanism.h"

#include <string.h>

#include "proto/cipher_mode.h"

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

enum { NONCE = 12, NONCE_ROOM = 16 }; /* there are tests that say it is longer */

CK_MECHANISM sample_mechanism(const struct mechanism *m, CK_ULONG data_bytes)
{
    static CK_BYTE iv[16] = "a vector of 16 b", nonce[NONCE_ROOM] = "a nonce here";
    static CK_BYTE aad[] = "more data", label[] = "a label";
    static CK_AES_CTR_PARAMS ctr;
    static CK_GCM_PARAMS gcm;
    static CK_CCM_PARAMS ccm;
    static CK_BYTE count[] = {7, 0, 0, 0};
    static CK_CHACHA20_PARAMS chacha20;
    static CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha;
    static CK_RSA_PKCS_OAEP_PARAMS oaep;
    static CK_HASH_SIGN_ADDITIONAL_CONTEXT pq;
    static CK_ULONG general;
    static struct pkcs11_tls_mac_params tls_mac;

    switch (m->param) {
    case PARAM_IV:
        if (cipher_mode_of(m)->iv_may_lack)
            break;
        return (CK_MECHANISM){m->type, iv, cipher_mode_of(m)->iv_bytes > 0 ? cipher_mode_of(m)->iv_bytes : cipher_block_bytes(m)};
    case PARAM_CTR:
        ctr = (CK_AES_CTR_PARAMS){.ulCounterBits = 32};
        memcpy(ctr.cb, iv, NONCE);
        return (CK_MECHANISM){m->type, &ctr, sizeof ctr};
    case PARAM_GCM:
        gcm = (CK_GCM_PARAMS){.pIv = nonce, .ulIvLen = NONCE, .ulTagBits = 128};
        if (m->family == FAMILY_GCM) {
            gcm.pAAD = aad;
            gcm.ulAADLen = sizeof aad;
        }
        return (CK_MECHANISM){m->type, &gcm, sizeof gcm};
    case PARAM_GCM_NO_IV:
        gcm = (CK_GCM_PARAMS){.pAAD = aad, .ulAADLen = sizeof aad, .ulTagBits = 128};
        return (CK_MECHANISM){m->type, &gcm, sizeof gcm};
    case PARAM_CCM:
        ccm = (CK_CCM_PARAMS){data_bytes, nonce, NONCE, aad, sizeof aad, 12};
        return (CK_MECHANISM){m->type, &ccm, sizeof ccm};
    case PARAM_CHACHA20:
        chacha20 = (CK_CHACHA20_PARAMS){count, 32, nonce, 96};
        return (CK_MECHANISM){m->type, &chacha20, sizeof chacha20};
    case PARAM_CHACHA:
        chacha = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){nonce, 96, aad, sizeof aad};
        return (CK_MECHANISM){m->type, &chacha, sizeof chacha};
    case PARAM_OAEP:
        oaep = (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, label, sizeof label};
        return (CK_MECHANISM){m->type, &oaep, sizeof oaep};
    case PARAM_GENERAL:
        general = mechanism_signature_bytes(m, 0) / 2;
        return (CK_MECHANISM){m->type, &general, sizeof general};
    case PARAM_TLS_MAC:
        tls_mac = (struct pkcs11_tls_mac_params){CKM_SHA256, 12, 1};
        return (CK_MECHANISM){m->type, &tls_mac, sizeof tls_mac};
    case PARAM_PQ_HASH:
        pq = (CK_HASH_SIGN_ADDITIONAL_CONTEXT){CKH_HEDGE_PREFERRED, label, sizeof label, CKM_SHA256};
        return (CK_MECHANISM){m->type, &pq, sizeof pq};
    case PARAM_OTP:
    case PARAM_EDDSA:
    case PARAM_NONE:
    case PARAM_PQ_NO_CONTEXT:
    case PARAM_PQ: /* which may be left out */
    case PARAM_PSS:
    case PARAM_ECDH:
    case PARAM_PUBLIC_VALUE:
    case PARAM_HKDF:
    case PARAM_KBKDF:
    case PARAM_KBKDF_FEEDBACK:
    case PARAM_CLOUDHSM_KBKDF:
    case PARAM_PBKDF2:
    case PARAM_TLS12_MASTER:
    case PARAM_TLS12_KEYS:
    case PARAM_TLS12_KDF:
    case PARAM_TLS12_EXTENDED:
    case PARAM_TLS12_SAFE_KEYS:
    case PARAM_KEY:
    case PARAM_DATA:
    case PARAM_BIT:
    case PARAM_AES_CBC_DATA:
    case PARAM_DES_CBC_DATA:
    case PARAM_IKE_PRF:
    case PARAM_IKE1_PRF:
    case PARAM_IKE1_EXTENDED:
    case PARAM_IKE2_PRF_PLUS:
    case PARAM_SSHKDF:
    case PARAM_RSA_AES:
    case PARAM_ECDH_AES:
        break;
    }
    return (CK_MECHANISM){m->type, NULL, 0};
}
