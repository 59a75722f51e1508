#include "vault/provider/hotp.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/big_endian.h"
#include "proto/parameter.h"

enum { MAC_BYTES = 20, OFFSET_MASK = 0x0f, NUMBER_BYTES = 4 };

_Static_assert(OFFSET_MASK + NUMBER_BYTES <= MAC_BYTES, "the number lies within the MAC");

enum err hotp_check(const struct mechanism *m, const Hsm__Mechanism *given, const struct key *k)
{
    if (m->family != FAMILY_HOTP)
        return ERR_MECHANISM;
    if (!mechanism_takes_key(m, key_type(k)))
        return ERR_KEY_TYPE;
    if (key_size(k) < m->size_min || key_size(k) > m->size_max)
        return ERR_KEY_SIZE;
    return parameter_check(m, given);
}

/* RFC 4226 section 5.3: 31 bits from where the last four say. */
static uint32_t truncated(const uint8_t mac[MAC_BYTES])
{
    const uint8_t *at = mac + (mac[MAC_BYTES - 1] & OFFSET_MASK);

    return (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

enum err hotp_make(OSSL_LIB_CTX *libctx, const struct key *k, uint64_t counter, size_t digits, uint8_t *out)
{
    const struct secret *key = key_secret(k);
    uint8_t text[OTP_COUNTER_BYTES], mac[MAC_BYTES];
    uint32_t number;
    size_t n = 0;
    bool made;

    if (digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX)
        return ERR_CORRUPT;
    u64_put(text, counter);
    made = EVP_Q_mac(libctx, "HMAC", NULL, "SHA1", NULL, key->bytes, key->len, text, sizeof text, mac, sizeof mac, &n) != NULL;
    ERR_clear_error();
    if (!made || n != sizeof mac) {
        bytes_wipe(mac, sizeof mac);
        return ERR_BUG;
    }
    number = truncated(mac);
    bytes_wipe(mac, sizeof mac);
    for (size_t i = digits; i > 0; i--, number /= 10)
        out[i - 1] = (uint8_t)('0' + number % 10);
    return ERR_OK;
}

enum err hotp_find(OSSL_LIB_CTX *libctx, const struct key *k, uint64_t first, unsigned window, size_t digits, const uint8_t *password,
                   size_t n, uint64_t *counter)
{
    uint8_t right[OTP_DIGITS_MAX];
    enum err e = n == digits ? ERR_OK : ERR_SIGNATURE_LEN;
    bool found = false;

    for (unsigned i = 0; e == ERR_OK && i < window && first <= UINT64_MAX - i; i++) {
        bool same;
        if ((e = hotp_make(libctx, k, first + i, digits, right)) != ERR_OK)
            break;
        same = bytes_equal(right, password, digits);
        if (same && !found)
            *counter = first + i;
        found = found || same;
    }
    bytes_wipe(right, sizeof right);
    return e == ERR_OK && !found ? ERR_SIGNATURE : e;
}
