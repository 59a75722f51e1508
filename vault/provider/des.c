#include "vault/provider/des.h"

bool des_is(CK_KEY_TYPE type)
{
    return type == CKK_DES || type == CKK_DES2 || type == CKK_DES3;
}

void des_set_parity(uint8_t *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned ones = key[i] >> 1;
        ones ^= ones >> 4;
        ones ^= ones >> 2;
        ones ^= ones >> 1;
        key[i] = (uint8_t)((key[i] & 0xfe) | (~ones & 1));
    }
}

void des_three_keys(const uint8_t *key, size_t n, uint8_t out[DES_THREE_KEYS_BYTES])
{
    for (size_t i = 0; i < DES_THREE_KEYS_BYTES; i++)
        out[i] = key[i % n];
}
