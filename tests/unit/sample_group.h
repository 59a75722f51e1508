/* Keys of DSA for tests: one of each size, the groups that they are in, and groups brought into the token. */
#ifndef CLUSTERHSM_TESTS_UNIT_SAMPLE_GROUP_H
#define CLUSTERHSM_TESTS_UNIT_SAMPLE_GROUP_H

#include <openssl/types.h>

#include "proto/mechanism.h"
#include "tests/unit/token.h"

enum { SAMPLE_DSA_SIZES = 4, SAMPLE_GROUP_BYTES_MAX = 384, SAMPLE_GROUP_PARTS = 3 };

struct sample_dsa_size {
    const char *file;
    size_t bits, half; /* half: bytes of each number of a signature */
};
extern const struct sample_dsa_size sample_dsa_sizes[SAMPLE_DSA_SIZES];

/* A key of that size, the same each time (tests/vectors); the caller's. */
EVP_PKEY *sample_dsa_of(size_t size);

/* Domain parameters, big endian. */
struct sample_group {
    CK_BYTE p[SAMPLE_GROUP_BYTES_MAX], q[SAMPLE_GROUP_BYTES_MAX], g[SAMPLE_GROUP_BYTES_MAX];
    CK_ULONG p_n, q_n, g_n;
};
struct sample_group sample_group_of_numbers(const BIGNUM *p, const BIGNUM *q, const BIGNUM *g);
struct sample_group sample_group_of(const EVP_PKEY *key);

/* The parameters that an object has, as a key of OpenSSL's with nothing else; the caller's. */
EVP_PKEY *sample_group_read(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object);

/* Domain parameters made, with `more` in the template (CKA_PRIME_BITS 0: not given). */
CK_RV sample_group_generate(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_ULONG prime_bits, const CK_ATTRIBUTE *more, CK_ULONG n,
                            CK_OBJECT_HANDLE *made);

/* Two sets by a row that makes some, of its least size: OpenSSL takes both, and where the row searches they are not the same. */
void sample_group_try(CK_SESSION_HANDLE s, const struct mechanism *row);

/* Prime, subprime and base of a group of DSA, for a template; returns how many they are. */
CK_ULONG sample_group_parts(CK_ATTRIBUTE out[SAMPLE_GROUP_PARTS]);

/* Prime and base of one of OpenSSL's groups of Diffie-Hellman, good until the next call. */
CK_ULONG sample_dh_parts(const char *group, CK_ATTRIBUTE out[2]);

/* A pair made in it, with `more` in the private half's template; and the private key 0x2345 created in it. */
CK_RV sample_group_pair(CK_SESSION_HANDLE s, struct sample_group *in, CK_ATTRIBUTE *more, CK_ULONG n, struct token_pair *pair);
CK_RV sample_group_import(CK_SESSION_HANDLE s, struct sample_group *in);

/* A private key of this type unwrapped by CKM_AES_KEY_WRAP_KWP, to be read. */
CK_RV sample_dsa_unwrap(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE with, CK_BYTE *wrapped, CK_ULONG n, CK_KEY_TYPE type, CK_OBJECT_HANDLE *made);

#endif
