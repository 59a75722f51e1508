#include "tests/unit/route_world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/public_facts.h"
#include "daemon/replica/replica.h"
#include "daemon/state.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/request.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

static char *folder;
static struct node_settings settings = {.election_timeout_ms = 200, .lease_ms = 800};
struct node world_node;
static uv_loop_t loop;
static struct mailbox *mailbox;
static struct vault_link *vlink;
static struct errands *errands;
struct route *world_router;
struct fake_vault *world_vault;
static struct fake_vault *checker;
static int check_fd;

struct world_seen world_seen;
struct world_end world_ends[WORLD_CLIENTS];

#define COUNT(field) __atomic_fetch_add(&world_seen.field, 1, __ATOMIC_SEQ_CST)

static void on_check(void *arg, struct fake_vault *v, const Hsm__VaultCall *call)
{
    Hsm__NodeAnswer answer = HSM__NODE_ANSWER__INIT;
    uint8_t good[REPLICA_BATCH_COMMANDS_MAX];
    (void)arg;
    memset(good, 1, sizeof good);
    if (call->of_case == HSM__VAULT_CALL__OF_CHECK)
        fake_vault_verdict(v, call->call, good, call->check->n_commands);
    else
        fake_vault_node(v, call->call, &answer);
}

static void on_request(struct fake_vault *v, const Hsm__VaultCall *call)
{
    const Hsm__RequestCall *r = call->request;
    char text[32] = "";

    COUNT(requests);
    memcpy(text, r->body.data, r->body.len < sizeof text ? r->body.len : sizeof text - 1);
    world_seen.named_record = r->facts->n_records > 0;
    world_seen.named_absent = r->facts->n_absent > 0;
    world_seen.repeated_id = r->facts->repeated_id;
    world_seen.has_status = r->facts->status.len > 0;
    if (WORLD_SEEN(holds)) {
        __atomic_store_n(&world_seen.held[world_seen.n_held], call->call, __ATOMIC_SEQ_CST);
        COUNT(n_held);
    } else if (strncmp(text, "refuse", 6) == 0) {
        fake_vault_refused(v, call->call, ERR_FORGED);
    } else if (strncmp(text, "need", 4) == 0) {
        fake_vault_need(v, call->call, 77);
    } else if (strncmp(text, "propose", 7) == 0) {
        fake_vault_propose(v, call->call, world_seen.command, world_seen.command_bytes);
        if (strcmp(text, "propose, refuse") == 0)
            fake_vault_refused(v, call->call, ERR_FORGED);
    } else {
        fake_vault_reply(v, call->call, text, 0, 0);
    }
}

static void on_call(void *arg, struct fake_vault *v, const Hsm__VaultCall *call)
{
    (void)arg;
    switch ((int)call->of_case) {
    case HSM__VAULT_CALL__OF_CHANNEL_OPEN:
        COUNT(opens);
        fake_vault_opened(v, call->call);
        break;
    case HSM__VAULT_CALL__OF_CHANNEL_CLOSE:
        COUNT(closes);
        fake_vault_dropped(v, call->call);
        break;
    case HSM__VAULT_CALL__OF_REQUEST:
        on_request(v, call);
        break;
    case HSM__VAULT_CALL__OF_FACTS:
        world_seen.needed = call->facts->n_absent == 1 ? call->facts->absent[0] : 0;
        COUNT(facts);
        fake_vault_reply(v, call->call, "needed", 77, 0);
        break;
    case HSM__VAULT_CALL__OF_OUTCOME:
        COUNT(outcomes);
        fake_vault_reply(v, call->call, "changed", 0, 0);
        break;
    case HSM__VAULT_CALL__OF_DROP:
        COUNT(drops);
        fake_vault_dropped(v, call->call);
        break;
    default:
        ck_abort_msg("the front sent a call of kind %d", (int)call->of_case);
    }
}

/* ---- turns ---- */

static void take_in(unsigned i)
{
    uint8_t bytes[65536];
    ssize_t n;
    if (world_ends[i].fd < 0 || world_ends[i].ended)
        return;
    while ((n = recv(world_ends[i].fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ck_assert(buffer_put(&world_ends[i].in, bytes, (size_t)n));
    world_ends[i].ended = n == 0 || (n < 0 && errno == ECONNRESET);
}

void world_turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < WORLD_CLIENTS; i++)
        take_in(i);
    usleep(500);
}

void world_turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        world_turn();
}

