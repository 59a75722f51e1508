#include "tools/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "proto/limits.h"

enum { CANCEL = 3, LINE_BYTES_MAX = PASSWORD_BYTES_MAX + 2 };

/* One line from a descriptor, byte by byte: what stands behind it may be somebody else's. */
static bool read_line(int fd, bool terminal, struct secret *out, struct diag *why)
{
    bool ended = false, cancelled = false;
    size_t n = 0;

    if (!secret_new(out, LINE_BYTES_MAX)) {
        diag_set(why, "out of memory");
        return false;
    }
    while (!ended && n < LINE_BYTES_MAX) {
        ssize_t got = read(fd, out->bytes + n, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        cancelled = terminal && out->bytes[n] == CANCEL;
        ended = cancelled || out->bytes[n] == '\n';
        n += !ended;
    }
    if (n > 0 && ended && out->bytes[n - 1] == '\r')
        n--;
    out->len = n;
    if (!cancelled && n > 0 && n <= PASSWORD_BYTES_MAX && memchr(out->bytes, 0, n) == NULL)
        return true;
    if (cancelled)
        diag_set(why, "cancelled");
    else
        diag_set(why, "a password has 1 to %u bytes on one line", PASSWORD_BYTES_MAX);
    diag_remedy(why, "give the password, and nothing else, on the first line");
    secret_clear(out);
    return false;
}

static bool read_fd(const char *text, struct secret *out, struct diag *why)
{
    char *end = NULL;
    unsigned long fd = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || fd > 65535 || fcntl((int)fd, F_GETFD) < 0) {
        diag_set(why, "\"%.20s\" is no open descriptor", text);
        diag_remedy(why, "open it first, such as: hsmctl ... --password-fd 3 3<file");
        return false;
    }
    return read_line((int)fd, false, out, why);
}

static bool read_file(const char *path, struct secret *out, struct diag *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok = false;

    if (fd < 0 || fstat(fd, &st) != 0) {
        diag_set(why, "cannot read the password: %s", strerror(errno));
        diag_remedy(why, "give the path of a file that you may read");
    } else if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        diag_set(why, "others may read or write this password file");
        diag_remedy(why, "chmod 600 %s, and change the password if others had it", path);
    } else {
        ok = read_line(fd, false, out, why);
    }
    if (!ok)
        diag_where(why, path, 0);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Signals of the keyboard are off as well, or Ctrl-C would leave the terminal without its echo; we see it as a character. */
static bool ask(int tty, const char *prompt, const char *again, struct secret *out, struct diag *why)
{
    struct termios before, silent;
    bool ok;

    if (tcgetattr(tty, &before) != 0) {
        diag_set(why, "the terminal does not tell its settings: %s", strerror(errno));
        return false;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ISIG);
    silent.c_lflag |= ICANON | ECHONL;
    silent.c_cc[VEOL] = CANCEL; /* ends the line, as Enter does */
    dprintf(tty, "%s%s: ", prompt, again);
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0) {
        diag_set(why, "the echo cannot be turned off: %s", strerror(errno));
        return false;
    }
    ok = read_line(tty, true, out, why);
    tcsetattr(tty, TCSAFLUSH, &before);
    return ok;
}

static bool read_tty(const struct password_source *from, struct secret *out, struct diag *why)
{
    struct secret second = {0};
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool ok;

    if (tty < 0) {
        diag_set(why, "the %s is needed, and there is no terminal to ask at", from->prompt);
        if (from->fd_option != NULL)
            diag_remedy(why, "give %s FILE (mode 0600), or %s N", from->option, from->fd_option);
        else
            diag_remedy(why, "give %s FILE (mode 0600)", from->option);
        return false;
    }
    ok = ask(tty, from->prompt, "", out, why);
    if (ok && from->is_new) {
        ok = ask(tty, from->prompt, ", again", &second, why);
        if (ok && !secret_equal(out, &second)) {
            diag_set(why, "the two differ");
            diag_remedy(why, "begin again");
            ok = false;
        }
        secret_clear(&second);
        if (!ok)
            secret_clear(out);
    }
    close(tty);
    return ok;
}

bool password_read(const struct password_source *from, struct secret *out, struct diag *why)
{
    if (from->file != NULL && from->fd != NULL) {
        diag_set(why, "the %s is given twice", from->prompt);
        diag_remedy(why, "give a file or a descriptor");
        return false;
    }
    if (from->file != NULL)
        return read_file(from->file, out, why);
    return from->fd != NULL ? read_fd(from->fd, out, why) : read_tty(from, out, why);
}
