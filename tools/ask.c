/* How hsmctl asks: a node over its socket, the cluster over the client connection, a person for a password. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tools/hsmctl.h"
#include "tools/local.h"
#include "tools/password.h"
#include "tools/patience.h"

enum { SILENCE_MS = 30000 };

enum status node_ask(const struct invocation *call, const char *doing, const Hsm__LocalRequest *request, Hsm__LocalReply **out)
{
    char path[PATH_MAX];
    struct diag why = {0};
    Hsm__LocalReply *reply = NULL;
    enum err e;

    if (!local_socket_path(call->options[OPTION_socket], call->options[OPTION_node_config], path, &why))
        return complain(call, STATUS_FILE, doing, &why);
    e = local_ask(path, request, SILENCE_MS, &reply, &why);
    if (e == ERR_OK) {
        *out = reply;
        return STATUS_DONE;
    }
    if (reply != NULL)
        hsm__local_reply__free_unpacked(reply, NULL);
    return complain_err(call, doing, e, &why);
}

/* ---- passwords ------------------------------------------------------------------------------------------- */

static enum status password_from(const struct invocation *call, const char *whose, bool is_new, struct secret *out)
{
    char prompt[128];
    struct password_source from = {.file = call->options[is_new ? OPTION_new_password_file : OPTION_password_file],
        .fd = call->options[is_new ? OPTION_new_password_fd : OPTION_password_fd], .prompt = prompt,
        .option = is_new ? "--new-password-file" : "--password-file",
        .fd_option = is_new ? "--new-password-fd" : "--password-fd", .is_new = is_new};
    struct diag why = {0};

    snprintf(prompt, sizeof prompt, "%spassword of %s", is_new ? "new " : "", whose);
    if (password_read(&from, out, &why))
        return STATUS_DONE;
    return complain(call, why.where[0] != '\0' ? STATUS_FILE : STATUS_USAGE, "no password", &why);
}

enum status password_of(const struct invocation *call, const char *whose, struct secret *out)
{
    return password_from(call, whose, false, out);
}

enum status new_password_of(const struct invocation *call, const char *whose, struct secret *out)
{
    return password_from(call, whose, true, out);
}

/* ---- the cluster ----------------------------------------------------------------------------------------- */

enum status remote_open(const struct invocation *call, struct remote *r)
{
    struct diag why = {0};

    *r = (struct remote){.libctx = OSSL_LIB_CTX_new()};
    if (r->libctx == NULL)
        diag_set(&why, "out of memory");
    else if (client_open(call->options[OPTION_conf], r->libctx, &r->client, &why))
        return STATUS_DONE;
    if (why.where[0] == '\0')
        diag_where(&why, client_path(call->options[OPTION_conf]), 0);
    if (access(client_path(call->options[OPTION_conf]), F_OK) != 0)
        diag_remedy(&why, "write it (docs/configuration.md has one to begin with), or name another with --conf or CLUSTERHSM_CONF");
    return complain(call, STATUS_FILE, "the client's configuration cannot be used", &why);
}

void remote_close(struct remote *r)
{
    client_close(r->client);
    OSSL_LIB_CTX_free(r->libctx);
    *r = (struct remote){.libctx = NULL};
}

/* Nobody but the cluster knows what is wrong with a login; but a cluster that nobody reaches is the dialler's news. */
static void explain(struct remote *r, enum err e, const Hsm__Reply *reply, struct diag *why)
{
    if (reply != NULL && reply->detail[0] != '\0')
        diag_set(why, "%s", reply->detail);
    else if (e == ERR_LOST)
        rpc_last_failure(client_rpc(r->client), why);
}

/* ---- waiting: a cluster without a majority, or without a node that is reached, is waited for as its configuration says */

enum { SAY_AFTER_MS = 2000 };

struct waiting {
    struct patience patience;
    const struct invocation *call;
    struct remote *r;
};

