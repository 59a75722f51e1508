#include "module/state/one_time.h"

#include <string.h>

size_t one_time_digits(const struct known *key)
{
    CK_ULONG digits = known_ulong(key, CKA_OTP_LENGTH);

    return digits <= OTP_DIGITS_MAX ? digits : 0;
}

size_t one_time_info_bytes(const struct known *key)
{
    return sizeof(CK_OTP_SIGNATURE_INFO) + sizeof(CK_OTP_PARAM) + one_time_digits(key);
}

enum err one_time_sign(struct module *m, const struct key_request *k, CK_BYTE *info, size_t *bytes)
{
    CK_BYTE *param_at = info + sizeof(CK_OTP_SIGNATURE_INFO), *password = param_at + sizeof(CK_OTP_PARAM);
    size_t digits = one_time_digits(k->key), n = digits;
    CK_OTP_SIGNATURE_INFO head = {.ulCount = 1};
    CK_OTP_PARAM param = {.type = CK_OTP_VALUE, .pValue = password, .ulValueLen = digits};
    enum err e = cluster_one_time(m, k, password, &n);

    if (e == ERR_OK && n != digits)
        e = ERR_MALFORMED;
    if (e != ERR_OK)
        return e;
    head.pParams = (void *)param_at;
    memcpy(info, &head, sizeof head);
    memcpy(param_at, &param, sizeof param);
    *bytes = one_time_info_bytes(k->key);
    return ERR_OK;
}
