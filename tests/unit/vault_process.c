#include "tests/unit/vault_process.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buffer.h"
#include "proto/limits.h"
#include "tests/unit/temp_folder.h"

enum { PATH_BYTES = 600, HIGH = 200, ARGUMENTS_MAX = 16, ANSWER_S_MAX = 60 };

int vault_process_seal(char byte)
{
    char *folder = temp_folder_new("seal"), path[PATH_BYTES], bytes[32];
    int fd;

    snprintf(path, sizeof path, "%s/seal", folder);
    memset(bytes, byte, sizeof bytes);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, bytes, sizeof bytes), sizeof bytes);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    temp_folder_free(folder);
    return fd;
}

/* Child: each descriptor above all targets first, then to its place. */
static void place(int from, int to)
{
    if (from < 0)
        close(to);
    else if (dup2(from, to) < 0)
        _exit(126);
}

static void become_vault(struct vault_process *p, const int *ends, size_t n, const char *const *arguments) __attribute__((noreturn));
static void become_vault(struct vault_process *p, const int *ends, size_t n, const char *const *arguments)
{
    const char *top = getenv("top_builddir");
    char path[PATH_BYTES], log[PATH_BYTES], threads[4], *argv[ARGUMENTS_MAX] = {0}, *const environment[] = {NULL};
    int high[8], null, argc = 0;

    snprintf(path, sizeof path, "%s/hsm-vault", top != NULL ? top : ".");
    snprintf(log, sizeof log, "%s/log", p->folder);
    snprintf(threads, sizeof threads, "%d", p->threads);
    for (size_t i = 0; i < n; i++)
        high[i] = ends[i] >= 0 ? fcntl(ends[i], F_DUPFD, HIGH) : -1;
    null = open("/dev/null", O_RDWR);
    place(null, 0);
    place(null, 1);
    place(open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
    for (size_t i = 0; i < n; i++)
        place(high[i], 3 + (int)i);
    /* The high ones stay open: the vault closes what it was not meant to have. */
    argv[argc++] = path;
    argv[argc++] = (char[]){"--threads"};
    argv[argc++] = threads;
    argv[argc++] = (char[]){"--workers"};
    argv[argc++] = (char[]){"2"};
    argv[argc++] = (char[]){"--name"};
    argv[argc++] = (char[]){"test"};
    while (*arguments != NULL)
        argv[argc++] = (char *)(uintptr_t)*arguments++;
    execve(path, argv, environment);
    _exit(127);
}

static int pair(int *mine)
{
    const struct timeval limit = {.tv_sec = ANSWER_S_MAX};
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    *mine = fds[0];
    return fds[1];
}

void vault_process_start(struct vault_process *p, int threads, int seal_fd, const char *const *arguments)
{
    int ends[6];
    size_t n = 0;

    *p = (struct vault_process){.folder = temp_folder_new("vault"), .threads = threads};
    ends[n++] = seal_fd;
    ends[n++] = pair(&p->check);
    for (int i = 0; i < threads; i++) {
        ends[n++] = pair(&p->requests[i]);
        ends[n++] = pair(&p->signers[i]);
    }
    p->pid = fork();
    if (p->pid == 0)
        become_vault(p, ends, n, arguments);
    ck_assert_int_gt(p->pid, 0);
    for (size_t i = 1; i < n; i++)
        close(ends[i]);
}

int vault_process_end(struct vault_process *p)
{
    int status = -1;
    char *log;

    close(p->check);
    for (int i = 0; i < p->threads; i++) {
        close(p->requests[i]);
        close(p->signers[i]);
    }
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    if (status != 0) { /* for whoever looks why */
        log = vault_process_log(p);
        fprintf(stderr, "%s", log);
        free(log);
    }
    temp_folder_free(p->folder);
    return status;
}

char *vault_process_log(const struct vault_process *p)
{
    char path[PATH_BYTES], *text = calloc(1, 65536);
    int fd;

    snprintf(path, sizeof path, "%s/log", p->folder);
    fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(read(fd, text, 65535), 0);
    close(fd);
    return text;
}

long vault_process_status(pid_t pid, const char *name)
{
    char path[64], line[256];
    size_t n = strlen(name);
    long value = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            value = strtol(line + n + 1, NULL, 10);
    if (f != NULL)
        fclose(f);
    return value;
}

/* ---- talk */

void vault_process_send(int fd, const ProtobufCMessage *message)
{
    struct buffer b = {0};
    size_t n = protobuf_c_message_get_packed_size(message);

    ck_assert(buffer_put_u32(&b, (uint32_t)n));
    protobuf_c_message_pack(message, buffer_extend(&b, n > 0 ? n : 1));
    ck_assert_int_eq(send(fd, b.data, 4 + n, MSG_NOSIGNAL), (ssize_t)(4 + n));
    buffer_clear(&b);
}

/* A whole message; *n is its length. NULL: closed. */
static uint8_t *receive(int fd, size_t *n)
{
    uint8_t head[4], *bytes;
    struct cursor c;
    ssize_t got = recv(fd, head, sizeof head, MSG_WAITALL);

    if (got == 0)
        return NULL;
    ck_assert_msg(got == sizeof head, "no answer");
    cursor_init(&c, head, sizeof head);
    *n = cursor_u32(&c);
    ck_assert_uint_le(*n, VAULT_FRAME_BYTES_MAX);
    bytes = malloc(*n + 1);
    ck_assert_int_eq(*n > 0 ? recv(fd, bytes, *n, MSG_WAITALL) : 0, (ssize_t)*n);
    return bytes;
}

Hsm__VaultAnswer *vault_process_receive(int fd)
{
    size_t n = 0;
    uint8_t *bytes = receive(fd, &n);
    Hsm__VaultAnswer *a = bytes != NULL ? hsm__vault_answer__unpack(NULL, n, bytes) : NULL;

    ck_assert(bytes == NULL || a != NULL);
    free(bytes);
    return a;
}

Hsm__VaultAnswer *vault_process_call(int fd, Hsm__VaultCall *call)
{
    if (call->call == 0)
        call->call = 1;
    vault_process_send(fd, &call->base);
    return vault_process_receive(fd);
}

Hsm__VaultAnswer *vault_process_node(int fd, Hsm__NodeCall *node)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;

    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = node;
    return vault_process_call(fd, &call);
}

Hsm__SignAnswer *vault_process_sign(int fd, uint32_t key, const uint8_t *content, size_t n)
{
    Hsm__SignCall call = HSM__SIGN_CALL__INIT;
    Hsm__SignAnswer *a;
    uint8_t *bytes;
    size_t got = 0;

    call.key = key;
    call.to_be_signed = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)content, .len = n};
    call.digest = (char[]){"SHA2-256"};
    vault_process_send(fd, &call.base);
    bytes = receive(fd, &got);
    ck_assert_ptr_nonnull(bytes);
    a = hsm__sign_answer__unpack(NULL, got, bytes);
    ck_assert_ptr_nonnull(a);
    free(bytes);
    return a;
}
