#include "tools/args.h"

#include <string.h>

static const struct option_row {
    const char *word;
    const char *value; /* NULL: a flag */
    const char *help;
} rows[] = {
#define OPTION(name, word, value, help) [OPTION_##name] = {word, value, help},
#include "tools/option.def"
#undef OPTION
};

/* Every command takes these. */
_Static_assert(OPTIONS <= 64, "a bit each");
static const uint64_t always = OPTION_BIT(json) | OPTION_BIT(help) | OPTION_BIT(quiet);

/* ---- looking up ------------------------------------------------------------------------------------------ */

static int option_find(const char *word, size_t n)
{
    for (int i = 0; i < OPTIONS; i++)
        if (strlen(rows[i].word) == n && memcmp(rows[i].word, word, n) == 0)
            return i;
    return -1;
}

static bool noun_exists(const struct command *table, size_t n, const char *noun)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].noun, noun) == 0)
            return true;
    return false;
}

static const struct command *command_find(const struct command *table, size_t n, const char *noun, const char *verb)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].noun, noun) == 0 && strcmp(table[i].verb, verb) == 0)
            return &table[i];
    return NULL;
}

/* From "NAME [FILE] PEER...": how many must be there and how many may. */
static void count_arguments(const char *text, size_t *min, size_t *max)
{
    *min = *max = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        bool many = n > 3 && memcmp(text + n - 3, "...", 3) == 0;

        *min += text[0] != '[';
        *max = many ? ARGUMENTS_MAX : *max + 1;
        text += n;
        text += strspn(text, " ");
    }
}

/* ---- parsing --------------------------------------------------------------------------------------------- */

static enum args_verdict wrong_option(const struct command *c, const char *arg, struct diag *why)
{
    diag_set(why, "\"hsmctl %s %s\" takes no option %.60s", c->noun, c->verb, arg);
    diag_remedy(why, "\"hsmctl %s %s --help\" lists what it takes", c->noun, c->verb);
    return ARGS_WRONG;
}

/* One option at argv[*at]; steps over its value. */
static enum args_verdict take_option(struct invocation *call, int argc, char **argv, int *at, struct diag *why)
{
    const struct command *c = call->command;
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    int i = option_find(word, equals != NULL ? (size_t)(equals - word) : strlen(word));
    const char *value = equals != NULL ? equals + 1 : NULL;

    if (i < 0 || ((c->options | always) & UINT64_C(1) << i) == 0)
        return wrong_option(c, argv[*at], why);
    if (call->options[i] != NULL) {
        diag_set(why, "--%s is given twice", rows[i].word);
        diag_remedy(why, "give it once");
        return ARGS_WRONG;
    }
    if (rows[i].value == NULL && value != NULL) {
        diag_set(why, "--%s takes no value", rows[i].word);
        diag_remedy(why, "write --%s alone", rows[i].word);
        return ARGS_WRONG;
    }
    if (rows[i].value != NULL && value == NULL)
        value = *at + 1 < argc ? argv[++*at] : NULL;
    if (rows[i].value != NULL && (value == NULL || value[0] == '\0')) {
        diag_set(why, "--%s needs a value", rows[i].word);
        diag_remedy(why, "write --%s %s", rows[i].word, rows[i].value);
        return ARGS_WRONG;
    }
    call->options[i] = value != NULL ? value : "";
    return ARGS_RUN;
}

static enum args_verdict check_count(const struct invocation *call, struct diag *why)
{
    const struct command *c = call->command;
    size_t min, max;

    count_arguments(c->arguments, &min, &max);
    if (call->n_arguments >= min && call->n_arguments <= max)
        return ARGS_RUN;
    diag_set(why, "\"hsmctl %s %s\" takes %s", c->noun, c->verb, c->arguments[0] != '\0' ? c->arguments : "no argument");
    diag_remedy(why, "\"hsmctl %s %s --help\" says more", c->noun, c->verb);
    return ARGS_WRONG;
}

static enum args_verdict parse_command(struct invocation *call, int argc, char **argv, struct diag *why)
{
    bool options_ended = false;

