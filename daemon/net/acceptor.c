#include "daemon/net/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

enum { BACKLOG = 512, ACCEPTS_A_TURN = 64, PAUSE_MS = 100 };

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    unsigned handles; /* not closed yet */
    int fd;
    void (*taken)(void *arg, int fd);
    void *arg;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *pause)
{
    struct acceptor *a = pause->data;
    uv_poll_start(&a->poll, UV_READABLE, on_ready);
}

/* The socket stays readable while there are no descriptors: without a pause the loop would spin. */
static void rest(struct acceptor *a, int error)
{
    log_warning("accept_failed", "reason=\"%s\"", strerror(error));
    uv_poll_stop(&a->poll);
    uv_timer_start(&a->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;
    (void)events;

    if (status < 0) {
        rest(a, -status);
        return;
    }
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            a->taken(a->arg, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(a, errno);
            return;
        } /* any other is of one connection that is gone already */
    }
}

static int listen_on(const struct sockaddr *at, socklen_t n)
{
    int one = 1, fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 && bind(fd, at, n) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    if (fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return -1;
}

struct acceptor *acceptor_open(uv_loop_t *loop, const char *ip, uint16_t port, void (*taken)(void *arg, int fd), void *arg,
    struct diag *why)
{
    struct sockaddr_storage at = {0};
    struct acceptor *a;
    int fd, rc;

    if (uv_ip4_addr(ip, port, (struct sockaddr_in *)&at) != 0 && uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&at) != 0) {
        diag_set(why, "%s is not an IP address", ip);
        diag_remedy(why, "give the address of an interface of this machine, or 0.0.0.0 or :: for all");
        return NULL;
    }
    fd = listen_on((struct sockaddr *)&at, at.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    if (fd < 0) {
        diag_set(why, "cannot listen on %s port %u: %s", ip, (unsigned)port, strerror(errno));
        diag_remedy(why, "choose an address that is free and belongs to this machine");
        return NULL;
    }
    a = calloc(1, sizeof *a);
    rc = a != NULL ? uv_poll_init(loop, &a->poll, fd) : UV_ENOMEM;
    if (rc != 0) {
        diag_set(why, "cannot listen on %s: %s", ip, uv_strerror(rc));
        close(fd);
        free(a);
        return NULL;
    }
    uv_timer_init(loop, &a->pause);
    a->poll.data = a->pause.data = a;
    a->handles = 2;
    a->fd = fd;
    a->taken = taken;
    a->arg = arg;
    uv_poll_start(&a->poll, UV_READABLE, on_ready);
    return a;
}

static void on_closed(uv_handle_t *handle)
{
    struct acceptor *a = handle->data;
    if (--a->handles > 0)
        return;
    close(a->fd);
    free(a);
}

void acceptor_close(struct acceptor *a)
{
    if (a == NULL)
        return;
    uv_poll_stop(&a->poll);
    uv_close((uv_handle_t *)&a->poll, on_closed);
    uv_close((uv_handle_t *)&a->pause, on_closed);
}
