/* hsmctl: what its commands share. A command is a function of its invocation (tools/args.h); it prints its answer by a description
 * (tools/output.h), complains once, and returns the process's exit status. */
#ifndef CLUSTERHSM_TOOLS_HSMCTL_H
#define CLUSTERHSM_TOOLS_HSMCTL_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/secret.h"
#include "module/rpc/client.h"
#include "proto/error.h"
#include "proto/node.pb-c.h"
#include "proto/request.pb-c.h"
#include "tools/args.h"
#include "tools/output.h"

/* One function a row of tools/command.def. */
#define COMMAND(noun, verb, function, arguments, options, help) enum status function(const struct invocation *call);
#include "tools/command.def"
#undef COMMAND

/* ---- saying things --------------------------------------------------------------------------------------- */

/* Says what could not be done, why, and what to do; as JSON where that was asked for. Returns `status`. */
enum status complain(const struct invocation *call, enum status status, const char *doing, const struct diag *why);

/* The same of an error of the cluster's or a node's: `why` (may be NULL, may be empty) comes before the error's own text, and the
 * remedy is the error's unless `why` has one. Returns the status of the error's kind. */
enum status complain_err(const struct invocation *call, const char *doing, enum err e, const struct diag *why);

/* The same of a login that failed: a name is known to the cluster in one role only, so it says in which it was tried. */
enum status complain_login(const struct invocation *call, const char *user, bool admin, enum err e, struct diag *why);

/* Prints the description and frees it. STATUS_DONE, or STATUS_FILE where standard output cannot be written. */
enum status answer(const struct invocation *call, struct output *o);

/* Whether anything but the answer and complaints may be said: not with --json or --quiet. */
bool may_talk(const struct invocation *call);

/* A line for who waits at a terminal; nothing elsewhere. */
void progress(const struct invocation *call, const char *text);

/* The text of an option, or the fallback. */
const char *option_or(const struct invocation *call, enum option option, const char *fallback);

/* ---- over the node's Unix socket --------------------------------------------------------------------------- */

/* Asks and complains. The caller frees *out with hsm__local_reply__free_unpacked(_, NULL); it is set on STATUS_DONE only. */
enum status node_ask(const struct invocation *call, const char *doing, const Hsm__LocalRequest *request, Hsm__LocalReply **out);

/* ---- over the client connection ---------------------------------------------------------------------------- */

struct remote {
    OSSL_LIB_CTX *libctx;
    struct client *client;
};

/* The client of --conf; complains. Ended with remote_close, also after failure. */
enum status remote_open(const struct invocation *call, struct remote *r);
void remote_close(struct remote *r);

/* Logs in as --user (else `fallback`, which may be NULL or empty: complains) with the password that the options name; complains. */
enum status remote_login(const struct invocation *call, struct remote *r, bool admin, const char *fallback);

/* As rpc_login, with the dialler's news in `detail` where nobody was reached. Here and below: what takes long says so, on standard
 * error. */
enum err remote_try_login(const struct invocation *call, struct remote *r, const char *user, const struct secret *password, bool admin,
                          struct diag *detail);

/* One request, without complaint: `detail` is for complain_err. *out is set on ERR_OK only and then of the case `expect`; freed with
 * rpc_reply_free. */
enum err remote_try(const struct invocation *call, struct remote *r, const Hsm__Request *request, Hsm__Reply__OfCase expect,
                    Hsm__Reply **out, struct diag *detail);

/* The same; complains. *out is set on STATUS_DONE only and then of the case `expect`; freed with rpc_reply_free. */
enum status remote_call(const struct invocation *call, struct remote *r, const char *doing, const Hsm__Request *request,
                        Hsm__Reply__OfCase expect, Hsm__Reply **out);

/* What the cluster says of itself (HSM__REPLY__OF_STATUS). As remote_call. */
enum status remote_status(const struct invocation *call, struct remote *r, const char *doing, Hsm__Reply **out);

/* All that a command of an admin's has to do: open, log in (as admin, unless --user says who), ask, close. As remote_call. */
enum status remote_as_admin(const struct invocation *call, const char *doing, const Hsm__Request *request, Hsm__Reply__OfCase expect,
                            Hsm__Reply **out);

/* A password by --password-file or --password-fd, or the terminal; complains. */
enum status password_of(const struct invocation *call, const char *whose, struct secret *out);
/* The same by --new-password-file or --new-password-fd; at a terminal it is asked for twice. */
enum status new_password_of(const struct invocation *call, const char *whose, struct secret *out);

#endif
