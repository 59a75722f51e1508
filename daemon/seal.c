#include "daemon/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/durable_file.h"

enum { PATH_BYTES = 1024 };

/* ---- file ---- */

static bool refuse(const char *path, struct diag *why, const char *remedy)
{
    diag_where(why, path, 0);
    diag_remedy(why, "%s", remedy);
    return false;
}

static bool check(int fd, const char *path, struct diag *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        diag_set(why, "the seal is no regular file");
        return refuse(path, why, "name the key file that the node was started with");
    }
    if (st.st_uid != geteuid()) {
        diag_set(why, "the seal belongs to user %u, not to the user of hsmd, %u", st.st_uid, geteuid());
        return refuse(path, why, "chown it to the user that starts hsmd");
    }
    if ((st.st_mode & 077) != 0) {
        diag_set(why, "others than its owner may use the seal (mode %04o)", st.st_mode & 07777);
        return refuse(path, why, "chmod 600 the file; if others may have read it, replace the node");
    }
    if (st.st_size != SEAL_FILE_BYTES) {
        diag_set(why, "the seal has %lld bytes, not %d: it is not the file that hsmd made", (long long)st.st_size, SEAL_FILE_BYTES);
        return refuse(path, why, "restore it from your copy; without it, empty the data folder and join the node anew");
    }
    return true;
}

static bool make_name_durable(const char *path)
{
    char folder[PATH_BYTES];
    char *slash;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    return durable_folder(folder);
}

/* O_EXCL: whoever else makes it at the same moment wins, and then both read the same. */
static bool make(const char *path, struct diag *why)
{
    uint8_t bytes[SEAL_FILE_BYTES];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0) {
        diag_set(why, "the seal cannot be made: %s", strerror(errno));
        return refuse(path, why, "make its folder, writable for the user that starts hsmd, or name another file as seal.file");
    }
    ok = fchmod(fd, 0600) == 0 && getrandom(bytes, sizeof bytes, 0) == sizeof bytes &&
         write(fd, bytes, sizeof bytes) == sizeof bytes && fsync(fd) == 0;
    bytes_wipe(bytes, sizeof bytes);
    ok = close(fd) == 0 && ok && make_name_durable(path);
    if (ok)
        return true;
    diag_set(why, "the seal cannot be written: %s", strerror(errno));
    unlink(path);
    return refuse(path, why, "make room on the disk");
}

int seal_file_open(const char *path, bool may_make, struct diag *why)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0 && errno == ENOENT) {
        if (!may_make) {
            diag_set(why, "the seal is missing, and without it this node's data cannot be opened");
            (void)refuse(path, why, "restore the file from your copy; if there is none, empty the data folder, and let the node "
                "join as a new one");
            return -1;
        }
        if (!make(path, why))
            return -1;
    }
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        diag_set(why, errno == ELOOP ? "the seal is a link" : "the seal cannot be opened: %s", strerror(errno));
        (void)refuse(path, why, errno == ELOOP ? "name the file itself" : "make it readable for the user that starts hsmd");
        return -1;
    }
    if (check(fd, path, why))
        return fd;
    close(fd);
    return -1;
}

/* ---- passphrase ---- */

static bool check_length(const struct secret *s, bool is_first, struct diag *why)
{
    if (s->len > SEAL_PASSPHRASE_BYTES_MAX) {
        diag_set(why, "the passphrase is longer than %d bytes", SEAL_PASSPHRASE_BYTES_MAX);
        diag_remedy(why, "give one line");
        return false;
    }
    if (s->len < (is_first ? (size_t)SEAL_PASSPHRASE_BYTES_MIN : 1)) {
        diag_set(why, s->len == 0 ? "the passphrase is empty" : "the passphrase is shorter than %d bytes", SEAL_PASSPHRASE_BYTES_MIN);
        diag_remedy(why, "give a longer one: whoever copies the data folder may try them all");
        return false;
    }
    return true;
}

/* At most one byte more than is allowed, so that too long a one shows. False: reading failed. */
static bool read_line(int fd, struct secret *out)
{
    size_t n = 0;
    ssize_t got = 1;

    while (n <= SEAL_PASSPHRASE_BYTES_MAX && (got = read(fd, out->bytes + n, 1)) == 1 && out->bytes[n] != '\n')
        n++;
    out->len = n;
    return got >= 0;
}

bool seal_passphrase_read(int fd, bool is_first, struct secret *out, struct diag *why)
{
    if (!secret_new(out, SEAL_PASSPHRASE_BYTES_MAX + 1)) {
        diag_set(why, "out of memory");
        return false;
    }
    if (!read_line(fd, out)) {
        diag_set(why, "the passphrase cannot be read from descriptor %d: %s", fd, strerror(errno));
        diag_remedy(why, "open it for hsmd, as in: hsmd --passphrase-fd 4 4<file");
    } else if (check_length(out, is_first, why)) {
        return true;
    }
    secret_clear(out);
    return false;
}

static void on_signal(int number)
{
    (void)number; /* only ends the read */
}

static bool ask_once(int tty, const char *prompt, struct secret *out, struct diag *why)
{
    struct termios before, quiet;
    struct sigaction act = {.sa_handler = on_signal}, old_int, old_term;
    bool ok;

    if (tcgetattr(tty, &before) != 0 || write(tty, prompt, strlen(prompt)) < 0) {
        diag_set(why, "the terminal cannot be used: %s", strerror(errno));
        return false;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    sigaction(SIGINT, &act, &old_int); /* or an interrupt would leave the terminal without echo */
    sigaction(SIGTERM, &act, &old_term);
    ok = tcsetattr(tty, TCSAFLUSH, &quiet) == 0 && read_line(tty, out);
    tcsetattr(tty, TCSAFLUSH, &before);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    ok = write(tty, "\n", 1) == 1 && ok;
    if (!ok)
        diag_set(why, "no passphrase was given");
    return ok;
}

bool seal_passphrase_ask(bool is_first, struct secret *out, struct diag *why)
{
    struct secret again = {0};
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool ok = false;

    if (tty < 0) {
        diag_set(why, "the seal is a passphrase, and there is no terminal to ask for it");
        diag_remedy(why, "start hsmd at a terminal, or give it by --passphrase-fd");
        return false;
    }
    if (!secret_new(out, SEAL_PASSPHRASE_BYTES_MAX + 1) || !secret_new(&again, SEAL_PASSPHRASE_BYTES_MAX + 1)) {
        diag_set(why, "out of memory");
    } else if (ask_once(tty, is_first ? "New passphrase of this node: " : "Passphrase of this node: ", out, why) &&
               check_length(out, is_first, why) &&
               (!is_first || ask_once(tty, "Once more: ", &again, why))) {
        ok = !is_first || secret_equal(out, &again);
        if (!ok)
            diag_set(why, "the two passphrases differ");
    }
    close(tty);
    secret_clear(&again);
    if (!ok)
        secret_clear(out);
    return ok;
}

int seal_passphrase_pipe(const struct secret *passphrase, struct diag *why)
{
    int fds[2];
    bool ok;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        diag_set(why, "no pipe for the passphrase: %s", strerror(errno));
        return -1;
    }
    ok = write(fds[1], passphrase->bytes, passphrase->len) == (ssize_t)passphrase->len; /* fits into any pipe */
    close(fds[1]);
    if (ok)
        return fds[0];
    diag_set(why, "the passphrase cannot be handed on: %s", strerror(errno));
    close(fds[0]);
    return -1;
}
