/* Derivations that put bytes together, cut them out, or encrypt some (PKCS#11 v3.1 sections 6.27 and 6.43). */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/cipher_mode.h"
#include "vault/provider/derive_family.h"

enum { IV_BYTES_MAX = 16 };

/* ---- put together */

static enum err join(struct kdf_bytes first, struct kdf_bytes second, size_t n, struct secret *out)
{
    struct secret whole = {0};

    if (n > first.n + second.n)
        return ERR_KEY_SIZE;
    if (!secret_new(&whole, first.n + second.n))
        return ERR_NO_MEMORY;
    memcpy(whole.bytes, first.bytes, first.n);
    if (second.n > 0)
        memcpy(whole.bytes + first.n, second.bytes, second.n);
    whole.len = n;
    secret_move(out, &whole);
    return ERR_OK;
}

size_t derive_natural_keys(const struct derive *d)
{
    return key_size(d->base) + key_size(derive_other(d));
}

size_t derive_natural_joined(const struct derive *d)
{
    return key_size(d->base) + d->given->data->data.len;
}

enum err derive_make_keys(const struct derive *d, size_t n, struct secret *out)
{
    return join(derive_key_bytes(d->base), derive_key_bytes(derive_other(d)), n, out);
}

enum err derive_make_base_first(const struct derive *d, size_t n, struct secret *out)
{
    return join(derive_key_bytes(d->base), derive_given_bytes(&d->given->data->data), n, out);
}

enum err derive_make_data_first(const struct derive *d, size_t n, struct secret *out)
{
    struct kdf_bytes data = derive_given_bytes(&d->given->data->data);

    return data.n > 0 ? join(data, derive_key_bytes(d->base), n, out) : join(derive_key_bytes(d->base), data, n, out);
}

/* What takes the base key's place has to have its length. */
bool derive_whole_base(const struct derive *d, size_t n)
{
    return n == key_size(d->base);
}

size_t derive_natural_xor(const struct derive *d)
{
    size_t base = key_size(d->base), data = d->given->data->data.len;

    return base < data ? base : data;
}

enum err derive_make_xor(const struct derive *d, size_t n, struct secret *out)
{
    struct kdf_bytes base = derive_key_bytes(d->base);

    if (n > derive_natural_xor(d))
        return ERR_KEY_SIZE;
    if (!secret_new(out, n))
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        out->bytes[i] = base.bytes[i] ^ d->given->data->data.data[i];
    return ERR_OK;
}

/* ---- cut out: from a bit on, and from the front again at the end (section 6.27.7) */

enum err derive_check_extract(const struct derive *d)
{
    return d->given->data->bit < 8 * key_size(d->base) ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err derive_make_extract(const struct derive *d, size_t n, struct secret *out)
{
    struct kdf_bytes base = derive_key_bytes(d->base);
    size_t first = (size_t)(d->given->data->bit / 8), shift = (size_t)(d->given->data->bit % 8);

    if (n > base.n)
        return ERR_KEY_SIZE;
    if (!secret_new(out, n))
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        unsigned two = (unsigned)base.bytes[(first + i) % base.n] << 8 | base.bytes[(first + i + 1) % base.n];
        out->bytes[i] = (uint8_t)(two << shift >> 8);
    }
    return ERR_OK;
}

/* ---- encrypted */

static enum err check_data(const struct derive *d, bool iv)
{
    const Hsm__DataParams *p = d->given->data;
    size_t block = cipher_block_bytes(d->mechanism);

    return p->data.len > 0 && p->data.len % block == 0 && p->iv.len == (iv ? block : 0) ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err derive_check_ecb(const struct derive *d)
{
    return check_data(d, false);
}

enum err derive_check_cbc(const struct derive *d)
{
    return check_data(d, true);
}

size_t derive_natural_data(const struct derive *d)
{
    return d->given->data->data.len;
}

static enum err encrypt(const struct derive *d, struct secret *out)
{
    const Hsm__DataParams *p = d->given->data;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char name[CIPHER_NAME_BYTES];
    EVP_CIPHER *cipher;
    uint8_t iv[IV_BYTES_MAX] = {0};
    int n = 0, rest = 0;
    enum err e = ERR_NO_MEMORY;

    cipher_name(d->mechanism, key_size(d->base), name);
    cipher = EVP_CIPHER_fetch(d->libctx, name, NULL);
    if (p->iv.len > 0)
        memcpy(iv, p->iv.data, p->iv.len);
    if (cipher != NULL && ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, key_cipher_secret(d->base)->bytes, iv, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
        EVP_EncryptUpdate(ctx, out->bytes, &n, p->data.data, (int)p->data.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, out->bytes + n, &rest) == 1)
        e = (size_t)(n + rest) == out->len ? ERR_OK : ERR_BUG;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return e;
}

static enum err make_encrypted(const struct derive *d, size_t n, struct secret *out)
{
    struct secret made = {0};
    enum err e;

    if (n > d->given->data->data.len)
        return ERR_KEY_SIZE;
    e = secret_new(&made, d->given->data->data.len) ? encrypt(d, &made) : ERR_NO_MEMORY;
    if (e == ERR_OK) {
        made.len = n;
        secret_move(out, &made);
    }
    secret_clear(&made);
    return e;
}

enum err derive_make_ecb(const struct derive *d, size_t n, struct secret *out)
{
    return make_encrypted(d, n, out);
}

enum err derive_make_cbc(const struct derive *d, size_t n, struct secret *out)
{
    return make_encrypted(d, n, out);
}
