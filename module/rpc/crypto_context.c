#include "module/rpc/crypto_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "crypto/eddsa.h"
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
    if (libctx != NULL) {
        post_quantum_probe(libctx);
        eddsa_probe(libctx);
    }
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

typedef int piece_work(OSSL_LIB_CTX *libctx, unsigned char *at, size_t n);

static int make_piece(OSSL_LIB_CTX *libctx, unsigned char *at, size_t n)
{
    return RAND_bytes_ex(libctx, at, n, 0);
}

static int mix_piece(OSSL_LIB_CTX *libctx, unsigned char *at, size_t n)
{
    return EVP_RAND_reseed(RAND_get0_public(libctx), 0, NULL, 0, at, n);
}

static bool in_pieces(OSSL_LIB_CTX *libctx, piece_work *work, unsigned char *at, size_t n)
{
    bool ok = true;

    while (ok && n > 0) {
        size_t piece = n < RANDOM_PIECE_BYTES ? n : RANDOM_PIECE_BYTES;
        gate_enter();
        ok = work(libctx, at, piece) == 1;
        if (!ok)
            ERR_clear_error();
        gate_leave();
        at += piece;
        n -= piece;
    }
    return ok;
}

bool crypto_random(OSSL_LIB_CTX *libctx, void *out, size_t n)
{
    return in_pieces(libctx, make_piece, out, n);
}

bool crypto_seed(OSSL_LIB_CTX *libctx, const void *seed, size_t n)
{
    return in_pieces(libctx, mix_piece, (unsigned char *)(uintptr_t)seed, n); /* only read */
}
