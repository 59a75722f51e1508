#include "tests/unit/route_world.h"

#include <string.h>
#include <unistd.h>

#include "daemon/replica/replica.h"
#include "daemon/state.h"
#include "proto/limits.h"
#include "proto/request.h"
#include "tests/unit/runner.h"

START_TEST(test_route_reads_no_more_of_a_client_than_it_may_have_in_work)
{
    end_connect(0);
    world_seen.holds = true;
    for (uint64_t i = 1; i <= CONNECTION_PENDING_MAX + 40; i++)
        end_ask(0, i, "x");
    WORLD_UNTIL(WORLD_SEEN(requests) == CONNECTION_PENDING_MAX);
    world_turns(100);
    ck_assert_uint_eq(WORLD_SEEN(requests), CONNECTION_PENDING_MAX);
    fake_vault_reply(world_vault, WORLD_SEEN(held[0]), "one", 0, 0);
    WORLD_UNTIL(WORLD_SEEN(requests) == CONNECTION_PENDING_MAX + 1);
}
END_TEST

START_TEST(test_route_lets_requests_stand_in_line_for_a_call_of_the_vault)
{
    unsigned most = VAULT_PENDING_MAX, over = 200;
    for (unsigned c = 0; c < 5; c++)
        end_connect(c);
    world_seen.holds = true;
    for (unsigned i = 0; i < most + over; i++)
        end_ask(i / CONNECTION_PENDING_MAX, i % CONNECTION_PENDING_MAX + 1, "x");
    WORLD_UNTIL(WORLD_SEEN(requests) == most);
    world_turns(100);
    ck_assert_uint_eq(WORLD_SEEN(requests), most);
    for (unsigned i = 0; i < most; i++) {
        fake_vault_reply(world_vault, WORLD_SEEN(held[i]), "y", 0, 0);
        world_turn(); /* or the pair would be full, and nobody else reads it */
    }
    WORLD_UNTIL(WORLD_SEEN(requests) == most + over);
    for (unsigned i = most; i < most + over; i++) {
        WORLD_UNTIL(WORLD_SEEN(n_held) > i);
        fake_vault_reply(world_vault, WORLD_SEEN(held[i]), "y", 0, 0);
    }
    /* Not one is lost: each is answered once, with words in between as the last ones waited long. */
    for (unsigned replies = 0; replies < over;) {
        struct frame f = end_next_frame(4);
        replies += f.header->kind == REPLY;
        ck_assert(f.header->kind == REPLY || f.header->kind == PROGRESS);
        frame_clear(&f);
    }
}
END_TEST

START_TEST(test_route_refuses_a_client_of_another_version)
{
    end_connect_only(0);
    end_hello(0, 2, 9);
    end_expect(0, REFUSED, 0, ERR_VERSION, NULL);
    WORLD_UNTIL(world_ends[0].ended);
}
END_TEST

START_TEST(test_route_ends_a_client_that_does_not_greet)
{
    end_connect_only(0);
    end_ask(0, 1, "x");
    WORLD_UNTIL(world_ends[0].ended);
    end_connect_only(1);
    end_open_channel(1);
    WORLD_UNTIL(world_ends[1].ended);
    ck_assert_uint_eq(WORLD_SEEN(opens), 0);
}
END_TEST

START_TEST(test_route_ends_a_client_that_greets_twice)
{
    end_connect(0);
    end_hello(0, 1, 1);
    WORLD_UNTIL(world_ends[0].ended);
}
END_TEST

START_TEST(test_route_refuses_a_request_before_there_is_a_channel)
{
    end_connect_only(0);
    end_hello(0, 1, 1);
    struct frame f = end_next_frame(0);
    frame_clear(&f);
    end_ask(0, 1, "x");
    end_expect(0, REFUSED, 1, ERR_CHANNEL_UNKNOWN, NULL);
}
END_TEST

