#include "crypto/channel.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/big_endian.h"
#include "crypto/window.h"

enum { NONCE_BYTES = 12, COUNTER_BYTES = 8 };

enum step { STEP_NEW, STEP_OPEN_SENT, STEP_READY, STEP_BROKEN };

/* One direction after the handshake: the key stays in the context, each message sets the nonce only. */
struct cipher {
    EVP_CIPHER_CTX *ctx;
    uint64_t next; /* counter of the next message that we seal */
    struct window window;
};

struct channel {
    OSSL_LIB_CTX *libctx;
    bool client;
    enum step step;
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_CIPHER *aes;
    EVP_PKEY *ephemeral;
    EVP_PKEY *fixed;                 /* vault: static private key; module: the vaults' public key */
    uint8_t h[CHANNEL_HASH_BYTES];
    struct secret ck;                /* chaining key */
    struct secret k;                 /* handshake cipher's key; its counter is 0 in each message of this pattern */
    struct cipher out;
    struct cipher in;
};

/* ---- Noise, section 5.2: the symmetric state --------------------------------------------------------- */

static bool mix_hash(struct channel *c, const void *bytes, size_t n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, c->sha256, NULL) == 1 && EVP_DigestUpdate(ctx, c->h, sizeof c->h) == 1 &&
              EVP_DigestUpdate(ctx, bytes, n) == 1 && EVP_DigestFinal_ex(ctx, c->h, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool hmac(const struct channel *c, const uint8_t *key, const uint8_t *bytes, size_t n, uint8_t *out)
{
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_END};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(c->hmac);
    size_t len = 0;
    bool ok = ctx != NULL && EVP_MAC_init(ctx, key, CHANNEL_KEY_BYTES, params) == 1 && EVP_MAC_update(ctx, bytes, n) == 1 &&
              EVP_MAC_final(ctx, out, &len, CHANNEL_KEY_BYTES) == 1;
    EVP_MAC_CTX_free(ctx);
    return ok;
}

/* HKDF of section 4.3 with two outputs; `first` may be the chaining key itself. */
static bool hkdf(const struct channel *c, const uint8_t *material, size_t n, uint8_t *first, uint8_t *second)
{
    struct secret temp = {0}, block = {0};
    bool ok = secret_new(&temp, CHANNEL_KEY_BYTES) && secret_new(&block, CHANNEL_KEY_BYTES + 1) &&
              hmac(c, c->ck.bytes, material, n, temp.bytes) && hmac(c, temp.bytes, (const uint8_t *)"\x01", 1, block.bytes);
    if (ok) {
        memcpy(first, block.bytes, CHANNEL_KEY_BYTES);
        block.bytes[CHANNEL_KEY_BYTES] = 2;
        ok = hmac(c, temp.bytes, block.bytes, CHANNEL_KEY_BYTES + 1, second);
    }
    secret_clear(&temp);
    secret_clear(&block);
    return ok;
}

/* Section 12.3: 32 zero bits, then the counter, big-endian. */
static void make_nonce(uint8_t nonce[NONCE_BYTES], uint64_t counter)
{
    memset(nonce, 0, NONCE_BYTES - COUNTER_BYTES);
    u64_put(nonce + NONCE_BYTES - COUNTER_BYTES, counter);
}

/* Appends ciphertext and tag. `key` NULL: the one the context has. */
static bool encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, uint64_t counter, const uint8_t *aad, size_t aad_n, const uint8_t *text,
                    size_t n, struct buffer *out)
{
    uint8_t nonce[NONCE_BYTES];
    int len = 0;
    size_t before = out->len;
    uint8_t *to = buffer_extend(out, n + CHANNEL_TAG_BYTES);
    bool ok;

    make_nonce(nonce, counter);
    ok = to != NULL && EVP_EncryptInit_ex2(ctx, NULL, key, nonce, NULL) == 1 &&
         (aad_n == 0 || EVP_EncryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1) &&
         (n == 0 || EVP_EncryptUpdate(ctx, to, &len, text, (int)n) == 1) && EVP_EncryptFinal_ex(ctx, to + n, &len) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CHANNEL_TAG_BYTES, to + n) == 1;
    if (!ok)
        out->len = before;
    return ok;
}

