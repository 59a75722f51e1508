#include "module/state/cipher_stream.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "module/state/cluster_cipher.h"
#include "proto/limits.h"

static size_t block_of(const struct ciphering *c)
{
    return cipher_block_bytes(c->mechanism.row);
}

/* Modes whose answer is as long as what was given, byte by byte. */
static bool answers_bytes(const struct cipher_mode *mode)
{
    return !mode->whole && !mode->pads;
}

static enum err wrong_length(const struct ciphering *c)
{
    return c->encrypt ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN;
}

/* How much of `all` bytes (the tail's and the new ones) is sent now. Of padded ciphertext the last block is held back, as it may be the
 * last one of all. */
static size_t to_send(const struct ciphering *c, size_t all, bool last)
{
    size_t block = block_of(c);

    if (last || answers_bytes(c->mode))
        return all;
    if (c->mode->pads && !c->encrypt)
        return all == 0 ? 0 : (all - 1) / block * block;
    return all / block * block;
}

size_t cipher_stream_bytes(const struct ciphering *c, size_t n, bool last)
{
    size_t all = c->place.tail_n + n;

    if (last && c->mode->pads && c->encrypt)
        return cipher_encrypted_bytes(c->mechanism.row, 0, all);
    return to_send(c, all, last) - c->place.told;
}

enum err cipher_stream_may_end(const struct ciphering *c, size_t n)
{
    size_t all = c->place.tail_n + n;

    if (answers_bytes(c->mode) || (c->mode->pads && c->encrypt))
        return ERR_OK;
    if (all % block_of(c) != 0 || (c->mode->pads && all == 0))
        return wrong_length(c);
    return ERR_OK;
}

/* ---- the chaining value, after a piece of which `done` bytes are whole blocks */

static void chain_bytes(struct ciphering_place *p, size_t block, const uint8_t *cipher, size_t n)
{
    if (n >= block) {
        memcpy(p->chain, cipher + n - block, block);
    } else { /* CFB of bits or of bytes alone goes on by less than a block */
        memmove(p->chain, p->chain + n, block - n);
        memcpy(p->chain + block - n, cipher, n);
    }
}

static void move_chain(struct ciphering *c, const uint8_t *in, const uint8_t *out, size_t done)
{
    struct ciphering_place *p = &c->place;
    size_t block = block_of(c);

    if (done == 0)
        return;
    /* NIST SP 800-38A section 6 */
    if (cipher_has_counter(c->mechanism.row)) {
        p->at_end = cipher_counter_move(c->mechanism.row, p->chain, c->mechanism.wire->iv->counter_bits, done / block) != COUNTER_GOES_ON;
    } else if (c->mode->family == FAMILY_OFB) {
        for (size_t i = 0; i < block; i++)
            p->chain[i] = in[done - block + i] ^ out[done - block + i];
    } else if (c->mode->family != FAMILY_ECB) {
        chain_bytes(p, block, c->encrypt ? out : in, done);
    }
}

/* ---- pieces */

/* One request: `piece` begins with the tail. The answer, without what was told before, goes to `out`. */
static enum err send_piece(struct module *m, struct ciphering *c, const uint8_t *piece, size_t n, bool more, uint8_t *answer,
                           size_t *answer_n)
{
    struct key_request k = {.key = c->key, .mechanism = c->mechanism.wire, .data = piece, .data_bytes = n};
    struct cluster_cipher call = {.encrypt = c->encrypt, .more = more, .out = answer, .room = n + block_of(c)};
    enum err e;

    if (c->place.at_end)
        return wrong_length(c);
    if (c->mechanism.wire->iv != NULL)
        memcpy(c->mechanism.wire->iv->iv.data, c->place.chain, c->mechanism.wire->iv->iv.len);
    e = cluster_cipher(m, &k, &call);
    if (e == ERR_OK && (call.n > call.room || (!c->mode->pads && call.n != n)))
        e = ERR_MALFORMED; /* no vault of ours answers so */
    *answer_n = call.n;
    return e;
}

