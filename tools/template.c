#include "tools/template.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/buffer.h"
#include "crypto/field.h"
#include "crypto/public_key.h"
#include "proto/mechanism.h"
#include "proto/pkcs11.h"

/* ---- attributes -------------------------------------------------------------------------------------------- */

static uint8_t *extend(struct template *t, CK_ATTRIBUTE_TYPE type, size_t n)
{
    Hsm__Attribute *row = &t->rows[t->n];

    if (t->failed || t->n == TEMPLATE_ROWS_MAX || !secret_new(&t->values[t->n], n > 0 ? n : 1)) {
        t->failed = true;
        return NULL;
    }
    hsm__attribute__init(row);
    row->type = type;
    row->value = (ProtobufCBinaryData){.data = t->values[t->n].bytes, .len = n};
    t->pointers[t->n++] = row;
    t->message.n_attributes = t->n;
    return row->value.data;
}

static void begin(struct template *t)
{
    hsm__template__init(&t->message);
    t->message.attributes = t->pointers;
}

static void put(struct template *t, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t n)
{
    uint8_t *at = extend(t, type, n);

    if (at != NULL && n > 0)
        memcpy(at, bytes, n);
}

static void put_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    put(t, type, &(uint8_t){value}, 1);
}

static void put_ulong(struct template *t, CK_ATTRIBUTE_TYPE type, uint64_t value)
{
    uint8_t bytes[8];

    for (int i = 7; i >= 0; i--, value >>= 8)
        bytes[i] = (uint8_t)value;
    put(t, type, bytes, sizeof bytes);
}

/* A number of the key's, without leading zeros or, where n is given, of exactly so many bytes. */
static void put_number(struct template *t, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *key, const char *param, size_t n)
{
    BIGNUM *number = NULL;
    uint8_t *at;
    int bytes;

    if (EVP_PKEY_get_bn_param(key, param, &number) != 1) {
        ERR_clear_error();
        return; /* an RSA key may lack its primes: the vault says whether it can do without */
    }
    bytes = n > 0 ? (int)n : BN_num_bytes(number);
    at = extend(t, type, (size_t)bytes);
    if (at != NULL && BN_bn2binpad(number, at, bytes) != bytes)
        t->failed = true;
    BN_clear_free(number);
}

static void put_names(struct template *t, CK_OBJECT_CLASS class, bool private, const struct template_names *names)
{
    put_ulong(t, CKA_CLASS, class);
    put_bool(t, CKA_TOKEN, true);
    put_bool(t, CKA_PRIVATE, private);
    put(t, CKA_LABEL, names->label, strlen(names->label));
    put(t, CKA_ID, names->id, names->id_bytes);
}

static bool done(struct template *t, struct diag *why)
{
    if (t->failed)
        diag_set(why, "out of memory");
    return !t->failed;
}

/* ---- keys ---------------------------------------------------------------------------------------------------- */

static bool not_ours(struct diag *why)
{
    ERR_clear_error();
    diag_set(why, "the key is neither RSA, DSA nor DH, of no supported curve, and not post-quantum");
    diag_remedy(why, "use RSA, a NIST or Brainpool curve, secp256k1, Ed25519, Ed448, X25519, X448, DSA, DH, "
                     "or with OpenSSL 3.5 ML-KEM, ML-DSA or SLH-DSA");
    return false;
}

static void put_rsa_private(struct template *t, const EVP_PKEY *key)
{
    put_ulong(t, CKA_KEY_TYPE, CKK_RSA);
    put_bool(t, CKA_DECRYPT, true);
    put_number(t, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N, 0);
    put_number(t, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E, 0);
    put_number(t, CKA_PRIVATE_EXPONENT, key, OSSL_PKEY_PARAM_RSA_D, 0);
    put_number(t, CKA_PRIME_1, key, OSSL_PKEY_PARAM_RSA_FACTOR1, 0);
    put_number(t, CKA_PRIME_2, key, OSSL_PKEY_PARAM_RSA_FACTOR2, 0);
    put_number(t, CKA_EXPONENT_1, key, OSSL_PKEY_PARAM_RSA_EXPONENT1, 0);
    put_number(t, CKA_EXPONENT_2, key, OSSL_PKEY_PARAM_RSA_EXPONENT2, 0);
    put_number(t, CKA_COEFFICIENT, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0);
}

