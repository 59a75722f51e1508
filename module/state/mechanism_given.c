#include "module/state/mechanism_given.h"

#include "module/state/parameter.h"

/* How each parameter is taken, and the size of the structure that the application gives. */
static const struct {
    CK_ULONG bytes;
    enum err (*take)(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
} parameters[] = {
    [PARAM_PSS] = {sizeof(CK_RSA_PKCS_PSS_PARAMS), parameter_take_pss},
};

static enum err take_parameter(const CK_MECHANISM *given, struct mechanism_given *m)
{
    enum mechanism_param param = m->row->param;

    if (param == PARAM_NONE) /* a pointer without a length is what some programs leave there */
        return given->ulParameterLen == 0 ? ERR_OK : ERR_MECHANISM_PARAM;
    if (given->pParameter == NULL || given->ulParameterLen != parameters[param].bytes)
        return ERR_MECHANISM_PARAM;
    return parameters[param].take(m->row, given->pParameter, m->wire);
}

enum err mechanism_take(const CK_MECHANISM *given, CK_FLAGS operation, struct mechanism_given *out)
{
    enum err e;

    *out = (struct mechanism_given){.row = mechanism_find(given->mechanism)};
    if (out->row == NULL || !mechanism_does(out->row, operation))
        return ERR_MECHANISM;
    if ((out->wire = parameter_memory(sizeof *out->wire)) == NULL)
        return ERR_NO_MEMORY;
    hsm__mechanism__init(out->wire);
    out->wire->type = out->row->type;
    e = take_parameter(given, out);
    if (e != ERR_OK)
        mechanism_clear(out);
    return e;
}

enum err mechanism_copy(const struct mechanism_given *m, struct mechanism_given *out)
{
    size_t n = hsm__mechanism__get_packed_size(m->wire);
    uint8_t *packed = parameter_memory(n + 1); /* there is a byte also of nothing */

    *out = (struct mechanism_given){.row = NULL};
    if (packed == NULL)
        return ERR_NO_MEMORY;
    hsm__mechanism__pack(m->wire, packed);
    *out = *m;
    out->wire = hsm__mechanism__unpack(memory_wiping(), n, packed);
    memory_wiping()->free(memory_wiping()->allocator_data, packed);
    if (out->wire != NULL)
        return ERR_OK;
    *out = (struct mechanism_given){.row = NULL};
    return ERR_NO_MEMORY;
}

void mechanism_clear(struct mechanism_given *m)
{
    hsm__mechanism__free_unpacked(m->wire, memory_wiping());
    *m = (struct mechanism_given){.row = NULL};
}
