/* Mutual TLS 1.3 over a non-blocking TCP socket.
 *
 * The socket BIO of libcrypto uses write(), whose SIGPIPE would hit the host's process: ours uses send(MSG_NOSIGNAL). */
#include "module/rpc/tls_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/secret.h"
#include "common/tls.h"
#include "crypto/cluster_name.h"
#include "module/rpc/gate.h"

struct tls_dialer {
    struct dialer base;
    SSL_CTX *ctx;
    BIO_METHOD *bio_method;
    OSSL_LIB_CTX *libctx;
    bool pinned;
    uint8_t pin[32];
};

struct tls_stream {
    struct stream base;
    SSL *ssl;
    int fd;
    struct stream_peer peer;
    uint8_t *peer_key;
};

/* ---- BIO on send and recv ---------------------------------------------------------------------------- */

static int socket_of(BIO *b)
{
    return (int)(intptr_t)BIO_get_data(b);
}

static int bio_result(BIO *b, ssize_t n, bool to_write)
{
    BIO_clear_retry_flags(b);
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        if (to_write)
            BIO_set_retry_write(b);
        else
            BIO_set_retry_read(b);
    }
    return -1;
}

static int bio_write(BIO *b, const char *bytes, int n)
{
    return bio_result(b, send(socket_of(b), bytes, (size_t)n, MSG_NOSIGNAL), true);
}

static int bio_read(BIO *b, char *bytes, int room)
{
    return bio_result(b, recv(socket_of(b), bytes, (size_t)room, 0), false);
}

static long bio_ctrl(BIO *b, int command, long number, void *arg)
{
    (void)b;
    (void)number;
    (void)arg;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "clusterhsm socket");
    if (m != NULL && (BIO_meth_set_write(m, bio_write) != 1 || BIO_meth_set_read(m, bio_read) != 1 ||
                      BIO_meth_set_ctrl(m, bio_ctrl) != 1)) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

/* ---- TCP --------------------------------------------------------------------------------------------- */

/* "host:port", "[v6]:port" */
static bool split_address(const char *address, char *host, size_t host_room, char *port, size_t port_room)
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    size_t n;

    if (colon == NULL || colon == address || colon[1] == '\0' || strlen(colon + 1) >= port_room)
        return false;
    n = (size_t)(colon - address);
    if (address[0] == '[') {
        if (colon[-1] != ']' || n < 3)
            return false;
        start++;
        n -= 2;
    }
    if (n >= host_room)
        return false;
    memcpy(host, start, n);
    host[n] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static unsigned left_ms(uint64_t deadline_ms)
{
    uint64_t now = clock_boot_ms();
    return now >= deadline_ms ? 0 : (unsigned)(deadline_ms - now);
}

static bool wait_for(int fd, bool to_write, unsigned timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = to_write ? POLLOUT : POLLIN};
    int n = poll(&p, 1, (int)timeout_ms);
    return n > 0 || (n < 0 && errno == EINTR);
}

static int connect_one(const struct addrinfo *a, uint64_t deadline_ms)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    int one = 1, failed = 0;
    socklen_t n = sizeof failed;

    /* A host that closed its standard streams must not print into our connection. */
    if (fd >= 0 && fd <= STDERR_FILENO) {
        int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(fd);
        fd = high;
    }
    if (fd < 0)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        if (errno != EINPROGRESS || !wait_for(fd, true, left_ms(deadline_ms)) ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) != 0 || failed != 0) {
            if (failed != 0)
                errno = failed;
            else if (errno == EINPROGRESS)
                errno = ETIMEDOUT;
            n = (socklen_t)errno;
            close(fd);
            errno = (int)n;
            return -1;
        }
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    return fd;
}

