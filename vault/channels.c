#include "vault/channels.h"

#include <stdlib.h>

#include "common/secret.h"
#include "proto/limits.h"

enum { BUCKETS = 4096 };

struct channels {
    struct vault_channel *buckets[BUCKETS];
    unsigned n;
};

struct channels *channels_new(void)
{
    return calloc(1, sizeof(struct channels));
}

void channels_done(struct vault_channel *v)
{
    if (--v->uses > 0)
        return;
    channel_free(v->noise);
    bytes_wipe(v, sizeof *v);
    free(v);
}

/* Takes it out of the table: nobody finds it any more. */
static void take_out(struct channels *c, struct vault_channel **place)
{
    struct vault_channel *v = *place;

    *place = v->next;
    c->n--;
    v->closed = true;
    channels_done(v);
}

void channels_free(struct channels *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (c->buckets[i] != NULL)
            take_out(c, &c->buckets[i]);
    free(c);
}

/* The place that points to the connection's channel, or to NULL. Connections are numbered one after the other. */
static struct vault_channel **place_of(struct channels *c, uint64_t connection)
{
    struct vault_channel **place = &c->buckets[connection % BUCKETS];

    while (*place != NULL && (*place)->connection != connection)
        place = &(*place)->next;
    return place;
}

void channels_close(struct channels *c, uint64_t connection)
{
    struct vault_channel **place = place_of(c, connection);

    if (*place != NULL)
        take_out(c, place);
}

enum err channels_put(struct channels *c, uint64_t connection, struct channel *noise)
{
    struct vault_channel *v = NULL, **place;

    channels_close(c, connection);
    if (c->n < VAULT_CHANNELS_MAX)
        v = calloc(1, sizeof *v);
    if (v == NULL) {
        channel_free(noise);
        return c->n < VAULT_CHANNELS_MAX ? ERR_NO_MEMORY : ERR_LIMIT;
    }
    place = place_of(c, connection);
    *v = (struct vault_channel){.connection = connection, .uses = 1, .noise = noise};
    *place = v;
    c->n++;
    return ERR_OK;
}

struct vault_channel *channels_hold(struct channels *c, uint64_t connection)
{
    struct vault_channel *v = *place_of(c, connection);

    if (v != NULL)
        v->uses++;
    return v;
}
