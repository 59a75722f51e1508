/* hsm-front: the appliance around the vault. Started by hsmd, which leaves it its pairs to the vault (daemon/front.h). */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/confine.h"
#include "daemon/front.h"

static const char usage[] =
    "usage: hsm-front [--config FILE] [--create]\n"
    "\n"
    "The part of a node that holds sockets, files and the replicated log, but no key. It is started by hsmd.\n"
    "\n"
    "  --config FILE   the node's configuration (default /etc/clusterhsm/hsmd.yaml)\n"
    "  --create        found a new cluster, if this node is in none\n"
    "  --help, --version\n";

struct options {
    const char *config;
    bool create;
};

/* Ends the process for --help, --version and mistakes. */
static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'}, {"create", no_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    struct options o = {.config = "/etc/clusterhsm/hsmd.yaml"};
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'c') {
            o.config = optarg;
        } else if (c == 'n') {
            o.create = true;
        } else if (c == 'h') {
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        } else if (c == 'v') {
            puts("hsm-front " PACKAGE_VERSION);
            exit(EXIT_SUCCESS);
        } else {
            fputs(usage, stderr);
            exit(EXIT_FAILURE);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hsm-front: \"%s\" is no option\n%s", argv[optind], usage);
        exit(EXIT_FAILURE);
    }
    return o;
}

static bool is_pair(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool check_pairs(unsigned threads, struct diag *why)
{
    int last = FRONT_FIRST_PAIR_FD + 2 * (int)threads - 1;

    for (int fd = FRONT_CHECK_FD; fd <= last; fd++) {
        if (is_pair(fd))
            continue;
        diag_set(why, "descriptor %d is no socket pair to a vault", fd);
        diag_remedy(why, "start hsmd, which starts hsm-front and hsm-vault together");
        return false;
    }
    return true;
}

/* Connections need descriptors; what the administrator allows at most is taken. */
static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void prepare_process(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL); /* a peer that is gone is an error of a write */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    umask(077);
    raise_limits();
}

int main(int argc, char **argv)
{
    struct options o = read_options(argc, argv);
    struct node_settings settings;
    struct diag why = {0};
    enum log_level level;
    char text[1024];
    bool ok;

    log_to_stderr(); /* hsmd has opened log.file there */
    prepare_process();
    if (!node_settings_load(&settings, o.config, &why)) {
        log_error("front_not_started", "why=\"%s\"", diag_text(&why, text, sizeof text));
        return EXIT_FAILURE;
    }
    if (log_level_from_text(settings.log_level, &level))
        log_set_level(level);
    ok = check_pairs(settings.front_threads, &why);
    if (ok) {
        (void)mkdir(settings.data, 0700); /* must be there to be allowed; what is wrong with it front_run says */
        confine_files(settings.data, settings.listen_socket);
        ok = front_run(&settings, o.create);
    } else {
        log_error("front_not_started", "why=\"%s\"", diag_text(&why, text, sizeof text));
    }
    node_settings_clear(&settings);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