static int connect_to(const char *address, uint64_t deadline_ms, struct diag *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char host[256], port[16];
    int fd = -1, rv;

    if (!split_address(address, host, sizeof host, port, sizeof port)) {
        diag_set(why, "\"%s\" is no address", address);
        diag_remedy(why, "write it as host:port");
        return -1;
    }
    rv = getaddrinfo(host, port, &hints, &list);
    if (rv != 0) {
        diag_set(why, "cannot find %s: %s", host, gai_strerror(rv));
        return -1;
    }
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_one(a, deadline_ms);
    if (fd < 0)
        diag_set(why, "cannot connect to %s: %s", address, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

/* ---- the stream -------------------------------------------------------------------------------------- */

static struct tls_stream *tls_stream_of(struct stream *s)
{
    return (struct tls_stream *)s;
}

/* 0: try again later; -1: dead. Leaves the thread's error queue empty: something left in it would turn a later "wait" into an error. */
static long verdict(struct tls_stream *t, int rv)
{
    int e = SSL_get_error(t->ssl, rv);
    ERR_clear_error();
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static long stream_write(struct stream *s, const uint8_t *bytes, size_t n)
{
    struct tls_stream *t = tls_stream_of(s);
    size_t done = 0;
    ERR_clear_error();
    return SSL_write_ex(t->ssl, bytes, n, &done) == 1 ? (long)done : verdict(t, 0);
}

static long stream_read(struct stream *s, uint8_t *bytes, size_t room)
{
    struct tls_stream *t = tls_stream_of(s);
    size_t done = 0;
    ERR_clear_error();
    return SSL_read_ex(t->ssl, bytes, room, &done) == 1 ? (long)done : verdict(t, 0);
}

static const struct stream_peer *stream_peer(struct stream *s)
{
    return &tls_stream_of(s)->peer;
}

static bool stream_wait(struct stream *s, bool to_write, unsigned timeout_ms)
{
    return wait_for(tls_stream_of(s)->fd, to_write, timeout_ms);
}

static void stream_close(struct stream *s, bool inherited)
{
    struct tls_stream *t = tls_stream_of(s);
    if (!inherited) {
        ERR_clear_error();
        SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
    /* Says goodbye to nobody: in a child this is the parent's connection. */
    SSL_set_quiet_shutdown(t->ssl, 1);
    SSL_free(t->ssl);
    close(t->fd);
    OPENSSL_free(t->peer_key);
    free(t);
}

static const struct stream_ops ops = {
    .write = stream_write, .read = stream_read, .peer = stream_peer, .wait = stream_wait, .close = stream_close};

/* ---- dialling ---------------------------------------------------------------------------------------- */

static bool handshake(struct tls_stream *t, uint64_t deadline_ms, const char *address, struct diag *why)
{
    char text[160];
    for (;;) {
        int rv, e;
        gate_enter();
        ERR_clear_error();
        rv = SSL_connect(t->ssl);
        e = SSL_get_error(t->ssl, rv);
        gate_leave();
        if (rv == 1)
            return true;
        if ((e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) && left_ms(deadline_ms) > 0 &&
            wait_for(t->fd, e == SSL_ERROR_WANT_WRITE, left_ms(deadline_ms)))
            continue;
        diag_set(why, "TLS with %s failed: %s", address, tls_error_text(t->ssl, text, sizeof text));
        diag_remedy(why, "check customerCA.crt and the client certificate (hsmctl client)");
        return false;
    }
}

static bool note_peer(struct tls_dialer *d, struct tls_stream *t, const char *address, struct diag *why)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    EVP_MD *sha256 = EVP_MD_fetch(d->libctx, "SHA256", NULL);
    uint8_t key_hash[32];
    uint8_t *der = NULL;
    int n = x ? i2d_X509(x, &der) : 0;
    int key_n = x ? i2d_PUBKEY(X509_get0_pubkey(x), &t->peer_key) : 0;
    bool ok = sha256 != NULL && n > 0 && key_n > 0 &&
              EVP_Digest(der, (size_t)n, t->peer.certificate_hash, NULL, sha256, NULL) == 1 &&
              EVP_Digest(t->peer_key, (size_t)key_n, key_hash, NULL, sha256, NULL) == 1;

    t->peer.named = ok && cluster_name_read(X509_get_subject_name(x), t->peer.cluster_id);
    t->peer.pinned = d->pinned; /* or there is no stream */
    t->peer.key = t->peer_key;
    t->peer.key_bytes = ok ? (size_t)key_n : 0;
    EVP_MD_free(sha256);
    OPENSSL_free(der);
    ERR_clear_error();
    if (!ok) {
        diag_set(why, "%s shows no usable certificate", address);
    } else if (d->pinned && !bytes_equal(key_hash, d->pin, sizeof key_hash)) {
        diag_set(why, "%s shows a certificate of another key than the pinned cluster key", address);
        diag_remedy(why, "if the cluster was made anew, take its cluster pin from hsmctl node status on a node");
        ok = false;
    }
    return ok;
}

static bool peer_is_right(struct tls_dialer *d, struct tls_stream *t, const char *address, struct diag *why)
{
    bool ok;

    gate_enter();
    ok = note_peer(d, t, address, why);
    gate_leave();
    return ok;
}

static bool prepare(struct tls_dialer *d, struct tls_stream *t)
{
    BIO *bio;

    gate_enter();
    t->ssl = SSL_new(d->ctx);
    bio = BIO_new(d->bio_method);
    if (t->ssl != NULL && bio != NULL) {
        BIO_set_data(bio, (void *)(intptr_t)t->fd);
        BIO_set_init(bio, 1);
        SSL_set_bio(t->ssl, bio, bio);
    } else {
        BIO_free(bio);
        bio = NULL;
    }
    gate_leave();
    return bio != NULL;
}

static enum err dial(struct dialer *base, const char *address, unsigned timeout_ms, struct stream **out, struct diag *why)
{
    struct tls_dialer *d = (struct tls_dialer *)base;
    uint64_t deadline_ms = clock_boot_ms() + timeout_ms;
    struct tls_stream *t = calloc(1, sizeof *t);

    if (t == NULL)
        return ERR_NO_MEMORY;
    t->base.ops = &ops;
    t->fd = connect_to(address, deadline_ms, why);
    if (t->fd >= 0 && prepare(d, t) && handshake(t, deadline_ms, address, why) && peer_is_right(d, t, address, why)) {
        *out = &t->base;
        return ERR_OK;
    }
    gate_enter();
    SSL_free(t->ssl);
    OPENSSL_free(t->peer_key);
    ERR_clear_error();
    gate_leave();
    if (t->fd >= 0)
        close(t->fd);
    free(t);
    return ERR_LOST;
}

static void dialer_free(struct dialer *base)
{
    struct tls_dialer *d = (struct tls_dialer *)base;
    if (d == NULL)
        return;
    SSL_CTX_free(d->ctx);
    BIO_meth_free(d->bio_method);
    free(d);
}

struct dialer *tls_dialer_new(const struct client_identity *identity, const uint8_t *pin, struct diag *why)
{
    struct tls_setup setup = {.libctx = identity->libctx,
                              .side = TLS_CLIENT,
                              .certificate = identity->certificate,
                              .chain = identity->chain,
                              .key = identity->key,
                              .roots = identity->roots};
    struct tls_dialer *d = calloc(1, sizeof *d);

    if (d == NULL)
        return NULL;
    d->base = (struct dialer){.dial = dial, .free = dialer_free};
    d->libctx = identity->libctx;
    d->ctx = tls_context_new(&setup, why);
    d->bio_method = bio_method_new();
    if (pin != NULL) {
        d->pinned = true;
        memcpy(d->pin, pin, sizeof d->pin);
    }
    if (d->ctx == NULL || d->bio_method == NULL) {
        dialer_free(&d->base);
        return NULL;
    }
    return &d->base;
}
