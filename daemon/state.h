/* The replica's state host: holds the store that is current, lets threads read it, and applies entries with the vault's verdict.
 *
 * A snapshot that arrives brings another environment; readers of the old one finish, the last of them closes it. What cannot be applied
 * (no verdict of the vault, disk, memory) ends the process: the log has the entry, the next start applies it. */
#ifndef CLUSTERHSM_DAEMON_STATE_H
#define CLUSTERHSM_DAEMON_STATE_H

#include "daemon/replica/replica.h"
#include "daemon/store/store.h"

struct state;

struct state_setup {
    int check_fd; /* pair to the vault that the replica's thread alone uses, blocking: CheckBatch, cluster record */
    /* Whether the vault is open and has the cluster's keys; NULL: always. Replica's thread. */
    bool (*ready)(void *arg);
    /* The cluster record has changed (also at start), and the vault has been told. Replica's thread. May be NULL. */
    void (*cluster_record)(void *arg);
    void *arg;
};

struct state *state_new(const struct state_setup *setup, struct diag *why);

/* When the replica is closed and every reader has ended. NULL is legal. */
void state_free(struct state *s);

/* The callbacks for replica_settings.state; their data is the struct state. members and role are NULL: the caller fills them in. */
extern const struct replica_state state_callbacks;

/* A view of one applied index. Any thread. ERR_NOT_FOUND: there is no state yet. Ended with state_read_end. */
struct state_reader {
    const struct store *store;
    MDB_txn *txn;
    void *hold;
};
enum err state_read(struct state *s, struct state_reader *out);
void state_read_end(struct state_reader *r);

/* What an answer was decided by: records by id, and whether it rests on a search, which any change may concern. */
struct state_basis {
    const uint64_t *ids;
    size_t n;
    bool searched;
};

/* True if an entry above `settled` and not above `read_at` has changed what the basis names (replica_settled). Any thread. */
bool state_is_unsettled(struct state *s, uint64_t settled, uint64_t read_at, const struct state_basis *basis);

#endif
