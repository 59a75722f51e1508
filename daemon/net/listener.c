#include "daemon/net/listener.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"

enum { BACKLOG = 512, LOG_EVERY_MS = 1000 };

/* A connection in its listener's list: the owner that the connection knows. */
struct member {
    struct member *next, *previous;
    struct listener *listener;
    struct connection *connection;
};

struct listener {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    struct connection_setup setup; /* as given: owner and events of the layer above */
    struct member all;             /* head of a ring */
    struct listener_counts counts;
    uint32_t connections_max;
    uint64_t logged_ms, unlogged;
    char *path;
    bool handle_closed;
    void (*gone)(void *arg);
    void *gone_arg;
};

/* A flood of bad connections is one line a second with a count. */
static void complain(struct listener *l, const char *what)
{
    uint64_t now = uv_now(l->setup.loop);
    l->unlogged++;
    if (l->logged_ms != 0 && now - l->logged_ms < LOG_EVERY_MS)
        return;
    log_warning("connection_refused", "reason=%s times=%llu", what, (unsigned long long)l->unlogged);
    l->logged_ms = now;
    l->unlogged = 0;
}

static void free_when_empty(struct listener *l)
{
    void (*gone)(void *) = l->gone;
    void *arg = l->gone_arg;
    if (!l->handle_closed || l->counts.open > 0)
        return;
    free(l->path);
    free(l);
    if (gone != NULL)
        gone(arg);
}

/* ---- between a connection and the layer above ---- */

static void member_open(void *owner, struct connection *c)
{
    struct listener *l = ((struct member *)owner)->listener;
    if (l->setup.events->open != NULL)
        l->setup.events->open(l->setup.owner, c);
}

static bool member_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct listener *l = ((struct member *)owner)->listener;
    return l->setup.events->frame(l->setup.owner, c, bytes, n);
}

static void member_writable(void *owner, struct connection *c)
{
    struct listener *l = ((struct member *)owner)->listener;
    if (l->setup.events->writable != NULL)
        l->setup.events->writable(l->setup.owner, c);
}

static void member_closed(void *owner, struct connection *c, const char *reason)
{
    struct member *m = owner;
    struct listener *l = m->listener;
    log_debug("connection_closed", "reason=%s", reason);
    l->setup.events->closed(l->setup.owner, c, reason);
    m->previous->next = m->next;
    m->next->previous = m->previous;
    free(m);
    l->counts.open--;
    free_when_empty(l);
}

static const struct connection_events member_events = {
    .open = member_open, .frame = member_frame, .writable = member_writable, .closed = member_closed};

/* ---- taking connections ---- */

static bool peer_may(const struct listener *l, const struct connection *c)
{
    struct ucred peer = {0};
    socklen_t n = sizeof peer;
    if (l->path == NULL)
        return true;
    return getsockopt(connection_descriptor(c), SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
        (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;
    struct connection_setup setup = l->setup;
    struct diag why = {0};
    struct member *m;
    if (status < 0) {
        l->counts.refused++;
        complain(l, uv_strerror(status));
        return;
    }
    m = calloc(1, sizeof *m);
    setup.events = &member_events;
    setup.owner = m;
    if (m != NULL)
        m->connection = connection_accept(&setup, stream, &why);
    if (m == NULL || m->connection == NULL) {
        free(m);
        l->counts.refused++;
        complain(l, m == NULL ? "no memory" : why.what);
        return;
    }
    m->listener = l;
    m->next = l->all.next;
    m->previous = &l->all;
    m->next->previous = l->all.next = m;
    l->counts.open++;
    if (l->counts.open > l->connections_max || !peer_may(l, m->connection)) {
        l->counts.refused++;
        complain(l, l->counts.open > l->connections_max ? "too many connections" : "another user's process");
        connection_end(m->connection, "refused");
        return;
    }
    l->counts.accepted++;
}

/* ---- life ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    l->handle_closed = true;
    free_when_empty(l);
}

void listener_close(struct listener *l, void (*gone)(void *arg), void *arg)
{
    l->gone = gone;
    l->gone_arg = arg;
    for (struct member *m = l->all.next; m != &l->all; m = m->next)
        connection_end(m->connection, "the node stops");
    uv_close((uv_handle_t *)&l->u.stream, on_listener_closed); /* libuv unlinks the path of a pipe */
}

static struct listener *listener_new(const struct connection_setup *setup, uint32_t connections_max)
{
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->setup = *setup;
    l->connections_max = connections_max;
    l->all.next = l->all.previous = &l->all;
    return l;
}

static struct listener *start(struct listener *l, int rc, const char *where, struct diag *why)
{
    if (rc == 0)
        rc = uv_listen(&l->u.stream, BACKLOG, on_connection);
    if (rc == 0)
        return l;
    diag_set(why, "cannot listen on %s: %s", where, uv_strerror(rc));
    diag_remedy(why, "choose an address that is free and belongs to this machine");
    listener_close(l, NULL, NULL);
    return NULL;
}

struct listener *listener_open(const struct connection_setup *setup, const char *ip, uint16_t port,
    uint32_t connections_max, struct diag *why)
{
    struct sockaddr_storage at = {0};
    struct listener *l;
    char where[INET6_ADDRSTRLEN + 16];

    if (uv_ip4_addr(ip, port, (struct sockaddr_in *)&at) != 0 &&
        uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&at) != 0) {
        diag_set(why, "%s is not an IP address", ip);
        diag_remedy(why, "give the address of an interface of this machine, or 0.0.0.0 or :: for all");
        return NULL;
    }
    l = listener_new(setup, connections_max);
    if (l == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    uv_tcp_init(setup->loop, &l->u.tcp);
    l->u.stream.data = l;
    snprintf(where, sizeof where, "%s port %u", ip, (unsigned)port);
    return start(l, uv_tcp_bind(&l->u.tcp, (struct sockaddr *)&at, 0), where, why);
}

struct listener *listener_open_local(const struct connection_setup *setup, const char *path, uint32_t connections_max,
    struct diag *why)
{
    struct listener *l = listener_new(setup, connections_max);
    struct stat old;
    mode_t mask;
    int rc;
    if (l == NULL || (l->path = text_copy(path)) == NULL) {
        free(l);
        diag_set(why, "out of memory");
        return NULL;
    }
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
        unlink(path);
    uv_pipe_init(setup->loop, &l->u.pipe, 0);
    l->u.stream.data = l;
    mask = umask(0177);
    rc = uv_pipe_bind(&l->u.pipe, path);
    umask(mask);
    return start(l, rc, path, why);
}

uint16_t listener_port(const struct listener *l)
{
    struct sockaddr_storage at = {0};
    int n = sizeof at;
    if (l->path != NULL || uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)&at, &n) != 0)
        return 0;
    if (at.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
    return ntohs(((struct sockaddr_in *)&at)->sin_port);
}

struct listener_counts listener_counts(const struct listener *l)
{
    return l->counts;
}
