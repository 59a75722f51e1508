/*
 * This node asks to be let in, again and again, until a member does:
 *
 *   dial an address -> hello, hello -> our vault signs a request to this very member -> PeerJoin
 *     -> refused: another leads: there next; else a little later at the next address, and the log says why
 *     -> PeerJoined: our vault opens the keys, the new node state is on disk -> the book knows the members -> joined()
 *
 * If the answer is lost, or this node dies before it has stored it, asking again has the same answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/log.h"
#include "daemon/peers_state.h"

enum { REMIND_MS = 60000 };

enum step { IDLE, DIALLING, GREETING, SIGNING, ASKING, TAKING };

struct join {
    struct peers *p;
    char addresses[JOIN_ADDRESSES_MAX][PEERS_ADDRESS_BYTES];
    size_t n, at;
    char leader[PEERS_ADDRESS_BYTES]; /* asked next; "" */
    enum step step;
    uint64_t step_ms, next_ms, said_ms;
    struct peer_dial *dial;
    struct connection *c;
    bool abandoned; /* freed by the last callback */
    unsigned calls; /* with the vault */
    uint8_t member[PEER_HASH_BYTES]; /* whom we ask: hash of its certificate */
    Hsm__PeerMessage *joined;
    char trouble[TROUBLE_BYTES];
};

static void step_to(struct join *j, enum step step)
{
    j->step = step;
    j->step_ms = peers_now(j->p);
}

static bool free_if_abandoned(struct join *j)
{
    struct peers *p = j->p;

    if (!j->abandoned || j->c != NULL || j->calls > 0)
        return false;
    if (j->joined != NULL)
        hsm__peer_message__free_unpacked(j->joined, NULL);
    free(j);
    peers_let_go(p);
    return true;
}

/* Each new trouble at once, an old one once a minute. */
static void complain(struct join *j, const char *text)
{
    uint64_t now = peers_now(j->p);

    if (strncmp(j->trouble, text, sizeof j->trouble - 1) == 0 && now - j->said_ms < REMIND_MS)
        return;
    snprintf(j->trouble, sizeof j->trouble, "%s", text);
    j->said_ms = now;
    log_warning("join_waits", "why=\"%s\"", j->trouble);
}

static void again(struct join *j, uint64_t in_ms)
{
    if (j->c != NULL)
        connection_end(j->c, "this attempt to join is over");
    step_to(j, IDLE);
    j->next_ms = peers_now(j->p) + in_ms;
}

/* ---- with our vault ---- */

static void send_request(struct join *j, const ProtobufCBinaryData *request)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerJoin ask = HSM__PEER_JOIN__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_JOIN;
    m.join = &ask;
    ask.request = *request;
    ask.client_address = (char *)(uintptr_t)j->p->setup.client_address;
    ask.peer_address = (char *)(uintptr_t)j->p->setup.peer_address;
    step_to(j, ASKING);
    (void)peer_message_send(j->c, &m);
}

/* ERR_OK, or what went wrong, said and to be tried again. */
static enum err check_answer(struct join *j, enum err e, const Hsm__NodeAnswer *answer)
{
    char text[TROUBLE_BYTES];

    if (e == ERR_OK)
        e = answer != NULL ? err_from_wire(answer->error) : ERR_BUG;
    if (e == ERR_OK)
        return e;
    snprintf(text, sizeof text, "this node's vault: %s %s", err_text(e),
        answer != NULL && answer->detail != NULL ? answer->detail : "");
    complain(j, text);
    again(j, JOIN_RETRY_MS);
    return e;
}

static void on_signed(void *arg, enum err e, const Hsm__NodeAnswer *answer)
{
    struct join *j = arg;

    j->calls--;
    if (free_if_abandoned(j) || j->step != SIGNING || j->c == NULL)
        return;
    if (check_answer(j, e, answer) == ERR_OK)
        send_request(j, &answer->ask);
}

static void sign_request(struct join *j)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__JoinAsk ask = HSM__JOIN_ASK__INIT;

    call.of_case = HSM__NODE_CALL__OF_JOIN_ASK;
    call.join_ask = &ask;
    ask.peer_certificate_hash.data = j->member;
    ask.peer_certificate_hash.len = sizeof j->member;
    step_to(j, SIGNING);
    j->calls++;
    j->p->setup.node_call(j->p->setup.arg, &call, on_signed, j);
}

