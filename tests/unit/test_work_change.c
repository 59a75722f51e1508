/* What a work changes (vault/work.h): results, ids, steps, erasure; whatever a front says of its proposals. */
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/local_store.h"
#include "tests/unit/runner.h"
#include "tests/unit/works.h"

START_TEST(test_answer_gets_the_result_that_decide_gave)
{
    works_setup(false);
    works.did.decide = works_put;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(works.did.answered, 1);
    ck_assert_uint_eq(works.did.result_bytes, 7);
    ck_assert_mem_eq(works.did.result, "made it", 7);
    memset(works.did.result, 0, sizeof works.did.result);
    ck_assert_int_eq(works_change_again(), ERR_OK);
    ck_assert_uint_eq(works.did.decided, 2); /* once for the block of ids, once for good */
    ck_assert_uint_eq(works.did.answered, 2);
    ck_assert_mem_eq(works.did.result, "made it", 7);
    works_teardown();
}
END_TEST

static enum err put_without_result(struct work *w)
{
    enum err e = works_put(w);
    return e == ERR_OK ? work_result(w, NULL, 0) : e;
}

START_TEST(test_result_may_be_empty)
{
    works_setup(false);
    works.did.decide = put_without_result;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(works.did.result_bytes, 0);
    ck_assert_int_eq(works_change_again(), ERR_OK);
    ck_assert_uint_eq(works.did.answered, 2);
    ck_assert_uint_eq(works.did.result_bytes, 0);
    works_teardown();
}
END_TEST

START_TEST(test_own_result_is_not_the_fronts_to_tell)
{
    works_setup(false);
    works.did.decide = works_put;
    ck_assert_int_eq(works_change(), ERR_OK); /* has the block of ids */
    works_new_request();
    works_begin_change(false);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_DONE, ERR_OK, "invented", 8);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_OK);
    ck_assert_mem_eq(works.did.result, "made it", 7);
    works_teardown();
}
END_TEST

START_TEST(test_first_result_is_a_vaults_and_this_requests_or_none)
{
    uint8_t other[64];
    size_t n;
    Hsm__Command *command;
    Hsm__CommandBody *body;

    works_setup(false);
    works.did.decide = works_put;
    ck_assert_int_eq(works_change(), ERR_OK);
    works_new_request();
    works_begin_change(false);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
    command = hsm__command__unpack(NULL, works.front.said->propose->command.len, works.front.said->propose->command.data);
    body = hsm__command_body__unpack(NULL, command->body.len, command->body.data);
    n = body->result.len;
    ck_assert(n > 7 && n <= sizeof other);
    memcpy(other, body->result.data, n);
    hsm__command_body__free_unpacked(body, NULL);
    hsm__command__free_unpacked(command, NULL);
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works_new_request();
    works.did.answered = 0;
    works_begin_change(false);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_REPEATED, ERR_OK, other, n); /* what another request was given */
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_FORGED);
    works_begin_change(true);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_REPEATED, ERR_OK, "invented without a key", 22);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_FORGED);
    works_begin_change(true);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_REPEATED, ERR_OK, "short", 5);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_FORGED);
    ck_assert_uint_eq(works.did.answered, 0);
    works_teardown();
}
END_TEST

START_TEST(test_front_that_calls_a_new_request_a_retry_gains_no_success)
{
    unsigned decided;

    works_setup(false);
    works.did.decide = works_put;
    works_new_request();
    works_begin_change(true); /* the id is used up by a command that makes nothing */
    ck_assert_int_eq(works_go_on(), ERR_UNKNOWN_OUTCOME);
    decided = works.did.decided;
    ck_assert_uint_eq(decided, 0);
    ck_assert_int_eq(works_change_again(), ERR_UNKNOWN_OUTCOME); /* an honest front cannot tell more */
    ck_assert_uint_eq(works.did.answered, 0);
    ck_assert_uint_eq(works.did.decided, 0);
    works_teardown();
}
END_TEST

static enum err change_nothing(struct work *w)
{
    return works_reply_empty(w);
}

START_TEST(test_change_that_changes_nothing_is_answered_at_once)
{
    works_setup(false);
    works.did.decide = change_nothing;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(local_node_proposals(works.node), 0);
    ck_assert_uint_eq(works.did.answered, 0);
    works_teardown();
}
END_TEST

START_TEST(test_ids_of_a_work_come_again_after_a_conflict)
{
    works_setup(false);
    works.did.decide = works_put;
    ck_assert_int_eq(works_change(), ERR_OK);
    works.did.decided = 0;
    works_new_request();
    works_begin_change(false);
    for (unsigned i = 0; i < CONFLICT_RETRIES_MAX; i++) {
        own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
        works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, ERR_CONFLICT, NULL, 0);
    }
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.decided, 1 + CONFLICT_RETRIES_MAX);
    for (unsigned i = 1; i <= works.did.decided; i++)
        ck_assert_uint_eq(works.did.ids[i], works.did.id);
    works_teardown();
}
END_TEST