/* `value`: OpenSSL's name of what CKA_VALUE is. */
static void put_field(struct template *t, const EVP_PKEY *key, const char *value)
{
    CK_KEY_TYPE type = field_type_of(key);

    put_ulong(t, CKA_KEY_TYPE, type);
    put_number(t, CKA_PRIME, key, OSSL_PKEY_PARAM_FFC_P, 0);
    if (field_has_parameter(type, CKA_SUBPRIME))
        put_number(t, CKA_SUBPRIME, key, OSSL_PKEY_PARAM_FFC_Q, 0);
    put_number(t, CKA_BASE, key, OSSL_PKEY_PARAM_FFC_G, 0);
    put_number(t, CKA_VALUE, key, value, 0);
}

/* The string that the private key of an Edwards or Montgomery curve is. */
static void put_string(struct template *t, const EVP_PKEY *key, const struct curve *curve)
{
    size_t n = curve->field_bytes;
    uint8_t *at = extend(t, CKA_VALUE, n);

    if (at != NULL && (EVP_PKEY_get_raw_private_key(key, at, &n) != 1 || n != curve->field_bytes))
        t->failed = true;
    ERR_clear_error();
}

/* A part of a key that is made by a parameter set; false: it has none. */
static bool put_part(struct template *t, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *key, const char *name, size_t bytes)
{
    struct secret part = {0};
    size_t n = 0;
    bool has = false;

    if (!secret_new(&part, bytes))
        t->failed = true;
    else if ((has = EVP_PKEY_get_octet_string_param(key, name, part.bytes, bytes, &n) == 1 && n == bytes))
        put(t, type, part.bytes, bytes);
    secret_clear(&part);
    ERR_clear_error();
    return has;
}

/* OpenSSL's names, of 3.5 and later: those that we are built with may not have them. The seed is the key, where it is known. */
static void put_set_private(struct template *t, const EVP_PKEY *key, const struct parameter_set *set)
{
    put_ulong(t, CKA_KEY_TYPE, set->key_type);
    put_ulong(t, CKA_PARAMETER_SET, set->number);
    put_bool(t, set->key_type == CKK_ML_KEM ? CKA_DECAPSULATE : CKA_SIGN, true);
    if ((set->seed_bytes == 0 || !put_part(t, CKA_SEED, key, "seed", set->seed_bytes)) &&
        !put_part(t, CKA_VALUE, key, "priv", set->private_bytes))
        t->failed = true;
}

static void put_set_public(struct template *t, const EVP_PKEY *key, const struct parameter_set *set)
{
    put_ulong(t, CKA_KEY_TYPE, set->key_type);
    put_ulong(t, CKA_PARAMETER_SET, set->number);
    put_bool(t, set->key_type == CKK_ML_KEM ? CKA_ENCAPSULATE : CKA_VERIFY, true);
    if (!put_part(t, CKA_VALUE, key, "pub", set->public_bytes))
        t->failed = true;
}

static const struct parameter_set *set_of(const EVP_PKEY *key)
{
    const char *name = EVP_PKEY_get0_type_name(key);

    return name != NULL ? parameter_set_by_name(name) : NULL;
}

static bool is_ours(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || public_key_curve_of(key) != NULL || set_of(key) != NULL || field_type_of(key) != NO_KEY_TYPE;
}

bool template_private_key(struct template *t, const EVP_PKEY *key, const struct template_names *names, struct diag *why)
{
    const struct curve *curve = public_key_curve_of(key);
    const struct parameter_set *set = set_of(key);

    if (!is_ours(key))
        return not_ours(why);
    begin(t);
    put_names(t, CKO_PRIVATE_KEY, true, names);
    put_bool(t, CKA_SENSITIVE, true);
    put_bool(t, CKA_EXTRACTABLE, false);
    if (set != NULL) {
        put_set_private(t, key, set);
    } else if (curve != NULL) {
        put_ulong(t, CKA_KEY_TYPE, curve->key_type);
        put_bool(t, curve->key_type == CKK_EC_MONTGOMERY ? CKA_DERIVE : CKA_SIGN, true);
        put(t, CKA_EC_PARAMS, curve->params, curve->params_bytes);
        if (curve->key_type == CKK_EC)
            put_number(t, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY, curve->field_bytes);
        else
            put_string(t, key, curve);
    } else if (field_type_of(key) != NO_KEY_TYPE) {
        put_bool(t, field_type_of(key) == CKK_DH ? CKA_DERIVE : CKA_SIGN, true);
        put_field(t, key, OSSL_PKEY_PARAM_PRIV_KEY);
    } else {
        put_bool(t, CKA_SIGN, true);
        put_rsa_private(t, key);
    }
    return done(t, why);
}

