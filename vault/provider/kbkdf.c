#include "vault/provider/kbkdf.h"

#include <string.h>

#include "proto/limits.h"
#include "proto/pkcs11.h"
#include "vault/provider/prf.h"

enum { COUNTER_BITS_MAX = 32, LENGTH_BITS_MAX = 64 };

size_t kbkdf_block_bytes(const Hsm__KbkdfParams *p)
{
    struct prf prf;

    return prf_find_kbkdf(p->prf, 0, &prf) ? prf.bytes : 0;
}

/* ---- what may be given */

static bool is_width(uint64_t bits, uint64_t bits_max)
{
    return bits > 0 && bits <= bits_max && bits % 8 == 0;
}

static bool field_is_good(enum kbkdf_mode mode, const Hsm__KbkdfField *f)
{
    switch (f->type) {
    case CK_SP800_108_ITERATION_VARIABLE: /* only in counter mode it is a number */
        return mode != KBKDF_COUNTER || is_width(f->bits, COUNTER_BITS_MAX);
    case CK_SP800_108_OPTIONAL_COUNTER:
        return mode != KBKDF_COUNTER && is_width(f->bits, COUNTER_BITS_MAX);
    case CK_SP800_108_DKM_LENGTH:
        return is_width(f->bits, LENGTH_BITS_MAX) && (f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ||
                                                      f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS);
    case CK_SP800_108_BYTE_ARRAY:
        return f->value.len > 0;
    default:
        return false;
    }
}

static size_t count(const Hsm__KbkdfParams *p, uint64_t type)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_fields; i++)
        n += p->fields[i]->type == type;
    return n;
}

enum err kbkdf_check(enum kbkdf_mode mode, const Hsm__KbkdfParams *p, size_t key_bytes)
{
    struct prf prf;

    if (!prf_find_kbkdf(p->prf, 0, &prf) || p->n_fields > KBKDF_FIELDS_MAX || (p->iv.len > 0 && mode != KBKDF_FEEDBACK))
        return ERR_MECHANISM_PARAM;
    if (!prf_find_kbkdf(p->prf, key_bytes, &prf))
        return ERR_KEY_SIZE;
    for (size_t i = 0; i < p->n_fields; i++)
        if (!field_is_good(mode, p->fields[i]))
            return ERR_MECHANISM_PARAM;
    if (count(p, CK_SP800_108_ITERATION_VARIABLE) != 1 || count(p, CK_SP800_108_OPTIONAL_COUNTER) > 1 ||
        count(p, CK_SP800_108_DKM_LENGTH) > 1)
        return ERR_MECHANISM_PARAM;
    return ERR_OK;
}

/* ---- one derivation */

struct run {
    OSSL_LIB_CTX *libctx;
    enum kbkdf_mode mode;
    const Hsm__KbkdfParams *given;
    struct prf prf;
    struct kdf_bytes key;
    uint64_t bits_of_keys, bits_of_segments;
};

/* What the PRF is fed. */
struct message {
    struct kdf_bytes parts[KBKDF_FIELDS_MAX];
    uint8_t numbers[KBKDF_FIELDS_MAX][LENGTH_BITS_MAX / 8]; /* of the parts that are some */
    size_t n;
};

static void add(struct message *m, struct kdf_bytes part)
{
    m->parts[m->n++] = part;
}

static void add_number(struct message *m, const Hsm__KbkdfField *f, uint64_t number)
{
    uint8_t *bytes = m->numbers[m->n];
    size_t n = f->bits / 8;

    for (size_t i = 0; i < n; i++) {
        size_t place = f->little_endian ? i : n - 1 - i;
        bytes[place] = (uint8_t)(number >> (8 * i));
    }
    add(m, (struct kdf_bytes){bytes, n});
}

/* link: K(i - 1) or A(i), what the iteration variable stands for where it is no counter. */
static void add_field(struct message *m, const struct run *r, const Hsm__KbkdfField *f, uint64_t i, struct kdf_bytes link)
{
    switch (f->type) {
    case CK_SP800_108_ITERATION_VARIABLE:
        if (r->mode == KBKDF_COUNTER)
            add_number(m, f, i);
        else
            add(m, link);
        break;
    case CK_SP800_108_OPTIONAL_COUNTER:
        add_number(m, f, i);
        break;
    case CK_SP800_108_DKM_LENGTH:
        add_number(m, f, f->method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ? r->bits_of_keys : r->bits_of_segments);
        break;
    default:
        add(m, (struct kdf_bytes){f->value.data, f->value.len});
    }
}

