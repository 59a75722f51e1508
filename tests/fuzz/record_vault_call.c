/* Makes the corpus of fuzz_vault_call: a module asks a local node, and all that its front tells the vault is written down, with what is
 * sealed laid open. To be run again when messages change, with a libcrypto that has ML-KEM and ML-DSA (3.5):
 *
 *   build/tests/fuzz/record_vault_call tests/fuzz/corpus/vault_call */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/post_quantum.h"
#include "module/rpc/rpc.h"
#include "proto/frame.pb-c.h"
#include "proto/pkcs11.h"
#include "tests/fuzz/key_refs.h"
#include "tests/fuzz/record.h"
#include "tests/unit/local_node.h"
#include "tests/unit/local_store.h"
#include "vault/access/access.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/operation/operation.h"
#include "vault/record.h"

static const char *folder;
static struct local_node *node;
static struct client_identity identity;
static struct rpc *rpc;
static struct buffer written;
static Hsm__VaultCall *waiting; /* a request whose text is not known yet */
static bool recording;

static void write_call(const Hsm__VaultCall *call)
{
    size_t n = hsm__vault_call__get_packed_size(call);
    uint8_t *packed = malloc(n + 1);

    hsm__vault_call__pack(call, packed);
    if (recording)
        ck_assert(buffer_put_bytes(&written, packed, n));
    free(packed);
}

static void flush(void)
{
    if (waiting == NULL)
        return;
    write_call(waiting);
    hsm__vault_call__free_unpacked(waiting, NULL);
    waiting = NULL;
}

/* A session object's record is sealed anew where it is replayed: the newest is meant. */
static void forget_sealed(void *arg, Hsm__KeyRef *key)
{
    (void)arg;
    if (key->sealed.len > 0)
        key->sealed.len = 1, key->sealed.data[0] = 0;
}

/* The first handler to see the request gives its text, and who asks. */
static enum err see_request(struct work *w)
{
    const struct login *login = work_login(w);

    if (waiting != NULL && waiting->request->body.len == 0) {
        size_t n = hsm__request__get_packed_size(work_request(w));
        uint8_t *text = malloc(n + 1);
        Hsm__Request *copy = hsm__request__unpack(NULL, hsm__request__pack(work_request(w), text), text);
        key_refs_each(&copy->base, forget_sealed, NULL);
        waiting->request->body = (ProtobufCBinaryData){.data = text, .len = hsm__request__pack(copy, text)};
        hsm__request__free_unpacked(copy, NULL);
        waiting->time_ms = login->user_id << 4 | (uint64_t)login->role;
    }
    return access_check(w);
}

static const struct operation *no_node_calls(uint32_t number)
{
    (void)number;
    return NULL;
}

static const struct engine_parts parts = {.operation = operation_find, .node = no_node_calls, .access = see_request};

static void lay_open(ProtobufCBinaryData *packed)
{
    const struct cluster_view *view = keyring_view(local_node_vault(node)->keyring);
    Hsm__Record *record = hsm__record__unpack(NULL, packed->len, packed->data);
    Hsm__RecordHeader *header;
    struct secret text = {0};
    ProtobufCBinaryData sealed = record->sealed;

    ck_assert_int_eq(record_open(view->master, packed->data, packed->len, &header, &text), ERR_OK);
    keyring_view_done(local_node_vault(node)->keyring, view);
    record->sealed = (ProtobufCBinaryData){.data = text.bytes, .len = text.len};
    packed->len = hsm__record__get_packed_size(record);
    packed->data = realloc(packed->data, packed->len);
    hsm__record__pack(record, packed->data);
    record->sealed = sealed;
    hsm__record__free_unpacked(record, NULL);
    hsm__record_header__free_unpacked(header, NULL);
    secret_clear(&text);
}

/* The first REPEATED's result is the vault's again where it is replayed. */
static void forget_result(ProtobufCBinaryData *packed)
{
    Hsm__Outcome *o = hsm__outcome__unpack(NULL, packed->len, packed->data);

    o->result.len = 0;
    packed->len = hsm__outcome__pack(o, packed->data); /* not longer than it was */
    hsm__outcome__free_unpacked(o, NULL);
}

