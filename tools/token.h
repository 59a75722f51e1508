/* A PKCS#11 module as any application loads it: by dlopen and its function list. For the benchmark and the quickstart's client.
 *
 * Failures fill `why` with the function and the code that it returned. */
#ifndef CLUSTERHSM_TOOLS_TOKEN_H
#define CLUSTERHSM_TOOLS_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "proto/pkcs11.h"

/* All zero: not loaded. */
struct token {
    void *library;
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
};

/* Loads and initializes it, and takes the first slot with a token. Ends with token_unload, also after failure. */
bool token_load(struct token *t, const char *path, struct diag *why);
void token_unload(struct token *t);

/* A read-write session. */
bool token_session(const struct token *t, CK_SESSION_HANDLE *out, struct diag *why);
/* Logs the whole process in as the user of the PIN. */
bool token_login(const struct token *t, CK_SESSION_HANDLE session, const char *pin, struct diag *why);

enum token_kind { TOKEN_RSA_2048, TOKEN_P256 };

struct token_pair {
    CK_OBJECT_HANDLE public_key, private_key;
};

/* A pair of token objects that can sign and verify. */
bool token_generate(const struct token *t, CK_SESSION_HANDLE session, enum token_kind kind, const char *label, struct token_pair *out,
                    struct diag *why);
bool token_destroy(const struct token *t, CK_SESSION_HANDLE session, const struct token_pair *pair, struct diag *why);

/* The first private key with this label. */
bool token_find_private(const struct token *t, CK_SESSION_HANDLE session, const char *label, CK_OBJECT_HANDLE *out, struct diag *why);

/* C_SignInit and C_Sign of the data in one part; *n is the room in and the length out. */
bool token_sign(const struct token *t, CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key, const uint8_t *data,
                size_t data_bytes, uint8_t *out, size_t *n, struct diag *why);

#endif
