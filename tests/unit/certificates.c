#include "tests/unit/certificates.h"

#include "tests/unit/runner.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

EVP_PKEY *test_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(key);
    return key;
}

static void extension_add(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

X509 *test_certificate_new(const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *cert = X509_new();
    ck_assert_ptr_nonnull(cert);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(cert, key);
    if (!issuer) {
        extension_add(cert, NID_basic_constraints, "critical,CA:TRUE");
        extension_add(cert, NID_key_usage, "critical,keyCertSign");
    }
    ck_assert_int_gt(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()), 0);
    return cert;
}

void test_providers_unload(OSSL_LIB_CTX *libctx)
{
    static const char *const loaded[] = {"vkey", "default", "default"};

    for (size_t i = 0; i < sizeof loaded / sizeof loaded[0]; i++) {
        OSSL_PROVIDER *p = OSSL_PROVIDER_load(libctx, loaded[i]); /* the same one again: the only way to get at it */
        ck_assert_ptr_nonnull(p);
        OSSL_PROVIDER_unload(p);
        OSSL_PROVIDER_unload(p);
    }
}
