/* Letters to a libuv loop from other threads: each is a call that the loop makes, in the order of arrival. */
#ifndef CLUSTERHSM_DAEMON_MAILBOX_H
#define CLUSTERHSM_DAEMON_MAILBOX_H

#include <stdbool.h>

#include <uv.h>

#include "common/diag.h"

struct mailbox;

/* On the loop's thread, or before it runs. NULL and a reason on failure. */
struct mailbox *mailbox_open(uv_loop_t *loop, struct diag *why);

/* Any thread. False: no memory, nothing will be called. */
bool mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg);

/* On the loop's thread, when nobody posts any more: what is waiting is called first. Memory goes when the loop has run. */
void mailbox_close(struct mailbox *m);

#endif
