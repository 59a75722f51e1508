#include "proto/derivation.h"

static const struct derivation derivations[] = {
    [FAMILY_PUBLIC_KEY] = {DERIVATION_PUBLIC_KEY, DERIVATION_ALONE},
    [FAMILY_HKDF_DATA] = {DERIVATION_DATA, DERIVATION_ALONE},
    [FAMILY_TLS12_MASTER] = {DERIVATION_KEYS, DERIVATION_VERSION},
    [FAMILY_TLS12_EXTENDED] = {DERIVATION_KEYS, DERIVATION_VERSION},
    [FAMILY_TLS12_KEYS] = {DERIVATION_TLS_KEYS, DERIVATION_VECTORS},
};

struct derivation derivation_of(const struct mechanism *m)
{
    size_t i = (size_t)m->family;

    return i < sizeof derivations / sizeof derivations[0] ? derivations[i] : (struct derivation){DERIVATION_KEYS, DERIVATION_ALONE};
}

bool derivation_is_use(const struct mechanism *m, CK_FLAGS use)
{
    return use != CKF_DERIVE || derivation_of(m).makes != DERIVATION_PUBLIC_KEY;
}
