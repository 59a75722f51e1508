#include "module/state/lookup.h"

#include "common/clock.h"
#include "module/state/cluster.h"

static bool is_good(const struct known *o, CK_OBJECT_HANDLE handle, enum lookup how)
{
    return how == LOOKUP_ANY || objects_is_session(handle) || clock_boot_ms() - known_seen_ms(o) < OBJECT_FRESH_MS;
}

enum err lookup_object(struct module *m, CK_OBJECT_HANDLE handle, enum lookup how, struct known **out)
{
    struct known *o = objects_find(&m->objects, handle);
    enum err e;

    if (o != NULL && is_good(o, handle, how)) {
        *out = o;
        return ERR_OK;
    }
    known_release(o);
    if ((*out = builtin_find(&m->builtin, handle)) != NULL)
        return ERR_OK;
    if (handle == CK_INVALID_HANDLE || handle >= OBJECT_ID_LIMIT)
        return ERR_OBJECT_HANDLE;
    e = cluster_get(m, handle);
    if (e != ERR_OK)
        return e;
    /* Gone already: the login under which it was seen has ended meanwhile. */
    *out = objects_find(&m->objects, handle);
    return *out != NULL ? ERR_OK : ERR_OBJECT_HANDLE;
}

enum lookup lookup_for(CK_ATTRIBUTE_TYPE type)
{
    const struct attribute *row = attribute_find(type);
    unsigned changes = ATTRIBUTE_MODIFY | ATTRIBUTE_MODIFY_DATA | ATTRIBUTE_ONE_WAY_TRUE | ATTRIBUTE_ONE_WAY_FALSE;

    return row != NULL && row->flags & changes ? LOOKUP_FRESH : LOOKUP_ANY;
}

enum err lookup_key(struct module *m, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE use, struct known **out)
{
    enum err e = lookup_object(m, handle, LOOKUP_ANY, out);

    if (e == ERR_OK && !known_bool(*out, use) && !objects_is_session(handle)) {
        known_release(*out);
        e = lookup_object(m, handle, LOOKUP_FRESH, out);
    }
    return e;
}
