#include "module/state/changing.h"

#include <stdlib.h>

#include "module/state/cluster.h"
#include "module/state/cluster_change.h"
#include "module/state/lookup.h"
#include "module/state/public_change.h"

/* A session object that no vault knows. */
static bool is_ours_alone(const struct known *o)
{
    size_t n;

    known_sealed(o, &n);
    return known_id(o) == 0 && n == 0;
}

/* What a new object needs of who makes it. */
static CK_RV check_maker(struct module *m, const struct session *session, bool token, bool vault)
{
    if (token && (session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return vault && sessions_user(&m->sessions) != SESSION_USER ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
}

static CK_RV copy_here(struct module *m, const struct session *session, const struct known *o, const struct template *t,
                       CK_OBJECT_HANDLE *out)
{
    struct known *made;
    CK_RV rv = public_change_make(m, o, t, true, &made);

    return rv == CKR_OK ? objects_add(&m->objects, objects_epoch(&m->objects), session->handle, made, out) : rv;
}

/* An object that is ours alone, copied into the token, or out of everybody's sight: the vault gets all of it. */
static CK_RV copy_there(struct module *m, const struct session *session, const struct known *o, const struct template *t,
                        CK_OBJECT_HANDLE *out)
{
    struct template whole;
    CK_RV rv = public_change_template(o, t, &whole);

    if (rv == CKR_OK)
        rv = cluster_create(m, session->handle, &whole, out);
    free(whole.values);
    return rv;
}

static CK_RV copy_object(struct module *m, const struct session *session, const struct known *o, const struct template *t,
                         CK_OBJECT_HANDLE *out)
{
    bool token = template_bool(t, CKA_TOKEN, known_bool(o, CKA_TOKEN)), here = public_change_copies(o, t);
    CK_RV rv;

    if (!known_bool(o, CKA_COPYABLE))
        return CKR_ACTION_PROHIBITED;
    rv = t->unknown ? CKR_ATTRIBUTE_TYPE_INVALID : check_maker(m, session, token, !here);
    if (rv != CKR_OK)
        return rv;
    if (here)
        return copy_here(m, session, o, t, out);
    return is_ours_alone(o) ? copy_there(m, session, o, t, out) : cluster_copy(m, session->handle, o, t, out);
}

CK_RV changing_copy(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *array, CK_ULONG n,
                    CK_OBJECT_HANDLE *out)
{
    struct template t;
    struct known *o = NULL;
    CK_RV rv = template_from_host(&m->aliases, array, n, &t);

    if (rv == CKR_OK)
        rv = err_to_rv(lookup_object(m, handle, LOOKUP_FRESH, &o));
    if (rv == CKR_OK)
        rv = copy_object(m, session, o, &t, out);
    known_release(o);
    template_clear(&t);
    return rv;
}

static CK_RV set_token_object(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle, const struct template *t)
{
    struct known *o = NULL;
    CK_RV rv;

    if (handle == CK_INVALID_HANDLE || handle >= OBJECT_ID_LIMIT)
        return CKR_OBJECT_HANDLE_INVALID;
    if ((session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    switch (sessions_user(&m->sessions)) {
    case SESSION_NOBODY:
        return CKR_USER_NOT_LOGGED_IN;
    case SESSION_ADMIN: /* who may say CKA_TRUSTED of what he cannot see */
        return err_to_rv(cluster_set_attributes(m, handle, NULL, t));
    case SESSION_USER:
        break;
    }
    rv = err_to_rv(lookup_object(m, handle, LOOKUP_ANY, &o));
    if (rv == CKR_OK)
        rv = err_to_rv(cluster_set_attributes(m, handle, o, t));
    known_release(o);
    return rv;
}

static CK_RV set_session_object(struct module *m, CK_OBJECT_HANDLE handle, const struct template *t)
{
    struct known *o = objects_find(&m->objects, handle), *made = NULL;
    CK_RV rv;

    if (o == NULL)
        o = builtin_find(&m->builtin, handle);
    if (o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    if (!known_bool(o, CKA_MODIFIABLE)) {
        rv = CKR_ACTION_PROHIBITED;
    } else if (!is_ours_alone(o)) {
        rv = err_to_rv(cluster_set_attributes(m, handle, o, t));
    } else if ((rv = public_change_make(m, o, t, false, &made)) == CKR_OK && !objects_replace(&m->objects, handle, made)) {
        rv = CKR_OBJECT_HANDLE_INVALID; /* destroyed meanwhile */
    }
    known_release(o);
    return rv;
}

CK_RV changing_set(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *array, CK_ULONG n)
{
    struct template t;
    CK_RV rv;

    if (array == NULL || n == 0)
        return CKR_ARGUMENTS_BAD;
    rv = template_from_host(&m->aliases, array, n, &t);
    if (rv == CKR_OK && t.unknown)
        rv = CKR_ATTRIBUTE_TYPE_INVALID;
    if (rv == CKR_OK)
        rv = objects_is_session(handle) ? set_session_object(m, handle, &t) : set_token_object(m, session, handle, &t);
    template_clear(&t);
    return rv;
}