/* ---- a client ---- */

void end_say(unsigned i, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    while (n > 0 && !world_ends[i].ended) {
        ssize_t sent = send(world_ends[i].fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
        } else if (errno == EPIPE) {
            break;
        }
        world_turn();
    }
}

void end_say_frame(unsigned i, const Hsm__FrameHeader *header, const void *payload, size_t n)
{
    struct buffer out = {0};
    ck_assert(frame_put(&out, header, payload, n));
    end_say(i, out.data, out.len);
    buffer_clear(&out);
}

void end_hello(unsigned i, uint32_t min, uint32_t max)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    Hsm__Hello h = HSM__HELLO__INIT;
    uint8_t packed[64];
    header.kind = HSM__FRAME_KIND__FRAME_HELLO;
    h.version_min = min;
    h.version_max = max;
    end_say_frame(i, &header, packed, hsm__hello__pack(&h, packed));
}

void end_open_channel(unsigned i)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    header.kind = HSM__FRAME_KIND__FRAME_OPEN;
    header.exchange = 900;
    end_say_frame(i, &header, "first", 5);
}

Hsm__FrameHeader end_request_header(uint64_t exchange, uint32_t number)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.exchange = exchange;
    header.counter = 1000 + exchange;
    header.request = number;
    return header;
}

void end_ask(unsigned i, uint64_t exchange, const char *text)
{
    Hsm__FrameHeader header = end_request_header(exchange, REQUEST_sign);
    end_say_frame(i, &header, text, strlen(text));
}

void end_ask_change(unsigned i, uint64_t exchange, const char *text)
{
    Hsm__FrameHeader header = end_request_header(exchange, REQUEST_destroy);
    uint8_t id[16] = "request-of-test";
    header.request_id = (ProtobufCBinaryData){.data = id, .len = sizeof id};
    end_say_frame(i, &header, text, strlen(text));
}

/* Bytes of the first whole frame; 0: there is none yet. */
static size_t whole_frame(unsigned i)
{
    struct frame f = {0};
    size_t taken = 0;
    ck_assert_int_eq(frame_decode(world_ends[i].in.data, world_ends[i].in.len, &f, &taken), ERR_OK);
    frame_clear(&f);
    return taken;
}

struct frame end_next_frame(unsigned i)
{
    static struct buffer kept[WORLD_CLIENTS];
    struct frame f = {0};
    size_t taken;
    WORLD_UNTIL(whole_frame(i) > 0);
    taken = whole_frame(i);
    buffer_clear(&kept[i]);
    buffer_put(&kept[i], world_ends[i].in.data, taken);
    buffer_drop(&world_ends[i].in, taken);
    ck_assert_int_eq(frame_decode(kept[i].data, kept[i].len, &f, &taken), ERR_OK);
    return f;
}

void end_expect(unsigned i, Hsm__FrameKind kind, uint64_t exchange, uint32_t error, const char *payload)
{
    struct frame f = end_next_frame(i);
    ck_assert_int_eq(f.header->kind, kind);
    ck_assert_uint_eq(f.header->exchange, exchange);
    ck_assert_uint_eq(f.header->error, error);
    if (kind == REPLY)
        ck_assert_uint_eq(f.header->counter, 1000 + exchange);
    if (payload != NULL) {
        ck_assert_uint_eq(f.payload_len, strlen(payload));
        ck_assert_mem_eq(f.payload, payload, f.payload_len);
    }
    frame_clear(&f);
}

void end_connect_only(unsigned i)
{
    struct connection_setup set = {.loop = &loop, .limits = client_limits, .events = &client_events};
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    set.owner = client_new(world_router);
    ck_assert_ptr_nonnull(set.owner);
    ck_assert_ptr_nonnull(connection_adopt(&set, fds[0], NULL));
    world_ends[i].fd = fds[1];
    world_ends[i].ended = false;
}

void end_connect(unsigned i)
{
    struct frame f;
    end_connect_only(i);
    end_hello(i, 1, 1);
    f = end_next_frame(i);
    ck_assert_int_eq(f.header->kind, HSM__FRAME_KIND__FRAME_WELCOME);
    frame_clear(&f);
    end_open_channel(i);
    end_expect(i, HSM__FRAME_KIND__FRAME_OPENED, 900, 0, "second");
}

