/* What hsmctl tells of a cluster. */
#include "tools/show.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"

static char *said;

/* Nodes by letters: V a voter, L the leader, S a standby; small ones are not connected. Ids from 1 on. */
static const char *show(const char *state, const char *nodes)
{
    Hsm__StatusReply status = HSM__STATUS_REPLY__INIT;
    Hsm__NodeStatus rows[9], *list[9];
    struct output *o = output_new();
    size_t n = 0;
    FILE *to;

    for (size_t i = 0; nodes[i] != '\0'; i++) {
        char letter = nodes[i] & ~0x20;
        hsm__node_status__init(&rows[i]);
        rows[i].id = i + 1;
        rows[i].address = i == 0 ? (char *)(uintptr_t)"n1:7000" : (char *)(uintptr_t)"";
        rows[i].role = (char *)(uintptr_t)(letter == 'V' ? "voter" : letter == 'L' ? "leader" : "standby");
        rows[i].connected = nodes[i] == letter;
        list[status.n_nodes++] = &rows[i];
    }
    status.nodes = list;
    status.state = (char *)(uintptr_t)state;
    show_cluster(o, &status);
    free(said);
    to = open_memstream(&said, &n);
    ck_assert(output_print(o, true, to));
    fclose(to);
    output_free(o);
    return said;
}

START_TEST(test_a_whole_cluster_needs_no_words)
{
    ck_assert_ptr_null(strstr(show("active", "LVV"), "degraded"));
    ck_assert_ptr_null(strstr(said, "next"));
    ck_assert_ptr_null(strstr(show("initialized", "L"), "degraded"));
}
END_TEST

START_TEST(test_a_degraded_one_says_who_is_missing_and_what_that_means)
{
    ck_assert_ptr_nonnull(strstr(show("degraded", "vLV"), "missing: node 1 (n1:7000)\""));
    ck_assert_ptr_nonnull(strstr(said, "2 of 3 voters"));
    ck_assert_ptr_nonnull(strstr(said, "none more"));
    ck_assert_ptr_nonnull(strstr(said, "next"));
    ck_assert_ptr_nonnull(strstr(show("degraded", "LVVVv"), "and 1 more may be lost; missing: node 5\""));
    ck_assert_ptr_nonnull(strstr(show("degraded", "Vvv"), "1 of 3 voters are connected, and 2 have to be"));
    ck_assert_ptr_nonnull(strstr(said, "missing: node 2, 3\""));
    ck_assert_ptr_nonnull(strstr(show("degraded", "LVvs"), "missing: node 3\"")); /* who does not vote is not missed */
}
END_TEST

START_TEST(test_nine_long_addresses_are_cut_and_not_overrun)
{
    ck_assert_ptr_nonnull(strstr(show("degraded", "Vvvvvvvvv"), "1 of 9 voters"));
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_a_whole_cluster_needs_no_words,
        &test_a_degraded_one_says_who_is_missing_and_what_that_means, &test_nine_long_addresses_are_cut_and_not_overrun, NULL};
    return suite_of("show", 5, tests);
}
