/* A call, from the packed request to the reply that counts.
 *
 * Which errors send the same request elsewhere is their kind (proto/error.def): LOST to another node, BUSY after a pause. That is safe
 * for every row of proto/request.def: READ and LOCAL change nothing, CHANGE carries a request id, under which the cluster gives the
 * first result again and never makes a second change. */
#include "module/rpc/rpc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "common/clock.h"
#include "common/secret.h"
#include "module/rpc/gate.h"
#include "module/rpc/identity.h"
#include "module/rpc/pool.h"
#include "proto/limits.h"
#include "proto/memory.h"
#include "proto/request.h"

enum { HASH_BYTES = 32, REQUEST_ID_BYTES = 16, PAUSE_FIRST_MS = 5, PAUSE_MS_MAX = 400 };

struct rpc {
    struct rpc_config config;
    struct pool *pool;
    pthread_mutex_t login_lock; /* guards the four below; never held across the network */
    unsigned generation;        /* 0: not logged in; else the number of this login */
    unsigned generations;       /* given out so far */
    struct secret ticket;
    struct secret k;
    _Atomic uint64_t user_id;
    _Atomic uint64_t applied;
};

enum err rpc_new(const struct rpc_config *config, struct rpc **out)
{
    struct rpc *r = calloc(1, sizeof *r);
    enum err e;
    if (r == NULL) {
        config->dialer->free(config->dialer);
        return ERR_NO_MEMORY;
    }
    r->config = *config;
    r->config.servers = NULL; /* the pool's business */
    pthread_mutex_init(&r->login_lock, NULL);
    e = pool_new(config, &r->pool);
    if (e != ERR_OK) {
        free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void rpc_free(struct rpc *r)
{
    if (r == NULL)
        return;
    rpc_logout(r);
    pool_free(r->pool);
    free(r);
}

void rpc_after_fork(struct rpc *r)
{
    pthread_mutex_init(&r->login_lock, NULL);
    pool_after_fork(r->pool);
}

void rpc_reply_free(Hsm__Reply *reply)
{
    if (reply != NULL)
        hsm__reply__free_unpacked(reply, memory_wiping());
}

uint64_t rpc_applied(struct rpc *r)
{
    return atomic_load(&r->applied);
}

void rpc_last_failure(struct rpc *r, struct diag *why)
{
    pool_last_failure(r->pool, why);
}

uint64_t rpc_user_id(struct rpc *r)
{
    return atomic_load(&r->user_id);
}

static void note_applied(struct rpc *r, uint64_t applied)
{
    uint64_t seen = atomic_load(&r->applied);
    while (applied > seen && !atomic_compare_exchange_weak(&r->applied, &seen, applied))
        ;
}

/* ---- the login -------------------------------------------------------------------------------------------- */

/* HMAC-SHA-256(K, "clusterhsm resume" || 0 || hash) */
static bool resume_mac(struct rpc *r, const struct secret *k, const uint8_t *hash, uint8_t out[HASH_BYTES])
{
    static const char label[] = "clusterhsm resume"; /* with its terminating zero */
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_END};
    EVP_MAC *hmac;
    EVP_MAC_CTX *ctx;
    size_t n = 0;
    bool ok;

    gate_enter();
    hmac = EVP_MAC_fetch(r->config.libctx, "HMAC", NULL);
    ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    ok = ctx != NULL && EVP_MAC_init(ctx, k->bytes, k->len, params) == 1 &&
              EVP_MAC_update(ctx, (const uint8_t *)label, sizeof label) == 1 && EVP_MAC_update(ctx, hash, HASH_BYTES) == 1 &&
              EVP_MAC_final(ctx, out, &n, HASH_BYTES) == 1 && n == HASH_BYTES;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(hmac);
    ERR_clear_error();
    gate_leave();
    return ok;
}

/* "clusterhsm login" || 0 || hash || SHA-256(name || 0), signed by the client's key: the vault itself learns who the client is. */
static size_t login_signature(struct rpc *r, const char *name, const uint8_t *hash, uint8_t *out, size_t room)
{
    static const char label[] = "clusterhsm login";
    uint8_t text[sizeof label + 2 * HASH_BYTES];
    EVP_MD *sha256;
    size_t n = 0;

    gate_enter();
    sha256 = EVP_MD_fetch(r->config.libctx, "SHA256", NULL);
    memcpy(text, label, sizeof label);
    memcpy(text + sizeof label, hash, HASH_BYTES);
    if (sha256 != NULL && EVP_Digest(name, strlen(name) + 1, text + sizeof label + HASH_BYTES, NULL, sha256, NULL) == 1)
        n = client_identity_sign(r->config.identity, text, sizeof text, out, room);
    EVP_MD_free(sha256);
    ERR_clear_error();
    gate_leave();
    return n;
}

/* ---- one try ---------------------------------------------------------------------------------------------- */

/* A call on its way: the same at every try. */
struct attempt {
    struct connection_call wire;
    uint8_t request_id[REQUEST_ID_BYTES];
    bool change;
    bool born;         /* the id and the index it was born at are set */
    bool asked;        /* the newest try came as far as asking */
    uint64_t ids[HEADER_IDS_MAX];
    struct secret body;
};

static enum err pack(const Hsm__Request *request, struct secret *out)
{
    size_t n = hsm__request__get_packed_size(request);
    if (n > FRAME_BYTES_MAX - FRAME_HEADER_BYTES_MAX - 64)
        return ERR_TOO_LARGE;
    if (!secret_new(out, n ? n : 1))
        return ERR_NO_MEMORY;
    out->len = hsm__request__pack(request, out->bytes);
    return ERR_OK;
}

/* The id is made once, after the first connection has told us an index, and kept for every try. */
static enum err be_born(struct rpc *r, struct attempt *a)
{
    bool ok;
    if (!a->change || a->born)
        return ERR_OK;
    gate_enter();
    ok = RAND_bytes_ex(r->config.libctx, a->request_id, sizeof a->request_id, 0) == 1;
    gate_leave();
    if (!ok)
        return ERR_BUG;
    a->wire.request_id = a->request_id;
    a->wire.born_index = rpc_applied(r);
    a->born = true;
    return ERR_OK;
}

static enum err exchange(struct rpc *r, struct connection *c, const struct connection_call *wire, Hsm__Reply **out)
{
    enum err e;
    *out = NULL;
    e = connection_call(c, wire, out);
    if (*out != NULL)
        note_applied(r, (*out)->applied);
    return e;
}

/* Sends the ticket on a channel that has not seen it. ERR_OK also where there is no login. */
static enum err resume(struct rpc *r, struct slot *s)
{
    Hsm__Resume resume = HSM__RESUME__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct connection_call wire = {.request = REQUEST_resume, .silence_ms = r->config.reply_wait_ms};
    uint8_t mac[HASH_BYTES];
    struct secret ticket = {0}, k = {0}, body = {0};
    Hsm__Reply *reply = NULL;
    unsigned generation;
    enum err e = ERR_OK;