START_TEST(test_route_ends_a_client_that_uses_a_number_twice)
{
    end_connect(0);
    world_seen.holds = true;
    end_ask(0, 1, "x");
    end_ask(0, 1, "y");
    WORLD_UNTIL(world_ends[0].ended);
}
END_TEST

START_TEST(test_route_ends_a_client_whose_change_has_no_request_id)
{
    Hsm__FrameHeader header = end_request_header(1, REQUEST_destroy);
    end_connect(0);
    end_say_frame(0, &header, "x", 1);
    WORLD_UNTIL(world_ends[0].ended);
}
END_TEST

START_TEST(test_route_refuses_a_request_of_a_later_version)
{
    Hsm__FrameHeader header = end_request_header(1, 4711);
    end_connect(0);
    end_say_frame(0, &header, "x", 1);
    end_expect(0, REFUSED, 1, ERR_NOT_SUPPORTED, NULL);
}
END_TEST

/* A small generator of its own, so that a failure comes again. */
static uint32_t chance(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

START_TEST(test_route_survives_whatever_a_client_sends)
{
    uint32_t seed = 20;
    uint8_t bytes[600];

    for (unsigned round = 0; round < 400; round++) {
        unsigned i = round % WORLD_CLIENTS;
        if (world_ends[i].fd >= 0)
            end_hang_up(i);
        if (round % 2 == 0)
            end_connect(i);
        else
            end_connect_only(i);
        for (unsigned k = 0; k < 3 && !world_ends[i].ended; k++) {
            uint32_t n = 6 + chance(&seed) % (sizeof bytes - 6), header = chance(&seed) % 40;
            for (uint32_t b = 0; b < n; b++)
                bytes[b] = (uint8_t)chance(&seed);
            bytes[0] = bytes[1] = 0; /* mostly whole frames, with headers that may decode */
            bytes[2] = (uint8_t)((n - 4) >> 8), bytes[3] = (uint8_t)(n - 4);
            bytes[4] = 0, bytes[5] = (uint8_t)header;
            if (chance(&seed) % 4 != 0 && n > 10)
                bytes[6] = 8, bytes[7] = (uint8_t)(chance(&seed) % 12), bytes[5] = 2;
            if (chance(&seed) % 8 == 0)
                bytes[0] = 255;
            end_say(i, bytes, chance(&seed) % 8 == 0 ? n / 2 : n);
        }
        world_turn();
    }
    for (unsigned i = 0; i < WORLD_CLIENTS; i++)
        if (world_ends[i].fd >= 0)
            end_hang_up(i);
    WORLD_UNTIL(route_clients(world_router) == 0);
    end_connect(0);
    end_ask(0, 5, "still there");
    end_expect(0, REPLY, 5, 0, "still there");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("route_frames");
    TCase *served = tcase_create("served"), *alone = tcase_create("alone");

    tcase_add_checked_fixture(served, world_start, world_stop);
    tcase_add_checked_fixture(alone, world_start_alone, world_stop);
    tcase_set_timeout(served, 60);
    tcase_set_timeout(alone, 60);
    tcase_add_test(served, test_route_reads_no_more_of_a_client_than_it_may_have_in_work);
    tcase_add_test(served, test_route_lets_requests_stand_in_line_for_a_call_of_the_vault);
    tcase_add_test(served, test_route_ends_a_client_that_greets_twice);
    tcase_add_test(served, test_route_refuses_a_request_before_there_is_a_channel);
    tcase_add_test(served, test_route_ends_a_client_that_uses_a_number_twice);
    tcase_add_test(served, test_route_ends_a_client_whose_change_has_no_request_id);
    tcase_add_test(served, test_route_refuses_a_request_of_a_later_version);
    tcase_add_test(served, test_route_survives_whatever_a_client_sends);
    tcase_add_test(alone, test_route_refuses_a_client_of_another_version);
    tcase_add_test(alone, test_route_ends_a_client_that_does_not_greet);
    suite_add_tcase(s, served);
    suite_add_tcase(s, alone);
    return s;
}
