/*
 *   in line (no lease yet, or no free call in the vault) --> in the vault (an errand) --> its reply leaves (answer.c), or it is refused
 */
#include "daemon/route_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/reading.h"
#include "daemon/replica/replica.h"
#include "daemon/status.h"
#include "proto/limits.h"

enum { AROUND_BYTES = 512, LINE_MS_MAX = 10000, REQUEST_ID_BYTES = 16 };

static struct node *node_of(const struct exchange *x)
{
    return x->client->route->setup.node;
}

static bool may_serve(const struct exchange *x)
{
    const struct replica *r = node_of(x)->replica;
    return r != NULL && replica_may_serve(r);
}

static void leave_line(struct exchange *x)
{
    if (ring_is_empty(&x->in_waiting))
        return;
    ring_remove(&x->in_waiting);
    x->client->route->waiting_bytes -= x->n + AROUND_BYTES;
}

static void exchange_free(struct exchange *x)
{
    leave_line(x);
    ring_remove(&x->in_client);
    ring_remove(&x->in_open);
    ring_remove(&x->in_settling);
    answer_clear(&x->answer);
    if (x->client->connection != NULL)
        connection_release(x->client->connection);
    free(x->bytes);
    free(x);
}

static void refuse(struct exchange *x, enum err e)
{
    client_refuse(x->client, x->number, e);
    exchange_free(x);
}

void exchange_end(struct exchange *x, enum err e)
{
    if (e == ERR_OK)
        exchange_free(x);
    else
        refuse(x, e);
}

/* ---- the vault's last word ---- */

/* What the client is told of our own troubles: only whether to ask again, and where. */
static enum err as_refusal(const struct exchange *x, enum err e)
{
    switch (err_kind(e)) {
    case ERR_KIND_BUSY:
        return may_serve(x) || x->row->effect == EFFECT_LOCAL ? e : ERR_TRY_ANOTHER;
    case ERR_KIND_LOST:
        return e == ERR_UNKNOWN_OUTCOME ? e : ERR_TRY_ANOTHER;
    case ERR_KIND_LIMIT:
        return ERR_BUSY;
    case ERR_KIND_NONE:
    case ERR_KIND_CALLER:
    case ERR_KIND_STATE:
    case ERR_KIND_AUTH:
    case ERR_KIND_CORRUPT:
    case ERR_KIND_BUG:
        break;
    }
    return ERR_TRY_ANOTHER;
}

static void on_end(void *arg, const struct errand_end *end)
{
    struct exchange *x = arg;
    struct route *r = x->client->route;
    enum err e = end->error;

    x->errand = NULL;
    if (e != ERR_OK) {
        refuse(x, as_refusal(x, e));
    } else if (end->answer->of_case == HSM__VAULT_ANSWER__OF_REFUSED) {
        refuse(x, err_from_wire(end->answer->refused->error));
    } else if (end->answer->of_case != HSM__VAULT_ANSWER__OF_REPLY) {
        refuse(x, ERR_TRY_ANOTHER);
    } else {
        answer_begin(x, end);
    }
    route_pump(r);
}

/* ---- the question ---- */

static enum err read_facts(const struct exchange *x, const struct frame *f, struct reading *r)
{
    enum err e = reading_records(r, f->header->ids, f->header->n_ids);

    if (e == ERR_OK && x->row->effect == EFFECT_CHANGE)
        e = reading_repeated(r, f->header->request_id.data);
    return e;
}

static enum err call_vault(struct exchange *x, const struct frame *f, Hsm__Facts *facts)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;
    struct buffer status = {0};
    enum err e = ERR_NO_MEMORY;

    if (x->row->number != REQUEST_status || status_reply(node_of(x), &status)) {
        facts->status = (ProtobufCBinaryData){.data = status.data, .len = status.len};
        request.connection = x->client->number;
        request.header = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->header_bytes, .len = f->header_len};
        request.body = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->payload, .len = f->payload_len};
        request.facts = facts;
        call.of_case = HSM__VAULT_CALL__OF_REQUEST;
        call.request = &request;
        call.time_ms = clock_real_ms();
        e = errand_start(x->client->route->setup.errands, &call, facts->applied, on_end, x, &x->errand);
    }
    buffer_clear(&status);
    return e;
}

/* ERR_BUSY: no call is free in the vault. */
static enum err ask_vault(struct exchange *x, const struct frame *f)
{
    Hsm__Facts none = HSM__FACTS__INIT;
    struct reading r;
    enum err e = reading_begin(&r, node_of(x)->state);

