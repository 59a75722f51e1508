#include "vault/access/access.h"
#include "vault/engine.h"
#include "vault/node/node.h"
#include "vault/operation/operation.h"

const struct engine_parts engine_product = {
    .operation = operation_find, .node = node_find, .access = access_check, .node_facts = node_facts};
