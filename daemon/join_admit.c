/*
 * A node asks a member to be let in:
 *
 *   PeerJoin -> we do not lead: PeerRefused with the leader's address
 *            -> our vault checks its chains and its grant, changes the cluster's record, seals the cluster's keys to it
 *            -> PeerJoined -> it opens its log and connects under its new id -> the leader makes it a voter (admit_tick)
 *
 * The last step does not hang on the first: whoever stands in the record, is connected, and is no voter yet is added, by
 * whichever node leads then. So a leader that is lost in between leaves nothing half done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/peers_state.h"

/* Who waits for the vault, or for the replica. */
struct admission {
    struct peers *p;
    uint64_t serial, id;
    enum replica_outcome outcome;
};

static const char *leader_address(const struct peers *p)
{
    const struct member *m = members_find(&p->status.members, p->status.leader);
    return m != NULL && m->id != p->id ? m->address : NULL;
}

static void refuse(struct incoming *i, enum err e, const char *detail)
{
    log_warning("join_refused", "from=%s error=%s why=\"%s\"", i->peer_address, err_name(e), detail);
    peer_message_refuse(i->c, e, detail, NULL, "the joiner is refused");
}

static void redirect(struct incoming *i)
{
    const char *leader = leader_address(i->p);

    peer_message_refuse(i->c, leader != NULL ? ERR_TRY_ANOTHER : ERR_BUSY,
        leader != NULL ? "another node leads the cluster" : "no node leads the cluster now", leader, "we do not lead");
}

/* Each member with its key and where it is, this node first. */
static size_t list_members(struct peers *p, Hsm__PeerMember *rows, Hsm__PeerMember **list, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_identities && n < room; i++) {
        const struct identity *who = &p->identities[i];
        const struct member *m = members_find(&p->status.members, who->id);
        const struct peer_book_row *r = peer_book_find(p->book, who->id);
        if (m == NULL)
            continue;
        hsm__peer_member__init(&rows[n]);
        rows[n].node_id = who->id;
        rows[n].fingerprint.data = (uint8_t *)(uintptr_t)who->fingerprint;
        rows[n].fingerprint.len = sizeof who->fingerprint;
        rows[n].peer_address = (char *)(uintptr_t)m->address;
        if (who->id == p->id)
            rows[n].client_address = (char *)(uintptr_t)p->setup.client_address;
        else if (r != NULL)
            rows[n].client_address = (char *)(uintptr_t)r->client_address;
        list[n] = &rows[n];
        n++;
    }
    return n;
}

static void welcome(struct incoming *i, const Hsm__NodeAnswer *a)
{
    struct peers *p = i->p;
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerJoined j = HSM__PEER_JOINED__INIT;
    Hsm__PeerMember rows[MEMBERS_MAX], *list[MEMBERS_MAX];

    m.of_case = HSM__PEER_MESSAGE__OF_JOINED;
    m.joined = &j;
    j.sealed_keys = a->sealed_keys;
    j.node_id = a->node_id;
    j.cluster_id.data = p->cluster_id;
    j.cluster_id.len = sizeof p->cluster_id;
    j.node_certificate = p->facts->node_certificate;
    j.manufacturer_hardware = p->facts->manufacturer_hardware;
    j.operator_hardware = p->facts->operator_hardware;
    j.n_members = list_members(p, rows, list, MEMBERS_MAX);
    j.members = list;
    log_info("node_let_in", "node=%llu address=%s", (unsigned long long)a->node_id, i->peer_address);
    (void)peer_message_send(i->c, &m);
}

static void on_admitted(void *arg, enum err e, const Hsm__NodeAnswer *answer)
{
    struct admission *a = arg;
    struct peers *p = a->p;
    struct incoming *i = incoming_find(p, a->serial);

    free(a);
    if (e == ERR_OK && answer != NULL && answer->facts != NULL)
        (void)peers_facts(p, answer->facts, NULL); /* it has just become a member */
    if (i != NULL) {
        i->joining = false;
        if (e != ERR_OK || answer == NULL)
            refuse(i, e != ERR_OK ? e : ERR_BUG, err_text(e != ERR_OK ? e : ERR_BUG));
        else if (answer->error != ERR_OK)
            refuse(i, err_from_wire(answer->error),
                answer->detail[0] != '\0' ? answer->detail : err_text(err_from_wire(answer->error)));
        else
            welcome(i, answer);
    }
    peers_let_go(p);
}

bool admit_ask(struct incoming *i, const Hsm__PeerJoin *ask)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__JoinAdmit admit = HSM__JOIN_ADMIT__INIT;
    struct admission *a;

    if (i->joining || !peers_copy_address(i->peer_address, ask->peer_address) ||
        !peers_copy_address(i->client_address, ask->client_address) || i->peer_address[0] == '\0')
        return false;
    if (i->p->replica == NULL || i->p->facts == NULL || !replica_is_leader(i->p->replica)) {
        redirect(i);
        return true;
    }
    a = calloc(1, sizeof *a);
    if (a == NULL) {
        refuse(i, ERR_NO_MEMORY, err_text(ERR_NO_MEMORY));
        return true;
    }
    *a = (struct admission){.p = i->p, .serial = i->serial};
    i->joining = true;
    peers_hold(i->p);
    call.of_case = HSM__NODE_CALL__OF_JOIN_ADMIT;
    call.join_admit = &admit;
    admit.request = ask->request;
    i->p->setup.node_call(i->p->setup.arg, &call, on_admitted, a);
    return true;
}

/* ---- from the record into the configuration ---- */

static void on_added_here(void *arg)
{
    struct admission *a = arg;

    a->p->adding = false;
    a->p->add_at_ms = peers_now(a->p) + (a->outcome == REPLICA_DONE ? 0 : ADD_RETRY_MS);
    if (a->outcome == REPLICA_DONE)
        log_info("member_added", "node=%llu", (unsigned long long)a->id);
    else
        log_warning("member_not_added", "node=%llu why=\"%s\"", (unsigned long long)a->id,
            "it did not catch up, or the leader changed; it is tried again");
    free(a);
}

/* The replica's thread. */
static void on_added(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n)
{
    struct admission *a = arg;

    (void)index;
    (void)answer;
    (void)n;
    a->outcome = outcome;
    if (!mailbox_post(a->p->mailbox, on_added_here, a))
        free(a); /* `adding` stays: no memory, and nothing is lost but this leader's additions */
}

static bool is_voter(const struct peers *p, uint64_t id)
{
    const struct member *m = members_find(&p->status.members, id);
    return m != NULL && m->role == MEMBER_VOTER;
}

void admit_tick(struct peers *p)
{
    struct admission *a;

    if (p->replica == NULL || !p->status.leads || p->adding || peers_now(p) < p->add_at_ms)
        return;
    for (struct incoming *i = p->incoming; i != NULL; i = i->next) {
        if (i->kind != INCOMING_MEMBER || is_voter(p, i->id) || i->peer_address[0] == '\0')
            continue;
        a = calloc(1, sizeof *a);
        if (a == NULL)
            return;
        *a = (struct admission){.p = p, .id = i->id};
        p->adding = true;
        log_info("member_adding", "node=%llu address=%s", (unsigned long long)i->id, i->peer_address);
        replica_add(p->replica, i->id, i->peer_address, on_added, a);
        return;
    }
}