START_TEST(test_outcomes_reach_the_client_as_errors)
{
    static const struct {
        Hsm__OutcomeStatus status;
        enum err error, reaches;
    } rows[] = {
        {HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_USER_OWNS_KEYS, ERR_USER_OWNS_KEYS},
        {HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_FORGED, ERR_FORGED},
        {HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_OK, ERR_UNKNOWN_OUTCOME}, /* a front's nonsense is no success */
        {HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_NEED, ERR_UNKNOWN_OUTCOME},
        {HSM__OUTCOME_STATUS__OUTCOME_REFUSED, ERR_PENDING, ERR_UNKNOWN_OUTCOME},
        {HSM__OUTCOME_STATUS__OUTCOME_TOO_OLD, ERR_OK, ERR_BORN_TOO_OLD},
        {HSM__OUTCOME_STATUS__OUTCOME_UNKNOWN, ERR_OK, ERR_UNKNOWN_OUTCOME},
        {HSM__OUTCOME_STATUS__OUTCOME_NONE, ERR_OK, ERR_UNKNOWN_OUTCOME},
        {(Hsm__OutcomeStatus)99, ERR_OK, ERR_UNKNOWN_OUTCOME},
    };

    works_setup(false);
    works.did.decide = works_put;
    ck_assert_int_eq(works_change(), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        works_new_request();
        works_begin_change(false);
        own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
        works_answer_outcome(rows[i].status, rows[i].error, NULL, 0);
        ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), rows[i].reaches);
    }
    works_new_request();
    works_begin_change(false);
    own_front_outcome(&works.front, works.front.said->call, (const uint8_t *)"\xff\xff", 2);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_UNKNOWN_OUTCOME);
    ck_assert_uint_eq(works.did.answered, 1);
    works_teardown();
}
END_TEST

/* ---- what was erased */

static enum err erase_it(struct work *w)
{
    const struct opened_record *record;
    enum err e = work_record(w, works.did.id, HSM__RECORD_KIND__RECORD_GRANT, &record);

    return e == ERR_OK ? work_erase(w, works.did.id, record->header->version) : e;
}

START_TEST(test_record_that_this_vault_has_erased_cannot_be_brought_back)
{
    Hsm__Facts *before;

    works_setup(false);
    works.did.decide = works_put;
    works.did.read = works_read;
    ck_assert_int_eq(works_change(), ERR_OK);
    before = local_store_facts(local_node_store(works.node), &works.did.id, 1, NULL, 0);
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works.did.decide = erase_it;
    ck_assert_int_eq(works_change(), ERR_OK);
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_NOT_FOUND);
    works_begin_read();
    while (works.front.said->of_case == HSM__VAULT_ANSWER__OF_NEED) /* the front shows it as it was, again and again */
        own_front_facts(&works.front, works.front.said->call, before);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_STALE);
    local_facts_free(before);
    works_teardown();
}
END_TEST

START_TEST(test_record_of_another_kind_is_not_there)
{
    works_setup(false);
    works.did.id = 1; /* the cluster's */
    works.did.read = works_read;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_NOT_FOUND);
    ck_assert_uint_eq(works.front.said->reply->n_used, 1); /* that it is so is what the answer rests on */
    works_teardown();
}
END_TEST

/* ---- what an answer to a change rests on */

enum { NEVER_MADE = 1 << 20 };

static uint64_t made[2];

/* An object, made at the first call and at the second. */
static enum err put_object(struct work *w)
{
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_OBJECT, .version = 1, .body = (const uint8_t *)"body", .body_bytes = 4};
    uint64_t *id = &made[works.did.id == 0 ? 0 : 1];
    enum err e = work_new_id(w, &put.id);

    if (e == ERR_OK)
        e = work_put(w, &put);
    *id = put.id;
    return e == ERR_OK ? work_result(w, (const uint8_t *)"object", 6) : e;
}

/* Looks at the newest object, at the cluster's record, and at did.id. */
static enum err look_at_them(struct work *w)
{
    const uint64_t ids[] = {made[1] != 0 ? made[1] : made[0], 1, works.did.id};
    const struct opened_record *record;
    enum err e = work_want(w, ids, 3);

    for (size_t i = 0; i < 3; i++)
        if (e == ERR_OK && ids[i] != 0)
            e = work_record(w, ids[i], HSM__RECORD_KIND__RECORD_NONE, &record);
    return e == ERR_OK || e == ERR_NOT_FOUND ? works_reply_empty(w) : e;
}

