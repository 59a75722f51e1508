#include "crypto/number_pair.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

/* PKCS#11 v3.1 section 6.2, CKM_DSA: "20, 28, 32, 48, or 64 bytes". */
static bool is_dsa_length(size_t n)
{
    return n == 20 || n == 28 || n == 32 || n == 48 || n == 64;
}

bool number_pair_signs(const struct mechanism *m, size_t data_n)
{
    if (m->hash != NULL)
        return data_n == mechanism_hash_bytes(m->hash);
    return m->family == FAMILY_DSA ? is_dsa_length(data_n) : data_n > 0;
}

bool number_pair_fits(const struct mechanism *m, size_t signature_n, size_t half)
{
    if (m->family == FAMILY_DSA)
        return signature_n == 2 * half;
    return signature_n > 0 && signature_n % 2 == 0 && signature_n / 2 <= half;
}

/* The DER of DSA is the same: a SEQUENCE of two INTEGERs. */
enum err number_pair_to_der(const uint8_t *pair, size_t n, uint8_t **der, size_t *der_n)
{
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair, (int)(n / 2), NULL), *s = BN_bin2bn(pair + n / 2, (int)(n / 2), NULL);
    uint8_t *made = NULL;
    int made_n = 0;

    if (numbers != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(numbers, r, s) == 1) {
        r = s = NULL; /* transferred */
        made_n = i2d_ECDSA_SIG(numbers, &made);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(numbers);
    ERR_clear_error();
    if (made_n <= 0)
        return ERR_NO_MEMORY;
    *der = made;
    *der_n = (size_t)made_n;
    return ERR_OK;
}

enum err number_pair_from_der(const uint8_t *der, size_t n, size_t half, uint8_t *pair)
{
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)n);
    int bytes = (int)half;
    enum err e = ERR_OK;

    if (numbers == NULL)
        e = ERR_NO_MEMORY;
    else if (BN_bn2binpad(ECDSA_SIG_get0_r(numbers), pair, bytes) != bytes ||
             BN_bn2binpad(ECDSA_SIG_get0_s(numbers), pair + half, bytes) != bytes)
        e = ERR_BUG;
    ECDSA_SIG_free(numbers);
    ERR_clear_error();
    return e;
}
