/*
 * hsmd: the parent of a node's two processes.
 *
 *   configuration -> data folder and its lock -> seal -> both started -> one dies: the other is ended, both start anew
 *                                                     -> SIGTERM, SIGINT: both are ended, and so is hsmd
 *
 * It holds no key and opens no socket. One thread; signals are waited for, never caught while it works.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/hsmd_folder.h"
#include "daemon/hsmd_pair.h"
#include "daemon/seal.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78, WAIT_MS_MIN = 100, WAIT_MS_MAX = 10000, STEADY_MS = 30000, TEXT_BYTES = 1024 };

struct options {
    const char *config;
    bool create;
    int passphrase_fd; /* -1: none */
};

struct hsmd {
    struct options options;
    struct node_settings settings;
    struct pair_setup setup;
    struct pair pair;
    struct secret passphrase; /* until the first start */
    char config[PATH_MAX], vault[PATH_MAX], front[PATH_MAX];
    sigset_t signals;
};

static const char usage[] =
    "usage: hsmd [--config FILE] [--create] [--passphrase-fd N]\n"
    "\n"
    "Runs one node of a ClusterHSM cluster until SIGTERM or SIGINT, in the foreground.\n"
    "\n"
    "  --config FILE       the node's configuration; default /etc/clusterhsm/hsmd.yaml\n"
    "  --create            found a new cluster; without it, a node without data waits to join one\n"
    "  --passphrase-fd N   with seal.kind passphrase: read it, one line, from this descriptor\n"
    "  --foreground        accepted: there is no other mode\n"
    "  --help, --version\n"
    "\n"
    "What to do next is asked and told by hsmctl: hsmctl node status. Manual: hsmd(8).\n";

static int complain(const struct diag *why)
{
    char text[TEXT_BYTES];

    fprintf(stderr, "hsmd: %s\n", diag_text(why, text, sizeof text));
    return EXIT_FAILURE;
}

/* ---- command line ---- */

