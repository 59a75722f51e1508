#include "daemon/local.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/net/listener.h"
#include "daemon/peers.h"
#include "daemon/public_facts.h"
#include "daemon/status.h"
#include "proto/frame.h"
#include "proto/limits.h"

enum { FIRST_FRAME_MS_MAX = 30000, STALL_MS_MAX = 30000 };

/* One request; lives until the vault has answered, also where nobody waits any more. */
struct job {
    struct job *next, **at;
    struct local *local;
    struct connection *connection; /* NULL: gone */
    uint64_t exchange;
};

struct local {
    struct local_setup setup;
    struct listener *listener;
    struct job *jobs;
};

/* ---- the answer ---- */

static void put_reply(struct job *j, Hsm__LocalReply *reply)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct buffer payload = {0}, out = {0};
    uint8_t *into = buffer_extend(&payload, hsm__local_reply__get_packed_size(reply));

    header.kind = HSM__FRAME_KIND__FRAME_LOCAL_REPLY;
    header.exchange = j->exchange;
    if (into != NULL)
        hsm__local_reply__pack(reply, into);
    if (into != NULL && frame_put(&out, &header, payload.data, payload.len))
        (void)connection_send(j->connection, out.data, out.len);
    else
        connection_end(j->connection, "no memory for a reply, or it is too long");
    buffer_clear(&payload);
    buffer_clear(&out);
}

/* For people, also where nothing is wrong with the question: what keeps a joiner out. */
static const char *word_of(const struct node *n, enum err e, const char *detail)
{
    if (detail != NULL && detail[0] != '\0')
        return detail;
    if (e != ERR_OK)
        return err_text(e);
    return n->peers != NULL ? peers_join_trouble(n->peers) : "";
}

/* The job is gone then. detail NULL or empty: the error's own text. */
static void answer(struct job *j, enum err e, const char *detail)
{
    struct node *n = j->local->setup.node;
    const struct facts_view *view = public_facts_view(n->facts);
    Hsm__LocalReply reply = HSM__LOCAL_REPLY__INIT;
    struct buffer status = {0};

    if (j->connection != NULL) {
        reply.error = (uint32_t)e;
        reply.detail = (char *)(uintptr_t)word_of(n, e, detail);
        reply.facts = (Hsm__NodeFacts *)(uintptr_t)view->facts;
        if (status_reply(n, &status))
            reply.status = (ProtobufCBinaryData){.data = status.data, .len = status.len};
        put_reply(j, &reply);
        connection_release(j->connection);
    }
    public_facts_view_end(n->facts, view);
    buffer_clear(&status);
    *j->at = j->next;
    if (j->next != NULL)
        j->next->at = j->at;
    free(j);
}

static void on_node_answer(void *arg, enum err e, const Hsm__NodeAnswer *a)
{
    answer(arg, e == ERR_OK ? err_from_wire(a->error) : e, e == ERR_OK ? a->detail : NULL);
}

/* ---- what can be asked when: the sentence for who asks too early or too late; NULL: now */

static const char *no_csr(const Hsm__NodeFacts *f)
{
    if (f->locked)
        return err_text(ERR_VAULT_LOCKED);
    if (f->cluster_csr.len > 0)
        return NULL;
    if (strcmp(f->state, "unprovisioned") == 0)
        return "this node is not provisioned yet: have hsm-provision issue its hardware certificates, then run hsmctl node provision";
    if (strcmp(f->state, "provisioned") == 0)
        return "this node belongs to no cluster yet: start it with hsmd --create for a new one, or let it join with hsmctl node join";
    return "this node has no certificate request: ask the node that created the cluster";
}

static const char *no_initialize(const Hsm__NodeFacts *f)
{
    if (strcmp(f->state, "initialized") == 0 || strcmp(f->state, "active") == 0)
        return "the cluster is initialized already: its owner has signed its request and given his authorities";
    return no_csr(f);
}

static const char *no_provision(const Hsm__NodeFacts *f)
{
    if (f->locked)
        return err_text(ERR_VAULT_LOCKED);
    if (f->state[0] == '\0')
        return "the vault has not said yet what this node is: ask again in a moment";
    if (strcmp(f->state, "unprovisioned") != 0)
        return "this node is provisioned already: for other certificates start it with an empty data folder";
    return f->hardware_csr.len > 0 ? NULL : "the hardware key is being made: ask again in a moment";
}

/* What else keeps a node from joining, peers_join knows. */
static const char *no_join(const Hsm__NodeFacts *f)
{
    return f->locked ? err_text(ERR_VAULT_LOCKED) : NULL;
}

/* True: it was too early or too late, and the job is answered. */
static bool turned_away(struct job *j, const char *(*rule)(const Hsm__NodeFacts *))
{
    const struct facts_view *view = public_facts_view(j->local->setup.node->facts);
    const char *text = rule(view->facts);
    enum err e = view->facts->locked ? ERR_VAULT_LOCKED : ERR_WRONG_STATE;

    public_facts_view_end(j->local->setup.node->facts, view);
    if (text != NULL)
        answer(j, e, text);
    return text != NULL;
}

