#include "vault/access/attempts.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "proto/record.pb-c.h"

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static bool is_old(const struct attempts_open *o, uint64_t now_ms)
{
    return apart(o->time_ms, now_ms) > LOGIN_RESERVATION_MS;
}

static struct attempts_row *row_of(const struct attempts *a, const uint8_t *client)
{
    for (size_t i = 0; i < a->n; i++)
        if (memcmp(a->rows[i].client, client, ATTEMPTS_CLIENT_BYTES) == 0)
            return (struct attempts_row *)(uintptr_t)&a->rows[i];
    return NULL;
}

static size_t place_of(const struct attempts_row *r, const uint8_t *id)
{
    size_t i = 0;
    while (i < r->n_open && memcmp(r->open[i].id, id, ATTEMPTS_ID_BYTES) != 0)
        i++;
    return i;
}

static size_t open_in_all(const struct attempts *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->rows[i].n_open;
    return n;
}

static void count_failure(struct attempts *a, struct attempts_row *r, uint64_t now_ms)
{
    if (r->failures < UINT32_MAX)
        r->failures++;
    if (a->failures < UINT32_MAX)
        a->failures++;
    r->last_failure_ms = now_ms;
}

static void forget_open(struct attempts_row *r, size_t place)
{
    r->open[place] = r->open[--r->n_open];
}

static void drop_row(struct attempts *a, struct attempts_row *r)
{
    *r = a->rows[--a->n];
}

static void expire(struct attempts *a, uint64_t now_ms)
{
    for (size_t i = 0; i < a->n; i++) {
        struct attempts_row *r = &a->rows[i];
        for (size_t j = r->n_open; j-- > 0;)
            if (is_old(&r->open[j], now_ms)) {
                forget_open(r, j);
                count_failure(a, r, now_ms);
            }
    }
}

bool attempts_has(const struct attempts *a, const struct attempt *t)
{
    const struct attempts_row *r = row_of(a, t->client);
    return r != NULL && place_of(r, t->id) < r->n_open;
}

static bool beyond_limits(const struct attempts *a, const struct attempts_row *r, enum attempts_kind kind)
{
    return (r != NULL && r->failures >= LOGIN_TRIES_MAX) || (kind != ATTEMPTS_BUCKET && a->failures >= LOGIN_TRIES_USER_MAX);
}

/* ERR_OK: there is room for one more. */
static enum err look_for_room(const struct attempts *a, const struct attempts_row *r, const struct attempt *t)
{
    size_t open = open_in_all(a), own_open = r != NULL ? r->n_open : 0;

    if (beyond_limits(a, r, t->kind)) {
        if (t->kind != ATTEMPTS_LAST_ADMIN)
            return ERR_PIN_LOCKED;
        if (own_open > 0 || open >= LOGIN_TRIES_USER_MAX || (r != NULL && apart(r->last_failure_ms, t->now_ms) < LOGIN_SLOW_MS))
            return ERR_BUSY;
        return ERR_OK;
    }
    if (own_open + (r != NULL ? r->failures : 0) >= LOGIN_TRIES_MAX)
        return ERR_BUSY;
    return open + (t->kind == ATTEMPTS_BUCKET ? 0 : a->failures) >= LOGIN_TRIES_USER_MAX ? ERR_BUSY : ERR_OK;
}

enum err attempts_glance(const struct attempts *a, const struct attempt *t, uint64_t own_now_ms)
{
    struct attempt guess = *t;
    enum err e;

    if (attempts_has(a, t))
        return ERR_OK;
    guess.now_ms = own_now_ms;
    e = look_for_room(a, row_of(a, t->client), &guess);
    for (size_t i = 0; e == ERR_BUSY && i < a->n; i++)
        for (size_t j = 0; j < a->rows[i].n_open; j++)
            if (is_old(&a->rows[i].open[j], own_now_ms))
                e = ERR_OK;
    return e;
}

/* Only the last admin's record and the buckets' can be full: in all others the limits leave no more than LOGIN_TRIES_USER_MAX rows. No
 * more reservations are open than that either, so there is a row to let go, the one whose failures lie longest back. What goes with it is
 * the client's own count; the count in all stays. */
static struct attempts_row *new_row(struct attempts *a, const uint8_t *client)
{
    struct attempts_row *oldest = NULL, *r;

    if (a->n == LOGIN_CLIENTS_MAX) {
        for (size_t i = 0; i < a->n; i++)
            if (a->rows[i].n_open == 0 && (oldest == NULL || a->rows[i].last_failure_ms < oldest->last_failure_ms))
                oldest = &a->rows[i];
        if (oldest == NULL)
            return NULL;
        drop_row(a, oldest);
    }
    r = &a->rows[a->n++];
    *r = (struct attempts_row){0};
    memcpy(r->client, client, ATTEMPTS_CLIENT_BYTES);
    return r;
}

enum err attempts_reserve(struct attempts *a, const struct attempt *t)
{
    struct attempts_row *r;
    enum err e;