    for (int i = 3; i < argc; i++) {
        enum args_verdict v = ARGS_RUN;

        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && strncmp(argv[i], "--", 2) == 0) {
            v = take_option(call, argc, argv, &i, why);
        } else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            v = wrong_option(call->command, argv[i], why);
        } else if (call->n_arguments == ARGUMENTS_MAX) {
            diag_set(why, "more than %d arguments", ARGUMENTS_MAX);
            diag_remedy(why, "\"hsmctl %s %s --help\" says what it takes", call->command->noun, call->command->verb);
            v = ARGS_WRONG;
        } else {
            call->arguments[call->n_arguments++] = argv[i];
        }
        if (v != ARGS_RUN)
            return v;
    }
    return call->options[OPTION_help] != NULL ? ARGS_HELP : check_count(call, why);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static enum args_verdict parse_words(const struct command *table, size_t n, int argc, char **argv, struct invocation *call,
                                     const char **noun, struct diag *why)
{
    if (argc < 2 || is_help(argv[1])) {
        if (argc < 3 || !noun_exists(table, n, argv[2])) /* "help NOUN [VERB]" reads like "NOUN [VERB] --help" */
            return ARGS_HELP;
        *noun = argv[2];
        call->command = argc > 3 ? command_find(table, n, argv[2], argv[3]) : NULL;
        return ARGS_HELP;
    }
    if (strcmp(argv[1], "--version") == 0)
        return ARGS_VERSION;
    if (argv[1][0] == '-') {
        diag_set(why, "%.40s stands before the command", argv[1]);
        diag_remedy(why, "options come behind noun and verb, as in: hsmctl node status --json");
        return ARGS_WRONG;
    }
    if (!noun_exists(table, n, argv[1])) {
        diag_set(why, "there is no \"hsmctl %.40s\"", argv[1]);
        diag_remedy(why, "\"hsmctl --help\" lists the commands");
        return ARGS_WRONG;
    }
    *noun = argv[1];
    if (argc < 3 || is_help(argv[2]))
        return ARGS_HELP;
    call->command = command_find(table, n, argv[1], argv[2]);
    if (call->command == NULL) {
        diag_set(why, "there is no \"hsmctl %s %.40s\"", argv[1], argv[2]);
        diag_remedy(why, "\"hsmctl %s --help\" lists what there is", argv[1]);
        return ARGS_WRONG;
    }
    return parse_command(call, argc, argv, why);
}

/* Wherever it stands: who reads JSON reads it of a command line that is wrong before it comes there too. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

enum args_verdict args_parse(const struct command *table, size_t n, int argc, char **argv, struct invocation *call, const char **noun,
                             struct diag *why)
{
    enum args_verdict v;

    *call = (struct invocation){.command = NULL};
    *noun = NULL;
    v = parse_words(table, n, argc, argv, call, noun, why);
    if (v == ARGS_WRONG && wants_json(argc, argv))
        call->options[OPTION_json] = "";
    return v;
}

/* ---- help ------------------------------------------------------------------------------------------------ */

enum { HELP_COLUMN = 44 };

static void help_line(FILE *to, const struct command *c)
{
    int n = fprintf(to, "  hsmctl %s %s%s%s", c->noun, c->verb, c->arguments[0] != '\0' ? " " : "", c->arguments);

    fprintf(to, "%s%*s%s\n", n < HELP_COLUMN ? "" : "\n", n < HELP_COLUMN ? HELP_COLUMN - n : HELP_COLUMN, "", c->help);
}

static void help_command(FILE *to, const struct command *c)
{
    fprintf(to, "usage: hsmctl %s %s%s%s [OPTION...]\n\n  %s\n\noptions:\n", c->noun, c->verb, c->arguments[0] != '\0' ? " " : "",
            c->arguments, c->help);
    for (int i = 0; i < OPTIONS; i++) {
        int n;

        if (((c->options | always) & UINT64_C(1) << i) == 0)
            continue;
        n = fprintf(to, "  --%s%s%s", rows[i].word, rows[i].value != NULL ? " " : "", rows[i].value != NULL ? rows[i].value : "");
        fprintf(to, "%*s%s\n", n < 32 ? 32 - n : 2, "", rows[i].help);
    }
}

void args_help(FILE *to, const struct command *table, size_t n, const char *noun, const struct command *command)
{
    const char *last = "";

    if (command != NULL) {
        help_command(to, command);
        return;
    }
    fprintf(to, "usage: hsmctl %s VERB [ARGUMENT...] [OPTION...]\n", noun != NULL ? noun : "NOUN");
    for (size_t i = 0; i < n; i++) {
        if (noun != NULL && strcmp(table[i].noun, noun) != 0)
            continue;
        if (strcmp(table[i].noun, last) != 0)
            fprintf(to, "\n");
        last = table[i].noun;
        help_line(to, &table[i]);
    }
    fprintf(to, "\n\"hsmctl NOUN VERB --help\" lists a command's options. Exit status: 0 done, 1 refused, 2 usage, 3 file,\n"
                "4 not reachable or busy, 5 password or permission. See hsmctl(1).\n");
}
