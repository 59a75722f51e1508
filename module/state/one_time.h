/* One-time passwords as PKCS #11 hands them out: CK_OTP_SIGNATURE_INFO, and what it points to behind it, in the one block that the
 * application gives for the signature. What is in it is the password alone. */
#ifndef CLUSTERHSM_MODULE_STATE_ONE_TIME_H
#define CLUSTERHSM_MODULE_STATE_ONE_TIME_H

#include "module/state/cluster_sign.h"

/* Of a key's passwords; 0: it is no such key. */
size_t one_time_digits(const struct known *key);
size_t one_time_info_bytes(const struct known *key);

/* `info`, perhaps unaligned, has room for one_time_info_bytes, which are *bytes and filled; after an error nothing of a password is in it.
 * cluster_one_time's errors; ERR_MALFORMED. */
enum err one_time_sign(struct module *m, const struct key_request *k, CK_BYTE *info, size_t *bytes);

#endif
