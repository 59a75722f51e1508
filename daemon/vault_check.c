#include "daemon/vault_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/buffer.h"
#include "common/log.h"
#include "common/whole.h"
#include "proto/limits.h"
#include "proto/vault.pb-c.h"

enum { LENGTH_BYTES = 4, AROUND_COMMAND_BYTES = 16, BATCH_ROOM_BYTES = VAULT_FRAME_BYTES_MAX - 1024 };

bool vault_check_prepare(struct vault_check *v, int fd, uint32_t answer_ms_max, struct diag *why)
{
    struct timeval t = {.tv_sec = answer_ms_max / 1000, .tv_usec = (suseconds_t)(answer_ms_max % 1000) * 1000};

    *v = (struct vault_check){.fd = fd};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0)
        return true;
    diag_set(why, "the check pair to the vault takes no time limit: %s", strerror(errno));
    return false;
}

static Hsm__VaultAnswer *receive_answer(int fd)
{
    uint8_t head[LENGTH_BYTES], *bytes;
    Hsm__VaultAnswer *answer = NULL;
    struct cursor length;
    size_t n;

    if (!whole_receive(fd, head, sizeof head))
        return NULL;
    cursor_init(&length, head, sizeof head);
    n = cursor_u32(&length);
    if (n > VAULT_FRAME_BYTES_MAX || (bytes = malloc(n != 0 ? n : 1)) == NULL)
        return NULL;
    if (whole_receive(fd, bytes, n))
        answer = hsm__vault_answer__unpack(NULL, n, bytes);
    free(bytes);
    return answer;
}

/* The answer is the caller's; NULL: the vault has none for us. */
static Hsm__VaultAnswer *ask(struct vault_check *v, Hsm__VaultCall *call)
{
    struct buffer frame = {0};
    Hsm__VaultAnswer *answer = NULL;
    uint8_t *into;
    size_t n;

    call->call = ++v->calls;
    n = hsm__vault_call__get_packed_size(call);
    if (n <= VAULT_FRAME_BYTES_MAX && buffer_put_u32(&frame, (uint32_t)n) && (into = buffer_extend(&frame, n)) != NULL) {
        hsm__vault_call__pack(call, into);
        if (whole_send(v->fd, frame.data, frame.len))
            answer = receive_answer(v->fd);
    }
    buffer_clear(&frame);
    if (answer != NULL && answer->call != call->call) {
        hsm__vault_answer__free_unpacked(answer, NULL);
        answer = NULL;
    }
    return answer;
}

static enum err check_batch(struct vault_check *v, const struct replica_command *commands, size_t n, bool *good)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__CheckBatch batch = HSM__CHECK_BATCH__INIT;
    ProtobufCBinaryData *list = calloc(n, sizeof *list);
    Hsm__VaultAnswer *answer;
    enum err e = ERR_LOST;

    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        list[i] = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)commands[i].bytes, .len = commands[i].n};
    batch.commands = list;
    batch.n_commands = n;
    call.of_case = HSM__VAULT_CALL__OF_CHECK;
    call.check = &batch;
    answer = ask(v, &call);
    free(list);
    if (answer != NULL && answer->of_case == HSM__VAULT_ANSWER__OF_VERDICT && answer->verdict->good.len == n) {
        for (size_t i = 0; i < n; i++)
            good[i] = answer->verdict->good.data[i] == 1;
        e = ERR_OK;
    }
    if (answer != NULL)
        hsm__vault_answer__free_unpacked(answer, NULL);
    return e;
}

enum err vault_check_commands(struct vault_check *v, const struct replica_command *commands, size_t n, bool *good)
{
    enum err e = ERR_OK;

    for (size_t from = 0, upto; e == ERR_OK && from < n; from = upto) {
        size_t bytes = 0;
        for (upto = from; upto < n && (upto == from || bytes + commands[upto].n + AROUND_COMMAND_BYTES <= BATCH_ROOM_BYTES); upto++)
            bytes += commands[upto].n + AROUND_COMMAND_BYTES;
        e = check_batch(v, commands + from, upto - from, good + from);
    }
    return e;
}

enum err vault_check_cluster_record(struct vault_check *v, const uint8_t *record, size_t n)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__NodeCall node = HSM__NODE_CALL__INIT;
    Hsm__ClusterRecordUpdate update = HSM__CLUSTER_RECORD_UPDATE__INIT;
    Hsm__VaultAnswer *answer;
    enum err e = ERR_LOST;

    update.record = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)record, .len = n};
    node.of_case = HSM__NODE_CALL__OF_CLUSTER_RECORD;
    node.cluster_record = &update;
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = &node;
    answer = ask(v, &call);
    if (answer != NULL && answer->of_case == HSM__VAULT_ANSWER__OF_NODE) {
        e = err_from_wire(answer->node->error);
        if (e != ERR_OK)
            log_error("cluster_record_refused", "error=%s detail=\"%s\"", err_name(e), answer->node->detail);
    }
    if (answer != NULL)
        hsm__vault_answer__free_unpacked(answer, NULL);
    return e;
}
