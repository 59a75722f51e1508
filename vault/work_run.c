/* One work's way from step to step: the handler's run, and what the front brings in between. */
#include <stdlib.h>
#include <string.h>

#include "vault/ids.h"
#include "vault/work_state.h"

/* What the handler is called for. */
static enum err call_handler(struct work *w, const struct engine_parts *parts)
{
    enum err e = ERR_OK;

    if (w->answering)
        return w->operation->answer(w);
    if (w->row != NULL)
        e = parts->access(w);
    if (e != ERR_OK)
        return e;
    if (w->repeats && w->operation->answer != NULL) {
        w->proposed = PROPOSED_REPEAT;
        return ERR_PENDING;
    }
    return w->operation->decide(w);
}

enum err work_run(struct work *w, const struct engine_parts *parts)
{
    enum err e;

    work_begin(w);
    w->proposed = PROPOSED_NOTHING;
    e = call_handler(w, parts);
    if (e == ERR_OK && !w->answering && w->operation->answer != NULL && work_has_change(w)) {
        w->proposed = PROPOSED_COMMAND;
        e = ERR_PENDING;
    }
    if (e == ERR_PENDING && w->answering)
        e = ERR_BUG;
    if (e == ERR_PENDING && w->proposed != PROPOSED_NOTHING) {
        enum err made = work_make_command(w, w->proposed, w->proposed_step);
        e = made == ERR_OK ? e : made;
    } else if (e == ERR_PENDING && (!w->dear || (w->on_pool && !w->lengthy))) {
        e = ERR_BUG;
    }
    if (w->row == NULL && e != ERR_NEED && e != ERR_PENDING) {
        enum err told = parts->node_facts(w, &w->node_answer.facts);
        e = e == ERR_OK ? told : e;
    }
    work_end(w);
    return e;
}

enum err work_take_facts(struct work *w, const Hsm__Facts *facts)
{
    enum err e = facts_add(&w->facts, facts);

    if (e == ERR_OK && facts->status.len > 0) {
        buffer_reset(&w->status);
        e = buffer_put(&w->status, facts->status.data, facts->status.len) ? ERR_OK : ERR_NO_MEMORY;
    }
    return e == ERR_OK ? ERR_PENDING : e;
}

/* It will never be there again: no id gets a second record. */
static void note_erased(struct work *w, uint64_t id)
{
    seen_note(w->vault->seen, id, UINT64_MAX);
    record_cache_forget(w->vault->records, id);
}

/* What our own command has put is known without asking; what it changed otherwise must be read again. */
static enum err refresh(struct work *w, bool done)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < w->n_changes; i++)
        facts_drop(&w->facts, w->changes[i].id);
    for (size_t i = 0; e == ERR_OK && done && i < w->n_changes; i++)
        if (w->changes[i].put)
            e = facts_add_own(&w->facts, w->changes[i].record.data, w->changes[i].record.len);
        else
            note_erased(w, w->changes[i].id);
    w->rounds = 0;
    return e == ERR_OK ? ERR_PENDING : e;
}

/* What the command gave, as a vault has said it: now this one, or another at the first try. */
static enum err settle_result(struct work *w, Hsm__Outcome *outcome, bool done)
{
    if (!done)
        return work_open_result(w, &outcome->result);
    free(outcome->result.data);
    outcome->result.data = w->result.len > 0 ? malloc(w->result.len) : NULL;
    outcome->result.len = outcome->result.data != NULL ? w->result.len : 0;
    if (outcome->result.len > 0)
        memcpy(outcome->result.data, w->result.data, w->result.len);
    return outcome->result.len == w->result.len ? ERR_OK : ERR_NO_MEMORY;
}

/* DONE or REPEATED. */
static enum err succeeded(struct work *w, Hsm__Outcome *outcome)
{
    bool done = outcome->status == HSM__OUTCOME_STATUS__OUTCOME_DONE;
    enum err e;

    if (outcome->index > w->facts.applied)
        w->facts.applied = outcome->index;
    switch (w->proposed) {
    case PROPOSED_LEASE:
        done = ids_add(w->vault->ids, outcome->ids_first, ID_BLOCK);
        hsm__outcome__free_unpacked(outcome, NULL);
        return done || ++w->conflicts <= w->conflicts_max ? ERR_PENDING : ERR_CONFLICT;
    case PROPOSED_STEP:
        e = work_keep_step(w, outcome);
        return e == ERR_OK ? refresh(w, done) : e;
    case PROPOSED_REPEAT:
        if (done) { /* nobody had made it: what came of the first try cannot be told */
            hsm__outcome__free_unpacked(outcome, NULL);
            return ERR_UNKNOWN_OUTCOME;
        }
        work_forget_facts(w);
        break;
    case PROPOSED_COMMAND:
        break;
    case PROPOSED_NOTHING:
    default:
        hsm__outcome__free_unpacked(outcome, NULL);
        return ERR_BUG;
    }
    w->outcome = outcome;
    e = settle_result(w, outcome, done);
    w->answering = e == ERR_OK;
    return e == ERR_OK ? refresh(w, done) : e;
}

enum err work_take_outcome(struct work *w, const Hsm__OutcomeCall *call)
{
    Hsm__Outcome *outcome = hsm__outcome__unpack(NULL, call->outcome.len, call->outcome.data);
    Hsm__OutcomeStatus status;
    enum err e;

    if (outcome == NULL)
        return ERR_UNKNOWN_OUTCOME;
    status = outcome->status;
    if (status == HSM__OUTCOME_STATUS__OUTCOME_DONE || status == HSM__OUTCOME_STATUS__OUTCOME_REPEATED)
        return succeeded(w, outcome);
    e = err_from_wire(outcome->error);
    hsm__outcome__free_unpacked(outcome, NULL);
    if (status == HSM__OUTCOME_STATUS__OUTCOME_CONFLICT) {
        if (++w->conflicts > w->conflicts_max)
            return ERR_CONFLICT;
        work_forget_facts(w);
        w->rounds = 0;
        return ERR_PENDING;
    }
    if (status == HSM__OUTCOME_STATUS__OUTCOME_TOO_OLD)
        return ERR_BORN_TOO_OLD;
    if (status == HSM__OUTCOME_STATUS__OUTCOME_REFUSED && e != ERR_OK && e != ERR_NEED && e != ERR_PENDING)
        return e;
    return ERR_UNKNOWN_OUTCOME;
}
