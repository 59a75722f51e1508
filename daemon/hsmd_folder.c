#include "daemon/hsmd_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

static uid_t owner_of(const struct spawn_user *front)
{
    return front->change ? front->uid : geteuid();
}

static bool make(const char *path, const struct spawn_user *front, struct diag *why)
{
    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return true;
        diag_set(why, "the data folder cannot be made: %s", strerror(errno));
        diag_where(why, path, 0);
        diag_remedy(why, "make the folder above it, writable for the user that starts hsmd");
        return false;
    }
    if (!front->change || chown(path, front->uid, front->gid) == 0)
        return true;
    diag_set(why, "the data folder cannot be given to front.user: %s", strerror(errno));
    diag_where(why, path, 0);
    return false;
}

static bool check(int folder, const char *path, const struct spawn_user *front, struct diag *why)
{
    struct stat st;

    if (fstat(folder, &st) != 0) {
        diag_set(why, "the data folder cannot be looked at: %s", strerror(errno));
    } else if (st.st_uid != owner_of(front)) {
        diag_set(why, "the data folder belongs to user %u, but hsm-front runs as user %u", st.st_uid, owner_of(front));
        diag_remedy(why, "chown -R it to that user");
    } else if ((st.st_mode & 077) != 0) {
        diag_set(why, "others than its owner may look into the data folder (mode %04o)", st.st_mode & 07777);
        diag_remedy(why, "chmod 700 it");
    } else {
        return true;
    }
    diag_where(why, path, 0);
    return false;
}

/* The folder is the front's, who is not to be trusted by root: no links are followed, nothing is written. */
static int lock(int folder, const char *path, struct diag *why)
{
    int fd = openat(folder, "hsmd.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

    if (fd < 0)
        diag_set(why, "the lock file hsmd.lock cannot be opened: %s", strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    else if (errno == EWOULDBLOCK)
        diag_set(why, "another hsmd uses this data folder");
    else
        diag_set(why, "the lock file hsmd.lock cannot be locked: %s", strerror(errno));
    diag_where(why, path, 0);
    diag_remedy(why, "stop the other one, or give this node a data folder of its own");
    if (fd >= 0)
        close(fd);
    return -1;
}

int folder_take(const char *path, const struct spawn_user *front, struct diag *why)
{
    int folder, fd = -1;

    if (!make(path, front, why))
        return -1;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        diag_set(why, "the data folder cannot be opened: %s", strerror(errno));
        diag_where(why, path, 0);
        diag_remedy(why, "name a folder as data");
        return -1;
    }
    if (check(folder, path, front, why))
        fd = lock(folder, path, why);
    close(folder);
    return fd;
}

bool folder_has_state(const char *path)
{
    char file[PATH_BYTES];
    struct stat st;

    snprintf(file, sizeof file, "%s/node.state", path);
    return lstat(file, &st) == 0;
}
