/* A cluster is wiped by requests: by an admin, of a cluster that was activated so, to the end; and by nobody else, of no other. */
#include <string.h>

#include "proto/limits.h"
#include "proto/pkcs11.h"
#include "tests/unit/local_cluster.h"
#include "tests/unit/runner.h"
#include "vault/keyring.h"

static struct local_cluster cluster;

static void setup(bool wipeable)
{
    local_cluster_wipeable = wipeable;
    local_cluster_new(&cluster);
    local_cluster_wipeable = false;
}

static void teardown(void)
{
    local_cluster_free(&cluster);
}

static void as_admin(void)
{
    ck_assert_int_eq(local_cluster_login(&cluster, "admin", LOCAL_ADMIN_PASSWORD, true), ERR_OK);
}

static enum err as_alice(void)
{
    return local_cluster_login(&cluster, "alice", LOCAL_ALICE_PASSWORD, false);
}

/* ---- requests */

/* What the vault says of the cluster: the version of its record, which who begins to wipe it names. */
static uint64_t looked_at(void)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__Reply *reply = NULL;
    uint64_t version;

    request.of_case = HSM__REQUEST__OF_STATUS;
    request.status = &status;
    ck_assert_int_eq(local_cluster_ask(&cluster, &request, &reply), ERR_OK);
    version = reply->status->cluster_version;
    rpc_reply_free(reply);
    return version;
}

static enum err wipe(uint64_t version, Hsm__WipeReply *said)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Wipe wipe = HSM__WIPE__INIT;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_WIPE;
    request.wipe = &wipe;
    wipe.version = version;
    e = local_cluster_ask(&cluster, &request, &reply);
    if (e == ERR_OK && said != NULL) {
        hsm__wipe_reply__init(said);
        said->more = reply->wipe->more;
        said->objects = reply->wipe->objects;
        said->users = reply->wipe->users;
    }
    rpc_reply_free(reply);
    return e;
}

struct sum {
    size_t requests, objects, users, most_objects, most_users;
};

/* `conflicts`: so many misses in each request. */
static struct sum wipe_beside(uint64_t version, unsigned conflicts)
{
    struct sum sum = {0};
    Hsm__WipeReply said;

    do {
        local_node_faults(cluster.node)->conflicts = conflicts;
        ck_assert_int_eq(wipe(sum.requests == 0 ? version : 0, &said), ERR_OK);
        sum.requests++;
        sum.objects += said.objects;
        sum.users += said.users;
        sum.most_objects = said.objects > sum.most_objects ? said.objects : sum.most_objects;
        sum.most_users = said.users > sum.most_users ? said.users : sum.most_users;
        ck_assert_uint_lt(sum.requests, 1000);
    } while (said.more);
    return sum;
}

static struct sum wipe_all(void)
{
    return wipe_beside(looked_at(), 0);
}

static enum err forbid(void)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__WipeForbid forbid = HSM__WIPE_FORBID__INIT;

    request.of_case = HSM__REQUEST__OF_WIPE_FORBID;
    request.wipe_forbid = &forbid;
    return local_cluster_ask(&cluster, &request, NULL);
}

static enum err activate_again(void)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Activate activate = HSM__ACTIVATE__INIT;

    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    activate.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t) "another", .len = 7};
    activate.wipeable = true;
    return local_cluster_ask(&cluster, &request, NULL);
}

/* As the vault knows it. */
static bool is_wipeable(bool *wiping)
{
    struct keyring *keyring = local_node_vault(cluster.node)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    bool wipeable = view->body->wipeable;

    if (wiping != NULL)
        *wiping = view->body->wiping;
    keyring_view_done(keyring, view);
    return wipeable;
}

static size_t count_users(void)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Reply *reply = NULL;
    size_t n;

    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    ck_assert_int_eq(local_cluster_ask(&cluster, &request, &reply), ERR_OK);
    n = reply->users->n_users;
    rpc_reply_free(reply);
    return n;
}

static size_t count_objects(void)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Find find = HSM__FIND__INIT;
    Hsm__Template all = HSM__TEMPLATE__INIT;
    Hsm__Reply *reply = NULL;
    size_t n;

    request.of_case = HSM__REQUEST__OF_FIND;
    request.find = &find;
    find.template_ = &all;
    ck_assert_int_eq(local_cluster_ask(&cluster, &request, &reply), ERR_OK);
    n = reply->objects->n_objects;
    rpc_reply_free(reply);
    return n;
}

