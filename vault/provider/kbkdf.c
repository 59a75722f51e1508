#include "vault/provider/kbkdf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "proto/limits.h"
#include "proto/pkcs11.h"

enum { BLOCK_BYTES_MAX = 64, COUNTER_BITS_MAX = 32, LENGTH_BITS_MAX = 64 };

/* The PRFs, by their row of PKCS#11 v3.1 section 6.42.1. `algorithm` is the hash, or CMAC's cipher for keys of
 * key_bytes. */
static const struct prf {
    CK_MECHANISM_TYPE type;
    const char *mac, *algorithm;
    size_t block_bytes, key_bytes; /* key_bytes 0: any */
} prfs[] = {
    {CKM_SHA_1_HMAC, "HMAC", "SHA1", 20, 0},        {CKM_SHA224_HMAC, "HMAC", "SHA224", 28, 0},
    {CKM_SHA256_HMAC, "HMAC", "SHA256", 32, 0},     {CKM_SHA384_HMAC, "HMAC", "SHA384", 48, 0},
    {CKM_SHA512_HMAC, "HMAC", "SHA512", 64, 0},     {CKM_SHA3_224_HMAC, "HMAC", "SHA3-224", 28, 0},
    {CKM_SHA3_256_HMAC, "HMAC", "SHA3-256", 32, 0}, {CKM_SHA3_384_HMAC, "HMAC", "SHA3-384", 48, 0},
    {CKM_SHA3_512_HMAC, "HMAC", "SHA3-512", 64, 0}, {CKM_AES_CMAC, "CMAC", "AES-128-CBC", 16, 16},
    {CKM_AES_CMAC, "CMAC", "AES-192-CBC", 16, 24},  {CKM_AES_CMAC, "CMAC", "AES-256-CBC", 16, 32},
    {CKM_DES3_CMAC, "CMAC", "DES-EDE3-CBC", 8, 24},
};

enum { PRFS = sizeof prfs / sizeof prfs[0] };

static const struct prf *prf_find(CK_MECHANISM_TYPE type, size_t key_bytes)
{
    for (size_t i = 0; i < PRFS; i++)
        if (prfs[i].type == type && (prfs[i].key_bytes == 0 || key_bytes == 0 || prfs[i].key_bytes == key_bytes))
            return &prfs[i];
    return NULL;
}

size_t kbkdf_block_bytes(const Hsm__KbkdfParams *p)
{
    const struct prf *prf = prf_find(p->prf, 0);

    return prf != NULL ? prf->block_bytes : 0;
}

/* ---- what may be given */

static bool is_width(uint64_t bits, uint64_t bits_max)
{
    return bits > 0 && bits <= bits_max && bits % 8 == 0;
}

static bool field_is_good(enum kbkdf_mode mode, const Hsm__KbkdfField *f)
{
    switch (f->type) {
    case CK_SP800_108_ITERATION_VARIABLE: /* only in counter mode it is a number */
        return mode != KBKDF_COUNTER || is_width(f->bits, COUNTER_BITS_MAX);
    case CK_SP800_108_OPTIONAL_COUNTER:
        return mode != KBKDF_COUNTER && is_width(f->bits, COUNTER_BITS_MAX);
    case CK_SP800_108_DKM_LENGTH:
        return is_width(f->bits, LENGTH_BITS_MAX) && (f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ||
                                                      f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS);
    case CK_SP800_108_BYTE_ARRAY:
        return f->value.len > 0;
    default:
        return false;
    }
}

static size_t count(const Hsm__KbkdfParams *p, uint64_t type)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_fields; i++)
        n += p->fields[i]->type == type;
    return n;
}

enum err kbkdf_check(enum kbkdf_mode mode, const Hsm__KbkdfParams *p, size_t key_bytes)
{
    if (prf_find(p->prf, 0) == NULL || p->n_fields > KBKDF_FIELDS_MAX || (p->iv.len > 0 && mode != KBKDF_FEEDBACK))
        return ERR_MECHANISM_PARAM;
    if (prf_find(p->prf, key_bytes) == NULL)
        return ERR_KEY_SIZE;
    for (size_t i = 0; i < p->n_fields; i++)
        if (!field_is_good(mode, p->fields[i]))
            return ERR_MECHANISM_PARAM;
    if (count(p, CK_SP800_108_ITERATION_VARIABLE) != 1 || count(p, CK_SP800_108_OPTIONAL_COUNTER) > 1 ||
        count(p, CK_SP800_108_DKM_LENGTH) > 1)
        return ERR_MECHANISM_PARAM;
    return ERR_OK;
}

/* ---- one derivation */

struct run {
    enum kbkdf_mode mode;
    const Hsm__KbkdfParams *given;
    const struct prf *prf;
    EVP_MAC_CTX *mac;
    struct kdf_bytes key;
    uint64_t bits_of_keys, bits_of_segments;
};

