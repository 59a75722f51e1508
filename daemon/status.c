#include "daemon/status.h"

#include <string.h>

#include "daemon/peers.h"
#include "daemon/public_facts.h"
#include "daemon/replica/replica.h"
#include "proto/frame.pb-c.h"
#include "proto/request.pb-c.h"

/* The members, this node first where it knows no other. */
struct rows {
    size_t n;
    struct peers_status member[MEMBERS_MAX];
    Hsm__NodeStatus row[MEMBERS_MAX], *list[MEMBERS_MAX];
};

static void add_own(struct rows *rows, const struct node *n, const Hsm__NodeFacts *facts)
{
    struct peers_status *own = &rows->member[rows->n++];

    *own = (struct peers_status){.id = facts->node_id, .connected = true, .role = "voter"};
    if (replica_is_leader(n->replica))
        own->role = "leader";
    own->applied = replica_applied(n->replica);
    memcpy(own->client_address, n->client_address, sizeof own->client_address);
    own->has_fingerprint = facts->fingerprint.len == sizeof own->fingerprint;
    if (own->has_fingerprint)
        memcpy(own->fingerprint, facts->fingerprint.data, sizeof own->fingerprint);
}

static void read_members(struct rows *rows, const struct node *n, const Hsm__NodeFacts *facts)
{
    rows->n = 0;
    if (n->replica == NULL)
        return;
    if (n->peers != NULL)
        rows->n = peers_status(n->peers, rows->member);
    if (rows->n == 0)
        add_own(rows, n, facts);
}

static void fill_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct peers_status *m = &rows->member[i];
        Hsm__NodeStatus *row = rows->list[i] = &rows->row[i];
        hsm__node_status__init(row);
        row->id = m->id;
        row->address = (char *)(uintptr_t)m->client_address;
        row->role = (char *)(uintptr_t)m->role;
        row->connected = m->connected;
        row->applied = m->applied;
        if (m->has_fingerprint)
            row->fingerprint = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)m->fingerprint, .len = sizeof m->fingerprint};
    }
}

/* As people call it: the vault does not know who is there. */
static char *state_of(const struct node *n, const Hsm__NodeFacts *facts)
{
    bool degraded = n->peers != NULL && n->replica != NULL && strcmp(facts->state, "active") == 0 && peers_degraded(n->peers);
    return degraded ? (char *)(uintptr_t)"degraded" : facts->state;
}

static bool append(struct buffer *out, const ProtobufCMessage *m)
{
    uint8_t *into = buffer_extend(out, protobuf_c_message_get_packed_size(m));
    if (into != NULL)
        protobuf_c_message_pack(m, into);
    return into != NULL;
}

bool status_welcome(struct node *n, uint32_t version, struct buffer *out)
{
    const struct facts_view *view = public_facts_view(n->facts);
    const Hsm__NodeFacts *facts = view->facts;
    Hsm__Welcome w = HSM__WELCOME__INIT;
    char *members[MEMBERS_MAX];
    struct rows rows;
    bool ok;

    read_members(&rows, n, facts);
    for (size_t i = 0; i < rows.n; i++)
        if (rows.member[i].client_address[0] != '\0')
            members[w.n_members++] = rows.member[i].client_address;

    w.version = version;
    w.cluster_id = facts->cluster_id;
    w.node_id = facts->node_id;
    w.state = state_of(n, facts);
    w.statement = facts->login_statement;
    w.statement_signature = facts->login_statement_signature;
    w.applied = n->replica != NULL ? replica_applied(n->replica) : 0;
    w.members = members;
    ok = append(out, &w.base);
    public_facts_view_end(n->facts, view);
    return ok;
}

bool status_reply(struct node *n, struct buffer *out)
{
    const struct facts_view *view = public_facts_view(n->facts);
    const Hsm__NodeFacts *facts = view->facts;
    Hsm__StatusReply reply = HSM__STATUS_REPLY__INIT;
    struct replica_status status = {0};
    struct rows rows;
    bool ok;

    if (n->replica != NULL)
        replica_status(n->replica, &status);
    reply.state = state_of(n, facts);
    reply.cluster_id = facts->cluster_id;
    reply.node_id = facts->node_id;
    reply.leader_id = status.leader;
    reply.term = status.term;
    reply.commit = status.commit;
    read_members(&rows, n, facts);
    fill_rows(&rows);
    reply.nodes = rows.list;
    reply.n_nodes = rows.n;
    ok = append(out, &reply.base);
    public_facts_view_end(n->facts, view);
    return ok;
}
