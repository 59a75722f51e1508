#include "tests/unit/route_world.h"

#include <string.h>
#include <unistd.h>

#include "daemon/replica/replica.h"
#include "daemon/state.h"
#include "proto/limits.h"
#include "proto/request.h"
#include "tests/unit/runner.h"

START_TEST(test_route_brings_a_request_to_the_vault_and_its_reply_back)
{
    end_connect(0);
    end_ask(0, 5, "how do you do");
    end_expect(0, REPLY, 5, 0, "how do you do");
    ck_assert_uint_eq(WORLD_SEEN(opens), 1);
}
END_TEST

START_TEST(test_route_sends_the_records_that_the_header_names_along)
{
    Hsm__FrameHeader header = end_request_header(1, REQUEST_sign);
    uint64_t ids[] = {2, 55};
    end_connect(0);
    header.ids = ids;
    header.n_ids = 2;
    end_say_frame(0, &header, "text", 4);
    end_expect(0, REPLY, 1, 0, "text");
    ck_assert(world_seen.named_record && world_seen.named_absent);
    end_ask(0, 2, "plain");
    end_expect(0, REPLY, 2, 0, "plain");
    ck_assert(!world_seen.named_record && !world_seen.named_absent && !world_seen.has_status);
}
END_TEST

START_TEST(test_route_gives_the_vault_what_it_needs)
{
    end_connect(0);
    end_ask(0, 1, "need");
    end_expect(0, REPLY, 1, 0, "needed");
    ck_assert_uint_eq(world_seen.needed, 77);
}
END_TEST

START_TEST(test_route_proposes_a_change_and_brings_its_outcome)
{
    struct state_reader r;
    const uint8_t *bytes;
    size_t n;
    struct draft d = world_put(3, 1, "request-of-test");

    end_connect(0);
    world_seen.command_bytes = draft_pack(&d, world_seen.command);
    end_ask_change(0, 1, "propose");
    end_expect(0, REPLY, 1, 0, "changed");
    ck_assert(!world_seen.repeated_id);
    ck_assert_int_eq(state_read(world_node.state, &r), ERR_OK);
    ck_assert_int_eq(store_get(r.store, r.txn, 3, &bytes, &n), ERR_OK);
    state_read_end(&r);
    end_ask_change(0, 2, "propose");
    end_expect(0, REPLY, 2, 0, "changed");
    ck_assert(world_seen.repeated_id);
}
END_TEST

START_TEST(test_route_passes_on_what_the_vault_refuses)
{
    end_connect(0);
    end_ask(0, 1, "refuse");
    end_expect(0, REFUSED, 1, ERR_FORGED, NULL);
}
END_TEST

/* Holds one request until the world has changed. */
static void answer_late(const struct draft *change, uint64_t used_id, uint64_t used_version)
{
    end_connect(0);
    __atomic_store_n(&world_seen.holds, true, __ATOMIC_SEQ_CST);
    end_ask(0, 1, "sign");
    WORLD_UNTIL(WORLD_SEEN(n_held) == 1);
    world_propose(change);
    fake_vault_reply(world_vault, WORLD_SEEN(held[0]), "signed", used_id, used_version);
}

START_TEST(test_route_lets_no_answer_out_that_a_change_has_overtaken)
{
    struct draft d = world_put(2, 2, "newer");
    answer_late(&d, 2, 1);
    end_expect(0, REFUSED, 1, ERR_CONFLICT, NULL);
}
END_TEST

START_TEST(test_route_lets_no_answer_out_that_a_deletion_has_overtaken)
{
    struct draft d = draft_new(replica_applied(world_node.replica), "gone");
    d.erase[d.n_erase++] = 2;
    d.pre[0][0] = 2, d.pre[0][1] = 1;
    d.n_pre = 1;
    answer_late(&d, 2, 1);
    end_expect(0, REFUSED, 1, ERR_CONFLICT, NULL);
}
END_TEST

START_TEST(test_route_lets_an_answer_out_that_something_else_has_overtaken)
{
    struct draft d = world_put(4, 1, "other");
    answer_late(&d, 2, 1);
    end_expect(0, REPLY, 1, 0, "signed");
}
END_TEST

START_TEST(test_route_lets_no_answer_out_where_something_came_that_was_absent)
{
    struct draft d = world_put(4, 1, "other");
    answer_late(&d, 4, 0);
    end_expect(0, REFUSED, 1, ERR_CONFLICT, NULL);
}
END_TEST

START_TEST(test_route_without_lease_and_leader_sends_away_at_once)
{
    end_connect(0);
    end_ask(0, 1, "sign");
    end_expect(0, REFUSED, 1, ERR_TRY_ANOTHER, NULL);
    ck_assert_uint_eq(WORLD_SEEN(requests), 0);
}
END_TEST

