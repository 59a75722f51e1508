/* EdDSA (RFC 8032): which of its variants a key and a parameter ask for, in OpenSSL's words. OpenSSL 3.0 and 3.1 have the two pure ones
 * without context only. Any thread. */
#ifndef CLUSTERHSM_CRYPTO_EDDSA_H
#define CLUSTERHSM_CRYPTO_EDDSA_H

#include <openssl/core.h>
#include <openssl/types.h>

#include "crypto/curve.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "proto/request.pb-c.h"

enum { EDDSA_PARAMS = 3 };

/* Asks whether this OpenSSL has the other variants; before that they are not there. Once, when a process starts; more often does no
 * harm. */
void eddsa_probe(OSSL_LIB_CTX *libctx);

/* Whether the variant is there; `given` may be NULL (pure, without context). No prehash and an empty context are the pure
 * variant, also of Ed25519. ERR_CURVE: not an Edwards curve. ERR_MECHANISM_PARAM: a variant that is not here, or a context above 255
 * bytes. */
enum err eddsa_check(const struct curve *curve, const Hsm__EddsaParams *given);

/* The parameters of a signature; they borrow from `given`. eddsa_check has said that they can be used. */
void eddsa_params(const struct curve *curve, const Hsm__EddsaParams *given, OSSL_PARAM out[EDDSA_PARAMS]);

#endif
