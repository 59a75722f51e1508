/* A front that was taken over gets nothing out of its vault: the real engine with the real handlers, a real store, and a front that bends
 * what it passes on. */
#include <stdlib.h>
#include <string.h>

#include "proto/frame.pb-c.h"
#include "tests/unit/draft.h"
#include "tests/unit/local_cluster.h"
#include "tests/unit/local_store.h"
#include "tests/unit/runner.h"

static struct local_cluster cluster;
static uint64_t key_id;

static void setup(void)
{
    local_cluster_new(&cluster);
    ck_assert_int_eq(local_cluster_generate(&cluster, &key_id), ERR_OK);
}

static void teardown(void)
{
    local_cluster_free(&cluster);
}

START_TEST(test_front_that_bends_nothing_serves)
{
    setup();
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_destroy(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_KEY_HANDLE);
    teardown();
}
END_TEST

/* ---- records */

/* What was shown of each record the first time. */
static struct {
    uint64_t id;
    uint8_t *bytes;
    size_t n;
} first[32];
static size_t n_first;
static bool keeping;

static uint64_t id_of(const ProtobufCBinaryData *packed)
{
    Hsm__Record *record = hsm__record__unpack(NULL, packed->len, packed->data);
    Hsm__RecordHeader *header = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
    uint64_t id = header->id;
    hsm__record_header__free_unpacked(header, NULL);
    hsm__record__free_unpacked(record, NULL);
    return id;
}

static Hsm__Facts *facts_of(Hsm__VaultCall *call)
{
    if (call->of_case == HSM__VAULT_CALL__OF_REQUEST)
        return call->request->facts;
    return call->of_case == HSM__VAULT_CALL__OF_FACTS ? call->facts : NULL;
}

/* While keeping: remembers each record's first bytes. Afterwards: shows those again, whatever came since. */
static void show_the_oldest(Hsm__VaultCall *call)
{
    static ProtobufCBinaryData shown[64];
    Hsm__Facts *f = facts_of(call);

    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_records && i < 64; i++) {
        size_t at = 0;
        uint64_t id = id_of(&f->records[i]);
        while (at < n_first && first[at].id != id)
            at++;
        shown[i] = f->records[i];
        if (keeping && at == n_first && n_first < 32) {
            first[at].id = id;
            first[at].n = f->records[i].len;
            first[at].bytes = malloc(f->records[i].len);
            memcpy(first[at].bytes, f->records[i].data, f->records[i].len);
            n_first++;
        } else if (!keeping && at < n_first) {
            shown[i] = (ProtobufCBinaryData){.data = first[at].bytes, .len = first[at].n};
        }
    }
    f->records = shown;
}

static void forget_first(void)
{
    for (size_t i = 0; i < n_first; i++)
        free(first[i].bytes);
    n_first = 0;
}

START_TEST(test_record_older_than_one_shown_before_is_refused)
{
    setup();
    keeping = true;
    local_node_faults(cluster.node)->bend = show_the_oldest;
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_change_password(&cluster, "alice-password", "another-password"), ERR_OK);
    ck_assert_int_eq(local_cluster_login(&cluster, "alice", "another-password", false), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    keeping = false; /* from here on the front shows the user as she was before she changed her password */
    ck_assert_int_ne(local_cluster_login(&cluster, "alice", "alice-password", false), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_STALE);
    local_node_faults(cluster.node)->bend = NULL;
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    forget_first();
    teardown();
}
END_TEST

static void flip_a_bit(Hsm__VaultCall *call)
{
    static uint8_t bytes[4][8192];
    static ProtobufCBinaryData records[4];
    Hsm__Facts *f = facts_of(call);

    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_records && i < 4 && f->records[i].len <= sizeof bytes[0]; i++) {
        memcpy(bytes[i], f->records[i].data, f->records[i].len);
        bytes[i][f->records[i].len - 1] ^= 1;
        records[i] = (ProtobufCBinaryData){.data = bytes[i], .len = f->records[i].len};
    }
    f->records = records;
}

START_TEST(test_altered_record_is_refused)
{
    setup();
    local_node_faults(cluster.node)->bend = flip_a_bit;
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_FORGED);
    teardown();
}
END_TEST

static void hide_all(Hsm__VaultCall *call)
{
    static uint64_t absent[64];
    Hsm__Facts *f = facts_of(call);

    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_records && i < 64; i++)
        absent[i] = id_of(&f->records[i]);
    f->absent = absent;
    f->n_absent = f->n_records;
    f->n_records = 0;
}

START_TEST(test_front_that_hides_records_gets_no_signature)
{
    setup();
    local_node_faults(cluster.node)->bend = hide_all;
    ck_assert_int_ne(local_cluster_sign(&cluster, key_id), ERR_OK);
    teardown();
}
END_TEST

/* ---- frames */

static uint8_t kept_header[512], kept_body[65536];
static size_t kept_header_n, kept_body_n;

