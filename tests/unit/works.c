#include "tests/unit/works.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/local_store.h"
#include "vault/node/node.h"
#include "vault/operation/operation.h"
#include "vault/work_state.h"

struct works works;

static Hsm__Empty nothing = HSM__EMPTY__INIT;

enum err works_reply_empty(struct work *w)
{
    work_reply(w)->of_case = HSM__REPLY__OF_EMPTY;
    work_reply(w)->empty = &nothing;
    return ERR_OK;
}

static enum err change_decide(struct work *w)
{
    works.did.decided++;
    return works.did.decide(w);
}

static enum err change_answer(struct work *w)
{
    const ProtobufCBinaryData *result = &work_outcome(w)->result;

    works.did.answered++;
    works.did.result_bytes = result->len;
    if (result->len > 0 && result->len <= sizeof works.did.result)
        memcpy(works.did.result, result->data, result->len);
    return works.did.answer != NULL ? works.did.answer(w) : works_reply_empty(w);
}

static enum err read_decide(struct work *w)
{
    return works.did.read(w);
}

static enum err login_decide(struct work *w)
{
    work_login(w)->user_id = works.did.user_id;
    return works_reply_empty(w);
}

static const struct operation *find(uint32_t number)
{
    static const struct operation read = {read_decide, NULL}, change = {change_decide, change_answer},
                                  login = {login_decide, change_answer}, status = {op_status_decide, NULL},
                                  random = {op_generate_random_decide, NULL}, create = {op_create_decide, op_create_answer},
                                  generate = {op_generate_decide, op_generate_answer},
                                  generate_pair = {op_generate_pair_decide, op_generate_pair_answer};

    switch (number) {
    case REQUEST_user_list: return &read;
    case REQUEST_node_grant: return &change;
    case REQUEST_login: return &login;
    case REQUEST_create: return &create;
    case REQUEST_generate: return &generate;
    case REQUEST_generate_pair: return &generate_pair;
    case REQUEST_status: return &status;
    case REQUEST_generate_random: return &random;
    default: return NULL;
    }
}

static enum err node_decide(struct work *w)
{
    ck_assert_ptr_null(work_row(w)); /* a row is of proto/request.def */
    ck_assert_int_eq(work_node_call(w)->of_case, HSM__NODE_CALL__OF_CREATE);
    works.did.id = work_node_call(w)->create->node_id;
    return works.did.decide(w);
}

static const struct operation *find_node(uint32_t number)
{
    static const struct operation create = {node_decide, change_answer};

    return number == HSM__NODE_CALL__OF_CREATE ? &create : NULL;
}

static enum err let_in(struct work *w)
{
    w->policy = POLICY_COMPATIBLE;
    return ERR_OK;
}

static enum err node_facts_of(struct work *w, Hsm__NodeFacts **out)
{
    *out = work_memory(w, sizeof **out);
    hsm__node_facts__init(*out);
    (*out)->node_id = 7;
    return ERR_OK;
}

const struct engine_parts works_parts = {.operation = find, .node = find_node, .access = let_in, .node_facts = node_facts_of};

void works_setup(bool defers)
{
    memset(&works, 0, sizeof works);
    works.node = local_node_new(NULL, &works_parts);
    own_front_init(&works.front, works.node, &works_parts, defers);
    works.channel = own_front_open(&works.front, 900);
}

void works_teardown(void)
{
    buffer_clear(&works.request.body);
    channel_free(works.channel);
    own_front_clear(&works.front);
    local_node_free(works.node);
}

/* ---- asking */

void works_send(Hsm__Request *r, const Hsm__Facts *facts)
{
    static uint64_t number;
    bool change = request_find((uint32_t)r->of_case)->effect == EFFECT_CHANGE;

    buffer_clear(&works.request.body);
    own_front_seal(works.channel, r, change ? works.request_id : NULL, &works.request);
    own_front_send(&works.front, ++number, 900, &works.request, facts);
}

void works_begin(Hsm__Request *r, bool repeated)
{
    Hsm__Facts facts = HSM__FACTS__INIT;

    facts.applied = local_node_store(works.node)->index;
    facts.repeated_id = repeated;
    works_send(r, &facts);
}

void works_begin_change(bool repeated)
{
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    r.of_case = HSM__REQUEST__OF_NODE_GRANT;
    r.node_grant = &grant;
    works_begin(&r, repeated);
}

void works_begin_read(void)
{
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    r.of_case = HSM__REQUEST__OF_USER_LIST;
    r.user_list = &list;
    works_begin(&r, false);
}

void works_begin_login(void)
{
    Hsm__Login login = HSM__LOGIN__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    r.of_case = HSM__REQUEST__OF_LOGIN;
    r.login = &login;
    works_begin(&r, false);
}

enum err works_go_on(void)
{
    for (;;) {
        if (works.front.said == NULL && works.front.n_jobs > 0)
            own_front_run_job(&works.front);
        else if (works.front.said != NULL && works.front.said->of_case == HSM__VAULT_ANSWER__OF_NEED)
            own_front_answer_need(&works.front);
        else if (works.front.said != NULL && works.front.said->of_case == HSM__VAULT_ANSWER__OF_PROPOSE)
            own_front_answer_propose(&works.front);
        else
            return own_front_reply(&works.front, works.channel, &works.request, NULL);
    }
}

void works_new_request(void)
{
    works.request_id[0]++;
}

enum err works_change(void)
{
    works_new_request();
    works_begin_change(false);
    return works_go_on();
}

enum err works_change_again(void)
{
    works_begin_change(local_store_knows(local_node_store(works.node), works.request_id));
    return works_go_on();
}

void works_answer_outcome(Hsm__OutcomeStatus status, enum err error, const void *result, size_t n)
{
    Hsm__Outcome o = HSM__OUTCOME__INIT;
    uint8_t packed[256];

    o.status = status;
    o.error = error;
    o.result = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)result, .len = n};
    own_front_outcome(&works.front, works.front.said->call, packed, hsm__outcome__pack(&o, packed));
}

void works_release(void *kept)
{
    free(kept);
    works.did.released++;
}

enum err works_put(struct work *w)
{
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_GRANT, .version = 1, .body = (const uint8_t *)"body", .body_bytes = 4};
    enum err e = work_new_id(w, &put.id);

    if (e != ERR_OK)
        return e;
    works.did.ids[works.did.decided % 8] = works.did.id = put.id;
    e = work_put(w, &put);
    return e == ERR_OK ? work_result(w, (const uint8_t *)"made it", 7) : e;
}

enum err works_read(struct work *w)
{
    const struct opened_record *record;
    enum err e = work_record(w, works.did.id, HSM__RECORD_KIND__RECORD_GRANT, &record);

    return e == ERR_OK ? works_reply_empty(w) : e;
}
