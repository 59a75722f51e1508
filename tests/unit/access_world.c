#include "tests/unit/access_world.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "common/clock.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"
#include "vault/access/password.h"
#include "vault/access/ticket.h"

/* ---- the world ---------------------------------------------------------------------------------------------------- */

static void keep_der(struct world_client *c, EVP_PKEY *key, X509 *cert)
{
    uint8_t *at = c->der;
    int n = i2d_X509(cert, NULL);
    ck_assert_int_gt(n, 0);
    ck_assert_int_le(n, WORLD_BYTES);
    c->n = (size_t)i2d_X509(cert, &at);
    c->key = key;
}

void world_anchors(struct access_world *x, bool first, bool second)
{
    ProtobufCBinaryData list[2];
    size_t n = 0;
    if (first)
        list[n++] = (ProtobufCBinaryData){.data = x->anchors[0].der, .len = x->anchors[0].n};
    if (second)
        list[n++] = (ProtobufCBinaryData){.data = x->anchors[1].der, .len = x->anchors[1].n};
    fake_anchors(&x->fake, list, n);
}

/* Keys and certificates are made once a process: nothing changes them. */
static void make_clients(struct access_world *x)
{
    static struct world_client anchors[2], clients[WORLD_CLIENTS];
    X509 *issuers[2];

    for (int i = 0; i < 2 && clients[0].key == NULL; i++) {
        EVP_PKEY *key = test_key_new();
        issuers[i] = test_certificate_new(i == 0 ? "first anchor" : "second anchor", key, NULL, NULL);
        keep_der(&anchors[i], key, issuers[i]);
    }
    for (unsigned i = WORLD_CLIENTS; i-- > 0 && clients[0].key == NULL;) {
        EVP_PKEY *key = i == WORLD_RSA ? EVP_RSA_gen(2048) : test_key_new();
        int by = i == WORLD_STRANGER;
        char name[16];
        X509 *cert;
        snprintf(name, sizeof name, "client %u", i);
        cert = test_certificate_new(name, key, issuers[by], anchors[by].key);
        keep_der(&clients[i], key, cert);
        X509_free(cert);
        if (i == 0) {
            X509_free(issuers[0]);
            X509_free(issuers[1]);
        }
    }
    memcpy(x->anchors, anchors, sizeof anchors);
    memcpy(x->clients, clients, sizeof clients);
}

void world_init(struct access_world *x)
{
    ProtobufCBinaryData first;

    memset(x, 0, sizeof *x);
    fake_own_ms = clock_real_ms();
    make_clients(x);
    first = (ProtobufCBinaryData){.data = x->anchors[0].der, .len = x->anchors[0].n};
    fake_init(&x->fake, &first, 1);
}

void world_clear(struct access_world *x)
{
    fake_clear(&x->fake);
}

struct fake_channel world_channel(struct access_world *x, unsigned vault)
{
    struct fake_channel c = {.vault = &x->fake.vaults[vault]};
    ck_assert_int_eq(RAND_bytes(c.hash, sizeof c.hash), 1);
    return c;
}

static Hsm__UserBody *user_body(const struct fake_record *r)
{
    return hsm__user_body__unpack(NULL, r->n, r->body);
}

/* scrypt at the least cost that it has */
static void make_cheap(struct access_world *x, uint64_t id, const char *password)
{
    uint8_t hash[PASSWORD_HASH_BYTES];
    Hsm__UserBody *user = user_body(fake_record(&x->fake, id));
    ck_assert_int_eq(EVP_PBE_scrypt(password, strlen(password), user->salt.data, user->salt.len, 2, 8, 1, 0, hash, sizeof hash), 1);
    memcpy(user->hash.data, hash, sizeof hash);
    user->scrypt_log_n = 1;
    fake_put(&x->fake, id, HSM__RECORD_KIND__RECORD_USER, &user->base);
    hsm__user_body__free_unpacked(user, NULL);
}

void world_make_cheap(struct access_world *x, const char *name, const char *password)
{
    for (size_t i = 0; i < x->fake.n_records; i++) {
        const struct fake_record *r = &x->fake.records[i];
        Hsm__UserBody *user = r->kind == HSM__RECORD_KIND__RECORD_USER && r->version != 0 ? user_body(r) : NULL;
        if (user != NULL && strcmp(user->name, name) == 0)
            make_cheap(x, r->id, password);
        if (user != NULL)
            hsm__user_body__free_unpacked(user, NULL);
    }
}

