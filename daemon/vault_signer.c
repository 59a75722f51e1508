#include "daemon/vault_signer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/buffer.h"
#include "common/log.h"
#include "common/whole.h"
#include "proto/error.h"
#include "proto/vault.pb-c.h"

enum { LENGTH_BYTES = 4, MESSAGE_BYTES_MAX = 1024 };

bool vault_signer_prepare(int fd, uint32_t answer_ms_max, struct diag *why)
{
    struct timeval t = {.tv_sec = answer_ms_max / 1000, .tv_usec = (suseconds_t)(answer_ms_max % 1000) * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0)
        return true;
    diag_set(why, "the pair to the vault's signer takes no time limit: %s", strerror(errno));
    return false;
}

static Hsm__SignAnswer *ask(int fd, const Hsm__SignCall *call)
{
    uint8_t bytes[LENGTH_BYTES + MESSAGE_BYTES_MAX];
    size_t n = hsm__sign_call__get_packed_size(call);
    struct cursor length;
    if (n > MESSAGE_BYTES_MAX)
        return NULL;
    bytes[0] = bytes[1] = 0;
    bytes[2] = (uint8_t)(n >> 8);
    bytes[3] = (uint8_t)n;
    hsm__sign_call__pack(call, bytes + LENGTH_BYTES);
    if (!whole_send(fd, bytes, LENGTH_BYTES + n) || !whole_receive(fd, bytes, LENGTH_BYTES))
        return NULL;
    cursor_init(&length, bytes, LENGTH_BYTES);
    n = cursor_u32(&length);
    if (n > MESSAGE_BYTES_MAX || !whole_receive(fd, bytes, n))
        return NULL;
    return hsm__sign_answer__unpack(NULL, n, bytes);
}

bool vault_signer_sign(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len,
    size_t room)
{
    struct vault_signer *s = arg;
    Hsm__SignCall call = HSM__SIGN_CALL__INIT;
    Hsm__SignAnswer *a;
    bool ok;
    if (*s->broken)
        return false;
    call.key = s->key;
    call.to_be_signed.data = (uint8_t *)(uintptr_t)bytes;
    call.to_be_signed.len = n;
    call.digest = (char *)(uintptr_t)digest;
    a = ask(s->fd, &call);
    if (a == NULL) {
        *s->broken = true;
        log_error("signer_lost", "reason=%s", "the vault's signer gave no answer in time, or none that can be read");
        return false;
    }
    ok = a->error == ERR_OK && a->signature.len > 0 && a->signature.len <= room;
    if (ok) {
        memcpy(signature, a->signature.data, a->signature.len);
        *len = a->signature.len;
    }
    hsm__sign_answer__free_unpacked(a, NULL);
    return ok;
}
