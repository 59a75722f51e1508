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
    SHORT_BYTES = 16,      /* of the other protected value: a block */
    PROTECTED_BYTES = SECRET_BYTES + SHORT_BYTES,
    BLOCK_BYTES = 16,
    GUESSED_BYTES_MIN = 3, /* shorter ones are parts of anything */
    GUESSED_BYTES_MAX = 5, /* and longer ones take too long */
    MAC_BYTES = 32,
    IV_BYTES = 12,
    TAG_BYTES = 16
};

/* What he must not learn: a value of SECRET_BYTES, and one of SHORT_BYTES, whose end looks like a padding. */
extern CK_BYTE outside_protected[PROTECTED_BYTES];
extern CK_BYTE outside_key[16];                 /* the AES key that he knows */

/* A wrapped key, and the mechanism: OAEP and the others with the parameters of test_api_attack.c. */
struct blob {
    CK_MECHANISM_TYPE type;
    CK_OBJECT_HANDLE with;
    CK_ULONG closed_n;             /* of what was not to go out but under trusted keys: how long it is; else 0 */
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

/* The first protected value as CKM_AES_KEY_WRAP_KWP wraps it under a key. */
void outside_wraps(const CK_BYTE *key, CK_ULONG n, struct blob *b);

/* The block whose CMAC under outside_key this is, after a first block of the byte 1 and 15 others. */
void outside_undoes_cmac(const CK_BYTE *prefix, CK_ULONG n, const CK_BYTE mac[BLOCK_BYTES], CK_BYTE field[BLOCK_BYTES]);

/* The block of which this is CMAC or XCBC under outside_key: of the block alone, and of the block and a number behind it. */
void outside_undoes_prf(bool xcbc, CK_BYTE number, const CK_BYTE mac[BLOCK_BYTES], CK_BYTE whole[BLOCK_BYTES],
                        CK_BYTE numbered[BLOCK_BYTES]);

/* The public half of his key on the curve, as CK_ECDH1_DERIVE_PARAMS has it; borrowed. */
const CK_BYTE *outside_point(CK_ULONG *n);

/* What SSH hashes behind the shared secret for a key: an exchange hash, the letter C, the session; each of `outside_cuts` is the place of
 * another letter in it that would do as well. The shared secret is the first protected value, and what comes out is protected, too. */
enum { SSH_TEXT_BYTES = 65, SSH_CUTS = 4 };
extern CK_BYTE outside_ssh_text[SSH_TEXT_BYTES];
extern const CK_ULONG outside_ssh_cuts[SSH_CUTS];
bool outside_finds_ssh(const CK_BYTE *bytes, CK_ULONG n);
/* The same key of another secret. */
void outside_derives_ssh(const CK_BYTE *secret, CK_ULONG n, CK_BYTE key[MAC_BYTES]);

/* Whether this is HMAC-SHA-256 of outside_key by a part of the protected value of n bytes, or the SHA-256 of any short part. */
bool outside_guesses(const CK_BYTE mac[MAC_BYTES], CK_ULONG n);

/* The same, one by one: HMAC-SHA-256 of outside_key by a part of n bytes; NULL: there are no more. */
const CK_BYTE *outside_guess(CK_ULONG n, size_t i);

/* Whether it is a block of zeros under a key of DES that a part of the protected value makes: as it stands there,
 * turned by whole bytes, or with zeros behind. */
bool outside_guesses_des(const CK_BYTE sealed[8]);
bool outside_guesses_digest(const CK_BYTE digest[MAC_BYTES]);

#endif
