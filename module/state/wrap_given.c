#include "module/state/wrap_given.h"

#include <string.h>

#include "module/state/message_parameter.h"
#include "module/state/module.h"
#include "module/state/parameter.h"
#include "module/state/refusal.h"
#include "proto/cipher_mode.h"
#include "proto/limits.h"

struct taking {
    struct wrap_given *out;
    const struct wrap_associated *associated;
    bool makes; /* a vector, if the parameter says so */
};

static enum err put(const struct message_given *g, const void *aad, CK_ULONG aad_n, const struct taking *t, Hsm__Mechanism *out)
{
    struct message_given with = *g;

    if (g->iv == NULL || g->fixed_bits > 8 * g->iv_n || g->iv_n > GCM_IV_BYTES_MAX || g->tag_n > UINT32_MAX)
        return ERR_MECHANISM_PARAM;
    with.data_n = 0; /* how long the key is, the vault sees */
    if (!t->makes)
        with.generator = CKG_NO_GENERATE;
    if (with.generator != CKG_NO_GENERATE) {
        t->out->iv = g->iv;
        t->out->iv_n = g->iv_n;
    }
    return message_parameter_put(&with, aad, aad_n, out);
}

static enum err take_message(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out)
{
    struct taking *t = context;
    struct message_given g;
    enum err e = message_parameter_take(row, given->pParameter, given->ulParameterLen, &g);

    if (e != ERR_OK)
        return e;
    t->out->tag = g.tag;
    t->out->tag_n = g.tag_n;
    return put(&g, t->associated->bytes, t->associated->n, t, out);
}

static enum err take_gcm(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out)
{
    CK_GCM_WRAP_PARAMS p;
    struct message_given g;

    (void)row;
    memcpy(&p, given->pParameter, sizeof p);
    if (p.ulTagBits % 8 != 0)
        return ERR_MECHANISM_PARAM;
    g = (struct message_given){.iv = p.pIv, .iv_n = p.ulIvLen, .fixed_bits = p.ulIvFixedBits, .generator = p.ivGenerator,
                               .tag_n = p.ulTagBits / 8};
    return put(&g, p.pAAD, p.ulAADLen, context, out);
}

static enum err take_ccm(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out)
{
    CK_CCM_WRAP_PARAMS p;
    struct message_given g;

    (void)row;
    memcpy(&p, given->pParameter, sizeof p);
    g = (struct message_given){.iv = p.pNonce, .iv_n = p.ulNonceLen, .fixed_bits = p.ulNonceFixedBits,
                               .generator = p.nonceGenerator, .tag_n = p.ulMACLen};
    return put(&g, p.pAAD, p.ulAADLen, context, out);
}

/* "Tokens SHALL ignore any value" of the length (3.2 section 6.13.5). */
static enum err take_ccm_short(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out)
{
    CK_CCM_PARAMS p;

    (void)context;
    memcpy(&p, given->pParameter, sizeof p);
    p.ulDataLen = 0;
    return parameter_take_ccm(row, &p, out);
}

enum err wrap_given_take(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation,
                         const struct wrap_associated *associated, struct wrap_given *out)
{
    const struct mechanism *row = mechanism_asked(m, given->mechanism);
    enum mechanism_param param = row != NULL && given->pParameter != NULL ? row->param : PARAM_NONE;
    struct taking t = {.out = out, .associated = associated, .makes = operation == CKF_WRAP};
    mechanism_parameter_fn *take = NULL;

    *out = (struct wrap_given){.iv = NULL};
    if (associated != NULL) {
        if (row == NULL || cipher_mode_of(row) == NULL || !cipher_mode_of(row)->tagged)
            return refusal(ERR_MECHANISM, "the mechanism 0x%lx does not %s with associated data", given->mechanism,
                           refusal_verb(operation));
        take = take_message;
    } else if (param == PARAM_GCM && given->ulParameterLen == sizeof(CK_GCM_WRAP_PARAMS)) {
        take = take_gcm;
    } else if (param == PARAM_CCM && given->ulParameterLen == sizeof(CK_CCM_WRAP_PARAMS)) {
        take = take_ccm;
    } else if (param == PARAM_CCM && given->ulParameterLen == sizeof(CK_CCM_PARAMS)) {
        take = take_ccm_short;
    }
    return take != NULL ? mechanism_take_by(m, given, operation, take, &t, &out->mechanism)
                        : mechanism_take(m, given, operation, &out->mechanism);
}
