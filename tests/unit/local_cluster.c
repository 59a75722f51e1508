#include "tests/unit/local_cluster.h"

#include <check.h>
#include <string.h>

#include "proto/pkcs11.h"
#include "tests/unit/runner.h"
#include "vault/access/access.h"
#include "vault/operation/operation.h"

bool local_cluster_wipeable;

static const struct operation *no_node_calls(uint32_t number)
{
    (void)number;
    return NULL;
}

static const struct engine_parts parts = {.operation = operation_find, .node = no_node_calls, .access = access_check};

struct rpc *local_cluster_dial(struct local_cluster *c)
{
    static const char *const servers[] = {"local:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connections = 1,
                                .connect_wait_ms = patient(3000), .reply_wait_ms = patient(10000),
                                .identity = &c->identity, .dialer = local_node_dialer(c->node)};
    struct rpc *r;
    ck_assert_int_eq(rpc_new(&config, &r), ERR_OK);
    return r;
}

enum err local_cluster_ask(struct local_cluster *c, const Hsm__Request *request, Hsm__Reply **reply)
{
    struct rpc_call call = {.request = request};
    Hsm__Reply *got = NULL;
    enum err e = rpc_call(c->rpc, &call, &got);

    if (reply != NULL)
        *reply = got;
    else
        rpc_reply_free(got);
    return e;
}

enum err local_cluster_login(struct local_cluster *c, const char *name, const char *password, bool admin)
{
    return rpc_login(c->rpc, name, (const uint8_t *)password, strlen(password), admin, NULL);
}

static void attribute(Hsm__Attribute *a, uint64_t type, const void *value, size_t n)
{
    hsm__attribute__init(a);
    a->type = type;
    a->value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)value, .len = n};
}

static enum err generate(struct local_cluster *c, bool always_authenticate, uint64_t *private_id)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, yes = 1;
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Template pub = HSM__TEMPLATE__INIT, priv = HSM__TEMPLATE__INIT;
    Hsm__Attribute params, token, always, *of_pub[] = {&params, &token}, *of_priv[] = {&token, &always};
    Hsm__Request request;
    Hsm__Reply *reply;
    enum err e;

    hsm__request__init(&request);
    attribute(&params, CKA_EC_PARAMS, p256, sizeof p256);
    attribute(&token, CKA_TOKEN, &yes, 1);
    attribute(&always, CKA_ALWAYS_AUTHENTICATE, &yes, 1);
    mechanism.type = CKM_EC_KEY_PAIR_GEN;
    pub.attributes = of_pub;
    pub.n_attributes = 2;
    priv.attributes = of_priv;
    priv.n_attributes = always_authenticate ? 2 : 1;
    pair.mechanism = &mechanism;
    pair.public_template = &pub;
    pair.private_template = &priv;
    request.of_case = HSM__REQUEST__OF_GENERATE_PAIR;
    request.generate_pair = &pair;
    e = local_cluster_ask(c, &request, &reply);
    if (e == ERR_OK) {
        ck_assert_uint_eq(reply->objects->n_objects, 2);
        *private_id = reply->objects->objects[1]->id;
    }
    rpc_reply_free(reply);
    return e;
}

enum err local_cluster_generate(struct local_cluster *c, uint64_t *private_id)
{
    return generate(c, false, private_id);
}

enum err local_cluster_generate_asking(struct local_cluster *c, uint64_t *private_id)
{
    return generate(c, true, private_id);
}

enum err local_cluster_sign(struct local_cluster *c, uint64_t id)
{
    return local_cluster_sign_with(c, id, NULL);
}

enum err local_cluster_sign_with(struct local_cluster *c, uint64_t id, const char *password)
{
    Hsm__Authorized authorized = HSM__AUTHORIZED__INIT;
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
    if (password != NULL) {
        authorized.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)password, .len = strlen(password)};
        authorized.use_case = HSM__AUTHORIZED__USE_SIGN;
        authorized.sign = &s;
        request.of_case = HSM__REQUEST__OF_AUTHORIZED;
        request.authorized = &authorized;
    }
    return local_cluster_ask(c, &request, NULL);
}

enum err local_cluster_destroy(struct local_cluster *c, uint64_t id)
{
    Hsm__Destroy d = HSM__DESTROY__INIT;
    Hsm__Request request;
    hsm__request__init(&request);
    d.id = id;
    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &d;
    return local_cluster_ask(c, &request, NULL);
}

enum err local_cluster_change_password(struct local_cluster *c, const char *old, const char *new)
{
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    Hsm__Request request;
    hsm__request__init(&request);
    change.old_password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)old, .len = strlen(old)};
    change.new_password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)new, .len = strlen(new)};
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    return local_cluster_ask(c, &request, NULL);
}

static enum err activate(struct local_cluster *c)
{
    Hsm__Activate activate = HSM__ACTIVATE__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;

    activate.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)LOCAL_ADMIN_PASSWORD, .len = strlen(LOCAL_ADMIN_PASSWORD)};
    activate.wipeable = local_cluster_wipeable;
    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    return local_cluster_ask(c, &request, NULL);
}

enum err local_cluster_make_user(struct local_cluster *c, const char *name, const char *password)
{
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;

    create.name = (char *)(uintptr_t)name;
    create.role = (char *)(uintptr_t)"crypto-user";
    create.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)password, .len = strlen(password)};
    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    return local_cluster_ask(c, &request, NULL);
}

void local_cluster_new(struct local_cluster *c)
{
    memset(c, 0, sizeof *c);
    c->node = local_node_new(NULL, &parts);
    local_node_client(c->node, "app", &c->identity);
    c->rpc = local_cluster_dial(c);
    ck_assert_int_eq(activate(c), ERR_OK);
    ck_assert_int_eq(local_cluster_login(c, "admin", LOCAL_ADMIN_PASSWORD, true), ERR_OK);
    ck_assert_int_eq(local_cluster_make_user(c, "alice", LOCAL_ALICE_PASSWORD), ERR_OK);
    rpc_logout(c->rpc);
    ck_assert_int_eq(local_cluster_login(c, "alice", LOCAL_ALICE_PASSWORD, false), ERR_OK);
}

void local_cluster_free(struct local_cluster *c)
{
    rpc_free(c->rpc);
    client_identity_clear(&c->identity);
    local_node_free(c->node);
}
