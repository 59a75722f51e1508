/* hsmbench: signatures through the module, beside OpenSSL in this process and SoftHSM2, in turns within one run.
 *
 * Absolute figures say more of the machine than of the program; so the three take turns, a slice each, round after round, and what
 * counts is their ratio. A slice starts all threads at once and ends at one time. */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"
#include "tools/bench.h"
#include "tools/histogram.h"
#include "tools/output.h"
#include "tools/password.h"

enum { SUBJECTS_MAX = 3, THREADS_MAX = 256, ROUNDS = 5, KINDS = 2 };

static const struct kind {
    enum token_kind kind;
    const char *name;
} kinds[KINDS] = {{TOKEN_RSA_2048, "RSA-2048"}, {TOKEN_P256, "P-256"}};

struct options {
    const char *module, *pin_file;
    unsigned threads, seconds;
    bool json;
};

struct result {
    struct histogram histogram;
    uint64_t elapsed_ns;
    struct diag why; /* filled: it failed, and does not count */
};

/* ---- one slice ------------------------------------------------------------------------------------------- */

struct runner {
    struct subject *subject;
    void *worker;
    pthread_t thread;
    pthread_barrier_t *start;
    uint64_t slice_ns;
    struct histogram histogram;
    struct diag why;
};

static void *run(void *arg)
{
    struct runner *r = arg;
    uint64_t before, end;

    pthread_barrier_wait(r->start);
    before = clock_boot_ns();
    end = before + r->slice_ns;
    while (before < end && r->why.what[0] == '\0') {
        uint64_t after;

        if (!r->subject->ops->sign(r->worker, &r->why))
            break;
        after = clock_boot_ns();
        histogram_note(&r->histogram, after - before);
        before = after;
    }
    return NULL;
}

static void slice(struct runner *runners, unsigned threads, uint64_t slice_ns, struct result *result)
{
    pthread_barrier_t start;
    uint64_t began;

    pthread_barrier_init(&start, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        runners[i].start = &start;
        runners[i].slice_ns = slice_ns;
        if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0) {
            fprintf(stderr, "hsmbench: no more threads\n");
            exit(1);
        }
    }
    pthread_barrier_wait(&start);
    began = clock_boot_ns();
    for (unsigned i = 0; i < threads; i++)
        pthread_join(runners[i].thread, NULL);
    result->elapsed_ns += clock_boot_ns() - began;
    pthread_barrier_destroy(&start);
}

/* ---- one kind of key ------------------------------------------------------------------------------------- */

static struct runner *runners_new(struct subject *s, enum token_kind kind, unsigned threads, struct diag *why)
{
    struct runner *runners = calloc(threads, sizeof *runners);

