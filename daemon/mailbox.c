#include "daemon/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

struct letter {
    struct letter *next;
    void (*fn)(void *arg);
    void *arg;
};

struct mailbox {
    uv_async_t wake;
    pthread_mutex_t lock; /* guards the list; held for a few instructions */
    struct letter *head, **tail;
};

static void deliver(struct mailbox *m)
{
    struct letter *all;

    pthread_mutex_lock(&m->lock);
    all = m->head;
    m->head = NULL;
    m->tail = &m->head;
    pthread_mutex_unlock(&m->lock);
    while (all != NULL) {
        struct letter *l = all;
        all = l->next;
        l->fn(l->arg);
        free(l);
    }
}

static void on_wake(uv_async_t *wake)
{
    deliver(wake->data);
}

struct mailbox *mailbox_open(uv_loop_t *loop, struct diag *why)
{
    struct mailbox *m = calloc(1, sizeof *m);
    int rv = m != NULL ? uv_async_init(loop, &m->wake, on_wake) : UV_ENOMEM;

    if (rv != 0) {
        diag_set(why, "no mailbox for a loop: %s", uv_strerror(rv));
        free(m);
        return NULL;
    }
    m->wake.data = m;
    m->tail = &m->head;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

bool mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg)
{
    struct letter *l = malloc(sizeof *l);

    if (l == NULL)
        return false;
    *l = (struct letter){.fn = fn, .arg = arg};
    pthread_mutex_lock(&m->lock);
    *m->tail = l;
    m->tail = &l->next;
    pthread_mutex_unlock(&m->lock);
    uv_async_send(&m->wake);
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *m = handle->data;

    pthread_mutex_destroy(&m->lock);
    free(m);
}

void mailbox_close(struct mailbox *m)
{
    deliver(m);
    uv_close((uv_handle_t *)&m->wake, on_closed);
}
