#include "vault/provider/wrap.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/limits.h"
#include "proto/parameter.h"
#include "vault/provider/wrap_family.h"

enum { FIELD_PACKED_BYTES_MAX = 3 * FIELD_BITS_MAX / 8 + 64 }; /* PKCS #8 of the largest prime, base and private number */

/* ---- by which key */

static enum err rsa_check(const struct wrap *w)
{
    return wrap_rsa_holds(w) > 0 ? ERR_OK : ERR_KEY_SIZE;
}

struct way {
    enum err (*check)(const struct wrap *w); /* beyond mechanism, parameter and key; NULL: nothing */
    enum err (*wrap)(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out);
    enum err (*unwrap)(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out);
};

static const struct way *way_of(const struct mechanism *m)
{
    static const struct way secret = {NULL, wrap_by_secret, unwrap_by_secret}, rsa = {rsa_check, wrap_by_rsa, unwrap_by_rsa},
                            fresh = {wrap_fresh_check, wrap_by_fresh, unwrap_by_fresh};

    switch ((int)m->family) {
    case FAMILY_RSA_PKCS:
    case FAMILY_RSA_OAEP:
        return &rsa;
    case FAMILY_RSA_AES_WRAP:
    case FAMILY_ECDH_AES_WRAP:
    case FAMILY_ECDH_AES_WRAP_DER:
        return &fresh;
    default:
        return &secret;
    }
}

/* The first of the curves' rows is for both of their types (PKCS#11 v3.1 section 6.3.21). */
static bool takes_key(const struct mechanism *m, CK_KEY_TYPE type)
{
    return type == m->key_type || (m->family == FAMILY_ECDH_AES_WRAP && type == CKK_EC_MONTGOMERY);
}

enum err wrap_check(const struct wrap *w)
{
    const struct mechanism *m = w->mechanism;
    CK_KEY_TYPE type = w->public_key != NULL ? public_key_type(w->public_key) : key_type(w->key);
    size_t size = w->public_key != NULL ? public_key_bits(w->public_key) : key_size(w->key);
    const struct way *way = way_of(m);
    enum err e;

    if (!mechanism_does(m, CKF_WRAP) && !mechanism_does(m, CKF_UNWRAP))
        return ERR_MECHANISM;
    if (!takes_key(m, type))
        return ERR_KEY_TYPE;
    if (size > m->size_max)
        return ERR_KEY_SIZE;
    e = parameter_check(m, w->given);
    return e == ERR_OK && way->check != NULL ? way->check(w) : e;
}

enum err wrap_bytes(const struct wrap *w, const struct secret *plain, struct buffer *out)
{
    enum err e = wrap_check(w);

    if (e != ERR_OK)
        return e;
    return plain->len <= WRAP_BYTES_MAX ? way_of(w->mechanism)->wrap(w, plain->bytes, plain->len, out) : ERR_KEY_SIZE;
}

enum err unwrap_bytes(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    enum err e = wrap_check(w);

    if (e != ERR_OK)
        return e;
    return n > 0 && n <= WRAP_BYTES_MAX ? way_of(w->mechanism)->unwrap(w, wrapped, n, out) : ERR_WRAPPED_KEY_LEN;
}

/* ---- the form within */

enum err wrap_pack(const struct key *k, struct secret *out)
{
    PKCS8_PRIV_KEY_INFO *info;
    uint8_t *der = NULL;
    int n;
    enum err e = ERR_NO_MEMORY;

    if (key_evp(k) == NULL)
        return secret_copy(out, key_secret(k)->bytes, key_secret(k)->len) ? ERR_OK : ERR_NO_MEMORY;
    info = EVP_PKEY2PKCS8(key_evp(k));
    n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    if (n > 0 && secret_copy(out, der, (size_t)n))
        e = ERR_OK;
    OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return e;
}

/* Of a key of a finite field OpenSSL computes the public number before anybody has looked at the others: the longest that fit in what
 * can be unwrapped would keep it busy for minutes. */
static bool is_too_long(const PKCS8_PRIV_KEY_INFO *info, size_t n)
{
    const ASN1_OBJECT *algorithm = NULL;
    int nid = PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) == 1 ? OBJ_obj2nid(algorithm) : NID_undef;
    int type = EVP_PKEY_type(nid); /* DSA has had several names, and OpenSSL takes all of them */

    return (type == EVP_PKEY_DSA || type == EVP_PKEY_DH || type == EVP_PKEY_DHX) && n > FIELD_PACKED_BYTES_MAX;
}

enum err wrap_unpack_private(OSSL_LIB_CTX *libctx, const struct secret *packed, struct key **out)
{
    const uint8_t *at = packed->bytes;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)packed->len);
    EVP_PKEY *evp = info != NULL && at == packed->bytes + packed->len && !is_too_long(info, packed->len)
                        ? EVP_PKCS82PKEY_ex(info, libctx, NULL)
                        : NULL;
    struct key *k = NULL;
    enum err e = ERR_WRAPPED_KEY;

    if (evp != NULL && (e = key_wrap(evp, &k)) == ERR_OK && (e = key_check(libctx, k)) == ERR_OK) {
        *out = k;
        k = NULL; /* transferred */
    }
    key_free(k);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return e == ERR_OK || e == ERR_NO_MEMORY ? e : ERR_WRAPPED_KEY;
}
