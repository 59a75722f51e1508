/* What the three sorts of DES keys have in common: eight bytes (CKK_DES), sixteen (CKK_DES2) or twenty-four (CKK_DES3).
 *
 * OpenSSL's default provider has triple DES only, E(K3, D(K2, E(K1, x))). With one key three times that is single DES, as
 * D undoes what E has done; with K1, K2, K1 it is what the standard means by a double-length key (PKCS#11 v2.40,
 * "Double and Triple-length DES"). So all of them are given to it as three keys.
 *
 * No key is looked at for being weak: that the token makes one is as likely as any other key, and the standard leaves it
 * to the token. Pure functions: any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_DES_H
#define CLUSTERHSM_VAULT_PROVIDER_DES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pkcs11.h"

enum { DES_THREE_KEYS_BYTES = 24 };

bool des_is(CK_KEY_TYPE type);

/* The last bit of each byte makes the number of ones odd (PKCS#11 v3.1 section 6.17.1). No cipher looks at it, and programs
 * leave it to the token. */
void des_set_parity(uint8_t *key, size_t n);

/* A key of 8, 16 or 24 bytes as three. The caller wipes them. */
void des_three_keys(const uint8_t *key, size_t n, uint8_t out[DES_THREE_KEYS_BYTES]);

#endif
