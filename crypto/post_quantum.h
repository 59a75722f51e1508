/* Whether libcrypto has the post-quantum algorithms (OpenSSL 3.5 and later do): what it was built with does not matter, but what it runs
 * with. */
#ifndef CLUSTERHSM_CRYPTO_POST_QUANTUM_H
#define CLUSTERHSM_CRYPTO_POST_QUANTUM_H

#include <openssl/types.h>

/* Asks for every algorithm of proto/parameter_set.h and leaves the answers there. Once, when a process starts, before anybody asks for
 * mechanisms; more often does no harm. */
void post_quantum_probe(OSSL_LIB_CTX *libctx);

#endif
