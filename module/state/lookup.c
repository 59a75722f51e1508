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
    if ((o = builtin_find(&m->builtin, handle)) != NULL) {
        *out = o;
        return ERR_OK;
    }
    if (handle == CK_INVALID_HANDLE || handle >= OBJECT_ID_LIMIT)
        return ERR_OBJECT_HANDLE;
    e = cluster_get(m, handle);
    if (e != ERR_OK)
        return e;
    /* Gone already: the login under which it was seen has ended meanwhile. */
    if ((o = objects_find(&m->objects, handle)) == NULL)
        return ERR_OBJECT_HANDLE;
    *out = o;
    return ERR_OK;
}

enum lookup lookup_for(CK_ATTRIBUTE_TYPE type)
{
    const struct attribute *row = attribute_find(type);
    unsigned changes = ATTRIBUTE_MODIFY | ATTRIBUTE_MODIFY_DATA | ATTRIBUTE_ONE_WAY_TRUE | ATTRIBUTE_ONE_WAY_FALSE | ATTRIBUTE_COUNTS;

    return row != NULL && row->flags & changes ? LOOKUP_FRESH : LOOKUP_ANY;
}
