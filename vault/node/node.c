/* The calls of a node's life joined to their handlers. */
#include "vault/node/node.h"

#include <stddef.h>

static const struct operation calls[] = {
    [HSM__NODE_CALL__OF_START] = {node_start_decide, NULL},
    [HSM__NODE_CALL__OF_MAKE_HARDWARE] = {node_make_hardware_decide, NULL},
    [HSM__NODE_CALL__OF_CERTIFY] = {node_certify_decide, NULL},
    [HSM__NODE_CALL__OF_CREATE] = {node_create_decide, NULL},
    [HSM__NODE_CALL__OF_INITIALIZE] = {node_initialize_decide, node_initialize_answer},
    [HSM__NODE_CALL__OF_JOIN_ASK] = {node_join_ask_decide, NULL},
    [HSM__NODE_CALL__OF_JOIN_ADMIT] = {node_join_admit_decide, node_join_admit_answer},
    [HSM__NODE_CALL__OF_JOIN_TAKE] = {node_join_take_decide, NULL},
    [HSM__NODE_CALL__OF_INFO] = {node_info_decide, NULL},
    [HSM__NODE_CALL__OF_CLUSTER_RECORD] = {node_cluster_record_decide, NULL},
};

const struct operation *node_find(uint32_t number)
{
    const struct operation *o = number < sizeof calls / sizeof calls[0] ? &calls[number] : NULL;

    return o != NULL && o->decide != NULL ? o : NULL;
}
