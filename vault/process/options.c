#include "vault/process/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

const char options_help[] =
    "usage: hsm-vault --threads N --workers M --name NODE [--seal file|passphrase] [--log-level LEVEL] [--allow-swap]\n"
    "\n"
    "Holds a node's keys. Started by hsmd, with the descriptors that it needs:\n"
    "  3          the seal: its key file, or a pipe with the passphrase; closed: the vault starts locked\n"
    "  4          check pair\n"
    "  5 + 2i     request pair of front thread i\n"
    "  6 + 2i     signer pair of front thread i\n"
    "\n"
    "  --threads N        front threads, 1 to 16\n"
    "  --workers M        threads for key generation, passwords and large RSA keys, 1 to 32\n"
    "  --name NODE        of the node, for the log\n"
    "  --seal KIND        what descriptor 3 is: file (as it is without this option) or passphrase\n"
    "  --log-level LEVEL  none, error, warning, info or debug\n"
    "  --allow-swap       start also where memory cannot be locked; keys may then be written to swap\n"
    "  --help, --version\n";

static bool number(const char *option, const char *text, unsigned max, unsigned *out, struct diag *why)
{
    char *end = NULL;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && n >= 1 && n <= max) {
        *out = (unsigned)n;
        return true;
    }
    diag_set(why, "%s is \"%s\"", option, text);
    diag_remedy(why, "give a number from 1 to %u", max);
    return false;
}

static bool seal_kind(const char *text, enum seal_kind *out, struct diag *why)
{
    if (strcmp(text, "file") == 0) {
        *out = SEAL_FILE;
    } else if (strcmp(text, "passphrase") == 0) {
        *out = SEAL_PASSPHRASE;
    } else {
        diag_set(why, "--seal is \"%s\"", text);
        diag_remedy(why, "write file or passphrase, as seal.kind in hsmd's configuration");
        return false;
    }
    return true;
}

/* An option with a value. */
static bool take(struct options *o, const char *option, const char *value, struct diag *why)
{
    if (strcmp(option, "--threads") == 0)
        return number(option, value, FRONT_THREADS_MAX, &o->threads, why);
    if (strcmp(option, "--workers") == 0)
        return number(option, value, VAULT_WORKERS_MAX, &o->workers, why);
    if (strcmp(option, "--seal") == 0)
        return seal_kind(value, &o->seal, why);
    if (strcmp(option, "--name") == 0) {
        o->name = value;
        return true;
    }
    if (strcmp(option, "--log-level") == 0 && log_level_from_text(value, &o->level))
        return true;
    diag_set(why, strcmp(option, "--log-level") == 0 ? "%s is no level of the log" : "there is no option %s", option);
    diag_remedy(why, "see hsm-vault --help");
    return false;
}

bool options_read(int argc, char *const *argv, struct options *out, struct diag *why)
{
    struct options o = {.seal = SEAL_FILE, .level = LOG_INFO};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            o.help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            o.version = true;
        } else if (strcmp(argv[i], "--allow-swap") == 0) {
            o.allow_swap = true;
        } else if (i + 1 == argc) {
            diag_set(why, "%s lacks its value, or is no option", argv[i]);
            diag_remedy(why, "see hsm-vault --help");
            return false;
        } else if (!take(&o, argv[i], argv[i + 1], why)) {
            return false;
        } else {
            i++;
        }
    }
    if (!o.help && !o.version && (o.threads == 0 || o.workers == 0 || o.name == NULL)) {
        diag_set(why, "--threads, --workers and --name are needed");
        diag_remedy(why, "start hsmd, which starts the vault with the descriptors that it needs");
        return false;
    }
    *out = o;
    return true;
}
