/* The modes of ciphers with secret keys, and what each means for whoever cuts data into parts.
 *
 * Constant data: any thread, for ever. */
#ifndef CLUSTERHSM_PROTO_CIPHER_MODE_H
#define CLUSTERHSM_PROTO_CIPHER_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mechanism.h"

enum {
    CIPHER_BLOCK_BYTES_MAX = 16, /* of block ciphers, and of all vectors and counters that streams carry on */
    CIPHER_STEP_BYTES_MAX = 64,  /* by so many bytes a stream moves on: ChaCha20's block */
    CIPHER_NAME_BYTES = 32
};

struct cipher_mode {
    enum mechanism_family family;
    const char *name;  /* as OpenSSL's names end: "CBC" */
    bool streams;      /* part by part, each a request of its own, the caller carries the chaining value; else all data at once */
    bool by_bytes;     /* a stream whose chaining value moves on with each byte of ciphertext, not with each block */
    bool pads;         /* PKCS #7 after the data */
    bool whole;        /* data is whole units: blocks, or the eight bytes of a key wrap */
    size_t unit;       /* bytes of such a unit; 0: the cipher's block */
    size_t least;      /* data is no shorter */
    size_t iv_bytes;   /* of the parameter; 0: the cipher's block */
    bool iv_may_lack;  /* ... which may be left out */
    size_t longer;     /* so many bytes more of ciphertext than of data, after that is filled up to whole units */
    bool tagged;       /* AEAD: the ciphertext ends with a tag */
    size_t iv_first;   /* ... and begins with a vector of so many bytes, which whoever encrypts makes */
};

/* NULL: the row is no such cipher. */
const struct cipher_mode *cipher_mode_of(const struct mechanism *m);

/* Bytes of the block of the row's cipher: 16 of AES, 8 of DES; of a stream cipher those that one count of its counter gives: 64 of
 * ChaCha20. */
size_t cipher_block_bytes(const struct mechanism *m);

/* AEAD whose vector and tag stand beside the data, as C_EncryptMessage and its like have it. */
bool cipher_has_messages(const struct mechanism *m);

/* OpenSSL's name for the row with a key of so many bytes: "AES-256-CBC"; of DES keys the one that takes three of
 * them, whatever their length (vault/provider/des.h). Empty for a row that no cipher carries out. */
void cipher_name(const struct mechanism *m, size_t key_bytes, char out[CIPHER_NAME_BYTES]);

/* Bytes of ciphertext that n bytes of data give, with padding and tag and all that is added at the end. */
size_t cipher_encrypted_bytes(const struct mechanism *m, size_t tag_bytes, size_t n);

/* The most data that n bytes of ciphertext hold; 0 for a ciphertext that is too short for any. */
size_t cipher_decrypted_bytes_max(const struct mechanism *m, size_t tag_bytes, size_t n);

/* Moves the row's counter on, in its vector as it travels (IvParams): the last `bits` bits of a counter block, the first of
 * ChaCha20's state; the others stay. END: it has come to its end exactly, where it would begin anew; BEYOND: it would go on from
 * there. */
enum cipher_counter { COUNTER_GOES_ON, COUNTER_END, COUNTER_BEYOND };
enum cipher_counter cipher_counter_move(const struct mechanism *m, uint8_t *vector, unsigned bits, uint64_t blocks);

/* False: the row has none. */
bool cipher_has_counter(const struct mechanism *m);

#endif
