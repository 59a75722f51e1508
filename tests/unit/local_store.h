/* The replicated state of one node in the test's own process: LMDB, the real apply, one entry a command. */
#ifndef CLUSTERHSM_TESTS_UNIT_LOCAL_STORE_H
#define CLUSTERHSM_TESTS_UNIT_LOCAL_STORE_H

#include <stdbool.h>

#include "common/buffer.h"
#include "daemon/store/store.h"
#include "proto/vault.pb-c.h"

struct local_store {
    char *folder;
    MDB_env *env;
    struct store store;
    uint64_t index;
};

void local_store_open(struct local_store *s);
void local_store_close(struct local_store *s);

/* Applies one command as the next entry; the packed Outcome is appended. `good`: the verdict on its MAC. */
void local_store_apply(struct local_store *s, const uint8_t *command, size_t n, bool good, uint64_t leader_time_ms, struct buffer *outcome);

/* Facts on these ids and lookups, from one transaction; freed with local_facts_free. */
Hsm__Facts *local_store_facts(struct local_store *s, const uint64_t *ids, size_t n_ids, Hsm__Lookup *const *lookups, size_t n_lookups);
void local_facts_free(Hsm__Facts *f);

/* The ring knows this request id. */
bool local_store_knows(struct local_store *s, const uint8_t request_id[STORE_ID_BYTES]);

/* The version of a record, 0 if it is not there. */
uint64_t local_store_version(struct local_store *s, uint64_t id);

#endif
