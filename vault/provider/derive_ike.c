/* IKE, both versions (PKCS#11 v3.1 section 6.64; RFC 2409 section 5 and appendix B, RFC 7296 sections 2.13 and 2.14): chains of a PRF over
 * keys and data. The keys beside the base key stand in front of the data, in the order in which the standard feeds them.
 *
 * What could leak: HMAC is one-way. CMAC and XCBC under a key that the caller knows are undone, so with them what is made shows what it was
 * made of. CKM_IKE1_EXTENDED_DERIVE without data cuts a short key off the base key's front, which shows that. */
#include <string.h>

#include "common/buffer.h"
#include "vault/provider/derive_family.h"
#include "vault/provider/prf.h"

enum { BLOCKS_MAX = 255, OTHERS_MAX = 2, PARTS_MAX = 1 + OTHERS_MAX + 2 + 1 };

static struct prf prf_of(const struct derive *d)
{
    struct prf p = {.bytes = 0};

    (void)prf_find_ike(d->given->ike->prf, &p);
    return p;
}

/* ---- what may be given */

static bool is_generic(const struct key *k)
{
    return key_type(k) == CKK_GENERIC_SECRET;
}

/* The standard asks for the PRF's own type of key. Clients have generic secrets throughout, and so does what takes HMAC keys here. */
static bool is_prf_key(const struct prf *p, const struct key *k)
{
    return key_type(k) == p->key_type || is_generic(k);
}

static enum err check(const struct derive *d, struct prf *p)
{
    return prf_find_ike(d->given->ike->prf, p) ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err derive_check_ike_prf(const struct derive *d)
{
    const Hsm__IkeParams *i = d->given->ike;
    struct prf p;
    enum err e = check(d, &p);

    if (e != ERR_OK)
        return e;
    if (i->number != 0 || (i->data_as_key && (d->n_others > 0 || i->first.len + i->second.len == 0)))
        return ERR_MECHANISM_PARAM;
    if (i->data_as_key)
        return is_generic(d->base) ? ERR_OK : ERR_KEY_TYPE;
    return is_prf_key(&p, d->base) && (d->n_others == 0 || is_generic(d->others[0])) ? ERR_OK : ERR_KEY_TYPE;
}

/* g^xy, and the key before this one, of whatever type. */
enum err derive_check_ike1_prf(const struct derive *d)
{
    struct prf p;
    enum err e = check(d, &p);

    if (e == ERR_OK && (d->given->ike->number > UINT8_MAX || d->given->ike->data_as_key))
        e = ERR_MECHANISM_PARAM;
    if (e != ERR_OK)
        return e;
    return is_prf_key(&p, d->base) && is_generic(d->others[0]) ? ERR_OK : ERR_KEY_TYPE;
}

static bool has_one_string(const Hsm__IkeParams *i)
{
    return !i->data_as_key && i->second.len == 0 && i->number == 0;
}

enum err derive_check_ike1_extended(const struct derive *d)
{
    struct prf p;
    enum err e = check(d, &p);

    if (e == ERR_OK && !has_one_string(d->given->ike))
        e = ERR_MECHANISM_PARAM;
    if (e != ERR_OK)
        return e;
    return is_prf_key(&p, d->base) && (d->n_others == 0 || is_generic(d->others[0])) ? ERR_OK : ERR_KEY_TYPE;
}

enum err derive_check_ike2_prf_plus(const struct derive *d)
{
    const Hsm__IkeParams *i = d->given->ike;
    struct prf p;
    enum err e = check(d, &p);

