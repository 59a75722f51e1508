/* Stories of what the token holds besides its own keys, for the corpus of fuzz_vault_call: certificates, public keys, keys of a session,
 * private keys that travel, keys that may be read. */
#include "tests/fuzz/record.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "module/rpc/rpc.h"
#include "tests/unit/certificates.h"

static void keep_certificate(void)
{
    EVP_PKEY *key = test_key_new();
    X509 *certificate = test_certificate_new("a name", key, NULL, NULL);
    uint8_t *der = NULL;
    size_t n = (size_t)i2d_X509(certificate, &der);
    struct sample_template t;

    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_CERTIFICATE);
    sample_ulong(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
    sample_bytes(&t, CKA_VALUE, der, n);
    sample_bytes(&t, CKA_SUBJECT, "\x30\x00", 2);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_PRIVATE, false);
    (void)record_create(&t);
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void keep_public(EVP_PKEY *key)
{
    struct sample_template t;

    sample_public(&t, key);
    sample_bool(&t, CKA_TOKEN, true);
    (void)record_create(&t);
    EVP_PKEY_free(key);
}

/* One that only the module keeps: its sealed record comes along. */
static void use_session_key(void)
{
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Copy copy = HSM__COPY__INIT;
    Hsm__Sign sign = HSM__SIGN__INIT;
    Hsm__KeyRef key = HSM__KEY_REF__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_SHA256_HMAC);
    struct sample_template t, change;
    Hsm__Reply *reply;

    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_bytes(&t, CKA_VALUE, "a secret of some length", 23);
    sample_bool(&t, CKA_SIGN, true);
    create.template_ = &t.message;
    reply = record_ask(HSM__REQUEST__OF_CREATE, &create);
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS)
        key.sealed = reply->objects->objects[0]->sealed;
    sign.key = copy.object = &key;
    sign.mechanism = &m;
    sign.data = record_text("32 bytes, as long as any SHA-256");
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &sign);
    sample_start(&change);
    sample_bool(&change, CKA_TOKEN, true);
    copy.template_ = &change.message;
    record_ask_quietly(HSM__REQUEST__OF_COPY, &copy);
    rpc_reply_free(reply);
}

/* Out and back. */
static void send_private(EVP_PKEY *key, uint64_t by, Hsm__Mechanism *m)
{
    Hsm__Wrap w = HSM__WRAP__INIT;
    Hsm__Unwrap u = HSM__UNWRAP__INIT;
    struct sample_template t, back;
    Hsm__Reply *reply;

    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    w.wrapping_key = u.unwrapping_key = record_key(by);
    w.key = record_key(record_create(&t));
    w.mechanism = u.mechanism = m;
    reply = record_ask(HSM__REQUEST__OF_WRAP, &w);
    u.wrapped = reply != NULL && reply->of_case == HSM__REPLY__OF_CIPHER ? reply->cipher->value : record_text("no wrapped key at all");
    sample_start(&back);
    sample_ulong(&back, CKA_CLASS, CKO_PRIVATE_KEY);
    sample_bytes(&back, CKA_KEY_TYPE, t.attributes[1].value.data, t.attributes[1].value.len);
    sample_bool(&back, CKA_TOKEN, true);
    u.template_ = &back.message;
    record_ask_quietly(HSM__REQUEST__OF_UNWRAP, &u);
    rpc_reply_free(reply);
    EVP_PKEY_free(key);
}

static void send_private_keys(void)
{
    Hsm__IvParams none = HSM__IV_PARAMS__INIT, iv = HSM__IV_PARAMS__INIT;
    Hsm__Mechanism kwp = record_mechanism(CKM_AES_KEY_WRAP_KWP), cbc = record_mechanism(CKM_AES_CBC_PAD);
    struct sample_template t;
    uint64_t aes;

    record_uses(&t, CKK_AES, 0);
    sample_bytes(&t, CKA_VALUE, "32 bytes, as long as any SHA-256", 32);
    aes = record_create(&t);
    iv.iv = record_text("a vector of 16 b");
    kwp.iv = &none;
    cbc.iv = &iv;
    send_private(EVP_EC_gen("P-256"), aes, &kwp);
    send_private(sample_dh("ffdhe2048"), aes, &kwp);
    send_private(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), aes, &cbc);
}

/* Derivations that show a part of the key: of one that may be read. */
static void derive_from_open(void)
{
    Hsm__DataParams data = HSM__DATA_PARAMS__INIT;
    Hsm__Tls12Params tls = HSM__TLS12_PARAMS__INIT;
    Hsm__Mechanism bits = record_mechanism(CKM_EXTRACT_KEY_FROM_KEY), first = record_mechanism(CKM_CONCATENATE_DATA_AND_BASE),
                   blocks = record_mechanism(CKM_AES_ECB_ENCRYPT_DATA), master = record_mechanism(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH);
    struct sample_template t;
    uint64_t key, aes;

    record_uses(&t, CKK_GENERIC_SECRET, 0);
    sample_bytes(&t, CKA_VALUE, "48 bytes, as long as the base key of the others.", 48);
    sample_bool(&t, CKA_SENSITIVE, false);
    key = record_create(&t);
    record_uses(&t, CKK_AES, 0);
    sample_bytes(&t, CKA_VALUE, "32 bytes, as long as any SHA-256", 32);
    aes = record_create(&t);
    data.bit = 21;
    bits.data = first.data = blocks.data = &data;
    record_derive(key, 0, &bits, 16);
    data.bit = 0;
    data.data = record_text("32 bytes, as long as any SHA-256");
    record_derive(key, 0, &first, 0);
    record_derive(aes, 0, &blocks, 0);
    tls.hash = CKM_SHA256;
    tls.context = record_text("32 bytes, as long as any SHA-256");
    master.tls12 = &tls;
    record_derive(key, 0, &master, 48);
}

void record_objects(void)
{
    record_as_alice();
    keep_certificate();
    keep_public(test_key_new());
    keep_public(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
    keep_public(sample_dsa());
    record_end("public_objects");
    record_as_alice();
    use_session_key();
    record_end("session");
    record_as_alice();
    send_private_keys();
    record_end("private_wraps");
    record_as_alice();
    derive_from_open();
    record_end("open_derivations");
}
