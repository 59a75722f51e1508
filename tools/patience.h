/* Says once that a call takes long, while it goes on. */
#ifndef CLUSTERHSM_TOOLS_PATIENCE_H
#define CLUSTERHSM_TOOLS_PATIENCE_H

#include <pthread.h>
#include <stdbool.h>

struct patience {
    pthread_mutex_t lock;
    pthread_cond_t over;
    pthread_t thread;
    unsigned after_ms;
    void (*say)(void *arg);
    void *arg;
    bool ended, started; /* started: there is a thread */
};

/* From here on, if patience_end does not come within the time, `say` is called: once, by another thread, while the caller does what takes
 * long. Without memory for a thread nothing is said. */
void patience_begin(struct patience *p, unsigned after_ms, void (*say)(void *arg), void *arg);

/* `say` is not called any more, or has returned. */
void patience_end(struct patience *p);

#endif
