/* Whole nodes' links over loopback; see peer_node.h for what is played. */
#include "tests/unit/peer_node.h"

#include "common/tls.h"
#include "daemon/net/connection.h"
#include "proto/peer.pb-c.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_voter(unsigned by, unsigned of)
{
    const struct peers_status *s = peer_seen(by, of);
    return s != NULL && strcmp(s->role, "spare") != 0 && strcmp(s->role, "standby") != 0;
}

static bool connected(unsigned by, unsigned of)
{
    const struct peers_status *s = peer_seen(by, of);
    return s != NULL && s->connected;
}

static void join(unsigned number, unsigned at)
{
    const char *address = peer_nodes[at].address;
    struct diag why = {0};

    peer_node_start(number);
    ck_assert_msg(peers_join(peer_nodes[number].peers, &address, 1, &why), "%s", why.what);
}

static void grow_to(unsigned count)
{
    peer_node_start(1);
    peer_node_open(1, true);
    peer_wait_leader();
    for (unsigned i = 2; i <= count; i++) {
        join(i, 1);
        PEER_WAIT(is_voter(1, i) && peer_nodes[i].replica != NULL);
    }
    for (unsigned i = 1; i <= count; i++)
        for (unsigned k = 1; k <= count; k++)
            PEER_WAIT(connected(i, k));
}

START_TEST(test_peers_of_three_connect_and_carry_a_command_to_the_leader_from_each)
{
    uint64_t before = 0;

    grow_to(3);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t outcome = peer_must_propose(i, "x", 1);
        ck_assert_uint_gt(outcome, before);
        before = outcome;
        PEER_WAIT(!peers_degraded(peer_nodes[i].peers));
    }
    ck_assert_uint_gt(peer_nodes[2].signatures, 0);
    ck_assert_str_eq(peer_seen(2, 3)->client_address, "127.0.0.1:3");
    ck_assert(peer_seen(2, 3)->has_fingerprint);
    ck_assert_mem_eq(peer_seen(2, 3)->fingerprint, peer_nodes[3].fingerprint, 32);
    PEER_WAIT(peer_seen(1, 3)->applied >= 4);
}
END_TEST

START_TEST(test_peers_tell_a_joiner_without_grant_the_command_and_let_it_in_when_it_has_one)
{
    peer_granted = false;
    peer_node_start(1);
    peer_node_open(1, true);
    peer_wait_leader();
    join(2, 1);
    PEER_WAIT(strstr(peers_join_trouble(peer_nodes[2].peers), "hsmctl cluster grant ") != NULL);
    ck_assert_uint_eq(peers_port(peer_nodes[2].peers), 0); /* a joiner listens nowhere */
    peer_granted = true;
    PEER_WAIT(is_voter(1, 2));
    ck_assert_str_eq(peers_join_trouble(peer_nodes[2].peers), "");
}
END_TEST

START_TEST(test_peers_send_a_joiner_on_to_the_leader)
{
    grow_to(2);
    join(3, peer_wait_leader() == 1 ? 2 : 1);
    PEER_WAIT(is_voter(peer_wait_leader(), 3));
}
END_TEST

START_TEST(test_peers_join_goes_on_after_its_answer_was_lost_and_after_a_restart)
{
    grow_to(2);
    peer_nodes[3].take_fails = true;
    join(3, 1);
    PEER_WAIT(!peer_nodes[3].take_fails);
    peer_granted = false; /* the record has it already: no second grant is needed */
    PEER_WAIT(peer_nodes[3].replica != NULL);
    peer_node_stop(3);
    peer_node_start(3);
    peer_node_open(3, false);
    PEER_WAIT(is_voter(peer_wait_leader(), 3));
}
END_TEST

