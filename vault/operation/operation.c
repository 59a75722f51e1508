/* The request table joined to its handlers: a row without its functions does not link. */
#include "vault/operation/operation.h"

#include <stddef.h>

#define ANSWER_READ(name) NULL
#define ANSWER_LOCAL(name) NULL
#define ANSWER_CHANGE(name) op_##name##_answer

#define REQUEST(number, name, Type, roles, effect, cost) [number] = {op_##name##_decide, ANSWER_##effect(name)},
static const struct operation operations[] = {
#include "proto/request.def"
};
#undef REQUEST

const struct operation *operation_find(uint32_t number)
{
    const struct operation *o = number < sizeof operations / sizeof operations[0] ? &operations[number] : NULL;

    return o != NULL && o->decide != NULL ? o : NULL;
}
