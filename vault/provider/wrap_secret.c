/* By cipher.c: a key wrapped is its bytes encrypted. */
#include <string.h>

#include "proto/cipher_mode.h"
#include "vault/provider/cipher.h"
#include "vault/provider/wrap_family.h"

enum { SEMIBLOCK_BYTES = 8, LONGER_BYTES_MAX = 64 };

/* The row as one that encrypts, which some that wrap are not, and its parameter. */
struct ciphering {
    struct mechanism row;
    Hsm__Mechanism given;
    Hsm__AeadParams aead;
    Hsm__IvParams no_iv;
    struct cipher cipher;
};

static void begin(const struct wrap *w, bool encrypt, size_t text_n, struct ciphering *c)
{
    c->row = *w->mechanism;
    c->row.flags |= CKF_ENCRYPT | CKF_DECRYPT;
    c->given = *w->given;
    if (c->row.family == FAMILY_KEY_WRAP_PKCS7) {
        hsm__iv_params__init(&c->no_iv);
        c->row.family = FAMILY_KEY_WRAP;
        c->row.param = PARAM_IV;
        c->given.iv = &c->no_iv;
    }
    if (c->given.aead != NULL) {
        /* How long a key is, only we know (PKCS#11 v3.2 section 6.13.5). */
        c->aead = *w->given->aead;
        c->aead.data_bytes = c->row.family == FAMILY_CCM ? text_n : 0;
        c->given.aead = &c->aead;
    }
    c->cipher = (struct cipher){
        .libctx = w->libctx, .mechanism = &c->row, .given = &c->given, .key = w->key, .encrypt = encrypt};
}

static enum err encrypt(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    struct ciphering c;
    size_t from = out->len, made = 0;
    uint8_t *to;
    enum err e;

    begin(w, true, n, &c);
    if ((to = buffer_extend(out, cipher_room(&c.cipher, n))) == NULL)
        return ERR_NO_MEMORY;
    e = cipher_run(&c.cipher, plain, n, to, &made);
    out->len = from + made;
    return e == ERR_DATA_LEN ? ERR_KEY_SIZE : e;
}

/* PKCS #7 to whole semiblocks, and RFC 3394 over it. */
static enum err encrypt_padded(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    size_t pad = SEMIBLOCK_BYTES - n % SEMIBLOCK_BYTES;
    struct secret padded = {0};
    enum err e = ERR_NO_MEMORY;

    if (secret_new(&padded, n + pad)) {
        memcpy(padded.bytes, plain, n);
        memset(padded.bytes + n, (int)pad, pad);
        e = encrypt(w, padded.bytes, padded.len, out);
    }
    secret_clear(&padded);
    return e;
}

/* What comes here has been authenticated, so the padding tells nobody anything. */
static enum err take_padding(struct secret *padded)
{
    size_t pad = padded->bytes[padded->len - 1];

    if (pad == 0 || pad > SEMIBLOCK_BYTES || pad >= padded->len)
        return ERR_WRAPPED_KEY;
    for (size_t i = 0; i < pad; i++)
        if (padded->bytes[padded->len - 1 - i] != pad)
            return ERR_WRAPPED_KEY;
    padded->len -= pad;
    return ERR_OK;
}

enum err wrap_by_secret(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    return w->mechanism->family == FAMILY_KEY_WRAP_PKCS7 ? encrypt_padded(w, plain, n, out) : encrypt(w, plain, n, out);
}

enum err unwrap_by_secret(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    struct ciphering c;
    struct secret made = {0};
    size_t made_n = 0;
    size_t tag_n = w->given->aead != NULL ? w->given->aead->tag_bytes : 0;
    enum err e;

    begin(w, false, n > tag_n ? n - tag_n : 0, &c);
    if (!secret_new(&made, cipher_room(&c.cipher, n) + LONGER_BYTES_MAX))
        return ERR_NO_MEMORY;
    e = cipher_run(&c.cipher, wrapped, n, made.bytes, &made_n);
    if (e == ERR_ENCRYPTED_DATA || (e == ERR_OK && made_n == 0))
        e = ERR_WRAPPED_KEY;
    else if (e == ERR_ENCRYPTED_DATA_LEN)
        e = ERR_WRAPPED_KEY_LEN;
    made.len = made_n;
    if (e == ERR_OK && w->mechanism->family == FAMILY_KEY_WRAP_PKCS7)
        e = take_padding(&made);
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    return e;
}
