/* The cluster's policy: which rows of the mechanism table it has, and how small keys may be. `modern` unless an admin says otherwise;
 * `compatible` adds what older software asks for and nobody should choose any more. What is not in the policy is not listed, made or used.
 *
 * The policy stands in the cluster's record (ClusterBody), so all nodes have the same; every vault judges by it, and tells the module with
 * each reply, which does not offer what would be refused. Constant data: any thread. */
#ifndef CLUSTERHSM_PROTO_POLICY_H
#define CLUSTERHSM_PROTO_POLICY_H

#include <stdint.h>

#include "proto/mechanism.h"

/* The numbers are those on the wire and in the record. */
enum policy { POLICY_MODERN, POLICY_COMPATIBLE };

/* A number that is not known, from a newer version, is the strictest one's. */
enum policy policy_from_wire(uint32_t number);

/* "modern", and back: false if there is none of that name. */
const char *policy_name(enum policy p);
bool policy_find(const char *name, enum policy *out);

bool policy_allows(enum policy p, const struct mechanism *m);

/* The least key size, in the row's unit. */
CK_ULONG policy_size_min(enum policy p, const struct mechanism *m);

/* Whether a hash that the parameter names (OpenSSL's name) may stand in a mechanism of this family: where the family has rows with this
 * very hash inside, one of them is allowed; else the hash as such is a modern one. */
bool policy_allows_hash(enum policy p, const struct mechanism *m, const char *hash);

/* Whether there may be such a key: some row that works with it is allowed. A type of key that no row works with is nobody's business. */
bool policy_allows_key(enum policy p, CK_KEY_TYPE type, CK_ULONG size);

#endif
