/* C_GenerateRandom for who wants the vault's: from its one source, OpenSSL's DRBG. */
#include <openssl/err.h>
#include <openssl/rand.h>

#include "vault/object/reply.h"
#include "vault/operation/operation.h"

enum { RANDOM_BYTES_MAX = 64 * 1024 };

enum err op_generate_random_decide(struct work *w)
{
    uint32_t n = work_request(w)->generate_random->bytes;
    uint8_t *out;

    if (n > RANDOM_BYTES_MAX) {
        work_detail(w, "%u random bytes are more than the %u that one request gives", (unsigned)n, (unsigned)RANDOM_BYTES_MAX);
        return ERR_TOO_LARGE;
    }
    if ((out = work_memory(w, n)) == NULL)
        return ERR_NO_MEMORY;
    if (n > 0 && RAND_bytes_ex(work_vault(w)->libctx, out, n, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    return reply_bytes(w, out, n);
}
