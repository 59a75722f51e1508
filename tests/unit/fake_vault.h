/* A vault at the other end of a pair: a thread that reads calls and lets the test's function answer them, one after the other. */
#ifndef CLUSTERHSM_TESTS_UNIT_FAKE_VAULT_H
#define CLUSTERHSM_TESTS_UNIT_FAKE_VAULT_H

#include "proto/vault.pb-c.h"

struct fake_vault;

/* On the fake's thread. The call is borrowed. */
typedef void fake_vault_fn(void *arg, struct fake_vault *v, const Hsm__VaultCall *call);

/* Makes the pair; *fd is the front's end, whose owner closes it. Blocking on both sides. */
struct fake_vault *fake_vault_new(fake_vault_fn *fn, void *arg, int *fd);

/* Shuts the vault's end down and waits for the thread. The front's end need not be closed. */
void fake_vault_free(struct fake_vault *v);

/* Any thread; answer->call is the caller's to set. */
void fake_vault_answer(struct fake_vault *v, const Hsm__VaultAnswer *answer);

/* Answers of one line, for the call that is being answered or any other. */
void fake_vault_verdict(struct fake_vault *v, uint64_t call, const uint8_t *good, size_t n);
void fake_vault_node(struct fake_vault *v, uint64_t call, const Hsm__NodeAnswer *answer);
void fake_vault_opened(struct fake_vault *v, uint64_t call);
void fake_vault_refused(struct fake_vault *v, uint64_t call, uint32_t error);
void fake_vault_dropped(struct fake_vault *v, uint64_t call);
void fake_vault_need(struct fake_vault *v, uint64_t call, uint64_t id);
void fake_vault_propose(struct fake_vault *v, uint64_t call, const uint8_t *command, size_t n);
/* A reply whose body is the text, decided by one record; id 0: by none. */
void fake_vault_reply(struct fake_vault *v, uint64_t call, const char *text, uint64_t id, uint64_t version);

#endif
