/*
 *                 need: facts                      .--> outcome to the vault
 *   ASKING <------------------.                    |
 *     |  `--------------------'             CATCHING_UP (until we have applied what decided it)
 *     | propose                                    ^
 *     v                                            |
 *   PROPOSING ------------- outcome ---------------'
 *     |   ^
 *     v   |  busy, or unknown: the same command again, after a pause
 *   PAUSING
 *
 * The vault's last word, or its loss, may come in any phase; an errand whose proposal is under way then stays, without a word, until
 * the outcome has come.
 *
 * The same command may be proposed again because its request id makes it happen once: a client need not notice that a
 * leader was lost, and a key pair that took seconds to make is not thrown away. Patience ends after a few elections.
 */
#include "daemon/errand.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/proposal.h"
#include "daemon/reading.h"
#include "proto/record.pb-c.h"

enum { TICK_MS = 5, PAUSE_MS = 50, PATIENCE_ELECTIONS = 6, HOPS_MAX = 64 };

enum phase { ASKING, PROPOSING, CATCHING_UP, PAUSING };

struct errand {
    struct errands *home;
    struct errand *next, *previous;
    enum phase phase;
    bool dropped;           /* ended; waits for its proposal's end, to be freed */
    uint64_t call;          /* the vault's number for it */
    unsigned hops;
    struct buffer command;  /* what was proposed last */
    struct buffer outcome;
    uint64_t index;         /* at which the outcome was decided */
    uint64_t again_ms, give_up_ms;
    enum err trouble;       /* of the command under way: UNKNOWN_OUTCOME stays */
    struct errand_end end;
    errand_fn *fn;
    void *arg;
};

struct errands {
    struct errands_setup setup;
    struct errand all; /* head of a ring */
    unsigned waiting;  /* CATCHING_UP or PAUSING: the timer runs */
    bool quiet;
    uv_timer_t tick;
};

static void on_tick(uv_timer_t *tick);

static void set_phase(struct errand *e, enum phase p)
{
    struct errands *all = e->home;
    bool was_waiting = e->phase == CATCHING_UP || e->phase == PAUSING, waits = p == CATCHING_UP || p == PAUSING;

    e->phase = p;
    all->waiting += waits;
    all->waiting -= was_waiting;
    if (all->waiting > 0 && !uv_is_active((uv_handle_t *)&all->tick))
        uv_timer_start(&all->tick, on_tick, TICK_MS, TICK_MS);
    else if (all->waiting == 0)
        uv_timer_stop(&all->tick);
}

static void errand_free(struct errand *e)
{
    set_phase(e, ASKING);
    e->previous->next = e->next;
    e->next->previous = e->previous;
    buffer_clear(&e->command);
    buffer_clear(&e->outcome);
    free(e);
}

/* The outcome of a proposal comes in any case, and needs its errand. */
static void let_go(struct errand *e)
{
    if (e->phase == PROPOSING)
        e->dropped = true;
    else
        errand_free(e);
}

static void finish(struct errand *e, enum err error, const Hsm__VaultAnswer *answer)
{
    e->end.error = error;
    e->end.answer = answer;
    e->fn(e->arg, &e->end);
    let_go(e);
}

/* The vault still waits for us, but we have nothing for it. */
static void give_up(struct errand *e, enum err error)
{
    vault_link_drop(e->home->setup.link, e->call);
    finish(e, error, NULL);
}

static void go_on(struct errand *e, Hsm__VaultCall *call)
{
    enum err error = vault_link_continue(e->home->setup.link, e->call, call);

    set_phase(e, ASKING);
    if (error == ERR_LOST || error == ERR_NOT_FOUND)
        finish(e, ERR_LOST, NULL);
    else if (error != ERR_OK)
        give_up(e, error);
}

/* ---- facts ---- */

static void answer_need(struct errand *e, const Hsm__Need *need)
{
    struct reading r;
    enum err error = reading_begin(&r, e->home->setup.node->state);
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;

    if (error != ERR_OK) {
        give_up(e, error);
        return;
    }
    error = reading_records(&r, need->ids, need->n_ids);
    if (error == ERR_OK)
        error = reading_lookups(&r, need->lookups, need->n_lookups);
    if (error == ERR_OK)
        error = reading_found_records(&r);
    if (error == ERR_OK) {
        if (e->end.read_at == 0 || r.facts.applied < e->end.read_at)
            e->end.read_at = r.facts.applied;
        e->end.read_upto = r.facts.applied; /* it never goes back */
        e->end.searched = e->end.searched || need->n_lookups > 0;
        call.of_case = HSM__VAULT_CALL__OF_FACTS;
        call.facts = &r.facts;
        go_on(e, &call);
    } else {
        log_error("facts_unreadable", "error=%s", err_name(error));
        give_up(e, error);
    }
    reading_end(&r);
}

/* ---- a change ---- */

static uint64_t patience_end_ms(const struct errand *e)
{
    return uv_now(e->home->setup.loop) + PATIENCE_ELECTIONS * e->home->setup.node->settings->election_timeout_ms;
}

static void hand_outcome(struct errand *e)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__OutcomeCall outcome = HSM__OUTCOME_CALL__INIT;

    outcome.outcome = (ProtobufCBinaryData){.data = e->outcome.data, .len = e->outcome.len};
    call.of_case = HSM__VAULT_CALL__OF_OUTCOME;
    call.outcome = &outcome;
    e->end.changed = true;
    go_on(e, &call);
}

/* The vault decides the next step by our state, which must not be older than the leader's when it decided this one. */
static void catch_up(struct errand *e)
{
    if (e->home->quiet) {
        give_up(e, ERR_UNKNOWN_OUTCOME);
        return;
    }
    if (e->index <= replica_applied(e->home->setup.node->replica)) {
        hand_outcome(e);
        return;
    }
    e->give_up_ms = patience_end_ms(e);
    set_phase(e, CATCHING_UP);
}