    pthread_mutex_lock(&r->login_lock);
    generation = r->generation;
    if (generation != 0 && (!secret_copy(&ticket, r->ticket.bytes, r->ticket.len) || !secret_copy(&k, r->k.bytes, r->k.len)))
        e = ERR_NO_MEMORY;
    pthread_mutex_unlock(&r->login_lock);
    if (generation == 0 || e != ERR_OK)
        goto out;

    slot_login_lock(s);
    if (slot_login(s) != generation) {
        if (!resume_mac(r, &k, connection_hash(slot_connection(s)), mac)) {
            e = ERR_BUG;
        } else {
            resume.ticket = (ProtobufCBinaryData){.data = ticket.bytes, .len = ticket.len};
            resume.mac = (ProtobufCBinaryData){.data = mac, .len = sizeof mac};
            request.of_case = HSM__REQUEST__OF_RESUME;
            request.resume = &resume;
            e = pack(&request, &body);
        }
        if (e == ERR_OK) {
            uint64_t user_id = rpc_user_id(r);
            wire.body = body.bytes;
            wire.body_bytes = body.len;
            wire.ids = &user_id;
            wire.n_ids = 1;
            e = exchange(r, slot_connection(s), &wire, &reply);
        }
        if (e == ERR_OK)
            slot_set_login(s, generation);
    }
    slot_login_unlock(s);
out:
    rpc_reply_free(reply);
    secret_clear(&ticket);
    secret_clear(&k);
    secret_clear(&body);
    return e;
}

static enum err try_once(struct rpc *r, struct attempt *a, uint64_t deadline_ms, Hsm__Reply **out)
{
    struct slot *s = NULL;
    enum err e = pool_borrow(r->pool, deadline_ms, &s, NULL);

