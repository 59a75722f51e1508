/* Streams of ciphering.h: data cut into requests, and the chaining value between them. */
#ifndef CLUSTERHSM_MODULE_STATE_CIPHER_STREAM_H
#define CLUSTERHSM_MODULE_STATE_CIPHER_STREAM_H

#include "module/state/ciphering.h"
#include "proto/error.h"

/* So many bytes come of n more. At most, where `last` and padding is taken off. */
size_t cipher_stream_bytes(const struct ciphering *c, size_t n, bool last);

/* Whether all data has a length that the mode takes, if n bytes are the last: ERR_DATA_LEN, ERR_ENCRYPTED_DATA_LEN. */
enum err cipher_stream_may_end(const struct ciphering *c, size_t n);

/* Writes what comes of n more bytes; `out` has room for cipher_stream_bytes and may be `in`. Besides the vault's errors: ERR_DATA_LEN,
 * ERR_ENCRYPTED_DATA_LEN (a counter at its end), ERR_NO_MEMORY. */
enum err cipher_stream_run(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, bool last, uint8_t *out, size_t *out_n);

#endif