static void note(Hsm__VaultCall *call)
{
    size_t n = hsm__vault_call__get_packed_size(call);
    uint8_t *packed = malloc(n + 1);
    Hsm__VaultCall *copy;
    Hsm__Facts *facts = NULL;

    flush();
    hsm__vault_call__pack(call, packed);
    copy = hsm__vault_call__unpack(NULL, n, packed);
    free(packed);
    copy->time_ms = 0;
    if (copy->of_case == HSM__VAULT_CALL__OF_REQUEST) {
        facts = copy->request->facts;
        copy->request->body.len = 0;
        free(copy->request->body.data);
        copy->request->body.data = NULL;
    }
    if (copy->of_case == HSM__VAULT_CALL__OF_FACTS)
        facts = copy->facts;
    if (copy->of_case == HSM__VAULT_CALL__OF_CHANNEL_OPEN)
        copy->channel_open->message.len = 0;
    if (copy->of_case == HSM__VAULT_CALL__OF_OUTCOME)
        forget_result(&copy->outcome->outcome);
    for (size_t i = 0; facts != NULL && i < facts->n_records; i++)
        lay_open(&facts->records[i]);
    waiting = copy;
    if (copy->of_case != HSM__VAULT_CALL__OF_REQUEST)
        flush();
}

/* ---- stories */

void record_begin(void)
{
    const struct cluster_view *view = keyring_view(local_node_vault(node)->keyring);
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__NodeCall node_call = HSM__NODE_CALL__INIT;
    Hsm__ClusterRecordUpdate update = HSM__CLUSTER_RECORD_UPDATE__INIT;

    buffer_reset(&written);
    recording = true;
    update.record.len = hsm__cluster_body__get_packed_size(view->body);
    update.record.data = malloc(update.record.len);
    hsm__cluster_body__pack(view->body, update.record.data);
    keyring_view_done(local_node_vault(node)->keyring, view);
    node_call.of_case = HSM__NODE_CALL__OF_CLUSTER_RECORD;
    node_call.cluster_record = &update;
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = &node_call;
    write_call(&call);
    free(update.record.data);
    rpc_free(rpc); /* a new connection and a new block of ids: they are part of the story */
    rpc = NULL;
    ids_free(local_node_vault(node)->ids);
    local_node_vault(node)->ids = ids_new();
}

void record_end(const char *name)
{
    char path[4096];
    FILE *file;

    flush();
    recording = false;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(written.data, 1, written.len, file), written.len);
    fclose(file);
    printf("%s: %zu bytes\n", path, written.len);
}

static void dial(void)
{
    static const char *const servers[] = {"local:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connect_wait_ms = 500, .reply_wait_ms = 5000, .connections = 1,
                                .identity = &identity};

    if (rpc != NULL)
        return;
    config.dialer = local_node_dialer(node);
    ck_assert_int_eq(rpc_new(&config, &rpc), ERR_OK);
}

Hsm__Reply *record_ask(Hsm__Request__OfCase what, void *member)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call call = {.request = &request};
    Hsm__Reply *reply = NULL;
    enum err e;

    dial();
    request.of_case = what;
    request.login = member; /* whichever of the union it is */
    e = rpc_call(rpc, &call, &reply);
    if (recording && e != ERR_OK) /* some are meant to be */
        printf("    request %d is refused: %s\n", (int)what, err_text(e));
    return reply;
}

void record_ask_quietly(Hsm__Request__OfCase what, void *member)
{
    rpc_reply_free(record_ask(what, member));
}

ProtobufCBinaryData record_text(const char *s)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)s, .len = strlen(s)};
}

void record_login(const char *name, const char *password, bool admin)
{
    dial();
    ck_assert_int_eq(rpc_login(rpc, name, (const uint8_t *)password, strlen(password), admin, NULL), ERR_OK);
}

static void activate(void)
{
    Hsm__Activate activate = HSM__ACTIVATE__INIT;

    activate.password = record_text("admin-password");
    activate.wipeable = true;
    record_ask_quietly(HSM__REQUEST__OF_ACTIVATE, &activate);
}

static void make_user(const char *name)
{
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;

    create.name = (char *)(uintptr_t)name;
    create.role = (char *)(uintptr_t)"crypto-user";
    create.password = record_text("user-password");
    record_ask_quietly(HSM__REQUEST__OF_USER_CREATE, &create);
}

