/* Names and passwords of users: what they may look like, and the scrypt hash that is kept of a password (RFC 7914). */
#ifndef CLUSTERHSM_VAULT_ACCESS_PASSWORD_H
#define CLUSTERHSM_VAULT_ACCESS_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/error.h"
#include "proto/limits.h"
#include "proto/record.pb-c.h"

enum { PASSWORD_SALT_BYTES = 16, PASSWORD_HASH_BYTES = 32 };

/* Kept with the user; the parameters stand beside the hash, so that later ones do not lock out earlier users. */
struct password_hash {
    uint8_t salt[PASSWORD_SALT_BYTES];
    uint8_t hash[PASSWORD_HASH_BYTES];
    uint32_t log_n, r, p;
};

/* The name as users are known by it: letters made lower case. ERR_PIN_LEN, ERR_PIN_INVALID. For new users only: a login never says
 * what is wrong with its form. */
enum err name_form(const char *name, char out[USER_NAME_BYTES_MAX + 1]);

/* ERR_PIN_LEN. For new passwords only. */
enum err password_form(size_t n);

/* A hash with a fresh salt, at today's cost: some 20 to 60 ms and 16 MiB. ERR_NO_MEMORY, ERR_BUG. */
enum err password_hash(OSSL_LIB_CTX *libctx, const uint8_t *password, size_t n, struct password_hash *out);

/* The same cost whatever the answer; the comparison takes constant time. ERR_CORRUPT: parameters that no vault has written. */
enum err password_check(OSSL_LIB_CTX *libctx, const struct password_hash *kept, const uint8_t *password, size_t n, bool *right);

/* What is checked in place of a user who does not exist: nothing is right for it, and it costs the same. */
void password_nobody(const uint8_t salt[PASSWORD_SALT_BYTES], struct password_hash *out);

/* To and from the user's record. The body borrows from the hash. ERR_CORRUPT. */
void password_to_body(struct password_hash *h, Hsm__UserBody *body);
enum err password_from_body(const Hsm__UserBody *body, struct password_hash *out);

#endif