static bool is_fixed(const Hsm__KbkdfField *f)
{
    return f->type == CK_SP800_108_BYTE_ARRAY || f->type == CK_SP800_108_DKM_LENGTH;
}

static enum err make(const struct run *r, const struct message *m, uint8_t out[PRF_BYTES_MAX])
{
    return prf_make(r->libctx, &r->prf, r->key, m->parts, m->n, out);
}

/* A(1) is the PRF of what is the same in all rounds, A(i) that of A(i - 1). */
static enum err next_link(const struct run *r, uint64_t i, uint8_t link[PRF_BYTES_MAX])
{
    struct message m = {.n = 0};

    for (size_t j = 0; i == 1 && j < r->given->n_fields; j++)
        if (is_fixed(r->given->fields[j]))
            add_field(&m, r, r->given->fields[j], i, (struct kdf_bytes){.n = 0});
    if (i > 1)
        add(&m, (struct kdf_bytes){link, r->prf.bytes});
    return make(r, &m, link);
}

static enum err block(const struct run *r, uint64_t i, struct kdf_bytes link, uint8_t out[PRF_BYTES_MAX])
{
    struct message m = {.n = 0};

    for (size_t j = 0; j < r->given->n_fields; j++)
        add_field(&m, r, r->given->fields[j], i, link);
    return make(r, &m, out);
}

static enum err rounds(const struct run *r, struct secret *out)
{
    uint8_t link[PRF_BYTES_MAX], made[PRF_BYTES_MAX];
    size_t step = r->prf.bytes;
    enum err e = ERR_OK;

    for (size_t at = 0, i = 1; e == ERR_OK && at < out->len; at += step, i++) {
        struct kdf_bytes before = {made, step};
        if (r->mode == KBKDF_FEEDBACK && i == 1)
            before = (struct kdf_bytes){r->given->iv.data, r->given->iv.len};
        if (r->mode == KBKDF_PIPELINE) {
            e = next_link(r, i, link);
            before = (struct kdf_bytes){link, step};
        }
        if (e == ERR_OK)
            e = block(r, i, before, made);
        if (e == ERR_OK)
            memcpy(out->bytes + at, made, out->len - at < step ? out->len - at : step);
    }
    bytes_wipe(link, sizeof link);
    bytes_wipe(made, sizeof made);
    return e;
}

/* A counter may not begin again. */
static bool counts_so_far(const Hsm__KbkdfParams *p, enum kbkdf_mode mode, uint64_t blocks)
{
    for (size_t i = 0; i < p->n_fields; i++) {
        bool counter = p->fields[i]->type == CK_SP800_108_OPTIONAL_COUNTER ||
                       (p->fields[i]->type == CK_SP800_108_ITERATION_VARIABLE && mode == KBKDF_COUNTER);
        if (counter && blocks >> p->fields[i]->bits != 0)
            return false;
    }
    return true;
}

enum err kbkdf_derive(OSSL_LIB_CTX *libctx, enum kbkdf_mode mode, const Hsm__KbkdfParams *p, struct kdf_bytes key,
                      struct kbkdf_bytes bytes, struct secret *out)
{
    struct run r = {.libctx = libctx, .mode = mode, .given = p, .key = key, .bits_of_keys = 8 * (uint64_t)bytes.of_keys};
    struct secret made = {0};
    uint64_t blocks;
    enum err e = kbkdf_check(mode, p, key.n);

    if (e != ERR_OK)
        return e;
    if (!prf_find_kbkdf(p->prf, key.n, &r.prf))
        return ERR_BUG;
    blocks = (bytes.n + r.prf.bytes - 1) / r.prf.bytes;
    r.bits_of_segments = 8 * blocks * r.prf.bytes;
    if (!counts_so_far(p, mode, blocks))
        return ERR_MECHANISM_PARAM;
    e = secret_new(&made, bytes.n) ? rounds(&r, &made) : ERR_NO_MEMORY;
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    return e;
}
