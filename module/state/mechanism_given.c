#include "module/state/mechanism_given.h"

#include <string.h>

static enum err take_pss(const CK_MECHANISM *given, const struct mechanism *row, CK_RSA_PKCS_PSS_PARAMS *out)
{
    const char *hash;

    if (given->pParameter == NULL || given->ulParameterLen != sizeof *out)
        return ERR_MECHANISM_PARAM;
    memcpy(out, given->pParameter, sizeof *out);
    hash = mechanism_hash_name(out->hashAlg);
    if (hash == NULL || mechanism_mgf_hash(out->mgf) == NULL)
        return ERR_MECHANISM_PARAM;
    /* PKCS #11 3.1 section 6.1.12: the parameter's hash is the mechanism's. */
    return row->hash == NULL || strcmp(row->hash, hash) == 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err mechanism_take(const CK_MECHANISM *given, CK_FLAGS operation, struct mechanism_given *out)
{
    const struct mechanism *row = mechanism_find(given->mechanism);

    if (row == NULL || !mechanism_does(row, operation))
        return ERR_MECHANISM;
    *out = (struct mechanism_given){.row = row};
    switch (row->param) {
    case PARAM_PSS:
        return take_pss(given, row, &out->pss);
    case PARAM_NONE:
        break;
    }
    /* A pointer without a length is what some programs leave there. */
    return given->ulParameterLen == 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

void mechanism_to_wire(const struct mechanism_given *m, struct mechanism_wire *out)
{
    hsm__mechanism__init(&out->message);
    out->message.type = m->row->type;
    if (m->row->param == PARAM_PSS) {
        hsm__pss_params__init(&out->pss);
        out->pss.hash = m->pss.hashAlg;
        out->pss.mgf = m->pss.mgf;
        out->pss.salt_bytes = m->pss.sLen;
        out->message.pss = &out->pss;
    }
}
