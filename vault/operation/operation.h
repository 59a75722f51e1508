/* The handlers, one a row of proto/request.def: op_<name>_decide, and op_<name>_answer for rows that change something. What they are
 * called with and what they return: vault/work.h. */
#ifndef CLUSTERHSM_VAULT_OPERATION_OPERATION_H
#define CLUSTERHSM_VAULT_OPERATION_OPERATION_H

#include "vault/work.h"

typedef enum err operation_fn(struct work *w);

struct operation {
    operation_fn *decide;
    operation_fn *answer; /* NULL: the row changes nothing */
};

/* NULL: no such request. */
const struct operation *operation_find(uint32_t number);

operation_fn op_login_decide, op_login_answer;
operation_fn op_resume_decide;
operation_fn op_find_decide;
operation_fn op_get_decide;
operation_fn op_create_decide, op_create_answer;
operation_fn op_encrypt_decide;
operation_fn op_decrypt_decide;
operation_fn op_generate_decide, op_generate_answer;
operation_fn op_generate_pair_decide, op_generate_pair_answer;
operation_fn op_destroy_decide, op_destroy_answer;
operation_fn op_digest_key_decide;
operation_fn op_sign_decide, op_sign_recover_decide;
operation_fn op_verify_decide;
operation_fn op_one_time_decide, op_one_time_answer;
operation_fn op_change_password_decide, op_change_password_answer;
operation_fn op_user_create_decide, op_user_create_answer;
operation_fn op_user_delete_decide, op_user_delete_answer;
operation_fn op_user_list_decide;
operation_fn op_status_decide;
operation_fn op_activate_decide, op_activate_answer;
operation_fn op_node_grant_decide, op_node_grant_answer;
operation_fn op_generate_random_decide;
operation_fn op_probe_decide;
operation_fn op_copy_decide, op_copy_answer;
operation_fn op_set_attributes_decide, op_set_attributes_answer;
operation_fn op_policy_set_decide, op_policy_set_answer;
operation_fn op_wipe_decide, op_wipe_answer;
operation_fn op_wipe_forbid_decide, op_wipe_forbid_answer;
operation_fn op_authorized_decide, op_authorized_answer;
operation_fn op_derive_decide, op_derive_answer;
operation_fn op_wrap_decide;
operation_fn op_unwrap_decide, op_unwrap_answer;
operation_fn op_encapsulate_decide, op_encapsulate_answer;
operation_fn op_decapsulate_decide, op_decapsulate_answer;

#endif
