#include "tools/local.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/whole.h"
#include "common/yaml.h"
#include "proto/frame.h"
#include "proto/limits.h"

enum { EXCHANGE = 1, READ_BYTES = 16384 };

/* ---- where the socket is --------------------------------------------------------------------------------- */

static const char *leaf_text(const struct yaml *doc, const char *path)
{
    for (size_t i = 0; i < doc->count; i++)
        if (strcmp(doc->leaves[i].path, path) == 0 && doc->leaves[i].count == 1)
            return doc->leaves[i].items[0];
    return NULL;
}

static bool read_config(const char *path, struct yaml *doc, struct diag *why)
{
    char bytes[YAML_DOCUMENT_BYTES_MAX];
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(bytes, 1, sizeof bytes, f) : 0;

    if (f == NULL) {
        diag_set(why, "cannot be read: %s", strerror(errno));
        diag_where(why, path, 0);
        diag_remedy(why, "name the node's socket with --socket, or its configuration with --node-config");
        return false;
    }
    fclose(f);
    return yaml_parse(path, bytes, n, doc, why);
}

/* As the node itself has it (daemon/settings.c): listen.socket, else hsmd.sock in data; relative to the file's folder. */
static bool path_from_config(const char *config, char *out, struct diag *why)
{
    struct yaml doc = {0};
    const char *socket, *named, *slash = strrchr(config, '/');
    int n = -1;

    if (!read_config(config, &doc, why))
        return false;
    socket = leaf_text(&doc, "listen.socket");
    named = socket != NULL && socket[0] != '\0' ? socket : leaf_text(&doc, "data");
    if (named == NULL) {
        diag_set(why, "says neither listen.socket nor data");
        diag_where(why, config, 0);
        diag_remedy(why, "name hsmd's configuration, or the socket itself with --socket");
    } else {
        n = snprintf(out, PATH_MAX, "%.*s%s%s", named[0] == '/' || slash == NULL ? 0 : (int)(slash - config + 1), config, named,
                     named == socket ? "" : "/hsmd.sock");
        if (n >= PATH_MAX)
            diag_set(why, "the path of the socket is too long");
    }
    yaml_clear(&doc);
    return n > 0 && n < PATH_MAX;
}

bool local_socket_path(const char *socket, const char *config, char *out, struct diag *why)
{
    int n;

    if (socket == NULL)
        return path_from_config(config != NULL ? config : NODE_CONFIG_PATH, out, why);
    n = snprintf(out, PATH_MAX, "%s", socket);
    if (n < PATH_MAX)
        return true;
    diag_set(why, "the path of the socket is too long");
    return false;
}

/* ---- the exchange ---------------------------------------------------------------------------------------- */

static enum err connect_to(const char *path, int *out, struct diag *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, failed;

    if (strlen(path) >= sizeof address.sun_path) {
        diag_set(why, "the path of the socket is longer than %zu bytes", sizeof address.sun_path - 1);
        diag_where(why, path, 0);
        diag_remedy(why, "set listen.socket in hsmd's configuration to a shorter path");
        return ERR_LOST;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        *out = fd;
        return ERR_OK;
    }
    failed = errno;
    if (fd >= 0)
        close(fd);
    diag_set(why, "no node answers: %s", strerror(failed));
    diag_where(why, path, 0);
    if (failed == EACCES || failed == EPERM)
        diag_remedy(why, "run hsmctl as root, or as the user that hsmd runs as");
    else
        diag_remedy(why, "start hsmd; or name the socket with --socket, or hsmd's configuration with --node-config");
    return failed == EACCES || failed == EPERM ? ERR_PERMISSION : ERR_LOST;
}

static enum err lost(const char *how, struct diag *why)
{
    diag_set(why, "the node %s", how);
    diag_remedy(why, "look into the log of hsmd, and try again");
    return ERR_LOST;
}

static enum err send_request(int fd, const Hsm__LocalRequest *request, struct diag *why)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    size_t n = hsm__local_request__get_packed_size(request);
    uint8_t *packed = malloc(n > 0 ? n : 1);
    struct buffer frame = {0};
    enum err e = ERR_NO_MEMORY;

    header.kind = HSM__FRAME_KIND__FRAME_LOCAL;
    header.exchange = EXCHANGE;
    if (packed != NULL)
        hsm__local_request__pack(request, packed);
    if (packed != NULL && frame_put(&frame, &header, packed, n))
        e = whole_send(fd, frame.data, frame.len) ? ERR_OK : lost("closed the connection", why);
    else
        diag_set(why, "the request is too large, or there is no memory");
    buffer_clear(&frame);
    free(packed);
    return e;
}

static enum err receive_more(int fd, struct buffer *in, unsigned silence_ms, struct diag *why)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t bytes[READ_BYTES];
    int ready = poll(&p, 1, (int)silence_ms);
    ssize_t got;

    if (ready < 0 && errno == EINTR)
        return ERR_OK;
    if (ready <= 0)
        return lost("does not answer", why);
    got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return ERR_OK;
    if (got <= 0)
        return lost("closed the connection before it answered", why);
    return buffer_put(in, bytes, (size_t)got) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err malformed(struct diag *why)
{
    diag_set(why, "what answers does not speak as a node does");
    diag_remedy(why, "see that hsmctl and hsmd are of one version, and that the socket is hsmd's");
    return ERR_MALFORMED;
}

/* Frames until the reply is there; a front that works on it says so every second. */
static enum err receive_reply(int fd, unsigned silence_ms, Hsm__LocalReply **out, struct diag *why)
{
    struct buffer in = {.bytes_max = FRAME_LENGTH_BYTES + FRAME_BYTES_MAX + READ_BYTES};
    enum err e = ERR_OK;

    *out = NULL;
    while (e == ERR_OK && *out == NULL) {
        struct frame f = {0};
        size_t taken = 0;

        e = frame_decode(in.data, in.len, &f, &taken);
        if (e != ERR_OK) {
            e = malformed(why);
        } else if (taken == 0) {
            e = receive_more(fd, &in, silence_ms, why);
        } else if (f.header->kind == HSM__FRAME_KIND__FRAME_LOCAL_REPLY && f.header->exchange == EXCHANGE) {
            *out = hsm__local_reply__unpack(NULL, f.payload_len, f.payload);
            e = *out != NULL ? ERR_OK : malformed(why);
        } else if (f.header->kind != HSM__FRAME_KIND__FRAME_PROGRESS) {
            e = malformed(why);
        }
        frame_clear(&f);
        buffer_drop(&in, taken);
    }
    buffer_clear(&in);
    return e;
}

enum err local_ask(const char *socket_path, const Hsm__LocalRequest *request, unsigned silence_ms, Hsm__LocalReply **out,
                   struct diag *why)
{
    int fd = -1;
    enum err e = connect_to(socket_path, &fd, why);

    *out = NULL;
    if (e == ERR_OK)
        e = send_request(fd, request, why);
    if (e == ERR_OK)
        e = receive_reply(fd, silence_ms, out, why);
    if (fd >= 0)
        close(fd);
    if (e == ERR_OK && (*out)->error != ERR_OK) {
        e = err_from_wire((*out)->error);
        diag_set(why, "%s", (*out)->detail[0] != '\0' ? (*out)->detail : err_text(e));
    }
    return e;
}
