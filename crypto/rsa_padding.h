/* What OpenSSL is told of RSA encryption by a row of the mechanism table: the padding, and what OAEP takes. */
#ifndef CLUSTERHSM_CRYPTO_RSA_PADDING_H
#define CLUSTERHSM_CRYPTO_RSA_PADDING_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/core.h>

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

enum { RSA_PADDING_PARAMS_MAX = 5 };

/* False: the row encrypts with no RSA key. `params` borrows from `given`. */
bool rsa_padding_params(const struct mechanism *row, const Hsm__Mechanism *given, OSSL_PARAM params[RSA_PADDING_PARAMS_MAX]);

/* The most data that a modulus of so many bytes takes (RFC 8017 sections 7.1.1 and 7.2.1); 0: none at all. */
size_t rsa_padding_data_bytes_max(const struct mechanism *row, const Hsm__Mechanism *given, size_t modulus_bytes);

#endif
