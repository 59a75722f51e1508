#include "module/state/module.h"

#include <stdlib.h>

#include "module/rpc/crypto_context.h"

/* The settings have been checked. */
static void take_aliases(const struct texts *texts, struct aliases *out)
{
    for (size_t i = 0; i < texts->count; i++)
        aliases_add(out, texts->items[i], NULL);
}

struct module *module_new(OSSL_LIB_CTX *libctx, struct client *client)
{
    struct module *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    if (!builtin_init(&m->builtin)) {
        builtin_clear(&m->builtin);
        free(m);
        return NULL;
    }
    m->libctx = libctx;
    m->client = client;
    m->rpc = client_rpc(client);
    take_aliases(&client_settings(client)->aliases, &m->aliases);
    sessions_init(&m->sessions);
    objects_init(&m->objects);
    saved_init(&m->saved);
    pthread_mutex_init(&m->login_turn, NULL);
    return m;
}

void module_reset(struct module *m)
{
    sessions_clear(&m->sessions);
    objects_clear(&m->objects);
    saved_clear(&m->saved);
    rpc_logout(m->rpc);
}

struct client *module_free(struct module *m)
{
    struct client *client = m->client;

    module_reset(m);
    builtin_clear(&m->builtin);
    free(m);
    return client;
}

void module_after_fork(struct module *m)
{
    pthread_mutex_init(&m->login_turn, NULL);
    sessions_after_fork(&m->sessions);
    objects_after_fork(&m->objects);
    saved_after_fork(&m->saved);
    rpc_after_fork(m->rpc);
}

bool module_random(struct module *m, void *out, size_t n)
{
    return crypto_random(m->libctx, out, n);
}

bool module_seed(struct module *m, const void *seed, size_t n)
{
    return crypto_seed(m->libctx, seed, n);
}
