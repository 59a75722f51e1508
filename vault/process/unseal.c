#include "vault/process/unseal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool check_file(int fd, struct diag *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        diag_set(why, "the seal is no regular file");
        diag_remedy(why, "name a regular file as seal.file, or set seal.kind to passphrase");
        return false;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        diag_set(why, "the seal's file can be read by others than its owner");
        diag_remedy(why, "chmod 600 it; if others may have read it, empty the data folder, remove the file and let the node join again");
        return false;
    }
    return true;
}

/* Up to `room` bytes; -1: an error, or there are more. */
static ssize_t read_all(int fd, uint8_t *to, size_t room)
{
    size_t n = 0;
    uint8_t beyond;
    ssize_t got;

    for (;;) {
        got = n < room ? read(fd, to + n, room - n) : read(fd, &beyond, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (got > 0 && n == room))
            return -1;
        if (got == 0)
            return (ssize_t)n;
        n += (size_t)got;
    }
}

static bool read_seal(int fd, enum seal_kind kind, struct secret *out, struct diag *why)
{
    size_t room = kind == SEAL_FILE ? SEAL_KEY_BYTES : SEAL_PASSPHRASE_BYTES_MAX;
    ssize_t n;

    if (kind == SEAL_FILE && !check_file(fd, why))
        return false;
    if (!secret_new(out, room)) {
        diag_set(why, "out of memory");
        return false;
    }
    n = read_all(fd, out->bytes, room);
    if (kind == SEAL_FILE && n != SEAL_KEY_BYTES) {
        diag_set(why, "the seal's file has not %d bytes", SEAL_KEY_BYTES);
        diag_remedy(why, "restore the file that hsmd has made, or empty the data folder, remove the file and let the node join again");
        return false;
    }
    if (kind == SEAL_PASSPHRASE && n > 0 && out->bytes[n - 1] == '\n')
        n--;
    if (n <= 0) {
        diag_set(why, n < 0 ? "the passphrase is longer than %d bytes" : "the passphrase is empty (at most %d bytes)",
                 SEAL_PASSPHRASE_BYTES_MAX);
        diag_remedy(why, "restart hsmd and give the node's passphrase");
        return false;
    }
    out->len = (size_t)n;
    return true;
}

bool unseal_read(int fd, enum seal_kind *kind, struct secret *out, struct diag *why)
{
    bool ok;

    if (fcntl(fd, F_GETFD) < 0) {
        *kind = SEAL_NONE;
        return true;
    }
    ok = read_seal(fd, *kind, out, why);
    if (!ok)
        secret_clear(out);
    close(fd);
    return ok;
}