void end_hang_up(unsigned i)
{
    close(world_ends[i].fd);
    world_ends[i].fd = -1;
    buffer_clear(&world_ends[i].in);
}

/* ---- the node ---- */

static void on_done(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n)
{
    (void)index, (void)answer, (void)n;
    __atomic_store_n((int *)arg, (int)outcome, __ATOMIC_SEQ_CST);
}

void world_propose(const struct draft *d)
{
    uint8_t bytes[4096];
    int outcome = -1;
    replica_propose(world_node.replica, bytes, draft_pack(d, bytes), on_done, &outcome);
    WORLD_UNTIL(__atomic_load_n(&outcome, __ATOMIC_SEQ_CST) >= 0);
    ck_assert_int_eq(outcome, REPLICA_DONE);
}

struct draft world_put(uint64_t id, uint64_t version, const char *name)
{
    struct draft d = draft_new(replica_applied(world_node.replica), name);
    draft_put(&d, id, version, id == 1 ? HSM__RECORD_KIND__RECORD_CLUSTER : HSM__RECORD_KIND__RECORD_USER, 0, NULL);
    d.lease = id == 1 ? 64 : 0;
    return d;
}

static void on_dead(void *arg, const char *reason)
{
    (void)arg;
    ck_abort_msg("the vault's link died: %s", reason);
}

static void open_all(bool with_cluster)
{
    struct diag why = {0};
    struct state_setup state = {0};
    struct replica_settings set = {.folder = folder, .id = 1, .address = "127.0.0.1:1", .seed = 1, .election_timeout_ms = 200,
        .lease_ms = 800, .state_bytes_max = 64 << 20, .log_bytes_max = 64 << 20, .state = &state_callbacks};
    struct errands_setup errand = {.node = &world_node, .loop = &loop};
    struct route_setup route = {.node = &world_node, .loop = &loop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int fd;

    sigaction(SIGPIPE, &ignore, NULL); /* as the front does */
    checker = fake_vault_new(on_check, NULL, &check_fd);
    state.check_fd = check_fd;
    world_node.settings = &settings;
    world_node.facts = public_facts_new();
    world_node.state = state_new(&state, &why);
    set.data = world_node.state;
    if (with_cluster)
        ck_assert_msg(replica_create(folder, 1, "127.0.0.1:1", &why), "%s", why.what);
    world_node.replica = replica_open(&set, &why);
    ck_assert_msg(world_node.replica != NULL, "%s", why.what);
    uv_loop_init(&loop);
    world_vault = fake_vault_new(on_call, NULL, &fd);
    vlink = vault_link_new(&loop, fd, on_dead, NULL, &why);
    mailbox = mailbox_open(&loop, &why);
    errand.link = vlink;
    errand.home = mailbox;
    errands = errands_new(&errand, &why);
    route.errands = errands;
    world_router = route_new(&route, &why);
    ck_assert(vlink && mailbox && errands && world_router);
    for (unsigned i = 0; i < WORLD_CLIENTS; i++)
        world_ends[i].fd = -1;
    if (with_cluster) {
        struct draft d = draft_new(0, "cluster");
        WORLD_UNTIL(replica_may_serve(world_node.replica));
        draft_put(&d, 1, 1, HSM__RECORD_KIND__RECORD_CLUSTER, 0, NULL);
        d.lease = 64;
        world_propose(&d);
        d = world_put(2, 1, "record-2");
        world_propose(&d);
    }
}

void world_start(void)
{
    folder = temp_folder_new("route");
    open_all(true);
}

void world_start_alone(void)
{
    folder = temp_folder_new("route");
    open_all(false);
}

/* Whatever a test has left behind must end by itself: nothing may stay on the loop. */
void world_stop(void)
{
    for (unsigned i = 0; i < WORLD_CLIENTS; i++)
        if (world_ends[i].fd >= 0)
            end_hang_up(i);
    WORLD_UNTIL(route_clients(world_router) == 0);
    replica_close(world_node.replica);
    mailbox_close(mailbox);
    route_free(world_router);
    errands_free(errands);
    vault_link_free(vlink);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    fake_vault_free(world_vault);
    state_free(world_node.state);
    fake_vault_free(checker);
    close(check_fd);
    public_facts_free(world_node.facts);
    temp_folder_free(folder);
}
