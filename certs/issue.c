#include "certs/issue.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { SERIAL_BYTES = 16, KEY_ID_BYTES = 20, BACKDATE_S = 3600, DAY_S = 24 * 3600 };

struct role_row {
    bool authority;
    long path_length;   /* authorities: how many more stand below; -1: no limit */
    unsigned key_usage; /* bits as RFC 5280 section 4.2.1.3 numbers them, first bit highest */
    int extended[2];    /* NIDs, 0: none */
};

enum { USAGE_SIGNATURE = 0x80, USAGE_CERT_SIGN = 0x04, USAGE_CRL_SIGN = 0x02 };

static const struct role_row roles[CERT_ROLES] = {
    [CERT_ROOT] = {true, -1, USAGE_CERT_SIGN | USAGE_CRL_SIGN, {0, 0}},
    [CERT_HARDWARE] = {true, 0, USAGE_CERT_SIGN, {0, 0}},
    [CERT_NODE] = {false, 0, USAGE_SIGNATURE, {NID_server_auth, NID_client_auth}},
    [CERT_HSM] = {false, 0, USAGE_SIGNATURE, {0, 0}},
    [CERT_SERVER] = {false, 0, USAGE_SIGNATURE, {NID_server_auth, 0}},
    [CERT_CLIENT] = {false, 0, USAGE_SIGNATURE, {NID_client_auth, 0}},
};

static bool name_fill(X509_NAME *n, const char *common_name)
{
    return X509_NAME_add_entry_by_NID(n, NID_organizationName, MBSTRING_ASC, (const unsigned char *)"ClusterHSM", -1, -1,
                                      0) == 1 &&
           X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool serial_fill(OSSL_LIB_CTX *libctx, X509 *cert)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *n = NULL;
    bool ok;

    if (RAND_bytes_ex(libctx, bytes, sizeof bytes, 0) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always of full length */
    n = BN_bin2bn(bytes, sizeof bytes, NULL);
    ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

/* RFC 7093 section 2, method 1: the left 160 bits of SHA-256 over the public key's bit string. */
static ASN1_OCTET_STRING *key_id_new(const X509 *cert, const EVP_MD *sha256)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (id == NULL || EVP_Digest(key->data, (size_t)key->length, hash, &n, sha256, NULL) != 1 ||
        ASN1_OCTET_STRING_set(id, hash, KEY_ID_BYTES) != 1) {
        ASN1_OCTET_STRING_free(id);
        return NULL;
    }
    return id;
}

static bool add_key_ids(X509 *cert, const X509 *issuer, const EVP_MD *sha256)
{
    ASN1_OCTET_STRING *id = key_id_new(cert, sha256);
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *above = issuer == NULL ? id : X509_get0_subject_key_id((X509 *)issuer);
    bool ok = id != NULL && authority != NULL && X509_add1_ext_i2d(cert, NID_subject_key_identifier, id, 0, 0) == 1;

    if (ok && above != NULL) /* a customer's old authority may have none */
        ok = (authority->keyid = ASN1_OCTET_STRING_dup(above)) != NULL &&
             X509_add1_ext_i2d(cert, NID_authority_key_identifier, authority, 0, 0) == 1;
    ASN1_OCTET_STRING_free(id);
    AUTHORITY_KEYID_free(authority);
    return ok;
}

static bool add_constraints(X509 *cert, const struct role_row *role)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    bool ok = basic != NULL;

    if (ok && role->authority) {
        basic->ca = 1;
        if (role->path_length >= 0)
            ok = (basic->pathlen = ASN1_INTEGER_new()) != NULL && ASN1_INTEGER_set(basic->pathlen, role->path_length) == 1;
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_basic_constraints, basic, 1, 0) == 1;
    BASIC_CONSTRAINTS_free(basic);
    return ok;
}

