#include "daemon/status.h"

#include <string.h>

#include "daemon/public_facts.h"
#include "daemon/replica/replica.h"
#include "proto/frame.pb-c.h"
#include "proto/request.pb-c.h"

/* The members as rows, in memory of the caller's. */
struct rows {
    size_t n;
    Hsm__NodeStatus row[MEMBERS_MAX], *list[MEMBERS_MAX];
    char role[MEMBERS_MAX][16];
};

static void fill_own(struct rows *rows, struct node *n, const Hsm__NodeFacts *facts, const struct replica_status *status)
{
    Hsm__NodeStatus *row = &rows->row[0];

    rows->n = 1;
    rows->list[0] = row;
    hsm__node_status__init(row);
    row->id = facts->node_id;
    row->address = n->client_address;
    row->role = (char *)(status->leads ? "leader" : "voter");
    row->connected = true;
    row->applied = status->applied;
    row->fingerprint = facts->fingerprint;
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
    char *members[] = {n->client_address};
    bool ok;

    w.version = version;
    w.cluster_id = facts->cluster_id;
    w.node_id = facts->node_id;
    w.state = facts->state;
    w.statement = facts->login_statement;
    w.statement_signature = facts->login_statement_signature;
    w.applied = n->replica != NULL ? replica_applied(n->replica) : 0;
    w.members = members;
    w.n_members = 1;
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
    struct rows rows = {0};
    bool ok;

    if (n->replica != NULL)
        replica_status(n->replica, &status);
    reply.state = facts->state;
    reply.cluster_id = facts->cluster_id;
    reply.node_id = facts->node_id;
    reply.leader_id = status.leader;
    reply.term = status.term;
    reply.commit = status.commit;
    if (n->replica != NULL)
        fill_own(&rows, n, facts, &status);
    reply.nodes = rows.list;
    reply.n_nodes = rows.n;
    ok = append(out, &reply.base);
    public_facts_view_end(n->facts, view);
    return ok;
}