static void list_and_remove(const char *name)
{
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__UserDelete remove = HSM__USER_DELETE__INIT;
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;

    remove.name = (char *)(uintptr_t)name;
    grant.fingerprint = record_text("32 bytes, as long as any SHA-256");
    record_ask_quietly(HSM__REQUEST__OF_USER_LIST, &list);
    record_ask_quietly(HSM__REQUEST__OF_USER_DELETE, &remove);
    record_ask_quietly(HSM__REQUEST__OF_NODE_GRANT, &grant);
}

static void attribute(Hsm__Attribute *a, uint64_t type, const void *value, size_t n)
{
    hsm__attribute__init(a);
    a->type = type;
    a->value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)value, .len = n};
}

static uint64_t make_pair(bool token)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, bools[] = {0, 1};
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Template pub = HSM__TEMPLATE__INIT, priv = HSM__TEMPLATE__INIT;
    Hsm__Attribute params, on_token, label, *of_pub[] = {&params, &on_token, &label}, *of_priv[] = {&on_token, &label};
    Hsm__Reply *reply;
    uint64_t id;

    attribute(&params, CKA_EC_PARAMS, p256, sizeof p256);
    attribute(&on_token, CKA_TOKEN, &bools[token], 1);
    attribute(&label, CKA_LABEL, "pair", 4);
    mechanism.type = CKM_EC_KEY_PAIR_GEN;
    pub.attributes = of_pub;
    pub.n_attributes = 3;
    priv.attributes = of_priv;
    priv.n_attributes = 2;
    pair.mechanism = &mechanism;
    pair.public_template = &pub;
    pair.private_template = &priv;
    reply = record_ask(HSM__REQUEST__OF_GENERATE_PAIR, &pair);
    ck_assert(reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS && reply->objects->n_objects == 2);
    id = reply->objects->objects[1]->id;
    rpc_reply_free(reply);
    return id;
}

static void sign(uint64_t id)
{
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__KeyRef key = HSM__KEY_REF__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;

    key.id = id;
    mechanism.type = CKM_ECDSA;
    s.key = &key;
    s.mechanism = &mechanism;
    s.data = record_text("32 bytes, as long as any SHA-256");
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &s);
}

static void find(const char *label)
{
    Hsm__Find f = HSM__FIND__INIT;
    Hsm__Template template = HSM__TEMPLATE__INIT;
    Hsm__Attribute a, *list[] = {&a};

    attribute(&a, CKA_LABEL, label, strlen(label));
    template.attributes = list;
    template.n_attributes = label[0] != '\0';
    f.template_ = &template;
    record_ask_quietly(HSM__REQUEST__OF_FIND, &f);
}

static void make_secret(void)
{
    static const uint8_t secret_key[] = {0, 0, 0, 0, 0, 0, 0, CKO_SECRET_KEY}, yes = 1,
                         generic[] = {0, 0, 0, 0, 0, 0, 0, CKK_GENERIC_SECRET};
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Template template = HSM__TEMPLATE__INIT;
    Hsm__Attribute a[5], *list[] = {&a[0], &a[1], &a[2], &a[3], &a[4]};

    attribute(&a[0], CKA_CLASS, secret_key, sizeof secret_key);
    attribute(&a[1], CKA_KEY_TYPE, generic, sizeof generic);
    attribute(&a[2], CKA_VALUE, "a secret of some length", 23);
    attribute(&a[3], CKA_TOKEN, &yes, 1);
    attribute(&a[4], CKA_SIGN, &yes, 1);
    template.attributes = list;
    template.n_attributes = 5;
    create.template_ = &template;
    record_ask_quietly(HSM__REQUEST__OF_CREATE, &create);
}

