/* The module's own OpenSSL: one library context for the life of the process.
 *
 * It is never freed, not by C_Finalize either: a thread that used it and ends later would crash. Linked statically, nothing of the host's
 * OpenSSL is touched: no configuration file is read, no exit handler registered, no default changed. */
#ifndef CLUSTERHSM_MODULE_RPC_CRYPTO_CONTEXT_H
#define CLUSTERHSM_MODULE_RPC_CRYPTO_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

/* The context, made at the first call; NULL: no memory. Callers exclude each other. */
OSSL_LIB_CTX *crypto_context(void);

/* Fills `out` from the context's generator, which notices a fork. Enters the gate. False: the generator failed, nothing is promised of the
 * bytes. */
bool crypto_random(OSSL_LIB_CTX *libctx, void *out, size_t n);

/* Mixes bytes into the generator of the calling thread, which takes fresh ones of the kernel besides. False: it failed. */
bool crypto_seed(OSSL_LIB_CTX *libctx, const void *seed, size_t n);

#endif