static const Hsm__Used *only_used(void)
{
    ck_assert_uint_eq(works.front.said->reply->n_used, 1);
    return works.front.said->reply->used[0];
}

/* An object may be destroyed while a front holds the answer that uses it: the front looks again at all that the answer looked at. What
 * the change itself has made is no earlier state's, and what else its command said was so when it was applied. */
START_TEST(test_answer_says_which_objects_it_looked_at)
{
    works_setup(false);
    memset(made, 0, sizeof made);
    works.did.decide = put_object;
    works.did.answer = look_at_them;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(works.front.said->reply->n_used, 0);
    works.did.id = made[0];
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(only_used()->id, made[0]);
    ck_assert_uint_eq(only_used()->version, 1);
    works.did.id = NEVER_MADE;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(only_used()->id, NEVER_MADE);
    ck_assert_uint_eq(only_used()->version, 0);
    works_teardown();
}
END_TEST

/* Another node may be asked to tell of it again, whose state can be older than all. */
START_TEST(test_answer_that_is_told_again_rests_on_what_was_made_too)
{
    works_setup(false);
    memset(made, 0, sizeof made);
    works.did.decide = put_object;
    works.did.answer = look_at_them;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_int_eq(works_change_again(), ERR_OK);
    ck_assert_uint_eq(only_used()->id, made[0]);
    works_teardown();
}
END_TEST

/* ---- steps */

static enum err two_steps(struct work *w)
{
    const Hsm__Outcome *first, *second;
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_GRANT, .version = 1, .body = (const uint8_t *)"body", .body_bytes = 4};
    enum err e = work_step(w, 1, &first); /* asks for the leader's stamp */

    if (e == ERR_OK)
        e = work_new_id(w, &put.id);
    if (e == ERR_OK)
        e = work_put(w, &put);
    if (e == ERR_OK)
        e = work_step(w, 2, &second);
    if (e != ERR_OK)
        return e;
    works.did.leader_time_ms = first->leader_time_ms;
    put.version = 2;
    e = work_put(w, &put);
    works.did.id = put.id;
    return e == ERR_OK ? work_result(w, (const uint8_t *)"steps", 5) : e;
}

START_TEST(test_steps_go_out_before_the_command_and_once_each)
{
    unsigned before;

    works_setup(false);
    works.did.decide = two_steps;
    ck_assert_int_eq(works_change(), ERR_OK);
    ck_assert_uint_eq(local_node_proposals(works.node), 4); /* step, block of ids, step, command */
    ck_assert_uint_gt(works.did.leader_time_ms, 0);
    ck_assert_uint_eq(local_store_version(local_node_store(works.node), works.did.id), 2);
    before = local_node_proposals(works.node);
    works_new_request();
    works_begin_change(false);
    own_front_answer_propose(&works.front);
    own_front_answer_propose(&works.front);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, ERR_CONFLICT, NULL, 0); /* of the command: the steps stand */
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(local_node_proposals(works.node), before + 3);
    works_teardown();
}
END_TEST

START_TEST(test_step_of_a_try_that_was_lost_is_not_made_twice)
{
    uint64_t first;

    works_setup(false);
    works.did.decide = two_steps;
    works_new_request();
    works_begin_change(false);
    own_front_answer_propose(&works.front);
    own_front_answer_propose(&works.front);
    own_front_answer_propose(&works.front); /* both steps are made */
    first = works.did.id;
    ck_assert_uint_gt(first, 0);
    own_front_drop(&works.front, works.front.said->call);
    ck_assert_int_eq(works_change_again(), ERR_CONFLICT); /* its first id is another now: nothing it puts there fits */
    ck_assert_uint_eq(local_store_version(local_node_store(works.node), first), 1);
    ck_assert_uint_eq(works.did.answered, 0);
    works_teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_answer_gets_the_result_that_decide_gave,
        &test_result_may_be_empty, &test_own_result_is_not_the_fronts_to_tell,
        &test_first_result_is_a_vaults_and_this_requests_or_none,
        &test_front_that_calls_a_new_request_a_retry_gains_no_success,
        &test_change_that_changes_nothing_is_answered_at_once, &test_ids_of_a_work_come_again_after_a_conflict,
        &test_outcomes_reach_the_client_as_errors, &test_record_that_this_vault_has_erased_cannot_be_brought_back,
        &test_record_of_another_kind_is_not_there, &test_answer_says_which_objects_it_looked_at,
        &test_answer_that_is_told_again_rests_on_what_was_made_too, &test_steps_go_out_before_the_command_and_once_each,
        &test_step_of_a_try_that_was_lost_is_not_made_twice, NULL};
    return suite_of("work change", 60, tests);
}
