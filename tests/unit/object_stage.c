#include "tests/unit/object_stage.h"

#include <string.h>

#include "module/rpc/rpc.h"
#include "tests/unit/runner.h"
#include "vault/operation/operation.h"

enum { REPLIES_MAX = 4096, SECRET_BYTES = 32 };

static const char *const names[WHO_N] = {"nobody", "alice", "bob", "admin"};

static struct {
    struct local_node *node;
    struct rpc *rpc[WHO_N];
    struct client_identity identity;
    uint64_t users[WHO_N]; /* their records */
    Hsm__Reply *replies[REPLIES_MAX];
    size_t n_replies;
} stage;

/* ---- who asks: a ticket that says it; the first login makes the user's record */

static enum who who_is(const char *name)
{
    enum who who = NOBODY;

    for (int i = ALICE; i < WHO_N; i++)
        if (strcmp(names[i], name) == 0)
            who = (enum who)i;
    return who;
}

static void enter(struct work *w, const char *name)
{
    enum who who = who_is(name);

    work_login(w)->user_id = stage.users[who];
    work_login(w)->role = who == ADMIN ? ROLE_ADMIN : ROLE_CRYPTO_USER;
}

static enum err login_decide(struct work *w)
{
    enum who who = who_is(work_request(w)->login->name);
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_USER, .version = 1, .body = (const uint8_t *)"",
                      .body_bytes = 0};
    enum err e = work_new_id(w, &put.id);

    if (e != ERR_OK)
        return e;
    stage.users[who] = put.id;
    return work_put(w, &put);
}

static enum err login_answer(struct work *w)
{
    const char *name = work_request(w)->login->name;
    Hsm__LoginReply *reply = work_memory(w, sizeof *reply);

    enter(w, name);
    hsm__login_reply__init(reply);
    reply->ticket = (ProtobufCBinaryData){.data = work_memory(w, strlen(name) + 1), .len = strlen(name) + 1};
    memcpy(reply->ticket.data, name, reply->ticket.len);
    reply->secret = (ProtobufCBinaryData){.data = work_memory(w, SECRET_BYTES), .len = SECRET_BYTES};
    reply->user_id = work_login(w)->user_id;
    work_reply(w)->of_case = HSM__REPLY__OF_LOGIN;
    work_reply(w)->login = reply;
    return ERR_OK;
}

static enum err resume_decide(struct work *w)
{
    Hsm__Empty *empty = work_memory(w, sizeof *empty);

    hsm__empty__init(empty);
    work_reply(w)->of_case = HSM__REPLY__OF_EMPTY;
    work_reply(w)->empty = empty;
    enter(w, (const char *)work_request(w)->resume->ticket.data);
    return ERR_OK;
}

static enum err access_by_role(struct work *w)
{
    enum role role = work_login(w)->role;

    if (work_row(w)->roles == ROLES_ANYONE || (work_row(w)->roles == ROLES_CU && role == ROLE_CRYPTO_USER) ||
        (work_row(w)->roles == ROLES_ADMIN && role == ROLE_ADMIN) || (work_row(w)->roles == ROLES_LOGGED_IN && role != ROLE_NONE))
        return ERR_OK;
    return role == ROLE_NONE ? ERR_NOT_LOGGED_IN : ERR_PERMISSION;
}

static const struct operation *find_operation(uint32_t number)
{
    static const struct operation login = {login_decide, login_answer}, resume = {resume_decide, NULL};

    return number == REQUEST_login ? &login : number == REQUEST_resume ? &resume : operation_find(number);
}

static const struct operation *no_node_call(uint32_t number)
{
    (void)number;
    return NULL;
}

static enum err no_facts(struct work *w, Hsm__NodeFacts **out)
{
    (void)w, (void)out;
    return ERR_BUG;
}

static const struct engine_parts parts = {
    .operation = find_operation, .node = no_node_call, .access = access_by_role, .node_facts = no_facts};

void stage_open(void)
{
    static const char *const servers[] = {"here"};

    memset(&stage, 0, sizeof stage);
    stage.node = local_node_new(NULL, &parts);
    local_node_client(stage.node, "a client", &stage.identity);
    for (int who = 0; who < WHO_N; who++) {
        struct rpc_config config = {.servers = servers, .n_servers = 1, .dialer = local_node_dialer(stage.node),
                                    .identity = &stage.identity, .connect_wait_ms = 60000, .reply_wait_ms = 600000,
                                    .connections = 1};
        ck_assert_int_eq(rpc_new(&config, &stage.rpc[who]), ERR_OK);
        if (who != NOBODY)
            ck_assert_int_eq(rpc_login(stage.rpc[who], names[who], NULL, 0, who == ADMIN, NULL), ERR_OK);
    }
}

void stage_forget(void)
{
    for (size_t i = 0; i < stage.n_replies; i++)
        rpc_reply_free(stage.replies[i]);
    stage.n_replies = 0;
}

void stage_close(void)
{
    stage_forget();
    for (int who = 0; who < WHO_N; who++)
        rpc_free(stage.rpc[who]);
    client_identity_clear(&stage.identity);
    local_node_free(stage.node);
    sample_memory_free();
}

struct local_node *stage_node(void)
{
    return stage.node;
}

/* ---- requests */

const Hsm__Reply *stage_ask(enum who who, const Hsm__Request *request, enum err expected)
{
    struct rpc_call call = {.request = request};
    Hsm__Reply *reply = NULL;
    enum err e = rpc_call(stage.rpc[who], &call, &reply);

    ck_assert_msg(e == expected, "request %d of %s: %s, not %s: %s", (int)request->of_case, names[who], err_name(e),
                  err_name(expected), reply != NULL && reply->detail != NULL ? reply->detail : "");
    if (reply != NULL) {
        ck_assert_uint_lt(stage.n_replies, REPLIES_MAX);
        stage.replies[stage.n_replies++] = reply;
    }
    return reply;
}

