#include "vault/provider/mac.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "proto/cipher_mode.h"
#include "proto/parameter.h"
#include "vault/provider/cbc_mac.h"
#include "vault/provider/kdf.h"

enum { PARAMS_MAX = 4 };

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
}

/* What OpenSSL calls it, and the words that it takes. */
static const char *plan(const struct mac *m, char cipher[CIPHER_NAME_BYTES], OSSL_PARAM params[PARAMS_MAX])
{
    enum mechanism_family f = m->mechanism->family;
    size_t n = 0;

    if (f == FAMILY_HMAC) {
        params[n++] = text(OSSL_MAC_PARAM_DIGEST, m->mechanism->hash);
    } else {
        cipher_name(m->mechanism, key_size(m->key), cipher);
        params[n++] = text(OSSL_MAC_PARAM_CIPHER, cipher);
    }
    if (f == FAMILY_GMAC)
        params[n++] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, m->given->aead->iv.data, m->given->aead->iv.len);
    params[n] = OSSL_PARAM_construct_end();
    return f == FAMILY_HMAC ? "HMAC" : f == FAMILY_CMAC ? "CMAC" : "GMAC";
}

enum err mac_check(const struct mac *m)
{
    if (!mechanism_is_mac(m->mechanism))
        return ERR_MECHANISM;
    if (!mechanism_takes_key(m->mechanism, key_type(m->key)))
        return ERR_KEY_TYPE;
    if (key_size(m->key) < m->mechanism->size_min || key_size(m->key) > m->mechanism->size_max)
        return ERR_KEY_SIZE;
    return parameter_check(m->mechanism, m->given);
}

/* RFC 5246 section 7.4.9. */
static enum err make_tls(const struct mac *m, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n)
{
    static const char server[] = "server finished", client[] = "client finished"; /* of one length */
    const struct secret *key = key_secret(m->key);
    struct kdf_tls12 t = {.hash = mechanism_hash_name(m->given->tls12->hash),
                          .label = {(const uint8_t *)(m->given->tls12->server ? server : client), sizeof client - 1},
                          .seeds = {{data, n}}};
    struct secret made = {0};
    size_t wanted = parameter_signature_bytes(m->mechanism, m->given, key_size(m->key));
    enum err e = kdf_tls12(m->libctx, &t, (struct kdf_bytes){key->bytes, key->len}, wanted, &made);

    if (e == ERR_OK) {
        memcpy(out, made.bytes, wanted);
        *out_n = wanted;
    }
    secret_clear(&made);
    return e;
}

static enum err make_cbc(const struct mac *m, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n)
{
    size_t wanted = parameter_signature_bytes(m->mechanism, m->given, key_size(m->key)), whole = 0;
    char cipher[CIPHER_NAME_BYTES];
    uint8_t block[CIPHER_BLOCK_BYTES_MAX] = {0};
    enum err e;

    cipher_name(m->mechanism, key_size(m->key), cipher);
    e = cbc_mac(m->libctx, cipher, key_cipher_secret(m->key), data, n, block, &whole);
    if (e == ERR_OK && whole < wanted)
        e = ERR_BUG;
    if (e == ERR_OK) {
        memcpy(out, block, wanted);
        *out_n = wanted;
    }
    bytes_wipe(block, sizeof block);
    return e;
}

enum err mac_make(const struct mac *m, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n)
{
    const struct secret *key = key_cipher_secret(m->key);
    size_t wanted = parameter_signature_bytes(m->mechanism, m->given, key_size(m->key)), whole = 0;
    char cipher[CIPHER_NAME_BYTES];
    OSSL_PARAM params[PARAMS_MAX];
    EVP_MAC *mac;
    EVP_MAC_CTX *ctx;
    enum err e = mac_check(m);

    if (e != ERR_OK)
        return e;
    if (m->mechanism->family == FAMILY_TLS_MAC)
        return make_tls(m, data, n, out, out_n);
    if (m->mechanism->family == FAMILY_CBC_MAC)
        return make_cbc(m, data, n, out, out_n);
    mac = EVP_MAC_fetch(m->libctx, plan(m, cipher, params), NULL);
    ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_MAC_init(ctx, key->bytes, key->len, params) != 1 || (n > 0 && EVP_MAC_update(ctx, data, n) != 1) ||
             EVP_MAC_final(ctx, out, &whole, MAC_BYTES_MAX) != 1 || whole < wanted)
        e = ERR_BUG;
    else
        *out_n = wanted;
    if (e == ERR_OK)
        bytes_wipe(out + wanted, MAC_BYTES_MAX - wanted);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return e;
}

enum err mac_verify(const struct mac *m, const uint8_t *data, size_t n, const uint8_t *mac, size_t mac_n)
{
    uint8_t right[MAC_BYTES_MAX];
    size_t right_n = 0;
    enum err e = mac_make(m, data, n, right, &right_n);

    if (e != ERR_OK)
        return e;
    if (mac_n != right_n)
        e = ERR_SIGNATURE_LEN;
    else if (!bytes_equal(right, mac, right_n))
        e = ERR_SIGNATURE;
    bytes_wipe(right, sizeof right);
    return e;
}
