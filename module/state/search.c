#include "module/state/search.h"

#include <stdlib.h>
#include <string.h>

#include "module/state/builtin.h"
#include "module/state/cluster.h"

/* No token object can fit what names an attribute, or a class of objects, that is not there; the cluster need not be asked. */
static bool token_objects_may_fit(const struct template *t)
{
    CK_OBJECT_CLASS object_class = template_ulong(t, CKA_CLASS, CKO_DATA);

    return !t->unknown && template_bool(t, CKA_TOKEN, true) && attribute_class_bit(object_class) != 0;
}

CK_RV search_begin(struct module *m, struct search *s, const CK_ATTRIBUTE *array, CK_ULONG n)
{
    CK_RV rv;

    if (s->active)
        return CKR_OPERATION_ACTIVE;
    rv = template_from_host(&m->aliases, array, n, &s->template);
    if (rv == CKR_OK)
        rv = objects_match(&m->objects, &s->template, BUILTINS, &s->found, &s->n);
    if (rv == CKR_OK)
        s->n += builtin_match(&m->builtin, &s->template, s->found + s->n);
    if (rv != CKR_OK) {
        search_end(s);
        return rv;
    }
    s->active = true;
    s->more = token_objects_may_fit(&s->template);
    return CKR_OK;
}

static CK_RV next_page(struct module *m, struct search *s)
{
    struct found found = {.n = 0};
    enum err e = cluster_find(m, &s->template, &s->after, &found);
    CK_OBJECT_HANDLE *handles;

    if (e != ERR_OK)
        return err_to_rv(e);
    s->more = s->after != 0;
    if ((handles = malloc((found.n + 1) * sizeof *handles)) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(handles, found.handles, found.n * sizeof *handles);
    free(s->found);
    s->found = handles;
    s->n = found.n;
    s->next = 0;
    return CKR_OK;
}

CK_RV search_next(struct module *m, struct search *s, CK_OBJECT_HANDLE *out, CK_ULONG room, CK_ULONG *n)
{
    CK_ULONG given = 0;
    CK_RV rv = CKR_OK;

    if (!s->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    while (rv == CKR_OK && given < room) {
        if (s->next < s->n)
            out[given++] = s->found[s->next++];
        else if (s->more)
            rv = next_page(m, s);
        else
            break;
    }
    if (rv == CKR_OK)
        *n = given;
    else
        search_end(s);
    return rv;
}

CK_RV search_finish(struct search *s)
{
    if (!s->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    search_end(s);
    return CKR_OK;
}

void search_end(struct search *s)
{
    template_clear(&s->template);
    free(s->found);
    *s = (struct search){.active = false};
}
