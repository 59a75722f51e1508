#include <string.h>

#include "daemon/peers_state.h"

bool hello_send(struct peers *p, struct connection *c, bool bulk)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerHello h = HSM__PEER_HELLO__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_HELLO;
    m.hello = &h;
    h.version = PEER_VERSION;
    h.client_address = (char *)(uintptr_t)p->setup.client_address;
    h.peer_address = (char *)(uintptr_t)p->setup.peer_address;
    h.bulk = bulk;
    if (p->replica != NULL) { /* a joiner has none, and says so */
        struct replica_status s;
        replica_status(p->replica, &s);
        h.cluster_id.data = p->cluster_id;
        h.cluster_id.len = sizeof p->cluster_id;
        h.node_id = p->id;
        h.boot = s.boot;
        h.term = s.term;
        /* While a snapshot replaces the log, the log is short for a moment; what is applied was durable before. */
        h.last_index = s.durable > s.applied ? s.durable : s.applied;
    }
    return peer_message_send(c, &m);
}

bool identity_known(const struct peers *p, uint64_t id, const uint8_t *fingerprint)
{
    const struct peer_book_row *r;

    for (size_t i = 0; i < p->n_identities; i++)
        if (p->identities[i].id == id)
            return memcmp(p->identities[i].fingerprint, fingerprint, PEER_HASH_BYTES) == 0;
    /* The record as we have it is older than this member: we are new here, or were started again and wait to be told what is committed.
     * The log names it, and the book has its key from the record as it was before, or from who let us in. */
    r = peer_is_wanted(p, id) ? peer_book_find(p->book, id) : NULL;
    return r != NULL && r->has_fingerprint && memcmp(r->fingerprint, fingerprint, PEER_HASH_BYTES) == 0;
}

static enum err check_member(struct peers *p, struct connection *c, const Hsm__PeerHello *h, struct diag *why)
{
    uint8_t fingerprint[PEER_HASH_BYTES];
    unsigned long long id = h->node_id;

    if (h->cluster_id.len != CLUSTER_ID_BYTES || memcmp(h->cluster_id.data, p->cluster_id, CLUSTER_ID_BYTES) != 0) {
        diag_set(why, "node %llu belongs to another cluster", id);
        diag_remedy(why, "check advertise.peer and peers in the configurations of both nodes");
        return ERR_WRONG_STATE;
    }
    if (connection_peer(c) == NULL || !peer_hash_key(p->setup.libctx, connection_peer(c), fingerprint))
        return ERR_NO_MEMORY;
    if (h->node_id == p->id || !identity_known(p, h->node_id, fingerprint)) {
        diag_set(why, "the cluster's record has no node %llu with this key", id);
        diag_remedy(why, "a node that was removed, or whose keys were made anew, joins again with an empty data folder");
        return ERR_PERMISSION;
    }
    return peer_book_check(p->book, h->node_id, h->boot, h->term, h->last_index, why);
}

enum err hello_check(struct peers *p, struct connection *c, const Hsm__PeerHello *h, struct diag *why)
{
    if (h->version != PEER_VERSION) {
        diag_set(why, "version %u of the protocol between nodes, this node knows version %d", h->version, PEER_VERSION);
        diag_remedy(why, "upgrade the older of the two nodes");
        return ERR_VERSION;
    }
    if (h->node_id == 0)
        return h->cluster_id.len == 0 && !h->bulk ? ERR_OK : ERR_MALFORMED;
    return check_member(p, c, h, why);
}
