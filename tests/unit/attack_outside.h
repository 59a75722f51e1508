/* What the attacker of test_api_attack.c does outside of the token: he looks for parts of the protected value in all that he
 * gets, opens what was wrapped for keys of his own, and tries out keys that are short. */
#ifndef CLUSTERHSM_TESTS_UNIT_ATTACK_OUTSIDE_H
#define CLUSTERHSM_TESTS_UNIT_ATTACK_OUTSIDE_H

#include <stdbool.h>

#include <openssl/types.h>

#include "proto/pkcs11.h"

enum {
    BLOB_BYTES_MAX = 1024,
    SECRET_BYTES = 32,
    GUESSED_BYTES_MIN = 3, /* shorter ones are parts of anything */
    GUESSED_BYTES_MAX = 5, /* and longer ones take too long */
    MAC_BYTES = 32,
    IV_BYTES = 12,
    TAG_BYTES = 16
};

extern CK_BYTE outside_protected[SECRET_BYTES]; /* which he must not learn */
extern CK_BYTE outside_key[16];                 /* the AES key that he knows */

/* A wrapped key, and the mechanism: OAEP and the others with the parameters of test_api_attack.c. */
struct blob {
    CK_MECHANISM_TYPE type;
    CK_OBJECT_HANDLE with;
    CK_BYTE iv[16];
    CK_BYTE bytes[BLOB_BYTES_MAX]; /* with the tag, where there is one */
    CK_ULONG n;
};

/* His private keys; taken over. Ends with outside_end. */
void outside_begin(EVP_PKEY *rsa, EVP_PKEY *curve);
void outside_end(void);

/* Whether a part of the protected value stands in it that nobody has by chance. */
bool outside_finds(const CK_BYTE *bytes, CK_ULONG n);

/* The same of what one of his keys opens. */
bool outside_opens(struct blob *b);

/* Whether this is HMAC-SHA-256 of outside_key by a part of the protected value of n bytes, or the SHA-256 of any short part. */
bool outside_guesses(const CK_BYTE mac[MAC_BYTES], CK_ULONG n);
bool outside_guesses_digest(const CK_BYTE digest[MAC_BYTES]);

#endif
