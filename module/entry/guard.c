#include "module/entry/guard.h"

#include "common/log.h"
#include "module/state/library.h"

enum needs { NEEDS_NOTHING, NEEDS_MISSING, NEEDS_MODULE, NEEDS_SESSION, NEEDS_OPERATION };
enum who { WHO_ANYBODY, WHO_USER, WHO_ADMIN };
enum kind { KIND_ANY, KIND_WRITE };

struct row {
    const char *name;
    enum needs needs;
    enum who who;
    enum kind kind;
};

static const struct row rows[] = {
#define FUNCTION(version, name, needs, who, session) {"C_" #name, NEEDS_##needs, WHO_##who, KIND_##session},
#include "module/entry/function.def"
#undef FUNCTION
};

static CK_RV note(enum function f, CK_RV rv)
{
    if (rv != CKR_OK)
        log_debug("call", "function=%s rv=0x%lx", rows[f].name, rv);
    return rv;
}

static CK_RV check_session(const struct row *row, struct call *c)
{
    enum session_user user = sessions_user(&c->module->sessions);

    if ((row->who == WHO_USER && user != SESSION_USER) || (row->who == WHO_ADMIN && user != SESSION_ADMIN))
        return CKR_USER_NOT_LOGGED_IN;
    if (row->kind == KIND_WRITE && (c->session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return CKR_OK;
}

CK_RV guard_enter(enum function f, CK_SESSION_HANDLE handle, struct call *c)
{
    const struct row *row = &rows[f];
    CK_RV rv;

    *c = (struct call){.function = f};
    rv = library_enter(&c->module);
    if (rv != CKR_OK || row->needs < NEEDS_SESSION)
        return note(f, rv);
    c->session = session_borrow(&c->module->sessions, handle);
    if (c->session == NULL) {
        library_leave(c->module);
        return note(f, CKR_SESSION_HANDLE_INVALID);
    }
    if (row->needs == NEEDS_OPERATION) {
        pthread_mutex_lock(&c->session->lock);
        session_catch_up(&c->module->sessions, c->session);
    }
    rv = check_session(row, c);
    return rv == CKR_OK ? CKR_OK : guard_leave(c, rv);
}

CK_RV guard_leave(struct call *c, CK_RV rv)
{
    if (c->session != NULL) {
        CK_SESSION_HANDLE handle = c->session->handle;
        if (rows[c->function].needs == NEEDS_OPERATION)
            pthread_mutex_unlock(&c->session->lock);
        /* Closed meanwhile: what this call has made for it goes with it. */
        if (session_give_back(&c->module->sessions, c->session))
            objects_drop_session(&c->module->objects, handle);
    }
    library_leave(c->module);
    return note(c->function, rv);
}

CK_RV guard_missing(enum function f)
{
    struct module *m;
    CK_RV rv = library_enter(&m);

    if (rv == CKR_OK) {
        library_leave(m);
        rv = CKR_FUNCTION_NOT_SUPPORTED;
    }
    return note(f, rv);
}