/* n counts the tag; `to` has room for the rest. What fails leaves nothing behind. */
static bool decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, uint64_t counter, const uint8_t *aad, size_t aad_n,
                    const uint8_t *sealed, size_t n, uint8_t *to)
{
    uint8_t nonce[NONCE_BYTES], tag[CHANNEL_TAG_BYTES], none[1];
    size_t text_n = n - CHANNEL_TAG_BYTES;
    int len = 0;
    bool ok;

    make_nonce(nonce, counter);
    memcpy(tag, sealed + text_n, sizeof tag);
    ok = EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL) == 1 &&
         (aad_n == 0 || EVP_DecryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1) &&
         (text_n == 0 || EVP_DecryptUpdate(ctx, to, &len, sealed, (int)text_n) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 && EVP_DecryptFinal_ex(ctx, none, &len) == 1;
    if (!ok && text_n > 0)
        bytes_wipe(to, text_n);
    return ok;
}

static bool encrypt_and_hash(struct channel *c, const void *payload, size_t n, struct buffer *out)
{
    size_t at = out->len;
    return encrypt(c->out.ctx, c->k.bytes, 0, c->h, sizeof c->h, payload, n, out) && mix_hash(c, out->data + at, out->len - at);
}

static enum err decrypt_and_hash(struct channel *c, const uint8_t *sealed, size_t n, struct buffer *payload)
{
    size_t text_n = n - CHANNEL_TAG_BYTES;
    struct buffer none = {0};
    struct buffer *into = payload != NULL ? payload : &none;
    uint8_t *to = buffer_extend(into, text_n);
    enum err e = ERR_OK;

    if (to == NULL && text_n > 0)
        e = ERR_NO_MEMORY;
    else if (payload == NULL && text_n > 0)
        e = ERR_MALFORMED;
    else if (!decrypt(c->in.ctx, c->k.bytes, 0, c->h, sizeof c->h, sealed, n, to))
        e = ERR_FORGED;
    else if (!mix_hash(c, sealed, n))
        e = ERR_BUG;
    if (e != ERR_OK && to != NULL && payload != NULL)
        payload->len -= text_n;
    buffer_clear(&none);
    return e;
}

/* ---- keys --------------------------------------------------------------------------------------------- */

/* MixKey(DH(ours, theirs)). A low-order point of theirs gives an all-zero secret, which OpenSSL refuses. */
static enum err mix_dh(struct channel *c, EVP_PKEY *ours, EVP_PKEY *theirs)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(c->libctx, ours, NULL);
    struct secret shared = {0};
    size_t n = CHANNEL_KEY_BYTES;
    enum err e = ERR_FORGED;

    if (!secret_new(&shared, n))
        e = ERR_NO_MEMORY;
    else if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
             EVP_PKEY_derive(ctx, shared.bytes, &n) == 1 && n == CHANNEL_KEY_BYTES)
        e = hkdf(c, shared.bytes, n, c->ck.bytes, c->k.bytes) ? ERR_OK : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    secret_clear(&shared);
    return e;
}

static bool make_ephemeral(struct channel *c, const uint8_t *given)
{
    c->ephemeral = given != NULL ? EVP_PKEY_new_raw_private_key_ex(c->libctx, "X25519", NULL, given, CHANNEL_KEY_BYTES)
                                 : EVP_PKEY_Q_keygen(c->libctx, NULL, "X25519");
    return c->ephemeral != NULL;
}

static bool public_of(EVP_PKEY *key, uint8_t out[CHANNEL_KEY_BYTES])
{
    size_t n = CHANNEL_KEY_BYTES;
    return EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == CHANNEL_KEY_BYTES;
}

static bool write_ephemeral(struct channel *c, struct buffer *out)
{
    uint8_t e[CHANNEL_KEY_BYTES];
    return public_of(c->ephemeral, e) && buffer_put(out, e, sizeof e) && mix_hash(c, e, sizeof e);
}

static EVP_PKEY *read_ephemeral(struct channel *c, const uint8_t *message)
{
    if (!mix_hash(c, message, CHANNEL_KEY_BYTES))
        return NULL;
    return EVP_PKEY_new_raw_public_key_ex(c->libctx, "X25519", NULL, message, CHANNEL_KEY_BYTES);
}

/* Split(): one key a direction; the handshake's own secrets are wiped. */
static enum err become_ready(struct channel *c)
{
    struct secret mine = {0}, theirs = {0};
    bool ok = secret_new(&mine, CHANNEL_KEY_BYTES) && secret_new(&theirs, CHANNEL_KEY_BYTES) &&
              (c->client ? hkdf(c, NULL, 0, mine.bytes, theirs.bytes) : hkdf(c, NULL, 0, theirs.bytes, mine.bytes)) &&
              EVP_EncryptInit_ex2(c->out.ctx, NULL, mine.bytes, NULL, NULL) == 1 &&
              EVP_DecryptInit_ex2(c->in.ctx, NULL, theirs.bytes, NULL, NULL) == 1;
    secret_clear(&mine);
    secret_clear(&theirs);
    secret_clear(&c->ck);
    secret_clear(&c->k);
    EVP_PKEY_free(c->ephemeral);
    EVP_PKEY_free(c->fixed);
    c->ephemeral = c->fixed = NULL;
    c->step = ok ? STEP_READY : STEP_BROKEN;
    return ok ? ERR_OK : ERR_BUG;
}