/* An object of whoever is logged in. Data: a private one that nobody can destroy; else a validation object. */
static enum err create(bool data)
{
    static const uint8_t yes = 1, no = 0, edition[] = {3, 0}, class_data[8] = {0}, one[8] = {[7] = 1},
                         class_validation[8] = {[7] = CKO_VALIDATION};
    const struct {
        uint64_t type;
        const void *value;
        size_t n;
    } of_data[] = {{CKA_CLASS, class_data, 8}, {CKA_TOKEN, &yes, 1}, {CKA_DESTROYABLE, &no, 1}, {CKA_VALUE, "value", 5}},
      of_validation[] = {{CKA_CLASS, class_validation, 8}, {CKA_VALIDATION_TYPE, one, 8}, {CKA_VALIDATION_VERSION, edition, 2},
                         {CKA_VALIDATION_LEVEL, one, 8}, {CKA_VALIDATION_MODULE_ID, "module", 6},
                         {CKA_VALIDATION_AUTHORITY_TYPE, one, 8}};
    Hsm__Attribute attributes[8], *list[8];
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Template t = HSM__TEMPLATE__INIT;

    t.n_attributes = data ? sizeof of_data / sizeof of_data[0] : sizeof of_validation / sizeof of_validation[0];
    t.attributes = list;
    for (size_t i = 0; i < t.n_attributes; i++) {
        hsm__attribute__init(&attributes[i]);
        attributes[i].type = data ? of_data[i].type : of_validation[i].type;
        attributes[i].value.data = (uint8_t *)(uintptr_t)(data ? of_data[i].value : of_validation[i].value);
        attributes[i].value.len = data ? of_data[i].n : of_validation[i].n;
        list[i] = &attributes[i];
    }
    request.of_case = HSM__REQUEST__OF_CREATE;
    request.create = &create;
    create.template_ = &t;
    return local_cluster_ask(&cluster, &request, NULL);
}

/* ---- who may, and what may be */

START_TEST(test_a_cluster_is_not_wipeable_unless_its_activation_says_so)
{
    uint64_t key;

    setup(false);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    ck_assert(!is_wipeable(NULL));
    as_admin();
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_WRONG_STATE);
    ck_assert_int_eq(activate_again(), ERR_ALREADY_ACTIVE);
    ck_assert(!is_wipeable(NULL));
    ck_assert_int_eq(forbid(), ERR_OK); /* it is so already */
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_WRONG_STATE);
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_only_an_admin_wipes_or_forbids_it)
{
    uint64_t key;

    setup(true);
    ck_assert(is_wipeable(NULL));
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_PERMISSION);
    ck_assert_int_eq(forbid(), ERR_PERMISSION);
    rpc_logout(cluster.rpc);
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_NOT_LOGGED_IN);
    ck_assert_int_eq(forbid(), ERR_NOT_LOGGED_IN);
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_what_is_forbidden_stays_so)
{
    uint64_t key;

    setup(true);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    as_admin();
    ck_assert_int_eq(forbid(), ERR_OK);
    ck_assert_int_eq(forbid(), ERR_OK);
    ck_assert(!is_wipeable(NULL));
    ck_assert_int_eq(activate_again(), ERR_ALREADY_ACTIVE);
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_WRONG_STATE);
    ck_assert(!is_wipeable(NULL));
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key), ERR_OK);
    teardown();
}
END_TEST

/* ---- to the end */

enum { PAIRS = 70, USERS = 6 };

/* Alice has so many objects that they take several requests; further users have some or none. */
static void fill(void)
{
    uint64_t key;
    char name[] = "user_0";

    for (int i = 0; i < PAIRS; i++)
        ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    ck_assert_int_eq(create(true), ERR_OK);
    as_admin();
    ck_assert_int_eq(create(false), ERR_OK);
    for (int i = 0; i < USERS; i++) {
        name[5] = (char)('0' + i);
        ck_assert_int_eq(local_cluster_make_user(&cluster, name, "some-password"), ERR_OK);
    }
    ck_assert_int_eq(local_cluster_login(&cluster, "user_5", "some-password", false), ERR_OK);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
}

