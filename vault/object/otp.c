#include "vault/object/otp.h"

#include "common/big_endian.h"
#include "proto/limits.h"

static enum err check_values(const struct object *o, struct diag *why)
{
    const struct object_attribute *counter = object_find(o, CKA_OTP_COUNTER);
    CK_ULONG digits = object_ulong(o, CKA_OTP_LENGTH, OTP_DIGITS_MIN);

    if (digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX) {
        diag_set(why, "CKA_OTP_LENGTH: a password has %u to %u digits", OTP_DIGITS_MIN, OTP_DIGITS_MAX);
        return ERR_ATTRIBUTE_VALUE;
    }
    if (counter != NULL && counter->n != OTP_COUNTER_BYTES) {
        diag_set(why, "CKA_OTP_COUNTER has %u bytes, big endian", OTP_COUNTER_BYTES);
        return ERR_ATTRIBUTE_VALUE;
    }
    if (object_ulong(o, CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_IGNORED) > CK_OTP_PARAM_MANDATORY) {
        diag_set(why, "CKA_OTP_COUNTER_REQUIREMENT is none of CK_OTP_PARAM_IGNORED, CK_OTP_PARAM_OPTIONAL, CK_OTP_PARAM_MANDATORY");
        return ERR_ATTRIBUTE_VALUE;
    }
    return ERR_OK;
}

enum err otp_take(struct object *o, struct diag *why)
{
    bool own_counter = object_ulong(o, CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_IGNORED) != CK_OTP_PARAM_MANDATORY;
    enum err e = check_values(o, why);

    if (e != ERR_OK)
        return e;
    if (object_bool(o, CKA_COPYABLE)) {
        diag_set(why, "CKA_COPYABLE must be false: a copy would give the same passwords once more");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (own_counter && !object_bool(o, CKA_TOKEN)) {
        diag_set(why, "CKA_TOKEN must be true, as the cluster counts; or CKA_OTP_COUNTER_REQUIREMENT be CK_OTP_PARAM_MANDATORY");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    return object_put_bool(o, CKA_COPYABLE, false);
}

enum err otp_counter(const struct object *o, uint64_t *counter)
{
    const struct object_attribute *a = object_find(o, CKA_OTP_COUNTER);

    if (a == NULL || a->n != OTP_COUNTER_BYTES)
        return ERR_CORRUPT;
    *counter = u64_get(a->value);
    return ERR_OK;
}

enum err otp_counter_put(struct object *o, uint64_t counter)
{
    uint8_t bytes[OTP_COUNTER_BYTES];

    u64_put(bytes, counter);
    return object_put(o, CKA_OTP_COUNTER, bytes, sizeof bytes);
}