/* Every handshake step ends here: its verdict, and nothing left in the thread's error queue. */
static enum err handshake_end(struct channel *c, enum err e)
{
    if (e != ERR_OK)
        c->step = STEP_BROKEN;
    ERR_clear_error();
    return e;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static bool fetch(struct channel *c)
{
    c->sha256 = EVP_MD_fetch(c->libctx, "SHA256", NULL);
    c->hmac = EVP_MAC_fetch(c->libctx, "HMAC", NULL);
    c->aes = EVP_CIPHER_fetch(c->libctx, "AES-256-GCM", NULL);
    c->out.ctx = EVP_CIPHER_CTX_new();
    c->in.ctx = EVP_CIPHER_CTX_new();
    return c->sha256 != NULL && c->hmac != NULL && c->aes != NULL && c->out.ctx != NULL && c->in.ctx != NULL &&
           EVP_EncryptInit_ex2(c->out.ctx, c->aes, NULL, NULL, NULL) == 1 &&
           EVP_DecryptInit_ex2(c->in.ctx, c->aes, NULL, NULL, NULL) == 1;
}

/* Initialize(), then the pre-message: both know the vaults' static key. */
static bool begin(struct channel *c, const struct channel_setup *s)
{
    static const char name[CHANNEL_HASH_BYTES] = "Noise_NK_25519_AESGCM_SHA256"; /* shorter than a hash: padded with zeros */
    uint8_t fixed[CHANNEL_KEY_BYTES];

    memcpy(c->h, name, sizeof name);
    memcpy(c->ck.bytes, name, sizeof name);
    if (!mix_hash(c, s->prologue, s->prologue_bytes))
        return false;
    if (c->client)
        c->fixed = EVP_PKEY_new_raw_public_key_ex(c->libctx, "X25519", NULL, s->server_public, CHANNEL_KEY_BYTES);
    else
        c->fixed = EVP_PKEY_new_raw_private_key_ex(c->libctx, "X25519", NULL, s->server_private->bytes, s->server_private->len);
    return c->fixed != NULL && public_of(c->fixed, fixed) && mix_hash(c, fixed, sizeof fixed) && make_ephemeral(c, s->ephemeral);
}

enum err channel_new(const struct channel_setup *s, struct channel **out)
{
    struct channel *c = calloc(1, sizeof *c);
    bool ok;

    if (c == NULL)
        return ERR_NO_MEMORY;
    c->libctx = s->libctx;
    c->client = s->server_public != NULL;
    ok = secret_new(&c->ck, CHANNEL_KEY_BYTES) && secret_new(&c->k, CHANNEL_KEY_BYTES) && fetch(c) && begin(c, s);
    ERR_clear_error();
    if (!ok) {
        channel_free(c);
        return ERR_BUG;
    }
    *out = c;
    return ERR_OK;
}

void channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    secret_clear(&c->ck);
    secret_clear(&c->k);
    EVP_PKEY_free(c->ephemeral);
    EVP_PKEY_free(c->fixed);
    EVP_CIPHER_CTX_free(c->out.ctx);
    EVP_CIPHER_CTX_free(c->in.ctx);
    EVP_CIPHER_free(c->aes);
    EVP_MAC_free(c->hmac);
    EVP_MD_free(c->sha256);
    free(c);
}

const uint8_t *channel_hash(const struct channel *c)
{
    return c->h;
}

/* ---- the handshake: NK = <- s ... -> e, es  <- e, ee ------------------------------------------------------- */

enum err channel_write_open(struct channel *c, const void *payload, size_t n, struct buffer *out)
{
    enum err e;
    if (!c->client || c->step != STEP_NEW)
        return ERR_MALFORMED;
    if (!write_ephemeral(c, out))
        return handshake_end(c, ERR_BUG);
    e = mix_dh(c, c->ephemeral, c->fixed);
    if (e == ERR_OK && !encrypt_and_hash(c, payload, n, out))
        e = ERR_BUG;
    c->step = STEP_OPEN_SENT;
    return handshake_end(c, e);
}

