#include "daemon/node_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/durable_file.h"

enum { PATH_BYTES = 1024 };

static bool fault(const char *what, const char *path, struct diag *why)
{
    diag_set(why, "%s: %s", what, strerror(errno));
    diag_where(why, path, 0);
    diag_remedy(why, "see to the disk and to who owns the data folder, then start the node again");
    return false;
}

bool node_file_read(const char *folder, struct buffer *out, struct diag *why)
{
    char path[PATH_BYTES];
    ssize_t n = 1;
    int fd;

    buffer_init(out, NODE_FILE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/node.state", folder);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || fault("the node's state cannot be opened", path, why);
    while (n > 0) {
        uint8_t part[4096];
        n = read(fd, part, sizeof part);
        if (n > 0 && !buffer_put(out, part, (size_t)n)) {
            errno = EFBIG;
            n = -1;
        }
    }
    if (n < 0)
        fault("the node's state cannot be read", path, why);
    close(fd);
    return n == 0;
}

bool node_file_write(const char *folder, const uint8_t *bytes, size_t n, struct diag *why)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/node.state", folder);
    return durable_file_replace(folder, "node.state", bytes, n) || fault("the node's state cannot be written", path, why);
}
