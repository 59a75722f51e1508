/* The life of a node and its cluster: one handler a member of NodeCall (proto/node.proto). They are works like any other (vault/work.h):
 * asked again with records, their changes proposed, but made by the front and so answered to it in the open; nothing in an answer is
 * secret (what must be is sealed under the node root key or to a joiner's KEM key). */
#ifndef CLUSTERHSM_VAULT_NODE_NODE_H
#define CLUSTERHSM_VAULT_NODE_NODE_H

#include "proto/node.pb-c.h"
#include "vault/operation/operation.h"

/* By the number of the oneof's member; NULL: no such call. */
const struct operation *node_find(uint32_t number);

/* For node handlers instead of work_request and work_reply. The answer's error, detail and facts are the engine's and node_facts's. */
const Hsm__NodeCall *work_node_call(const struct work *w);
Hsm__NodeAnswer *work_node_answer(struct work *w);

operation_fn node_start_decide;
operation_fn node_make_hardware_decide;
operation_fn node_certify_decide;
operation_fn node_create_decide;
operation_fn node_initialize_decide, node_initialize_answer;
operation_fn node_join_ask_decide;
operation_fn node_join_admit_decide, node_join_admit_answer;
operation_fn node_join_take_decide;
operation_fn node_info_decide;
operation_fn node_cluster_record_decide;

/* The public facts, in the work's memory; every answer carries them, also an error's. */
enum err node_facts(struct work *w, Hsm__NodeFacts **out);

#endif