static void know_members(struct peers *p, const Hsm__PeerJoined *m)
{
    for (size_t i = 0; i < m->n_members; i++) {
        const Hsm__PeerMember *one = m->members[i];
        if (one->node_id != 0 && one->fingerprint.len == PEER_HASH_BYTES)
            peer_book_know(p->book, one->node_id, one->fingerprint.data, one->peer_address, one->client_address);
    }
}

static void on_taken(void *arg, enum err e, const Hsm__NodeAnswer *answer)
{
    struct join *j = arg;
    struct peers *p = j->p;
    uint64_t id = j->joined->joined->node_id;

    j->calls--;
    if (free_if_abandoned(j) || check_answer(j, e, answer) != ERR_OK)
        return;
    know_members(p, j->joined->joined);
    if (answer->facts != NULL)
        (void)peers_facts(p, answer->facts, NULL);
    log_info("joined", "node=%llu", (unsigned long long)id);
    join_end(p);
    p->setup.joined(p->setup.arg, id);
}

static void take_joined(struct join *j)
{
    const Hsm__PeerJoined *m = j->joined->joined;
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__JoinTake take = HSM__JOIN_TAKE__INIT;

    call.of_case = HSM__NODE_CALL__OF_JOIN_TAKE;
    call.join_take = &take;
    take.sealed_keys = m->sealed_keys;
    take.sender_node_certificate = m->node_certificate;
    take.sender_manufacturer_hardware = m->manufacturer_hardware;
    take.sender_operator_hardware = m->operator_hardware;
    take.node_id = m->node_id;
    step_to(j, TAKING);
    j->calls++;
    j->p->setup.node_call(j->p->setup.arg, &call, on_taken, j);
}

/* ---- with a member ---- */

static void take_refused(struct join *j, const Hsm__PeerRefused *r)
{
    enum err e = err_from_wire(r->error);
    char text[TROUBLE_BYTES], fingerprint[2 * PEER_HASH_BYTES + 1] = "FINGERPRINT";

    if (e == ERR_TRY_ANOTHER && peers_copy_address(j->leader, r->leader_address) && j->leader[0] != '\0') {
        again(j, 0);
        return;
    }
    if (e == ERR_GRANT && j->p->facts != NULL && j->p->facts->fingerprint.len == PEER_HASH_BYTES)
        hex_encode(j->p->facts->fingerprint.data, PEER_HASH_BYTES, fingerprint);
    if (e == ERR_GRANT)
        snprintf(text, sizeof text, "this node has no leave to join; an admin of the cluster runs: hsmctl cluster grant %s",
            fingerprint);
    else
        snprintf(text, sizeof text, "a member refuses this node: %s: %s", err_name(e), r->detail);
    complain(j, text);
    again(j, JOIN_RETRY_MS);
}

static bool take_hello(struct join *j, const Hsm__PeerHello *h)
{
    if (h->version != PEER_VERSION) {
        complain(j, "the member speaks another version of the protocol between nodes; upgrade the older of the two");
        again(j, JOIN_RETRY_MS);
        return true;
    }
    if (h->node_id == 0 || connection_peer(j->c) == NULL ||
        !peer_hash_certificate(j->p->setup.libctx, connection_peer(j->c), j->member))
        return false;
    sign_request(j);
    return true;
}

static bool take(struct join *j, Hsm__PeerMessage **m)
{
    if ((*m)->of_case == HSM__PEER_MESSAGE__OF_REFUSED) {
        take_refused(j, (*m)->refused);
    } else if (j->step == GREETING && (*m)->of_case == HSM__PEER_MESSAGE__OF_HELLO) {
        return take_hello(j, (*m)->hello);
    } else if (j->step == ASKING && (*m)->of_case == HSM__PEER_MESSAGE__OF_JOINED && (*m)->joined->node_id != 0) {
        if (j->joined != NULL)
            hsm__peer_message__free_unpacked(j->joined, NULL);
        j->joined = *m;
        *m = NULL; /* transferred */
        take_joined(j);
    } else {
        return false;
    }
    return true;
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    Hsm__PeerMessage *m = peer_message_read(bytes, n);
    bool ok = m != NULL && take(owner, &m);

    (void)c;
    if (m != NULL)
        hsm__peer_message__free_unpacked(m, NULL);
    return ok;
}

