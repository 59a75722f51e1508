#include "module/state/digest_parts.h"

static void let_go(struct digest_parts *p)
{
    for (size_t i = 0; i < p->n_keys; i++)
        known_release(p->keys[i].key);
    gathered_clear(&p->bytes);
    p->n_keys = p->n_hidden = 0;
}

/* It does not fit. */
static enum err forget(struct digest_parts *p, enum err why)
{
    if (p->n_hidden > 0)
        return why;
    let_go(p);
    p->forgotten = true;
    return ERR_OK;
}

enum err digest_parts_put(struct digest_parts *p, const uint8_t *bytes, size_t n)
{
    if (p->forgotten || n == 0)
        return ERR_OK;
    if (n > SIGN_DATA_BYTES_MAX - p->bytes.n)
        return forget(p, ERR_TOO_LARGE);
    return gathered_put(&p->bytes, bytes, n) ? ERR_OK : forget(p, ERR_NO_MEMORY);
}

enum err digest_parts_put_key(struct digest_parts *p, struct known *key)
{
    struct digest_part_key *k = &p->keys[p->n_keys];
    bool hidden = known_value(key, CKA_VALUE) == NULL;

    if (p->forgotten)
        return hidden ? ERR_KEY_INDIGESTIBLE : ERR_OK;
    if (p->n_keys == DIGEST_KEYS_MAX)
        return hidden ? ERR_KEY_INDIGESTIBLE : forget(p, ERR_KEY_INDIGESTIBLE);
    *k = (struct digest_part_key){.key = known_hold(key), .at = p->bytes.n};
    p->n_keys++;
    p->n_hidden += hidden;
    return ERR_OK;
}

const struct known_value *digest_part_value(const struct digest_part_key *k)
{
    return known_value(k->key, CKA_VALUE);
}

void digest_parts_clear(struct digest_parts *p)
{
    let_go(p);
    *p = (struct digest_parts){.n_keys = 0};
}
