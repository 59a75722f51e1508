#include "vault/node/node_key.h"

#include "crypto/curve.h"
#include "vault/node/identity.h"
#include "vault/provider/agree.h"
#include "vault/provider/generate.h"

enum err node_key_load(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *scalar, struct key **out)
{
    const struct curve *p256 = curve_by_name("P-256");
    struct key_part parts[] = {{CKA_EC_PARAMS, p256->params, p256->params_bytes}, {CKA_VALUE, scalar->data, scalar->len}};
    enum err e = scalar->len == p256->field_bytes ? key_load(libctx, CKK_EC, parts, 2, out) : ERR_CORRUPT;

    return e == ERR_OK || e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
}

enum err node_key_make(OSSL_LIB_CTX *libctx, ProtobufCBinaryData *scalar, struct key **out)
{
    struct secret value = {0};
    struct key *key = NULL;
    enum err e = generate_ec(libctx, curve_by_name("P-256"), &key);

    if (e == ERR_OK)
        e = key_part(key, CKA_VALUE, &value);
    if (e == ERR_OK && !identity_set(scalar, value.bytes, value.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        *out = key;
    else
        key_free(key);
    secret_clear(&value);
    return e;
}

enum err node_key_make_agree(OSSL_LIB_CTX *libctx, ProtobufCBinaryData *field)
{
    struct secret key = {0};
    enum err e = agree_generate(libctx, &key);

    if (e == ERR_OK && !identity_set(field, key.bytes, key.len))
        e = ERR_NO_MEMORY;
    secret_clear(&key);
    return e;
}

enum err node_key_agree_public(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *field, uint8_t out[32])
{
    struct secret key = {0};
    enum err e = ERR_CORRUPT;

    if (field->len == AGREE_KEY_BYTES)
        e = secret_copy(&key, field->data, field->len) ? agree_public(libctx, &key, out) : ERR_NO_MEMORY;
    secret_clear(&key);
    return e;
}
