#include "crypto/message_iv.h"

#include <openssl/err.h>
#include <openssl/rand.h>

enum { RANDOM_BITS_MIN = 96 };

enum err message_iv_make(OSSL_LIB_CTX *libctx, CK_ULONG generator, size_t fixed_bits, uint8_t *iv, size_t n)
{
    size_t whole = fixed_bits / 8, bits = fixed_bits % 8;
    uint8_t first;

    if (generator == CKG_NO_GENERATE)
        return ERR_OK;
    if (generator != CKG_GENERATE && generator != CKG_GENERATE_RANDOM)
        return ERR_MECHANISM_PARAM;
    if (fixed_bits > 8 * n || 8 * n - fixed_bits < RANDOM_BITS_MIN)
        return ERR_MECHANISM_PARAM;
    first = bits > 0 ? iv[whole] : 0; /* nothing that is not fixed is looked at */
    if (RAND_bytes_ex(libctx, iv + whole, n - whole, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    iv[whole] = (uint8_t)((first & ~(0xffu >> bits)) | (iv[whole] & (0xffu >> bits)));
    return ERR_OK;
}
