/* A secret key of these bytes, as the provider has it: the caller's, freed with key_free. Loaded or the test fails. */
#ifndef CLUSTERHSM_TESTS_UNIT_SECRET_KEY_H
#define CLUSTERHSM_TESTS_UNIT_SECRET_KEY_H

#include "vault/provider/key.h"

struct key *secret_key(CK_KEY_TYPE type, const void *bytes, size_t n);

#endif