/* ---- the questions ---- */

static void initialize(struct job *j, const Hsm__LocalInitialize *r)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__ClusterInitialize wanted = HSM__CLUSTER_INITIALIZE__INIT;

    if (turned_away(j, no_initialize))
        return;
    wanted.cluster_certificate = r->cluster_certificate;
    wanted.customer_anchor = r->customer_anchor;
    wanted.client_anchor = r->client_anchor;
    wanted.clients_pin = r->clients_pin;
    call.of_case = HSM__NODE_CALL__OF_INITIALIZE;
    call.initialize = &wanted;
    life_call(j->local->setup.node->life, &call, on_node_answer, j);
}

static void provision(struct job *j, const Hsm__LocalProvision *r)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeCertify certify = HSM__NODE_CERTIFY__INIT;

    if (turned_away(j, no_provision))
        return;
    certify.manufacturer_certificate = r->manufacturer_certificate;
    certify.manufacturer_root = r->manufacturer_root;
    certify.operator_certificate = r->operator_certificate;
    certify.operator_root = r->operator_root;
    call.of_case = HSM__NODE_CALL__OF_CERTIFY;
    call.certify = &certify;
    life_call(j->local->setup.node->life, &call, on_node_answer, j);
}

static void join(struct job *j, const Hsm__LocalJoin *r)
{
    struct local *l = j->local;
    struct diag why = {0};
    char text[DIAG_WHAT_BYTES + DIAG_WHERE_BYTES + DIAG_REMEDY_BYTES + 32];
    enum err e = ERR_NOT_SUPPORTED;

    if (turned_away(j, no_join))
        return;
    if (l->setup.join != NULL)
        e = l->setup.join(l->setup.arg, r, &why);
    answer(j, e, diag_text(&why, text, sizeof text));
}

static void take(struct job *j, const Hsm__LocalRequest *r)
{
    switch ((int)r->of_case) {
    case HSM__LOCAL_REQUEST__OF_STATUS:
        answer(j, ERR_OK, NULL);
        break;
    case HSM__LOCAL_REQUEST__OF_CSR:
        if (!turned_away(j, no_csr))
            answer(j, ERR_OK, NULL);
        break;
    case HSM__LOCAL_REQUEST__OF_INITIALIZE:
        initialize(j, r->initialize);
        break;
    case HSM__LOCAL_REQUEST__OF_PROVISION:
        provision(j, r->provision);
        break;
    case HSM__LOCAL_REQUEST__OF_JOIN:
        join(j, r->join);
        break;
    default:
        answer(j, ERR_NOT_SUPPORTED, NULL);
        break;
    }
}

static bool begin(struct local *l, struct connection *c, const struct frame *f)
{
    Hsm__LocalRequest *r = NULL;
    struct job *j = NULL;

    if (f->header->kind == HSM__FRAME_KIND__FRAME_LOCAL)
        r = hsm__local_request__unpack(NULL, f->payload_len, f->payload);
    if (r != NULL)
        j = calloc(1, sizeof *j);
    if (j != NULL) {
        *j = (struct job){.next = l->jobs, .at = &l->jobs, .local = l, .connection = c, .exchange = f->header->exchange};
        if (j->next != NULL)
            j->next->at = &j->next;
        l->jobs = j;
        connection_hold(c);
        take(j, r);
    }
    if (r != NULL)
        hsm__local_request__free_unpacked(r, NULL);
    return j != NULL;
}

/* ---- the connections ---- */

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct frame f = {0};
    size_t taken = 0;
    bool ok = frame_decode(bytes, n, &f, &taken) == ERR_OK && taken == n && begin(owner, c, &f);

    frame_clear(&f);
    return ok;
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct local *l = owner;
    (void)reason;

    for (struct job *j = l->jobs; j != NULL; j = j->next)
        if (j->connection == c)
            j->connection = NULL;
}

static const struct connection_events events = {.frame = on_frame, .closed = on_closed};

struct local *local_open(const struct local_setup *setup, struct diag *why)
{
    struct local *l = calloc(1, sizeof *l);
    struct connection_setup c = {.loop = setup->loop, .events = &events, .owner = l,
        .limits = {.frame_bytes_max = FRAME_BYTES_MAX, .out_bytes_max = CONNECTION_OUT_BYTES_MAX, .pending_max = LOCAL_PENDING_MAX,
            .handshake_ms_max = FIRST_FRAME_MS_MAX, .stall_ms_max = STALL_MS_MAX}};

    if (l == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    l->setup = *setup;
    l->listener = listener_open_local(&c, setup->node->settings->listen_socket, LOCAL_CONNECTIONS_MAX, why);
    if (l->listener == NULL) {
        free(l);
        return NULL;
    }
    return l;
}

/* Jobs that the vault has not answered: the life that would have is gone. */
static void on_gone(void *arg)
{
    struct local *l = arg;

    while (l->jobs != NULL) {
        struct job *j = l->jobs;
        l->jobs = j->next;
        free(j);
    }
    free(l);
}

void local_close(struct local *l)
{
    if (l != NULL)
        listener_close(l->listener, on_gone, l);
}
