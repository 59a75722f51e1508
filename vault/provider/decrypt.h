/* Decryption with private keys, by the rows of the mechanism table. Whether the key's attributes permit the use is decided above.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_DECRYPT_H
#define CLUSTERHSM_VAULT_PROVIDER_DECRYPT_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

struct decrypt {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* with the row's parameter (proto/parameter.h) */
    const struct key *key;
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err decrypt_check(const struct decrypt *d);

/* `out` has room for a block of the key's bytes. Whatever is wrong with a ciphertext of the right length is ERR_ENCRYPTED_DATA, and what
 * takes time does so alike; with CKM_RSA_PKCS and OpenSSL 3.2 or later a wrong padding gives other data instead, always the same for a
 * ciphertext, so that nobody learns which paddings are right (Bleichenbacher's attack). Besides decrypt_check's: ERR_ENCRYPTED_DATA_LEN,
 * ERR_NO_MEMORY, ERR_BUG. */
enum err decrypt_data(const struct decrypt *d, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n);

#endif
