/* Object management (PKCS #11 2.40 section 5.7). */
#include "module/entry/guard.h"
#include "module/state/attributes.h"
#include "module/state/changing.h"
#include "module/state/keys.h"
#include "module/state/lookup.h"

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *array, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    GUARDED(CreateObject, session, object == NULL ? CKR_ARGUMENTS_BAD : keys_create(c.module, c.session, array, count, object));
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *array, CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    GUARDED(CopyObject, session, copy == NULL ? CKR_ARGUMENTS_BAD : changing_copy(c.module, c.session, object, array, count, copy));
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    GUARDED(DestroyObject, session, keys_destroy(c.module, c.session, object));
}

static CK_RV get_object_size(struct module *m, CK_OBJECT_HANDLE handle, CK_ULONG *size)
{
    struct known *o;
    enum err e;

    if (size == NULL)
        return CKR_ARGUMENTS_BAD;
    e = lookup_object(m, handle, LOOKUP_FRESH, &o);
    if (e == ERR_OK) {
        *size = attributes_size(o);
        known_release(o);
    }
    return err_to_rv(e);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    GUARDED(GetObjectSize, session, get_object_size(c.module, object, size));
}

/* More than any program asks for at once, though some ask one by one for all numbers that there are; a larger count is a mistake, and the
 * array is not so long. */
enum { ASKED_ATTRIBUTES_MAX = 1 << 16 };

static CK_RV get_attribute_value(struct module *m, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *array, CK_ULONG count)
{
    enum lookup how = LOOKUP_ANY;
    struct known *o;
    enum err e;
    CK_RV rv;

    if (array == NULL || count == 0 || count > ASKED_ATTRIBUTES_MAX)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count && how == LOOKUP_ANY; i++)
        how = lookup_for(alias_meaning(&m->aliases, ALIAS_ATTRIBUTE, array[i].type));
    e = lookup_object(m, handle, how, &o);
    if (e != ERR_OK)
        return err_to_rv(e);
    rv = attributes_answer(&m->aliases, o, array, count);
    known_release(o);
    return rv;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *array, CK_ULONG count)
{
    GUARDED(GetAttributeValue, session, get_attribute_value(c.module, object, array, count));
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *array, CK_ULONG count)
{
    GUARDED(SetAttributeValue, session, changing_set(c.module, c.session, object, array, count));
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *array, CK_ULONG count)
{
    GUARDED(FindObjectsInit, session, search_begin(c.module, &c.session->operations.search, array, count));
}

static CK_RV find_objects(const struct call *c, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count)
{
    struct search *s = &c->session->operations.search;

    if (count == NULL || (objects == NULL && room > 0)) {
        search_end(s);
        return CKR_ARGUMENTS_BAD;
    }
    return search_next(c->module, s, objects, room, count);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count)
{
    GUARDED(FindObjects, session, find_objects(&c, objects, room, count));
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
    GUARDED(FindObjectsFinal, session, search_finish(&c.session->operations.search));
}
