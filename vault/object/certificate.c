#include "vault/object/certificate.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "proto/limits.h"

static enum err read_x509(OSSL_LIB_CTX *libctx, const uint8_t *der, size_t n, X509 **out)
{
    const uint8_t *at = der;
    X509 *cert = X509_new_ex(libctx, NULL);
    enum err e = ERR_OK;

    if (cert == NULL)
        return ERR_NO_MEMORY;
    if (n > ATTRIBUTE_BYTES_MAX || d2i_X509(&cert, &at, (long)n) == NULL || at != der + n)
        e = ERR_ATTRIBUTE_VALUE;
    if (e == ERR_OK)
        *out = cert;
    else
        X509_free(cert); /* NULL after a failed d2i */
    ERR_clear_error();
    return e;
}

/* Takes DER of OpenSSL's making over. */
static enum err put_der(struct object *o, CK_ATTRIBUTE_TYPE type, uint8_t *der, int n)
{
    enum err e = n <= 0 ? ERR_NO_MEMORY : ERR_OK;

    if (e == ERR_OK && (!object_has(o, type) || object_find(o, type)->n == 0))
        e = object_put(o, type, der, (size_t)n);
    OPENSSL_free(der);
    return e;
}

enum err certificate_complete(OSSL_LIB_CTX *libctx, struct object *o, struct diag *why)
{
    const struct object_attribute *value = object_find(o, CKA_VALUE);
    uint8_t *subject = NULL, *issuer = NULL, *serial = NULL;
    X509 *cert = NULL;
    int n;
    enum err e;

    if (object_ulong(o, CKA_CERTIFICATE_TYPE, CK_UNAVAILABLE_INFORMATION) != CKC_X_509) {
        diag_set(why, "CKA_CERTIFICATE_TYPE: only X.509 certificates can be kept");
        return ERR_ATTRIBUTE_VALUE;
    }
    if (value == NULL) {
        diag_set(why, "CKA_VALUE is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    if ((e = read_x509(libctx, value->value, value->n, &cert)) != ERR_OK) {
        diag_set(why, "CKA_VALUE is no X.509 certificate in DER, or more than one");
        return e;
    }
    n = i2d_X509_NAME(X509_get_subject_name(cert), &subject);
    e = put_der(o, CKA_SUBJECT, subject, n);
    if (e == ERR_OK) {
        n = i2d_X509_NAME(X509_get_issuer_name(cert), &issuer);
        e = put_der(o, CKA_ISSUER, issuer, n);
    }
    if (e == ERR_OK) {
        n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &serial);
        e = put_der(o, CKA_SERIAL_NUMBER, serial, n);
    }
    X509_free(cert);
    ERR_clear_error();
    return e;
}

enum err certificate_key_info(OSSL_LIB_CTX *libctx, const uint8_t *der, size_t n, struct buffer *out)
{
    uint8_t *info = NULL;
    X509 *cert = NULL;
    int info_n = 0;
    enum err e = read_x509(libctx, der, n, &cert);

    if (e != ERR_OK)
        return e;
    info_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &info);
    if (info_n <= 0 || !buffer_put(out, info, (size_t)info_n))
        e = ERR_NO_MEMORY;
    OPENSSL_free(info);
    X509_free(cert);
    ERR_clear_error();
    return e;
}