START_TEST(test_peers_elect_anew_without_the_leader_and_take_it_back)
{
    unsigned leader, other;
    uint64_t before, after;

    grow_to(3);
    leader = peer_wait_leader();
    other = leader % 3 + 1;
    before = peer_must_propose(other, "x", 1);
    peer_node_stop(leader);
    after = peer_must_propose(other, "y", 1);
    ck_assert_uint_gt(after, before);
    PEER_WAIT(peers_degraded(peer_nodes[other].peers));
    peer_node_start(leader);
    peer_node_open(leader, false);
    PEER_WAIT(!peers_degraded(peer_nodes[other].peers));
    PEER_WAIT(replica_applied(peer_nodes[leader].replica) >= replica_applied(peer_nodes[other].replica));
    ck_assert_uint_ge(peer_nodes[leader].count, after);
}
END_TEST

/* After a restart the state lags behind the log until the others have told what is committed; they must be let in for that. */
START_TEST(test_peers_whose_record_is_an_old_one_still_know_the_others)
{
    Hsm__NodeFacts *facts;
    unsigned leader;
    size_t n;

    grow_to(3);
    leader = peer_wait_leader();
    peer_must_propose(leader, "x", 1);
    peer_node_stop(leader);
    peer_node_start(leader);
    facts = (Hsm__NodeFacts *)(uintptr_t)peer_facts_of(leader);
    n = facts->n_members;
    facts->n_members = 1; /* as the record was when the cluster was made */
    ck_assert(peers_facts(peer_nodes[leader].peers, facts, NULL));
    facts->n_members = n;
    peer_node_open(leader, false);
    PEER_WAIT(!peers_degraded(peer_nodes[leader % 3 + 1].peers));
    PEER_WAIT(replica_applied(peer_nodes[leader].replica) >= replica_applied(peer_nodes[leader % 3 + 1].replica));
}
END_TEST

START_TEST(test_peers_without_a_majority_say_busy_or_unknown_and_never_done)
{
    unsigned left = 0;
    enum err e;

    grow_to(2);
    left = peer_wait_leader() == 1 ? 2 : 1;
    peer_node_stop(3 - left);
    e = peer_propose(left, "x", 1, NULL);
    ck_assert_int_ne(e, ERR_OK);
    PEER_WAIT(replica_leader(peer_nodes[left].replica) == 0);
    ck_assert_int_eq(peer_propose(left, "x", 1, NULL), ERR_BUSY);
}
END_TEST

START_TEST(test_peers_stream_a_large_snapshot_to_a_node_that_has_nothing)
{
    char *big = malloc(500000);

    peer_snapshot_entries = 100;
    peer_node_start(1);
    peer_node_open(1, true);
    peer_wait_leader();
    memset(big, 'b', 500000);
    for (int i = 0; i < 160; i++)
        peer_must_propose(1, big, i < 40 ? 500000 : 100);
    join(2, 1);
    PEER_WAIT(is_voter(1, 2));
    ck_assert_int_gt(peer_nodes[2].snapshots, 0);
    PEER_WAIT(replica_applied(peer_nodes[2].replica) >= replica_applied(peer_nodes[1].replica));
    ck_assert_uint_eq(peer_nodes[2].count, 160);
    free(big);
}
END_TEST

START_TEST(test_peers_of_foreign_roots_get_no_word)
{
    grow_to(1);
    peer_node_make_foreign(2);
    join(2, 1);
    peer_run_for(1500);
    ck_assert_uint_eq(peer_nodes[2].id, 0);
    ck_assert_str_ne(peers_join_trouble(peer_nodes[2].peers), "");
}
END_TEST

/* Lets a node that was let in come back as someone else. */
static void stop_second_of_two(void)
{
    grow_to(2);
    if (peer_wait_leader() == 2) /* a majority of two is both: who leads does not matter, the first stays */
        peer_run_for(100);
    peer_node_stop(2);
}

START_TEST(test_peers_refuse_a_key_that_is_not_the_members)
{
    struct peer_node *two = &peer_nodes[2];

    stop_second_of_two();
    memcpy(two->fingerprint, peer_nodes[3].fingerprint, 32); /* the record says: node 2 has another key */
    peer_record_changed();
    peer_node_start(2);
    peer_node_open(2, false);
    peer_run_for(1500);
    ck_assert(!connected(1, 2));
    ck_assert(!connected(2, 1));
}
END_TEST

