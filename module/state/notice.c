#include "module/state/notice.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { USER_ERROR = 1 * 8 + 3 /* RFC 3164: facility user, severity error */, LINE_BYTES_MAX = 1024 };

void notice(const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char line[LINE_BYTES_MAX];
    int n = snprintf(line, sizeof line, "<%d>clusterhsm[%ld]: %s", USER_ERROR, (long)getpid(), text);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || n < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    (void)sendto(fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
                 sizeof to);
    close(fd);
}
