#include "vault/node/identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "crypto/curve.h"
#include "proto/memory.h"
#include "vault/gcm.h"
#include "vault/provider/key.h"

enum { STATE_FORMAT = 1, SALT_BYTES = 16, HEAD_BYTES = 1 + SALT_BYTES, KEY_BYTES = 32 };

struct identity {
    atomic_uint uses;
    Hsm__NodeState *state;
    struct key *keys[IDENTITY_KEYS];
};

static enum err load(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *scalar, struct key **out)
{
    const struct curve *p256 = curve_by_name("P-256");
    struct key_part parts[] = {{CKA_EC_PARAMS, p256->params, p256->params_bytes}, {CKA_VALUE, scalar->data, scalar->len}};
    enum err e;

    if (scalar->len == 0)
        return ERR_OK;
    e = key_load(libctx, CKK_EC, parts, 2, out);
    return e == ERR_OK || e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
}

enum err identity_new(OSSL_LIB_CTX *libctx, Hsm__NodeState *state, struct identity **out)
{
    static const ProtobufCBinaryData none;
    struct identity *i = calloc(1, sizeof *i);
    enum err e = i != NULL ? ERR_OK : ERR_NO_MEMORY;

    if (e != ERR_OK) {
        identity_state_free(state);
        return e;
    }
    i->uses = 1;
    i->state = state;
    e = load(libctx, &state->hardware_private, &i->keys[IDENTITY_HARDWARE]);
    if (e == ERR_OK)
        e = load(libctx, &state->node_private, &i->keys[IDENTITY_NODE]);
    if (e == ERR_OK)
        e = load(libctx, state->keys != NULL ? &state->keys->cluster_private : &none, &i->keys[IDENTITY_CLUSTER]);
    if (e == ERR_OK)
        *out = i;
    else
        identity_done(i);
    return e;
}

void identity_hold(struct identity *i)
{
    atomic_fetch_add(&i->uses, 1);
}

void identity_done(struct identity *i)
{
    if (atomic_fetch_sub(&i->uses, 1) > 1)
        return;
    for (size_t k = 0; k < IDENTITY_KEYS; k++)
        key_free(i->keys[k]);
    identity_state_free(i->state);
    free(i);
}

const Hsm__NodeState *identity_state(const struct identity *i)
{
    return i->state;
}

EVP_PKEY *identity_key(const struct identity *i, enum identity_key which)
{
    return i->keys[which] != NULL ? key_evp(i->keys[which]) : NULL;
}

Hsm__NodeState *identity_copy(const struct identity *i)
{
    struct secret packed = {0};
    size_t n = hsm__node_state__get_packed_size(i->state);
    Hsm__NodeState *copy = NULL;

    if (secret_new(&packed, n > 0 ? n : 1)) {
        hsm__node_state__pack(i->state, packed.bytes);
        copy = hsm__node_state__unpack(memory_wiping(), n, packed.bytes);
    }
    secret_clear(&packed);
    return copy;
}

void identity_state_free(Hsm__NodeState *state)
{
    if (state != NULL)
        hsm__node_state__free_unpacked(state, memory_wiping());
}

bool identity_set(ProtobufCBinaryData *field, const void *bytes, size_t n)
{
    ProtobufCAllocator *a = memory_wiping();
    uint8_t *copy = a->alloc(a->allocator_data, n > 0 ? n : 1);

    if (copy == NULL)
        return false;
    memcpy(copy, bytes, n);
    a->free(a->allocator_data, field->data);
    *field = (ProtobufCBinaryData){.data = copy, .len = n};
    return true;
}

/* ---- the seal */

/* The key of one sealed state. */
static enum err state_key(OSSL_LIB_CTX *libctx, const struct secret *root, const uint8_t salt[SALT_BYTES], struct secret *out)
{
    static const char info[] = "clusterhsm node state";
    EVP_KDF *hkdf = EVP_KDF_fetch(libctx, "HKDF", NULL);
    EVP_KDF_CTX *ctx = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("digest", (char *)(uintptr_t)"SHA256", 0),
                           OSSL_PARAM_octet_string("key", root->bytes, root->len),
                           OSSL_PARAM_octet_string("salt", (void *)(uintptr_t)salt, SALT_BYTES),
                           OSSL_PARAM_octet_string("info", (void *)(uintptr_t)info, sizeof info - 1), OSSL_PARAM_END};
    enum err e = ctx != NULL && secret_new(out, KEY_BYTES) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && EVP_KDF_derive(ctx, out->bytes, KEY_BYTES, params) != 1)
        e = ERR_BUG;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(hkdf);
    ERR_clear_error();
    return e;
}

enum err identity_seal(OSSL_LIB_CTX *libctx, const struct secret *root, const Hsm__NodeState *state, struct buffer *out)
{
    size_t n = hsm__node_state__get_packed_size(state), before = out->len;
    struct secret text = {0}, key = {0};
    uint8_t *to = buffer_extend(out, HEAD_BYTES + n + GCM_SEAL_BYTES);
    enum err e = to != NULL && secret_new(&text, n > 0 ? n : 1) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK) {
        hsm__node_state__pack(state, text.bytes);
        to[0] = STATE_FORMAT;
        e = RAND_bytes_ex(libctx, to + 1, SALT_BYTES, 0) == 1 ? state_key(libctx, root, to + 1, &key) : ERR_BUG;
    }
    if (e == ERR_OK)
        e = gcm_seal(libctx, &key, (struct gcm_aad){to, HEAD_BYTES}, text.bytes, n, to + HEAD_BYTES);
    if (e != ERR_OK && to != NULL)
        out->len = before;
    secret_clear(&text);
    secret_clear(&key);
    return e;
}

enum err identity_open(OSSL_LIB_CTX *libctx, const struct secret *root, const uint8_t *sealed, size_t n, Hsm__NodeState **out)
{
    struct secret text = {0}, key = {0};
    enum err e = n >= HEAD_BYTES + GCM_SEAL_BYTES && sealed[0] == STATE_FORMAT ? ERR_OK : ERR_MALFORMED;

    if (e == ERR_OK)
        e = state_key(libctx, root, sealed + 1, &key);
    if (e == ERR_OK)
        e = gcm_open(libctx, &key, (struct gcm_aad){sealed, HEAD_BYTES}, sealed + HEAD_BYTES, n - HEAD_BYTES, &text);
    if (e == ERR_OK) {
        *out = hsm__node_state__unpack(memory_wiping(), text.len, text.bytes);
        e = *out != NULL ? ERR_OK : ERR_MALFORMED;
    }
    secret_clear(&text);
    secret_clear(&key);
    return e;
}