/* An admin's: made, tried to be changed, removed. */
static void state_validation(void)
{
    static const uint8_t validation[] = {0, 0, 0, 0, 0, 0, 0, CKO_VALIDATION}, one[] = {0, 0, 0, 0, 0, 0, 0, 1}, edition[] = {3, 0};
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__SetAttributes set = HSM__SET_ATTRIBUTES__INIT;
    Hsm__Destroy destroy = HSM__DESTROY__INIT;
    Hsm__KeyRef object = HSM__KEY_REF__INIT;
    Hsm__Template template = HSM__TEMPLATE__INIT, change = HSM__TEMPLATE__INIT;
    Hsm__Attribute a[8], *list[8];
    Hsm__Reply *reply;

    attribute(&a[0], CKA_CLASS, validation, sizeof validation);
    attribute(&a[1], CKA_VALIDATION_TYPE, one, sizeof one);
    attribute(&a[2], CKA_VALIDATION_VERSION, edition, sizeof edition);
    attribute(&a[3], CKA_VALIDATION_LEVEL, one, sizeof one);
    attribute(&a[4], CKA_VALIDATION_MODULE_ID, "module", 6);
    attribute(&a[5], CKA_VALIDATION_AUTHORITY_TYPE, one, sizeof one);
    attribute(&a[6], CKA_VALIDATION_COUNTRY, "US", 2);
    attribute(&a[7], CKA_VALIDATION_VENDOR_URI, "urn:x", 5);
    for (size_t i = 0; i < 8; i++)
        list[i] = &a[i];
    template.attributes = list;
    template.n_attributes = 8;
    create.template_ = &template;
    reply = record_ask(HSM__REQUEST__OF_CREATE, &create);
    ck_assert(reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS && reply->objects->n_objects == 1);
    object.id = destroy.id = reply->objects->objects[0]->id;
    rpc_reply_free(reply);
    change.attributes = &list[3];
    change.n_attributes = 1;
    set.object = &object;
    set.template_ = &change;
    record_ask_quietly(HSM__REQUEST__OF_SET_ATTRIBUTES, &set);
    record_ask_quietly(HSM__REQUEST__OF_DESTROY, &destroy);
}

static void look_and_destroy(uint64_t id)
{
    Hsm__Get get = HSM__GET__INIT;
    Hsm__Destroy destroy = HSM__DESTROY__INIT;

    get.ids = &id;
    get.n_ids = 1;
    destroy.id = id;
    record_ask_quietly(HSM__REQUEST__OF_GET, &get);
    record_ask_quietly(HSM__REQUEST__OF_DESTROY, &destroy);
    sign(id);
}

/* One's own, with the right old one and a wrong one; what the user has, one by one. */
static void change_password(uint64_t id)
{
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    Hsm__Probe probe = HSM__PROBE__INIT;
    Hsm__Get get = HSM__GET__INIT;
    uint64_t ids[] = {id, id + 1, 1};

    get.ids = ids;
    get.n_ids = 3;
    record_ask_quietly(HSM__REQUEST__OF_PROBE, &probe);
    record_ask_quietly(HSM__REQUEST__OF_GET, &get);
    change.old_password = record_text("a wrong password");
    change.new_password = record_text("user-password");
    record_ask_quietly(HSM__REQUEST__OF_CHANGE_PASSWORD, &change);
    change.old_password = record_text("user-password");
    record_ask_quietly(HSM__REQUEST__OF_CHANGE_PASSWORD, &change);
}

static void chat(void)
{
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__GenerateRandom random = HSM__GENERATE_RANDOM__INIT;
    Hsm__Probe probe = HSM__PROBE__INIT;

    random.bytes = 16;
    record_ask_quietly(HSM__REQUEST__OF_STATUS, &status);
    record_ask_quietly(HSM__REQUEST__OF_GENERATE_RANDOM, &random);
    record_ask_quietly(HSM__REQUEST__OF_PROBE, &probe);
}

/* A node that was never set up is told what a node is told. */
static void tell_node(void)
{
    Hsm__NodeStart start = HSM__NODE_START__INIT;
    Hsm__NodeMakeHardware make = HSM__NODE_MAKE_HARDWARE__INIT;
    Hsm__ClusterCreate create = HSM__CLUSTER_CREATE__INIT;
    Hsm__JoinAsk join = HSM__JOIN_ASK__INIT;
    Hsm__NodeInfo info = HSM__NODE_INFO__INIT;
    Hsm__NodeCall rows[5];

    make.name = (char *)(uintptr_t)"node";
    create.node_id = 1;
    for (size_t i = 0; i < 5; i++)
        hsm__node_call__init(&rows[i]);
    rows[0].of_case = HSM__NODE_CALL__OF_START, rows[0].start = &start;
    rows[1].of_case = HSM__NODE_CALL__OF_MAKE_HARDWARE, rows[1].make_hardware = &make;
    rows[2].of_case = HSM__NODE_CALL__OF_CREATE, rows[2].create = &create;
    rows[3].of_case = HSM__NODE_CALL__OF_JOIN_ASK, rows[3].join_ask = &join;
    rows[4].of_case = HSM__NODE_CALL__OF_INFO, rows[4].info = &info;
    for (size_t i = 0; i < 5; i++) {
        Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
        call.call = 100 + i;
        call.of_case = HSM__VAULT_CALL__OF_NODE;
        call.node = &rows[i];
        write_call(&call);
    }
}

