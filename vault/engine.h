/* Takes a front's calls and gives the vault's answers: channels, works that wait for records or an outcome, verdicts on batches. One
 * engine a vault thread; knows no socket and no thread, so tests and fuzzers drive it directly.
 *
 * A call that is not understood, of a channel that is not there, or that does not open, is answered `refused`; nothing a front sends
 * ends the vault. What each call does: proto/vault.proto. What handlers do: vault/work.h. */
#ifndef CLUSTERHSM_VAULT_ENGINE_H
#define CLUSTERHSM_VAULT_ENGINE_H

#include "proto/error.h"
#include "proto/vault.pb-c.h"
#include "vault/vault.h"

struct engine;
struct engine_job;

/* Who does the work. */
struct operation;
struct work;
struct engine_parts {
    const struct operation *(*operation)(uint32_t number);
    const struct operation *(*node)(uint32_t number);
    enum err (*access)(struct work *w);
    enum err (*node_facts)(struct work *w, Hsm__NodeFacts **out);
};

/* The product's. */
extern const struct engine_parts engine_product;

struct engine_setup {
    struct vault *vault;               /* borrowed */
    const struct engine_parts *parts;  /* borrowed */
    /* One answer, borrowed until return. Called on the engine's thread, from within engine_call or engine_job_done. */
    void (*answer)(void *arg, const Hsm__VaultAnswer *answer);
    /* Takes dear work away: some other thread calls engine_job_run(job), then the engine's thread engine_job_done(job). NULL: it is
     * done at once. */
    void (*defer)(void *arg, struct engine_job *job);
    void *arg;
};

enum err engine_new(const struct engine_setup *setup, struct engine **out);

/* No job may be away. Works that wait are forgotten. */
void engine_free(struct engine *e);

void engine_call(struct engine *e, const Hsm__VaultCall *call);

/* Of these one is to run at a time; on the engine's thread. */
bool engine_job_is_lengthy(const struct engine_job *job);

void engine_job_run(struct engine_job *job);
void engine_job_done(struct engine_job *job);

/* Instead of the two, where the process ends: the job is given back undone, and nothing is answered. */
void engine_job_drop(struct engine_job *job);

#endif
