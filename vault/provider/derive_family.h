/* What vault/provider/derive.c asks of each family of derivations. The functions are called in this order: check,
 * natural, make. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_DERIVE_FAMILY_H
#define CLUSTERHSM_VAULT_PROVIDER_DERIVE_FAMILY_H

#include "vault/provider/derive.h"
#include "vault/provider/kdf.h"

typedef enum err derive_check_fn(const struct derive *d);
typedef size_t derive_natural_fn(const struct derive *d);
typedef enum err derive_make_fn(const struct derive *d, size_t n, struct secret *out);
/* Where that is not the same for all rows of the family: what a new key is where its template is silent; whether it shows bytes of what it
 * was made of; whether n bytes hold all of that. */
typedef CK_KEY_TYPE derive_type_fn(const struct derive *d);
typedef bool derive_reveals_fn(const struct mechanism *m, const Hsm__Mechanism *given, size_t n_others);
typedef bool derive_whole_fn(const struct derive *d, size_t n);

derive_check_fn derive_check_hkdf, derive_check_counter, derive_check_feedback, derive_check_pipeline,
    derive_check_ecdh;
derive_natural_fn derive_natural_hkdf, derive_natural_kbkdf, derive_natural_ecdh, derive_natural_field, derive_natural_hash;
derive_make_fn derive_make_hkdf, derive_make_counter, derive_make_feedback, derive_make_pipeline, derive_make_ecdh,
    derive_make_field, derive_make_hash;

derive_check_fn derive_check_tls_master, derive_check_tls, derive_check_tls_keys, derive_check_tls_extended, derive_check_tls_extended_dh;
derive_natural_fn derive_natural_tls_master, derive_natural_tls_keys;
derive_make_fn derive_make_tls_master, derive_make_tls_extended, derive_make_tls_keys, derive_make_tls_kdf;

derive_check_fn derive_check_extract, derive_check_ecb, derive_check_cbc;
derive_natural_fn derive_natural_keys, derive_natural_joined, derive_natural_xor, derive_natural_data;
derive_make_fn derive_make_keys, derive_make_base_first, derive_make_data_first, derive_make_xor, derive_make_extract,
    derive_make_ecb, derive_make_cbc;

derive_check_fn derive_check_ike_prf, derive_check_ike1_prf, derive_check_ike1_extended, derive_check_ike2_prf_plus;
derive_natural_fn derive_natural_ike;
derive_make_fn derive_make_ike_prf, derive_make_ike1_prf, derive_make_ike1_extended, derive_make_ike2_prf_plus;
derive_type_fn derive_type_of_prf, derive_type_said;
derive_reveals_fn derive_reveals_ike;
derive_whole_fn derive_whole_base, derive_whole_ike;

derive_check_fn derive_check_sshkdf;
derive_make_fn derive_make_sshkdf;

/* The second key; NULL: there is none. */
static inline const struct key *derive_other(const struct derive *d)
{
    return d->n_others > 0 ? d->others[0] : NULL;
}

static inline struct kdf_bytes derive_key_bytes(const struct key *k)
{
    return (struct kdf_bytes){key_secret(k)->bytes, key_secret(k)->len};
}

static inline struct kdf_bytes derive_given_bytes(const ProtobufCBinaryData *b)
{
    return (struct kdf_bytes){b->data, b->len};
}

#endif