    if (e == ERR_OK && (!has_one_string(i) || (d->n_others == 0 && i->first.len == 0)))
        e = ERR_MECHANISM_PARAM;
    if (e != ERR_OK)
        return e;
    return is_prf_key(&p, d->base) ? ERR_OK : ERR_KEY_TYPE;
}

/* ---- what comes of it */

size_t derive_natural_ike(const struct derive *d)
{
    return prf_of(d).bytes;
}

CK_KEY_TYPE derive_type_of_prf(const struct derive *d)
{
    return prf_of(d).key_type;
}

/* CKM_IKE1_PRF_DERIVE alone asks for one. */
CK_KEY_TYPE derive_type_said(const struct derive *d)
{
    (void)d;
    return CK_UNAVAILABLE_INFORMATION;
}

/* RFC 2409 appendix B: a base key that is long enough is the key. The standard says so of any call without g^xy; but data is what tells
 * the keys of section 5.5 apart, so it is never left out. */
static bool is_bare(const struct mechanism *m, const Hsm__IkeParams *i, size_t n_others)
{
    return m->family == FAMILY_IKE1_EXTENDED && n_others == 0 && i->first.len == 0;
}

static bool is_cut(const struct derive *d, size_t n)
{
    return is_bare(d->mechanism, d->given->ike, d->n_others) && n <= prf_of(d).bytes && n <= key_size(d->base);
}

bool derive_reveals_ike(const struct mechanism *m, const Hsm__Mechanism *given, size_t n_others)
{
    struct prf p;

    if (given == NULL || given->ike == NULL || !prf_find_ike(given->ike->prf, &p))
        return false;
    return p.hash == NULL || is_bare(m, given->ike, n_others);
}

bool derive_whole_ike(const struct derive *d, size_t n)
{
    return is_cut(d, n) ? n == key_size(d->base) : n >= PRF_BLOCK_BYTES;
}

/* ---- one block, or a chain of them */

struct message {
    struct kdf_bytes parts[PARTS_MAX];
    size_t n;
};

static void add(struct message *m, struct kdf_bytes part)
{
    if (part.n > 0)
        m->parts[m->n++] = part;
}

/* CKM_IKE1_PRF_DERIVE's parameter names g^xy first, and the PRF is fed the key before it first. */
static void add_all(struct message *m, const struct derive *d)
{
    for (size_t i = d->n_others; i > 0; i--)
        add(m, derive_key_bytes(d->others[i - 1]));
    add(m, derive_given_bytes(&d->given->ike->first));
    add(m, derive_given_bytes(&d->given->ike->second));
}

static enum err give(const uint8_t *made, size_t n, struct secret *out)
{
    if (!secret_new(out, n))
        return ERR_NO_MEMORY;
    memcpy(out->bytes, made, n);
    return ERR_OK;
}

static enum err one_block(const struct derive *d, struct kdf_bytes key, const struct message *m, size_t n, struct secret *out)
{
    const struct prf p = prf_of(d);
    uint8_t made[PRF_BYTES_MAX];
    enum err e = n <= p.bytes ? prf_make(d->libctx, &p, key, m->parts, m->n, made) : ERR_KEY_SIZE;

    if (e == ERR_OK)
        e = give(made, n, out);
    bytes_wipe(made, sizeof made);
    return e;
}

static enum err data_as_key(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__IkeParams *i = d->given->ike;
    const struct message m = {{derive_key_bytes(d->base)}, 1};
    struct buffer key = {0};
    enum err e = ERR_NO_MEMORY;

    if (buffer_put(&key, i->first.data, i->first.len) && buffer_put(&key, i->second.data, i->second.len))
        e = one_block(d, (struct kdf_bytes){key.data, key.len}, &m, n, out);
    buffer_clear(&key);
    return e;
}

enum err derive_make_ike_prf(const struct derive *d, size_t n, struct secret *out)
{
    struct message m = {.n = 0};

    if (n != prf_of(d).bytes)
        return ERR_KEY_SIZE;
    if (d->given->ike->data_as_key)
        return data_as_key(d, n, out);
    add_all(&m, d);
    return one_block(d, derive_key_bytes(d->base), &m, n, out);
}

enum err derive_make_ike1_prf(const struct derive *d, size_t n, struct secret *out)
{
    const uint8_t number = (uint8_t)d->given->ike->number;
    struct message m = {.n = 0};

    add_all(&m, d);
    add(&m, (struct kdf_bytes){&number, 1});
    return one_block(d, derive_key_bytes(d->base), &m, n, out);
}

/* Each block is fed the one before it, then the same as all; `counts`: then its number. */
static enum err chain(const struct derive *d, bool counts, size_t n, struct secret *out)
{
    static const uint8_t zero;
    const struct prf p = prf_of(d);
    uint8_t before[PRF_BYTES_MAX] = {0}, made[PRF_BYTES_MAX], number = 0;
    struct secret all = {0};
    enum err e = ERR_OK;

    if (n > BLOCKS_MAX * p.bytes)
        return ERR_KEY_SIZE;
    if (!secret_new(&all, n))
        return ERR_NO_MEMORY;
    for (size_t at = 0; e == ERR_OK && at < n; at += p.bytes) {
        struct message m = {.n = 0};
        add(&m, (struct kdf_bytes){before, at > 0 ? p.bytes : 0});
        add_all(&m, d);
        number++;
        if (counts)
            add(&m, (struct kdf_bytes){&number, 1});
        if (m.n == 0)
            add(&m, (struct kdf_bytes){&zero, 1});
        e = prf_make(d->libctx, &p, derive_key_bytes(d->base), m.parts, m.n, made);
        if (e == ERR_OK) {
            memcpy(all.bytes + at, made, n - at < p.bytes ? n - at : p.bytes);
            memcpy(before, made, p.bytes);
        }
    }
    if (e == ERR_OK)
        secret_move(out, &all);
    secret_clear(&all);
    bytes_wipe(before, sizeof before);
    bytes_wipe(made, sizeof made);
    return e;
}

enum err derive_make_ike1_extended(const struct derive *d, size_t n, struct secret *out)
{
    return is_cut(d, n) ? give(derive_key_bytes(d->base).bytes, n, out) : chain(d, false, n, out);
}

enum err derive_make_ike2_prf_plus(const struct derive *d, size_t n, struct secret *out)
{
    return chain(d, true, n, out);
}
