/* What a handler may count on (vault/work.h) besides changes: what it kept, the pool, the channel's login, calls of the front itself. */
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/local_store.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/works.h"
#include "vault/node/node.h"

/* ---- what is kept, and the pool */

static enum err keep_and_read(struct work *w)
{
    if (work_kept(w) == NULL)
        work_keep(w, malloc(1), works_release);
    return works_read(w);
}

START_TEST(test_what_was_kept_is_released_once_however_the_work_ends)
{
    works_setup(false);
    works.did.id = 1;
    works.did.read = keep_and_read;
    works_begin_read();
    ck_assert_uint_eq(works.did.released, 0);
    (void)works_go_on();
    ck_assert_uint_eq(works.did.released, 1);
    works_begin_read();
    own_front_drop(&works.front, works.front.said->call);
    ck_assert_uint_eq(works.did.released, 2);
    works_begin_read(); /* and the engine's end finds it waiting */
    own_front_clear(&works.front);
    ck_assert_uint_eq(works.did.released, 3);
    own_front_init(&works.front, works.node, &works_parts, false);
    works_teardown();
}
END_TEST

static enum err read_dearly(struct work *w)
{
    enum err e = works_read(w);

    works.did.decided++;
    if (e == ERR_NOT_FOUND)
        e = work_dear(w);
    return e == ERR_OK ? works_reply_empty(w) : e;
}

START_TEST(test_dear_work_goes_to_the_pool_once_it_is_known_to_be_dear)
{
    works_setup(true);
    works.did.id = 1;
    works.did.read = read_dearly;
    works_begin_read();
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_NEED);
    ck_assert_uint_eq(works.front.n_jobs, 0);
    own_front_answer_need(&works.front);
    ck_assert_ptr_null(works.front.said);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert_uint_eq(works.did.decided, 2);
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.decided, 3);
    works_teardown();
}
END_TEST

static size_t jobs_of_import(CK_OBJECT_CLASS object_class)
{
    Hsm__Request r = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;
    struct sample_template t;
    size_t jobs;

    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, object_class);
    create.template_ = &t.message;
    r.of_case = HSM__REQUEST__OF_CREATE;
    r.create = &create;
    works_setup(true);
    works_begin(&r, false);
    jobs = works.front.n_jobs;
    works_go_on();
    works_teardown();
    return jobs;
}

START_TEST(test_private_key_from_outside_is_checked_on_the_pool)
{
    ck_assert_uint_eq(jobs_of_import(CKO_PRIVATE_KEY), 1);
    ck_assert_uint_eq(jobs_of_import(CKO_SECRET_KEY), 0);
}
END_TEST

START_TEST(test_dear_work_is_done_at_once_where_there_is_no_pool)
{
    works_setup(false);
    works.did.id = 1;
    works.did.read = read_dearly;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works_teardown();
}
END_TEST

START_TEST(test_work_on_the_pool_is_not_touched_until_it_is_back)
{
    uint64_t call;
    struct sealed_request first;

    works_setup(true);
    works_begin_login(); /* a dear row from the beginning */
    ck_assert_ptr_null(works.front.said);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    first = works.request;
    memset(&works.request, 0, sizeof works.request);
    works.did.id = 1;
    works.did.read = works_read;
    works_begin_read(); /* the thread is free meanwhile */
    call = works.front.said->call - 1;
    own_front_facts(&works.front, call, &(Hsm__Facts)HSM__FACTS__INIT);
    ck_assert_ptr_null(works.front.said);
    own_front_drop(&works.front, call);
    ck_assert_ptr_null(works.front.said); /* its last word comes when it is back */
    own_front_run_job(&works.front);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_DROPPED);
    ck_assert_uint_eq(works.front.said->call, call);
    buffer_clear(&first.body);
    works_teardown();
}
END_TEST

/* Two bytes on the wire, many times as many in memory; and works that wait for the pool have not been asked yet who they are. */
START_TEST(test_request_that_grows_in_memory_is_refused_on_arrival)
{
    enum { MANY = 100000 };
    ProtobufCBinaryData *certificates = calloc(MANY, sizeof *certificates);
    Hsm__Login login = HSM__LOGIN__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;

    works_setup(true);
    login.name = (char *)(uintptr_t)"alice";
    login.certificates = certificates;
    login.n_certificates = MANY;
    request.of_case = HSM__REQUEST__OF_LOGIN;
    request.login = &login;
    ck_assert_uint_lt(hsm__request__get_packed_size(&request), FRAME_BYTES_MAX);
    works_begin(&request, false);
    own_front_expect_refused(&works.front, ERR_TOO_LARGE);
    ck_assert_uint_eq(works.front.n_jobs, 0);
    free(certificates);
    works_teardown();
}
END_TEST

