/* The modes of ciphers with secret keys, and what each means for whoever cuts data into parts.
 *
 * Constant data: any thread, for ever. */
#ifndef CLUSTERHSM_PROTO_CIPHER_MODE_H
#define CLUSTERHSM_PROTO_CIPHER_MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/mechanism.h"

enum { CIPHER_BLOCK_BYTES_MAX = 16 };

struct cipher_mode {
    enum mechanism_family family;
    const char *name;   /* as OpenSSL's names end: "CBC" */
    bool streams;       /* part by part, each a request of its own, the chaining value carried by the caller; else all data at once */
    bool pads;          /* PKCS #7 after the data */
    bool whole;         /* data is whole units: blocks, or the eight bytes of a key wrap */
    size_t unit;        /* bytes of such a unit; 0: the cipher's block */
    size_t least;       /* data is no shorter */
    size_t iv_bytes;    /* of the parameter; 0: the cipher's block */
    bool iv_may_lack;   /* ... which may be left out */
    size_t longer;      /* ciphertext has so many bytes more than data (filled up to whole units, where it need not be whole) */
};

/* NULL: the row is no such cipher. */
const struct cipher_mode *cipher_mode_of(const struct mechanism *m);

/* Bytes of the block of the row's cipher: 16 of AES, 8 of triple DES. */
size_t cipher_block_bytes(const struct mechanism *m);

/* OpenSSL's name for the row with a key of so many bytes: "AES-256-CBC". */
void cipher_name(const struct mechanism *m, size_t key_bytes, char *out, size_t room);

#endif
