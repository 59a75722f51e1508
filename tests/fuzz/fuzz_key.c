/* Any bytes as a key in DER, as it comes out of a wrapped key or a file (PKCS #8), or as CKA_PUBLIC_KEY_INFO: refused, or a key that is the
 * same again once it is packed. The first byte says which: even: a private key. */
#include <openssl/types.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/post_quantum.h"
#include "crypto/public_key.h"
#include "tests/fuzz/replay.h"
#include "vault/provider/key.h"
#include "vault/provider/wrap.h"

/* Of all runs. */
static bool unpacked, read;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_private(const struct secret *given)
{
    struct secret first = {0}, second = {0};
    struct key *key = NULL, *again = NULL;

    if (wrap_unpack_private(NULL, given, &key) != ERR_OK)
        return;
    must(wrap_pack(key, &first) == ERR_OK && wrap_unpack_private(NULL, &first, &again) == ERR_OK && wrap_pack(again, &second) == ERR_OK);
    must(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0);
    must(key_type(key) == key_type(again) && key_size(key) == key_size(again));
    unpacked = true;
    key_free(again);
    key_free(key);
    secret_clear(&second);
    secret_clear(&first);
}

static void try_public(const uint8_t *bytes, size_t n)
{
    struct public_key *key = NULL, *again = NULL;
    struct buffer first = {0}, second = {0};

    if (public_key_read(NULL, bytes, n, &key) != ERR_OK)
        return;
    must(public_key_info(key, &first) == ERR_OK && public_key_read(NULL, first.data, first.len, &again) == ERR_OK);
    must(public_key_info(again, &second) == ERR_OK);
    must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    read = true;
    public_key_free(again);
    public_key_free(key);
    buffer_clear(&second);
    buffer_clear(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static bool probed;
    struct secret given = {0};

    if (!probed)
        post_quantum_probe(NULL);
    probed = true;
    if (n < 2)
        return 0;
    if (bytes[0] % 2 == 1) {
        try_public(bytes + 1, n - 1);
        return 0;
    }
    must(secret_copy(&given, bytes + 1, n - 1));
    try_private(&given);
    secret_clear(&given);
    return 0;
}

const char *fuzz_unreached(void)
{
    return !unpacked ? "a private key" : !read ? "a public key" : NULL;
}