static bool add_usage(X509 *cert, const struct role_row *role)
{
    uint8_t bits = (uint8_t)role->key_usage;
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    EXTENDED_KEY_USAGE *extended = EXTENDED_KEY_USAGE_new();
    bool ok = usage != NULL && extended != NULL && ASN1_BIT_STRING_set(usage, &bits, 1) == 1;

    for (int bit = 0; ok && bit < 8; bit++) /* also trims the trailing zero bits, as DER wants for named bits */
        ok = ASN1_BIT_STRING_set_bit(usage, bit, (bits & (0x80 >> bit)) != 0) == 1;
    ok = ok && X509_add1_ext_i2d(cert, NID_key_usage, usage, 1, 0) == 1;
    for (size_t i = 0; ok && i < 2 && role->extended[i] != 0; i++)
        ok = sk_ASN1_OBJECT_push(extended, OBJ_nid2obj(role->extended[i])) > 0;
    if (ok && sk_ASN1_OBJECT_num(extended) > 0)
        ok = X509_add1_ext_i2d(cert, NID_ext_key_usage, extended, 0, 0) == 1;
    ASN1_BIT_STRING_free(usage);
    EXTENDED_KEY_USAGE_free(extended);
    return ok;
}

static bool add_kem(X509 *cert, const uint8_t *kem_public)
{
    uint8_t der[2 + CERT_KEM_BYTES] = {V_ASN1_OCTET_STRING, CERT_KEM_BYTES};
    ASN1_OBJECT *oid = OBJ_txt2obj(CERT_KEM_OID, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool ok;

    memcpy(der + 2, kem_public, CERT_KEM_BYTES);
    ok = oid != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, sizeof der) == 1 &&
         (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return ok;
}

enum err cert_issue(const struct cert_order *o, X509 **out, struct diag *why)
{
    const struct role_row *role = &roles[o->role];
    EVP_MD *sha256 = NULL;
    X509 *cert = NULL;
    X509_NAME *subject;
    enum err e = ERR_BUG;

    if (strlen(o->name) == 0 || strlen(o->name) > CERT_NAME_BYTES_MAX || (o->role == CERT_NODE) != (o->kem_public != NULL)) {
        diag_set(why, "a certificate's name has 1 to %d bytes, and node certificates alone carry a transport key",
                 CERT_NAME_BYTES_MAX);
        return ERR_ARGUMENTS;
    }
    sha256 = EVP_MD_fetch(o->libctx, "SHA256", NULL);
    cert = X509_new_ex(o->libctx, NULL);
    if (sha256 == NULL || cert == NULL) {
        e = ERR_NO_MEMORY;
        goto out;
    }
    subject = X509_get_subject_name(cert);
    if (X509_set_version(cert, X509_VERSION_3) != 1 || !serial_fill(o->libctx, cert) || !name_fill(subject, o->name) ||
        X509_set_issuer_name(cert, o->issuer != NULL ? X509_get_subject_name(o->issuer) : subject) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(cert), o->now_s - BACKDATE_S) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(cert), o->now_s + (int64_t)o->days * DAY_S) == NULL ||
        X509_set_pubkey(cert, o->subject_key) != 1 || !add_constraints(cert, role) || !add_usage(cert, role) ||
        !add_key_ids(cert, o->issuer, sha256) || (o->kem_public != NULL && !add_kem(cert, o->kem_public)))
        goto out;
    if (X509_sign(cert, o->issuer_key, sha256) <= 0)
        goto out;
    *out = cert;
    cert = NULL; /* transferred */
    e = ERR_OK;
out:
    if (e != ERR_OK)
        diag_set(why, "OpenSSL could not make the certificate for %s", o->name);
    X509_free(cert);
    EVP_MD_free(sha256);
    ERR_clear_error();
    return e;
}

enum err csr_make(OSSL_LIB_CTX *libctx, const char *name, EVP_PKEY *key, X509_REQ **out, struct diag *why)
{
    EVP_MD *sha256 = EVP_MD_fetch(libctx, "SHA256", NULL);
    X509_REQ *csr = X509_REQ_new_ex(libctx, NULL);
    enum err e = ERR_OK;

