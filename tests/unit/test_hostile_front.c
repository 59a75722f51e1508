/* A front that was taken over gets nothing out of its vault: the real engine with the real handlers, a real store, and a front that bends
 * what it passes on. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "module/rpc/rpc.h"
#include "proto/pkcs11.h"
#include "tests/unit/local_node.h"
#include "tests/unit/runner.h"
#include "vault/access/access.h"
#include "vault/engine.h"
#include "vault/operation/operation.h"

static struct local_node *node;
static struct client_identity identity;
static struct rpc *rpc;
static uint64_t key_id;

static const struct operation *no_node_calls(uint32_t number)
{
    (void)number;
    return NULL;
}

static const struct engine_parts parts = {.operation = operation_find, .node = no_node_calls, .access = access_check};

static struct rpc *client_new(void)
{
    static const char *const servers[] = {"local:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connect_wait_ms = 200, .reply_wait_ms = 2000, .connections = 1,
                                .identity = &identity, .dialer = local_node_dialer(node)};
    struct rpc *r;
    ck_assert_int_eq(rpc_new(&config, &r), ERR_OK);
    return r;
}

static enum err ask(struct rpc *r, Hsm__Request *request, Hsm__Reply **reply)
{
    struct rpc_call call = {.request = request};
    return rpc_call(r, &call, reply);
}

static enum err ask_quietly(Hsm__Request *request)
{
    Hsm__Reply *reply;
    enum err e = ask(rpc, request, &reply);
    rpc_reply_free(reply);
    return e;
}

static enum err login(const char *name, const char *password, bool admin)
{
    return rpc_login(rpc, name, (const uint8_t *)password, strlen(password), admin, NULL);
}

static void attribute(Hsm__Attribute *a, uint64_t type, const void *value, size_t n)
{
    hsm__attribute__init(a);
    a->type = type;
    a->value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)value, .len = n};
}

static enum err generate(uint64_t *private_id)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, yes = 1;
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Template pub = HSM__TEMPLATE__INIT, priv = HSM__TEMPLATE__INIT;
    Hsm__Attribute params, token, *of_pub[] = {&params, &token}, *of_priv[] = {&token};
    Hsm__Request request;
    Hsm__Reply *reply;
    enum err e;

    hsm__request__init(&request);
    attribute(&params, CKA_EC_PARAMS, p256, sizeof p256);
    attribute(&token, CKA_TOKEN, &yes, 1);
    mechanism.type = CKM_EC_KEY_PAIR_GEN;
    pub.attributes = of_pub;
    pub.n_attributes = 2;
    priv.attributes = of_priv;
    priv.n_attributes = 1;
    pair.mechanism = &mechanism;
    pair.public_template = &pub;
    pair.private_template = &priv;
    request.of_case = HSM__REQUEST__OF_GENERATE_PAIR;
    request.generate_pair = &pair;
    e = ask(rpc, &request, &reply);
    if (e == ERR_OK) {
        ck_assert_uint_eq(reply->objects->n_objects, 2);
        *private_id = reply->objects->objects[1]->id;
    }
    rpc_reply_free(reply);
    return e;
}

static enum err sign(uint64_t id)
{
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__KeyRef key = HSM__KEY_REF__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Request request;
    uint8_t digest[32] = "some digest";

    hsm__request__init(&request);
    key.id = id;
    mechanism.type = CKM_ECDSA;
    s.key = &key;
    s.mechanism = &mechanism;
    s.data = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    request.of_case = HSM__REQUEST__OF_SIGN;
    request.sign = &s;
    return ask_quietly(&request);
}

static enum err destroy(uint64_t id)
{
    Hsm__Destroy d = HSM__DESTROY__INIT;
    Hsm__Request request;
    hsm__request__init(&request);
    d.id = id;
    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &d;
    return ask_quietly(&request);
}

static enum err change_password(const char *old, const char *new)
{
    Hsm__ChangePassword c = HSM__CHANGE_PASSWORD__INIT;
    Hsm__Request request;
    hsm__request__init(&request);
    c.old_password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)old, .len = strlen(old)};
    c.new_password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)new, .len = strlen(new)};
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &c;
    return ask_quietly(&request);
}

/* An active cluster, the crypto user alice logged in, a key of hers. */
static void setup(void)
{
    Hsm__Activate activate = HSM__ACTIVATE__INIT;
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;
    Hsm__Request request;

    node = local_node_new(NULL, &parts);
    local_node_client(node, "app", &identity);
    rpc = client_new();
    hsm__request__init(&request);
    activate.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)"admin-password", .len = 14};
    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    ck_assert_int_eq(ask_quietly(&request), ERR_OK);
    ck_assert_int_eq(login("admin", "admin-password", true), ERR_OK);
    create.name = (char *)(uintptr_t)"alice";
    create.role = (char *)(uintptr_t)"crypto-user";
    create.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)"alice-password", .len = 14};
    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    ck_assert_int_eq(ask_quietly(&request), ERR_OK);
    rpc_logout(rpc);
    ck_assert_int_eq(login("alice", "alice-password", false), ERR_OK);
    ck_assert_int_eq(generate(&key_id), ERR_OK);
}

