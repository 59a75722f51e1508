/* TLS 1.2 (PKCS#11 v3.1 section 6.39; RFC 5246 sections 5, 6.3 and 8.1; RFC 5705 for CKM_TLS12_KDF). */
#include <string.h>

#include "vault/provider/derive_family.h"

enum { MASTER_BYTES = 48, HALVES = 2, CONTEXT_BYTES_MAX = 0xffff };

static struct kdf_bytes label(const char *text)
{
    return (struct kdf_bytes){(const uint8_t *)text, strlen(text)};
}

enum err derive_check_tls(const struct derive *d)
{
    const Hsm__Tls12Params *p = d->given->tls12;

    if (mechanism_hash_name(p->hash) == NULL || p->client_random.len == 0 || p->server_random.len == 0 ||
        p->context.len > CONTEXT_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    return d->mechanism->family != FAMILY_TLS12_KDF || p->label.len > 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* An RSA premaster secret is the version and 46 random bytes. */
enum err derive_check_tls_master(const struct derive *d)
{
    return key_size(d->base) == MASTER_BYTES ? derive_check_tls(d) : ERR_KEY_SIZE;
}

/* RFC 7627 section 4: the hash of the handshake so far is the seed. */
enum err derive_check_tls_extended_dh(const struct derive *d)
{
    const Hsm__Tls12Params *p = d->given->tls12;

    return mechanism_hash_name(p->hash) != NULL && p->context.len > 0 && p->client_random.len == 0 && p->server_random.len == 0
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

enum err derive_check_tls_extended(const struct derive *d)
{
    return key_size(d->base) == MASTER_BYTES ? derive_check_tls_extended_dh(d) : ERR_KEY_SIZE;
}

enum err derive_check_tls_keys(const struct derive *d)
{
    const Hsm__Tls12Params *p = d->given->tls12;

    if (key_size(d->base) != MASTER_BYTES)
        return ERR_KEY_SIZE;
    if (d->mechanism->param == PARAM_TLS12_SAFE_KEYS && p->iv_bits > 0)
        return ERR_MECHANISM_PARAM;
    if (p->mac_bits % 8 != 0 || p->key_bits % 8 != 0 || p->iv_bits % 8 != 0 || p->mac_bits > DERIVE_BYTES_MAX ||
        p->key_bits > DERIVE_BYTES_MAX || p->iv_bits > DERIVE_BYTES_MAX || p->mac_bits + p->key_bits + p->iv_bits == 0)
        return ERR_MECHANISM_PARAM;
    return derive_check_tls(d);
}

size_t derive_natural_tls_master(const struct derive *d)
{
    (void)d;
    return MASTER_BYTES;
}

size_t derive_natural_tls_keys(const struct derive *d)
{
    const Hsm__Tls12Params *p = d->given->tls12;

    return HALVES * (size_t)((p->mac_bits + p->key_bits + p->iv_bits) / 8);
}

enum err derive_make_tls_master(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__Tls12Params *p = d->given->tls12;
    struct kdf_tls12 t = {.hash = mechanism_hash_name(p->hash),
                          .label = label("master secret"),
                          .seeds = {derive_given_bytes(&p->client_random), derive_given_bytes(&p->server_random)}};

    return n == MASTER_BYTES ? kdf_tls12(d->libctx, &t, derive_key_bytes(d->base), n, out) : ERR_KEY_SIZE;
}

enum err derive_make_tls_extended(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__Tls12Params *p = d->given->tls12;
    struct kdf_tls12 t = {.hash = mechanism_hash_name(p->hash),
                          .label = label("extended master secret"),
                          .seeds = {derive_given_bytes(&p->context)}};

    return n == MASTER_BYTES ? kdf_tls12(d->libctx, &t, derive_key_bytes(d->base), n, out) : ERR_KEY_SIZE;
}

enum err derive_make_tls_keys(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__Tls12Params *p = d->given->tls12;
    struct kdf_tls12 t = {.hash = mechanism_hash_name(p->hash),
                          .label = label("key expansion"),
                          .seeds = {derive_given_bytes(&p->server_random), derive_given_bytes(&p->client_random)}};

    return n == derive_natural_tls_keys(d) ? kdf_tls12(d->libctx, &t, derive_key_bytes(d->base), n, out) : ERR_KEY_SIZE;
}

enum err derive_make_tls_kdf(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__Tls12Params *p = d->given->tls12;
    struct kdf_tls12 t = {.hash = mechanism_hash_name(p->hash),
                          .label = derive_given_bytes(&p->label),
                          .seeds = {derive_given_bytes(&p->client_random), derive_given_bytes(&p->server_random)}};
    struct secret context = {0};
    enum err e;

    if (p->with_context || p->context.len > 0) { /* RFC 5705 section 4: its length stands in front, also where it is zero */
        if (!secret_new(&context, 2 + p->context.len))
            return ERR_NO_MEMORY;
        context.bytes[0] = (uint8_t)(p->context.len >> 8);
        context.bytes[1] = (uint8_t)p->context.len;
        if (p->context.len > 0)
            memcpy(context.bytes + 2, p->context.data, p->context.len);
        t.seeds[2] = (struct kdf_bytes){context.bytes, context.len};
    }
    e = kdf_tls12(d->libctx, &t, derive_key_bytes(d->base), n, out);
    secret_clear(&context);
    return e;
}
