/*
 * The front's side of the pair to its vault: calls out, answers back by their number, in any order.
 *
 * A call stays open while the vault asks for more (a Need or a Propose): the front goes on with it by
 * vault_link_continue, until an answer that is final. The loop's thread only. A vault that dies, or answers what was not
 * asked, ends the link: every open call is told, then `dead`, and the front stops (its parent starts both anew).
 */
#ifndef CLUSTERHSM_DAEMON_VAULT_LINK_H
#define CLUSTERHSM_DAEMON_VAULT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/diag.h"
#include "proto/error.h"
#include "proto/vault.pb-c.h"

struct vault_link;

/* An answer, borrowed until return; NULL: the vault is gone. */
typedef void vault_link_fn(void *arg, uint64_t call, const Hsm__VaultAnswer *answer);

/* Takes over the descriptor, also on failure. `dead` is called once, unless vault_link_free came first. */
struct vault_link *vault_link_new(uv_loop_t *loop, int fd, void (*dead)(void *arg, const char *reason), void *arg,
    struct diag *why);

/* Closes the pair; open calls are forgotten without a word. Memory goes when the loop has run. NULL is legal. */
void vault_link_free(struct vault_link *l);

/* Sends a call under a number of its own, which is written into it and to *number. ERR_BUSY: as many are open as the
 * vault keeps. ERR_LOST: the vault is gone. ERR_TOO_LARGE. `fn` is never called before this returns. */
enum err vault_link_call(struct vault_link *l, Hsm__VaultCall *call, vault_link_fn *fn, void *arg, uint64_t *number);

/* Facts or an outcome for an open call. */
enum err vault_link_continue(struct vault_link *l, uint64_t number, Hsm__VaultCall *call);

/* Nobody waits for this call any more: its fn is not called again. The vault is told. */
void vault_link_drop(struct vault_link *l, uint64_t number);

#endif
