/* The command line of hsmctl, read by a table: a command is a row, and so is an option.
 *
 *   hsmctl NOUN VERB [ARGUMENT...] [--option VALUE | --option=VALUE | --flag]...
 *
 * Options stand anywhere behind the verb; "--" ends them. Nothing is abbreviated, nothing is guessed. Pure: no file, no environment. */
#ifndef CLUSTERHSM_TOOLS_ARGS_H
#define CLUSTERHSM_TOOLS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/diag.h"

/* What a command's process ends with; docs/man/hsmctl.1 says the same to people. */
enum status {
    STATUS_DONE = 0,
    STATUS_REFUSED = 1,     /* the cluster or the node said no, or its answer made no sense */
    STATUS_USAGE = 2,       /* words, arguments or options are wrong; nothing was tried */
    STATUS_FILE = 3,        /* a configuration or another file cannot be read or made */
    STATUS_UNREACHABLE = 4, /* no node answers, or the cluster is busy: the same again may succeed */
    STATUS_AUTH = 5         /* wrong password, locked, not allowed, or the client's certificate is not accepted */
};

enum option {
#define OPTION(name, word, value, help) OPTION_##name,
#include "tools/option.def"
#undef OPTION
    OPTIONS
};

/* A set of options: bits by enum option. */
#define OPTION_BIT(name) (UINT64_C(1) << OPTION_##name)

enum { ARGUMENTS_MAX = 16 };

struct command;

/* One call of a command. Everything borrows from argv. */
struct invocation {
    const struct command *command;
    const char *arguments[ARGUMENTS_MAX];
    size_t n_arguments;
    const char *options[OPTIONS]; /* NULL: not given; a flag's is "" */
};

struct command {
    const char *noun, *verb;
    const char *arguments; /* for people and for counting: "NAME", "[NAME]", "PEER..." (one or more), blanks between; "" for none */
    uint64_t options;      /* beside --json, --quiet and --help */
    const char *help;      /* one line */
    enum status (*run)(const struct invocation *call);
};

enum args_verdict {
    ARGS_RUN,
    ARGS_HELP,    /* help was asked for: args_help with what is in the invocation */
    ARGS_VERSION,
    ARGS_WRONG    /* why says what, and its remedy what to try; --json counts wherever it stands */
};

/* argv[0] is the program. For ARGS_HELP `noun` (may be NULL) and call->command (may be NULL) say of what. */
enum args_verdict args_parse(const struct command *table, size_t n, int argc, char **argv, struct invocation *call, const char **noun,
                             struct diag *why);

/* Help of one command; of a noun's commands; of all. */
void args_help(FILE *to, const struct command *table, size_t n, const char *noun, const struct command *command);

#endif
