#include "tests/unit/fake_vault.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "proto/limits.h"

struct fake_vault {
    int fd;
    fake_vault_fn *fn;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock; /* one answer at a time */
};

static bool receive(int fd, uint8_t *bytes, size_t n)
{
    return n == 0 || recv(fd, bytes, n, MSG_WAITALL) == (ssize_t)n;
}

static void *run(void *arg)
{
    struct fake_vault *v = arg;
    uint8_t head[4];

    while (receive(v->fd, head, sizeof head)) {
        struct cursor c;
        uint32_t n;
        uint8_t *bytes;
        Hsm__VaultCall *call;
        cursor_init(&c, head, sizeof head);
        n = cursor_u32(&c);
        ck_assert_uint_le(n, VAULT_FRAME_BYTES_MAX);
        bytes = malloc(n + 1);
        if (receive(v->fd, bytes, n)) {
            call = hsm__vault_call__unpack(NULL, n, bytes);
            ck_assert_ptr_nonnull(call);
            v->fn(v->arg, v, call);
            hsm__vault_call__free_unpacked(call, NULL);
        }
        free(bytes);
    }
    return NULL;
}

struct fake_vault *fake_vault_new(fake_vault_fn *fn, void *arg, int *fd)
{
    struct fake_vault *v = calloc(1, sizeof *v);
    int fds[2];

    ck_assert_ptr_nonnull(v);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *fd = fds[0];
    *v = (struct fake_vault){.fd = fds[1], .fn = fn, .arg = arg};
    pthread_mutex_init(&v->lock, NULL);
    ck_assert_int_eq(pthread_create(&v->thread, NULL, run, v), 0);
    return v;
}

void fake_vault_free(struct fake_vault *v)
{
    if (v == NULL)
        return;
    shutdown(v->fd, SHUT_RDWR);
    pthread_join(v->thread, NULL);
    close(v->fd);
    free(v);
}

void fake_vault_answer(struct fake_vault *v, const Hsm__VaultAnswer *answer)
{
    struct buffer out = {0};
    size_t n = hsm__vault_answer__get_packed_size(answer);

    buffer_put_u32(&out, (uint32_t)n);
    hsm__vault_answer__pack(answer, buffer_extend(&out, n));
    pthread_mutex_lock(&v->lock);
    (void)!send(v->fd, out.data, out.len, MSG_NOSIGNAL);
    pthread_mutex_unlock(&v->lock);
    buffer_clear(&out);
}

#define ANSWER(field, FIELD, value)                    \
    Hsm__VaultAnswer a = HSM__VAULT_ANSWER__INIT;      \
    a.call = call;                                     \
    a.of_case = HSM__VAULT_ANSWER__OF_##FIELD;         \
    a.field = value;                                   \
    fake_vault_answer(v, &a)

void fake_vault_verdict(struct fake_vault *v, uint64_t call, const uint8_t *good, size_t n)
{
    Hsm__Verdict verdict = HSM__VERDICT__INIT;
    verdict.good = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)good, .len = n};
    ANSWER(verdict, VERDICT, &verdict);
}

void fake_vault_node(struct fake_vault *v, uint64_t call, const Hsm__NodeAnswer *answer)
{
    ANSWER(node, NODE, (Hsm__NodeAnswer *)(uintptr_t)answer);
}

void fake_vault_opened(struct fake_vault *v, uint64_t call)
{
    Hsm__Opened opened = HSM__OPENED__INIT;
    opened.message = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t) "second", .len = 6};
    ANSWER(opened, OPENED, &opened);
}

void fake_vault_refused(struct fake_vault *v, uint64_t call, uint32_t error)
{
    Hsm__Refused refused = HSM__REFUSED__INIT;
    refused.error = error;
    ANSWER(refused, REFUSED, &refused);
}

void fake_vault_dropped(struct fake_vault *v, uint64_t call)
{
    Hsm__Empty2 empty = HSM__EMPTY2__INIT;
    ANSWER(dropped, DROPPED, &empty);
}

void fake_vault_need(struct fake_vault *v, uint64_t call, uint64_t id)
{
    Hsm__Need need = HSM__NEED__INIT;
    need.ids = &id;
    need.n_ids = 1;
    ANSWER(need, NEED, &need);
}

void fake_vault_propose(struct fake_vault *v, uint64_t call, const uint8_t *command, size_t n)
{
    Hsm__Propose propose = HSM__PROPOSE__INIT;
    propose.command = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)command, .len = n};
    ANSWER(propose, PROPOSE, &propose);
}

void fake_vault_reply(struct fake_vault *v, uint64_t call, const char *text, uint64_t id, uint64_t version)
{
    Hsm__Sealed reply = HSM__SEALED__INIT;
    Hsm__Used used = HSM__USED__INIT, *list = &used;
    used.id = id;
    used.version = version;
    reply.used = &list;
    reply.n_used = id != 0;
    reply.body = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)text, .len = strlen(text)};
    ANSWER(reply, REPLY, &reply);
}
