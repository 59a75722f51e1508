#include "tests/unit/secret_key.h"

#include "tests/unit/runner.h"

struct key *secret_key(CK_KEY_TYPE type, const void *bytes, size_t n)
{
    const struct key_part value = {.type = CKA_VALUE, .value = bytes, .n = n};
    struct key *k = NULL;

    ck_assert_int_eq(key_load(NULL, type, &value, 1, &k), ERR_OK);
    return k;
}
