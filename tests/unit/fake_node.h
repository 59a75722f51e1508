/* A node in the same process, behind struct stream: greets, opens the channel as a vault does, and answers requests by a function of
 * the test's. What it does wrong, it does on purpose: see struct fake_faults. One thread a stream; streams may differ in threads. */
#ifndef CLUSTERHSM_TESTS_UNIT_FAKE_NODE_H
#define CLUSTERHSM_TESTS_UNIT_FAKE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "module/rpc/stream.h"
#include "proto/frame.pb-c.h"
#include "proto/request.pb-c.h"

struct fake_node;

struct fake_faults {
    bool forge_statement;     /* not signed by the cluster key */
    bool forge_once;          /* ... the first time only */
    bool other_certificate;   /* a statement for another certificate */
    bool expired_statement;
    bool other_name;          /* its certificate is named after another cluster */
    bool pinned;              /* no fault: it has the key that the client pins */
    bool no_name;             /* ... after something else */
    bool alter_reply;         /* one bit */
    bool swap_replies;        /* the answer to the first request is sent for the second as well */
    bool silent;              /* never answers a request */
    uint32_t refuse;          /* ERR_ in a REFUSED frame instead of an answer; 0: no */
    unsigned refuse_times;    /* so many times, then it answers */
    unsigned drop_after;      /* the stream dies after so many requests; 0: no */
};

/* Fills the reply; what it points to must live until it returns to the node's code. */
typedef void fake_answer(void *arg, const Hsm__FrameHeader *header, const Hsm__Request *request, const uint8_t *hash, Hsm__Reply *reply);

struct fake_node *fake_node_new(OSSL_LIB_CTX *libctx, fake_answer *answer, void *arg);
void fake_node_free(struct fake_node *n);

struct fake_faults *fake_node_faults(struct fake_node *n);
void fake_node_set_epoch(struct fake_node *n, uint64_t epoch);
void fake_node_set_cluster(struct fake_node *n, uint8_t first_byte);
unsigned fake_node_dials(const struct fake_node *n);

/* A stream of its own into the node; ends with the stream's close. */
struct stream *fake_node_stream(struct fake_node *n);

/* Every address leads to this node, but those that begin with "down". */
struct dialer *fake_node_dialer(struct fake_node *n);

#endif