uint64_t world_add(struct access_world *x, const char *name, enum role role, const char *password)
{
    uint64_t list = fake_cluster_body(&x->fake)->users, id = x->fake.next_id++;
    struct fake_record *r = fake_record(&x->fake, list);
    Hsm__UsersBody *users = hsm__users_body__unpack(NULL, r->n, r->body), more;
    Hsm__UserEntry entry = HSM__USER_ENTRY__INIT, *entries[1024];
    Hsm__UserBody user = HSM__USER_BODY__INIT;
    Hsm__AttemptsBody attempts = HSM__ATTEMPTS_BODY__INIT;
    struct password_hash hash = {.log_n = 1, .r = 8, .p = 1};

    attempts.user_id = entry.id = id;
    entry.attempts = fake_put(&x->fake, 0, HSM__RECORD_KIND__RECORD_ATTEMPTS, &attempts.base);
    entry.name = user.name = (char *)(uintptr_t)name;
    entry.admin = role == ROLE_ADMIN;
    user.role = (char *)(uintptr_t)(entry.admin ? "admin" : "crypto-user");
    user.password_epoch = 1;
    password_to_body(&hash, &user);
    fake_put(&x->fake, id, HSM__RECORD_KIND__RECORD_USER, &user.base);
    make_cheap(x, id, password);
    more = *users;
    memcpy(entries, users->users, users->n_users * sizeof *entries);
    entries[more.n_users++] = &entry;
    more.users = entries;
    fake_put(&x->fake, list, HSM__RECORD_KIND__RECORD_USERS, &more.base);
    hsm__users_body__free_unpacked(users, NULL);
    return id;
}

struct fake_channel world_admin(struct access_world *x)
{
    struct fake_channel c = world_channel(x, 0);
    ck_assert_int_eq(world_activate(x, &c, "password"), ERR_OK);
    ck_assert_int_eq(world_login(x, &c, "admin", "password", true), ERR_OK);
    return c;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static enum err op_nothing(struct work *w)
{
    (void)w;
    return ERR_OK;
}

static const struct operation *operation_of(Hsm__Request__OfCase of)
{
    static const struct operation operations[] = {
        [HSM__REQUEST__OF_LOGIN] = {op_login_decide, op_login_answer},
        [HSM__REQUEST__OF_RESUME] = {op_resume_decide, NULL},
        [HSM__REQUEST__OF_SIGN] = {op_nothing, NULL},
        [HSM__REQUEST__OF_CHANGE_PASSWORD] = {op_change_password_decide, op_change_password_answer},
        [HSM__REQUEST__OF_USER_CREATE] = {op_user_create_decide, op_user_create_answer},
        [HSM__REQUEST__OF_USER_DELETE] = {op_user_delete_decide, op_user_delete_answer},
        [HSM__REQUEST__OF_USER_LIST] = {op_user_list_decide, NULL},
        [HSM__REQUEST__OF_ACTIVATE] = {op_activate_decide, op_activate_answer},
        [HSM__REQUEST__OF_NODE_GRANT] = {op_node_grant_decide, op_node_grant_answer},
    };
    return &operations[of];
}

static struct work *begin(struct access_world *x, struct fake_channel *c, const Hsm__Request *r)
{
    return fake_begin(&x->fake, c, operation_of(r->of_case), r, x->request_id);
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)text, .len = strlen(text)};
}

static size_t sign(struct access_world *x, struct fake_channel *c, const char *name, uint8_t *out, size_t room)
{
    uint8_t text[17 + 32 + 32];
    EVP_PKEY *key = x->clients[x->signer].key;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    size_t n;

    memcpy(text, "clusterhsm login", 17);
    memcpy(text + 17, x->other_hash ? x->mac_hash : c->hash, 32);
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, name, strlen(name) + 1, text + 49, &n), 1);
    ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key, NULL), 1);
    if (EVP_PKEY_is_a(key, "RSA")) {
        EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
    }
    n = room;
    ck_assert_int_eq(EVP_DigestSign(ctx, out, &n, text, sizeof text), 1);
    EVP_MD_CTX_free(ctx);
    return n;
}

struct work *world_begin_login(struct access_world *x, struct fake_channel *c, const char *name, const char *password, bool admin)
{
    Hsm__Login login = HSM__LOGIN__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    uint8_t signature[512];
    ProtobufCBinaryData certificate;

    login.name = (char *)(uintptr_t)name;
    login.password = bytes_of(password);
    login.admin = admin;
    if (x->client != WORLD_NO_CERTIFICATE) {
        certificate = (ProtobufCBinaryData){.data = x->clients[x->client].der, .len = x->clients[x->client].n};
        login.certificates = &certificate;
        login.n_certificates = 1;
    }
    login.signature = (ProtobufCBinaryData){.data = signature, .len = sign(x, c, name, signature, sizeof signature)};
    request.of_case = HSM__REQUEST__OF_LOGIN;
    request.login = &login;
    return begin(x, c, &request);
}

struct work *world_begin_activate(struct access_world *x, struct fake_channel *c, const char *password)
{
    Hsm__Activate activate = HSM__ACTIVATE__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    activate.password = bytes_of(password);
    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    return begin(x, c, &request);
}

struct work *world_begin_create(struct access_world *x, struct fake_channel *c, const char *name, const char *role, const char *password)
{
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    create.name = (char *)(uintptr_t)name;
    create.role = (char *)(uintptr_t)role;
    create.password = bytes_of(password);
    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    return begin(x, c, &request);
}

