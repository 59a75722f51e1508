#include "module/state/cluster_digest.h"

#include "module/state/cluster_ask.h"

/* The parts of a digest as they travel: each key with the bytes before it, then the bytes behind the last. */
struct digest_message {
    Hsm__DigestPart parts[2 * DIGEST_KEYS_MAX + 1];
    Hsm__DigestPart *list[2 * DIGEST_KEYS_MAX + 1];
    Hsm__KeyRef refs[DIGEST_KEYS_MAX];
    uint64_t ids[DIGEST_KEYS_MAX];
    size_t n, n_ids;
};

static Hsm__DigestPart *add_part(struct digest_message *d)
{
    Hsm__DigestPart *part = &d->parts[d->n];

    hsm__digest_part__init(part);
    d->list[d->n++] = part;
    return part;
}

static void add_key(struct digest_message *d, size_t i, const struct digest_part_key *k)
{
    const struct known_value *value = digest_part_value(k);
    Hsm__DigestPart *part = add_part(d);

    if (value != NULL) {
        part->data = cluster_bytes(value->bytes, value->n);
        return;
    }
    d->refs[i] = cluster_key_ref(k->key);
    part->key = &d->refs[i];
    if (d->refs[i].id != 0)
        d->ids[d->n_ids++] = d->refs[i].id;
}

static void fill_digest(const struct digest_parts *fed, struct digest_message *d)
{
    size_t from = 0;

    d->n = d->n_ids = 0;
    for (size_t i = 0; i < fed->n_keys; i++) {
        add_part(d)->data = cluster_bytes(fed->bytes.bytes + from, fed->keys[i].at - from);
        from = fed->keys[i].at;
        add_key(d, i, &fed->keys[i]);
    }
    add_part(d)->data = cluster_bytes(fed->bytes.bytes + from, fed->bytes.n - from);
}

enum err cluster_digest_key(struct module *m, const struct mechanism *digest, const struct digest_parts *fed, uint8_t *out, size_t *bytes)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__DigestKey digest_key = HSM__DIGEST_KEY__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    struct digest_message d;

    fill_digest(fed, &d);
    mechanism.type = digest->type;
    request.of_case = HSM__REQUEST__OF_DIGEST_KEY;
    request.digest_key = &digest_key;
    digest_key.mechanism = &mechanism;
    digest_key.parts = d.list;
    digest_key.n_parts = d.n;
    return cluster_ask_bytes(m, &request, d.ids, d.n_ids, out, bytes);
}
