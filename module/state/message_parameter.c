#include "module/state/message_parameter.h"

#include <string.h>

#include "module/state/parameter.h"
#include "proto/limits.h"

enum { CHACHA_NONCE_BYTES = 12, CHACHA_NONCE_BITS = 96, POLY1305_TAG_BYTES = 16, TAG_BYTES_MAX = 16 };

static enum err take_gcm(const void *bytes, CK_ULONG n, struct message_given *out)
{
    CK_GCM_MESSAGE_PARAMS p;

    if (n != sizeof p)
        return ERR_MECHANISM_PARAM;
    memcpy(&p, bytes, sizeof p);
    if (p.ulTagBits % 8 != 0)
        return ERR_MECHANISM_PARAM;
    *out = (struct message_given){.iv = p.pIv, .iv_n = p.ulIvLen, .fixed_bits = p.ulIvFixedBits, .generator = p.ivGenerator,
                                  .tag = p.pTag, .tag_n = p.ulTagBits / 8};
    return ERR_OK;
}

static enum err take_ccm(const void *bytes, CK_ULONG n, struct message_given *out)
{
    CK_CCM_MESSAGE_PARAMS p;

    if (n != sizeof p)
        return ERR_MECHANISM_PARAM;
    memcpy(&p, bytes, sizeof p);
    *out = (struct message_given){.iv = p.pNonce, .iv_n = p.ulNonceLen, .fixed_bits = p.ulNonceFixedBits, .generator = p.nonceGenerator,
                                  .tag = p.pMAC, .tag_n = p.ulMACLen, .data_n = p.ulDataLen};
    return ERR_OK;
}

static enum err take_chacha(const void *bytes, CK_ULONG n, struct message_given *out)
{
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS p;

    if (n != sizeof p)
        return ERR_MECHANISM_PARAM;
    memcpy(&p, bytes, sizeof p);
    if (p.ulNonceBits != CHACHA_NONCE_BYTES && p.ulNonceBits != CHACHA_NONCE_BITS)
        return ERR_MECHANISM_PARAM;
    *out = (struct message_given){.iv = p.pNonce, .iv_n = CHACHA_NONCE_BYTES, .generator = CKG_NO_GENERATE, .tag = p.pTag,
                                  .tag_n = POLY1305_TAG_BYTES};
    return ERR_OK;
}

enum err message_parameter_take(const struct mechanism *row, const void *bytes, CK_ULONG n, struct message_given *out)
{
    enum err e = ERR_MECHANISM_PARAM;

    if (bytes == NULL)
        return ERR_MECHANISM_PARAM;
    if (row->param == PARAM_GCM)
        e = take_gcm(bytes, n, out);
    else if (row->param == PARAM_CCM)
        e = take_ccm(bytes, n, out);
    else if (row->param == PARAM_CHACHA)
        e = take_chacha(bytes, n, out);
    if (e == ERR_OK && (out->iv == NULL || out->tag == NULL || out->iv_n > GCM_IV_BYTES_MAX || out->tag_n > TAG_BYTES_MAX ||
                        out->fixed_bits > 8 * out->iv_n))
        e = ERR_MECHANISM_PARAM;
    return e;
}

enum err message_parameter_put(const struct message_given *g, const void *aad, CK_ULONG aad_n, Hsm__Mechanism *out)
{
    enum err e;

    if ((out->aead = parameter_memory(sizeof *out->aead)) == NULL)
        return ERR_NO_MEMORY;
    hsm__aead_params__init(out->aead);
    out->aead->tag_bytes = (uint32_t)g->tag_n;
    out->aead->data_bytes = g->data_n;
    out->aead->generator = g->generator;
    out->aead->fixed_bits = (uint32_t)g->fixed_bits;
    e = parameter_copy(g->iv, g->iv_n, &out->aead->iv);
    return e == ERR_OK ? parameter_copy(aad, aad_n, &out->aead->aad) : e;
}
