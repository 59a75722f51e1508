#include <string.h>

#include "module/state/parameter.h"

static enum err make(Hsm__Mechanism *out)
{
    if ((out->pq = parameter_memory(sizeof *out->pq)) == NULL)
        return ERR_NO_MEMORY;
    hsm__pq_params__init(out->pq);
    return ERR_OK;
}

static enum err fill(const void *context, CK_ULONG context_n, CK_HEDGE_TYPE hedge, Hsm__PqParams *out)
{
    if (hedge > CKH_DETERMINISTIC_REQUIRED)
        return ERR_MECHANISM_PARAM;
    out->hedge = (uint32_t)hedge;
    return parameter_copy(context, context_n, &out->context);
}

enum err parameter_take_pq(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    CK_SIGN_ADDITIONAL_CONTEXT p = {.hedgeVariant = CKH_HEDGE_PREFERRED};
    enum err e;

    (void)row;
    if (n != 0 && n != sizeof p)
        return ERR_MECHANISM_PARAM;
    if (n != 0)
        memcpy(&p, given, sizeof p);
    e = make(out);
    return e == ERR_OK ? fill(p.pContext, p.ulContextLen, p.hedgeVariant, out->pq) : e;
}

enum err parameter_take_pq_hash(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    CK_HASH_SIGN_ADDITIONAL_CONTEXT p;
    enum err e = make(out);

    (void)row;
    memcpy(&p, given, sizeof p);
    if (e != ERR_OK)
        return e;
    out->pq->hash = p.hash;
    return fill(p.pContext, p.ulContextLen, p.hedgeVariant, out->pq);
}