START_TEST(test_reply_from_the_pool_finds_its_channel_closed)
{
    works_setup(true);
    works_begin_login();
    own_front_close(&works.front, 900);
    own_front_run_job(&works.front);
    own_front_expect_refused(&works.front, ERR_CHANNEL_UNKNOWN);
    works_teardown();
}
END_TEST

/* ---- logins */

static enum err see_login(struct work *w)
{
    works.did.user_id = work_login(w)->user_id;
    return works_reply_empty(w);
}

static enum err lose_login(struct work *w)
{
    memset(work_login(w), 0, sizeof *work_login(w));
    return works_reply_empty(w);
}

START_TEST(test_login_stays_on_its_channel_and_on_no_other)
{
    struct channel *other;

    works_setup(false);
    works.did.user_id = 42;
    works_new_request();
    works_begin_login();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works.did.read = see_login;
    works.did.user_id = 0;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.user_id, 42);
    other = works.channel;
    works.channel = own_front_open(&works.front, 900); /* a new channel begins without */
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.user_id, 0);
    channel_free(other);
    works_teardown();
}
END_TEST

START_TEST(test_login_that_holds_no_more_is_forgotten)
{
    works_setup(false);
    works.did.user_id = 42;
    works_new_request();
    works_begin_login();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works.did.read = lose_login;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works.did.read = see_login;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.user_id, 0);
    works_teardown();
}
END_TEST

static enum err read_and_lose_login(struct work *w)
{
    enum err e = works_read(w);

    return e == ERR_NOT_FOUND ? lose_login(w) : e;
}

START_TEST(test_login_that_holds_no_more_does_not_take_along_one_that_came_since)
{
    Hsm__Facts absent = HSM__FACTS__INIT;
    uint64_t id = 77, first;

    works_setup(false);
    works.did.user_id = 42;
    works_begin_login();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works.did.id = id;
    works.did.read = read_and_lose_login;
    works_begin_read(); /* of user 42, and waits */
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_NEED);
    first = works.front.said->call;
    works.did.user_id = 43;
    works_new_request();
    works_begin_login();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    absent.absent = &id;
    absent.n_absent = 1;
    own_front_facts(&works.front, first, &absent);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_REPLY);
    works.did.read = see_login;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.user_id, 43);
    works_teardown();
}
END_TEST

/* ---- what the engine's own rows say */

START_TEST(test_status_is_what_the_front_says_under_the_vaults_seal)
{
    Hsm__StatusReply told = HSM__STATUS_REPLY__INIT;
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;
    Hsm__Facts facts = HSM__FACTS__INIT;
    Hsm__Reply *reply;
    uint8_t packed[64];

    works_setup(false);
    told.node_id = 3;
    r.of_case = HSM__REQUEST__OF_STATUS;
    r.status = &status;
    facts.status = (ProtobufCBinaryData){.data = packed, .len = hsm__status_reply__pack(&told, packed)};
    works_send(&r, &facts);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, &reply), ERR_OK);
    ck_assert_uint_eq(reply->status->node_id, 3);
    hsm__reply__free_unpacked(reply, NULL);
    works_begin(&r, false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_TRY_ANOTHER);
    facts.status = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)"\xff", .len = 1};
    works_send(&r, &facts);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_MALFORMED);
    works_teardown();
}
END_TEST

START_TEST(test_random_bytes_are_as_many_as_asked_for_and_never_the_same)
{
    Hsm__GenerateRandom random = HSM__GENERATE_RANDOM__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;
    Hsm__Reply *a, *b;

    works_setup(false);
    r.of_case = HSM__REQUEST__OF_GENERATE_RANDOM;
    r.generate_random = &random;
    random.bytes = 65536;
    works_begin(&r, false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, &a), ERR_OK);
    works_begin(&r, false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, &b), ERR_OK);
    ck_assert_uint_eq(a->bytes->value.len, 65536);
    ck_assert_mem_ne(a->bytes->value.data, b->bytes->value.data, 65536);
    hsm__reply__free_unpacked(a, NULL);
    hsm__reply__free_unpacked(b, NULL);
    random.bytes = 65537;
    works_begin(&r, false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, &a), ERR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(a->detail, "65536"));
    hsm__reply__free_unpacked(a, NULL);
    random.bytes = 0;
    works_begin(&r, false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_OK);
    works_teardown();
}
END_TEST

/* ---- calls of the front itself */

