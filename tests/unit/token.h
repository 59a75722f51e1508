/* The token as a program sees it, through the module's own function list, with the real vault in the same process (local_node.h). */
#ifndef CLUSTERHSM_TESTS_UNIT_TOKEN_H
#define CLUSTERHSM_TESTS_UNIT_TOKEN_H

#include <stdbool.h>

#include "proto/pkcs11.h"
#include "tests/unit/local_node.h"

#define ALICE "alice:alice-password"
#define BOB "bob:bob-password"
#define ADMIN "admin:admin-password"

extern CK_FUNCTION_LIST *f;
extern struct local_node *token_node;

/* The same with everything that 3.2 has. */
struct token_list_320 {
    CK_VERSION version;
#define FUNCTION(version, name, needs, who, session) CK_C_##name C_##name;
#include "module/entry/function.def"
#undef FUNCTION
};
extern struct token_list_320 *f3;

/* A node and an initialized module. `yaml`: further lines of the configuration, or NULL. Ends with token_stop. */
void token_start(const char *yaml);
/* The cluster is active then, and has the users above. */
void token_start_with_users(void);
void token_start_with_users_and(const char *yaml);
void token_stop(void);

/* The module is not initialized, but would be by C_Initialize. */
void token_prepare(const char *yaml);

/* How long a call waits for a node that is dead: network.connect_wait, made patient (tests/unit/runner.h); 20 s unless a test sets it
 * before it starts. */
extern unsigned token_connect_wait_ms;

/* How often C_Initialize has read the configuration. */
unsigned token_opened(void);

#define ck_rv(call, wanted)                                                                         \
    do {                                                                                            \
        CK_RV ck_rv_got = (call), ck_rv_wanted = (wanted);                                          \
        ck_assert_msg(ck_rv_got == ck_rv_wanted, "%s: 0x%lx, not 0x%lx", #call, ck_rv_got, ck_rv_wanted); \
    } while (0)
#define ck_ok(call) ck_rv(call, CKR_OK)

CK_SESSION_HANDLE token_session(void);      /* read-write */
CK_SESSION_HANDLE token_session_read(void); /* read-only */
CK_RV token_login(CK_SESSION_HANDLE s, CK_USER_TYPE type, const char *pin);
/* Logged in as alice. */
CK_SESSION_HANDLE token_alice(void);
/* The same in a cluster that is made for it, by token_start_with_users. */
CK_SESSION_HANDLE token_alice_under(enum policy policy);

struct token_pair {
    CK_OBJECT_HANDLE public_key, private_key;
};
struct token_pair token_ec(CK_SESSION_HANDLE s, bool token, const char *label);
struct token_pair token_rsa(CK_SESSION_HANDLE s, bool token, const char *label);
/* Imported as a session object: so many bytes that count up; it may be put to every use. */
CK_OBJECT_HANDLE token_secret_key(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ULONG bytes);
CK_OBJECT_HANDLE token_hmac_key(CK_SESSION_HANDLE s, bool token, const char *label);
/* An AES key for wrapping that an admin may trust: generated in the token, never to be copied. */
CK_OBJECT_HANDLE token_wrapping_key(CK_SESSION_HANDLE s);
CK_OBJECT_HANDLE token_wrapping_key_by(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE generation); /* of 32 bytes */
/* The admin's word for it; alice is logged in before and after. */
CK_RV token_trust(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key);

/* An attribute of an object that has it. */
bool token_flag(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
CK_ULONG token_number(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

/* How many objects have this label. */
CK_ULONG token_count(CK_SESSION_HANDLE s, const char *label);

#endif
