/* The gate that keeps a fork out of OpenSSL.
 *
 * A child that is forked while another thread holds one of libcrypto's locks inherits that lock for ever. So every stretch of work on
 * OpenSSL runs inside the gate, and the fork waits until nobody is in it: at most 30 s, as a thread that is stopped inside must not
 * stop forks for ever, and not at all where the forking thread itself is inside. Never hold it across a wait for the network or for
 * another lock of ours. Process-wide because pthread_atfork handlers have no argument. */
#ifndef CLUSTERHSM_MODULE_RPC_GATE_H
#define CLUSTERHSM_MODULE_RPC_GATE_H

#include <stdbool.h>

/* Registers the fork handlers; once a process, any further call does nothing. `forked` runs in every child, in the thread that forked:
 * it may set flags and nothing more. False: no memory. */
bool gate_install(void (*forked)(void));

/* Shared, not recursive. */
void gate_enter(void);
void gate_leave(void);

#endif
