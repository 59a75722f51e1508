/* Replicated commands in the making, for tests of what applies them. No MAC: the verdict on it is apply's argument. */
#ifndef CLUSTERHSM_TESTS_UNIT_DRAFT_H
#define CLUSTERHSM_TESTS_UNIT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/record.pb-c.h"

/* Plain data, filled in by the test; what draft_new sets makes a command of the test's cluster that changes nothing. */
struct draft {
    uint8_t request_id[16];
    uint8_t digest[32];
    uint64_t born;
    uint32_t lease;
    size_t n_put, n_erase, n_pre;
    struct {
        uint64_t id, version, owner;
        Hsm__RecordKind kind;
        const char *token;
    } put[4];
    uint64_t erase[4];
    uint64_t pre[4][2];
    const char *result;
    bool bad_mac;
    const uint8_t *cluster;
};

/* `name` is request id and digest; born at the index. */
struct draft draft_new(uint64_t born, const char *name);
void draft_put(struct draft *d, uint64_t id, uint64_t version, Hsm__RecordKind kind, uint64_t owner, const char *token);

/* Packed Command; out has room for a few thousand bytes. */
size_t draft_pack(const struct draft *d, uint8_t *out);

#endif