static void all_is_gone(void)
{
    bool wiping;

    ck_assert_uint_eq(count_users(), 1);
    ck_assert(is_wipeable(&wiping));
    ck_assert(!wiping);
    ck_assert_uint_eq(count_objects(), 1); /* what the admin has stated */
    ck_assert_int_eq(as_alice(), ERR_PIN_INCORRECT);
}

START_TEST(test_all_objects_go_and_then_the_users_a_bounded_part_at_a_time)
{
    struct sum sum;
    uint64_t key;

    setup(true);
    fill();
    as_admin();
    sum = wipe_all();
    ck_assert_uint_eq(sum.objects, 2 * PAIRS + 1 + 2); /* the one that cannot be destroyed by C_DestroyObject too */
    ck_assert_uint_eq(sum.users, USERS + 1);
    ck_assert_uint_eq(sum.most_objects, WIPE_OBJECTS_MAX);
    ck_assert_uint_le(sum.most_users, WIPE_USERS_MAX);
    all_is_gone();
    as_admin();
    ck_assert_uint_eq(wipe_all().requests, 2); /* there is nothing: it begins and ends */
    ck_assert_int_eq(local_cluster_make_user(&cluster, "alice", LOCAL_ALICE_PASSWORD), ERR_OK);
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_lost_answers_and_lost_races_change_nothing)
{
    struct sum sum;

    setup(true);
    fill();
    as_admin();
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_OK);
    local_node_faults(cluster.node)->lose_replies = 3;
    sum = wipe_beside(0, 7); /* more misses than other changes take, in each part */
    ck_assert_uint_eq(sum.objects, 2 * PAIRS + 1 + 2); /* told once each */
    ck_assert_uint_eq(sum.users, USERS + 1);
    all_is_gone();
    teardown();
}
END_TEST

START_TEST(test_once_begun_no_crypto_user_is_served_until_it_has_ended)
{
    struct local_cluster alice;
    uint64_t key, other;
    bool wiping;

    setup(true);
    alice = cluster;
    ck_assert_int_eq(local_cluster_generate(&alice, &key), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&alice, key), ERR_OK);
    cluster.rpc = local_cluster_dial(&cluster);
    as_admin();
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_OK);
    ck_assert(is_wipeable(&wiping));
    ck_assert(wiping);
    ck_assert_int_eq(local_cluster_sign(&alice, key), ERR_TICKET);
    ck_assert_int_eq(local_cluster_generate(&alice, &other), ERR_TICKET);
    rpc_logout(alice.rpc);
    ck_assert_int_eq(local_cluster_login(&alice, "alice", LOCAL_ALICE_PASSWORD, false), ERR_WRONG_STATE);
    ck_assert_int_eq(local_cluster_make_user(&cluster, "bob", "bob-password"), ERR_WRONG_STATE);
    /* Another admin's client ends it, later. */
    rpc_logout(cluster.rpc);
    as_admin();
    ck_assert_uint_eq(wipe_all().users, 1);
    ck_assert_int_eq(local_cluster_make_user(&cluster, "alice", LOCAL_ALICE_PASSWORD), ERR_OK);
    ck_assert_int_eq(local_cluster_login(&alice, "alice", LOCAL_ALICE_PASSWORD, false), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&alice, key), ERR_KEY_HANDLE);
    ck_assert_int_eq(local_cluster_generate(&alice, &other), ERR_OK);
    ck_assert_int_eq(forbid(), ERR_OK);
    rpc_free(alice.rpc);
    teardown();
}
END_TEST

/* ---- which wipe is meant */

