#include "vault/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vault/node/identity.h"

/* `shown` comes first: whoever has it has the whole. */
struct view {
    struct cluster_view shown;
    unsigned uses; /* guarded by the ring's lock */
    Hsm__ClusterBody *body;
};

struct keyring {
    OSSL_LIB_CTX *libctx;
    pthread_mutex_t lock; /* guards the two pointers and the counts behind them, for a few instructions */
    struct view *view;
    struct identity *identity;
    struct master *master;
    struct index *index;
    struct secret login_private;
    struct secret root;
};

struct keyring *keyring_new(OSSL_LIB_CTX *libctx)
{
    struct keyring *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->libctx = libctx;
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

static void view_free(struct view *v)
{
    if (v->body != NULL)
        hsm__cluster_body__free_unpacked(v->body, NULL);
    free(v);
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    if (k->view != NULL)
        view_free(k->view);
    keyring_identity_done(k->identity);
    index_free(k->index);
    master_free(k->master);
    secret_clear(&k->login_private);
    secret_clear(&k->root);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

const struct cluster_view *keyring_view(struct keyring *k)
{
    struct view *v;

    pthread_mutex_lock(&k->lock);
    v = k->view;
    if (v != NULL)
        v->uses++;
    pthread_mutex_unlock(&k->lock);
    return v != NULL ? &v->shown : NULL;
}

void keyring_view_done(struct keyring *k, const struct cluster_view *view)
{
    struct view *v = (struct view *)(uintptr_t)view;
    bool last;

    if (v == NULL)
        return;
    pthread_mutex_lock(&k->lock);
    last = --v->uses == 0;
    pthread_mutex_unlock(&k->lock);
    if (last)
        view_free(v);
}

/* Takes the view over and shows it from here on. */
static void show(struct keyring *k, struct view *v)
{
    struct view *before;

    v->uses = 1;
    v->shown.master = k->master;
    v->shown.index = k->index;
    v->shown.login_private = &k->login_private;
    pthread_mutex_lock(&k->lock);
    before = k->view;
    k->view = v;
    pthread_mutex_unlock(&k->lock);
    keyring_view_done(k, before != NULL ? &before->shown : NULL);
}

enum err keyring_set_cluster(struct keyring *k, const uint8_t cluster_id[16], struct master *master, const struct secret *login_private)
{
    struct view *v = k->master == NULL ? calloc(1, sizeof *v) : NULL;
    enum err e = k->master != NULL ? ERR_WRONG_STATE : v == NULL ? ERR_NO_MEMORY : index_new(master, &k->index);

    if (e == ERR_OK && !secret_copy(&k->login_private, login_private->bytes, login_private->len)) {
        index_free(k->index);
        k->index = NULL;
        e = ERR_NO_MEMORY;
    }
    if (e != ERR_OK) {
        master_free(master);
        free(v);
        return e;
    }
    k->master = master;
    memcpy(v->shown.cluster_id, cluster_id, sizeof v->shown.cluster_id);
    show(k, v);
    return ERR_OK;
}

enum err keyring_set_body(struct keyring *k, uint64_t version, Hsm__ClusterBody *body)
{
    const struct cluster_view *now = keyring_view(k);
    struct view *v = NULL;
    enum err e = now == NULL ? ERR_WRONG_STATE : version < now->version ? ERR_STALE : ERR_OK;

    if (e == ERR_OK && (v = calloc(1, sizeof *v)) == NULL)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK) {
        memcpy(v->shown.cluster_id, now->cluster_id, sizeof v->shown.cluster_id);
        v->shown.body = v->body = body;
        v->shown.version = version;
        show(k, v);
    } else {
        hsm__cluster_body__free_unpacked(body, NULL);
    }
    keyring_view_done(k, now);
    return e;
}

struct identity *keyring_identity(struct keyring *k)
{
    struct identity *i;

    pthread_mutex_lock(&k->lock);
    i = k->identity;
    if (i != NULL)
        identity_hold(i);
    pthread_mutex_unlock(&k->lock);
    return i;
}

void keyring_identity_done(struct identity *identity)
{
    if (identity != NULL)
        identity_done(identity);
}

void keyring_set_identity(struct keyring *k, struct identity *identity)
{
    struct identity *before;

    pthread_mutex_lock(&k->lock);
    before = k->identity;
    k->identity = identity;
    pthread_mutex_unlock(&k->lock);
    keyring_identity_done(before);
}

void keyring_set_root(struct keyring *k, struct secret *root)
{
    secret_move(&k->root, root);
}

const struct secret *keyring_root(const struct keyring *k)
{
    return &k->root;
}
