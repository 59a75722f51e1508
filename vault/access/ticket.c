#include "vault/access/ticket.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/big_endian.h"
#include "crypto/channel.h"
#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/sealed.h"

enum {
    FORMAT = 1,
    HASH_BYTES = 32,
    TICKET_BYTES = 1 + 8 + 1 + 8 + 8 + HASH_BYTES + HASH_BYTES + 8 + TICKET_SECRET_BYTES
};

/* The text is as long whatever it says; its memory is locked, as K is in it. */
static void write_u64(uint8_t **at, uint64_t v)
{
    u64_put(*at, v);
    *at += 8;
}

static void write_bytes(uint8_t **at, const uint8_t *bytes, size_t n)
{
    memcpy(*at, bytes, n);
    *at += n;
}

static void write_text(const struct login *login, uint64_t now_ms, const struct secret *k, uint8_t *at)
{
    *at++ = FORMAT;
    write_u64(&at, login->user_id);
    *at++ = (uint8_t)login->role;
    write_u64(&at, login->password_epoch);
    write_u64(&at, login->trust_epoch);
    write_bytes(&at, login->client, HASH_BYTES);
    write_bytes(&at, login->anchor, HASH_BYTES);
    write_u64(&at, now_ms);
    write_bytes(&at, k->bytes, TICKET_SECRET_BYTES);
}

static struct gcm_aad company(const struct cluster_view *view)
{
    return (struct gcm_aad){view->cluster_id, sizeof view->cluster_id};
}

enum err ticket_make(const struct cluster_view *view, const struct login *login, uint64_t now_ms, struct secret *k, struct buffer *out)
{
    struct secret text = {0}, fresh = {0};
    enum err e = ERR_NO_MEMORY;

    if (!secret_new(&text, TICKET_BYTES) || !secret_new(&fresh, TICKET_SECRET_BYTES))
        goto out;
    if (RAND_priv_bytes_ex(master_libctx(view->master), fresh.bytes, fresh.len, 0) != 1) {
        ERR_clear_error();
        e = ERR_BUG;
        goto out;
    }
    write_text(login, now_ms, &fresh, text.bytes);
    e = sealed_make(view->master, MASTER_TICKET, company(view), text.bytes, text.len, out);
    if (e == ERR_OK)
        secret_move(k, &fresh);
out:
    secret_clear(&text);
    secret_clear(&fresh);
    return e;
}

static bool read_text(const struct secret *text, struct ticket *t)
{
    struct cursor c;
    const uint8_t *k;

    cursor_init(&c, text->bytes, text->len);
    if (cursor_u8(&c) != FORMAT)
        return false;
    t->login.user_id = cursor_u64(&c);
    t->login.role = (enum role)cursor_u8(&c);
    t->login.password_epoch = cursor_u64(&c);
    t->login.trust_epoch = cursor_u64(&c);
    cursor_copy(&c, t->login.client, HASH_BYTES);
    cursor_copy(&c, t->login.anchor, HASH_BYTES);
    t->issued_ms = cursor_u64(&c);
    k = cursor_skip(&c, TICKET_SECRET_BYTES);
    return cursor_done(&c) && t->login.user_id != 0 && t->login.role > ROLE_NONE && t->login.role <= ROLE_CRYPTO_USER &&
           secret_copy(&t->k, k, TICKET_SECRET_BYTES);
}

enum err ticket_open(const struct cluster_view *view, const uint8_t *sealed, size_t n, struct ticket *t)
{
    struct secret text = {0};
    enum err e = sealed_open(view->master, MASTER_TICKET, company(view), sealed, n, &text);

    memset(t, 0, sizeof *t);
    if (e == ERR_OK && !read_text(&text, t))
        e = ERR_FORGED;
    secret_clear(&text);
    return e == ERR_FORGED ? ERR_TICKET : e;
}

enum err resume_mac(OSSL_LIB_CTX *libctx, const struct secret *k, const uint8_t *channel_hash, uint8_t out[RESUME_MAC_BYTES])
{
    static const char label[] = "clusterhsm resume"; /* with its terminating zero */
    uint8_t text[sizeof label + CHANNEL_HASH_BYTES];
    size_t n = 0;
    bool ok;

    memcpy(text, label, sizeof label);
    memcpy(text + sizeof label, channel_hash, CHANNEL_HASH_BYTES);
    ok = EVP_Q_mac(libctx, "HMAC", NULL, "SHA256", NULL, k->bytes, k->len, text, sizeof text, out, RESUME_MAC_BYTES, &n) != NULL &&
         n == RESUME_MAC_BYTES;
    ERR_clear_error();
    return ok ? ERR_OK : ERR_BUG;
}

static enum err fill_reply(struct work *w, const struct login *login, const struct buffer *ticket, const struct secret *k)
{
    Hsm__Reply *reply = work_reply(w);
    Hsm__LoginReply *out = work_memory(w, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    hsm__login_reply__init(out);
    out->ticket = (ProtobufCBinaryData){.data = work_copy(w, ticket->data, ticket->len), .len = ticket->len};
    out->secret = (ProtobufCBinaryData){.data = work_copy(w, k->bytes, k->len), .len = k->len};
    if (out->ticket.data == NULL || out->secret.data == NULL)
        return ERR_NO_MEMORY;
    out->user_id = login->user_id;
    out->role = (char *)(uintptr_t)role_name(login->role);
    reply->of_case = HSM__REPLY__OF_LOGIN;
    reply->login = out;
    return ERR_OK;
}

enum err ticket_reply(struct work *w, const struct login *login)
{
    struct vault *v = work_vault(w);
    const struct cluster_view *view = keyring_view(v->keyring);
    struct buffer ticket = {0};
    struct secret k = {0};
    enum err e = ERR_NOT_ACTIVE;

    if (view != NULL)
        e = ticket_make(view, login, v->now_ms(), &k, &ticket);
    keyring_view_done(v->keyring, view);
    if (e == ERR_OK)
        e = fill_reply(w, login, &ticket, &k);
    buffer_clear(&ticket);
    secret_clear(&k);
    return e;
}