    if (sha256 == NULL || csr == NULL) {
        e = ERR_NO_MEMORY;
    } else if (X509_REQ_set_version(csr, X509_REQ_VERSION_1) != 1 || !name_fill(X509_REQ_get_subject_name(csr), name) ||
               X509_REQ_set_pubkey(csr, key) != 1 || X509_REQ_sign(csr, key, sha256) <= 0) {
        e = ERR_BUG;
    } else {
        *out = csr;
        csr = NULL; /* transferred */
    }
    if (e != ERR_OK)
        diag_set(why, "OpenSSL could not make the certificate request for %s", name);
    X509_REQ_free(csr);
    EVP_MD_free(sha256);
    ERR_clear_error();
    return e;
}

enum err csr_read(OSSL_LIB_CTX *libctx, const uint8_t *der, size_t n, X509_REQ **out, struct diag *why)
{
    const uint8_t *at = der;
    X509_REQ *csr = X509_REQ_new_ex(libctx, NULL);
    enum err e = ERR_CERTIFICATE;

    if (csr == NULL)
        return ERR_NO_MEMORY;
    if (n > INT32_MAX || d2i_X509_REQ(&csr, &at, (long)n) == NULL || at != der + n) {
        diag_set(why, "the certificate request is malformed or cut off");
        diag_remedy(why, "fetch it again, whole");
    } else if (X509_REQ_get0_pubkey(csr) == NULL || X509_REQ_verify_ex(csr, X509_REQ_get0_pubkey(csr), libctx, NULL) != 1) {
        diag_set(why, "the certificate request's signature is not by its own key");
        diag_remedy(why, "fetch it again from the node that made it");
    } else {
        *out = csr;
        csr = NULL; /* transferred */
        e = ERR_OK;
    }
    X509_REQ_free(csr);
    ERR_clear_error();
    return e;
}

enum err cert_read(OSSL_LIB_CTX *libctx, const char *what, const uint8_t *der, size_t n, X509 **out, struct diag *why)
{
    const uint8_t *at = der;
    X509 *cert = X509_new_ex(libctx, NULL);
    enum err e = ERR_OK;

    if (cert == NULL)
        return ERR_NO_MEMORY;
    if (n > INT32_MAX || d2i_X509(&cert, &at, (long)n) == NULL || at != der + n || X509_get0_pubkey(cert) == NULL) {
        diag_set(why, "%s is malformed or cut off", what);
        diag_remedy(why, "get it again, whole");
        e = ERR_CERTIFICATE;
    } else {
        *out = cert;
        cert = NULL; /* transferred */
    }
    X509_free(cert);
    ERR_clear_error();
    return e;
}

static enum err give(uint8_t *der, int n, struct buffer *out)
{
    enum err e = n > 0 && buffer_put(out, der, (size_t)n) ? ERR_OK : ERR_NO_MEMORY;

    OPENSSL_free(der);
    return e;
}

enum err cert_write(const X509 *cert, struct buffer *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);

    return give(der, n, out);
}

enum err csr_write(const X509_REQ *csr, struct buffer *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509_REQ(csr, &der);

    return give(der, n, out);
}

enum err cert_kem_public(const X509 *cert, uint8_t out[CERT_KEM_BYTES])
{
    ASN1_OBJECT *oid = OBJ_txt2obj(CERT_KEM_OID, 1);
    int at = oid != NULL ? X509_get_ext_by_OBJ(cert, oid, -1) : -1;
    const ASN1_OCTET_STRING *value = at >= 0 ? X509_EXTENSION_get_data(X509_get_ext(cert, at)) : NULL;
    enum err e = ERR_CERTIFICATE;

    if (value != NULL && value->length == 2 + CERT_KEM_BYTES && value->data[0] == V_ASN1_OCTET_STRING &&
        value->data[1] == CERT_KEM_BYTES) {
        memcpy(out, value->data + 2, CERT_KEM_BYTES);
        e = ERR_OK;
    }
    ASN1_OBJECT_free(oid);
    return e;
}