static void keep_the_first(Hsm__VaultCall *call)
{
    if (call->of_case != HSM__VAULT_CALL__OF_REQUEST || kept_body_n > 0)
        return;
    ck_assert_uint_le(call->request->body.len, sizeof kept_body);
    kept_header_n = call->request->header.len;
    memcpy(kept_header, call->request->header.data, kept_header_n);
    kept_body_n = call->request->body.len;
    memcpy(kept_body, call->request->body.data, kept_body_n);
}

static enum err heard;

static void hear(void *arg, const Hsm__VaultAnswer *a)
{
    (void)arg;
    heard = a->of_case == HSM__VAULT_ANSWER__OF_REFUSED ? err_from_wire(a->refused->error) : ERR_OK;
}

/* What was kept shows no secret, and opens on no channel. */
static void ck_nobody_takes_it_again(const char *secret)
{
    Hsm__VaultCall call;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;

    ck_assert_uint_gt(kept_body_n, 0);
    ck_assert_ptr_null(memmem(kept_body, kept_body_n, secret, strlen(secret)));
    hsm__vault_call__init(&call);
    request.header = (ProtobufCBinaryData){.data = kept_header, .len = kept_header_n};
    request.body = (ProtobufCBinaryData){.data = kept_body, .len = kept_body_n};
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    call.call = 500;
    for (request.connection = 1; request.connection < 9; request.connection++) { /* its own channel, and all others */
        heard = ERR_OK;
        local_node_call(cluster.node, &call, hear, NULL);
        ck_assert(heard == ERR_FORGED || heard == ERR_CHANNEL_UNKNOWN);
    }
}

START_TEST(test_login_that_was_overheard_opens_nothing_elsewhere)
{
    setup();
    kept_body_n = 0;
    rpc_logout(cluster.rpc);
    local_node_faults(cluster.node)->bend = keep_the_first;
    ck_assert_int_eq(local_cluster_login(&cluster, "alice", "alice-password", false), ERR_OK);
    local_node_faults(cluster.node)->bend = NULL;
    ck_nobody_takes_it_again("alice-password");
    teardown();
}
END_TEST

/* ---- ids and outcomes */

static void tell_old_ids(Hsm__VaultCall *call)
{
    static uint8_t packed[256];
    Hsm__Outcome *o;

    if (call->of_case != HSM__VAULT_CALL__OF_OUTCOME)
        return;
    o = hsm__outcome__unpack(NULL, call->outcome->outcome.len, call->outcome->outcome.data);
    if (o->ids_first != 0 && hsm__outcome__get_packed_size(o) <= sizeof packed) {
        o->ids_first = key_id;
        call->outcome->outcome = (ProtobufCBinaryData){.data = packed, .len = hsm__outcome__pack(o, packed)};
    }
    hsm__outcome__free_unpacked(o, NULL);
}

START_TEST(test_ids_that_were_given_out_before_overwrite_nothing)
{
    uint64_t id = 0;
    enum err e = ERR_OK;

    setup();
    local_node_faults(cluster.node)->bend = tell_old_ids;
    for (unsigned i = 0; i < 5000 && e == ERR_OK; i++) /* until the honest block is used up and the bent one begins */
        e = local_cluster_generate(&cluster, &id);
    ck_assert_int_ne(e, ERR_OK);
    local_node_faults(cluster.node)->bend = NULL;
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, id), ERR_OK);
    teardown();
}
END_TEST

/* ---- retries */

static bool is_change(const Hsm__VaultCall *call)
{
    Hsm__FrameHeader *header;
    bool change;

    if (call->of_case != HSM__VAULT_CALL__OF_REQUEST)
        return false;
    header = hsm__frame_header__unpack(NULL, call->request->header.len, call->request->header.data);
    change = header->request_id.len > 0;
    hsm__frame_header__free_unpacked(header, NULL);
    return change;
}

static void call_it_a_retry(Hsm__VaultCall *call)
{
    if (is_change(call))
        call->request->facts->repeated_id = true;
}

/* After that it is an honest one: another node's, to which the client turns. */
static void call_it_a_retry_once(Hsm__VaultCall *call)
{
    if (!is_change(call))
        return;
    call_it_a_retry(call);
    local_node_faults(cluster.node)->bend = NULL;
}

