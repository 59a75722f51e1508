#include "vault/provider/derive.h"

#include "proto/key_kind.h"
#include "vault/provider/derive_family.h"

enum base { BASE_CURVE, BASE_SECRET, BASE_ROW };

static const struct family {
    derive_make_fn *make;
    derive_natural_fn *natural;      /* NULL: it has to be asked for */
    derive_check_fn *check;          /* NULL: no more than the row says */
    enum base base;                  /* a key on a curve, any secret key, or one of the row's type */
    size_t others_min, others_max;   /* secret keys beside it */
    bool segments;                   /* several keys at once, each at a multiple of the natural length */
    bool reveals;
    derive_reveals_fn *reveals_here; /* NULL: as said */
    derive_whole_fn *is_whole;       /* NULL: at its natural length */
    derive_type_fn *type;            /* NULL: a generic secret */
} families[] = {
    [FAMILY_ECDH] = {derive_make_ecdh, derive_natural_ecdh, derive_check_ecdh, BASE_CURVE},
    [FAMILY_FIELD_AGREEMENT] = {derive_make_field, derive_natural_field, NULL, BASE_ROW},
    [FAMILY_HKDF] = {derive_make_hkdf, derive_natural_hkdf, derive_check_hkdf, BASE_SECRET, .others_max = 1},
    [FAMILY_HKDF_DATA] = {derive_make_hkdf, derive_natural_hkdf, derive_check_hkdf, BASE_SECRET, .others_max = 1},
    [FAMILY_KBKDF_COUNTER] = {derive_make_counter, derive_natural_kbkdf, derive_check_counter, BASE_SECRET,
                              .others_max = SIZE_MAX, .segments = true},
    [FAMILY_KBKDF_FEEDBACK] = {derive_make_feedback, derive_natural_kbkdf, derive_check_feedback, BASE_SECRET,
                               .others_max = SIZE_MAX, .segments = true},
    [FAMILY_KBKDF_PIPELINE] = {derive_make_pipeline, derive_natural_kbkdf, derive_check_pipeline, BASE_SECRET,
                               .others_max = SIZE_MAX, .segments = true},
    [FAMILY_TLS12_MASTER] = {derive_make_tls_master, derive_natural_tls_master, derive_check_tls_master, BASE_SECRET},
    [FAMILY_TLS12_MASTER_DH] = {derive_make_tls_master, derive_natural_tls_master, derive_check_tls, BASE_SECRET},
    [FAMILY_TLS12_EXTENDED] = {derive_make_tls_extended, derive_natural_tls_master, derive_check_tls_extended,
                               BASE_SECRET},
    [FAMILY_TLS12_EXTENDED_DH] = {derive_make_tls_extended, derive_natural_tls_master, derive_check_tls_extended_dh,
                                  BASE_SECRET},
    [FAMILY_TLS12_KEYS] = {derive_make_tls_keys, derive_natural_tls_keys, derive_check_tls_keys, BASE_SECRET},
    [FAMILY_TLS12_KDF] = {derive_make_tls_kdf, NULL, derive_check_tls, BASE_SECRET},
    [FAMILY_BASE_AND_KEY] = {derive_make_keys, derive_natural_keys, NULL, BASE_SECRET, .others_min = 1, .others_max = 1,
                             .reveals = true},
    [FAMILY_BASE_AND_DATA] = {derive_make_base_first, derive_natural_joined, NULL, BASE_SECRET, .reveals = true},
    [FAMILY_DATA_AND_BASE] = {derive_make_data_first, derive_natural_joined, NULL, BASE_SECRET, .reveals = true},
    [FAMILY_XOR] = {derive_make_xor, derive_natural_xor, NULL, BASE_SECRET, .reveals = true,
                    .is_whole = derive_whole_base},
    [FAMILY_EXTRACT] = {derive_make_extract, NULL, derive_check_extract, BASE_SECRET, .reveals = true,
                        .is_whole = derive_whole_base},
    [FAMILY_HASH_KEY] = {derive_make_hash, derive_natural_hash, NULL, BASE_SECRET},
    [FAMILY_ECB_DATA] = {derive_make_ecb, derive_natural_data, derive_check_ecb, BASE_ROW},
    [FAMILY_CBC_DATA] = {derive_make_cbc, derive_natural_data, derive_check_cbc, BASE_ROW},
    [FAMILY_IKE_PRF] = {derive_make_ike_prf, derive_natural_ike, derive_check_ike_prf, BASE_SECRET, .others_max = 1,
                        .type = derive_type_of_prf, .reveals_here = derive_reveals_ike, .is_whole = derive_whole_ike},
    [FAMILY_IKE1_PRF] = {derive_make_ike1_prf, derive_natural_ike, derive_check_ike1_prf, BASE_SECRET, .others_min = 1,
                         .others_max = 2, .type = derive_type_said, .reveals_here = derive_reveals_ike,
                         .is_whole = derive_whole_ike},
    [FAMILY_IKE1_EXTENDED] = {derive_make_ike1_extended, NULL, derive_check_ike1_extended, BASE_SECRET, .others_max = 1,
                              .reveals_here = derive_reveals_ike, .is_whole = derive_whole_ike},
    [FAMILY_IKE2_PRF_PLUS] = {derive_make_ike2_prf_plus, NULL, derive_check_ike2_prf_plus, BASE_SECRET, .others_max = 1,
                              .reveals_here = derive_reveals_ike, .is_whole = derive_whole_ike},
    [FAMILY_SSHKDF] = {derive_make_sshkdf, NULL, derive_check_sshkdf, BASE_SECRET},
};