/* What is left of a piece after whole blocks: it is sent again with the rest of its block. */
static void keep_rest(struct ciphering *c, const uint8_t *piece, size_t n, bool last)
{
    size_t rest = answers_bytes(c->mode) && !c->mode->by_bytes && !last ? n % block_of(c) : 0;

    c->place.tail_n = c->place.told = rest;
    memcpy(c->place.tail, piece + n - rest, rest);
}

struct pieces {
    uint8_t *piece, *answer;
};

static enum err run(struct module *m, struct ciphering *c, const struct pieces *p, const uint8_t *in, size_t n, bool last, uint8_t *out,
                    size_t *out_n)
{
    size_t left = to_send(c, c->place.tail_n + n, last), written = 0;
    uint8_t rest[CIPHER_STEP_BYTES_MAX];
    size_t rest_n = c->place.tail_n + n - left;
    bool padding = last && c->mode->pads;
    enum err e = ERR_OK;

    if (left == c->place.told && !padding) { /* nothing new, or not enough of it: the tail grows */
        if (n > 0)
            memcpy(c->place.tail + c->place.tail_n, in, n);
        c->place.tail_n += n;
        *out_n = 0;
        return ERR_OK;
    }
    /* Before anything is written, as `out` may be `in`. */
    if (rest_n > 0)
        memcpy(rest, in + n - rest_n, rest_n);
    do {
        size_t size = left < CIPHER_BYTES_MAX ? left : CIPHER_BYTES_MAX, old = c->place.tail_n, told = c->place.told, answer_n = 0, done;
        bool end = size == left && last;
        memcpy(p->piece, c->place.tail, old);
        if (size > old)
            memcpy(p->piece + old, in, size - old);
        in += size - old;
        left -= size;
        if ((e = send_piece(m, c, p->piece, size, !end, p->answer, &answer_n)) != ERR_OK)
            break;
        memcpy(out + written, p->answer + told, answer_n - told);
        written += answer_n - told;
        done = c->mode->by_bytes ? size : size / block_of(c) * block_of(c);
        move_chain(c, p->piece, p->answer, done);
        keep_rest(c, p->piece, size, end);
    } while (left > 0);
    if (e == ERR_OK && rest_n > 0) {
        memcpy(c->place.tail, rest, rest_n);
        c->place.tail_n = rest_n;
        c->place.told = 0;
    }
    bytes_wipe(rest, sizeof rest);
    *out_n = written;
    return e;
}

enum err cipher_stream_run(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, bool last, uint8_t *out, size_t *out_n)
{
    size_t all = c->place.tail_n + n, room = (all < CIPHER_BYTES_MAX ? all : CIPHER_BYTES_MAX) + 2 * CIPHER_STEP_BYTES_MAX;
    struct pieces p = {.piece = malloc(room), .answer = malloc(room)};
    uint8_t *copy = NULL;
    enum err e = ERR_NO_MEMORY;

    /* What is written over `in` must not be ahead of what is read: it is where a tail goes before it. */
    if (p.piece != NULL && p.answer != NULL && all > CIPHER_BYTES_MAX && c->place.tail_n > c->place.told) {
        if ((copy = malloc(n)) != NULL)
            memcpy(copy, in, n);
    }
    if (p.piece != NULL && p.answer != NULL && (copy != NULL || all <= CIPHER_BYTES_MAX || c->place.tail_n == c->place.told))
        e = run(m, c, &p, copy != NULL ? copy : in, n, last, out, out_n);
    if (p.piece != NULL)
        bytes_wipe(p.piece, room);
    if (p.answer != NULL)
        bytes_wipe(p.answer, room);
    if (copy != NULL)
        bytes_wipe(copy, n);
    free(p.piece);
    free(p.answer);
    free(copy);
    return e;
}