    if (attempts_has(a, t))
        return ERR_OK;
    expire(a, t->now_ms);
    r = row_of(a, t->client);
    e = look_for_room(a, r, t);
    if (e != ERR_OK)
        return e;
    if (r == NULL)
        r = new_row(a, t->client);
    if (r == NULL || r->n_open == LOGIN_TRIES_MAX)
        return ERR_BUSY;
    memcpy(r->open[r->n_open].id, t->id, ATTEMPTS_ID_BYTES);
    r->open[r->n_open++].time_ms = t->now_ms;
    return ERR_OK;
}

void attempts_settle(struct attempts *a, const struct attempt *t, bool right)
{
    struct attempts_row *r = row_of(a, t->client);
    size_t place = r != NULL ? place_of(r, t->id) : 0;

    if (r != NULL && place < r->n_open) {
        forget_open(r, place);
        if (!right)
            count_failure(a, r, t->now_ms);
    }
    expire(a, t->now_ms);
    if (r == NULL)
        return;
    if (right) {
        a->failures -= r->failures < a->failures ? r->failures : a->failures;
        r->failures = 0;
    }
    if (r->failures == 0 && r->n_open == 0)
        drop_row(a, r);
}

bool attempts_locked(const struct attempts *a, enum attempts_kind kind)
{
    bool locked = kind == ATTEMPTS_USER && a->failures >= LOGIN_TRIES_USER_MAX;

    for (size_t i = 0; kind == ATTEMPTS_USER && i < a->n; i++)
        locked = locked || a->rows[i].failures >= LOGIN_TRIES_MAX;
    return locked;
}

/* ---- the record ------------------------------------------------------------------------------------------- */

static bool read_row(const Hsm__Attempts *from, struct attempts_row *r)
{
    if (from->client.len != ATTEMPTS_CLIENT_BYTES || from->n_open > LOGIN_TRIES_MAX)
        return false;
    *r = (struct attempts_row){.failures = from->failures, .last_failure_ms = from->last_failure_ms, .n_open = from->n_open};
    memcpy(r->client, from->client.data, ATTEMPTS_CLIENT_BYTES);
    for (size_t i = 0; i < from->n_open; i++) {
        if (from->open[i]->id.len != ATTEMPTS_ID_BYTES)
            return false;
        memcpy(r->open[i].id, from->open[i]->id.data, ATTEMPTS_ID_BYTES);
        r->open[i].time_ms = from->open[i]->leader_time_ms;
    }
    return true;
}

enum err attempts_read(const uint8_t *packed, size_t n, struct attempts *out)
{
    Hsm__AttemptsBody *body = hsm__attempts_body__unpack(NULL, n, packed);
    enum err e = ERR_OK;

    if (body == NULL)
        return ERR_CORRUPT;
    if (body->n_by_client > LOGIN_CLIENTS_MAX)
        e = ERR_CORRUPT;
    out->user_id = body->user_id;
    out->failures = body->failures;
    for (out->n = 0; e == ERR_OK && out->n < body->n_by_client; out->n++)
        if (!read_row(body->by_client[out->n], &out->rows[out->n]))
            e = ERR_CORRUPT;
    hsm__attempts_body__free_unpacked(body, NULL);
    return e;
}

/* The message in memory, with room for the fullest record. */
struct draft {
    Hsm__AttemptsBody body;
    Hsm__Attempts *row_list[LOGIN_CLIENTS_MAX];
    Hsm__Attempts rows[LOGIN_CLIENTS_MAX];
    Hsm__Reservation *open_lists[LOGIN_CLIENTS_MAX][LOGIN_TRIES_MAX];
    Hsm__Reservation open[LOGIN_CLIENTS_MAX][LOGIN_TRIES_MAX];
};

static void draft_row(struct draft *d, size_t i, const struct attempts_row *from)
{
    Hsm__Attempts *row = d->row_list[i] = &d->rows[i];

    hsm__attempts__init(row);
    row->client = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)from->client, .len = sizeof from->client};
    row->failures = from->failures;
    row->last_failure_ms = from->last_failure_ms;
    row->open = d->open_lists[i];
    row->n_open = from->n_open;
    for (size_t j = 0; j < from->n_open; j++) {
        Hsm__Reservation *open = d->open_lists[i][j] = &d->open[i][j];
        hsm__reservation__init(open);
        open->id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)from->open[j].id, .len = sizeof from->open[j].id};
        open->leader_time_ms = from->open[j].time_ms;
    }
}

enum err attempts_write(const struct attempts *a, struct buffer *out)
{
    struct draft *d = malloc(sizeof *d);
    uint8_t *to;
    enum err e = ERR_NO_MEMORY;

    if (d == NULL)
        return ERR_NO_MEMORY;
    hsm__attempts_body__init(&d->body);
    d->body.user_id = a->user_id;
    d->body.failures = a->failures;
    d->body.by_client = d->row_list;
    d->body.n_by_client = a->n;
    for (size_t i = 0; i < a->n; i++)
        draft_row(d, i, &a->rows[i]);
    to = buffer_extend(out, hsm__attempts_body__get_packed_size(&d->body));
    if (to != NULL) {
        hsm__attempts_body__pack(&d->body, to);
        e = ERR_OK;
    }
    free(d);
    return e;
}
