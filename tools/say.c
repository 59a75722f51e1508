/* What hsmctl says: answers on standard output; complaints on standard error, or as JSON with the answers where programs ask. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/hsmctl.h"

/* What a person can do about an error of the cluster's. The error's own text often says it; these are the ones where more helps. */
static const struct {
    enum err error;
    const char *next;
} remedies[] = {
    {ERR_PIN_INCORRECT, "check the name (--user) and the password; five wrong ones lock new logins"},
    {ERR_PIN_LOCKED, "an admin runs \"hsmctl user change-password NAME\""},
    {ERR_PIN_INVALID, "use letters, digits and underscore for names, and a password without a line's end"},
    {ERR_PIN_LEN, "names have 1 to 31 bytes, passwords 7 to 256"},
    {ERR_NOT_LOGGED_IN, "say who you are: --user NAME"},
    {ERR_PERMISSION, "say who may: --user NAME; admins manage users and nodes, crypto users own keys"},
    {ERR_CLIENT_CERTIFICATE, "make one under the authority that the cluster was initialized with: \"hsmctl client make NAME --ca FOLDER\""},
    {ERR_USER_EXISTS, "\"hsmctl user list\" shows who is there"},
    {ERR_USER_UNKNOWN, "\"hsmctl user list\" shows who is there"},
    {ERR_USER_OWNS_KEYS, "delete the keys as that user first, such as with pkcs11-tool --delete-object; an admin gives a user whose "
                          "password is lost another: \"hsmctl user change-password NAME\""},
    {ERR_LAST_ADMIN, "make another admin first: \"hsmctl user create NAME --role admin\""},
    {ERR_LOST, "see that the nodes run (\"hsmctl node status\" on each) and that network.servers names them"},
    {ERR_BUSY, "try again"},
    {ERR_CONFLICT, "try again"},
    {ERR_TRY_ANOTHER, "too few nodes are connected to agree: \"hsmctl cluster status\""},
    {ERR_UNKNOWN_OUTCOME, "look whether it was done, then try again"},
    {ERR_BORN_TOO_OLD, "look whether it was done, then try again"},
    {ERR_WRONG_STATE, "\"hsmctl node status\" and \"hsmctl cluster status\" show the state"},
    {ERR_NOT_ACTIVE, "\"hsmctl cluster activate\""},
    {ERR_ALREADY_ACTIVE, "\"hsmctl user list\" shows who is there; an admin changes passwords"},
    {ERR_CERTIFICATE, "check it with openssl verify, see docs/verify.md"},
    {ERR_CHAIN, "check it with openssl verify, see docs/verify.md"},
    {ERR_GRANT, "an admin runs \"hsmctl cluster grant FINGERPRINT\""},
    {ERR_VERSION, "upgrade the older one"},
    {ERR_FORGED, "do not trust this node before you know why: look into its log"},
    {ERR_KEY_SIZE, "docs/pkcs11.md says which sizes there are, and which of them under the compatible policy only"},
    {ERR_CURVE, "docs/pkcs11.md says which there are"},
    {ERR_OBJECT_HANDLE, "\"hsmctl validation list\" shows what there is to remove"},
    {ERR_LIMIT, "delete what is needed no more, then try again"},
};

static const char *remedy_of(const struct invocation *call, enum err e, char *room, size_t n)
{
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
        if (remedies[i].error == e)
            return remedies[i].next;
    if (err_kind(e) == ERR_KIND_CALLER && call->command != NULL) {
        snprintf(room, n, "\"hsmctl %s %s --help\" and hsmctl(1) say what may stand there", call->command->noun, call->command->verb);
        return room;
    }
    return "look into the log of hsmd; \"hsmctl node status\" shows the node's state";
}

static enum status status_of(enum err e)
{
    if (e == ERR_PIN_INVALID || e == ERR_PIN_LEN) /* of a new password: nobody was turned away */
        return STATUS_REFUSED;
    switch (err_kind(e)) {
    case ERR_KIND_AUTH:
        return STATUS_AUTH;
    case ERR_KIND_LOST:
    case ERR_KIND_BUSY:
        return STATUS_UNREACHABLE;
    case ERR_KIND_NONE:
    case ERR_KIND_CALLER:
    case ERR_KIND_STATE:
    case ERR_KIND_LIMIT:
    case ERR_KIND_CORRUPT:
    case ERR_KIND_BUG:
    default:
        return STATUS_REFUSED;
    }
}

static enum status say(const struct invocation *call, enum status status, const char *code, const char *doing, const struct diag *why,
                       const char *remedy)
{
    char line[16] = "", text[1024];

    if (why->where[0] != '\0' && why->line != 0)
        snprintf(line, sizeof line, ":%u", why->line);
    snprintf(text, sizeof text, "%s%s%s%s", why->where, line, why->where[0] != '\0' ? ": " : "", why->what);
    if (call->options[OPTION_json] != NULL) {
        struct output *o = output_new();

        output_number(o, "status", status);
        output_text(o, "code", code);
        output_text(o, "error", doing);
        output_text(o, "reason", text);
        output_text(o, "next", remedy);
        output_print(o, true, stdout);
        output_free(o);
    } else {
        fprintf(stderr, "hsmctl: %s: %s\n", doing, text);
        if (remedy[0] != '\0')
            fprintf(stderr, "  next: %s\n", remedy);
    }
    return status;
}

enum status complain(const struct invocation *call, enum status status, const char *doing, const struct diag *why)
{
    return say(call, status, NULL, doing, why, why->remedy);
}

enum status complain_err(const struct invocation *call, const char *doing, enum err e, const struct diag *why)
{
    struct diag own = {0};
    char room[128];

    if (why == NULL || why->what[0] == '\0') {
        diag_set(&own, "%s", err_text(e));
        why = &own;
    }
    return say(call, status_of(e), err_name(e), doing, why, why->remedy[0] != '\0' ? why->remedy : remedy_of(call, e, room, sizeof room));
}

enum status complain_login(const struct invocation *call, const char *user, bool admin, enum err e, struct diag *why)
{
    bool has_role = (call->command->options & OPTION_BIT(role)) != 0 && call->n_arguments == 0; /* of one's own password */
    char doing[96];

    if (e == ERR_PIN_INCORRECT)
        diag_remedy(why, "check name, password and role (\"hsmctl user list\"; %s%s): five wrong passwords lock new logins",
                    admin ? "admins manage users and nodes" : "keys are of crypto users",
                    has_role ? "; --role says which one you are" : "");
    snprintf(doing, sizeof doing, "cannot log in as %s \"%.31s\"", admin ? "admin" : "crypto user", user);
    return complain_err(call, doing, e, why);
}

enum status answer(const struct invocation *call, struct output *o)
{
    bool ok = output_print(o, call->options[OPTION_json] != NULL, stdout);
    struct diag why = {0};

    output_free(o);
    if (ok)
        return STATUS_DONE;
    diag_set(&why, "standard output cannot be written, or there is no memory");
    return complain(call, STATUS_FILE, "done, but the answer is lost", &why);
}

bool may_talk(const struct invocation *call)
{
    return call->options[OPTION_json] == NULL && call->options[OPTION_quiet] == NULL;
}

void progress(const struct invocation *call, const char *text)
{
    if (may_talk(call) && isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "%s ...\n", text);
}

const char *option_or(const struct invocation *call, enum option option, const char *fallback)
{
    return call->options[option] != NULL ? call->options[option] : fallback;
}
