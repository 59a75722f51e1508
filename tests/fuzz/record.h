/* What the stories of record_vault_call are told with. Single-threaded. */
#ifndef CLUSTERHSM_TESTS_FUZZ_RECORD_H
#define CLUSTERHSM_TESTS_FUZZ_RECORD_H

#include <stdbool.h>

#include "proto/pkcs11.h"

#include "proto/request.pb-c.h"
#include "tests/unit/sample_template.h"

/* A story: what is asked between the two is the corpus's file of this name. */
void record_begin(void);
void record_end(const char *name);

void record_login(const char *name, const char *password, bool admin);

/* `member` is the request's. The reply is the caller's (rpc_reply_free); NULL: refused. */
Hsm__Reply *record_ask(Hsm__Request__OfCase what, void *member);
void record_ask_quietly(Hsm__Request__OfCase what, void *member);

/* Borrowed. */
ProtobufCBinaryData record_text(const char *s);

/* ---- of keys (record_keys.c) */

/* Begins a story of alice's, a crypto user who is there. */
void record_as_alice(void);

/* Without a parameter. */
Hsm__Mechanism record_mechanism(CK_MECHANISM_TYPE type);

/* A key by its id; good for the next seven calls. */
Hsm__KeyRef *record_key(uint64_t id);

/* The id of the last object of a reply, which is freed; 0: there is none. */
uint64_t record_id(Hsm__Reply *reply);

/* A template of a secret key on the token that may be put to every use and may go out; bytes 0: as long as what comes. */
Hsm__Template *record_uses(struct sample_template *t, CK_KEY_TYPE type, CK_ULONG bytes);

/* The template's key comes to be; its id. */
uint64_t record_create(struct sample_template *t);

/* A key for all uses out of a base key and perhaps another (0: none). */
void record_derive(uint64_t base, uint64_t other, Hsm__Mechanism *m, CK_ULONG bytes);

/* `target` wrapped, and unwrapped as a secret key by `back` (the private half, or the same key). */
void record_wrap(Hsm__KeyRef *with, uint64_t back, uint64_t target, Hsm__Mechanism *m);

void record_sign(uint64_t id, Hsm__Mechanism *m, const char *data);

/* As alice. record_pairs leaves the policy compatible, which record_old_keys wants. */
void record_secret_keys(void);
void record_objects(void);
void record_pairs(void);
void record_old_keys(void);

#endif