START_TEST(test_route_answers_without_lease_what_needs_none)
{
    Hsm__FrameHeader header = end_request_header(1, REQUEST_status);
    end_connect(0);
    end_say_frame(0, &header, "status", 6);
    end_expect(0, REPLY, 1, 0, "status");
    ck_assert(world_seen.has_status);
}
END_TEST

START_TEST(test_route_says_every_second_that_it_is_still_at_work)
{
    uint64_t since = uv_hrtime();
    end_connect(0);
    world_seen.holds = true;
    end_ask(0, 7, "slow");
    end_expect(0, PROGRESS, 7, 0, "");
    end_expect(0, PROGRESS, 7, 0, "");
    ck_assert_uint_ge(uv_hrtime() - since, 1900000000);
    fake_vault_reply(world_vault, WORLD_SEEN(held[0]), "at last", 0, 0);
    end_expect(0, REPLY, 7, 0, "at last");
}
END_TEST

START_TEST(test_route_drops_calls_and_channel_of_a_client_that_leaves)
{
    end_connect(0);
    world_seen.holds = true;
    end_ask(0, 1, "a");
    end_ask(0, 2, "b");
    WORLD_UNTIL(WORLD_SEEN(requests) == 2);
    end_hang_up(0);
    WORLD_UNTIL(WORLD_SEEN(drops) == 2 && WORLD_SEEN(closes) == 1);
    WORLD_UNTIL(route_clients(world_router) == 0);
    end_connect(1);
    world_seen.holds = false;
    end_ask(1, 1, "next");
    end_expect(1, REPLY, 1, 0, "next");
}
END_TEST

START_TEST(test_route_forgets_a_client_whose_proposal_is_under_way)
{
    struct draft d = world_put(3, 1, "request-of-test");
    world_seen.command_bytes = draft_pack(&d, world_seen.command);
    for (int i = 0; i < 50; i++) {
        end_connect(0);
        end_ask_change(0, 1, "propose");
        world_turns((unsigned)i % 8);
        end_hang_up(0);
    }
    WORLD_UNTIL(route_clients(world_router) == 0);
}
END_TEST

/* As when the vault is lost: the errand ends, and the outcome of its proposal comes after. */
START_TEST(test_route_outlives_a_last_word_while_a_proposal_is_under_way)
{
    struct draft d = world_put(3, 1, "request-of-test");
    world_seen.command_bytes = draft_pack(&d, world_seen.command);
    end_connect(0);
    end_ask_change(0, 1, "propose, refuse");
    end_expect(0, REFUSED, 1, ERR_FORGED, NULL);
    d = world_put(4, 1, "behind it");
    world_propose(&d);
    world_turns(4);
    end_ask(0, 2, "still here");
    end_expect(0, REPLY, 2, 0, "still here");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("route");
    TCase *served = tcase_create("served"), *alone = tcase_create("alone");

    tcase_add_checked_fixture(served, world_start, world_stop);
    tcase_add_checked_fixture(alone, world_start_alone, world_stop);
    tcase_set_timeout(served, 60);
    tcase_set_timeout(alone, 60);
    tcase_add_test(served, test_route_brings_a_request_to_the_vault_and_its_reply_back);
    tcase_add_test(served, test_route_sends_the_records_that_the_header_names_along);
    tcase_add_test(served, test_route_gives_the_vault_what_it_needs);
    tcase_add_test(served, test_route_proposes_a_change_and_brings_its_outcome);
    tcase_add_test(served, test_route_passes_on_what_the_vault_refuses);
    tcase_add_test(served, test_route_lets_no_answer_out_that_a_change_has_overtaken);
    tcase_add_test(served, test_route_lets_no_answer_out_that_a_deletion_has_overtaken);
    tcase_add_test(served, test_route_lets_an_answer_out_that_something_else_has_overtaken);
    tcase_add_test(served, test_route_lets_no_answer_out_where_something_came_that_was_absent);
    tcase_add_test(served, test_route_says_every_second_that_it_is_still_at_work);
    tcase_add_test(served, test_route_drops_calls_and_channel_of_a_client_that_leaves);
    tcase_add_test(served, test_route_forgets_a_client_whose_proposal_is_under_way);
    tcase_add_test(served, test_route_outlives_a_last_word_while_a_proposal_is_under_way);
    tcase_add_test(alone, test_route_without_lease_and_leader_sends_away_at_once);
    tcase_add_test(alone, test_route_answers_without_lease_what_needs_none);
    suite_add_tcase(s, served);
    suite_add_tcase(s, alone);
    return s;
}
