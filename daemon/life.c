#include "daemon/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/node_file.h"
#include "daemon/public_facts.h"
#include "daemon/replica/replica.h"

enum { AGAIN_MS = 2000, LINE_MS = 10, HOUR_MS = 3600 * 1000, PATH_BYTES = 1024 };

/* A node call in line, or with the vault. */
struct call {
    struct call *next;
    life_fn *fn; /* NULL: our own step */
    void *arg;
    bool refresh, refused; /* refused: the line was full */
    Hsm__NodeCall *call;   /* owned */
};

struct life {
    struct life_setup setup;
    struct call *first, **last;
    unsigned count;
    struct errand *errand; /* of the first call */
    uv_timer_t turn;       /* takes the next call, on the loop's next turn or a little later */
    uv_timer_t again;      /* a step that failed, or a vault that is locked */
    uv_timer_t hour;
    unsigned handles;
    bool started, ended;
    char trouble[DIAG_WHAT_BYTES + 64]; /* what was logged last: said once */
};

static void step(struct life *l);
static void on_turn(uv_timer_t *turn);

static void arm(struct life *l, uint64_t ms)
{
    if (l->first != NULL && l->errand == NULL)
        uv_timer_start(&l->turn, on_turn, ms, 0);
}

static void call_free(struct call *c)
{
    if (c->call != NULL)
        hsm__node_call__free_unpacked(c->call, NULL);
    free(c);
}

static struct call *take_first(struct life *l)
{
    struct call *c = l->first;

    l->first = c->next;
    if (l->first == NULL)
        l->last = &l->first;
    l->count--;
    return c;
}

/* ---- what an answer brings ---- */

/* False: the node ends, and nobody may be told of what will be forgotten. */
static bool keep_state(struct life *l, const ProtobufCBinaryData *state)
{
    struct diag why = {0};

    if (state->len == 0 || node_file_write(l->setup.node->settings->data, state->data, state->len, &why))
        return true;
    l->setup.failed(l->setup.arg, &why);
    return false;
}

static void tell_facts(struct life *l, const Hsm__NodeFacts *facts)
{
    if (facts == NULL)
        return;
    if (public_facts_tell(l->setup.node->facts, facts))
        l->setup.facts(l->setup.arg);
    else
        log_error("facts_lost", "why=\"%s\"", err_text(ERR_NO_MEMORY));
}

static void complain(struct life *l, const char *what, enum err e, const Hsm__NodeAnswer *answer)
{
    char text[sizeof l->trouble];

    snprintf(text, sizeof text, "%s: %s", what, answer != NULL && answer->detail[0] != '\0' ? answer->detail : err_text(e));
    if (strcmp(text, l->trouble) == 0)
        return;
    memcpy(l->trouble, text, sizeof text);
    log_error("node_step_failed", "why=\"%s\"", text);
}

static void on_again(uv_timer_t *again)
{
    step(again->data);
}

static void end_call(struct life *l, enum err e, const Hsm__NodeAnswer *answer)
{
    struct call *c = take_first(l);
    enum err said = e == ERR_OK ? err_from_wire(answer->error) : e;

    l->errand = NULL;
    if (answer != NULL && !keep_state(l, &answer->state)) {
        call_free(c);
        return;
    }
    if (answer != NULL)
        tell_facts(l, answer->facts);
    if (c->call->of_case == HSM__NODE_CALL__OF_START && said == ERR_OK)
        l->started = true;
    if (c->fn != NULL)
        c->fn(c->arg, e, answer);
    else if (said != ERR_OK && said != ERR_LOST) /* a vault that is gone has its own line */
        complain(l, "the vault refuses a step of this node's life", said, answer);
    if (c->fn == NULL && said != ERR_OK)
        uv_timer_start(&l->again, on_again, AGAIN_MS, 0);
    else
        step(l);
    call_free(c);
    arm(l, 0);
}

static void on_end(void *arg, const struct errand_end *end)
{
    const Hsm__VaultAnswer *a = end->answer;

    if (end->error != ERR_OK)
        end_call(arg, end->error, NULL);
    else if (a->of_case == HSM__VAULT_ANSWER__OF_NODE)
        end_call(arg, ERR_OK, a->node);
    else
        end_call(arg, a->of_case == HSM__VAULT_ANSWER__OF_REFUSED ? err_from_wire(a->refused->error) : ERR_BUG, NULL);
}

/* ---- the line ---- */

static void on_turn(uv_timer_t *turn)
{
    struct life *l = turn->data;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    enum err e;

    if (l->first == NULL || l->errand != NULL)
        return;
    if (l->first->refused) {
        end_call(l, ERR_BUSY, NULL);
        return;
    }
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = l->first->call;
    e = errand_start(l->setup.errands, &call, 0, on_end, l, &l->errand);
    if (e == ERR_BUSY)
        arm(l, LINE_MS);
    else if (e != ERR_OK)
        end_call(l, e, NULL);
}

static Hsm__NodeCall *copy_of(const Hsm__NodeCall *call)
{
    size_t n = hsm__node_call__get_packed_size(call);
    uint8_t *packed = malloc(n != 0 ? n : 1);
    Hsm__NodeCall *copy = NULL;

    if (packed != NULL) {
        hsm__node_call__pack(call, packed);
        copy = hsm__node_call__unpack(NULL, n, packed);
    }
    free(packed);
    return copy;
}

