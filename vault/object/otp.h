/* Keys of one-time passwords (CKO_OTP_KEY): what must be true of them.
 *
 * The counter is a part of the record and the same on all nodes: it only ever changes by a command of the cluster, upwards, before the
 * password that it was counted for is told (vault/operation/op_one_time.c). So there is no second place where it could stand: no copy, no
 * session object (but of a key whose counter the caller has to give each time), and neither wrapping nor unwrapping. */
#ifndef CLUSTERHSM_VAULT_OBJECT_OTP_H
#define CLUSTERHSM_VAULT_OBJECT_OTP_H

#include "common/diag.h"
#include "vault/object/body.h"

/* What a template gives, before it is completed: looked at, and its CKA_COPYABLE is false. ERR_ATTRIBUTE_VALUE: no such length, counter or
 * requirement; ERR_TEMPLATE_INCONSISTENT: a key that could be copied, or whose own counter would live in a session; ERR_NO_MEMORY. */
enum err otp_take(struct object *o, struct diag *why);

/* The key's own counter as it is now. ERR_CORRUPT. */
enum err otp_counter(const struct object *o, uint64_t *counter);
enum err otp_counter_put(struct object *o, uint64_t counter);

#endif