enum err channel_accept(struct channel *c, const uint8_t *message, size_t n, struct buffer *payload, const void *reply, size_t reply_n,
                        struct buffer *out)
{
    EVP_PKEY *theirs;
    enum err e = ERR_FORGED;

    if (c->client || c->step != STEP_NEW || n < CHANNEL_OPEN_BYTES)
        return handshake_end(c, ERR_MALFORMED);
    theirs = read_ephemeral(c, message);
    if (theirs != NULL)
        e = mix_dh(c, c->fixed, theirs);
    if (e == ERR_OK)
        e = decrypt_and_hash(c, message + CHANNEL_KEY_BYTES, n - CHANNEL_KEY_BYTES, payload);
    if (e == ERR_OK && !write_ephemeral(c, out))
        e = ERR_BUG;
    if (e == ERR_OK)
        e = mix_dh(c, c->ephemeral, theirs);
    if (e == ERR_OK && !encrypt_and_hash(c, reply, reply_n, out))
        e = ERR_BUG;
    if (e == ERR_OK)
        e = become_ready(c);
    EVP_PKEY_free(theirs);
    return handshake_end(c, e);
}

enum err channel_read_opened(struct channel *c, const uint8_t *message, size_t n, struct buffer *payload)
{
    EVP_PKEY *theirs;
    enum err e = ERR_FORGED;

    if (!c->client || c->step != STEP_OPEN_SENT || n < CHANNEL_OPEN_BYTES)
        return handshake_end(c, ERR_MALFORMED);
    theirs = read_ephemeral(c, message);
    if (theirs != NULL)
        e = mix_dh(c, c->ephemeral, theirs);
    if (e == ERR_OK)
        e = decrypt_and_hash(c, message + CHANNEL_KEY_BYTES, n - CHANNEL_KEY_BYTES, payload);
    if (e == ERR_OK)
        e = become_ready(c);
    EVP_PKEY_free(theirs);
    return handshake_end(c, e);
}

/* ---- bodies ------------------------------------------------------------------------------------------------ */

uint64_t channel_next(struct channel *c)
{
    return c->out.next++;
}

enum err channel_seal(struct channel *c, uint64_t counter, const uint8_t *aad, size_t aad_n, const uint8_t *text, size_t n,
                      struct buffer *out)
{
    enum err e = ERR_MALFORMED;
    if (c->step == STEP_READY)
        e = encrypt(c->out.ctx, NULL, counter, aad, aad_n, text, n, out) ? ERR_OK : ERR_BUG;
    ERR_clear_error();
    return e;
}

enum err channel_open(struct channel *c, uint64_t counter, const uint8_t *aad, size_t aad_n, const uint8_t *sealed, size_t n,
                      struct secret *out)
{
    enum err e = ERR_OK;
    if (c->step != STEP_READY || n < CHANNEL_TAG_BYTES)
        return ERR_MALFORMED;
    if (!window_is_fresh(&c->in.window, counter))
        return ERR_FORGED;
    if (!secret_new(out, n)) /* the tag's bytes too, so that an empty body has memory */
        return ERR_NO_MEMORY;
    if (decrypt(c->in.ctx, NULL, counter, aad, aad_n, sealed, n, out->bytes)) {
        out->len = n - CHANNEL_TAG_BYTES;
        window_mark(&c->in.window, counter);
    } else {
        secret_clear(out);
        e = ERR_FORGED;
    }
    ERR_clear_error();
    return e;
}

enum err channel_seal_reply(struct channel *c, uint64_t request_counter, const uint8_t *text, size_t n, struct buffer *out)
{
    uint8_t aad[COUNTER_BYTES];
    size_t before = out->len;
    uint64_t counter = channel_next(c);
    enum err e;

    u64_put(aad, request_counter);
    if (!buffer_put_u64(out, counter))
        return ERR_NO_MEMORY;
    e = channel_seal(c, counter, aad, sizeof aad, text, n, out);
    if (e != ERR_OK)
        out->len = before;
    return e;
}

enum err channel_open_reply(struct channel *c, uint64_t request_counter, const uint8_t *sealed, size_t n, struct secret *out)
{
    uint8_t aad[COUNTER_BYTES];
    struct cursor at;
    uint64_t counter;

    cursor_init(&at, sealed, n);
    counter = cursor_u64(&at);
    if (at.failed)
        return ERR_MALFORMED;
    u64_put(aad, request_counter);
    return channel_open(c, counter, aad, sizeof aad, at.at, at.left, out);
}