    if (runners == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    if (s->ops->prepare(s, kind, why)) {
        for (unsigned i = 0; i < threads; i++) {
            runners[i].subject = s;
            if (!s->ops->worker_begin(s, &runners[i].worker, why))
                break;
        }
    }
    if (why->what[0] == '\0')
        return runners;
    free(runners);
    return NULL;
}

static void runners_end(struct runner *runners, unsigned threads, struct result *result)
{
    for (unsigned i = 0; i < threads; i++) {
        histogram_add(&result->histogram, &runners[i].histogram);
        if (runners[i].why.what[0] != '\0')
            result->why = runners[i].why;
        runners[i].subject->ops->worker_end(runners[i].worker);
    }
    free(runners);
}

static void measure(struct subject *const *subjects, unsigned n, const struct kind *kind, const struct options *o, struct result *results)
{
    struct runner *runners[SUBJECTS_MAX] = {NULL};
    uint64_t slice_ns = (uint64_t)o->seconds * UINT64_C(1000000000) / ROUNDS;

    for (unsigned i = 0; i < n; i++)
        runners[i] = runners_new(subjects[i], kind->kind, o->threads, &results[i].why);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (!o->json && isatty(STDERR_FILENO) == 1)
            fprintf(stderr, "\r%s round %u of %d ", kind->name, round + 1, ROUNDS);
        for (unsigned i = 0; i < n; i++)
            if (runners[i] != NULL)
                slice(runners[i], o->threads, slice_ns, &results[i]);
    }
    if (!o->json && isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r%30s\r", "");
    for (unsigned i = 0; i < n; i++) {
        if (runners[i] != NULL)
            runners_end(runners[i], o->threads, &results[i]);
        subjects[i]->ops->discard(subjects[i]);
    }
}

/* ---- what came of it ------------------------------------------------------------------------------------- */

static double rate(const struct result *r)
{
    return r->elapsed_ns > 0 && r->why.what[0] == '\0' ? (double)r->histogram.count * 1e9 / (double)r->elapsed_ns : 0;
}

static double us(const struct result *r, double share)
{
    return (double)histogram_at(&r->histogram, share) / 1000;
}

static void show_ratio(struct output *o, const char *key, const struct result *r, const struct result *to)
{
    if (to == NULL || rate(to) <= 0 || rate(r) <= 0)
        output_text(o, key, NULL);
    else
        output_decimal(o, key, rate(r) / rate(to), 3);
}

static void show(struct output *o, struct subject *const *subjects, unsigned n, const struct kind *kind, const struct result *results)
{
    const struct result *softhsm = NULL;

    for (unsigned i = 0; i < n; i++)
        if (strcmp(subjects[i]->name, "softhsm2") == 0)
            softhsm = &results[i];
    for (unsigned i = 0; i < n; i++) {
        const struct result *r = &results[i];

        output_row(o);
        output_text(o, "key", kind->name);
        output_text(o, "signer", subjects[i]->name);
        output_decimal(o, "per_second", rate(r), 0);
        output_decimal(o, "p50_us", us(r, 0.5), 1);
        output_decimal(o, "p99_us", us(r, 0.99), 1);
        output_decimal(o, "max_us", us(r, 1), 1);
        show_ratio(o, "to_openssl", r, &results[0]);
        show_ratio(o, "to_softhsm2", r, softhsm);
    }
}

static int bench(struct subject *const *subjects, unsigned n, const struct options *options)
{
    static struct result results[KINDS][SUBJECTS_MAX];
    struct output *o = output_new();
    int code = 0;
    bool ok;

    output_number(o, "threads", options->threads);
    output_number(o, "seconds_each", options->seconds);
    output_table(o, "results");
    for (unsigned k = 0; k < KINDS; k++) {
        measure(subjects, n, &kinds[k], options, results[k]);
        show(o, subjects, n, &kinds[k], results[k]);
        for (unsigned i = 0; i < n; i++) {
            if (results[k][i].why.what[0] == '\0')
                continue;
            fprintf(stderr, "hsmbench: %s with %s failed: %s\n", kinds[k].name, subjects[i]->name, results[k][i].why.what);
            code = 1;
        }
    }
    output_table_end(o);
    ok = output_print(o, options->json, stdout);
    output_free(o);
    return ok ? code : 1;
}

/* ---- beginning ------------------------------------------------------------------------------------------- */

static int usage(FILE *to)
{
    fprintf(to, "usage: hsmbench [--module PATH] [--pin-file FILE] [--threads N] [--seconds N] [--json]\n\n"
                "  Signs with RSA-2048 and P-256 through the module, with OpenSSL in this process, and with SoftHSM2 if it is\n"
                "  installed, in turns; prints the ratios. The keys are made for it and destroyed afterwards.\n\n"
                "  --module PATH    default: CLUSTERHSM_MODULE, then the installed one\n"
                "  --pin-file FILE  user:password of a crypto user, mode 0600; default: CLUSTERHSM_PIN\n"
                "  --threads N      1 to 256, default 4\n"
                "  --seconds N      for each key and signer, default 5\n"
                "  --json           for programs\n"
                "  --help           this text; more in hsmbench(1)\n"
                "  --version        which version this is\n");
    return to == stdout ? 0 : 2;
}

static bool number(const char *option, const char *text, unsigned max, unsigned *out)
{
    char *end = NULL;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > max) {
        fprintf(stderr, "hsmbench: %s takes a number from 1 to %u, not \"%s\"\n", option, max, text);
        return false;
    }
    *out = (unsigned)n;
    return true;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {{"module", required_argument, NULL, 'm'}, {"pin-file", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 't'}, {"seconds", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == 'm')
            o->module = optarg;
        else if (c == 'p')
            o->pin_file = optarg;
        else if (c == 'j')
            o->json = true;
        else if (c == 't' ? !number("--threads", optarg, THREADS_MAX, &o->threads)
                          : c == 's' && !number("--seconds", optarg, 3600, &o->seconds))
            return 2;
        else if (c == 'v')
            return printf("hsmbench (ClusterHSM) %s\n", VERSION) > 0 ? 0 : 1;
        else if (c != 't' && c != 's')
            return usage(c == 'h' ? stdout : stderr);
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "hsmbench: \"%s\" is no option\n", argv[optind]);
    return usage(stderr);
}

/* Into `pin`, NUL at its end. */
static bool take_pin(const struct options *o, struct secret *pin, struct diag *why)
{
    struct password_source from = {.file = o->pin_file, .prompt = "PIN", .option = "--pin-file"};
    const char *given = getenv("CLUSTERHSM_PIN");
    struct secret read = {0};
    bool ok;

    if (o->pin_file == NULL && given != NULL)
        return secret_copy(pin, given, strlen(given) + 1);
    ok = password_read(&from, &read, why) && secret_new(pin, read.len + 1);
    if (ok)
        memcpy(pin->bytes, read.bytes, read.len);
    secret_clear(&read);
    return ok;
}

static void complain(const char *doing, const struct diag *why)
{
    fprintf(stderr, "hsmbench: %s: %s%s%s\n", doing, why->where, why->where[0] != '\0' ? ": " : "", why->what);
    if (why->remedy[0] != '\0')
        fprintf(stderr, "  next: %s\n", why->remedy);
}

int main(int argc, char **argv)
{
    struct options o = {.module = getenv("CLUSTERHSM_MODULE"), .threads = 4, .seconds = 5};
    struct subject *subjects[SUBJECTS_MAX];
    struct secret pin = {0};
    struct diag why = {0};
    unsigned n = 0;
    int code = parse(argc, argv, &o);

    if (code >= 0)
        return code;
    if (o.module == NULL || o.module[0] == '\0')
        o.module = PKCS11DIR "/clusterhsm.so";
    if (!take_pin(&o, &pin, &why)) {
        complain("no PIN", &why);
        return 2;
    }
    subjects[n] = subject_raw_new();
    n += subjects[n] != NULL;
    subjects[n] = subject_softhsm_new(&why);
    if (subjects[n] == NULL)
        complain("left out", &why);
    n += subjects[n] != NULL;
    memset(&why, 0, sizeof why);
    subjects[n] = subject_token_new("clusterhsm", o.module, (const char *)pin.bytes, &why);
    if (subjects[n] == NULL) {
        complain("the module cannot be used", &why);
        code = 1;
    } else {
        n++;
        code = bench(subjects, n, &o);
    }
    secret_clear(&pin);
    while (n > 0) {
        n--;
        subjects[n]->ops->free(subjects[n]);
    }
    return code;
}
