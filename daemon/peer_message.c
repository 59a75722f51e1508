#include "daemon/peer_message.h"

#include "common/buffer.h"
#include "proto/limits.h"

enum { LENGTH_BYTES = 4 };

bool peer_message_send(struct connection *c, const Hsm__PeerMessage *m)
{
    size_t n = hsm__peer_message__get_packed_size(m);
    struct buffer frame = {0};
    uint8_t *into;
    bool ok = n > 0 && n <= PEER_FRAME_BYTES_MAX && buffer_put_u32(&frame, (uint32_t)n) &&
              (into = buffer_extend(&frame, n)) != NULL;

    if (ok) {
        hsm__peer_message__pack(m, into);
        ok = connection_send(c, frame.data, frame.len);
    }
    buffer_clear(&frame);
    return ok;
}

Hsm__PeerMessage *peer_message_read(const uint8_t *frame, size_t n)
{
    Hsm__PeerMessage *m = hsm__peer_message__unpack(NULL, n - LENGTH_BYTES, frame + LENGTH_BYTES);

    if (m != NULL && m->of_case == HSM__PEER_MESSAGE__OF__NOT_SET) {
        hsm__peer_message__free_unpacked(m, NULL);
        return NULL;
    }
    return m;
}

void peer_message_refuse(struct connection *c, enum err e, const char *detail, const char *leader, const char *reason)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerRefused refused = HSM__PEER_REFUSED__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_REFUSED;
    m.refused = &refused;
    refused.error = e;
    refused.detail = (char *)(uintptr_t)detail;
    if (leader != NULL)
        refused.leader_address = (char *)(uintptr_t)leader;
    (void)peer_message_send(c, &m);
    connection_end(c, reason);
}