START_TEST(test_peers_refuse_a_node_of_another_cluster)
{
    Hsm__NodeFacts *facts;

    stop_second_of_two();
    peer_node_start(2);
    facts = (Hsm__NodeFacts *)(uintptr_t)peer_facts_of(2);
    facts->cluster_id.data[3] ^= 1;
    ck_assert(peers_facts(peer_nodes[2].peers, facts, NULL));
    peer_node_open(2, false);
    peer_run_for(1500);
    ck_assert(!connected(1, 2));
    ck_assert(!connected(2, 1));
}
END_TEST

START_TEST(test_peers_refuse_a_node_whose_disk_is_older_than_what_it_acknowledged)
{
    char command[1200];
    struct peer_node *two = &peer_nodes[2];

    grow_to(3);
    peer_node_stop(2);
    snprintf(command, sizeof command, "cp -a %s %s.old", two->folder, two->folder);
    ck_assert_int_eq(system(command), 0);
    peer_node_start(2);
    peer_node_open(2, false);
    PEER_WAIT(connected(1, 2) && connected(3, 2));
    for (int i = 0; i < 5; i++)
        peer_must_propose(1, "later", 5);
    PEER_WAIT(peer_seen(1, 2)->applied >= replica_applied(peer_nodes[1].replica));
    PEER_WAIT(peer_seen(3, 2)->applied >= replica_applied(peer_nodes[1].replica));
    peer_node_stop(2);
    snprintf(command, sizeof command, "rm -r %s && mv %s.old %s", two->folder, two->folder, two->folder);
    ck_assert_int_eq(system(command), 0);
    peer_node_start(2);
    peer_node_open(2, false);
    peer_run_for(2500);
    ck_assert(!connected(1, 2));
    ck_assert(!connected(2, 1));
    ck_assert(!connected(2, 3));
    ck_assert(!replica_may_serve(two->replica));
    ck_assert(connected(1, 3));
}
END_TEST

/* ---- a node that is in the cluster by its key, and says what it likes ---- */

struct stranger {
    bool closed, answered;
};

static void stranger_open(void *owner, struct connection *c)
{
    (void)owner;
    (void)c;
}

static bool stranger_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct stranger *s = owner;
    (void)c, (void)bytes, (void)n;
    s->answered = true;
    return true;
}

static void stranger_closed(void *owner, struct connection *c, const char *reason)
{
    struct stranger *s = owner;
    (void)c, (void)reason;
    s->closed = true;
}

static const struct connection_events stranger_events = {
    .open = stranger_open, .frame = stranger_frame, .closed = stranger_closed};

static uint32_t noise_state = 12345;

static uint8_t noise(void)
{
    noise_state = noise_state * 1664525 + 1013904223;
    return (uint8_t)(noise_state >> 24);
}

static size_t noise_frame(uint8_t *frame)
{
    static const uint8_t fields[] = {0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x42, 0x4a, 0x52, 0x5a};
    size_t n = 2 + noise() % 120;

    frame[0] = frame[1] = frame[2] = 0;
    frame[3] = (uint8_t)n;
    frame[4] = fields[noise() % sizeof fields];
    frame[5] = (uint8_t)(n - 2);
    for (size_t i = 6; i < 4 + n; i++)
        frame[i] = noise() % 3 == 0 ? fields[noise() % sizeof fields] : noise() % 24;
    return 4 + n;
}

static SSL_CTX *client_context(unsigned number)
{
    struct tls_setup s = {.side = TLS_CLIENT};
    const struct peer_node *n = &peer_nodes[number];
    STACK_OF(X509) *chain = sk_X509_new_null(), *trusted = sk_X509_new_null();
    SSL_CTX *ctx;

    sk_X509_push(chain, n->manufacturer_hardware);
    sk_X509_push(chain, n->operator_hardware);
    s.certificate = n->certificate, s.key = n->key, s.chain = chain, s.roots = trusted;
    ctx = tls_context_new(&s, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    sk_X509_free(chain);
    sk_X509_free(trusted);
    return ctx;
}

/* A hello that is good for node `number`, 0: of a joiner. */
static size_t hello_frame(unsigned number, bool bulk, uint8_t *frame)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerHello h = HSM__PEER_HELLO__INIT;
    size_t n;

    m.of_case = HSM__PEER_MESSAGE__OF_HELLO;
    m.hello = &h;
    h.version = 1;
    h.bulk = bulk;
    if (number != 0) {
        h.node_id = peer_nodes[number].id;
        h.cluster_id = peer_facts_of(number)->cluster_id;
        h.boot = h.term = h.last_index = UINT32_MAX;
    }
    n = hsm__peer_message__pack(&m, frame + 4);
    frame[0] = frame[1] = 0;
    frame[2] = (uint8_t)(n >> 8);
    frame[3] = (uint8_t)n;
    return n + 4;
}