    a->asked = false;
    if (e != ERR_OK)
        return e;
    e = resume(r, s);
    if (e == ERR_OK)
        e = be_born(r, a);
    a->asked = e == ERR_OK;
    if (a->asked)
        e = exchange(r, slot_connection(s), &a->wire, out);
    pool_give_back(r->pool, s, err_kind(e) == ERR_KIND_LOST);
    return e;
}

/* ---- the tries -------------------------------------------------------------------------------------------- */

/* Between a half and the whole of it: a hundred processes that begin together would else come back together, for ever. */
static void pause_ms(unsigned longest_ms)
{
    unsigned ms = longest_ms - (unsigned)(clock_boot_ns() / 1000 % (longest_ms / 2 + 1));
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* May the same request be sent again after this? */
static bool again(enum err e)
{
    return err_kind(e) == ERR_KIND_LOST || (err_kind(e) == ERR_KIND_BUSY && e != ERR_BORN_TOO_OLD);
}

/* What is said when no try was left: that a node was there, but may not serve, tells more than that another cannot be reached. Not of
 * what may have been carried out somewhere. */
static enum err most_telling(enum err e, bool answered, bool sent)
{
    return e == ERR_LOST && answered && !sent ? ERR_TRY_ANOTHER : e;
}

static enum err try_until(struct rpc *r, struct attempt *a, Hsm__Reply **out)
{
    uint64_t deadline_ms = clock_boot_ms() + r->config.connect_wait_ms;
    unsigned pause = PAUSE_FIRST_MS;
    bool sent = false, answered = false;
    enum err e;

    for (unsigned tries = 1;; tries++) {
        e = try_once(r, a, deadline_ms, out);
        /* Too old and never sent before: nothing can have been done under this id, so a fresh one is safe. */
        if (e == ERR_BORN_TOO_OLD && !sent) {
            a->born = false;
            e = ERR_BUSY;
        } else if (!again(e)) {
            return e;
        }
        answered = answered || e == ERR_TRY_ANOTHER;
        sent = sent || (a->born && a->asked && e != ERR_TRY_ANOTHER);
        if (tries >= RETRIES_MAX && clock_boot_ms() >= deadline_ms)
            return most_telling(e, answered, sent);
        rpc_reply_free(*out);
        *out = NULL;
        pause_ms(pause);
        pause = pause * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause * 2;
    }
}

static enum err attempt_init(struct rpc *r, struct attempt *a, const struct rpc_call *call)
{
    const struct request *row = request_find((uint32_t)call->request->of_case);
    uint64_t user_id = rpc_user_id(r);

    memset(a, 0, sizeof *a);
    if (row == NULL || call->n_ids >= HEADER_IDS_MAX)
        return ERR_ARGUMENTS;
    a->change = row->effect == EFFECT_CHANGE;
    a->wire.request = row->number;
    a->wire.silence_ms = r->config.reply_wait_ms;
    for (size_t i = 0; i < call->n_ids; i++)
        a->ids[a->wire.n_ids++] = call->ids[i];
    if (user_id != 0)
        a->ids[a->wire.n_ids++] = user_id;
    a->wire.ids = a->ids;
    return ERR_OK;
}

enum err rpc_call(struct rpc *r, const struct rpc_call *call, Hsm__Reply **out)
{
    struct attempt a;
    enum err e;

    *out = NULL;
    e = attempt_init(r, &a, call);
    if (e != ERR_OK)
        return e;
    e = pack(call->request, &a.body);
    if (e == ERR_OK) {
        a.wire.body = a.body.bytes;
        a.wire.body_bytes = a.body.len;
        e = try_until(r, &a, out);
    }
    secret_clear(&a.body);
    return e;
}

/* ---- login and logout -------------------------------------------------------------------------------------- */

enum err rpc_take_login(struct rpc *r, const Hsm__LoginReply *login)
{
    struct secret ticket = {0}, k = {0};
    if (login->ticket.len == 0 || login->secret.len != HASH_BYTES)
        return ERR_MALFORMED;
    if (!secret_copy(&ticket, login->ticket.data, login->ticket.len) || !secret_copy(&k, login->secret.data, login->secret.len)) {
        secret_clear(&ticket);
        return ERR_NO_MEMORY;
    }
    pthread_mutex_lock(&r->login_lock);
    secret_move(&r->ticket, &ticket);
    secret_move(&r->k, &k);
    if (++r->generations == 0)
        r->generations = 1;
    r->generation = r->generations;
    pthread_mutex_unlock(&r->login_lock);
    atomic_store(&r->user_id, login->user_id);
    return ERR_OK;
}

static void fill_certificates(const struct client_identity *id, ProtobufCBinaryData *out, size_t room, size_t *n)
{
    int more = id->chain ? sk_X509_num(id->chain) : 0;
    *n = 0;
    for (int i = -1; i < more && *n < room; i++) {
        uint8_t *der = NULL;
        int len = i2d_X509(i < 0 ? id->certificate : sk_X509_value(id->chain, i), &der);
        if (len <= 0)
            break;
        out[*n].data = der;
        out[(*n)++].len = (size_t)len;
    }
}

/* The signature is over the channel's hash, so each try makes its own; but the request id must stay, as a repeated login must not
 * count as a second wrong password. */
static enum err login_once(struct rpc *r, struct attempt *a, Hsm__Request *request, uint64_t deadline_ms, Hsm__Reply **out)
{
    uint8_t signature[1024];
    struct slot *s = NULL;
    enum err e = pool_borrow(r->pool, deadline_ms, &s, NULL);
    if (e != ERR_OK)
        return e;
    request->login->signature.len =
        login_signature(r, request->login->name, connection_hash(slot_connection(s)), signature, sizeof signature);
    request->login->signature.data = signature;
    e = request->login->signature.len == 0 ? ERR_CLIENT_CERTIFICATE : pack(request, &a->body);
    if (e == ERR_OK) {
        a->wire.body = a->body.bytes;
        a->wire.body_bytes = a->body.len;
        e = be_born(r, a);
    }
    if (e == ERR_OK)
        e = exchange(r, slot_connection(s), &a->wire, out);
    secret_clear(&a->body);
    pool_give_back(r->pool, s, err_kind(e) == ERR_KIND_LOST);
    return e;
}

/* Logins take turns, and a site that starts again logs in all at once: as long as a node says that it is busy, it is worth waiting. */
enum { CHAIN_MAX = 8, LOGIN_BUSY_MS_MAX = 60000 };

enum err rpc_login(struct rpc *r, const char *name, const uint8_t *password, size_t password_bytes, bool admin, struct diag *detail)
{
    ProtobufCBinaryData certificates[CHAIN_MAX];
    Hsm__Login login = HSM__LOGIN__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call call = {.request = &request};
    uint64_t deadline_ms = clock_boot_ms() + r->config.connect_wait_ms;
    Hsm__Reply *reply = NULL;
    struct attempt a;
    unsigned pause = PAUSE_FIRST_MS;
    bool answered = false;
    enum err e;

    if (r->config.identity == NULL)
        return ERR_CLIENT_CERTIFICATE;
    request.of_case = HSM__REQUEST__OF_LOGIN;
    request.login = &login;
    login.name = (char *)(uintptr_t)name; /* only read */
    login.password = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)password, .len = password_bytes};
    login.admin = admin;
    login.certificates = certificates;
    gate_enter();
    fill_certificates(r->config.identity, certificates, CHAIN_MAX, &login.n_certificates);
    gate_leave();
    e = attempt_init(r, &a, &call);
    while (e == ERR_OK) {
        e = login_once(r, &a, &request, deadline_ms, &reply);
        if (e == ERR_OK || !again(e) ||
            clock_boot_ms() >= deadline_ms + (err_kind(e) == ERR_KIND_BUSY ? LOGIN_BUSY_MS_MAX : 0))
            break;
        answered = answered || e == ERR_TRY_ANOTHER;
        rpc_reply_free(reply);
        reply = NULL;
        pause_ms(pause);
        pause = pause * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause * 2;
        e = ERR_OK;
    }
    if (e == ERR_OK)
        e = reply->of_case == HSM__REPLY__OF_LOGIN ? rpc_take_login(r, reply->login) : ERR_MALFORMED;
    else
        e = most_telling(e, answered, false); /* nothing that counts is lost with a login */
    if (e != ERR_OK && detail != NULL)
        diag_set(detail, "%s", reply != NULL && reply->detail[0] ? reply->detail : err_text(e));
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_LOGIN)
        bytes_wipe(reply->login->secret.data, reply->login->secret.len);
    rpc_reply_free(reply);
    for (size_t i = 0; i < login.n_certificates; i++)
        OPENSSL_free(certificates[i].data);
    return e;
}

unsigned rpc_login_number(struct rpc *r)
{
    unsigned number;

    pthread_mutex_lock(&r->login_lock);
    number = r->generation;
    pthread_mutex_unlock(&r->login_lock);
    return number;
}

void rpc_logout(struct rpc *r)
{
    pthread_mutex_lock(&r->login_lock);
    r->generation = 0;
    secret_clear(&r->ticket);
    secret_clear(&r->k);
    pthread_mutex_unlock(&r->login_lock);
    atomic_store(&r->user_id, 0);
    pool_drop_all(r->pool);
}
