/*
 * sim --seeds A-B [--mix NAME[,NAME]|all] [--off GUARD] [--break NAME] [--ms N] [--lenient] [--verbose]
 * sim --guards-off [--seeds A-B]     each guard off in turn, over the mixes: what that breaks
 * sim --list                         mixes, guards, breaks
 *
 * Seeds run in a child process, which a bad one ends; it is printed with the command that replays it.
 */
#include "tests/sim/world.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint32_t bits;
} mixes[] = {
    /* The life of every cluster of ours begins with one node, where libraft is weakest: first. */
    {"grown", MIX_GROWN | MIX_MEMBER | MIX_SLOW | MIX_PREVOTE | MIX_LEASE},
    {"grown-snap", MIX_GROWN | MIX_MEMBER | MIX_SNAPSHOT | MIX_SLOW | MIX_TRANSFER | MIX_LEASE},
    {"grown-bare", MIX_GROWN | MIX_MEMBER | MIX_SLOW},
    {"basic", MIX_LEASE},
    {"snap", MIX_SNAPSHOT | MIX_PREVOTE | MIX_SLOW | MIX_LEASE},
    {"member", MIX_MEMBER | MIX_SNAPSHOT | MIX_PREVOTE | MIX_TRANSFER | MIX_SLOW | MIX_LEASE},
    {"member-bare", MIX_MEMBER | MIX_SNAPSHOT | MIX_SLOW},
    {"transfer", MIX_TRANSFER | MIX_PREVOTE | MIX_LEASE},
    {"pause", MIX_PAUSE | MIX_SNAPSHOT | MIX_PREVOTE | MIX_LEASE},
    {"storm", MIX_STORM | MIX_SLOW | MIX_PAUSE | MIX_PREVOTE | MIX_LEASE},
    {"storm-member", MIX_STORM | MIX_MEMBER | MIX_SNAPSHOT | MIX_SLOW | MIX_TRANSFER},
    {"chaos", MIX_CHAOS | MIX_SNAPSHOT | MIX_PREVOTE | MIX_LEASE},
    {"chaos-member", MIX_CHAOS | MIX_MEMBER | MIX_SNAPSHOT | MIX_LEASE},
    {"rift", MIX_RIFT | MIX_SNAPSHOT | MIX_PREVOTE | MIX_LEASE},
    {"rift-member", MIX_RIFT | MIX_MEMBER | MIX_TRANSFER | MIX_PREVOTE | MIX_LEASE},
    {"recover", MIX_RECOVER | MIX_SNAPSHOT | MIX_MEMBER | MIX_LEASE},
    {"calm", MIX_CALM | MIX_LEASE},
};
enum { MIXES = sizeof mixes / sizeof mixes[0] };

static const char *const breaks[] = {"ack", "post", "reread", "fsync", "vote", "settle"};
enum { BREAKS = sizeof breaks / sizeof breaks[0] };

static const char *const outcomes[] = {"diverged", "two leaders or votes", "lost write", "incomplete leader", "hung",
    "stopped itself", "log differs", "members differ", "stale use", "stale reply", "stale shown", "stalled", "wire"};

struct tally {
    uint64_t runs, bad, first_bad, by[sizeof outcomes / sizeof outcomes[0]], crashed;
    struct stats stats;
};

static void add_stats(struct stats *to, const struct stats *from)
{
    uint64_t *a = (uint64_t *)to;
    const uint64_t *b = (const uint64_t *)from;
    size_t i;
    for (i = 0; i < sizeof *to / sizeof *a; i++)
        a[i] += b[i];
}

static void count_bad(struct tally *t, uint64_t seed, int status)
{
    unsigned code = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) - RUN_DIVERGED : ~0u;
    if (t->bad++ == 0)
        t->first_bad = seed;
    if (code < sizeof outcomes / sizeof outcomes[0])
        t->by[code]++;
    else
        t->crashed++;
}