START_TEST(test_peers_survive_frames_of_noise_from_a_node_that_has_said_hello)
{
    SSL_CTX *tls;
    uint8_t frame[2048];

    stop_second_of_two();
    tls = client_context(2);
    for (int round = 0; round < 120; round++) {
        struct stranger s = {0};
        struct connection_setup setup = {.loop = &peer_loop, .tls = tls, .dialled = true, .events = &stranger_events,
            .owner = &s, .limits = {.frame_bytes_max = 65536, .out_bytes_max = 65536, .pending_max = 8,
            .handshake_ms_max = 5000, .stall_ms_max = 5000}};
        struct connection *c = connection_dial(&setup, "127.0.0.1", peer_nodes[1].port, NULL);
        ck_assert_ptr_nonnull(c);
        if (round % 4 != 0)
            connection_send(c, frame, hello_frame(round % 4 == 1 ? 0 : 2, round % 4 == 2, frame));
        for (int i = 0; i < 8; i++)
            connection_send(c, frame, noise_frame(frame));
        for (int i = 0; i < 50 && !s.closed; i++)
            peer_run_for(2);
        if (!s.closed)
            connection_end(c, "enough");
        while (!s.closed)
            peer_run_for(1);
    }
    SSL_CTX_free(tls);
    ck_assert_ptr_nonnull(peer_nodes[1].replica);
    join(3, 1); /* whoever listens there still answers */
    PEER_WAIT(strcmp(peers_join_trouble(peer_nodes[3].peers), "") != 0);
}
END_TEST

START_TEST(test_peers_refuse_to_join_twice_and_bad_addresses)
{
    const char *bad[] = {"nowhere"}, *good[] = {"127.0.0.1:9"};
    struct diag why = {0};

    grow_to(1);
    ck_assert(!peers_join(peer_nodes[1].peers, good, 1, &why));
    ck_assert_str_ne(why.remedy, "");
    peer_node_start(2);
    ck_assert(!peers_join(peer_nodes[2].peers, bad, 1, &why));
    ck_assert_str_ne(why.remedy, "");
    ck_assert(!peers_join(peer_nodes[2].peers, good, 0, &why));
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_peers_of_three_connect_and_carry_a_command_to_the_leader_from_each,
        &test_peers_tell_a_joiner_without_grant_the_command_and_let_it_in_when_it_has_one,
        &test_peers_send_a_joiner_on_to_the_leader,
        &test_peers_join_goes_on_after_its_answer_was_lost_and_after_a_restart,
        &test_peers_elect_anew_without_the_leader_and_take_it_back, &test_peers_whose_record_is_an_old_one_still_know_the_others,
        &test_peers_without_a_majority_say_busy_or_unknown_and_never_done,
        &test_peers_stream_a_large_snapshot_to_a_node_that_has_nothing,
        &test_peers_of_foreign_roots_get_no_word,
        &test_peers_refuse_a_key_that_is_not_the_members,
        &test_peers_refuse_a_node_of_another_cluster,
        &test_peers_refuse_a_node_whose_disk_is_older_than_what_it_acknowledged,
        &test_peers_survive_frames_of_noise_from_a_node_that_has_said_hello,
        &test_peers_refuse_to_join_twice_and_bad_addresses, NULL};
    Suite *suite = suite_create("peers");
    TCase *tc = tcase_create("peers");

    tcase_set_timeout(tc, 90);
    tcase_add_checked_fixture(tc, peer_world_new, peer_world_free);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
