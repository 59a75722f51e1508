/* Key derivation by a PRF (SP 800-108) as PKCS#11 v3.1 section 6.42 has it: the caller says which fields the PRF is
 * given, and in which order, which OpenSSL's own KBKDF does not leave open. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KBKDF_H
#define CLUSTERHSM_VAULT_PROVIDER_KBKDF_H

#include "proto/request.pb-c.h"
#include "vault/provider/kdf.h"

enum kbkdf_mode { KBKDF_COUNTER, KBKDF_FEEDBACK, KBKDF_PIPELINE };

/* One iteration variable is needed; a counter beside it is for the other two modes; numbers are whole bytes wide; fields that are keys have
 * been filled in. ERR_MECHANISM_PARAM; ERR_KEY_SIZE: no key of CMAC's cipher. */
enum err kbkdf_check(enum kbkdf_mode mode, const Hsm__KbkdfParams *p, size_t key_bytes);

/* So many bytes are made; so many of them are keys' (DKM_LENGTH), where several keys leave rests of blocks between them. */
struct kbkdf_bytes {
    size_t n, of_keys;
};

/* kbkdf_check's, and ERR_NO_MEMORY, ERR_MECHANISM_PARAM: more bytes than the counter counts. */
enum err kbkdf_derive(OSSL_LIB_CTX *libctx, enum kbkdf_mode mode, const Hsm__KbkdfParams *p, struct kdf_bytes key,
                      struct kbkdf_bytes bytes, struct secret *out);

/* What comes of one round: the natural length of a key. 0: no such PRF. */
size_t kbkdf_block_bytes(const Hsm__KbkdfParams *p);

#endif