static void run_child(uint64_t seed, uint64_t last, const struct options *opt, int out) __attribute__((noreturn));
static void run_child(uint64_t seed, uint64_t last, const struct options *opt, int out)
{
    for (; seed <= last; seed++) {
        struct stats stats = {0};
        alarm(120);
        run_seed(seed, opt, &stats);
        fflush(stdout);
        if (write(out, &stats, sizeof stats) != (ssize_t)sizeof stats)
            exit(1);
    }
    exit(0);
}

/* Runs seeds in one child until one is bad, which ends it, and returns the first that it did not run. (A leak that a
 * sanitizer sees as the child ends is laid to the last.) */
static uint64_t run_until_bad(uint64_t seed, uint64_t last, const struct options *opt, struct tally *t, bool quiet)
{
    struct stats stats;
    int fd[2], status = 0;
    pid_t pid;

    fflush(stdout);
    if (pipe(fd) != 0 || (pid = fork()) < 0) {
        perror("sim");
        exit(2);
    }
    if (pid == 0) {
        close(fd[0]);
        if (quiet && (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL))
            _exit(1);
        run_child(seed, last, opt, fd[1]);
    }
    close(fd[1]);
    for (; read(fd[0], &stats, sizeof stats) == (ssize_t)sizeof stats; seed++, t->runs++)
        add_stats(&t->stats, &stats);
    close(fd[0]);
    waitpid(pid, &status, 0);
    if (status == 0)
        return seed;
    count_bad(t, seed <= last ? seed : last, status);
    t->runs += seed <= last;
    return seed + 1;
}

static void run_seeds(uint64_t first, uint64_t last, const struct options *opt, struct tally *t, bool quiet)
{
    while (first <= last)
        first = run_until_bad(first, last, opt, t, quiet);
}

