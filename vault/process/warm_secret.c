#include "vault/process/warm_secret.h"

#include "proto/key_kind.h"
#include "vault/provider/generate.h"
#include "vault/provider/mac.h"

/* Lengths of HMAC keys make no difference. */
enum { LENGTHS_MAX = 3 };

/* A parameter of any sort that the row takes. */
struct sample {
    Hsm__Mechanism message;
    Hsm__AeadParams aead;
    Hsm__GeneralParams general;
    uint8_t iv[16];
};

static void sample_of(const struct mechanism *row, struct sample *s)
{
    *s = (struct sample){.iv = {1}};
    hsm__mechanism__init(&s->message);
    hsm__aead_params__init(&s->aead);
    hsm__general_params__init(&s->general);
    s->message.type = row->type;
    s->aead.iv = (ProtobufCBinaryData){.data = s->iv, .len = 12};
    s->aead.tag_bytes = 16;
    s->general.bytes = 4;
    if (row->param == PARAM_GCM)
        s->message.aead = &s->aead;
    if (row->param == PARAM_GENERAL)
        s->message.general = &s->general;
}

static bool try_mac(OSSL_LIB_CTX *libctx, const struct mechanism *row, const struct key *key)
{
    struct sample s;
    struct mac mac = {.libctx = libctx, .mechanism = row, .given = &s.message, .key = key};
    uint8_t out[MAC_BYTES_MAX];
    size_t n = 0;

    sample_of(row, &s);
    return mac_make(&mac, (const uint8_t *)"warm", 4, out, &n) == ERR_OK;
}

static bool with_keys(OSSL_LIB_CTX *libctx, const struct mechanism *row,
                      bool (*try)(OSSL_LIB_CTX *, const struct mechanism *, const struct key *))
{
    const struct key_kind *kind = key_kind_find(row->key_type);
    size_t bytes = kind->bytes_min;
    bool ok = true;

    for (int i = 0; ok && i < LENGTHS_MAX && bytes <= kind->bytes_max; i++, bytes += kind->bytes_step) {
        struct key *key = NULL;
        ok = generate_secret(libctx, kind->type, bytes, &key) == ERR_OK && try(libctx, row, key);
        key_free(key);
    }
    return ok;
}

bool warm_macs(OSSL_LIB_CTX *libctx)
{
    bool ok = true;

    for (size_t i = 0; ok && mechanism_at(i) != NULL; i++)
        if (mechanism_is_mac(mechanism_at(i)))
            ok = with_keys(libctx, mechanism_at(i), try_mac);
    return ok;
}
