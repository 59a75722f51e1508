#include "tests/unit/own_front.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "proto/frame.pb-c.h"
#include "tests/unit/local_store.h"
#include "vault/keyring.h"

static void forget(struct own_front *f)
{
    if (f->said != NULL)
        hsm__vault_answer__free_unpacked(f->said, NULL);
    f->said = NULL;
}

static void hear(void *arg, const Hsm__VaultAnswer *a)
{
    struct own_front *f = arg;
    size_t n = hsm__vault_answer__get_packed_size(a);
    uint8_t *packed;

    if (f->leave != NULL)
        f->leave();
    packed = malloc(n + 1);
    forget(f);
    hsm__vault_answer__pack(a, packed);
    f->said = hsm__vault_answer__unpack(NULL, n, packed);
    ck_assert_ptr_nonnull(f->said);
    f->answers++;
    free(packed);
}

static void defer(void *arg, struct engine_job *job)
{
    struct own_front *f = arg;

    ck_assert_uint_lt(f->n_jobs, OWN_FRONT_JOBS_MAX);
    f->jobs[f->n_jobs++] = job;
}

void own_front_init(struct own_front *f, struct local_node *n, const struct engine_parts *parts, bool defers)
{
    struct engine_setup setup = {.vault = local_node_vault(n), .parts = parts, .answer = hear, .defer = defers ? defer : NULL, .arg = f};

    memset(f, 0, sizeof *f);
    f->node = n;
    ck_assert_int_eq(engine_new(&setup, &f->engine), ERR_OK);
}

void own_front_clear(struct own_front *f)
{
    while (f->n_jobs > 0)
        own_front_run_job(f);
    engine_free(f->engine);
    forget(f);
}

void own_front_tell(struct own_front *f, Hsm__VaultCall *call)
{
    forget(f);
    if (f->enter != NULL)
        f->enter();
    engine_call(f->engine, call);
    if (f->leave != NULL)
        f->leave();
}

void own_front_run_job(struct own_front *f)
{
    struct engine_job *job = f->jobs[0];

    ck_assert_uint_gt(f->n_jobs, 0);
    f->n_jobs--;
    memmove(f->jobs, f->jobs + 1, f->n_jobs * sizeof f->jobs[0]);
    engine_job_run(job);
    engine_job_done(job);
}

struct channel *own_front_open(struct own_front *f, uint64_t connection)
{
    struct keyring *keyring = local_node_vault(f->node)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, view->login_private->bytes, view->login_private->len);
    struct channel_setup s = {.prologue = CHANNEL_PROLOGUE, .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    uint8_t public_key[CHANNEL_KEY_BYTES];
    size_t n = sizeof public_key;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    struct buffer message = {0};
    struct channel *c;

    keyring_view_done(keyring, view);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, public_key, &n), 1);
    EVP_PKEY_free(key);
    s.server_public = public_key;
    ck_assert_int_eq(channel_new(&s, &c), ERR_OK);
    ck_assert_int_eq(channel_write_open(c, NULL, 0, &message), ERR_OK);
    open.connection = connection;
    open.message = (ProtobufCBinaryData){.data = message.data, .len = message.len};
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    own_front_tell(f, &call);
    own_front_expect(f, HSM__VAULT_ANSWER__OF_OPENED);
    ck_assert_int_eq(channel_read_opened(c, f->said->opened->message.data, f->said->opened->message.len, NULL), ERR_OK);
    buffer_clear(&message);
    return c;
}

void own_front_close(struct own_front *f, uint64_t connection)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelClose close = HSM__CHANNEL_CLOSE__INIT;

    close.connection = connection;
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_CLOSE;
    call.channel_close = &close;
    own_front_tell(f, &call);
    own_front_expect(f, HSM__VAULT_ANSWER__OF_DROPPED);
}