static void say_waiting(void *arg)
{
    const struct waiting *w = arg;
    struct diag why = {0};
    char text[DIAG_WHAT_BYTES + DIAG_WHERE_BYTES];

    rpc_last_failure(client_rpc(w->r->client), &why);
    why.remedy[0] = '\0'; /* it comes with the complaint, if there is one */
    fprintf(stderr, "hsmctl: waiting for the cluster, up to %" PRIu64 " s: %s\n",
            client_settings(w->r->client)->connect_wait_ms / 1000,
            why.what[0] != '\0' ? diag_text(&why, text, sizeof text)
                                : "it is busy, or too few of its nodes are connected to agree");
}

static void wait_begin(struct waiting *w, const struct invocation *call, struct remote *r)
{
    *w = (struct waiting){.call = call, .r = r};
    if (may_talk(call))
        patience_begin(&w->patience, SAY_AFTER_MS, say_waiting, w);
}

static void wait_end(struct waiting *w)
{
    if (may_talk(w->call))
        patience_end(&w->patience);
}

enum err remote_try_login(const struct invocation *call, struct remote *r, const char *user, const struct secret *password, bool admin,
                          struct diag *detail)
{
    struct waiting waiting;
    enum err e;

    wait_begin(&waiting, call, r);
    e = rpc_login(client_rpc(r->client), user, password->bytes, password->len, admin, detail);
    wait_end(&waiting);
    if (e != ERR_OK)
        explain(r, e, NULL, detail);
    return e;
}

enum status remote_login(const struct invocation *call, struct remote *r, bool admin, const char *fallback)
{
    const char *user = option_or(call, OPTION_user, fallback);
    struct secret password = {0};
    struct diag why = {0}, detail = {0};
    enum status status;
    enum err e;

    if (user == NULL || user[0] == '\0') {
        diag_set(&why, "no user is named");
        diag_remedy(&why, "give --user NAME, or set login.user in %s", client_path(call->options[OPTION_conf]));
        return complain(call, STATUS_USAGE, "cannot log in", &why);
    }
    status = password_of(call, user, &password);
    if (status != STATUS_DONE)
        return status;
    progress(call, "logging in");
    e = remote_try_login(call, r, user, &password, admin, &detail);
    secret_clear(&password);
    if (e == ERR_OK)
        return STATUS_DONE;
    return complain_login(call, user, admin, e, &detail);
}

enum err remote_try(const struct invocation *call, struct remote *r, const Hsm__Request *request, Hsm__Reply__OfCase expect,
                    Hsm__Reply **out, struct diag *detail)
{
    struct rpc_call c = {.request = request};
    Hsm__Reply *reply = NULL;
    struct waiting waiting;
    enum err e;

    wait_begin(&waiting, call, r);
    e = rpc_call(client_rpc(r->client), &c, &reply);
    wait_end(&waiting);
    if (e == ERR_OK && reply->of_case == expect) {
        *out = reply;
        return ERR_OK;
    }
    explain(r, e, reply, detail);
    rpc_reply_free(reply);
    return e == ERR_OK ? ERR_MALFORMED : e;
}

enum status remote_call(const struct invocation *call, struct remote *r, const char *doing, const Hsm__Request *request,
                        Hsm__Reply__OfCase expect, Hsm__Reply **out)
{
    struct diag why = {0};
    enum err e = remote_try(call, r, request, expect, out, &why);

    return e == ERR_OK ? STATUS_DONE : complain_err(call, doing, e, &why);
}

enum status remote_status(const struct invocation *call, struct remote *r, const char *doing, Hsm__Reply **out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Status status = HSM__STATUS__INIT;

    request.of_case = HSM__REQUEST__OF_STATUS;
    request.status = &status;
    return remote_call(call, r, doing, &request, HSM__REPLY__OF_STATUS, out);
}

enum status remote_as_admin(const struct invocation *call, const char *doing, const Hsm__Request *request, Hsm__Reply__OfCase expect,
                            Hsm__Reply **out)
{
    struct remote r;
    enum status s = remote_open(call, &r);

    if (s == STATUS_DONE)
        s = remote_login(call, &r, true, "admin");
    if (s == STATUS_DONE)
        s = remote_call(call, &r, doing, request, expect, out);
    remote_close(&r);
    return s;
}
