/* The lock of a table that a fork must find whole.
 *
 * Tables change inside the gate (module/rpc/gate.h), which a fork waits for, so that a child never inherits one that is half changed. So
 * while such a lock is held nothing may wait, and nothing may enter the gate: no OpenSSL, no rpc. */
#ifndef CLUSTERHSM_MODULE_STATE_TABLE_LOCK_H
#define CLUSTERHSM_MODULE_STATE_TABLE_LOCK_H

#include <pthread.h>

#include "module/rpc/gate.h"

static inline void table_lock(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
    gate_enter();
}

static inline void table_unlock(pthread_mutex_t *lock)
{
    gate_leave();
    pthread_mutex_unlock(lock);
}

#endif