void own_front_seal(struct channel *c, const Hsm__Request *request, const uint8_t *request_id, struct sealed_request *out)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    size_t n = hsm__request__get_packed_size(request);
    uint8_t *text = malloc(n + 1);

    memset(out, 0, sizeof *out);
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.counter = out->counter = channel_next(c);
    header.request = (uint32_t)request->of_case;
    if (request_id != NULL)
        header.request_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)request_id, .len = 16};
    ck_assert_uint_le(hsm__frame_header__get_packed_size(&header), sizeof out->header);
    out->header_bytes = hsm__frame_header__pack(&header, out->header);
    hsm__request__pack(request, text);
    ck_assert_int_eq(channel_seal(c, header.counter, out->header, out->header_bytes, text, n, &out->body), ERR_OK);
    free(text);
}

void own_front_send(struct own_front *f, uint64_t number, uint64_t connection, const struct sealed_request *r, const Hsm__Facts *facts)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;

    request.connection = connection;
    request.header = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)r->header, .len = r->header_bytes};
    request.body = (ProtobufCBinaryData){.data = r->body.data, .len = r->body.len};
    request.facts = (Hsm__Facts *)(uintptr_t)facts;
    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    own_front_tell(f, &call);
}

void own_front_facts(struct own_front *f, uint64_t number, const Hsm__Facts *facts)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;

    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_FACTS;
    call.facts = (Hsm__Facts *)(uintptr_t)facts;
    own_front_tell(f, &call);
}

void own_front_outcome(struct own_front *f, uint64_t number, const uint8_t *packed, size_t n)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__OutcomeCall outcome = HSM__OUTCOME_CALL__INIT;

    outcome.outcome = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)packed, .len = n};
    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_OUTCOME;
    call.outcome = &outcome;
    own_front_tell(f, &call);
}

void own_front_drop(struct own_front *f, uint64_t number)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__Drop drop = HSM__DROP__INIT;

    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_DROP;
    call.drop = &drop;
    own_front_tell(f, &call);
}

void own_front_answer_need(struct own_front *f)
{
    const Hsm__Need *need = f->said->need;
    Hsm__Facts *facts;

    own_front_expect(f, HSM__VAULT_ANSWER__OF_NEED);
    facts = local_store_facts(local_node_store(f->node), need->ids, need->n_ids, need->lookups, need->n_lookups);
    own_front_facts(f, f->said->call, facts);
    local_facts_free(facts);
}

void own_front_answer_propose(struct own_front *f)
{
    struct buffer outcome = {0};

    own_front_expect(f, HSM__VAULT_ANSWER__OF_PROPOSE);
    local_node_propose(f->node, f->said->propose, &outcome);
    own_front_outcome(f, f->said->call, outcome.data, outcome.len);
    buffer_clear(&outcome);
}

void own_front_expect(const struct own_front *f, Hsm__VaultAnswer__OfCase what)
{
    ck_assert_msg(f->said != NULL, "the engine has not answered");
    ck_assert_int_eq(f->said->of_case, what);
}

void own_front_expect_refused(const struct own_front *f, enum err why)
{
    own_front_expect(f, HSM__VAULT_ANSWER__OF_REFUSED);
    ck_assert_str_eq(err_name(err_from_wire(f->said->refused->error)), err_name(why));
}

enum err own_front_reply(const struct own_front *f, struct channel *c, const struct sealed_request *r, Hsm__Reply **out)
{
    struct secret text = {0};
    Hsm__Reply *reply;
    enum err e;

    own_front_expect(f, HSM__VAULT_ANSWER__OF_REPLY);
    ck_assert_int_eq(channel_open_reply(c, r->counter, f->said->reply->body.data, f->said->reply->body.len, &text), ERR_OK);
    reply = hsm__reply__unpack(NULL, text.len, text.bytes);
    ck_assert_ptr_nonnull(reply);
    e = err_from_wire(reply->error);
    if (out != NULL)
        *out = reply;
    else
        hsm__reply__free_unpacked(reply, NULL);
    secret_clear(&text);
    return e;
}