START_TEST(test_request_of_a_wipe_that_has_ended_begins_no_other)
{
    uint64_t key, before, now;
    Hsm__WipeReply said;

    setup(true);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    as_admin();
    before = looked_at();
    ck_assert_uint_eq(wipe_all().users, 1);
    ck_assert_int_eq(local_cluster_make_user(&cluster, "alice", LOCAL_ALICE_PASSWORD), ERR_OK);
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    as_admin();
    now = looked_at();
    ck_assert_uint_gt(now, before);
    ck_assert_int_eq(wipe(before, NULL), ERR_WRONG_STATE); /* held back since */
    ck_assert_int_eq(wipe(now + 1, NULL), ERR_WRONG_STATE);
    ck_assert_int_eq(wipe(0, &said), ERR_OK); /* another who was told that there is more */
    ck_assert(!said.more);
    ck_assert_uint_eq(said.objects + said.users, 0);
    ck_assert_uint_eq(looked_at(), now);
    ck_assert_int_eq(as_alice(), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_two_who_wipe_at_once_end_it_together)
{
    uint64_t key, version;
    struct sum sum;
    Hsm__WipeReply said;

    setup(true);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    as_admin();
    version = looked_at();
    ck_assert_int_eq(wipe(version, NULL), ERR_OK);
    ck_assert_int_eq(wipe(version, &said), ERR_OK); /* the other has seen the cluster before it began */
    ck_assert(said.more);
    ck_assert_uint_eq(said.objects, 2);
    sum = wipe_beside(0, 0);
    ck_assert_uint_eq(sum.users, 1);
    ck_assert_int_eq(wipe(0, &said), ERR_OK);
    ck_assert(!said.more);
    teardown();
}
END_TEST

START_TEST(test_who_began_by_mistake_forbids_it_and_keeps_what_is_left)
{
    uint64_t keys[PAIRS], other, version;
    bool wiping;
    size_t left = 0;
    enum err e;

    setup(true);
    for (int i = 0; i < PAIRS; i++)
        ck_assert_int_eq(local_cluster_generate(&cluster, &keys[i]), ERR_OK);
    as_admin();
    version = looked_at();
    ck_assert_int_eq(wipe(version, NULL), ERR_OK);
    ck_assert_int_eq(wipe(0, NULL), ERR_OK); /* the first objects are gone */
    ck_assert_int_eq(forbid(), ERR_OK);
    ck_assert(!is_wipeable(&wiping));
    ck_assert(!wiping);
    ck_assert_int_eq(wipe(0, NULL), ERR_WRONG_STATE); /* nobody is told that it has come to its end */
    ck_assert_int_eq(wipe(version, NULL), ERR_WRONG_STATE);
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_WRONG_STATE);
    ck_assert_int_eq(local_cluster_make_user(&cluster, "bob", "bob-password"), ERR_OK);
    ck_assert_int_eq(as_alice(), ERR_OK);
    for (int i = 0; i < PAIRS; i++) {
        e = local_cluster_sign(&cluster, keys[i]);
        ck_assert(e == ERR_OK || e == ERR_KEY_HANDLE);
        left += e == ERR_OK;
    }
    ck_assert_uint_lt(left, PAIRS);
    ck_assert_uint_ge(left, PAIRS - WIPE_OBJECTS_MAX);
    ck_assert_int_eq(local_cluster_generate(&cluster, &other), ERR_OK);
    teardown();
}
END_TEST

/* ---- a front that was taken over */

static void hide_what_is_found(Hsm__VaultCall *call)
{
    Hsm__Facts *f = call->of_case == HSM__VAULT_CALL__OF_FACTS ? call->facts : NULL;

    for (size_t i = 0; f != NULL && i < f->n_found; i++)
        f->found[i]->n_ids = 0;
}

START_TEST(test_front_that_hides_objects_does_not_part_them_from_their_owner)
{
    uint64_t key;

    setup(true);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key), ERR_OK);
    as_admin();
    local_node_faults(cluster.node)->bend = hide_what_is_found;
    ck_assert_int_eq(wipe(looked_at(), NULL), ERR_OK); /* begun */
    ck_assert_int_eq(wipe(0, NULL), ERR_USER_OWNS_KEYS);
    ck_assert_uint_eq(count_users(), 2);
    local_node_faults(cluster.node)->bend = NULL;
    ck_assert_uint_eq(wipe_all().objects, 2);
    ck_assert_uint_eq(count_users(), 1);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_a_cluster_is_not_wipeable_unless_its_activation_says_so,
        &test_only_an_admin_wipes_or_forbids_it,
        &test_what_is_forbidden_stays_so,
        &test_all_objects_go_and_then_the_users_a_bounded_part_at_a_time,
        &test_lost_answers_and_lost_races_change_nothing,
        &test_once_begun_no_crypto_user_is_served_until_it_has_ended,
        &test_request_of_a_wipe_that_has_ended_begins_no_other,
        &test_two_who_wipe_at_once_end_it_together,
        &test_who_began_by_mistake_forbids_it_and_keeps_what_is_left,
        &test_front_that_hides_objects_does_not_part_them_from_their_owner,
        NULL};
    return suite_of("wipe", 120, tests);
}
