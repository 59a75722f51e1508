#include "proto/mechanism.h"

#include <stdatomic.h>
#include <string.h>

#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/parameter_set.h"

#define GENERATE CKF_GENERATE
#define GENERATE_PAIR CKF_GENERATE_KEY_PAIR
#define ENCAPSULATE CKF_ENCAPSULATE
#define DECAPSULATE CKF_DECAPSULATE
#define SIGN CKF_SIGN
#define VERIFY CKF_VERIFY
#define SIGN_RECOVER CKF_SIGN_RECOVER
#define VERIFY_RECOVER CKF_VERIFY_RECOVER
#define DIGEST CKF_DIGEST
#define ENCRYPT CKF_ENCRYPT
#define DECRYPT CKF_DECRYPT
#define DERIVE CKF_DERIVE
#define WRAP CKF_WRAP
#define UNWRAP CKF_UNWRAP
#define NO_KEY NO_KEY_TYPE
#define ANY_PAIR ANY_PAIR_TYPE
#define COST_INLINE false
#define COST_DEAR true
#define ONLY_UNSAID false
#define ONLY_MODERN false
#define ONLY_COMPATIBLE true
#define ONLY_FROM(bits) false
#define LEAST_UNSAID 0
#define LEAST_MODERN 0
#define LEAST_COMPATIBLE 0
#define LEAST_FROM(bits) bits

/* A row that says nothing of a policy is the modern one's; of trusted keys: it has nothing to do with them. */
#define MECH(ckm, ...) ROW(ckm, #ckm, __VA_ARGS__, UNSAID, UNSAID, )

/* In the order of the file, which is by type. */
static const struct mechanism rows[] = {
#define ROW(ckm, ckm_name, fam, operations, key, low, high, parameter, digest, place, price, policy, trust, ...) \
    {.type = ckm, \
     .name = ckm_name, \
     .family = FAMILY_##fam, \
     .flags = (operations), \
     .key_type = (key), \
     .has_key = (key) != NO_KEY_TYPE, \
     .size_min = LEAST_##policy > 0 ? LEAST_##policy : (low), \
     .size_max = high, \
     .size_modern = low, \
     .compatible_only = ONLY_##policy, \
     .param = parameter, \
     .hash = digest, \
     .where = WHERE_##place, \
     .dear = COST_##price, \
     .trusted = TRUSTED_##trust},
#include "proto/mechanism.def"
#undef ROW
#undef MECH
};

enum { PSS_OVERHEAD_BYTES = 2 };

enum { ROWS = sizeof rows / sizeof rows[0] };

struct hash {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_ULONG mgf;
    size_t bytes;
    unsigned char id; /* mechanism_hash_id */
};

/* There is no mask generation for it in the standard. */
#define NO_MGF CK_UNAVAILABLE_INFORMATION
/* ... and no mechanism that hashes by it. */
#define NO_DIGEST CK_UNAVAILABLE_INFORMATION

static const struct hash hashes[] = {
    {"MD5", CKM_MD5, NO_MGF, 16, 0},
    {"SHA1", CKM_SHA_1, CKG_MGF1_SHA1, 20, 0},
    {"SHA224", CKM_SHA224, CKG_MGF1_SHA224, 28, 4},
    {"SHA256", CKM_SHA256, CKG_MGF1_SHA256, 32, 1},
    {"SHA384", CKM_SHA384, CKG_MGF1_SHA384, 48, 2},
    {"SHA512", CKM_SHA512, CKG_MGF1_SHA512, 64, 3},
    {"SHA512-224", CKM_SHA512_224, NO_MGF, 28, 5},
    {"SHA512-256", CKM_SHA512_256, NO_MGF, 32, 6},
    {"SHA3-224", CKM_SHA3_224, CKG_MGF1_SHA3_224, 28, 7},
    {"SHA3-256", CKM_SHA3_256, CKG_MGF1_SHA3_256, 32, 8},
    {"SHA3-384", CKM_SHA3_384, CKG_MGF1_SHA3_384, 48, 9},
    {"SHA3-512", CKM_SHA3_512, CKG_MGF1_SHA3_512, 64, 10},
    {"SHAKE128", NO_DIGEST, NO_MGF, 32, 11}, /* so much of it goes into signatures: FIPS 204 section 5.4 */
    {"SHAKE256", NO_DIGEST, NO_MGF, 64, 12},
};

enum { HASHES = sizeof hashes / sizeof hashes[0] };

/* Mechanisms whose keys libcrypto does not know are not there. */
static bool is_here(const struct mechanism *m)
{
    return !parameter_set_makes(m->key_type) || parameter_set_makes_here(m->key_type);
}

/* The rows that are here, in order. Made at the first question if nobody has made it before: by whom does not matter. */
static atomic_ushort list[ROWS];
static atomic_size_t listed;

void mechanism_relist(void)
{
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++)
        if (is_here(&rows[i]))
            list[n++] = (unsigned short)i;
    listed = n;
}