static bool is_unknown(const struct errand *e)
{
    Hsm__Outcome *o = hsm__outcome__unpack(NULL, e->outcome.len, e->outcome.data);
    bool unknown = o == NULL || o->status == HSM__OUTCOME_STATUS__OUTCOME_UNKNOWN;
    if (o != NULL)
        hsm__outcome__free_unpacked(o, NULL);
    return unknown;
}

static void on_outcome(void *arg, enum err error, uint64_t index, const uint8_t *outcome, size_t n)
{
    struct errand *e = arg;

    if (e->dropped) {
        errand_free(e);
        return;
    }
    buffer_reset(&e->outcome);
    e->index = index;
    if (error == ERR_OK && !buffer_put(&e->outcome, outcome, n))
        error = ERR_UNKNOWN_OUTCOME;
    if (error == ERR_OK && is_unknown(e))
        error = ERR_UNKNOWN_OUTCOME;
    if (e->trouble != ERR_UNKNOWN_OUTCOME)
        e->trouble = error;
    e->again_ms = uv_now(e->home->setup.loop) + PAUSE_MS;
    if (error == ERR_OK)
        catch_up(e);
    else
        set_phase(e, PAUSING);
}

static void propose(struct errand *e)
{
    const struct node *node = e->home->setup.node;

    if (e->home->quiet) {
        give_up(e, e->trouble == ERR_UNKNOWN_OUTCOME ? e->trouble : ERR_BUSY);
        return;
    }
    set_phase(e, PROPOSING);
    proposal_send(node->replica, node->peers, e->home->setup.home, e->command.data, e->command.len, on_outcome, e);
}

static void begin_proposal(struct errand *e, const ProtobufCBinaryData *command)
{
    buffer_reset(&e->command);
    if (e->home->setup.node->replica == NULL) {
        give_up(e, ERR_WRONG_STATE);
    } else if (!buffer_put(&e->command, command->data, command->len)) {
        give_up(e, ERR_NO_MEMORY);
    } else {
        e->trouble = ERR_OK;
        e->give_up_ms = patience_end_ms(e);
        propose(e);
    }
}

/* ---- time ---- */

static void look_after(struct errand *e, uint64_t now_ms)
{
    if (e->home->quiet && (e->phase == CATCHING_UP || e->phase == PAUSING))
        give_up(e, ERR_UNKNOWN_OUTCOME);
    else if (e->phase == CATCHING_UP && e->index <= replica_applied(e->home->setup.node->replica))
        hand_outcome(e);
    else if ((e->phase == CATCHING_UP || e->phase == PAUSING) && now_ms >= e->give_up_ms)
        give_up(e, e->phase == CATCHING_UP ? ERR_UNKNOWN_OUTCOME : e->trouble);
    else if (e->phase == PAUSING && now_ms >= e->again_ms)
        propose(e);
}

static void on_tick(uv_timer_t *tick)
{
    struct errands *all = tick->data;
    uint64_t now_ms = uv_now(all->setup.loop);

    for (struct errand *e = all->all.next, *next; e != &all->all; e = next) {
        next = e->next;
        look_after(e, now_ms);
    }
}

/* ---- from the vault ---- */

static void on_answer(void *arg, uint64_t number, const Hsm__VaultAnswer *answer)
{
    struct errand *e = arg;
    (void)number;

    if (answer == NULL)
        finish(e, ERR_LOST, NULL);
    else if (answer->of_case != HSM__VAULT_ANSWER__OF_NEED && answer->of_case != HSM__VAULT_ANSWER__OF_PROPOSE)
        finish(e, ERR_OK, answer);
    else if (e->phase != ASKING || ++e->hops > HOPS_MAX)
        give_up(e, ERR_BUG);
    else if (answer->of_case == HSM__VAULT_ANSWER__OF_NEED)
        answer_need(e, answer->need);
    else
        begin_proposal(e, &answer->propose->command);
}

enum err errand_start(struct errands *all, Hsm__VaultCall *call, uint64_t read_at, errand_fn *fn, void *arg, struct errand **out)
{
    struct errand *e = calloc(1, sizeof *e);
    enum err error;

    if (e == NULL)
        return ERR_NO_MEMORY;
    *e = (struct errand){.home = all, .fn = fn, .arg = arg, .end = {.read_at = read_at, .read_upto = read_at}};
    error = vault_link_call(all->setup.link, call, on_answer, e, &e->call);
    if (error != ERR_OK) {
        free(e);
        return error;
    }
    e->next = all->all.next;
    e->previous = &all->all;
    e->next->previous = all->all.next = e;
    *out = e;
    return ERR_OK;
}

void errand_drop(struct errand *e)
{
    vault_link_drop(e->home->setup.link, e->call);
    let_go(e);
}

/* ---- life ---- */

struct errands *errands_new(const struct errands_setup *setup, struct diag *why)
{
    struct errands *all = calloc(1, sizeof *all);

    if (all == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    all->setup = *setup;
    all->all.next = all->all.previous = &all->all;
    uv_timer_init(setup->loop, &all->tick);
    all->tick.data = all;
    return all;
}

void errands_quiet(struct errands *all)
{
    all->quiet = true;
}

static void on_closed(uv_handle_t *tick)
{
    free(tick->data);
}

void errands_free(struct errands *all)
{
    if (all == NULL)
        return;
    while (all->all.next != &all->all) {
        vault_link_drop(all->setup.link, all->all.next->call);
        errand_free(all->all.next);
    }
    uv_close((uv_handle_t *)&all->tick, on_closed);
}
