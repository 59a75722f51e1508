/* What the stories of record_vault_call are told with. Single-threaded. */
#ifndef CLUSTERHSM_TESTS_FUZZ_RECORD_H
#define CLUSTERHSM_TESTS_FUZZ_RECORD_H

#include <stdbool.h>

#include "proto/pkcs11.h"

#include "proto/request.pb-c.h"

/* A story: what is asked between the two is the corpus's file of this name. */
void record_begin(void);
void record_end(const char *name);

void record_login(const char *name, const char *password, bool admin);

/* `member` is the request's. The reply is the caller's (rpc_reply_free); NULL: refused. */
Hsm__Reply *record_ask(Hsm__Request__OfCase what, void *member);
void record_ask_quietly(Hsm__Request__OfCase what, void *member);

/* Borrowed. */
ProtobufCBinaryData record_text(const char *s);

/* As alice, a crypto user, who is there. The second leaves the policy compatible. */
void record_secret_keys(void);
void record_pairs(void);

#endif
