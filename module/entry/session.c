/* Session management (PKCS #11 2.40 section 5.6, 3.0 section 5.6). */
#include "module/entry/guard.h"
#include "module/state/login.h"
#include "module/state/reauthentication.h"

enum { SLOT = 0 };

/* Notifications are never sent: there is nothing to tell. */
CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    (void)application, (void)notify;
    GUARDED(OpenSession, 0,
            slot != SLOT      ? CKR_SLOT_ID_INVALID
            : session == NULL ? CKR_ARGUMENTS_BAD
                              : session_open(&c.module->sessions, flags, session));
}

static CK_RV close_session(struct module *m, CK_SESSION_HANDLE handle)
{
    bool logged_out;
    CK_RV rv = session_close(&m->sessions, handle, &logged_out);

    if (rv == CKR_OK)
        objects_drop_session(&m->objects, handle);
    if (logged_out)
        login_closed(m);
    return rv;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
    GUARDED(CloseSession, session, close_session(c.module, session));
}

static CK_RV close_all_sessions(struct module *m, CK_SLOT_ID slot)
{
    bool logged_out;

    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    session_close_all(&m->sessions, &logged_out);
    objects_drop_session(&m->objects, 0);
    if (logged_out)
        login_closed(m);
    return CKR_OK;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    GUARDED(CloseAllSessions, 0, close_all_sessions(c.module, slot));
}

static CK_RV get_session_info(const struct call *c, CK_SESSION_INFO *info)
{
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_SESSION_INFO){
        .slotID = SLOT, .state = session_state(&c->module->sessions, c->session), .flags = c->session->flags, .ulDeviceError = 0};
    return CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    GUARDED(GetSessionInfo, session, get_session_info(&c, info));
}

/* Only a digest can be put aside: all else that is under way may depend on a key. */
static CK_RV get_operation_state(const struct call *c, CK_BYTE *state, CK_ULONG *bytes)
{
    const struct operations *o = &c->session->operations;

    if (operations_have_key(o))
        return CKR_STATE_UNSAVEABLE;
    return digesting_save(c->module, &o->digesting, state, bytes);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *bytes)
{
    GUARDED(GetOperationState, session, get_operation_state(&c, state, bytes));
}

static CK_RV set_operation_state(const struct call *c, const CK_BYTE *state, CK_ULONG bytes, bool keys)
{
    if (state == NULL)
        return CKR_ARGUMENTS_BAD;
    return keys ? CKR_KEY_NOT_NEEDED : digesting_restore(c->module, &c->session->operations.digesting, state, bytes);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG bytes, CK_OBJECT_HANDLE encryption_key,
                          CK_OBJECT_HANDLE authentication_key)
{
    GUARDED(SetOperationState, session, set_operation_state(&c, state, bytes, encryption_key != 0 || authentication_key != 0));
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE *pin, CK_ULONG pin_bytes)
{
    GUARDED(Login, session,
            type == CKU_CONTEXT_SPECIFIC ? reauthenticate_pin(c.module, c.session, pin, pin_bytes)
                                         : login_pin(c.module, type, pin, pin_bytes));
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE *pin, CK_ULONG pin_bytes, CK_BYTE *name, CK_ULONG name_bytes)
{
    GUARDED(LoginUser, session,
            type == CKU_CONTEXT_SPECIFIC ? reauthenticate_user(c.module, c.session, name, name_bytes, pin, pin_bytes)
                                         : login_user(c.module, type, name, name_bytes, pin, pin_bytes));
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    GUARDED(Logout, session, login_end(c.module));
}

static CK_RV session_cancel(const struct call *c, CK_FLAGS which)
{
    operations_cancel(&c->session->operations, which);
    return CKR_OK;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    GUARDED(SessionCancel, session, session_cancel(&c, flags));
}

/* None, whatever validations an admin has stated: which calls ran inside of what was validated nobody here can know (PKCS #11 3.2 section
 * 4.15.3.1). */
static CK_RV get_validation_flags(CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
    if (type != CKS_LAST_VALIDATION_OK || flags == NULL)
        return CKR_ARGUMENTS_BAD;
    *flags = 0;
    return CKR_OK;
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
    GUARDED(GetSessionValidationFlags, session, get_validation_flags(type, flags));
}
