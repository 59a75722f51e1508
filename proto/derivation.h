/* What a derivation makes, and what it tells besides: of mechanisms whose row says DERIVE. Both sides of the wire ask.
 *
 * Constant data: any thread. */
#ifndef CLUSTERHSM_PROTO_DERIVATION_H
#define CLUSTERHSM_PROTO_DERIVATION_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

struct derivation {
    enum {
        DERIVATION_KEYS,    /* a secret key; where the mechanism can, as many as there are templates */
        DERIVATION_DATA,    /* a data object */
        DERIVATION_PUBLIC_KEY, /* the public half of the base key */
        DERIVATION_TLS_KEYS, /* up to four keys of one template: MAC secrets and keys of client and server */
        DERIVATION_BY_LETTER /* DATA or KEYS, as the parameter says; derivation_of never returns it */
    } makes;
    enum {
        DERIVATION_ALONE,
        DERIVATION_VERSION, /* the version that stands in a premaster secret */
        DERIVATION_VECTORS  /* initialization vectors of client and server */
    } beside;
};

/* given: with the row's parameter, as parameter_is_given says. */
struct derivation derivation_of(const struct mechanism *m, const Hsm__Mechanism *given);

/* Whether an attribute of the key has to permit it, and its CKA_ALWAYS_AUTHENTICATE has a say: so of all uses (CKF_) but that derivation
 * which any private key does, whatever its CKA_DERIVE, as it tells no more than the key's CKA_PUBLIC_KEY_INFO (PKCS#11 v3.2 section
 * 6.43, public key from private key). */
bool derivation_is_use(const struct mechanism *m, CK_FLAGS use);

#endif
