/* Encryption and decryption with secret keys, by the rows of the mechanism table. Whether the key's attributes permit the use is decided
 * above. (Decryption with private keys: decrypt.h.)
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_CIPHER_H
#define CLUSTERHSM_VAULT_PROVIDER_CIPHER_H

#include "proto/cipher_mode.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

struct cipher {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* with the row's parameter (proto/parameter.h) */
    const struct key *key;
    bool encrypt;
    bool more;                   /* a part, and not the last: whole blocks, no padding comes or goes */
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err cipher_check(const struct cipher *c);

/* Bytes that `out` has to have room for, with n bytes of data. Asked after cipher_check. */
size_t cipher_room(const struct cipher *c, size_t n);

/* After a failure nothing is left in `out`: no plaintext before the tag is right. A wrong padding is told by ERR_ENCRYPTED_DATA alone,
 * after the same time whatever is wrong with it. Besides cipher_check's: ERR_DATA_LEN, ERR_ENCRYPTED_DATA_LEN, ERR_ENCRYPTED_DATA,
 * ERR_NO_MEMORY, ERR_BUG. */
enum err cipher_run(const struct cipher *c, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n);

#endif