static bool read_descriptor(const char *text, int *fd)
{
    char *end = NULL;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < 0 || n > INT_MAX)
        return false;
    *fd = (int)n;
    return true;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { CONFIG = 1, CREATE, PASSPHRASE, FOREGROUND, HELP, VERSION_ };
    static const struct option table[] = {{"config", required_argument, NULL, CONFIG}, {"create", no_argument, NULL, CREATE},
        {"passphrase-fd", required_argument, NULL, PASSPHRASE}, {"foreground", no_argument, NULL, FOREGROUND},
        {"help", no_argument, NULL, HELP}, {"version", no_argument, NULL, VERSION_}, {0}};
    int c;

    *o = (struct options){.config = "/etc/clusterhsm/hsmd.yaml", .passphrase_fd = -1};
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == CONFIG) {
            o->config = optarg;
        } else if (c == CREATE) {
            o->create = true;
        } else if (c == PASSPHRASE && !read_descriptor(optarg, &o->passphrase_fd)) {
            fprintf(stderr, "hsmd: --passphrase-fd takes the number of an open descriptor, not \"%s\"\n", optarg);
            return EXIT_USAGE;
        } else if (c == HELP) {
            return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        } else if (c == VERSION_) {
            return printf("hsmd (ClusterHSM) %s\n", VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        } else if (c == '?') {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hsmd: \"%s\" is no option\n%s", argv[optind], usage);
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- what is needed before the first start ---- */

static bool find_programs(struct hsmd *h, struct diag *why)
{
    char here[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
    char *slash;

    here[n > 0 ? n : 0] = '\0';
    slash = strrchr(here, '/');
    if (slash != NULL)
        *slash = '\0';
    if (snprintf(h->vault, sizeof h->vault, "%s/hsm-vault", here) < (int)sizeof h->vault &&
        snprintf(h->front, sizeof h->front, "%s/hsm-front", here) < (int)sizeof h->front &&
        access(h->vault, X_OK) == 0 && access(h->front, X_OK) == 0)
        return true; /* the build tree */
    snprintf(h->vault, sizeof h->vault, "%s/hsm-vault", PKGLIBEXECDIR);
    snprintf(h->front, sizeof h->front, "%s/hsm-front", PKGLIBEXECDIR);
    if (access(h->vault, X_OK) == 0 && access(h->front, X_OK) == 0)
        return true;
    diag_set(why, "the programs hsm-vault and hsm-front are not there");
    diag_where(why, PKGLIBEXECDIR, 0);
    diag_remedy(why, "install ClusterHSM whole: make install");
    return false;
}

/* The file becomes descriptor 2, which the children inherit. */
static bool open_log(const struct node_settings *s, struct diag *why)
{
    enum log_level level = LOG_INFO;
    int fd;

    (void)log_level_from_text(s->log_level, &level);
    log_set_level(level);
    if (s->log_file[0] != '\0') {
        fd = open(s->log_file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) {
            diag_set(why, "the log file cannot be opened: %s", strerror(errno));
            diag_where(why, s->log_file, 0);
            diag_remedy(why, "name a file, not a link, in a folder that is there and writable");
            return false;
        }
        close(fd);
    }
    log_to_stderr();
    return true;
}

static void warn_about_users(const struct hsmd *h)
{
    uid_t vault = h->setup.vault_user.change ? h->setup.vault_user.uid : geteuid();
    uid_t front = h->setup.front_user.change ? h->setup.front_user.uid : geteuid();

    if (geteuid() == 0 && (vault == 0 || front == 0))
        log_warning("runs_as_root", "remedy=\"%s\"", "set front.user and vault.user, so that neither process is root");
    else if (vault == front)
        log_warning("one_user", "uid=%u remedy=\"%s\"", front,
            "front and vault run as one user, so a taken-over front could look into the vault: start hsmd as root, with "
            "front.user and vault.user");
}

static bool is_passphrase(const struct hsmd *h)
{
    return strcmp(h->settings.seal_kind, "passphrase") == 0;
}

static bool get_passphrase(struct hsmd *h, struct diag *why)
{
    bool is_first = !folder_has_state(h->settings.data);

    if (!is_passphrase(h)) {
        if (h->options.passphrase_fd < 0)
            return true;
        diag_set(why, "--passphrase-fd is given, but seal.kind is %s", h->settings.seal_kind);
        diag_remedy(why, "leave it out, or set seal.kind to passphrase");
        return false;
    }
    if (h->options.passphrase_fd < 0)
        return seal_passphrase_ask(is_first, &h->passphrase, why);
    if (!seal_passphrase_read(h->options.passphrase_fd, is_first, &h->passphrase, why))
        return false;
    if (h->options.passphrase_fd > STDERR_FILENO)
        close(h->options.passphrase_fd);
    return true;
}

static bool prepare(struct hsmd *h, struct diag *why)
{
    const struct rlimit none = {0};

    if (!node_settings_load(&h->settings, h->options.config, why)) {
        if (access(h->options.config, F_OK) != 0)
            diag_remedy(why, "write it (docs/configuration.md has one to begin with), or name another with --config");
        return false;
    }
    if (realpath(h->options.config, h->config) == NULL) {
        diag_set(why, "the configuration's path cannot be resolved: %s", strerror(errno));
        return false;
    }
    (void)setrlimit(RLIMIT_CORE, &none); /* a passphrase passes through */
    (void)prctl(PR_SET_DUMPABLE, 0);
    umask(077);
    h->setup = (struct pair_setup){.settings = &h->settings, .config = h->config, .create = h->options.create,
        .vault_path = h->vault, .front_path = h->front};
    if (!find_programs(h, why) || !spawn_user_find("vault.user", h->settings.vault_user, &h->setup.vault_user, why) ||
        !spawn_user_find("front.user", h->settings.front_user, &h->setup.front_user, why))
        return false;
    /* The lock's descriptor is let go with the process. */
    return folder_take(h->settings.data, &h->setup.front_user, why) >= 0 && get_passphrase(h, why) &&
           open_log(&h->settings, why);
}

/* ---- running ---- */

/* -1: none, the vault starts locked. False: there should be one. */
static bool open_seal(struct hsmd *h, int *fd, struct diag *why)
{
    *fd = -1;
    if (!is_passphrase(h)) {
        *fd = seal_file_open(h->settings.seal_file, !folder_has_state(h->settings.data), why);
        return *fd >= 0;
    }
    if (h->passphrase.len == 0) {
        log_warning("vault_locked", "remedy=\"%s\"", "restart hsmd and give the passphrase: it is not kept");
        return true;
    }
    *fd = seal_passphrase_pipe(&h->passphrase, why);
    secret_clear(&h->passphrase);
    return *fd >= 0;
}

static bool start(struct hsmd *h, struct diag *why)
{
    int seal;
    bool ok;

    if (!open_seal(h, &seal, why))
        return false;
    ok = pair_start(&h->pair, &h->setup, seal, why);
    if (seal >= 0)
        close(seal);
    if (ok)
        log_info("started", "name=%s vault=%d front=%d", h->settings.name, h->pair.vault, h->pair.front);
    return ok;
}

static void say_how(const char *name, int status)
{
    if (WIFSIGNALED(status))
        log_error("process_died", "process=%s signal=%d (%s)", name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        log_error("process_ended", "process=%s status=%d", name, WEXITSTATUS(status));
}

/* Whether one of ours has died; *hopeless: it said that starting it again does not help. */
static bool reap(struct hsmd *h, bool *hopeless)
{
    bool died = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        bool is_vault = pid == h->pair.vault;
        if (!is_vault && pid != h->pair.front)
            continue;
        *(is_vault ? &h->pair.vault : &h->pair.front) = 0;
        say_how(is_vault ? "hsm-vault" : "hsm-front", status);
        *hopeless = *hopeless || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG);
        died = true;
    }
    return died;
}

/* A signal that asks us to end, 0: the time is over, or a child's state changed. */
static int wait_signal(const struct hsmd *h, uint64_t ms)
{
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    int got = sigtimedwait(&h->signals, NULL, &t);

    if (got == SIGHUP)
        log_info("signal_ignored", "signal=SIGHUP why=\"%s\"", "a configuration is read at the start only");
    return got == SIGTERM || got == SIGINT ? got : 0;
}

/* Until one dies (0) or we are to end (the signal). */
static int watch(struct hsmd *h, bool *hopeless)
{
    for (;;) {
        int asked = wait_signal(h, 1000);
        if (asked != 0)
            return asked;
        if (reap(h, hopeless))
            return 0;
    }
}

static int pause_for(struct hsmd *h, uint64_t ms)
{
    uint64_t until = clock_boot_ms() + ms, now;
    int asked = 0;

    while (asked == 0 && (now = clock_boot_ms()) < until)
        asked = wait_signal(h, until - now);
    return asked;
}

static int run(struct hsmd *h)
{
    uint64_t wait_ms = WAIT_MS_MIN;
    struct diag why = {0};
    bool is_first = true, hopeless = false;
    int asked = 0;

    while (asked == 0) {
        uint64_t started = clock_boot_ms();
        char text[TEXT_BYTES];
        if (start(h, &why)) {
            asked = watch(h, &hopeless);
        } else if (is_first) {
            return complain(&why);
        } else {
            log_error("not_started", "why=\"%s\"", diag_text(&why, text, sizeof text));
        }
        is_first = false;
        pair_stop(&h->pair);
        if (asked != 0)
            break;
        if (hopeless) {
            log_error("gives_up", "why=\"%s\"", "a process says that it cannot run like this; the line above says why");
            return EXIT_CONFIG;
        }
        wait_ms = clock_boot_ms() - started > STEADY_MS ? WAIT_MS_MIN : 2 * wait_ms;
        if (wait_ms > WAIT_MS_MAX)
            wait_ms = WAIT_MS_MAX;
        log_info("restart", "in_ms=%llu", (unsigned long long)wait_ms);
        asked = pause_for(h, wait_ms);
    }
    log_info("stopped", "signal=%s", strsignal(asked));
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct hsmd h;
    struct diag why = {0};
    int status = read_options(argc, argv, &h.options);

    if (status >= 0)
        return status;
    if (!prepare(&h, &why)) {
        status = complain(&why);
    } else {
        sigemptyset(&h.signals);
        sigaddset(&h.signals, SIGCHLD);
        sigaddset(&h.signals, SIGTERM);
        sigaddset(&h.signals, SIGINT);
        sigaddset(&h.signals, SIGHUP);
        sigprocmask(SIG_BLOCK, &h.signals, NULL);
        warn_about_users(&h);
        status = run(&h);
    }
    secret_clear(&h.passphrase);
    node_settings_clear(&h.settings);
    return status;
}
