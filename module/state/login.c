/* The order of locks: the turn, then a table's. Whoever has the turn may wait for the cluster; who only ends a login takes the turn to
 * forget the ticket, after the tables say already that nobody is logged in. */
#include "module/state/login.h"

#include <string.h>

#include "common/log.h"
#include "module/state/cluster_user.h"

static const char first_admin[] = "admin";

static bool is_first_admin(const struct pin *pin)
{
    return strcmp(pin->name, first_admin) == 0;
}

static const char *default_user(const struct module *m)
{
    const char *name = client_settings(m->client)->login_user;

    return name[0] != '\0' ? name : NULL;
}

/* What the login has shown goes with it. The turn is ours. */
static void forget(struct module *m)
{
    rpc_logout(m->rpc);
    objects_forget_login(&m->objects);
}

static CK_RV user_of(CK_USER_TYPE type, enum session_user *user)
{
    switch (type) {
    case CKU_SO:
        *user = SESSION_ADMIN;
        return CKR_OK;
    case CKU_USER:
        *user = SESSION_USER;
        return CKR_OK;
    default:
        return CKR_USER_TYPE_INVALID;
    }
}

static void log_failure(const struct pin *pin, enum err e, const char *why)
{
    log_warning("login_failed", "user=%s error=%s why=\"%s\"", pin->name, err_name(e), why);
}

/* With the cluster; a failure is logged. */
static enum err log_in(struct module *m, enum session_user user, const struct pin *pin)
{
    struct diag why = {0};
    enum err e = rpc_login(m->rpc, pin->name, pin->password.bytes, pin->password.len, user == SESSION_ADMIN, &why);

    if (e == ERR_LOST)
        rpc_last_failure(m->rpc, &why);
    if (e != ERR_OK)
        log_failure(pin, e, why.what);
    return e;
}

static CK_RV login(struct module *m, enum session_user user, const struct pin *pin)
{
    CK_RV rv = sessions_may_login(&m->sessions, user);

    if (rv == CKR_OK)
        rv = err_to_rv(log_in(m, user, pin));
    if (rv != CKR_OK)
        return rv;
    rv = sessions_login(&m->sessions, user, pin->name);
    if (rv != CKR_OK)
        rpc_logout(m->rpc);
    return rv;
}

static CK_RV login_as(struct module *m, CK_USER_TYPE type, enum err parsed, struct pin *pin)
{
    enum session_user user;
    CK_RV rv = user_of(type, &user);

    if (rv == CKR_OK)
        rv = err_to_rv(parsed);
    if (parsed == ERR_PIN_INVALID || parsed == ERR_PIN_LEN)
        log_failure(pin, parsed, err_text(parsed));
    if (rv == CKR_OK) {
        pthread_mutex_lock(&m->login_turn);
        rv = login(m, user, pin);
        pthread_mutex_unlock(&m->login_turn);
    }
    pin_clear(pin);
    return rv;
}

CK_RV login_pin(struct module *m, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG n)
{
    struct pin parsed = {.name = ""};
    enum err e = ERR_OK;

    if (pin != NULL && n == 0)
        e = ERR_PIN_INCORRECT; /* some programs try whether a token has no PIN */
    else
        e = pin_parse(pin, n, default_user(m), &parsed);
    return login_as(m, type, e, &parsed);
}

CK_RV login_user(struct module *m, CK_USER_TYPE type, const CK_BYTE *name, CK_ULONG name_n, const CK_BYTE *pin, CK_ULONG n)
{
    struct pin parsed = {.name = ""};
    enum err e = pin_from_parts(name, name_n, pin, n, &parsed);

    return login_as(m, type, e, &parsed);
}

CK_RV login_end(struct module *m)
{
    CK_RV rv = CKR_USER_NOT_LOGGED_IN;

    pthread_mutex_lock(&m->login_turn);
    if (sessions_logout(&m->sessions)) {
        forget(m);
        rv = CKR_OK;
    }
    pthread_mutex_unlock(&m->login_turn);
    return rv;
}

void login_closed(struct module *m)
{
    pthread_mutex_lock(&m->login_turn);
    /* Somebody may have logged in again before it was our turn: that ticket stays. */
    if (sessions_user(&m->sessions) == SESSION_NOBODY)
        rpc_logout(m->rpc);
    pthread_mutex_unlock(&m->login_turn);
    objects_forget_login(&m->objects);
}

bool login_is_another(struct module *m, unsigned number)
{
    unsigned now;

    pthread_mutex_lock(&m->login_turn);
    now = rpc_login_number(m->rpc);
    if (now == number) {
        if (sessions_logout(&m->sessions))
            log_warning("login_over", "the cluster no longer accepts this process' login: log in again");
        forget(m);
    }
    pthread_mutex_unlock(&m->login_turn);
    return now != number && now != 0;
}

