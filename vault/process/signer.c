#include "vault/process/signer.h"

#include <errno.h>
#include <poll.h>

#include "common/log.h"
#include "vault/keyring.h"
#include "vault/node/identity.h"
#include "vault/node/permit.h"
#include "vault/process/frames.h"

enum { CALL_BYTES_MAX = 1024, AT_PAIR = 0, AT_ENDING = 1, POLLED = 2 };

/* SignCall.key */
enum { KEY_CLUSTER = 1, KEY_NODE = 2 };

enum err signer_sign(struct vault *vault, const Hsm__SignCall *call, struct buffer *out)
{
    struct identity *i;
    struct permit_key key;
    enum err e;

    if (call->key != KEY_CLUSTER && call->key != KEY_NODE)
        return ERR_ARGUMENTS;
    i = keyring_identity(vault->keyring);
    if (i == NULL)
        return ERR_VAULT_LOCKED;
    key = permit_key(vault->libctx, i, call->key == KEY_CLUSTER ? IDENTITY_CLUSTER : IDENTITY_NODE);
    e = permit_sign_tls(&key, call->digest, call->to_be_signed.data, call->to_be_signed.len, out);
    keyring_identity_done(i);
    return e;
}

static bool answer(struct frames *f, struct vault *vault, const uint8_t *bytes, size_t n)
{
    Hsm__SignCall *call = hsm__sign_call__unpack(NULL, n, bytes);
    Hsm__SignAnswer a = HSM__SIGN_ANSWER__INIT;
    struct buffer signature = {0};
    enum err e;
    bool ok;

    if (call == NULL)
        return false;
    e = signer_sign(vault, call, &signature);
    if (e == ERR_PERMISSION)
        log_warning("signature_refused", "key=%u bytes=%zu why=\"%s\"", call->key, call->to_be_signed.len,
                    "it is no handshake that this key may sign");
    a.error = (uint32_t)e;
    if (e == ERR_OK)
        a.signature = (ProtobufCBinaryData){.data = signature.data, .len = signature.len};
    ok = frames_put(f, &a.base);
    buffer_clear(&signature);
    hsm__sign_call__free_unpacked(call, NULL);
    return ok;
}

static enum frames_state take_calls(struct frames *f, struct vault *vault)
{
    enum frames_state state = frames_receive(f);
    const uint8_t *bytes;
    size_t n = 0;

    while (state == FRAMES_OK && (bytes = frames_next(f, &n, &state)) != NULL)
        if (!answer(f, vault, bytes, n))
            state = FRAMES_BROKEN;
    return state == FRAMES_OK ? frames_send(f) : state;
}

bool signer_run(int fd, struct vault *vault, const struct ending *ending)
{
    struct pollfd polled[POLLED] = {[AT_PAIR] = {.fd = fd, .events = POLLIN}, [AT_ENDING] = {.fd = ending->fd, .events = POLLIN}};
    enum frames_state state = FRAMES_OK;
    struct frames frames;

    frames_init(&frames, fd, CALL_BYTES_MAX);
    while (state == FRAMES_OK && polled[AT_ENDING].revents == 0) {
        polled[AT_PAIR].events = frames_waiting(&frames) > 0 ? POLLOUT : POLLIN; /* one question at a time */
        if (poll(polled, POLLED, -1) < 0 && errno != EINTR)
            state = FRAMES_BROKEN;
        else if (polled[AT_PAIR].revents != 0)
            state = frames_waiting(&frames) > 0 ? frames_send(&frames) : take_calls(&frames, vault);
    }
    frames_clear(&frames);
    if (state == FRAMES_OK)
        return true;
    ending_ask(ending);
    if (state != FRAMES_CLOSED)
        log_error("vault_signer_broken", "descriptor=%d why=\"%s\"", fd, "what came is no question, or memory is used up");
    return state == FRAMES_CLOSED;
}
