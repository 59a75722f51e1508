/* The request table (request.def). Constant data: any thread, for ever. */
#ifndef CLUSTERHSM_PROTO_REQUEST_H
#define CLUSTERHSM_PROTO_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

enum request_number {
#define REQUEST(number, name, Type, roles, effect, cost) REQUEST_##name = number,
#include "proto/request.def"
#undef REQUEST
};

enum request_roles { ROLES_ANYONE, ROLES_LOGGED_IN, ROLES_CU, ROLES_ADMIN };
enum request_effect { EFFECT_READ, EFFECT_CHANGE, EFFECT_LOCAL };
enum request_cost { COST_INLINE, COST_DEAR, COST_BY_MECHANISM };

struct request {
    uint32_t number;
    const char *name;
    enum request_roles roles;
    enum request_effect effect;
    enum request_cost cost;
};

/* NULL if there is no such request. */
const struct request *request_find(uint32_t number);

#endif
