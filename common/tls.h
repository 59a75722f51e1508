/* The TLS contexts of the whole house: mutual TLS 1.3 and nothing else.
 *
 * No tickets and no session cache (a resumed session skips the look at the certificate), no default trust store, no
 * configuration file, groups with X25519 first so that an OpenSSL 3.5 end does not pay a second round trip at a 3.0
 * end. A context is made once and then only read: any thread may make connections from it. */
#ifndef CLUSTERHSM_COMMON_TLS_H
#define CLUSTERHSM_COMMON_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "common/diag.h"

enum tls_side { TLS_CLIENT, TLS_SERVER };

struct tls_setup {
    OSSL_LIB_CTX *libctx;      /* private context; never NULL in the module */
    enum tls_side side;
    X509 *certificate;         /* ours; NULL: a client that shows none */
    STACK_OF(X509) *chain;     /* sent with it; may be NULL */
    EVP_PKEY *key;             /* may live in a provider */
    STACK_OF(X509) *roots;     /* what the other side must end at; NULL where `verify` decides alone */
    int (*verify)(X509_STORE_CTX *, void *); /* in place of the built-in chain check; may be NULL */
    void *verify_arg;
    bool peer_optional;        /* a server that also talks to who shows no certificate; default: refused */
};

/* Everything in the setup is referenced or copied; nothing of it is given away. NULL and a reason on failure; the
 * thread's OpenSSL error queue is empty afterwards. Freed with SSL_CTX_free. */
SSL_CTX *tls_context_new(const struct tls_setup *setup, struct diag *why);

/* The newest error of the thread's queue as text for people ("certificate verify failed: ..."), and empties the
 * queue. `ssl` may be NULL; where it is given, the reason of a failed certificate check is named. Returns `out`. */
const char *tls_error_text(const SSL *ssl, char *out, size_t room);

#endif
