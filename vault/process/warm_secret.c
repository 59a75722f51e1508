#include "vault/process/warm_secret.h"

#include "proto/key_kind.h"
#include "vault/provider/cipher.h"
#include "vault/provider/generate.h"
#include "vault/provider/mac.h"

/* Lengths of HMAC keys make no difference. */
enum { LENGTHS_MAX = 3, TEXT_BYTES = 32, ROOM = 2 * TEXT_BYTES };

/* A parameter of any sort that the row takes. */
struct sample {
    Hsm__Mechanism message;
    Hsm__AeadParams aead;
    Hsm__IvParams vector;
    Hsm__GeneralParams general;
    Hsm__Tls12Params tls12;
    uint8_t iv[16];
};

static void sample_of(const struct mechanism *row, struct sample *s)
{
    *s = (struct sample){.iv = {1}};
    hsm__mechanism__init(&s->message);
    hsm__aead_params__init(&s->aead);
    hsm__general_params__init(&s->general);
    hsm__tls12_params__init(&s->tls12);
    s->tls12.hash = CKM_SHA256;
    s->tls12.mac_bits = 96;
    hsm__iv_params__init(&s->vector);
    s->message.type = row->type;
    s->aead.iv = (ProtobufCBinaryData){.data = s->iv, .len = 12};
    s->aead.tag_bytes = 16;
    s->general.bytes = 4;
    s->aead.data_bytes = TEXT_BYTES;
    s->vector.iv.data = s->iv;
    if (row->param == PARAM_IV && !cipher_mode_of(row)->iv_may_lack)
        s->vector.iv.len = cipher_mode_of(row)->iv_bytes > 0 ? cipher_mode_of(row)->iv_bytes : cipher_block_bytes(row);
    if (row->param == PARAM_CTR || row->param == PARAM_CHACHA20) {
        s->vector.iv.len = CIPHER_BLOCK_BYTES_MAX;
        s->vector.counter_bits = 32;
    }
    if (row->param == PARAM_IV || row->param == PARAM_CTR || row->param == PARAM_CHACHA20)
        s->message.iv = &s->vector;
    if (row->param == PARAM_GCM || row->param == PARAM_CCM || row->param == PARAM_CHACHA)
        s->message.aead = &s->aead;
    if (row->param == PARAM_GCM_NO_IV) {
        s->aead.iv.len = 0;
        s->message.aead = &s->aead;
    }
    if (row->param == PARAM_TLS_MAC)
        s->message.tls12 = &s->tls12;
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

static bool try_cipher(OSSL_LIB_CTX *libctx, const struct mechanism *row, const struct key *key)
{
    static const uint8_t text[TEXT_BYTES] = "warm";
    struct sample s;
    struct cipher c = {.libctx = libctx, .mechanism = row, .given = &s.message, .key = key, .encrypt = true};
    uint8_t sealed[ROOM], again[ROOM];
    size_t n = 0, again_n = 0;
    bool ok;

    sample_of(row, &s);
    ok = cipher_run(&c, text, sizeof text, sealed, &n) == ERR_OK;
    c.encrypt = false;
    return ok && cipher_run(&c, sealed, n, again, &again_n) == ERR_OK && again_n == sizeof text && bytes_equal(text, again, again_n);
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

bool warm_ciphers(OSSL_LIB_CTX *libctx)
{
    bool ok = true;

    for (size_t i = 0; ok && mechanism_at(i) != NULL; i++)
        if (mechanism_does(mechanism_at(i), CKF_ENCRYPT) && cipher_mode_of(mechanism_at(i)) != NULL)
            ok = with_keys(libctx, mechanism_at(i), try_cipher);
    return ok;
}
