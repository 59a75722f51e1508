#include <string.h>

#include "module/state/parameter.h"
#include "proto/limits.h"

enum { GIVEN_MAX = 8 }; /* there are so many types */

static enum err take_flags(const CK_OTP_PARAM *p)
{
    CK_FLAGS flags;

    if (p->pValue == NULL || p->ulValueLen != sizeof flags)
        return ERR_MECHANISM_PARAM;
    memcpy(&flags, p->pValue, sizeof flags);
    return (flags & ~CKF_USER_FRIENDLY_OTP) == 0 ? ERR_OK : ERR_MECHANISM_PARAM; /* what is decimal is friendly */
}

static enum err take_one(const CK_OTP_PARAM *p, Hsm__OtpParams *out)
{
    if (p->type == CK_OTP_FLAGS)
        return take_flags(p);
    if (p->type != CK_OTP_COUNTER || p->ulValueLen != OTP_COUNTER_BYTES || out->counter.len > 0)
        return ERR_MECHANISM_PARAM;
    return parameter_copy(p->pValue, p->ulValueLen, &out->counter);
}

enum err parameter_take_otp(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    CK_OTP_PARAMS params = {.pParams = NULL};
    enum err e = ERR_OK;

    (void)row;
    if (n > 0 && n != sizeof params)
        return ERR_MECHANISM_PARAM;
    if (n > 0)
        memcpy(&params, given, n);
    if (params.ulCount > GIVEN_MAX || (params.ulCount > 0 && params.pParams == NULL))
        return ERR_MECHANISM_PARAM;
    if ((out->otp = parameter_memory(sizeof *out->otp)) == NULL)
        return ERR_NO_MEMORY;
    hsm__otp_params__init(out->otp);
    for (CK_ULONG i = 0; e == ERR_OK && i < params.ulCount; i++) {
        CK_OTP_PARAM one;
        memcpy(&one, (const CK_BYTE *)(const void *)params.pParams + i * sizeof one, sizeof one);
        e = take_one(&one, out->otp);
    }
    return e;
}