static bool begin(struct run *r)
{
    bool hmac = strcmp(r->prf->mac, "HMAC") == 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(hmac ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
                                         (char *)(uintptr_t)r->prf->algorithm, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_init(r->mac, r->key.bytes, r->key.n, params) == 1;
}

static bool feed(struct run *r, const uint8_t *bytes, size_t n)
{
    return n == 0 || EVP_MAC_update(r->mac, bytes, n) == 1;
}

static bool feed_number(struct run *r, const Hsm__KbkdfField *f, uint64_t number)
{
    uint8_t bytes[LENGTH_BITS_MAX / 8];
    size_t n = f->bits / 8;

    for (size_t i = 0; i < n; i++) {
        size_t place = f->little_endian ? i : n - 1 - i;
        bytes[place] = (uint8_t)(number >> (8 * i));
    }
    return feed(r, bytes, n);
}

/* K(i - 1) or A(i): what the iteration variable stands for where it is no counter. */
struct link {
    const uint8_t *bytes;
    size_t n;
};

static bool feed_field(struct run *r, const Hsm__KbkdfField *f, uint64_t i, struct link link)
{
    switch (f->type) {
    case CK_SP800_108_ITERATION_VARIABLE:
        return r->mode == KBKDF_COUNTER ? feed_number(r, f, i) : feed(r, link.bytes, link.n);
    case CK_SP800_108_OPTIONAL_COUNTER:
        return feed_number(r, f, i);
    case CK_SP800_108_DKM_LENGTH:
        return feed_number(r, f,
                           f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ? r->bits_of_keys : r->bits_of_segments);
    default:
        return feed(r, f->value.data, f->value.len);
    }
}

static bool end(struct run *r, uint8_t out[BLOCK_BYTES_MAX])
{
    size_t n = 0;

    return EVP_MAC_final(r->mac, out, &n, BLOCK_BYTES_MAX) == 1 && n == r->prf->block_bytes;
}

static bool is_fixed(const Hsm__KbkdfField *f)
{
    return f->type == CK_SP800_108_BYTE_ARRAY || f->type == CK_SP800_108_DKM_LENGTH;
}

/* A(1) is the PRF of what is the same in all rounds, A(i) that of A(i - 1). */
static bool next_link(struct run *r, uint64_t i, uint8_t link[BLOCK_BYTES_MAX])
{
    bool ok = begin(r);

    for (size_t j = 0; i == 1 && ok && j < r->given->n_fields; j++)
        if (is_fixed(r->given->fields[j]))
            ok = feed_field(r, r->given->fields[j], i, (struct link){.n = 0});
    if (i > 1)
        ok = ok && feed(r, link, r->prf->block_bytes);
    return ok && end(r, link);
}

static bool block(struct run *r, uint64_t i, struct link link, uint8_t out[BLOCK_BYTES_MAX])
{
    bool ok = begin(r);

    for (size_t j = 0; ok && j < r->given->n_fields; j++)
        ok = feed_field(r, r->given->fields[j], i, link);
    return ok && end(r, out);
}

static bool rounds(struct run *r, struct secret *out)
{
    uint8_t link[BLOCK_BYTES_MAX], made[BLOCK_BYTES_MAX];
    size_t step = r->prf->block_bytes;
    bool ok = true;

    for (size_t at = 0, i = 1; ok && at < out->len; at += step, i++) {
        struct link before = {made, step};
        if (r->mode == KBKDF_FEEDBACK && i == 1)
            before = (struct link){r->given->iv.data, r->given->iv.len};
        if (r->mode == KBKDF_PIPELINE) {
            ok = next_link(r, i, link);
            before = (struct link){link, step};
        }
        ok = ok && block(r, i, before, made);
        if (ok)
            memcpy(out->bytes + at, made, out->len - at < step ? out->len - at : step);
    }
    bytes_wipe(link, sizeof link);
    bytes_wipe(made, sizeof made);
    return ok;
}

/* A counter may not begin again. */
static bool counts_so_far(const Hsm__KbkdfParams *p, enum kbkdf_mode mode, uint64_t blocks)
{
    for (size_t i = 0; i < p->n_fields; i++) {
        bool counter = p->fields[i]->type == CK_SP800_108_OPTIONAL_COUNTER ||
                       (p->fields[i]->type == CK_SP800_108_ITERATION_VARIABLE && mode == KBKDF_COUNTER);
        if (counter && blocks >> p->fields[i]->bits != 0)
            return false;
    }
    return true;
}

enum err kbkdf_derive(OSSL_LIB_CTX *libctx, enum kbkdf_mode mode, const Hsm__KbkdfParams *p, struct kdf_bytes key,
                      struct kbkdf_bytes bytes, struct secret *out)
{
    struct run r = {.mode = mode, .given = p, .key = key, .bits_of_keys = 8 * (uint64_t)bytes.of_keys};
    struct secret made = {0};
    EVP_MAC *mac = NULL;
    uint64_t blocks;
    enum err e = kbkdf_check(mode, p, key.n);

    if (e != ERR_OK)
        return e;
    if ((r.prf = prf_find(p->prf, key.n)) == NULL)
        return ERR_BUG;
    blocks = (bytes.n + r.prf->block_bytes - 1) / r.prf->block_bytes;
    r.bits_of_segments = 8 * blocks * r.prf->block_bytes;
    if (!counts_so_far(p, mode, blocks))
        return ERR_MECHANISM_PARAM;
    mac = EVP_MAC_fetch(libctx, r.prf->mac, NULL);
    r.mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (r.mac == NULL || !secret_new(&made, bytes.n) || !rounds(&r, &made))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    EVP_MAC_CTX_free(r.mac);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return e;
}
