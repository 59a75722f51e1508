#include "crypto/rsa_padding.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

enum { PKCS1_OVERHEAD_BYTES = 11, OAEP_OVERHEAD_BYTES = 2 };

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
}

bool rsa_padding_params(const struct mechanism *row, const Hsm__Mechanism *given, OSSL_PARAM params[RSA_PADDING_PARAMS_MAX])
{
    const Hsm__OaepParams *oaep = given->oaep;
    size_t n = 0;

    if (row->family == FAMILY_RSA_PKCS) {
        params[n++] = text(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    } else if (row->family == FAMILY_RSA_RAW) {
        params[n++] = text(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_NONE);
    } else if (row->family == FAMILY_RSA_OAEP) {
        params[n++] = text(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_OAEP);
        params[n++] = text(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, mechanism_hash_name(oaep->hash));
        params[n++] = text(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, mechanism_mgf_hash(oaep->mgf));
        if (oaep->label.len > 0)
            params[n++] = OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, oaep->label.data, oaep->label.len);
    }
    params[n] = OSSL_PARAM_construct_end();
    return n > 0;
}

size_t rsa_padding_data_bytes_max(const struct mechanism *row, const Hsm__Mechanism *given, size_t modulus_bytes)
{
    size_t overhead = 0;

    if (row->family == FAMILY_RSA_PKCS)
        overhead = PKCS1_OVERHEAD_BYTES;
    else if (row->family == FAMILY_RSA_OAEP)
        overhead = 2 * mechanism_hash_bytes(mechanism_hash_name(given->oaep->hash)) + OAEP_OVERHEAD_BYTES;
    return modulus_bytes > overhead ? modulus_bytes - overhead : 0;
}
