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
    struct master *master; /* these three are set once, before the first view */
    struct index *index;
    struct secret login_private;
    pthread_mutex_t change; /* held over a step of the node's life */
    struct seal seal;       /* guarded by `change` */
};

struct keyring *keyring_new(OSSL_LIB_CTX *libctx)
{
    struct keyring *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->libctx = libctx;
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->change, NULL);
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
    seal_clear(&k->seal);
    pthread_mutex_destroy(&k->change);
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

/* Puts a view in the place of the one that is there. False: that one is newer, and stays. */
static bool show(struct keyring *k, struct view *v)
{
    struct view *before;
    bool newer;

    v->uses = 1;
    v->shown.master = k->master;
    v->shown.index = k->index;
    v->shown.login_private = &k->login_private;
    pthread_mutex_lock(&k->lock);
    before = k->view;
    newer = before == NULL || v->shown.version >= before->shown.version;
    if (newer)
        k->view = v;
    pthread_mutex_unlock(&k->lock);
    if (newer && before != NULL)
        keyring_view_done(k, &before->shown);
    return newer;
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
    (void)show(k, v); /* the first */
    return ERR_OK;
}

enum err keyring_set_body(struct keyring *k, uint64_t version, Hsm__ClusterBody *body)
{
    const struct cluster_view *now = keyring_view(k);
    struct view *v = now != NULL ? calloc(1, sizeof *v) : NULL;
    enum err e = now == NULL ? ERR_WRONG_STATE : v == NULL ? ERR_NO_MEMORY : ERR_OK;

    if (v != NULL) {
        memcpy(v->shown.cluster_id, now->cluster_id, sizeof v->shown.cluster_id);
        v->shown.body = v->body = body;
        v->shown.version = version;
        if (!show(k, v)) {
            view_free(v);
            e = ERR_STALE;
        }
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

void keyring_change_begin(struct keyring *k)
{
    pthread_mutex_lock(&k->change);
}

void keyring_change_end(struct keyring *k)
{
    pthread_mutex_unlock(&k->change);
}

void keyring_set_seal(struct keyring *k, enum seal_kind kind, struct secret *given)
{
    seal_clear(&k->seal);
    k->seal.kind = kind;
    secret_move(&k->seal.given, given);
}

struct seal *keyring_seal(struct keyring *k)
{
    return &k->seal;
}
