#include "vault/provider/key.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/field.h"
#include "crypto/public_key.h"
#include "proto/key_kind.h"
#include "proto/mechanism.h"
#include "vault/provider/des.h"
#include "vault/provider/key_curve.h"
#include "vault/provider/key_field.h"
#include "vault/provider/key_params.h"
#include "vault/provider/key_pq.h"
#include "vault/provider/key_rsa.h"

struct key {
    EVP_PKEY *evp;
    struct secret secret;
    struct secret three; /* of DES: as the cipher takes it */
    const struct curve *curve;
    const struct parameter_set *set;
    size_t size;
    size_t number_bytes;
    CK_KEY_TYPE type;
};

static void describe(struct key *k)
{
    k->set = parameter_set_by_name(EVP_PKEY_get0_type_name(k->evp));
    k->curve = public_key_curve_of(k->evp);
    if (k->set != NULL) {
        k->type = k->set->key_type;
        k->size = k->set->public_bytes;
    } else if (k->curve != NULL) {
        k->type = k->curve->key_type;
        k->size = k->curve->bits;
    } else {
        k->type = EVP_PKEY_is_a(k->evp, "RSA") ? CKK_RSA : field_type_of(k->evp);
        k->size = (size_t)EVP_PKEY_get_bits(k->evp);
    }
    k->number_bytes = k->curve != NULL ? k->curve->field_bytes : field_number_bytes(k->evp);
}

enum err key_wrap(EVP_PKEY *evp, struct key **out)
{
    struct key *k = calloc(1, sizeof *k);

    if (k == NULL) {
        EVP_PKEY_free(evp);
        return ERR_NO_MEMORY;
    }
    k->evp = evp;
    describe(k);
    if (k->type == NO_KEY_TYPE) {
        enum err e = EVP_PKEY_is_a(evp, "EC") ? ERR_CURVE : ERR_KEY_TYPE;
        key_free(k);
        return e;
    }
    *out = k;
    return ERR_OK;
}

/* IEEE 1619: with two equal halves XTS tells which blocks are alike. */
static bool halves_differ(const uint8_t *bytes, size_t n)
{
    return !bytes_equal(bytes, bytes + n / 2, n / 2);
}

static bool load_des(struct key *k)
{
    des_set_parity(k->secret.bytes, k->secret.len);
    if (!secret_new(&k->three, DES_THREE_KEYS_BYTES))
        return false;
    des_three_keys(k->secret.bytes, k->secret.len, k->three.bytes);
    return true;
}

static enum err load_secret(const struct key_kind *kind, const struct key_part *parts, size_t n, struct key **out)
{
    const struct key_part *value = key_params_find(parts, n, CKA_VALUE);
    struct key *k;

    if (value == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if (!key_kind_has_length(kind, value->n) || (kind->type == CKK_AES_XTS && !halves_differ(value->value, value->n)))
        return ERR_ATTRIBUTE_VALUE;
    if ((k = calloc(1, sizeof *k)) == NULL || !secret_copy(&k->secret, value->value, value->n)) {
        free(k);
        return ERR_NO_MEMORY;
    }
    if (des_is(kind->type) && !load_des(k)) {
        key_free(k);
        return ERR_NO_MEMORY;
    }
    k->type = kind->type;
    k->size = value->n;
    *out = k;
    return ERR_OK;
}

enum err key_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, struct key **out)
{
    const struct key_kind *kind = key_kind_find(type);
    EVP_PKEY *evp = NULL;
    enum err e = ERR_KEY_TYPE;

    if (key_kind_is_value(kind))
        return load_secret(kind, parts, n, out);
    if (type == CKK_RSA)
        e = key_rsa_load(libctx, parts, n, &evp);
    else if (parameter_set_makes(type))
        e = key_pq_load(libctx, type, parts, n, &evp);
    else if (field_makes(type))
        e = key_field_load(libctx, type, parts, n, &evp);
    else if (key_kind_is_pair(kind))
        e = key_curve_load(libctx, type, parts, n, &evp);
    return e == ERR_OK ? key_wrap(evp, out) : e;
}

enum err key_check(OSSL_LIB_CTX *libctx, const struct key *k)
{
    EVP_PKEY_CTX *ctx;
    enum err e;

    if (k->evp == NULL)
        return ERR_OK;
    if (field_makes(k->type))
        return key_field_check(libctx, k->type, k->evp);
    if (k->type == CKK_RSA && key_rsa_fits(k->evp) != ERR_OK)
        return ERR_TEMPLATE_INCONSISTENT;
    if ((ctx = EVP_PKEY_CTX_new_from_pkey(libctx, k->evp, NULL)) == NULL)
        return ERR_NO_MEMORY;
    e = EVP_PKEY_check(ctx) == 1 ? ERR_OK : ERR_TEMPLATE_INCONSISTENT;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

void key_free(struct key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->evp); /* OpenSSL clears the private numbers */
    secret_clear(&k->secret);
    secret_clear(&k->three);
    free(k);
}

bool key_type_has_part(CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part)
{
    const struct key_kind *kind = key_kind_find(key);

    if (key == CKK_RSA)
        return key_rsa_part_name(part) != NULL;
    if (key_kind_is_value(kind))
        return part == CKA_VALUE;
    if (parameter_set_makes(key))
        return key_pq_has_part(key, part);
    if (field_makes(key))
        return field_has_part(key, part);
    return key_kind_is_pair(kind) && key_curve_has_part(part);
}

bool key_type_has_public_part(CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part)
{
    return key_type_has_part(key, part) && (part != CKA_VALUE || parameter_set_makes(key) || field_makes(key));
}

enum err key_part(const struct key *k, CK_ATTRIBUTE_TYPE type, struct secret *out)
{
    if (k->set != NULL)
        return key_pq_part(k->evp, k->set, type, out);
    if (k->curve != NULL)
        return key_curve_part(k->evp, k->curve, type, out);
    if (field_makes(k->type))
        return key_field_part(k->evp, k->type, type, out);
    if (k->type == CKK_RSA && key_rsa_part_name(type) != NULL)
        return key_params_number(k->evp, key_rsa_part_name(type), 0, out);
    if (k->evp == NULL && type == CKA_VALUE)
        return secret_copy(out, k->secret.bytes, k->secret.len) ? ERR_OK : ERR_NO_MEMORY;
    return ERR_ATTRIBUTE_TYPE;
}

enum err key_public_part(const struct key *k, CK_ATTRIBUTE_TYPE type, struct secret *out)
{
    if (!key_type_has_public_part(k->type, type))
        return ERR_ATTRIBUTE_TYPE;
    if (type != CKA_VALUE)
        return key_part(k, type, out);
    return k->set != NULL ? key_pq_public_value(k->evp, k->set, out) : key_field_public_value(k->evp, k->type, out);
}

CK_KEY_TYPE key_type(const struct key *k)
{
    return k->type;
}

size_t key_size(const struct key *k)
{
    return k->size;
}

const struct curve *key_curve(const struct key *k)
{
    return k->curve;
}

const struct parameter_set *key_set(const struct key *k)
{
    return k->set;
}

size_t key_number_bytes(const struct key *k)
{
    return k->number_bytes;
}

EVP_PKEY *key_evp(const struct key *k)
{
    return k->evp;
}

const struct secret *key_secret(const struct key *k)
{
    return &k->secret;
}

const struct secret *key_cipher_secret(const struct key *k)
{
    return k->three.len > 0 ? &k->three : &k->secret;
}
