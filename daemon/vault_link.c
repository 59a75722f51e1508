#include "daemon/vault_link.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/buffer.h"
#include "daemon/net/connection.h"
#include "proto/limits.h"

enum { LENGTH_BYTES = 4, SLOT_BITS = 16, STALL_MS_MAX = 30000 };

/* A call's number is its slot and, above, how often the slot was used: an answer that comes late meets nobody. */
struct slot {
    vault_link_fn *fn; /* NULL: dropped, the vault's last word is awaited */
    void *arg;
    uint64_t number; /* 0: free */
};

struct vault_link {
    struct connection *connection; /* NULL: gone */
    struct slot slots[VAULT_PENDING_MAX];
    uint32_t unused[VAULT_PENDING_MAX], unused_count;
    uint64_t uses;
    void (*dead)(void *arg, const char *reason);
    void *dead_arg;
    bool freed;
};

static struct slot *slot_of(struct vault_link *l, uint64_t number)
{
    uint64_t at = number & ((UINT64_C(1) << SLOT_BITS) - 1);
    return number != 0 && at < VAULT_PENDING_MAX && l->slots[at].number == number ? &l->slots[at] : NULL;
}

static void slot_free(struct vault_link *l, struct slot *s)
{
    *s = (struct slot){0};
    l->unused[l->unused_count++] = (uint32_t)(s - l->slots);
}

/* A Need or a Propose goes on; all else is the last word. */
static bool is_final(const Hsm__VaultAnswer *a)
{
    return a->of_case != HSM__VAULT_ANSWER__OF_NEED && a->of_case != HSM__VAULT_ANSWER__OF_PROPOSE;
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct vault_link *l = owner;
    Hsm__VaultAnswer *a = hsm__vault_answer__unpack(NULL, n - LENGTH_BYTES, bytes + LENGTH_BYTES);
    struct slot *s = a != NULL ? slot_of(l, a->call) : NULL;
    bool ok = s != NULL && a->of_case != HSM__VAULT_ANSWER__OF__NOT_SET;
    (void)c;
    if (s == NULL && a != NULL && a->of_case == HSM__VAULT_ANSWER__OF_DROPPED) {
        ok = true; /* the call's last word and our drop passed each other on the way */
    } else if (ok) {
        struct slot was = *s;
        if (is_final(a))
            slot_free(l, s);
        if (was.fn != NULL)
            was.fn(was.arg, was.number, a);
    }
    if (a != NULL)
        hsm__vault_answer__free_unpacked(a, NULL);
    return ok;
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct vault_link *l = owner;
    (void)c;
    l->connection = NULL;
    for (size_t i = 0; i < VAULT_PENDING_MAX && !l->freed; i++) {
        struct slot was = l->slots[i];
        l->slots[i] = (struct slot){0};
        if (was.fn != NULL)
            was.fn(was.arg, was.number, NULL);
    }
    if (l->freed)
        free(l);
    else
        l->dead(l->dead_arg, reason);
}

static const struct connection_events events = {.frame = on_frame, .closed = on_closed};

struct vault_link *vault_link_new(uv_loop_t *loop, int fd, void (*dead)(void *arg, const char *reason), void *arg,
    struct diag *why)
{
    struct vault_link *l = calloc(1, sizeof *l);
    struct connection_setup setup = {.loop = loop, .events = &events, .owner = l,
        .limits = {.frame_bytes_max = VAULT_FRAME_BYTES_MAX,
            .out_bytes_max = VAULT_PENDING_MAX * (size_t)FRAME_BYTES_MAX, .pending_max = VAULT_PENDING_MAX,
            .handshake_ms_max = STALL_MS_MAX, .stall_ms_max = STALL_MS_MAX}};
    if (l == NULL) {
        close(fd);
        diag_set(why, "out of memory");
        return NULL;
    }
    l->connection = connection_adopt(&setup, fd, why);
    if (l->connection == NULL) {
        free(l);
        return NULL;
    }
    l->dead = dead;
    l->dead_arg = arg;
    for (uint32_t i = 0; i < VAULT_PENDING_MAX; i++)
        l->unused[l->unused_count++] = VAULT_PENDING_MAX - 1 - i;
    return l;
}

void vault_link_free(struct vault_link *l)
{
    if (l == NULL)
        return;
    l->freed = true;
    for (size_t i = 0; i < VAULT_PENDING_MAX; i++)
        l->slots[i].fn = NULL;
    if (l->connection != NULL)
        connection_end(l->connection, "the front stops");
    else
        free(l);
}

static enum err send_call(struct vault_link *l, const Hsm__VaultCall *call)
{
    size_t n = hsm__vault_call__get_packed_size(call);
    struct buffer frame = {0};
    uint8_t *into;
    enum err e = ERR_NO_MEMORY;
    if (n > VAULT_FRAME_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (buffer_put_u32(&frame, (uint32_t)n) && (n == 0 || (into = buffer_extend(&frame, n)) != NULL)) {
        if (n > 0)
            hsm__vault_call__pack(call, into);
        e = connection_send(l->connection, frame.data, frame.len) ? ERR_OK : ERR_LOST;
    }
    buffer_clear(&frame);
    return e;
}

enum err vault_link_call(struct vault_link *l, Hsm__VaultCall *call, vault_link_fn *fn, void *arg, uint64_t *number)
{
    struct slot *s;
    enum err e;
    if (l->connection == NULL)
        return ERR_LOST;
    if (l->unused_count == 0)
        return ERR_BUSY;
    s = &l->slots[l->unused[--l->unused_count]];
    *s = (struct slot){.fn = fn, .arg = arg, .number = ++l->uses << SLOT_BITS | (uint64_t)(s - l->slots)};
    call->call = s->number;
    e = send_call(l, call);
    if (e != ERR_OK)
        slot_free(l, s);
    else
        *number = call->call;
    return e;
}

enum err vault_link_continue(struct vault_link *l, uint64_t number, Hsm__VaultCall *call)
{
    if (l->connection == NULL)
        return ERR_LOST;
    if (slot_of(l, number) == NULL)
        return ERR_NOT_FOUND;
    call->call = number;
    return send_call(l, call);
}

void vault_link_drop(struct vault_link *l, uint64_t number)
{
    struct slot *s = slot_of(l, number);
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__Drop drop = HSM__DROP__INIT;
    if (s == NULL || l->connection == NULL)
        return;
    s->fn = NULL; /* the slot is free when the vault has answered `dropped`, or its last word before that */
    call.of_case = HSM__VAULT_CALL__OF_DROP;
    call.drop = &drop;
    (void)vault_link_continue(l, number, &call);
}
