#include "vault/provider/pkcs1_unpad.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "vault/provider/kdf.h"

enum { OVERHEAD_BYTES = 11, SEED_BYTES = 32, LENGTHS = 128 };

/* All ones or all zeros, without a branch. */
static size_t mask_is_zero(size_t x)
{
    return (size_t)0 - ((~x & (x - 1)) >> (8 * sizeof x - 1));
}

static size_t mask_less(size_t a, size_t b)
{
    return (size_t)0 - ((a ^ ((a ^ b) | ((a - b) ^ b))) >> (8 * sizeof a - 1));
}

static size_t choose(size_t mask, size_t yes, size_t no)
{
    return (mask & yes) | (~mask & no);
}

/* Where the message begins, and a mask that says whether there is one. */
static size_t find_message(const uint8_t *block, size_t n, size_t *good)
{
    size_t at = 0, found = 0, zero;

    *good = mask_is_zero(block[0]) & mask_is_zero(block[1] ^ 2u);
    for (size_t i = 2; i < n; i++) {
        zero = mask_is_zero(block[i]);
        at = choose(~found & zero, i, at);
        found |= zero;
    }
    *good &= found & ~mask_less(at, OVERHEAD_BYTES - 1);
    return at + 1;
}

/* The last of many candidates that fits is the length: so all lengths are about as likely. */
static size_t length_of(const uint8_t *bytes, size_t n_max)
{
    size_t bits = 1, length = 0;

    while (bits < n_max)
        bits = bits << 1 | 1;
    for (size_t i = 0; i < LENGTHS; i++) {
        size_t candidate = ((size_t)bytes[2 * i] << 8 | bytes[2 * i + 1]) & bits;
        length = choose(mask_less(candidate, n_max + 1), candidate, length);
    }
    return length;
}

static enum err make_other(OSSL_LIB_CTX *libctx, const struct key *k, const uint8_t *ciphertext, size_t n, size_t bytes,
                           struct secret *out)
{
    struct kdf_hkdf h = {
        .hash = "SHA256", .extract = true, .expand = true, .salt = {(const uint8_t *)"clusterhsm pkcs1", 16}};
    struct secret d = {0};
    enum err e = key_part(k, CKA_PRIVATE_EXPONENT, &d);

    h.info = (struct kdf_bytes){ciphertext, n};
    if (e == ERR_OK)
        e = kdf_hkdf(libctx, &h, (struct kdf_bytes){d.bytes, d.len}, bytes, out);
    secret_clear(&d);
    return e == ERR_MECHANISM_PARAM ? ERR_BUG : e;
}

enum err pkcs1_unpad(OSSL_LIB_CTX *libctx, const struct key *k, const uint8_t *ciphertext, size_t n,
                     struct secret *block)
{
    size_t size = block->len, good, from, other_from, start;
    struct secret other = {0}, message = {0};
    enum err e = make_other(libctx, k, ciphertext, n, 2 * LENGTHS + size, &other);

    if (e == ERR_OK && !secret_new(&message, size))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK) {
        from = find_message(block->bytes, size, &good);
        other_from = size - length_of(other.bytes, size - OVERHEAD_BYTES);
        start = choose(good, from, other_from);
        for (size_t i = 0; i < size; i++)
            message.bytes[i] = (uint8_t)choose(good, block->bytes[i], other.bytes[2 * LENGTHS + i]);
        /* From here on only the length shows, which the caller is told anyway. */
        block->len = size - start;
        memcpy(block->bytes, message.bytes + start, block->len);
    }
    secret_clear(&message);
    secret_clear(&other);
    return e;
}
