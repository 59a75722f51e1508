#include "proto/parameter.h"

#include <stddef.h>

/* Where each parameter stands: a pointer in the message. */
static const struct {
    enum mechanism_param param;
    size_t at;
} fields[] = {
    {PARAM_PSS, offsetof(Hsm__Mechanism, pss)},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

bool parameter_is_given(const struct mechanism *row, const Hsm__Mechanism *m)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const void *const *field = (const void *const *)((const char *)m + fields[i].at);
        if ((*field != NULL) != (fields[i].param == row->param))
            return false;
    }
    return true;
}
