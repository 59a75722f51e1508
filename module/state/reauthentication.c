#include "module/state/reauthentication.h"

#include <string.h>

#include "module/state/cluster_user.h"
#include "module/state/login.h"

void reauthentication_begin(struct reauthentication *r, const struct known *key)
{
    r->needed = known_bool(key, CKA_ALWAYS_AUTHENTICATE);
}

bool reauthentication_done(const struct reauthentication *r)
{
    return !r->needed || r->password.len > 0;
}

const struct secret *reauthentication_password(const struct reauthentication *r)
{
    return r->needed ? &r->password : NULL;
}

void reauthentication_move(struct reauthentication *to, struct reauthentication *from)
{
    secret_move(&to->password, &from->password);
}

void reauthentication_end(struct reauthentication *r)
{
    secret_clear(&r->password);
    r->needed = false;
}

/* The session's lock is held. */
static CK_RV check(struct module *m, struct session *session, const char *own, struct pin *pin)
{
    struct reauthentication *waiting = operations_reauthentication(&session->operations);
    CK_RV rv;

    if (waiting == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (strcmp(pin->name, own) != 0)
        return CKR_PIN_INCORRECT;
    secret_clear(&waiting->password);
    rv = err_to_rv(cluster_check_password(m, &pin->password));
    if (rv == CKR_OK)
        secret_move(&waiting->password, &pin->password);
    else if (rv == CKR_PIN_LOCKED)
        login_end(m); /* section 4.9 */
    return rv;
}

static CK_RV reauthenticate(struct module *m, struct session *session, const char *own, enum err parsed, struct pin *pin)
{
    CK_RV rv = CKR_USER_NOT_LOGGED_IN;

    pthread_mutex_lock(&session->lock);
    session_catch_up(&m->sessions, session);
    if (operations_reauthentication(&session->operations) == NULL)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    else if (parsed != ERR_OK)
        rv = err_to_rv(parsed);
    else if (own[0] != '\0')
        rv = check(m, session, own, pin);
    pthread_mutex_unlock(&session->lock);
    pin_clear(pin);
    return rv;
}

CK_RV reauthenticate_pin(struct module *m, struct session *session, const CK_BYTE *pin, CK_ULONG n)
{
    char own[USER_NAME_BYTES_MAX + 1];
    struct pin parsed = {.name = ""};

    sessions_user_name(&m->sessions, own);
    return reauthenticate(m, session, own, pin_parse(pin, n, own, &parsed), &parsed);
}

CK_RV reauthenticate_user(struct module *m, struct session *session, const CK_BYTE *name, CK_ULONG name_n, const CK_BYTE *pin, CK_ULONG n)
{
    char own[USER_NAME_BYTES_MAX + 1];
    struct pin parsed = {.name = ""};
    enum err e;

    sessions_user_name(&m->sessions, own);
    e = name == NULL || name_n == 0 ? pin_from_parts(own, strlen(own), pin, n, &parsed) : pin_from_parts(name, name_n, pin, n, &parsed);
    return reauthenticate(m, session, own, e, &parsed);
}