/* ---- passwords */

static struct bytes password_of(const struct pin *pin)
{
    return (struct bytes){.bytes = pin->password.bytes, .n = pin->password.len};
}

/* Under the login that is there. */
static CK_RV change_own(struct module *m, const struct pin *old, const struct pin *new)
{
    enum err e;

    if (strcmp(old->name, new->name) != 0)
        return CKR_PIN_INVALID;
    e = cluster_change_password(m, NULL, password_of(old), password_of(new));
    if (e == ERR_TICKET && sessions_logout(&m->sessions))
        forget(m);
    return err_to_rv(e);
}

/* The turn is ours. */
static CK_RV set_pin(struct module *m, const CK_BYTE *old, CK_ULONG old_n, const CK_BYTE *new, CK_ULONG new_n)
{
    bool logged_in = sessions_user(&m->sessions) != SESSION_NOBODY;
    char own[USER_NAME_BYTES_MAX + 1];
    struct pin from = {.name = ""}, to = {.name = ""};
    CK_RV rv;

    sessions_user_name(&m->sessions, own);
    rv = err_to_rv(pin_parse(old, old_n, logged_in ? own : default_user(m), &from));
    if (rv == CKR_OK)
        rv = err_to_rv(pin_parse(new, new_n, from.name, &to));
    if (rv == CKR_OK && logged_in && strcmp(from.name, own) != 0)
        rv = CKR_PIN_INCORRECT;
    if (rv == CKR_OK && !logged_in)
        rv = err_to_rv(rpc_login(m->rpc, from.name, from.password.bytes, from.password.len, false, NULL));
    if (rv == CKR_OK)
        rv = change_own(m, &from, &to);
    if (!logged_in)
        rpc_logout(m->rpc);
    pin_clear(&from);
    pin_clear(&to);
    return rv;
}

CK_RV login_set_pin(struct module *m, const CK_BYTE *old, CK_ULONG old_n, const CK_BYTE *new, CK_ULONG new_n)
{
    CK_RV rv;

    pthread_mutex_lock(&m->login_turn);
    rv = set_pin(m, old, old_n, new, new_n);
    pthread_mutex_unlock(&m->login_turn);
    return rv;
}

CK_RV login_init_pin(struct module *m, const CK_BYTE *pin, CK_ULONG n)
{
    const struct bytes none = {.n = 0};
    struct pin parsed = {.name = ""};
    enum err e = pin_parse(pin, n, default_user(m), &parsed);

    if (e == ERR_OK) {
        pthread_mutex_lock(&m->login_turn);
        e = cluster_user_create(m, parsed.name, password_of(&parsed));
        if (e == ERR_USER_EXISTS)
            e = cluster_change_password(m, parsed.name, none, password_of(&parsed));
        if (e == ERR_TICKET && sessions_logout(&m->sessions))
            forget(m);
        pthread_mutex_unlock(&m->login_turn);
    }
    pin_clear(&parsed);
    return err_to_rv(e);
}

/* Of an active cluster: the PIN is an admin's, and is tried as at a login. The turn is ours. */
static enum err wipe(struct module *m, const struct pin *pin)
{
    bool wipeable = false;
    uint64_t version = 0;
    enum err e = cluster_is_wipeable(m, &wipeable, &version);

    if (e == ERR_OK && !wipeable) /* also of a cluster that is not active yet, whose first admin has another name than this */
        e = is_first_admin(pin) ? ERR_ALREADY_ACTIVE : ERR_PIN_INCORRECT;
    if (e != ERR_OK)
        return e;
    e = log_in(m, SESSION_ADMIN, pin);
    if (e == ERR_OK) {
        log_warning("wiping", "user=%s why=\"C_InitToken: all keys and other objects are destroyed, then all crypto users go\"", pin->name);
        e = cluster_wipe(m, version);
    }
    forget(m);
    return e;
}

CK_RV login_init_token(struct module *m, const CK_BYTE *pin, CK_ULONG n)
{
    struct pin parsed = {.name = ""};
    enum err e = pin_parse(pin, n, first_admin, &parsed);

    if (e == ERR_OK) {
        pthread_mutex_lock(&m->login_turn);
        e = is_first_admin(&parsed) ? cluster_activate(m, password_of(&parsed)) : ERR_ALREADY_ACTIVE;
        if (e == ERR_ALREADY_ACTIVE)
            e = wipe(m, &parsed);
        pthread_mutex_unlock(&m->login_turn);
    }
    pin_clear(&parsed);
    return err_to_rv(e);
}
