/*
 *   NEW -- HELLO --> WELCOME (OPEN, and REQUEST once a channel is open) -- connection closed --> LEAVING -- vault told --> gone
 */
#include "daemon/route_state.h"

#include <stdlib.h>

#include "common/log.h"
#include "daemon/replica/replica.h"
#include "daemon/status.h"
#include "proto/limits.h"

enum { PROTOCOL_VERSION = 1, STALL_MS_MAX = 30000 };

const struct connection_limits client_limits = {
    .frame_bytes_max = FRAME_BYTES_MAX,
    .out_bytes_max = CONNECTION_OUT_BYTES_MAX,
    .pending_max = CONNECTION_PENDING_MAX,
    .handshake_ms_max = HANDSHAKE_MS_MAX,
    .stall_ms_max = STALL_MS_MAX,
};

/* ---- frames out ---- */

bool client_send(struct client *c, const Hsm__FrameHeader *header, const void *payload, size_t n)
{
    struct buffer out = {0};
    bool ok = c->connection != NULL && frame_put(&out, header, payload, n) && connection_send(c->connection, out.data, out.len);
    buffer_clear(&out);
    return ok;
}

void client_refuse(struct client *c, uint64_t exchange, enum err e)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    header.kind = HSM__FRAME_KIND__FRAME_REFUSED;
    header.exchange = exchange;
    header.error = (uint32_t)e;
    (void)client_send(c, &header, NULL, 0);
}

static uint64_t applied(const struct client *c)
{
    const struct replica *r = c->route->setup.node->replica;
    return r != NULL ? replica_applied(r) : 0;
}

/* ---- greeting and channel ---- */

static bool on_hello(struct client *c, const struct frame *f)
{
    Hsm__Hello *hello = c->state == CLIENT_NEW ? hsm__hello__unpack(NULL, f->payload_len, f->payload) : NULL;
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct buffer welcome = {0};
    bool agrees, ok;

    if (hello == NULL)
        return false;
    agrees = hello->version_min <= PROTOCOL_VERSION && hello->version_max >= PROTOCOL_VERSION;
    hsm__hello__free_unpacked(hello, NULL);
    if (!agrees) {
        client_refuse(c, f->header->exchange, ERR_VERSION);
        connection_end(c->connection, "the client speaks no version that we know");
        return true;
    }
    header.kind = HSM__FRAME_KIND__FRAME_WELCOME;
    header.exchange = f->header->exchange;
    header.applied = applied(c);
    ok = status_welcome(c->route->setup.node, PROTOCOL_VERSION, &welcome) && client_send(c, &header, welcome.data, welcome.len);
    buffer_clear(&welcome);
    c->state = CLIENT_WELCOME;
    return ok;
}

static void on_opened(void *arg, const struct errand_end *end)
{
    struct client *c = arg;
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;

    c->errand = NULL;
    if (end->error == ERR_OK && end->answer->of_case == HSM__VAULT_ANSWER__OF_OPENED) {
        c->is_open = true;
        header.kind = HSM__FRAME_KIND__FRAME_OPENED;
        header.exchange = c->opening;
        header.applied = applied(c);
        (void)client_send(c, &header, end->answer->opened->message.data, end->answer->opened->message.len);
    } else if (end->error == ERR_OK && end->answer->of_case == HSM__VAULT_ANSWER__OF_REFUSED) {
        client_refuse(c, c->opening, err_from_wire(end->answer->refused->error));
    } else {
        client_refuse(c, c->opening, ERR_TRY_ANOTHER);
    }
    route_pump(c->route);
}

static bool on_open_channel(struct client *c, const struct frame *f)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    enum err e;

    if (c->state != CLIENT_WELCOME || c->errand != NULL)
        return false;
    open.connection = c->number;
    open.message = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->payload, .len = f->payload_len};
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    c->opening = f->header->exchange;
    e = errand_start(c->route->setup.errands, &call, 0, on_opened, c, &c->errand);
    if (e != ERR_OK)
        client_refuse(c, f->header->exchange, e == ERR_BUSY ? ERR_BUSY : ERR_TRY_ANOTHER);
    else
        c->has_channel = true;
    return true;
}

static bool on_request(struct client *c, const struct frame *f, const uint8_t *bytes, size_t n)
{
    if (c->state != CLIENT_WELCOME)
        return false;
    if (c->is_open)
        return exchange_begin(c, f, bytes, n);
    client_refuse(c, f->header->exchange, ERR_CHANNEL_UNKNOWN);
    return true;
}

/* ---- from the connection ---- */

static void on_connected(void *owner, struct connection *connection)
{
    struct client *c = owner;
    c->connection = connection;
}

static bool on_frame(void *owner, struct connection *connection, const uint8_t *bytes, size_t n)
{
    struct client *c = owner;
    struct frame f = {0};
    size_t taken = 0;
    bool ok = false;

    c->connection = connection;
    if (frame_decode(bytes, n, &f, &taken) != ERR_OK || taken != n) {
        frame_clear(&f);
        return false;
    }
    if (f.header->kind == HSM__FRAME_KIND__FRAME_REQUEST)
        ok = on_request(c, &f, bytes, n);
    else if (f.header->kind == HSM__FRAME_KIND__FRAME_OPEN)
        ok = on_open_channel(c, &f);
    else if (f.header->kind == HSM__FRAME_KIND__FRAME_HELLO)
        ok = on_hello(c, &f);
    frame_clear(&f);
    return ok;
}

static void on_left(void *arg, const struct errand_end *end)
{
    struct client *c = arg;
    struct route *r = c->route;
    (void)end;

    c->errand = NULL;
    client_free(c);
    route_pump(r);
}

bool client_leave(struct client *c)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelClose close = HSM__CHANNEL_CLOSE__INIT;
    enum err e;

    close.connection = c->number;
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_CLOSE;
    call.channel_close = &close;
    e = errand_start(c->route->setup.errands, &call, 0, on_left, c, &c->errand);
    if (e == ERR_OK)
        return true;
    if (e == ERR_LOST) /* the vault is gone, and its channels with it */
        client_free(c);
    return e == ERR_LOST;
}

static void on_closed(void *owner, struct connection *connection, const char *reason)
{
    struct client *c = owner;
    (void)connection;

    log_debug("client_gone", "reason=\"%s\"", reason);
    c->connection = NULL;
    c->state = CLIENT_LEAVING;
    while (!ring_is_empty(&c->exchanges))
        exchange_drop(EXCHANGE_OF(c->exchanges.next, in_client));
    if (c->errand != NULL)
        errand_drop(c->errand);
    c->errand = NULL;
    if (!c->has_channel) {
        client_free(c);
        return;
    }
    route_wake(c->route); /* tries again where the vault has no free call now */
    (void)client_leave(c);
}

const struct connection_events client_events = {.open = on_connected, .frame = on_frame, .closed = on_closed};

/* ---- life ---- */

struct client *client_new(struct route *r)
{
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->route = r;
    c->number = ++r->clients_made;
    ring_init(&c->exchanges);
    ring_add(&r->clients, &c->in_route);
    r->client_count++;
    return c;
}

void client_free(struct client *c)
{
    ring_remove(&c->in_route);
    c->route->client_count--;
    free(c);
}
