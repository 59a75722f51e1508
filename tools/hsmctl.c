/* hsmctl: from the command line to the command's function. */
#include "tools/hsmctl.h"

#include <stdio.h>
#include <string.h>

#include "module/rpc/gate.h"

#define LOCAL (OPTION_BIT(socket) | OPTION_BIT(node_config))
#define REMOTE_LOGIN (OPTION_BIT(conf) | OPTION_BIT(user) | OPTION_BIT(password_file) | OPTION_BIT(password_fd))
#define NEW_PASSWORD (OPTION_BIT(new_password_file) | OPTION_BIT(new_password_fd))
#define KEY_NAMES \
    (OPTION_BIT(label) | OPTION_BIT(id) | OPTION_BIT(cert) | OPTION_BIT(passphrase_file) | OPTION_BIT(private_only))
#define VALIDATION                                                                                                             \
    (OPTION_BIT(authority) | OPTION_BIT(certificate) | OPTION_BIT(certificate_uri) | OPTION_BIT(country) | OPTION_BIT(edition) | \
     OPTION_BIT(flag) | OPTION_BIT(label) | OPTION_BIT(level) | OPTION_BIT(profile) | OPTION_BIT(type) | OPTION_BIT(vendor_uri))

static const struct command commands[] = {
#define COMMAND(noun, verb, function, arguments, options, help) {#noun, #verb, arguments, options, help, function},
#include "tools/command.def"
#undef COMMAND
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int main(int argc, char **argv)
{
    struct invocation call;
    struct diag why = {0};
    const char *noun = NULL;
    bool asked;

    switch (args_parse(commands, COMMANDS, argc, argv, &call, &noun, &why)) {
    case ARGS_RUN:
        break;
    case ARGS_HELP:
        asked = argc > 2 || (argc == 2 && noun == NULL); /* not with a noun alone, of which nothing was done */
        args_help(asked ? stdout : stderr, commands, COMMANDS, noun, call.command);
        return asked ? STATUS_DONE : STATUS_USAGE;
    case ARGS_VERSION:
        printf("hsmctl (ClusterHSM) %s\n", VERSION);
        return STATUS_DONE;
    case ARGS_WRONG:
    default:
        return complain(&call, STATUS_USAGE, "this command line makes no sense", &why);
    }
    if (!gate_install(NULL)) {
        diag_set(&why, "out of memory");
        return complain(&call, STATUS_REFUSED, "cannot begin", &why);
    }
    return call.command->run(&call);
}
