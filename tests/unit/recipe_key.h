/* Keys in the token for every type that rows of the mechanism table take, with what OpenSSL knows of them beside; and what they may do. */
#ifndef CLUSTERHSM_TESTS_UNIT_RECIPE_KEY_H
#define CLUSTERHSM_TESTS_UNIT_RECIPE_KEY_H

#include <openssl/types.h>

#include "proto/mechanism.h"
#include "tests/unit/token.h"

enum { RECIPE_KEY_BYTES_MAX = 64, RECIPE_ASKED_MAX = 3 };

struct recipe_key {
    CK_KEY_TYPE type;
    struct token_pair handles; /* of a secret key both are the same */
    EVP_PKEY *openssl;         /* its own copy of a pair; of post-quantum ones the public half; NULL: a secret key, which is: */
    CK_BYTE secret[RECIPE_KEY_BYTES_MAX];
    CK_ULONG secret_n;
};

/* All uses, or none; and CKA_ALLOWED_MECHANISMS, unless that is NULL. */
struct recipe_uses {
    CK_BBOOL may;
    const CK_MECHANISM_TYPE *allowed;
    CK_ULONG allowed_n;
};

/* Types by position; false: no more. Types that libcrypto lacks are not there. */
bool recipe_key_type_at(size_t position, CK_KEY_TYPE *out);

/* Session objects. A secret key of so many bytes, or of the most up to 64 that there are where its type has not so many: 1, 2, 3, ... */
struct recipe_key recipe_key_make(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ULONG bytes, struct recipe_uses uses);
void recipe_key_clear(struct recipe_key *k);

/* What C_GenerateKeyPair is asked for by the row, in the public half's template; returns how many. Good until the next call. */
CK_ULONG recipe_asked(const struct mechanism *row, CK_ATTRIBUTE asked[RECIPE_ASKED_MAX]);

#endif