static enum err node_result(struct work *w)
{
    work_node_answer(w)->node_id = works.did.id + 1;
    return ERR_OK;
}

static enum err node_error(struct work *w)
{
    work_detail(w, "not with node %u", (unsigned)works.did.id);
    return ERR_WRONG_STATE;
}

static void tell_node(Hsm__NodeCall__OfCase what)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__NodeCall node_call = HSM__NODE_CALL__INIT;
    Hsm__ClusterCreate create = HSM__CLUSTER_CREATE__INIT;
    Hsm__NodeInfo info = HSM__NODE_INFO__INIT;

    create.node_id = 41;
    node_call.of_case = what;
    if (what == HSM__NODE_CALL__OF_CREATE)
        node_call.create = &create;
    else
        node_call.info = &info;
    call.call = 5;
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = &node_call;
    own_front_tell(&works.front, &call);
}

START_TEST(test_call_of_the_front_is_answered_in_the_open_and_with_the_nodes_facts)
{
    works_setup(false);
    works.did.decide = node_result;
    tell_node(HSM__NODE_CALL__OF_CREATE);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_NODE);
    ck_assert_uint_eq(works.front.said->node->error, ERR_OK);
    ck_assert_uint_eq(works.front.said->node->node_id, 42);
    ck_assert_uint_eq(works.front.said->node->facts->node_id, 7);
    works.did.decide = node_error;
    tell_node(HSM__NODE_CALL__OF_CREATE);
    ck_assert_uint_eq(works.front.said->node->error, ERR_WRONG_STATE);
    ck_assert_str_eq(works.front.said->node->detail, "not with node 41");
    ck_assert_uint_eq(works.front.said->node->facts->node_id, 7);
    tell_node(HSM__NODE_CALL__OF_INFO);
    own_front_expect_refused(&works.front, ERR_MALFORMED);
    works_teardown();
}
END_TEST

static enum err read_and_put(struct work *w)
{
    const struct opened_record *record;
    enum err e = work_record(w, 1, HSM__RECORD_KIND__RECORD_CLUSTER, &record);

    return e == ERR_OK ? works_put(w) : e;
}

START_TEST(test_call_of_the_front_can_change_the_state)
{
    works_setup(false);
    works.did.decide = read_and_put;
    tell_node(HSM__NODE_CALL__OF_CREATE);
    own_front_answer_need(&works.front);
    own_front_answer_propose(&works.front); /* the ids */
    own_front_answer_propose(&works.front);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_NODE);
    ck_assert_uint_eq(works.front.said->node->error, ERR_OK);
    ck_assert_uint_eq(works.did.answered, 1);
    ck_assert_uint_eq(local_store_version(local_node_store(works.node), works.did.ids[0]), 1);
    works_teardown();
}
END_TEST

static enum err need_nothing(struct work *w)
{
    (void)w;
    return ERR_NEED;
}

static enum err wait_for_nothing(struct work *w)
{
    (void)w;
    return ERR_PENDING;
}

START_TEST(test_handler_that_waits_for_nothing_is_a_bug_not_a_hang)
{
    works_setup(true);
    works.did.read = need_nothing;
    works_begin_read();
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_BUG);
    works.did.read = wait_for_nothing;
    works_begin_read();
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_BUG);
    works.did.decide = wait_for_nothing;
    works_new_request();
    works_begin_change(false);
    ck_assert_int_eq(own_front_reply(&works.front, works.channel, &works.request, NULL), ERR_BUG);
    works_teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_what_was_kept_is_released_once_however_the_work_ends,
        &test_dear_work_goes_to_the_pool_once_it_is_known_to_be_dear,
        &test_private_key_from_outside_is_checked_on_the_pool,
        &test_dear_work_is_done_at_once_where_there_is_no_pool,
        &test_work_on_the_pool_is_not_touched_until_it_is_back, &test_request_that_grows_in_memory_is_refused_on_arrival,
        &test_reply_from_the_pool_finds_its_channel_closed,
        &test_login_stays_on_its_channel_and_on_no_other,
        &test_login_that_holds_no_more_is_forgotten,
        &test_login_that_holds_no_more_does_not_take_along_one_that_came_since,
        &test_status_is_what_the_front_says_under_the_vaults_seal,
        &test_random_bytes_are_as_many_as_asked_for_and_never_the_same,
        &test_call_of_the_front_is_answered_in_the_open_and_with_the_nodes_facts,
        &test_call_of_the_front_can_change_the_state, &test_handler_that_waits_for_nothing_is_a_bug_not_a_hang, NULL};
    return suite_of("work", 60, tests);
}
