#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"none", "error", "warning", "info", "debug"};

static atomic_int descriptor = -1;
static atomic_int level_now = LOG_INFO;

/* The old file is closed after the new one is in place; a record under way at that instant may be lost. */
static void descriptor_set(int fd)
{
    int old = atomic_exchange(&descriptor, fd);
    if (old > STDERR_FILENO)
        close(old);
}

void log_to_stderr(void)
{
    descriptor_set(STDERR_FILENO);
}

bool log_open(const char *path, struct diag *why)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int fault = errno;
        diag_set(why, "can't open the log file: %s", strerror(fault));
        diag_where(why, path, 0);
        diag_remedy(why, fault == ELOOP ? "name a file that is no link"
                                        : "check that its folder is there and writable");
        return false;
    }
    descriptor_set(fd);
    return true;
}

void log_close(void)
{
    descriptor_set(-1);
}

void log_set_level(enum log_level level)
{
    atomic_store(&level_now, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load(&level_now);
}

bool log_level_from_text(const char *text, enum log_level *level)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Copies text into out[0..room), control characters as \xNN; returns the length. */
static size_t copy_printable(char *out, size_t room, const char *text)
{
    size_t n = 0;
    for (; *text && n + 5 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    return n;
}

void log_at(enum log_level level, const char *event, const char *format, ...)
{
    int fd = atomic_load(&descriptor);
    if (fd < 0 || (int)level > atomic_load(&level_now) || level == LOG_NONE)
        return;

    int kept_errno = errno;
    struct timespec now;
    struct tm day;
    char line[LOG_LINE_BYTES_MAX], text[LOG_LINE_BYTES_MAX / 2];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &day);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s %s ", now.tv_nsec / 1000000, level_names[level],
        event);

    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > sizeof line / 2) /* an event's name is ours and short; a long one is cut rather than trusted */
        n = sizeof line / 2;
    n += copy_printable(line + n, sizeof line - n - 1, text);
    line[n++] = '\n';
    while (write(fd, line, n) < 0 && errno == EINTR)
        ;
    errno = kept_errno;
}
