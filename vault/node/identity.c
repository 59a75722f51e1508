#include "vault/node/identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "proto/memory.h"
#include "vault/gcm.h"
#include "vault/hkdf.h"
#include "vault/node/node_key.h"

enum { STATE_FORMAT = 1, SALT_BYTES = 16, SALT_AT = 1 + SEAL_HEAD_BYTES, HEAD_BYTES = SALT_AT + SALT_BYTES, KEY_BYTES = 32 };

struct identity {
    atomic_uint uses;
    Hsm__NodeState *state;
    struct key *keys[IDENTITY_KEYS];
};

/* An empty field: no such key yet. */
static enum err load(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *scalar, struct key **out)
{
    return scalar->len > 0 ? node_key_load(libctx, scalar, out) : ERR_OK;
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

Hsm__NodeState *identity_new_state(void)
{
    ProtobufCAllocator *a = memory_wiping();
    Hsm__NodeState *state = a->alloc(a->allocator_data, sizeof *state);

    if (state != NULL)
        hsm__node_state__init(state);
    return state;
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

bool identity_set_text(char **field, const char *text)
{
    ProtobufCAllocator *a = memory_wiping();
    size_t n = strlen(text) + 1;
    char *copy = a->alloc(a->allocator_data, n);

    if (copy == NULL)
        return false;
    memcpy(copy, text, n);
    if (*field != protobuf_c_empty_string)
        a->free(a->allocator_data, *field);
    *field = copy;
    return true;
}

Hsm__ClusterKeys *identity_new_keys(void)
{
    ProtobufCAllocator *a = memory_wiping();
    Hsm__ClusterKeys *keys = a->alloc(a->allocator_data, sizeof *keys);

    if (keys != NULL)
        hsm__cluster_keys__init(keys);
    return keys;
}

bool identity_add_master(Hsm__ClusterKeys *keys, uint32_t epoch, const struct secret *key)
{
    ProtobufCAllocator *a = memory_wiping();
    Hsm__MasterKey **more = a->alloc(a->allocator_data, (keys->n_masters + 1) * sizeof *more);
    Hsm__MasterKey *one = a->alloc(a->allocator_data, sizeof *one);

    if (one != NULL)
        hsm__master_key__init(one);
    if (more == NULL || one == NULL || !identity_set(&one->key, key->bytes, key->len)) {
        a->free(a->allocator_data, more);
        a->free(a->allocator_data, one);
        return false;
    }
    one->epoch = epoch;
    if (keys->n_masters > 0)
        memcpy(more, keys->masters, keys->n_masters * sizeof *more);
    more[keys->n_masters++] = one;
    a->free(a->allocator_data, keys->masters);
    keys->masters = more;
    return true;
}

/* ---- the seal */

static enum err state_key(OSSL_LIB_CTX *libctx, const struct seal *seal, const uint8_t salt[SALT_BYTES], struct secret *out)
{
    static const char info[] = "clusterhsm node state";

    return hkdf_derive(libctx, &seal->root, (struct hkdf_bytes){salt, SALT_BYTES},
                       (struct hkdf_bytes){(const uint8_t *)info, sizeof info - 1}, KEY_BYTES, out);
}

enum err identity_seal(OSSL_LIB_CTX *libctx, struct seal *seal, const Hsm__NodeState *state, struct buffer *out)
{
    size_t n = hsm__node_state__get_packed_size(state), before = out->len;
    struct secret text = {0}, key = {0};
    uint8_t *to = NULL;
    enum err e = seal_begin(seal, libctx);

    if (e == ERR_OK)
        e = secret_new(&text, n > 0 ? n : 1) && (to = buffer_extend(out, HEAD_BYTES + n + GCM_SEAL_BYTES)) != NULL ? ERR_OK
                                                                                                                : ERR_NO_MEMORY;
    if (e == ERR_OK) {
        hsm__node_state__pack(state, text.bytes);
        to[0] = STATE_FORMAT;
        memcpy(to + 1, seal->head, SEAL_HEAD_BYTES);
        e = RAND_bytes_ex(libctx, to + SALT_AT, SALT_BYTES, 0) == 1 ? state_key(libctx, seal, to + SALT_AT, &key) : ERR_BUG;
    }
    if (e == ERR_OK)
        e = gcm_seal(libctx, &key, (struct gcm_aad){to, HEAD_BYTES}, text.bytes, n, to + HEAD_BYTES);
    if (e != ERR_OK)
        out->len = before;
    secret_clear(&text);
    secret_clear(&key);
    ERR_clear_error();
    return e;
}

enum err identity_open(OSSL_LIB_CTX *libctx, struct seal *seal, const uint8_t *sealed, size_t n, Hsm__NodeState **out)
{
    struct secret text = {0}, key = {0};
    enum err e = n >= HEAD_BYTES + GCM_SEAL_BYTES && sealed[0] == STATE_FORMAT ? seal_resume(seal, libctx, sealed + 1) : ERR_MALFORMED;

    if (e == ERR_OK)
        e = state_key(libctx, seal, sealed + SALT_AT, &key);
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
