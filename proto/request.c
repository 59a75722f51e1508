#include "proto/request.h"

#include <stddef.h>

#include "proto/request.pb-c.h"

/* The .proto is the source of the fields, the table of everything else: a row that names another type than its field
 * does not build. */
#define REQUEST(n, field, Type, who, what, price) \
    _Static_assert(_Generic(((Hsm__Request *)0)->field, Hsm__##Type * : 1, default : 0), "row and field differ: " #field);
#include "proto/request.def"
#undef REQUEST

static const struct request rows[] = {
#define REQUEST(n, field, Type, who, what, price) \
    {.number = n, .name = #field, .roles = ROLES_##who, .effect = EFFECT_##what, .cost = COST_##price},
#include "proto/request.def"
#undef REQUEST
};

const struct request *request_find(uint32_t number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}
