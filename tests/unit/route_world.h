/* A route with its world, for tests: a real replica and state in a folder of their own, fake vaults at both pairs, and clients that are
 * plain descriptors. One thread: nothing happens but in world_turn, which runs the route's loop and reads what clients got. */
#ifndef CLUSTERHSM_TESTS_UNIT_ROUTE_WORLD_H
#define CLUSTERHSM_TESTS_UNIT_ROUTE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/route.h"
#include "proto/frame.h"
#include "tests/unit/draft.h"
#include "tests/unit/fake_vault.h"

enum { WORLD_CLIENTS = 8, WORLD_WAIT_MS = 10000 };

#define REPLY HSM__FRAME_KIND__FRAME_REPLY
#define REFUSED HSM__FRAME_KIND__FRAME_REFUSED
#define PROGRESS HSM__FRAME_KIND__FRAME_PROGRESS

extern struct node world_node;
extern struct route *world_router;
extern struct fake_vault *world_vault;

/* What the fake vault has seen, written by its thread. A request's body says what it does: "refuse", "need" (record 77), "propose" (the
 * command), "propose, refuse" (and does not wait for the outcome); anything else comes back as the reply. */
struct world_seen {
    unsigned opens, closes, requests, drops, facts, outcomes;
    bool holds; /* the test answers requests itself */
    uint64_t held[4096];
    unsigned n_held;
    bool named_record, named_absent, repeated_id, has_status; /* of the newest request */
    uint64_t needed;
    uint8_t command[4096];
    size_t command_bytes;
};
extern struct world_seen world_seen;
#define WORLD_SEEN(field) (__atomic_load_n(&world_seen.field, __ATOMIC_SEQ_CST))

/* The clients' ends. */
struct world_end {
    int fd; /* -1: none */
    struct buffer in;
    bool ended;
};
extern struct world_end world_ends[WORLD_CLIENTS];

/* With a cluster of one that serves, holding records 1 and 2; or a node without a log, which has no leader. Fixtures. */
void world_start(void);
void world_start_alone(void);
void world_stop(void); /* ends the test where something does not end by itself */

void world_turn(void);
void world_turns(unsigned n);
#define WORLD_UNTIL(condition)                                                                \
    do {                                                                                      \
        uint64_t since_ms_ = uv_hrtime() / 1000000;                                           \
        while (!(condition) && uv_hrtime() / 1000000 - since_ms_ < WORLD_WAIT_MS)             \
            world_turn();                                                                     \
        ck_assert_msg(condition, "never came: %s", #condition);                               \
    } while (0)

/* A draft of one record, and its way through the log. */
struct draft world_put(uint64_t id, uint64_t version, const char *name);
void world_propose(const struct draft *d);

/* The client's end i. connect: greeted, with a channel. */
void end_connect_only(unsigned i);
void end_connect(unsigned i);
void end_hang_up(unsigned i);
void end_say(unsigned i, const void *bytes, size_t n);
void end_say_frame(unsigned i, const Hsm__FrameHeader *header, const void *payload, size_t n);
void end_hello(unsigned i, uint32_t min, uint32_t max);
void end_open_channel(unsigned i);
Hsm__FrameHeader end_request_header(uint64_t exchange, uint32_t number);
void end_ask(unsigned i, uint64_t exchange, const char *text);
void end_ask_change(unsigned i, uint64_t exchange, const char *text);

/* The next frame that came; its bytes live until the next call, the header is the caller's (frame_clear). */
struct frame end_next_frame(unsigned i);
void end_expect(unsigned i, Hsm__FrameKind kind, uint64_t exchange, uint32_t error, const char *payload); /* payload NULL: any */

#endif
