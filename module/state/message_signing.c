#include "module/state/message_signing.h"

#include "module/state/output.h"

CK_RV message_signing_begin(struct module *m, struct message_signing *s, CK_FLAGS use, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL) {
        message_signing_end(s);
        return CKR_OK;
    }
    return signing_begin(m, &s->pattern, use, mechanism, key);
}

/* May a message begin now? */
static CK_RV check_begin(const struct message_signing *s, struct message_parameter p)
{
    if (s->pattern.key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (s->message.key != NULL)
        return CKR_OPERATION_ACTIVE;
    return p.n == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* A password that has been given by then is for this message, and for no other. */
static CK_RV start(struct module *m, struct message_signing *s, struct message_parameter p, struct signing *message)
{
    CK_RV rv = check_begin(s, p);

    if (rv == CKR_OK)
        rv = err_to_rv(signing_copy(m, &s->pattern, message));
    if (rv == CKR_OK)
        reauthentication_move(&message->reauthentication, &s->pattern.reauthentication);
    return rv;
}

CK_RV message_signing_start(struct module *m, struct message_signing *s, struct message_parameter p)
{
    return start(m, s, p, &s->message);
}

CK_RV message_signing_sign(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                           CK_BYTE *signature, CK_ULONG *signature_n)
{
    struct signing one = {.key = NULL};
    CK_RV rv = start(m, s, p, &one);

    if (rv == CKR_OK)
        rv = signing_sign(m, &one, data, n, signature, signature_n);
    if (one.key != NULL) /* a size query: the message comes again */
        reauthentication_move(&s->pattern.reauthentication, &one.reauthentication);
    signing_end(&one);
    return rv;
}

CK_RV message_signing_verify(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                             const CK_BYTE *signature, CK_ULONG signature_n)
{
    struct signing one = {.key = NULL};
    CK_RV rv = start(m, s, p, &one);

    if (rv == CKR_OK)
        rv = signing_verify(m, &one, data, n, signature, signature_n);
    signing_end(&one);
    return rv;
}

/* The answer of a call that ends the message. */
static CK_RV ended(struct message_signing *s, CK_RV rv)
{
    signing_end(&s->message);
    return rv;
}

static CK_RV feed(struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n)
{
    if (s->message.key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return p.n == 0 ? signing_update(&s->message, data, n) : ended(s, CKR_MECHANISM_PARAM_INVALID);
}

CK_RV message_signing_sign_next(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                                CK_BYTE *signature, CK_ULONG *signature_n)
{
    enum output fits;
    CK_RV rv;

    if (signature_n == NULL || s->message.key == NULL)
        return feed(s, p, data, n);
    /* Before the last part is taken: it comes again after a size query. */
    fits = output_check(signature, signature_n, s->message.signature_bytes);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    rv = feed(s, p, data, n);
    return rv == CKR_OK ? signing_sign_final(m, &s->message, signature, signature_n) : rv;
}

CK_RV message_signing_verify_next(struct module *m, struct message_signing *s, struct message_parameter p, const CK_BYTE *data, CK_ULONG n,
                                  const CK_BYTE *signature, CK_ULONG signature_n)
{
    CK_RV rv = feed(s, p, data, n);

    return rv == CKR_OK && signature != NULL ? signing_verify_final(m, &s->message, signature, signature_n) : rv;
}

CK_RV message_signing_finish(struct message_signing *s)
{
    if (s->pattern.key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    message_signing_end(s);
    return CKR_OK;
}

void message_signing_end(struct message_signing *s)
{
    signing_end(&s->message);
    signing_end(&s->pattern);
}
