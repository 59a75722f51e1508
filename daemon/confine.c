#include "daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

enum { FOLDER_BYTES = 1024 };

/* Rights of the first version; each later one adds some, which a kernel that does not know them refuses as a whole. */
#define FIRST_RIGHTS                                                                                                    \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |  \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_SYM)
#define DATA_RIGHTS                                                                                                     \
    (FIRST_RIGHTS & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
                                LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM))
#define SOCKET_RIGHTS ((uint64_t)(LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE))

static bool allow(int ruleset, const char *folder, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    int fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    bool ok;

    rule.parent_fd = fd;
    ok = fd >= 0 && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void folder_of(const char *path, char *out, size_t room)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);

    if (slash == NULL)
        snprintf(out, room, ".");
    else
        snprintf(out, room, "%.*s", n == 0 ? 1 : (int)n, path);
}

/* Other nodes may be configured by name. These say how names are looked up, and nothing else; some are not everywhere. */
static void allow_names(int ruleset)
{
    static const char *const files[] = {"/etc/gai.conf", "/etc/host.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf",
        "/run/systemd/resolve"};
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        rule.parent_fd = open(files[i], O_PATH | O_CLOEXEC);
        if (rule.parent_fd < 0)
            continue;
        (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        close(rule.parent_fd);
    }
}

void confine_files(const char *data, const char *socket)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = FIRST_RIGHTS};
    char folder[FOLDER_BYTES];
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    bool ok;

    if (ruleset < 0) {
        log_info("files_not_confined", "why=\"the kernel has no Landlock, or it is off: %s\"", strerror(errno));
        return;
    }
    allow_names(ruleset);
    folder_of(socket, folder, sizeof folder);
    ok = allow(ruleset, data, DATA_RIGHTS) && allow(ruleset, folder, SOCKET_RIGHTS) &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        log_warning("files_not_confined", "why=\"%s\"", strerror(errno));
    close(ruleset);
}
