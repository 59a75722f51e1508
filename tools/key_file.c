#include "tools/key_file.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "certs/pem_file.h"
#include "common/secret.h"
#include "proto/parameter_set.h"
#include "tools/password.h"

/* For OpenSSL's question in the middle of decoding; it asks only where something is encrypted. */
struct asked {
    const char *passphrase_file;
    struct diag why; /* filled where there was none */
    bool failed;
};

static int give_passphrase(char *buf, int size, int rwflag, void *arg)
{
    struct asked *a = arg;
    struct password_source from = {.file = a->passphrase_file, .prompt = "passphrase of the key file", .option = "--passphrase-file"};
    struct secret passphrase = {0};
    int n = -1;

    (void)rwflag;
    if (!a->failed && password_read(&from, &passphrase, &a->why) && passphrase.len <= (size_t)size) {
        n = (int)passphrase.len;
        memcpy(buf, passphrase.bytes, passphrase.len);
    }
    a->failed = a->failed || n < 0; /* once is enough */
    secret_clear(&passphrase);
    return n;
}

static BIO *again(const struct secret *file)
{
    return BIO_new_mem_buf(file->bytes, (int)file->len);
}

static void look_pem(const struct secret *file, struct asked *a, struct key_file *out)
{
    BIO *key = again(file), *public = again(file), *cert = again(file);

    out->private_key = PEM_read_bio_PrivateKey(key, NULL, give_passphrase, a);
    if (out->private_key == NULL)
        out->public_key = PEM_read_bio_PUBKEY(public, NULL, give_passphrase, a);
    out->certificate = PEM_read_bio_X509(cert, NULL, give_passphrase, a);
    BIO_free(key);
    BIO_free(public);
    BIO_free(cert);
}

static void look_der(const struct secret *file, struct asked *a, struct key_file *out)
{
    BIO *key = again(file), *sealed = again(file), *public = again(file), *cert = again(file);

    /* A certificate first: its outer form is no key's. */
    out->certificate = d2i_X509_bio(cert, NULL);
    if (out->certificate == NULL)
        out->public_key = d2i_PUBKEY_bio(public, NULL);
    if (out->certificate == NULL && out->public_key == NULL)
        out->private_key = d2i_PrivateKey_bio(key, NULL);
    if (out->certificate == NULL && out->public_key == NULL && out->private_key == NULL)
        out->private_key = d2i_PKCS8PrivateKey_bio(sealed, NULL, give_passphrase, a);
    BIO_free(key);
    BIO_free(sealed);
    BIO_free(public);
    BIO_free(cert);
}

static bool is_pem(const struct secret *file)
{
    return memmem(file->bytes, file->len, "-----BEGIN ", 11) != NULL;
}

/* The private key's public half, as a key that holds no more than that. */
static bool public_half(const EVP_PKEY *key, EVP_PKEY **out)
{
    uint8_t *der = NULL;
    const uint8_t *at;
    int n = i2d_PUBKEY(key, &der);

    at = der;
    *out = n > 0 ? d2i_PUBKEY(NULL, &at, n) : NULL;
    OPENSSL_free(der);
    return *out != NULL;
}

/* What a key says of itself that OpenSSL has not read; NULL: nothing that we know. */
static const struct parameter_set *named(const ASN1_OBJECT *type)
{
    char oid[64];

    return type != NULL && OBJ_obj2txt(oid, sizeof oid, type, 1) > 0 ? parameter_set_by_oid(oid) : NULL;
}

static const struct parameter_set *named_private(const struct secret *file)
{
    BIO *in = again(file);
    PKCS8_PRIV_KEY_INFO *info =
        is_pem(file) ? PEM_read_bio_PKCS8_PRIV_KEY_INFO(in, NULL, NULL, NULL) : d2i_PKCS8_PRIV_KEY_INFO_bio(in, NULL);
    const ASN1_OBJECT *type = NULL;
    const struct parameter_set *set;

    if (info != NULL)
        PKCS8_pkey_get0(&type, NULL, NULL, NULL, info);
    set = named(type);
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(in);
    return set;
}

static const struct parameter_set *named_public(const struct secret *file)
{
    BIO *in = again(file);
    unsigned char *der = NULL;
    const unsigned char *at = file->bytes;
    long n = (long)file->len;
    X509_PUBKEY *info = NULL;
    ASN1_OBJECT *type = NULL;
    const struct parameter_set *set;

    if (is_pem(file))
        at = PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_PUBLIC, in, NULL, NULL) == 1 ? der : NULL;
    if (at != NULL && (info = d2i_X509_PUBKEY(NULL, &at, n)) != NULL)
        X509_PUBKEY_get0_param(&type, NULL, NULL, NULL, info);
    set = named(type);
    X509_PUBKEY_free(info);
    OPENSSL_free(der);
    BIO_free(in);
    return set;
}

/* *set: of a key that nothing could be made of. */
static bool look(const char *path, const char *passphrase_file, struct key_file *out, const struct parameter_set **set,
                 struct diag *why)
{
    struct asked a = {.passphrase_file = passphrase_file};
    struct secret file = {0};

    if (!pem_read_file(path, &file, why))
        return false;
    if (is_pem(&file))
        look_pem(&file, &a, out);
    else
        look_der(&file, &a, out);
    if (out->private_key == NULL && out->public_key == NULL && (*set = named_private(&file)) == NULL)
        *set = named_public(&file);
    secret_clear(&file);
    ERR_clear_error();
    if (a.failed && out->private_key == NULL) {
        *why = a.why;
        key_file_clear(out);
        return false;
    }
    return true;
}

bool key_file_read(const char *path, const char *passphrase_file, struct key_file *out, struct diag *why)
{
    const struct parameter_set *set = NULL;

    if (!look(path, passphrase_file, out, &set, why))
        return false;
    if (out->private_key != NULL && !public_half(out->private_key, &out->public_key)) {
        diag_set(why, "holds a private key without its public half");
        diag_where(why, path, 0);
    } else if (out->private_key != NULL && out->certificate != NULL && X509_check_private_key(out->certificate, out->private_key) != 1) {
        diag_set(why, "holds a private key and a certificate that do not belong together");
        diag_where(why, path, 0);
        diag_remedy(why, "put them into files of their own");
    } else if (set != NULL) {
        if (parameter_set_is_here(set))
            diag_set(why, "holds a key of %s that is none", set->name);
        else
            diag_set(why, "holds a key of %s, which this OpenSSL, %s, does not know", set->name, OpenSSL_version(OPENSSL_VERSION_STRING));
        diag_where(why, path, 0);
        diag_remedy(why, "import post-quantum keys where OpenSSL 3.5 or later runs, here and on the nodes");
    } else if (out->public_key == NULL && out->certificate == NULL) {
        diag_set(why, "holds neither key nor certificate, or its passphrase is another");
        diag_where(why, path, 0);
        diag_remedy(why, "give a private key, a public key or a certificate in PEM or DER form, with its passphrase (--passphrase-file); "
                         "of PKCS #12 make PEM first: openssl pkcs12 -in FILE -out NEW.pem");
    } else {
        return true;
    }
    ERR_clear_error();
    key_file_clear(out);
    return false;
}

bool key_file_read_cert(const char *path, struct key_file *out, struct diag *why)
{
    return pem_read_cert(path, &out->certificate, why);
}

void key_file_clear(struct key_file *f)
{
    EVP_PKEY_free(f->private_key);
    EVP_PKEY_free(f->public_key);
    X509_free(f->certificate);
    memset(f, 0, sizeof *f);
}