const Hsm__Reply *stage_create(enum who who, const struct sample_template *t, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;

    create.template_ = (Hsm__Template *)&t->message;
    request.of_case = HSM__REQUEST__OF_CREATE;
    request.create = &create;
    return stage_ask(who, &request, expected);
}

const Hsm__Reply *stage_pair(enum who who, CK_MECHANISM_TYPE mechanism, const struct sample_template *public_template,
                             const struct sample_template *private_template, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism m = HSM__MECHANISM__INIT;

    m.type = mechanism;
    pair.mechanism = &m;
    pair.public_template = (Hsm__Template *)&public_template->message;
    pair.private_template = (Hsm__Template *)&private_template->message;
    request.of_case = HSM__REQUEST__OF_GENERATE_PAIR;
    request.generate_pair = &pair;
    return stage_ask(who, &request, expected);
}

const Hsm__ObjectsReply *stage_find(enum who who, const struct sample_template *t, uint64_t after, uint32_t limit)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Find find = HSM__FIND__INIT;
    const Hsm__Reply *reply;

    find.template_ = (Hsm__Template *)&t->message;
    find.after_id = after;
    find.limit = limit;
    request.of_case = HSM__REQUEST__OF_FIND;
    request.find = &find;
    reply = stage_ask(who, &request, ERR_OK);
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_OBJECTS);
    return reply->objects;
}

const Hsm__Reply *stage_get(enum who who, const uint64_t *ids, size_t n, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Get get = HSM__GET__INIT;

    get.ids = (uint64_t *)ids;
    get.n_ids = n;
    request.of_case = HSM__REQUEST__OF_GET;
    request.get = &get;
    return stage_ask(who, &request, expected);
}

void stage_destroy(enum who who, uint64_t id, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Destroy destroy = HSM__DESTROY__INIT;
    const Hsm__Reply *reply;

    destroy.id = id;
    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &destroy;
    reply = stage_ask(who, &request, expected);
    if (expected == ERR_OK)
        ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_EMPTY);
}

Hsm__KeyRef stage_key(const Hsm__Object *o)
{
    Hsm__KeyRef key = HSM__KEY_REF__INIT;

    key.id = o->id;
    key.sealed = o->sealed;
    return key;
}

/* A mechanism's parameters as they travel. */
struct travelling {
    Hsm__Mechanism mechanism;
    Hsm__PssParams pss;
    Hsm__EddsaParams eddsa;
};

static void travel(const struct stage_use *use, struct travelling *t)
{
    hsm__mechanism__init(&t->mechanism);
    t->mechanism.type = use->mechanism;
    hsm__eddsa_params__init(&t->eddsa);
    if (mechanism_find(use->mechanism) != NULL && mechanism_find(use->mechanism)->param == PARAM_EDDSA)
        t->mechanism.eddsa = &t->eddsa;
    if (use->pss == NULL)
        return;
    hsm__pss_params__init(&t->pss);
    t->pss.hash = use->pss->hashAlg;
    t->pss.mgf = use->pss->mgf;
    t->pss.salt_bytes = use->pss->sLen;
    t->mechanism.pss = &t->pss;
}

ProtobufCBinaryData stage_sign(enum who who, const struct stage_use *use, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Sign sign = HSM__SIGN__INIT;
    struct travelling t;
    const Hsm__Reply *reply;

    travel(use, &t);
    sign.key = (Hsm__KeyRef *)&use->key;
    sign.mechanism = &t.mechanism;
    sign.data = (ProtobufCBinaryData){.data = (uint8_t *)use->data, .len = use->n};
    request.of_case = HSM__REQUEST__OF_SIGN;
    request.sign = &sign;
    reply = stage_ask(who, &request, expected);
    if (expected != ERR_OK)
        return (ProtobufCBinaryData){0};
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_BYTES);
    return reply->bytes->value;
}

void stage_verify(enum who who, const struct stage_use *use, ProtobufCBinaryData signature, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Verify verify = HSM__VERIFY__INIT;
    struct travelling t;

    travel(use, &t);
    verify.key = (Hsm__KeyRef *)&use->key;
    verify.mechanism = &t.mechanism;
    verify.data = (ProtobufCBinaryData){.data = (uint8_t *)use->data, .len = use->n};
    verify.signature = signature;
    request.of_case = HSM__REQUEST__OF_VERIFY;
    request.verify = &verify;
    stage_ask(who, &request, expected);
}

const Hsm__Object *stage_one(const Hsm__Reply *reply)
{
    ck_assert_ptr_nonnull(reply);
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_OBJECTS);
    ck_assert_uint_eq(reply->objects->n_objects, 1);
    return reply->objects->objects[0];
}

const ProtobufCBinaryData *stage_value(const Hsm__Object *o, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < o->n_attributes; i++)
        if (o->attributes[i]->type == type)
            return &o->attributes[i]->value;
    return NULL;
}

bool stage_hides(const Hsm__Object *o, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < o->n_hidden; i++)
        if (o->hidden[i] == type)
            return true;
    return false;
}

void stage_policy(enum who who, const char *policy, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__PolicySet set = HSM__POLICY_SET__INIT;

    request.of_case = HSM__REQUEST__OF_POLICY_SET;
    request.policy_set = &set;
    set.policy = (char *)(uintptr_t)policy;
    stage_ask(who, &request, expected);
}
