#include "module/state/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"

enum err refusal(enum err e, const char *format, ...)
{
    char why[DIAG_WHAT_BYTES];
    va_list ap;

    if (log_level() < LOG_INFO)
        return e;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    log_info("call_refused", "error=%s why=\"%s\"", err_name(e), why);
    return e;
}

const char *refusal_verb(CK_FLAGS operation)
{
    static const struct {
        CK_FLAGS operation;
        const char *verb;
    } verbs[] = {
        {CKF_ENCRYPT, "encrypt"},
        {CKF_DECRYPT, "decrypt"},
        {CKF_DIGEST, "digest"},
        {CKF_SIGN, "sign"},
        {CKF_SIGN_RECOVER, "sign with recovery"},
        {CKF_VERIFY, "verify"},
        {CKF_VERIFY_RECOVER, "recover what was signed"},
        {CKF_GENERATE, "generate keys"},
        {CKF_GENERATE_KEY_PAIR, "generate pairs"},
        {CKF_WRAP, "wrap"},
        {CKF_UNWRAP, "unwrap"},
        {CKF_DERIVE, "derive"},
        {CKF_ENCAPSULATE, "encapsulate"},
        {CKF_DECAPSULATE, "decapsulate"},
    };

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (verbs[i].operation == operation)
            return verbs[i].verb;
    return "do this";
}
