#include "module/rpc/crypto_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "crypto/post_quantum.h"
#include "module/rpc/gate.h"

enum { RANDOM_PIECE_BYTES = 64 * 1024 }; /* a fork waits no longer than one of them takes */

/* The flags would bind a host whose OpenSSL we share: its own configuration would silently not be read. */
#ifdef MODULE_OPENSSL_STATIC
static const uint64_t init_flags = OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG;
#else
static const uint64_t init_flags = 0;
#endif

static OSSL_LIB_CTX *make_context(void)
{
    OSSL_LIB_CTX *libctx = OPENSSL_init_ssl(init_flags, NULL) == 1 ? OSSL_LIB_CTX_new() : NULL;

    if (libctx != NULL && OSSL_PROVIDER_load(libctx, "default") == NULL) {
        OSSL_LIB_CTX_free(libctx); /* nobody has used it yet */
        libctx = NULL;
    }
    if (libctx != NULL)
        post_quantum_probe(libctx);
    ERR_clear_error();
    return libctx;
}

OSSL_LIB_CTX *crypto_context(void)
{
    static OSSL_LIB_CTX *kept;

    gate_enter();
    if (kept == NULL)
        kept = make_context();
    gate_leave();
    return kept;
}

bool crypto_random(OSSL_LIB_CTX *libctx, void *out, size_t n)
{
    unsigned char *at = out;
    bool ok = true;

    while (ok && n > 0) {
        size_t piece = n < RANDOM_PIECE_BYTES ? n : RANDOM_PIECE_BYTES;
        gate_enter();
        ok = RAND_bytes_ex(libctx, at, piece, 0) == 1;
        if (!ok)
            ERR_clear_error();
        gate_leave();
        at += piece;
        n -= piece;
    }
    return ok;
}
