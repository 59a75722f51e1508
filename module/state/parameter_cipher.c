/* The parameters of ciphers and MACs. */
#include <string.h>

#include "module/state/parameter.h"
#include "proto/cipher_mode.h"
#include "proto/limits.h"

enum {
    CHACHA_NONCE_BYTES = 12,
    CHACHA_NONCE_BITS = 96,
    POLY1305_TAG_BYTES = 16,
    BITS_MAX = 4096 /* no length in bits that we know is larger */
};

/* The structure of 2.40 before its errata 01, which other modules still take: without ulIvBits. */
struct gcm_params_short {
    CK_BYTE *iv;
    CK_ULONG iv_bytes;
    CK_BYTE *aad;
    CK_ULONG aad_bytes;
    CK_ULONG tag_bits;
};

static enum err new_aead(Hsm__Mechanism *out)
{
    if ((out->aead = parameter_memory(sizeof *out->aead)) == NULL)
        return ERR_NO_MEMORY;
    hsm__aead_params__init(out->aead);
    return ERR_OK;
}

static enum err take_aead(const void *iv, CK_ULONG iv_n, const void *aad, CK_ULONG aad_n, CK_ULONG tag_bytes, Hsm__Mechanism *out)
{
    enum err e = tag_bytes <= BITS_MAX ? new_aead(out) : ERR_MECHANISM_PARAM;

    if (e == ERR_OK)
        e = parameter_copy(iv, iv_n, &out->aead->iv);
    if (e == ERR_OK)
        e = parameter_copy(aad, aad_n, &out->aead->aad);
    if (e == ERR_OK)
        out->aead->tag_bytes = (uint32_t)tag_bytes;
    return e;
}

enum err parameter_take_gcm(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    struct gcm_params_short p;
    CK_GCM_PARAMS whole;

    if (n == sizeof whole) {
        memcpy(&whole, given, sizeof whole);
        p = (struct gcm_params_short){whole.pIv, whole.ulIvLen, whole.pAAD, whole.ulAADLen, whole.ulTagBits};
    } else if (n == sizeof p) {
        memcpy(&p, given, sizeof p);
    } else {
        return ERR_MECHANISM_PARAM;
    }
    if (row->param == PARAM_GCM_NO_IV && p.iv == NULL)
        p.iv_bytes = 0;
    /* PKCS #11 3.1 section 6.13.7: what GMAC authenticates is the data. */
    if (p.tag_bits % 8 != 0 || (row->family == FAMILY_GMAC && p.aad_bytes > 0))
        return ERR_MECHANISM_PARAM;
    return take_aead(p.iv, p.iv_bytes, p.aad, p.aad_bytes, p.tag_bits / 8, out);
}

enum err parameter_take_ccm(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_CCM_PARAMS p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    e = take_aead(p.pNonce, p.ulNonceLen, p.pAAD, p.ulAADLen, p.ulMACLen, out);
    if (e == ERR_OK)
        out->aead->data_bytes = p.ulDataLen;
    return e;
}

/* PKCS #11 3.0 section 2.42 gives the nonce's length in bits, and programs give it in bytes. */
enum err parameter_take_chacha(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_SALSA20_CHACHA20_POLY1305_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    if (p.ulNonceBits != CHACHA_NONCE_BITS && p.ulNonceBits != CHACHA_NONCE_BYTES)
        return ERR_MECHANISM_PARAM;
    return take_aead(p.pNonce, CHACHA_NONCE_BYTES, p.pAAD, p.ulAADLen, POLY1305_TAG_BYTES, out);
}

static enum err take_iv(const void *iv, CK_ULONG n, CK_ULONG counter_bits, Hsm__Mechanism *out)
{
    enum err e;

    if (counter_bits > BITS_MAX)
        return ERR_MECHANISM_PARAM;
    if ((out->iv = parameter_memory(sizeof *out->iv)) == NULL)
        return ERR_NO_MEMORY;
    hsm__iv_params__init(out->iv);
    if ((e = parameter_copy(iv, n, &out->iv->iv)) == ERR_OK)
        out->iv->counter_bits = (uint32_t)counter_bits;
    return e;
}

enum err parameter_take_iv(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    (void)row;
    return take_iv(given, n, 0, out);
}

enum err parameter_take_ctr(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_AES_CTR_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    return take_iv(p.cb, sizeof p.cb, p.ulCounterBits, out);
}

/* PKCS #11 3.1 section 6.57: counter and nonce stand side by side in the cipher's state, and fill it. */
enum err parameter_take_chacha20(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_CHACHA20_PARAMS p;
    CK_BYTE state[CIPHER_BLOCK_BYTES_MAX];
    CK_ULONG counter_bytes;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((p.blockCounterBits != 32 && p.blockCounterBits != 64) || p.ulNonceBits != 8 * sizeof state - p.blockCounterBits ||
        p.pBlockCounter == NULL || p.pNonce == NULL)
        return ERR_MECHANISM_PARAM;
    counter_bytes = p.blockCounterBits / 8;
    memcpy(state, p.pBlockCounter, counter_bytes);
    memcpy(state + counter_bytes, p.pNonce, sizeof state - counter_bytes);
    return take_iv(state, sizeof state, p.blockCounterBits, out);
}

enum err parameter_take_general(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_ULONG bytes;

    (void)row;
    memcpy(&bytes, given, sizeof bytes);
    if (bytes > BITS_MAX)
        return ERR_MECHANISM_PARAM;
    if ((out->general = parameter_memory(sizeof *out->general)) == NULL)
        return ERR_NO_MEMORY;
    hsm__general_params__init(out->general);
    out->general->bytes = (uint32_t)bytes;
    return ERR_OK;
}

enum err parameter_take_oaep(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_RSA_PKCS_OAEP_PARAMS p;

    (void)row;
    memcpy(&p, given, sizeof p);
    /* PKCS #11 3.1 section 6.1.7: without a source there is no label. */
    if (p.source != CKZ_DATA_SPECIFIED && (p.source != 0 || p.ulSourceDataLen > 0))
        return ERR_MECHANISM_PARAM;
    if ((out->oaep = parameter_memory(sizeof *out->oaep)) == NULL)
        return ERR_NO_MEMORY;
    hsm__oaep_params__init(out->oaep);
    out->oaep->hash = p.hashAlg;
    out->oaep->mgf = p.mgf;
    return parameter_copy(p.pSourceData, p.ulSourceDataLen, &out->oaep->label);
}