static void on_open(void *owner, struct connection *c)
{
    struct join *j = owner;
    step_to(j, GREETING);
    (void)hello_send(j->p, c, false);
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct join *j = owner;
    char text[TROUBLE_BYTES];

    (void)c;
    j->c = NULL;
    if (free_if_abandoned(j) || j->step == IDLE || j->step == TAKING)
        return;
    snprintf(text, sizeof text, "the member was lost or not reached: %s", reason);
    complain(j, text);
    again(j, JOIN_RETRY_MS);
}

static const struct connection_events events = {.open = on_open, .frame = on_frame, .closed = on_closed};

static void on_dialled(void *arg, struct connection *c, const char *reason)
{
    struct join *j = arg;
    char text[TROUBLE_BYTES];

    j->dial = NULL;
    j->c = c;
    if (c != NULL)
        return;
    snprintf(text, sizeof text, "the member is not reached: %s", reason);
    complain(j, text);
    again(j, JOIN_RETRY_MS);
}

static void dial(struct join *j)
{
    struct connection_setup setup = {.loop = j->p->loop, .tls = peer_trust_context(j->p->trust, TLS_CLIENT), .dialled = true,
        .limits = peers_limits(), .events = &events, .owner = j};
    char address[PEERS_ADDRESS_BYTES];
    struct diag why = {0};

    snprintf(address, sizeof address, "%s", j->leader[0] != '\0' ? j->leader : j->addresses[j->at]);
    if (j->leader[0] == '\0')
        j->at = (j->at + 1) % j->n;
    j->leader[0] = '\0';
    step_to(j, DIALLING);
    if (setup.tls != NULL)
        j->dial = peer_dial(&setup, address, on_dialled, j, &why);
    if (j->dial == NULL) {
        complain(j, setup.tls != NULL ? why.what : "this node is not provisioned yet: run hsmctl node provision");
        again(j, JOIN_RETRY_MS);
    }
}

void join_tick(struct peers *p)
{
    struct join *j = p->join;
    uint64_t now = peers_now(p);

    if (j == NULL || j->c != NULL || j->dial != NULL || j->calls > 0) {
        if (j != NULL && j->step != IDLE && now - j->step_ms > JOIN_MS_MAX && j->c != NULL) {
            complain(j, "the member does not answer");
            again(j, JOIN_RETRY_MS);
        }
        return;
    }
    if (now >= j->next_ms)
        dial(j);
}

void join_end(struct peers *p)
{
    struct join *j = p->join;

    if (j == NULL)
        return;
    p->join = NULL;
    j->abandoned = true;
    if (j->dial != NULL)
        peer_dial_cancel(j->dial);
    if (j->c != NULL)
        connection_end(j->c, "no more asking to join");
    (void)free_if_abandoned(j);
}

const char *join_trouble(const struct join *j)
{
    return j->trouble;
}

bool peers_join(struct peers *p, const char *const *addresses, size_t n, struct diag *why)
{
    struct join *j;

    if (p->replica != NULL) {
        diag_set(why, "this node is a member of a cluster already");
        diag_remedy(why, "for another cluster empty its data folder first");
        return false;
    }
    if (peer_trust_context(p->trust, TLS_CLIENT) == NULL) {
        diag_set(why, "this node is not provisioned yet, so no member could know it");
        diag_remedy(why, "have hsm-provision issue its hardware certificates, then run hsmctl node provision");
        return false;
    }
    j = n > 0 && n <= JOIN_ADDRESSES_MAX ? calloc(1, sizeof *j) : NULL;
    if (j == NULL) {
        diag_set(why, n == 0 || n > JOIN_ADDRESSES_MAX ? "give 1 to %u addresses of members" : "out of memory", JOIN_ADDRESSES_MAX);
        return false;
    }
    j->p = p;
    for (j->n = 0; j->n < n; j->n++)
        if (!peers_copy_address(j->addresses[j->n], addresses[j->n]) || strchr(addresses[j->n], ':') == NULL) {
            diag_set(why, "\"%.100s\" is no address of a node", addresses[j->n]);
            diag_remedy(why, "write host:port");
            free(j);
            return false;
        }
    join_end(p);
    peers_hold(p);
    p->join = j;
    return true;
}
