/* What a command says of its request under a key that only vaults have: which request it is, and what came of it. */
#include <endian.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "vault/work_state.h"

enum { NODE_CALL_NUMBERS = 0x8000, KEY_EPOCH = 1 /* the first: a request is retried over a rotation too */ };

/* HMAC-SHA-256 under a command key of its own for each label. */
static enum err mac(struct work *w, const struct cluster_view *view, const char *label, const struct secret *text,
                    uint8_t out[DIGEST_BYTES])
{
    struct secret key = {0};
    size_t n = 0;
    enum err e = master_derive(view->master, MASTER_COMMAND, KEY_EPOCH, NULL, 0, (const uint8_t *)label, strlen(label), &key);

    if (e == ERR_OK && (EVP_Q_mac(w->vault->libctx, "HMAC", NULL, "SHA256", NULL, key.bytes, key.len, text->bytes, text->len, out,
                                  DIGEST_BYTES, &n) == NULL || n != DIGEST_BYTES))
        e = ERR_BUG;
    ERR_clear_error();
    secret_clear(&key);
    return e;
}

/* Not the signature of a login: it is made anew for each channel, and the same login may be tried on several. */
enum err work_digest(struct work *w)
{
    struct secret text = {0};
    ProtobufCBinaryData signature = {0};
    bool login = w->request != NULL && w->request->of_case == HSM__REQUEST__OF_LOGIN;
    uint64_t head[2] = {0};
    size_t n;
    enum err e = ERR_NO_MEMORY;

    if (login) {
        signature = w->request->login->signature;
        w->request->login->signature = (ProtobufCBinaryData){0};
    }
    n = w->request != NULL ? hsm__request__get_packed_size(w->request) : hsm__node_call__get_packed_size(w->node_call);
    if (secret_new(&text, sizeof head + n)) {
        head[0] = htobe64(w->request != NULL ? w->row->number : NODE_CALL_NUMBERS + (uint64_t)w->node_call->of_case);
        head[1] = htobe64(login ? 0 : w->login.user_id);
        memcpy(text.bytes, head, sizeof head);
        if (w->request != NULL)
            hsm__request__pack(w->request, text.bytes + sizeof head);
        else
            hsm__node_call__pack(w->node_call, text.bytes + sizeof head);
        e = mac(w, w->view, "digest", &text, w->digest);
    }
    if (login)
        w->request->login->signature = signature;
    secret_clear(&text);
    return e;
}

static enum err tag_of(struct work *w, const struct cluster_view *view, const uint8_t *result, size_t n, uint8_t tag[RESULT_TAG_BYTES])
{
    struct secret text = {0};
    uint8_t whole[DIGEST_BYTES];
    enum err e = secret_new(&text, DIGEST_BYTES + REQUEST_ID_BYTES + n) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK) {
        memcpy(text.bytes, w->digest, DIGEST_BYTES);
        memcpy(text.bytes + DIGEST_BYTES, w->request_id, REQUEST_ID_BYTES);
        if (n > 0)
            memcpy(text.bytes + DIGEST_BYTES + REQUEST_ID_BYTES, result, n);
        e = mac(w, view, "result", &text, whole);
    }
    if (e == ERR_OK)
        memcpy(tag, whole, RESULT_TAG_BYTES);
    secret_clear(&text);
    return e;
}

enum err work_seal_result(struct work *w, uint8_t *out)
{
    if (w->result.len > 0)
        memcpy(out + RESULT_TAG_BYTES, w->result.data, w->result.len);
    return tag_of(w, w->view, w->result.data, w->result.len, out);
}

enum err work_open_result(struct work *w, ProtobufCBinaryData *result)
{
    const struct cluster_view *view;
    uint8_t tag[RESULT_TAG_BYTES];
    enum err e = ERR_WRONG_STATE;

    if (result->len == 0)
        return ERR_UNKNOWN_OUTCOME;
    if (result->len < RESULT_TAG_BYTES)
        return ERR_FORGED;
    view = keyring_view(w->vault->keyring);
    if (view != NULL)
        e = tag_of(w, view, result->data + RESULT_TAG_BYTES, result->len - RESULT_TAG_BYTES, tag);
    keyring_view_done(w->vault->keyring, view);
    if (e == ERR_OK && !bytes_equal(tag, result->data, RESULT_TAG_BYTES))
        e = ERR_FORGED;
    if (e == ERR_OK) {
        result->len -= RESULT_TAG_BYTES;
        memmove(result->data, result->data + RESULT_TAG_BYTES, result->len);
    }
    return e;
}