static void print_bad(const struct tally *t)
{
    size_t i;
    for (i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (t->by[i] > 0)
            printf(" [%s: %lu]", outcomes[i], t->by[i]);
    if (t->crashed > 0)
        printf(" [assertion, sanitizer or time: %lu]", t->crashed);
}

static void print_stats(const struct stats *s)
{
    unsigned g;
    printf("  commits %lu acknowledged %lu unknown %lu elections %lu crashes %lu snapshots %lu installs %lu changes %lu "
           "catch-ups %lu transfers %lu (done %lu) recoveries %lu uses %lu (refused %lu, redone %lu) barred %lu\n  guards:",
           s->commits, s->acked, s->unknown, s->elections, s->crashes, s->snapshots, s->installs, s->changes, s->catch_ups,
           s->transfers, s->transferred, s->recoveries, s->served, s->refused, s->redone, s->barred);
    for (g = 0; g < GUARD_N; g++)
        printf(" %s=%lu", guard_word((enum guard)g), s->hits[g]);
    putchar('\n');
}

static bool run_mix(const char *name, const struct options *opt, uint64_t first, uint64_t last)
{
    struct tally t = {0};

    run_seeds(first, last, opt, &t, false);
    printf("%-13s %lu runs, %lu bad", name, t.runs, t.bad);
    print_bad(&t);
    if (t.bad > 0)
        printf("; replay: sim --mix %s --seeds %lu-%lu --verbose", name, t.first_bad, t.first_bad);
    putchar('\n');
    print_stats(&t.stats);
    return t.bad == 0;
}

static void table_of_guards(struct options *opt, uint64_t first, uint64_t last)
{
    unsigned g, k;

    for (g = 0; g < GUARD_N; g++) {
        struct tally all = {0};
        uint64_t most = 0;
        const char *where = "-";
        for (k = 0; k < MIXES; k++) {
            struct tally t = {0};
            opt->mix = mixes[k].bits;
            opt->guards_off = 1u << g;
            run_seeds(first, last, opt, &t, true);
            if (t.bad > most) {
                most = t.bad;
                where = mixes[k].name;
            }
            add_stats((struct stats *)&all.stats, &t.stats);
            all.runs += t.runs;
            all.bad += t.bad;
            all.crashed += t.crashed;
            for (size_t i = 0; i < sizeof all.by / sizeof all.by[0]; i++)
                all.by[i] += t.by[i];
        }
        printf("%-11s off: %lu of %lu bad, most in %s (%lu)", guard_word((enum guard)g), all.bad, all.runs, where, most);
        print_bad(&all);
        putchar('\n');
        fflush(stdout);
    }
}

static void list(void)
{
    unsigned i;
    for (i = 0; i < MIXES; i++)
        printf("mix %s\n", mixes[i].name);
    for (i = 0; i < GUARD_N; i++)
        printf("guard %-11s %s\n", guard_word((enum guard)i), guard_what((enum guard)i));
    for (i = 0; i < BREAKS; i++)
        printf("break %s\n", breaks[i]);
}

static void refuse(const char *what, const char *name) __attribute__((noreturn));
static void refuse(const char *what, const char *name)
{
    fprintf(stderr, "sim: no %s \"%s\"; see sim --list\n", what, name);
    exit(2);
}

static void switch_off(struct options *opt, const char *name)
{
    unsigned g;
    for (g = 0; g < GUARD_N; g++)
        if (strcmp(name, guard_word((enum guard)g)) == 0 || strcmp(name, "all") == 0)
            opt->guards_off |= 1u << g;
    if (opt->guards_off == 0)
        refuse("guard", name);
}

static void break_it(struct options *opt, const char *name)
{
    unsigned i;
    for (i = 0; i < BREAKS; i++)
        if (strcmp(name, breaks[i]) == 0)
            opt->broken |= 1u << i;
    if (opt->broken == 0)
        refuse("break", name);
}

static bool run_mixes(const char *wanted, struct options *opt, uint64_t first, uint64_t last)
{
    unsigned k, found = 0;
    bool ok = true;

    for (k = 0; k < MIXES; k++) {
        const char *at = strstr(wanted, mixes[k].name);
        size_t n = strlen(mixes[k].name);
        bool named = false;
        for (; at != NULL && !named; at = strstr(at + 1, mixes[k].name))
            named = (at == wanted || at[-1] == ',') && (at[n] == '\0' || at[n] == ',');
        if (!named && strcmp(wanted, "all") != 0)
            continue;
        opt->mix = mixes[k].bits;
        ok = run_mix(mixes[k].name, opt, first, last) && ok;
        found++;
    }
    if (found == 0)
        refuse("mix", wanted);
    return ok;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 's'}, {"mix", required_argument, NULL, 'm'},
        {"off", required_argument, NULL, 'o'}, {"break", required_argument, NULL, 'b'}, {"ms", required_argument, NULL, 'd'},
        {"lenient", no_argument, NULL, 'l'}, {"verbose", no_argument, NULL, 'v'}, {"guards-off", no_argument, NULL, 'g'},
        {"list", no_argument, NULL, 'L'}, {NULL, 0, NULL, 0}};
    struct options opt = {.duration_ms = 15000};
    const char *wanted = "all";
    uint64_t first = 1, last = 5;
    bool guards = false;
    char *end;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's':
            first = last = strtoull(optarg, &end, 10);
            if (*end == '-')
                last = strtoull(end + 1, NULL, 10);
            break;
        case 'm': wanted = optarg; break;
        case 'o': switch_off(&opt, optarg); break;
        case 'b': break_it(&opt, optarg); break;
        case 'd': opt.duration_ms = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'l': opt.lenient = true; break;
        case 'v': opt.verbose = true; break;
        case 'g': guards = true; break;
        case 'L': list(); return 0;
        default: fprintf(stderr, "usage: see the head of tests/sim/main.c\n"); return 2;
        }
    }
    if (guards) {
        table_of_guards(&opt, first, last);
        return 0;
    }
    return run_mixes(wanted, &opt, first, last) ? 0 : 1;
}