struct work *world_begin_delete(struct access_world *x, struct fake_channel *c, const char *name)
{
    Hsm__UserDelete gone = HSM__USER_DELETE__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    gone.name = (char *)(uintptr_t)name;
    request.of_case = HSM__REQUEST__OF_USER_DELETE;
    request.user_delete = &gone;
    return begin(x, c, &request);
}

struct work *world_begin_change(struct access_world *x, struct fake_channel *c, const char *name, const char *old, const char *new_one)
{
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    change.name = (char *)(uintptr_t)name;
    change.old_password = bytes_of(old);
    change.new_password = bytes_of(new_one);
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    return begin(x, c, &request);
}

/* ---- to their end -------------------------------------------------------------------------------------------------- */

static void keep_ticket(struct access_world *x, const Hsm__LoginReply *login)
{
    ck_assert_uint_le(login->ticket.len, sizeof x->ticket);
    memcpy(x->ticket, login->ticket.data, login->ticket.len);
    x->ticket_n = login->ticket.len;
    ck_assert_uint_eq(login->secret.len, sizeof x->k);
    memcpy(x->k, login->secret.data, sizeof x->k);
}

static void keep_list(struct access_world *x, const Hsm__UsersReply *users)
{
    size_t at = 0;
    x->listed[0] = '\0';
    for (size_t i = 0; i < users->n_users; i++)
        at += (size_t)snprintf(x->listed + at, sizeof x->listed - at, "%s=%s%s ", users->users[i]->name, users->users[i]->role,
                               users->users[i]->locked ? ",locked" : "");
    ck_assert_uint_lt(at, sizeof x->listed);
    x->n_listed = users->n_users;
    x->next_after_id = users->next_after_id;
}

enum err world_end(struct access_world *x, struct work *w)
{
    const Hsm__Reply *reply = fake_reply(w);
    enum err e = fake_verdict(w);

    if (e == ERR_OK && reply->of_case == HSM__REPLY__OF_LOGIN)
        keep_ticket(x, reply->login);
    if (e == ERR_OK && reply->of_case == HSM__REPLY__OF_USERS)
        keep_list(x, reply->users);
    fake_end(w);
    return e;
}

static enum err run(struct access_world *x, struct work *w)
{
    while (fake_move(w))
        ;
    return world_end(x, w);
}

enum err world_login(struct access_world *x, struct fake_channel *c, const char *name, const char *password, bool admin)
{
    return run(x, world_begin_login(x, c, name, password, admin));
}

enum err world_resume(struct access_world *x, struct fake_channel *c)
{
    Hsm__Resume resume = HSM__RESUME__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct secret k = {0};
    uint8_t mac[32];

    ck_assert(secret_copy(&k, x->k, sizeof x->k));
    ck_assert_int_eq(resume_mac(NULL, &k, x->other_hash ? x->mac_hash : c->hash, mac), ERR_OK);
    secret_clear(&k);
    resume.ticket = (ProtobufCBinaryData){.data = x->ticket, .len = x->ticket_n};
    resume.mac = (ProtobufCBinaryData){.data = mac, .len = sizeof mac};
    request.of_case = HSM__REQUEST__OF_RESUME;
    request.resume = &resume;
    return run(x, begin(x, c, &request));
}

enum err world_activate(struct access_world *x, struct fake_channel *c, const char *password)
{
    return run(x, world_begin_activate(x, c, password));
}

enum err world_create(struct access_world *x, struct fake_channel *c, const char *name, const char *role, const char *password)
{
    return run(x, world_begin_create(x, c, name, role, password));
}

enum err world_delete(struct access_world *x, struct fake_channel *c, const char *name)
{
    return run(x, world_begin_delete(x, c, name));
}

enum err world_change(struct access_world *x, struct fake_channel *c, const char *name, const char *old, const char *new_one)
{
    return run(x, world_begin_change(x, c, name, old, new_one));
}

enum err world_list(struct access_world *x, struct fake_channel *c, uint64_t after)
{
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    list.after_id = after;
    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    return run(x, begin(x, c, &request));
}

enum err world_grant(struct access_world *x, struct fake_channel *c, size_t fingerprint_bytes)
{
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    uint8_t fingerprint[64] = {0};
    grant.fingerprint = (ProtobufCBinaryData){.data = fingerprint, .len = fingerprint_bytes};
    request.of_case = HSM__REQUEST__OF_NODE_GRANT;
    request.node_grant = &grant;
    return run(x, begin(x, c, &request));
}

enum err world_sign(struct access_world *x, struct fake_channel *c)
{
    Hsm__Sign sign_request = HSM__SIGN__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    request.of_case = HSM__REQUEST__OF_SIGN;
    request.sign = &sign_request;
    return run(x, begin(x, c, &request));
}
