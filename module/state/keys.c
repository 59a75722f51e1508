#include "module/state/keys.h"

#include "module/state/cluster.h"
#include "module/state/lookup.h"
#include "module/state/mechanism_given.h"
#include "module/state/public_object.h"

CK_RV keys_take_template(const struct module *m, const struct session *session, const CK_ATTRIBUTE *array, CK_ULONG n,
                         struct template *out)
{
    CK_RV rv = template_from_host(&m->aliases, array, n, out);

    if (rv != CKR_OK)
        return rv;
    if (out->unknown)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (template_bool(out, CKA_TOKEN, false) && (session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return CKR_OK;
}

/* An admin makes validation objects, and a crypto user all others: who tries the former is told by the vault. */
static bool may_create(struct module *m, const struct template *t)
{
    enum session_user user = sessions_user(&m->sessions);

    return user == SESSION_USER || (user == SESSION_ADMIN && template_ulong(t, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_VALIDATION);
}

CK_RV keys_create(struct module *m, const struct session *session, const CK_ATTRIBUTE *array, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    struct template t;
    CK_RV rv = keys_take_template(m, session, array, n, &t);

    if (rv == CKR_OK && template_value(&t, CKA_CLASS) == NULL)
        rv = CKR_TEMPLATE_INCOMPLETE;
    else if (rv == CKR_OK && public_object_is(&t))
        rv = public_object_create(m, session->handle, &t, out);
    else if (rv == CKR_OK && !may_create(m, &t))
        rv = CKR_USER_NOT_LOGGED_IN;
    else if (rv == CKR_OK)
        rv = cluster_create(m, session->handle, &t, out);
    template_clear(&t);
    return rv;
}

CK_RV keys_generate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, struct keys_template t,
                    CK_OBJECT_HANDLE *key)
{
    struct template template = {.n = 0};
    struct mechanism_given given;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_GENERATE, &given));

    if (rv == CKR_OK)
        rv = keys_take_template(m, session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_generate(m, session->handle, given.wire, &template, key);
    mechanism_clear(&given);
    template_clear(&template);
    return rv;
}

CK_RV keys_generate_pair(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, struct keys_template public_half,
                         struct keys_template private_half, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    struct template public_template = {.n = 0}, private_template = {.n = 0};
    struct mechanism_given given;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_GENERATE_KEY_PAIR, &given));

    if (rv == CKR_OK)
        rv = keys_take_template(m, session, public_half.array, public_half.n, &public_template);
    if (rv == CKR_OK)
        rv = keys_take_template(m, session, private_half.array, private_half.n, &private_template);
    if (rv == CKR_OK)
        rv = cluster_generate_pair(m, session->handle, given.wire, &public_template, &private_template, public_key, private_key);
    mechanism_clear(&given);
    template_clear(&public_template);
    template_clear(&private_template);
    return rv;
}

static CK_RV destroy_session_object(struct module *m, CK_OBJECT_HANDLE handle)
{
    struct known *own = objects_find(&m->objects, handle), *o = own != NULL ? own : builtin_find(&m->builtin, handle);
    CK_RV rv = o != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;

    if (rv == CKR_OK && known_value(o, CKA_DESTROYABLE) != NULL && !known_bool(o, CKA_DESTROYABLE))
        rv = CKR_ACTION_PROHIBITED;
    else if (rv == CKR_OK && !objects_drop(&m->objects, handle))
        rv = CKR_OBJECT_HANDLE_INVALID; /* another thread was faster */
    known_release(o);
    return rv;
}

CK_RV keys_destroy(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle)
{
    if (objects_is_session(handle))
        return destroy_session_object(m, handle);
    if (handle == CK_INVALID_HANDLE || handle >= OBJECT_ID_LIMIT)
        return CKR_OBJECT_HANDLE_INVALID;
    if ((session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    if (sessions_user(&m->sessions) == SESSION_NOBODY)
        return CKR_USER_NOT_LOGGED_IN;
    return err_to_rv(cluster_destroy(m, handle));
}
