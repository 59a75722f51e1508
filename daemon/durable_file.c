#include "daemon/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/whole.h"

enum { PATH_BYTES = 1024 };

/* Closes it, and keeps the errno of what went wrong before. */
static bool end(int fd, bool ok)
{
    int fault = errno;

    if (fd < 0)
        return false;
    if (close(fd) != 0 && ok)
        return false;
    errno = fault;
    return ok;
}

bool durable_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return end(fd, fd >= 0 && fsync(fd) == 0);
}

bool durable_file_replace(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[PATH_BYTES], beside[PATH_BYTES];
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path ||
        snprintf(beside, sizeof beside, "%s/%s.new", folder, name) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return end(fd, fd >= 0 && whole_write(fd, bytes, n) && fsync(fd) == 0) && rename(beside, path) == 0 && durable_folder(folder);
}