/* Another node's front asks whether the last command is what a vault has made. */
static void check_last(void)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__CheckBatch check = HSM__CHECK_BATCH__INIT;
    ProtobufCBinaryData commands[] = {{0}, record_text("no command")};

    flush();
    check.commands = commands;
    check.n_commands = 2;
    call.call = 99;
    call.of_case = HSM__VAULT_CALL__OF_CHECK;
    call.check = &check;
    write_call(&call);
}

/* All that the stories before have left, to the end; then no more. */
static void wipe_all(void)
{
    Hsm__Wipe wipe = HSM__WIPE__INIT;
    Hsm__WipeForbid forbid = HSM__WIPE_FORBID__INIT;
    const struct cluster_view *view = keyring_view(local_node_vault(node)->keyring);
    bool more = true;

    wipe.version = view->version;
    keyring_view_done(local_node_vault(node)->keyring, view);
    while (more) {
        Hsm__Reply *reply = record_ask(HSM__REQUEST__OF_WIPE, &wipe);
        ck_assert_ptr_nonnull(reply);
        more = reply->wipe->more;
        wipe.version = 0;
        rpc_reply_free(reply);
    }
    record_ask_quietly(HSM__REQUEST__OF_WIPE_FORBID, &forbid);
}

/* What a local node asserts, Check must be there to hear. */
START_TEST(record)
{
    uint64_t pair;

    post_quantum_probe(NULL);
    node = local_node_new(NULL, &parts);
    local_node_client(node, "app", &identity);
    local_node_faults(node)->bend = note;
    record_begin();
    activate();
    record_end("activate");
    record_begin();
    chat();
    record_end("chat");
    buffer_reset(&written);
    recording = true;
    tell_node();
    record_end("node");
    rpc_free(rpc);
    rpc = NULL;
    record_login("admin", "admin-password", true);
    make_user("bob");
    record_begin();
    record_login("admin", "admin-password", true);
    record_end("login");
    record_login("admin", "admin-password", true);
    record_begin();
    record_login("admin", "admin-password", true);
    make_user("alice");
    check_last();
    record_end("user");
    record_begin();
    record_login("admin", "admin-password", true);
    list_and_remove("bob");
    record_end("list");
    record_begin();
    record_login("admin", "admin-password", true);
    state_validation();
    record_end("validation");
    rpc_free(rpc);
    rpc = NULL;
    record_begin();
    record_login("alice", "user-password", false);
    pair = make_pair(true);
    sign(pair);
    find("pair");
    find("");
    record_end("keys");
    record_begin();
    record_login("alice", "user-password", false);
    local_node_faults(node)->conflicts = 2;
    make_secret();
    make_pair(false);
    record_end("secret");
    record_begin();
    record_login("alice", "user-password", false);
    change_password(pair);
    record_end("password");
    record_begin();
    record_login("alice", "user-password", false);
    local_node_faults(node)->lose_replies = 1;
    look_and_destroy(pair);
    record_end("destroy");
    record_begin();
    record_login("admin", "admin-password", true);
    wipe_all();
    record_end("wipe");
    record_login("admin", "admin-password", true);
    make_user("alice");
    record_secret_keys();
    record_objects();
    record_pairs();
    record_old_keys();
    rpc_free(rpc);
    client_identity_clear(&identity);
    local_node_free(node);
    buffer_clear(&written);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("record");
    TCase *stories = tcase_create("stories");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (argc != 2) {
        fprintf(stderr, "usage: record_vault_call FOLDER\n");
        return EXIT_FAILURE;
    }
    folder = argv[1];
    tcase_set_timeout(stories, 120);
    tcase_add_test(stories, record);
    suite_add_tcase(suite, stories);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
