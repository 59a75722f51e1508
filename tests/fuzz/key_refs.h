/* The keys that a message names, wherever they stand in it. */
#ifndef CLUSTERHSM_TESTS_FUZZ_KEY_REFS_H
#define CLUSTERHSM_TESTS_FUZZ_KEY_REFS_H

#include "proto/request.pb-c.h"

typedef void key_refs_fn(void *arg, Hsm__KeyRef *key);

/* Calls back for each. */
void key_refs_each(ProtobufCMessage *message, key_refs_fn *each, void *arg);

#endif