/* The raw point. X and Y apart, where there are two: the encoded point of a key from a file may be a compressed one. */
static bool raw_point(const EVP_PKEY *key, const struct curve *curve, uint8_t point[CURVE_POINT_BYTES_MAX])
{
    int n = (int)curve->field_bytes;
    size_t raw_n = CURVE_POINT_BYTES_MAX;
    BIGNUM *x = NULL, *y = NULL;
    bool ok;

    if (curve->key_type != CKK_EC)
        return EVP_PKEY_get_raw_public_key(key, point, &raw_n) == 1 && raw_n == curve->point_bytes;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
         EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 && BN_bn2binpad(x, point + 1, n) == n &&
         BN_bn2binpad(y, point + 1 + n, n) == n;
    BN_free(x);
    BN_free(y);
    return ok;
}

static bool put_point(struct template *t, const EVP_PKEY *key, const struct curve *curve)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    struct buffer der = {0};
    bool ok = raw_point(key, curve, point) && curve_point_write(point, curve->point_bytes, &der) == ERR_OK;

    if (ok)
        put(t, CKA_EC_POINT, der.data, der.len);
    buffer_clear(&der);
    ERR_clear_error();
    return ok;
}

bool template_public_key(struct template *t, const EVP_PKEY *key, const struct template_names *names, struct diag *why)
{
    const struct curve *curve = public_key_curve_of(key);
    const struct parameter_set *set = set_of(key);

    if (!is_ours(key))
        return not_ours(why);
    begin(t);
    put_names(t, CKO_PUBLIC_KEY, false, names);
    if (set == NULL)
        put_bool(t, CKA_VERIFY, field_type_of(key) != CKK_DH && (curve == NULL || curve->key_type != CKK_EC_MONTGOMERY));
    if (set != NULL) {
        put_set_public(t, key, set);
    } else if (curve != NULL) {
        put_ulong(t, CKA_KEY_TYPE, curve->key_type);
        put(t, CKA_EC_PARAMS, curve->params, curve->params_bytes);
        if (!put_point(t, key, curve))
            return not_ours(why);
    } else if (field_type_of(key) != NO_KEY_TYPE) {
        put_field(t, key, OSSL_PKEY_PARAM_PUB_KEY);
    } else {
        put_ulong(t, CKA_KEY_TYPE, CKK_RSA);
        put_bool(t, CKA_ENCRYPT, true);
        put_number(t, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(t, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E, 0);
    }
    return done(t, why);
}

/* ---- certificates ---------------------------------------------------------------------------------------------- */

static void put_der(struct template *t, CK_ATTRIBUTE_TYPE type, uint8_t *der, int n)
{
    if (n > 0)
        put(t, type, der, (size_t)n);
    else
        t->failed = true;
    OPENSSL_free(der);
}

bool template_certificate(struct template *t, const X509 *cert, const struct template_names *names, struct diag *why)
{
    uint8_t *der = NULL;
    int n;

    begin(t);
    put_names(t, CKO_CERTIFICATE, false, names);
    put_ulong(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
    n = i2d_X509_NAME(X509_get_subject_name(cert), &der);
    put_der(t, CKA_SUBJECT, der, n);
    der = NULL;
    n = i2d_X509_NAME(X509_get_issuer_name(cert), &der);
    put_der(t, CKA_ISSUER, der, n);
    der = NULL;
    n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
    put_der(t, CKA_SERIAL_NUMBER, der, n);
    der = NULL;
    n = i2d_X509(cert, &der);
    put_der(t, CKA_VALUE, der, n);
    return done(t, why);
}

void template_clear(struct template *t)
{
    for (size_t i = 0; i < t->n; i++)
        secret_clear(&t->values[i]);
    memset(t, 0, sizeof *t);
}

bool template_key_id(const EVP_PKEY *key, uint8_t out[20])
{
    X509_PUBKEY *info = NULL;
    const unsigned char *bits = NULL;
    int n = 0;
    bool ok = X509_PUBKEY_set(&info, (EVP_PKEY *)(uintptr_t)key) == 1 && /* only referenced */
              X509_PUBKEY_get0_param(NULL, &bits, &n, NULL, info) == 1 && n > 0 &&
              EVP_Digest(bits, (size_t)n, out, NULL, EVP_sha1(), NULL) == 1;

    X509_PUBKEY_free(info);
    ERR_clear_error();
    return ok;
}