static void teardown(void)
{
    rpc_free(rpc);
    client_identity_clear(&identity);
    local_node_free(node);
}

START_TEST(test_front_that_bends_nothing_serves)
{
    setup();
    ck_assert_int_eq(sign(key_id), ERR_OK);
    ck_assert_int_eq(destroy(key_id), ERR_OK);
    ck_assert_int_eq(sign(key_id), ERR_KEY_HANDLE);
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
    local_node_faults(node)->bend = show_the_oldest;
    ck_assert_int_eq(sign(key_id), ERR_OK);
    ck_assert_int_eq(change_password("alice-password", "another-password"), ERR_OK);
    ck_assert_int_eq(login("alice", "another-password", false), ERR_OK);
    ck_assert_int_eq(sign(key_id), ERR_OK);
    keeping = false; /* from here on the front shows the user as she was before she changed her password */
    ck_assert_int_ne(login("alice", "alice-password", false), ERR_OK);
    ck_assert_int_eq(sign(key_id), ERR_STALE);
    local_node_faults(node)->bend = NULL;
    ck_assert_int_eq(sign(key_id), ERR_OK);
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
    local_node_faults(node)->bend = flip_a_bit;
    ck_assert_int_eq(sign(key_id), ERR_FORGED);
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
    local_node_faults(node)->bend = hide_all;
    ck_assert_int_ne(sign(key_id), ERR_OK);
    teardown();
}
END_TEST

/* ---- frames */

static uint8_t kept_header[512], kept_body[65536];
static size_t kept_header_n, kept_body_n;

static void keep_the_login(Hsm__VaultCall *call)
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

START_TEST(test_login_that_was_overheard_opens_nothing_elsewhere)
{
    Hsm__VaultCall call;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;

    setup();
    kept_body_n = 0;
    rpc_logout(rpc);
    local_node_faults(node)->bend = keep_the_login;
    ck_assert_int_eq(login("alice", "alice-password", false), ERR_OK);
    local_node_faults(node)->bend = NULL;
    ck_assert_uint_gt(kept_body_n, 0);
    ck_assert_ptr_null(memmem(kept_body, kept_body_n, "alice-password", 14));
    hsm__vault_call__init(&call);
    request.header = (ProtobufCBinaryData){.data = kept_header, .len = kept_header_n};
    request.body = (ProtobufCBinaryData){.data = kept_body, .len = kept_body_n};
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    call.call = 500;
    for (request.connection = 1; request.connection < 9; request.connection++) { /* its own channel, and all others */
        heard = ERR_OK;
        local_node_call(node, &call, hear, NULL);
        ck_assert(heard == ERR_FORGED || heard == ERR_CHANNEL_UNKNOWN);
    }
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
    local_node_faults(node)->bend = tell_old_ids;
    for (unsigned i = 0; i < 5000 && e == ERR_OK; i++) /* until the honest block is used up and the bent one begins */
        e = generate(&id);
    ck_assert_int_ne(e, ERR_OK);
    local_node_faults(node)->bend = NULL;
    ck_assert_int_eq(sign(key_id), ERR_OK);
    ck_assert_int_eq(sign(id), ERR_OK);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_front_that_bends_nothing_serves, &test_record_older_than_one_shown_before_is_refused,
        &test_altered_record_is_refused, &test_front_that_hides_records_gets_no_signature,
        &test_login_that_was_overheard_opens_nothing_elsewhere, &test_ids_that_were_given_out_before_overwrite_nothing, NULL};
    return suite_of("hostile front", 120, tests);
}