/* Without memory for the line, nobody could be told that there is none. */
static struct call *stand_in_line(struct life *l, const Hsm__NodeCall *call, life_fn *fn, void *arg)
{
    struct call *c = calloc(1, sizeof *c);
    struct diag why = {0};

    if (c == NULL || (c->call = copy_of(call)) == NULL) {
        free(c);
        diag_set(&why, "out of memory");
        l->setup.failed(l->setup.arg, &why);
        return NULL;
    }
    c->fn = fn;
    c->arg = arg;
    c->refused = fn != NULL && l->count >= LIFE_CALLS_MAX;
    *l->last = c;
    l->last = &c->next;
    l->count++;
    arm(l, 0);
    return c;
}

void life_call(struct life *l, const Hsm__NodeCall *call, life_fn *fn, void *arg)
{
    (void)stand_in_line(l, call, fn, arg);
}

void life_refresh(struct life *l)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeInfo info = HSM__NODE_INFO__INIT;
    struct call *c;

    /* One that is with the vault may have been answered from what was there before; one that waits will see the newest. */
    for (c = l->first; c != NULL; c = c->next)
        if (c->refresh && !(c == l->first && l->errand != NULL))
            return;
    call.of_case = HSM__NODE_CALL__OF_INFO;
    call.info = &info;
    c = stand_in_line(l, &call, NULL, NULL);
    if (c != NULL)
        c->refresh = true;
}

/* ---- the steps ---- */

static void ask_start(struct life *l)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeStart start = HSM__NODE_START__INIT;
    struct buffer state = {0};
    struct diag why = {0};

    if (!node_file_read(l->setup.node->settings->data, &state, &why)) {
        l->setup.failed(l->setup.arg, &why);
    } else {
        start.state = (ProtobufCBinaryData){.data = state.data, .len = state.len};
        call.of_case = HSM__NODE_CALL__OF_START;
        call.start = &start;
        (void)stand_in_line(l, &call, NULL, NULL);
    }
    buffer_clear(&state);
}

static void ask_hardware(struct life *l)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeMakeHardware make = HSM__NODE_MAKE_HARDWARE__INIT;

    make.name = l->setup.node->settings->name;
    call.of_case = HSM__NODE_CALL__OF_MAKE_HARDWARE;
    call.make_hardware = &make;
    (void)stand_in_line(l, &call, NULL, NULL);
}

/* The log comes first: a node state with a cluster's keys and no log then always means that the log was lost. A log that an interrupted
 * creation has left is that of an empty cluster, and taken. */
static void ask_create(struct life *l)
{
    const struct node *n = l->setup.node;
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__ClusterCreate create = HSM__CLUSTER_CREATE__INIT;
    char folder[PATH_BYTES];
    struct diag why = {0};

    snprintf(folder, sizeof folder, "%s/raft", n->settings->data);
    if (!replica_exists(folder) && !replica_create(folder, NODE_FOUNDER, n->peer_address, &why)) {
        l->setup.failed(l->setup.arg, &why);
        return;
    }
    create.node_id = NODE_FOUNDER;
    call.of_case = HSM__NODE_CALL__OF_CREATE;
    call.create = &create;
    (void)stand_in_line(l, &call, NULL, NULL);
}

static void step(struct life *l)
{
    const struct facts_view *view;
    const Hsm__NodeFacts *f;

    if (l->ended || l->first != NULL) /* its answer calls us again */
        return;
    if (!l->started) {
        ask_start(l);
        return;
    }
    view = public_facts_view(l->setup.node->facts);
    f = view->facts;
    if (f->locked) {
        complain(l, "this node waits", ERR_VAULT_LOCKED, NULL);
        l->started = false;
        uv_timer_start(&l->again, on_again, AGAIN_MS, 0);
    } else if (strcmp(f->state, "unprovisioned") == 0) {
        if (f->hardware_csr.len == 0)
            ask_hardware(l);
    } else if (strcmp(f->state, "provisioned") == 0) {
        if (l->setup.node->create)
            ask_create(l);
    } else if (f->node_id != 0 && l->setup.node->replica == NULL) {
        l->setup.open(l->setup.arg, f->node_id);
    }
    public_facts_view_end(l->setup.node->facts, view);
}

void life_start(struct life *l)
{
    step(l);
}

/* ---- life ---- */

static void on_hour(uv_timer_t *hour)
{
    life_refresh(hour->data); /* the login key's statement holds for days */
}

struct life *life_new(const struct life_setup *setup, struct diag *why)
{
    struct life *l = calloc(1, sizeof *l);
    uv_timer_t *timers[3];

    if (l == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    l->setup = *setup;
    l->last = &l->first;
    timers[0] = &l->turn, timers[1] = &l->again, timers[2] = &l->hour;
    for (; l->handles < 3; l->handles++) {
        uv_timer_init(setup->loop, timers[l->handles]);
        timers[l->handles]->data = l;
    }
    uv_timer_start(&l->hour, on_hour, HOUR_MS, HOUR_MS);
    return l;
}

static void on_closed(uv_handle_t *handle)
{
    struct life *l = handle->data;
    if (--l->handles == 0)
        free(l);
}

void life_free(struct life *l)
{
    if (l == NULL)
        return;
    l->ended = true;
    if (l->errand != NULL)
        errand_drop(l->errand);
    while (l->first != NULL)
        call_free(take_first(l));
    uv_close((uv_handle_t *)&l->turn, on_closed);
    uv_close((uv_handle_t *)&l->again, on_closed);
    uv_close((uv_handle_t *)&l->hour, on_closed);
}