static const struct family *family_of(const struct mechanism *m)
{
    size_t i = (size_t)m->family;

    return i < sizeof families / sizeof families[0] && families[i].make != NULL ? &families[i] : NULL;
}

static enum err check_base(const struct derive *d, enum base base)
{
    switch (base) {
    case BASE_CURVE:
        if (key_curve(d->base) == NULL || key_type(d->base) == CKK_EC_EDWARDS)
            return ERR_KEY_TYPE;
        break;
    case BASE_SECRET: /* the row's sizes are those of generic secrets: all there are */
        if (!key_kind_is_secret(key_kind_find(key_type(d->base))))
            return ERR_KEY_TYPE;
        break;
    case BASE_ROW:
        if (!mechanism_takes_key(d->mechanism, key_type(d->base)))
            return ERR_KEY_TYPE;
        break;
    }
    return key_size(d->base) < d->mechanism->size_min || key_size(d->base) > d->mechanism->size_max ? ERR_KEY_SIZE
                                                                                                    : ERR_OK;
}

static enum err check_others(const struct derive *d, const struct family *f)
{
    if (d->n_others < f->others_min || d->n_others > f->others_max)
        return ERR_KEY_HANDLE;
    for (size_t i = 0; i < d->n_others; i++)
        if (!key_kind_is_secret(key_kind_find(key_type(d->others[i]))))
            return ERR_KEY_TYPE;
    return ERR_OK;
}

enum err derive_check(const struct derive *d)
{
    const struct family *f = family_of(d->mechanism);
    enum err e;

    if (f == NULL || !mechanism_does(d->mechanism, CKF_DERIVE))
        return ERR_MECHANISM;
    e = check_base(d, f->base);
    if (e == ERR_OK)
        e = check_others(d, f);
    return e == ERR_OK && f->check != NULL ? f->check(d) : e;
}

size_t derive_bytes(const struct derive *d)
{
    const struct family *f = family_of(d->mechanism);

    return f != NULL && f->natural != NULL ? f->natural(d) : 0;
}

enum err derive_value(const struct derive *d, size_t n, struct secret *out)
{
    const struct family *f = family_of(d->mechanism);
    enum err e = f != NULL ? derive_check(d) : ERR_MECHANISM;

    if (e != ERR_OK)
        return e;
    return n > 0 && n <= DERIVE_BYTES_MAX ? f->make(d, n, out) : ERR_KEY_SIZE;
}

size_t derive_segment_bytes(const struct derive *d)
{
    const struct family *f = family_of(d->mechanism);

    return f != NULL && f->segments ? f->natural(d) : 0;
}

CK_KEY_TYPE derive_key_type(const struct derive *d)
{
    const struct family *f = family_of(d->mechanism);

    return f != NULL && f->type != NULL ? f->type(d) : CKK_GENERIC_SECRET;
}

bool derive_reveals(const struct mechanism *m, const Hsm__Mechanism *given, size_t n_others)
{
    const struct family *f = family_of(m);

    return f != NULL && (f->reveals_here != NULL ? f->reveals_here(m, given, n_others) : f->reveals);
}

bool derive_is_whole(const struct derive *d, size_t n)
{
    const struct family *f = family_of(d->mechanism);

    return f != NULL && f->is_whole != NULL ? f->is_whole(d, n) : n == derive_bytes(d);
}
