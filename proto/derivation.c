#include "proto/derivation.h"

static const struct derivation derivations[] = {
    [FAMILY_PUBLIC_KEY] = {DERIVATION_PUBLIC_KEY, DERIVATION_ALONE},
    [FAMILY_HKDF_DATA] = {DERIVATION_DATA, DERIVATION_ALONE},
    [FAMILY_TLS12_MASTER] = {DERIVATION_KEYS, DERIVATION_VERSION},
    [FAMILY_TLS12_EXTENDED] = {DERIVATION_KEYS, DERIVATION_VERSION},
    [FAMILY_TLS12_KEYS] = {DERIVATION_TLS_KEYS, DERIVATION_VECTORS},
    [FAMILY_SSHKDF] = {DERIVATION_BY_LETTER, DERIVATION_ALONE},
};

static struct derivation row_of(const struct mechanism *m)
{
    size_t i = (size_t)m->family;

    return i < sizeof derivations / sizeof derivations[0] ? derivations[i] : (struct derivation){DERIVATION_KEYS, DERIVATION_ALONE};
}

struct derivation derivation_of(const struct mechanism *m, const Hsm__Mechanism *given)
{
    struct derivation d = row_of(m);

    if (d.makes == DERIVATION_BY_LETTER) /* RFC 4253 section 7.2: A and B are initialization vectors */
        d.makes = given->sshkdf->letter == 'A' || given->sshkdf->letter == 'B' ? DERIVATION_DATA : DERIVATION_KEYS;
    return d;
}

bool derivation_is_use(const struct mechanism *m, CK_FLAGS use)
{
    return use != CKF_DERIVE || row_of(m).makes != DERIVATION_PUBLIC_KEY;
}
