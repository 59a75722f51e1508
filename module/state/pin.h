/* The forms of a PIN: "user:password", or a password alone, which is the configured default user's. */
#ifndef CLUSTERHSM_MODULE_STATE_PIN_H
#define CLUSTERHSM_MODULE_STATE_PIN_H

#include <stddef.h>

#include "common/secret.h"
#include "proto/error.h"
#include "proto/limits.h"

struct pin {
    char name[USER_NAME_BYTES_MAX + 1]; /* lower case, as users are kept */
    struct secret password;
};

/* Splits n bytes at the first colon, so that a password may have colons. default_user may be NULL. The caller ends *out with pin_clear.
 * On failure *out is as before: ERR_ARGUMENTS (no PIN), ERR_PIN_INVALID (no name, a name that no user can have, no password),
 * ERR_PIN_LEN (too long), ERR_NO_MEMORY. A password that is too short for a new one is the vault's to refuse: to say so
 * at a login would tell what a password cannot be. */
enum err pin_parse(const void *pin, size_t n, const char *default_user, struct pin *out);

/* The same where name and password come apart (C_LoginUser). */
enum err pin_from_parts(const void *name, size_t name_bytes, const void *password, size_t password_bytes, struct pin *out);

void pin_clear(struct pin *p);

#endif
