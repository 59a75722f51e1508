#include "vault/provider/digest_key.h"

#include "proto/limits.h"

enum err digest_key(struct digest *d, const struct key *k)
{
    const struct secret *value = key_secret(k);

    if (value->len == 0)
        return ERR_KEY_INDIGESTIBLE;
    return value->len < DIGEST_KEY_BYTES_MIN ? ERR_KEY_SIZE : digest_update(d, value->bytes, value->len);
}
