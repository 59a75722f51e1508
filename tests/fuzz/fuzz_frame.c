/* Any bytes as what comes over a connection: frames of clients, messages of replicas. The first byte says which: even: frames, as many as
 * there are. What is taken for a replica's message is what would be written for it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "daemon/replica/message.h"
#include "proto/frame.h"
#include "tests/fuzz/replay.h"

/* Of all runs. */
static bool framed, said[MESSAGE_KINDS];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void take_frames(const uint8_t *bytes, size_t n)
{
    struct frame f;
    size_t taken = 1;

    while (n > 0 && taken > 0 && frame_decode(bytes, n, &f, &taken) == ERR_OK && taken > 0) {
        must(taken <= n && f.header_bytes >= bytes && f.header_bytes + f.header_len <= bytes + n);
        must(f.payload_len <= n && f.payload + f.payload_len == bytes + taken);
        framed = true;
        frame_clear(&f);
        bytes += taken;
        n -= taken;
    }
}

static void take_message(const uint8_t *bytes, size_t n)
{
    struct parcel *p = parcel_decode(bytes, n);
    struct buffer again = {0};

    if (p == NULL)
        return;
    must(parcel_encode(p, &again) && again.len == n && memcmp(again.data, bytes, n) == 0);
    said[p->msg.kind] = true;
    buffer_clear(&again);
    parcel_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n > 1 && bytes[0] % 2 == 0)
        take_frames(bytes + 1, n - 1);
    else if (n > 1)
        take_message(bytes + 1, n - 1);
    return 0;
}

const char *fuzz_unreached(void)
{
    static const char *const names[MESSAGE_KINDS] = {
        [MESSAGE_APPEND] = "entries that are appended",
        [MESSAGE_APPEND_RESULT] = "their result",
        [MESSAGE_VOTE] = "a call for votes",
        [MESSAGE_VOTE_RESULT] = "a vote",
        [MESSAGE_INSTALL] = "a snapshot",
        [MESSAGE_TIMEOUT_NOW] = "a transfer",
        [MESSAGE_LEASE] = "a lease",
    };

    for (int kind = MESSAGE_APPEND; kind < MESSAGE_KINDS; kind++)
        if (!said[kind])
            return names[kind];
    return framed ? NULL : "a frame";
}
