#include "daemon/replica/core_state.h"

#include <string.h>

_Static_assert((int)RECORD_COMMAND == RAFT_COMMAND && (int)RECORD_BARRIER == RAFT_BARRIER &&
                   (int)RECORD_MEMBERS == RAFT_CHANGE, "entries keep libraft's numbers");
_Static_assert((int)MEMBER_STANDBY == RAFT_STANDBY && (int)MEMBER_VOTER == RAFT_VOTER &&
                   (int)MEMBER_SPARE == RAFT_SPARE, "roles keep libraft's numbers");
_Static_assert((int)MESSAGE_APPEND == RAFT_APPEND_ENTRIES && (int)MESSAGE_APPEND_RESULT == RAFT_APPEND_ENTRIES_RESULT &&
                   (int)MESSAGE_VOTE == RAFT_REQUEST_VOTE && (int)MESSAGE_VOTE_RESULT == RAFT_REQUEST_VOTE_RESULT &&
                   (int)MESSAGE_INSTALL == RAFT_INSTALL_SNAPSHOT && (int)MESSAGE_TIMEOUT_NOW == RAFT_TIMEOUT_NOW,
               "messages keep libraft's numbers");

void core_to_raft(const struct message *m, struct raft_message *r)
{
    memset(r, 0, sizeof *r);
    r->type = (enum raft_message_type)m->kind;
    switch (m->kind) {
    case MESSAGE_APPEND:
        r->append_entries.version = m->version;
        r->append_entries.term = m->term;
        r->append_entries.prev_log_index = m->index;
        r->append_entries.prev_log_term = m->index_term;
        r->append_entries.leader_commit = m->commit;
        break;
    case MESSAGE_APPEND_RESULT:
        r->append_entries_result.version = m->version;
        r->append_entries_result.term = m->term;
        r->append_entries_result.rejected = m->rejected;
        r->append_entries_result.last_log_index = m->index;
        r->append_entries_result.features = m->features;
        r->append_entries_result.capacity = m->capacity;
        break;
    case MESSAGE_VOTE:
        r->request_vote.version = m->version;
        r->request_vote.term = m->term;
        r->request_vote.candidate_id = m->candidate;
        r->request_vote.last_log_index = m->index;
        r->request_vote.last_log_term = m->index_term;
        r->request_vote.disrupt_leader = m->disrupt_leader;
        r->request_vote.pre_vote = m->pre_vote;
        break;
    case MESSAGE_VOTE_RESULT:
        r->request_vote_result.version = m->version;
        r->request_vote_result.term = m->term;
        r->request_vote_result.vote_granted = m->granted;
        r->request_vote_result.pre_vote = m->pre_vote;
        r->request_vote_result.features = m->features;
        r->request_vote_result.capacity = m->capacity;
        break;
    case MESSAGE_INSTALL:
        r->install_snapshot.version = m->version;
        r->install_snapshot.term = m->term;
        r->install_snapshot.last_index = m->index;
        r->install_snapshot.last_term = m->index_term;
        break;
    case MESSAGE_TIMEOUT_NOW:
        r->timeout_now.version = m->version;
        r->timeout_now.term = m->term;
        r->timeout_now.last_log_index = m->index;
        r->timeout_now.last_log_term = m->index_term;
        break;
    case MESSAGE_LEASE:
    case MESSAGE_KINDS:
        break;
    }
}

void core_from_raft(const struct raft_message *r, struct message *m)
{
    memset(m, 0, sizeof *m);
    m->kind = (enum message_kind)r->type;
    switch (r->type) {
    case RAFT_APPEND_ENTRIES:
        m->version = r->append_entries.version;
        m->term = r->append_entries.term;
        m->index = r->append_entries.prev_log_index;
        m->index_term = r->append_entries.prev_log_term;
        m->commit = r->append_entries.leader_commit;
        break;
    case RAFT_APPEND_ENTRIES_RESULT:
        m->version = r->append_entries_result.version;
        m->term = r->append_entries_result.term;
        m->rejected = r->append_entries_result.rejected;
        m->index = r->append_entries_result.last_log_index;
        m->features = r->append_entries_result.features;
        m->capacity = r->append_entries_result.capacity;
        break;
    case RAFT_REQUEST_VOTE:
        m->version = r->request_vote.version;
        m->term = r->request_vote.term;
        m->candidate = r->request_vote.candidate_id;
        m->index = r->request_vote.last_log_index;
        m->index_term = r->request_vote.last_log_term;
        m->disrupt_leader = r->request_vote.disrupt_leader;
        m->pre_vote = r->request_vote.pre_vote;
        break;
    case RAFT_REQUEST_VOTE_RESULT:
        m->version = r->request_vote_result.version;
        m->term = r->request_vote_result.term;
        m->granted = r->request_vote_result.vote_granted;
        m->pre_vote = r->request_vote_result.pre_vote;
        m->features = r->request_vote_result.features;
        m->capacity = r->request_vote_result.capacity;
        break;
    case RAFT_INSTALL_SNAPSHOT:
        m->version = r->install_snapshot.version;
        m->term = r->install_snapshot.term;
        m->index = r->install_snapshot.last_index;
        m->index_term = r->install_snapshot.last_term;
        break;
    case RAFT_TIMEOUT_NOW:
        m->version = r->timeout_now.version;
        m->term = r->timeout_now.term;
        m->index = r->timeout_now.last_log_index;
        m->index_term = r->timeout_now.last_log_term;
        break;
    }
}

void core_decode_members(struct core *c, const struct record *rec, struct raft_configuration *out)
{
    struct members m;
    unsigned i;

    raft_configuration_init(out);
    if (!members_decode(rec->data, rec->len, &m))
        c->host->fatal(c->data, "a stored change of members is malformed");
    for (i = 0; i < m.n; i++)
        if (raft_configuration_add(out, m.member[i].id, m.member[i].address, (int)m.member[i].role) != 0)
            c->host->fatal(c->data, "the library refuses stored members");
}

void core_members_of(const struct raft_configuration *conf, struct members *m)
{
    unsigned i;
    memset(m, 0, sizeof *m);
    for (i = 0; i < conf->n; i++)
        members_add(m, conf->servers[i].id, conf->servers[i].address, (enum member_role)conf->servers[i].role);
}

struct raft_entry *core_entries_new(struct record *const *rec, size_t n)
{
    struct raft_entry *entries = raft_calloc(n, sizeof *entries);
    uint8_t *cursor;
    size_t bytes = 0, i;

    for (i = 0; i < n; i++)
        bytes += rec[i]->len;
    cursor = raft_malloc(bytes > 0 ? bytes : 1);
    if (entries == NULL || cursor == NULL) {
        raft_free(entries);
        raft_free(cursor);
        return NULL;
    }
    for (i = 0; i < n; i++) {
        entries[i].term = rec[i]->term;
        entries[i].type = (enum raft_entry_type)rec[i]->kind;
        entries[i].buf.base = cursor;
        entries[i].buf.len = rec[i]->len;
        entries[i].batch = i == 0 ? cursor : entries[0].batch;
        memcpy(cursor, rec[i]->data, rec[i]->len);
        cursor += rec[i]->len;
    }
    return entries;
}
