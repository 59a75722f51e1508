#include "vault/access/verdict.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/buffer.h"
#include "vault/keyring.h"

/* epoch of the MAC's key (32 bits) || right || role || user id || password epoch || MAC */
enum { MAC_BYTES = 32, FIELDS_BYTES = 4 + 1 + 1 + 8 + 8, REQUEST_ID_BYTES = 16 };

/* The request with what differs from try to try left out: a login's signature is over the channel. */
static enum err pack_request(struct work *w, struct secret *out)
{
    Hsm__Request request = *work_request(w);
    Hsm__Login login;

    if (request.of_case == HSM__REQUEST__OF_LOGIN) {
        login = *request.login;
        login.signature = (ProtobufCBinaryData){0};
        request.login = &login;
    }
    if (!secret_new(out, hsm__request__get_packed_size(&request) + 1))
        return ERR_NO_MEMORY;
    out->len = hsm__request__pack(&request, out->bytes);
    return ERR_OK;
}

/* HMAC-SHA-256 over fields || request id || request */
static enum err mac_with(const struct cluster_view *view, struct work *w, uint32_t epoch, const uint8_t *fields, uint8_t mac[MAC_BYTES])
{
    static const char purpose[] = "verdict";
    struct secret key = {0}, request = {0}, whole = {0};
    size_t n = 0, head = FIELDS_BYTES + REQUEST_ID_BYTES;
    enum err e = master_derive(view->master, MASTER_TICKET, epoch, NULL, 0, (const uint8_t *)purpose, sizeof purpose, &key);

    if (e == ERR_OK)
        e = pack_request(w, &request);
    if (e == ERR_OK && !secret_new(&whole, head + request.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK) {
        memcpy(whole.bytes, fields, FIELDS_BYTES);
        memcpy(whole.bytes + FIELDS_BYTES, work_request_id(w), REQUEST_ID_BYTES);
        memcpy(whole.bytes + head, request.bytes, request.len);
        if (EVP_Q_mac(master_libctx(view->master), "HMAC", NULL, "SHA256", NULL, key.bytes, key.len, whole.bytes, whole.len, mac, MAC_BYTES,
                      &n) == NULL ||
            n != MAC_BYTES)
            e = ERR_BUG;
        ERR_clear_error();
    }
    secret_clear(&key);
    secret_clear(&request);
    secret_clear(&whole);
    return e;
}

static enum err mac_of(struct work *w, uint32_t epoch, const uint8_t *fields, uint8_t mac[MAC_BYTES])
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    enum err e = view != NULL ? mac_with(view, w, epoch, fields, mac) : ERR_NOT_ACTIVE;

    keyring_view_done(keyring, view);
    return e;
}

static uint32_t newest_epoch(struct work *w)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    uint32_t epoch = view != NULL ? master_epoch(view->master) : 0;

    keyring_view_done(keyring, view);
    return epoch;
}

enum err verdict_put(struct work *w, const struct verdict *v)
{
    struct buffer result = {0};
    uint32_t epoch = newest_epoch(w);
    uint8_t mac[MAC_BYTES];
    enum err e = ERR_NO_MEMORY;

    if (buffer_put_u32(&result, epoch) && buffer_put_u8(&result, v->right) && buffer_put_u8(&result, v->right ? (uint8_t)v->role : 0) &&
        buffer_put_u64(&result, v->right ? v->user_id : 0) && buffer_put_u64(&result, v->right ? v->password_epoch : 0))
        e = mac_of(w, epoch, result.data, mac);
    if (e == ERR_OK && !buffer_put(&result, mac, sizeof mac))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = work_result(w, result.data, result.len);
    buffer_clear(&result);
    return e;
}

enum err verdict_get(struct work *w, struct verdict *out)
{
    const ProtobufCBinaryData *result = &work_outcome(w)->result;
    uint8_t mac[MAC_BYTES];
    struct cursor c;
    enum err e;

    if (result->len != FIELDS_BYTES + MAC_BYTES)
        return ERR_FORGED;
    cursor_init(&c, result->data, result->len);
    e = mac_of(w, cursor_u32(&c), result->data, mac);
    if (e != ERR_OK)
        return e;
    if (!bytes_equal(mac, result->data + FIELDS_BYTES, MAC_BYTES))
        return ERR_FORGED;
    out->right = cursor_u8(&c) != 0;
    out->role = (enum role)cursor_u8(&c);
    out->user_id = cursor_u64(&c);
    out->password_epoch = cursor_u64(&c);
    return ERR_OK;
}
