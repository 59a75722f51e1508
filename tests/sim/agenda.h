/* What is to happen in a run, and when. */
#ifndef CLUSTERHSM_TESTS_SIM_AGENDA_H
#define CLUSTERHSM_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENDA_EMPTY UINT64_MAX

enum { AGENDA_WHEEL_MS = 4096 };

enum kind {
    EVENT_DELIVER,
    EVENT_DISK,
    EVENT_COMPACT,
    EVENT_LEASE,
    EVENT_USE,
    EVENT_RESTART,
    EVENT_RETIRE,
    EVENT_CLIENT,
    EVENT_ADMIN,
    EVENT_FAULT,
    EVENT_READER
};

struct event {
    uint64_t at_ms;
    enum kind kind;
    uint64_t from, to;
    unsigned life; /* incarnation the event belongs to */
    unsigned conn;
    uint8_t *bytes;
    size_t n;
    struct snap *snap;
    uint64_t drop_upto;
    struct use *use;
    struct event *next; /* in its queue, or spare */
};

/* All zero: nothing to do. */
struct agenda {
    uint64_t from_ms; /* nothing is due before */
    struct agenda_queue {
        struct event *first, *last;
    } wheel[AGENDA_WHEEL_MS];
    uint64_t used[AGENDA_WHEEL_MS / 64]; /* a bit a queue: not empty */
    struct agenda_far {
        uint64_t at_ms, order;
        struct event *event;
    } * far;
    size_t n_far, far_room;
    uint64_t order;
    struct event *spare;
};

/* An event that the caller fills in, all else zero; the agenda's until it is popped. Not before what was popped last. */
struct event *agenda_post(struct agenda *a, uint64_t at_ms, enum kind kind);

/* When the next is due; AGENDA_EMPTY: never. */
uint64_t agenda_next_ms(const struct agenda *a);

/* Copies the next out; false when none is due by `limit_ms`. */
bool agenda_pop(struct agenda *a, uint64_t limit_ms, struct event *out);

/* Pop everything first: what events point to is the caller's. */
void agenda_free(struct agenda *a);

#endif
