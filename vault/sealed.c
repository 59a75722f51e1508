#include "vault/sealed.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

enum { FORMAT = 1, SALT_BYTES = 16, SALT_AT = SEALED_HEAD_BYTES - SALT_BYTES };

/* The head is authenticated in front of what the caller authenticates. */
static bool whole_aad(struct buffer *whole, const uint8_t *head, struct gcm_aad aad)
{
    return buffer_put(whole, head, SEALED_HEAD_BYTES) && (aad.n == 0 || buffer_put(whole, aad.bytes, aad.n));
}

static enum err put_head(const struct master *m, uint8_t head[SEALED_HEAD_BYTES])
{
    uint32_t epoch = master_epoch(m);

    head[0] = FORMAT;
    for (int i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(epoch >> (24 - 8 * i));
    if (RAND_bytes_ex(master_libctx(m), head + SALT_AT, SALT_BYTES, 0) == 1)
        return ERR_OK;
    ERR_clear_error();
    return ERR_BUG;
}

enum err sealed_make(const struct master *m, enum master_purpose purpose, struct gcm_aad aad, const uint8_t *text, size_t n,
                     struct buffer *out)
{
    uint8_t head[SEALED_HEAD_BYTES], *to;
    struct buffer whole = {0}, body = {0};
    struct secret key = {0};
    enum err e = put_head(m, head);

    if (e == ERR_OK)
        e = master_derive(m, purpose, master_epoch(m), head + SALT_AT, SALT_BYTES, NULL, 0, &key);
    if (e == ERR_OK && (!whole_aad(&whole, head, aad) || (to = buffer_extend(&body, n + GCM_SEAL_BYTES)) == NULL))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = gcm_seal(master_libctx(m), &key, (struct gcm_aad){whole.data, whole.len}, text, n, to);
    if (e == ERR_OK && (to = buffer_extend(out, sizeof head + body.len)) == NULL)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK) {
        memcpy(to, head, sizeof head);
        memcpy(to + sizeof head, body.data, body.len);
    }
    buffer_clear(&body);
    buffer_clear(&whole);
    secret_clear(&key);
    return e;
}

enum err sealed_open(const struct master *m, enum master_purpose purpose, struct gcm_aad aad, const uint8_t *sealed, size_t n,
                     struct secret *text)
{
    struct buffer whole = {0};
    struct secret key = {0};
    struct cursor c;
    uint32_t epoch;
    enum err e;

    if (n < SEALED_HEAD_BYTES + GCM_SEAL_BYTES || sealed[0] != FORMAT)
        return ERR_FORGED;
    cursor_init(&c, sealed + 1, n - 1);
    epoch = cursor_u32(&c);
    e = master_derive(m, purpose, epoch, sealed + SALT_AT, SALT_BYTES, NULL, 0, &key);
    if (e == ERR_OK && !whole_aad(&whole, sealed, aad))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = gcm_open(master_libctx(m), &key, (struct gcm_aad){whole.data, whole.len}, sealed + SEALED_HEAD_BYTES,
                     n - SEALED_HEAD_BYTES, text);
    buffer_clear(&whole);
    secret_clear(&key);
    return e;
}
