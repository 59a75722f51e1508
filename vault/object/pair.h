/* Key pairs made here: what C_GenerateKeyPair's two templates ask for, and the two objects. */
#ifndef CLUSTERHSM_VAULT_OBJECT_PAIR_H
#define CLUSTERHSM_VAULT_OBJECT_PAIR_H

#include "crypto/curve.h"
#include "proto/mechanism.h"
#include "vault/object/schema.h"
#include "vault/provider/key.h"

struct pair_half {
    struct schema schema;
    struct object object;
    bool token; /* CKA_TOKEN */
};

/* Plain memory; the objects' values lie in the memory given to pair_read. */
struct pair {
    struct pair_half public_half, private_half;
    CK_KEY_TYPE key_type;              /* the mechanism's, or the curve's where CKM_EC_KEY_PAIR_GEN names another */
    const struct mechanism *proper;    /* the one that is for such keys: what is not permitted by it is by no other */
    size_t bits;               /* RSA, else 0 */
    size_t private_bits;       /* DH: of the private number, where the template says; else 0 */
    uint8_t exponent[8];       /* RSA, big endian */
    size_t exponent_n;
    const struct curve *curve; /* EC */
    const struct parameter_set *set; /* ML-KEM, ML-DSA, SLH-DSA */
    struct key_part domain[3];       /* DSA: prime, subprime, base; DH: prime, base; borrowed from the public half */
    size_t domain_n;
};

/* All that can be wrong with the call is found here, before the slow part: schema.h's errors, ERR_MECHANISM,
 * ERR_MECHANISM_PARAM, ERR_CURVE, ERR_PARAMETER_SET, ERR_KEY_SIZE. A public token object of a private session object is refused: it
 * would outlive its key. */
enum err pair_read(OSSL_LIB_CTX *libctx, const Hsm__GeneratePair *call, struct object_memory memory, struct pair *p,
                   struct diag *why);

/* The key; the caller's, freed with key_free. The slow part (vault/provider/generate.h); the parameters of a field are looked at here:
 * ERR_DOMAIN_PARAMS. ERR_NO_MEMORY, ERR_BUG. */
enum err pair_generate(OSSL_LIB_CTX *libctx, const struct pair *p, struct key **out);

/* Completes one half with a key of pair_generate, which may also come from the stored private object.
 * schema_complete's errors. */
enum err pair_complete(struct pair_half *half, const struct key *k, struct diag *why);

#endif