    if (e == ERR_WRONG_STATE && x->row->effect == EFFECT_LOCAL)
        return call_vault(x, f, &none);
    if (e != ERR_OK)
        return e;
    e = read_facts(x, f, &r);
    if (e == ERR_OK)
        e = call_vault(x, f, &r.facts);
    reading_end(&r);
    return e;
}

/* A renewal may be on its way; without word of a leader there is nothing to wait for. */
static bool lease_may_come(const struct exchange *x)
{
    const struct node *n = node_of(x);
    uint64_t waited_ms = uv_now(x->client->route->setup.loop) - x->begun_ms;
    return n->replica != NULL && replica_leader(n->replica) != 0 && waited_ms < n->settings->lease_ms / 4;
}

/* ERR_PENDING: it has to wait for a lease; ERR_BUSY: for a free call. Any other: it has ended, or is in the vault. */
static enum err start(struct exchange *x, const struct frame *f)
{
    enum err e;

    if (x->row->effect != EFFECT_LOCAL && !may_serve(x)) {
        if (lease_may_come(x))
            return ERR_PENDING;
        refuse(x, ERR_TRY_ANOTHER);
        return ERR_TRY_ANOTHER;
    }
    e = ask_vault(x, f);
    if (e == ERR_OK || e == ERR_BUSY)
        return e;
    refuse(x, as_refusal(x, e));
    return e;
}

bool exchange_try(struct exchange *x)
{
    struct frame f = {0};
    size_t taken;
    enum err e = frame_decode(x->bytes, x->n, &f, &taken);

    if (e != ERR_OK) {
        refuse(x, ERR_BUSY);
        return true;
    }
    e = start(x, &f);
    frame_clear(&f);
    if (e == ERR_OK) {
        leave_line(x);
        free(x->bytes);
        x->bytes = NULL;
    } else if (e == ERR_BUSY && uv_now(x->client->route->setup.loop) - x->begun_ms > LINE_MS_MAX) {
        refuse(x, ERR_BUSY);
        return true;
    }
    return e != ERR_BUSY;
}

static bool stand_in_line(struct exchange *x, const uint8_t *bytes, size_t n)
{
    struct route *r = x->client->route;

    if (r->waiting_bytes + n + AROUND_BYTES > ROUTE_WAITING_BYTES_MAX || (x->bytes = malloc(n)) == NULL)
        return false;
    memcpy(x->bytes, bytes, n);
    x->n = n;
    r->waiting_bytes += n + AROUND_BYTES;
    ring_add(&r->waiting, &x->in_waiting);
    return true;
}

static bool is_in_work(const struct client *c, uint64_t exchange)
{
    for (struct link *l = c->exchanges.next; l != &c->exchanges; l = l->next)
        if (EXCHANGE_OF(l, in_client)->number == exchange)
            return true;
    return false;
}

static struct exchange *exchange_new(struct client *c, const struct frame *f, const struct request *row)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct route *r = c->route;

    if (x == NULL)
        return NULL;
    x->client = c;
    x->number = f->header->exchange;
    x->counter = f->header->counter;
    x->row = row;
    x->begun_ms = x->word_ms = uv_now(r->setup.loop);
    ring_init(&x->in_waiting);
    ring_init(&x->in_settling);
    ring_add(&c->exchanges, &x->in_client);
    ring_add(&r->open, &x->in_open);
    connection_hold(c->connection);
    return x;
}

bool exchange_begin(struct client *c, const struct frame *f, const uint8_t *bytes, size_t n)
{
    const struct request *row = request_find(f->header->request);
    size_t id_bytes = f->header->request_id.len;
    struct exchange *x;
    enum err e;

    if (is_in_work(c, f->header->exchange))
        return false;
    if (row == NULL) { /* of a later version */
        client_refuse(c, f->header->exchange, ERR_NOT_SUPPORTED);
        return true;
    }
    if (id_bytes != (row->effect == EFFECT_CHANGE ? REQUEST_ID_BYTES : 0))
        return false;
    x = exchange_new(c, f, row);
    if (x == NULL) {
        client_refuse(c, f->header->exchange, ERR_BUSY);
        return true;
    }
    route_wake(c->route);
    /* Nobody overtakes those who wait for a call. */
    e = ring_is_empty(&c->route->waiting) ? start(x, f) : ERR_PENDING;
    if ((e == ERR_BUSY || e == ERR_PENDING) && !stand_in_line(x, bytes, n))
        refuse(x, ERR_BUSY);
    return true;
}

void exchange_progress(struct exchange *x)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;

    header.kind = HSM__FRAME_KIND__FRAME_PROGRESS;
    header.exchange = x->number;
    (void)client_send(x->client, &header, NULL, 0);
}

void exchange_drop(struct exchange *x)
{
    if (x->errand != NULL)
        errand_drop(x->errand);
    exchange_free(x);
}