const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type)
{
    size_t low = 0, high = ROWS;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].type == type)
            return is_here(&rows[middle]) ? &rows[middle] : NULL;
        if (rows[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct mechanism *mechanism_at(size_t position)
{
    if (atomic_load_explicit(&listed, memory_order_acquire) == 0)
        mechanism_relist();
    /* By its name: as an index alone, gcc reads an atomic number as if it were none. */
    return position < listed ? &rows[atomic_load_explicit(&list[position], memory_order_relaxed)] : NULL;
}

bool mechanism_does(const struct mechanism *m, CK_FLAGS operation)
{
    return (m->flags & operation) == operation;
}

/* The families that sign or authenticate with one length of output a key, or are MACs. */
static const struct authenticating {
    bool mac;
    enum {
        OUT_VARIES,
        OUT_MODULUS,
        OUT_TWO_NUMBERS,        /* of the field; of the subprime */
        OUT_TWO_SIGNED_NUMBERS, /* a bit more than the field has, for the sign: RFC 8032 section 3 */
        OUT_HASH,
        OUT_BLOCK,
        OUT_HALF_A_BLOCK /* ... or as much as is asked for of a whole one */
    } out;
} authenticating[] = {
    [FAMILY_RSA_PKCS] = {false, OUT_MODULUS},
    [FAMILY_RSA_RAW] = {false, OUT_MODULUS},
    [FAMILY_RSA_PSS] = {false, OUT_MODULUS},
    [FAMILY_ECDSA] = {false, OUT_TWO_NUMBERS},
    [FAMILY_DSA] = {false, OUT_TWO_NUMBERS},
    [FAMILY_EDDSA] = {false, OUT_TWO_SIGNED_NUMBERS},
    [FAMILY_HMAC] = {true, OUT_HASH},
    [FAMILY_CMAC] = {true, OUT_BLOCK},
    [FAMILY_CBC_MAC] = {true, OUT_HALF_A_BLOCK},
    [FAMILY_GMAC] = {true, OUT_BLOCK},
    [FAMILY_TLS_MAC] = {true, OUT_VARIES},
};

static struct authenticating authenticating_of(const struct mechanism *m)
{
    size_t i = (size_t)m->family;

    return i < sizeof authenticating / sizeof authenticating[0] ? authenticating[i] : (struct authenticating){0};
}

size_t mechanism_hash_bytes(const char *hash)
{
    for (size_t i = 0; hash != NULL && i < HASHES; i++)
        if (strcmp(hashes[i].name, hash) == 0)
            return hashes[i].bytes;
    return 0;
}

unsigned char mechanism_hash_id(const char *hash)
{
    for (size_t i = 0; hash != NULL && i < HASHES; i++)
        if (strcmp(hashes[i].name, hash) == 0)
            return hashes[i].id;
    return 0;
}

const char *mechanism_hash_name(CK_MECHANISM_TYPE hash)
{
    for (size_t i = 0; i < HASHES; i++)
        if (hashes[i].type == hash && hash != NO_DIGEST)
            return hashes[i].name;
    return NULL;
}

const char *mechanism_mgf_hash(CK_ULONG mgf)
{
    for (size_t i = 0; i < HASHES; i++)
        if (hashes[i].mgf == mgf && mgf != NO_MGF)
            return hashes[i].name;
    return NULL;
}

bool mechanism_takes_key(const struct mechanism *m, CK_KEY_TYPE type)
{
    if (m->key_type == ANY_PAIR_TYPE)
        return key_kind_is_pair(key_kind_find(type));
    return m->has_key && key_kind_serves(type, m->key_type);
}

const struct mechanism *mechanism_that_does(CK_KEY_TYPE type, CK_FLAGS use)
{
    const struct mechanism *m;

    for (size_t i = 0; (m = mechanism_at(i)) != NULL; i++)
        if (mechanism_does(m, use) && mechanism_takes_key(m, type))
            return m;
    return NULL;
}

bool mechanism_is_there(CK_KEY_TYPE type, CK_FLAGS use)
{
    return mechanism_that_does(type, use) != NULL;
}

CK_OBJECT_CLASS mechanism_class_made(const struct mechanism *m)
{
    if (m->family == FAMILY_FIELD_DOMAIN)
        return CKO_DOMAIN_PARAMETERS;
    return key_kind_is_otp(key_kind_find(m->key_type)) ? CKO_OTP_KEY : CKO_SECRET_KEY;
}

bool mechanism_is_mac(const struct mechanism *m)
{
    return authenticating_of(m).mac;
}

bool mechanism_pss_fits(size_t bits, const char *hash, size_t salt_bytes)
{
    size_t encoded = (bits - 1 + 7) / 8; /* one bit less than the modulus */
    size_t taken = mechanism_hash_bytes(hash) + PSS_OVERHEAD_BYTES;

    return encoded >= taken && salt_bytes <= encoded - taken;
}

size_t mechanism_signature_bytes(const struct mechanism *m, size_t size)
{
    switch (authenticating_of(m).out) {
    case OUT_MODULUS:
        return (size + 7) / 8;
    case OUT_TWO_NUMBERS:
        return 2 * ((size + 7) / 8);
    case OUT_TWO_SIGNED_NUMBERS:
        return 2 * ((size + 1 + 7) / 8);
    case OUT_HASH:
        return mechanism_hash_bytes(m->hash);
    case OUT_BLOCK:
        return cipher_block_bytes(m);
    case OUT_HALF_A_BLOCK:
        return m->param == PARAM_GENERAL ? cipher_block_bytes(m) : cipher_block_bytes(m) / 2;
    case OUT_VARIES:
        break;
    }
    return 0;
}

bool mechanism_is_dear(const struct mechanism *m, size_t size)
{
    return m->dear || (m->key_type == CKK_RSA && m->has_key && size >= RSA_BITS_DEAR);
}