START_TEST(test_front_that_calls_a_destruction_a_retry_cannot_have_it_reported_as_done)
{
    setup();
    local_node_faults(cluster.node)->bend = call_it_a_retry;
    ck_assert_int_ne(local_cluster_destroy(&cluster, key_id), ERR_OK);
    local_node_faults(cluster.node)->bend = call_it_a_retry_once;
    ck_assert_int_ne(local_cluster_destroy(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_destroy(&cluster, key_id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_KEY_HANDLE);
    teardown();
}
END_TEST

/* ---- keys that always ask for the password */

static uint8_t right_outcome[4096];
static size_t right_outcome_n;

static void keep_the_outcome(Hsm__VaultCall *call)
{
    if (call->of_case != HSM__VAULT_CALL__OF_OUTCOME)
        return;
    ck_assert_uint_le(call->outcome->outcome.len, sizeof right_outcome);
    right_outcome_n = call->outcome->outcome.len;
    memcpy(right_outcome, call->outcome->outcome.data, right_outcome_n); /* the last one is the request's own */
}

/* Says that the request was made before, and that this came of it. */
static void tell_the_kept_outcome(Hsm__VaultCall *call)
{
    static uint8_t packed[4096 + 64];
    Hsm__Outcome *o;

    call_it_a_retry(call);
    if (call->of_case != HSM__VAULT_CALL__OF_OUTCOME)
        return;
    o = hsm__outcome__unpack(NULL, right_outcome_n, right_outcome);
    o->status = HSM__OUTCOME_STATUS__OUTCOME_REPEATED;
    call->outcome->outcome = (ProtobufCBinaryData){.data = packed, .len = hsm__outcome__pack(o, packed)};
    hsm__outcome__free_unpacked(o, NULL);
}

START_TEST(test_key_that_always_asks_signs_for_nobody_without_the_password)
{
    uint64_t id;

    setup();
    ck_assert_int_eq(local_cluster_generate_asking(&cluster, &id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, id), ERR_REAUTHENTICATE);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, ""), ERR_PIN_INCORRECT);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "not the password"), ERR_PIN_INCORRECT);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_OK);
    ck_assert_int_eq(local_cluster_sign(&cluster, id), ERR_REAUTHENTICATE);
    ck_assert_int_eq(local_cluster_destroy(&cluster, id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_KEY_HANDLE);
    teardown();
}
END_TEST

START_TEST(test_use_that_was_authorized_authorizes_no_other)
{
    uint64_t id;

    setup();
    ck_assert_int_eq(local_cluster_generate_asking(&cluster, &id), ERR_OK);
    local_node_faults(cluster.node)->bend = keep_the_outcome;
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_OK);
    local_node_faults(cluster.node)->bend = tell_the_kept_outcome;
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "not the password"), ERR_FORGED);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_FORGED); /* another request, if for the same */
    ck_assert_int_eq(local_cluster_sign(&cluster, id), ERR_REAUTHENTICATE);
    teardown();
}
END_TEST

/* ---- keys that are destroyed while they are used */

static unsigned destroyed;

/* As another node destroys them: when the vault is just being told of the key. */
static void destroy_what_is_read(Hsm__VaultCall *call)
{
    Hsm__Facts *f = facts_of(call);
    struct buffer outcome = {0};
    uint8_t command[4096];

    for (size_t i = 0; f != NULL && i < f->n_records; i++) {
        Hsm__Record *record = hsm__record__unpack(NULL, f->records[i].len, f->records[i].data);
        Hsm__RecordHeader *header = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
        struct draft d = draft_new(local_node_store(cluster.node)->index, "another node's");
        if (header->kind == HSM__RECORD_KIND__RECORD_OBJECT) {
            d.cluster = header->cluster_id.data;
            d.request_id[15] = (uint8_t)++destroyed;
            d.pre[0][0] = d.erase[0] = header->id;
            d.pre[0][1] = header->version;
            d.n_pre = d.n_erase = 1;
            local_store_apply(local_node_store(cluster.node), command, draft_pack(&d, command), true, 0, &outcome);
            ck_assert_uint_eq(local_store_version(local_node_store(cluster.node), header->id), 0);
        }
        hsm__record_header__free_unpacked(header, NULL);
        hsm__record__free_unpacked(record, NULL);
    }
    buffer_clear(&outcome);
}

START_TEST(test_key_that_is_destroyed_meanwhile_signs_nothing)
{
    uint64_t id;

    setup();
    ck_assert_int_eq(local_cluster_generate_asking(&cluster, &id), ERR_OK);
    local_node_faults(cluster.node)->bend = destroy_what_is_read;
    ck_assert_int_eq(local_cluster_sign(&cluster, key_id), ERR_KEY_HANDLE);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_KEY_HANDLE);
    ck_assert_uint_eq(destroyed, 2);
    teardown();
}
END_TEST

START_TEST(test_use_that_was_overheard_is_not_made_again)
{
    uint64_t id;

    setup();
    ck_assert_int_eq(local_cluster_generate_asking(&cluster, &id), ERR_OK);
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_OK); /* its channel knows who it is by now */
    kept_body_n = 0;
    local_node_faults(cluster.node)->bend = keep_the_first;
    ck_assert_int_eq(local_cluster_sign_with(&cluster, id, "alice-password"), ERR_OK);
    local_node_faults(cluster.node)->bend = NULL;
    ck_nobody_takes_it_again("alice-password");
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_front_that_bends_nothing_serves, &test_record_older_than_one_shown_before_is_refused,
        &test_altered_record_is_refused, &test_front_that_hides_records_gets_no_signature,
        &test_login_that_was_overheard_opens_nothing_elsewhere, &test_ids_that_were_given_out_before_overwrite_nothing,
        &test_front_that_calls_a_destruction_a_retry_cannot_have_it_reported_as_done,
        &test_key_that_always_asks_signs_for_nobody_without_the_password, &test_use_that_was_authorized_authorizes_no_other,
        &test_key_that_is_destroyed_meanwhile_signs_nothing,
        &test_use_that_was_overheard_is_not_made_again, NULL};
    return suite_of("hostile front", 120, tests);
}
