#include "module/rpc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/secret.h"

enum { PEM_FILE_BYTES_MAX = 256 * 1024, PRIVATE = 1, PUBLIC = 0 };

/* The whole file in memory; wiped by the caller where it holds a key. A private file must be nobody else's business. */
static bool read_file(const char *path, bool private, struct secret *out, struct diag *why)
{
    struct stat st;
    size_t have = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = false;

    if (fd < 0 || fstat(fd, &st) != 0) {
        diag_set(why, "cannot read %s: %s", path, strerror(errno));
        diag_remedy(why, "check the path and the permissions in the client's configuration");
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > PEM_FILE_BYTES_MAX) {
        diag_set(why, "%s is no PEM file (a regular file of at most %d bytes)", path, PEM_FILE_BYTES_MAX);
        goto out;
    }
    if (private && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        diag_set(why, "the private key %s can be used by others", path);
        diag_remedy(why, "chmod 600 %s", path);
        goto out;
    }
    if (!secret_new(out, (size_t)st.st_size + 1)) {
        diag_set(why, "out of memory");
        goto out;
    }
    while (have < (size_t)st.st_size) {
        ssize_t got = read(fd, out->bytes + have, (size_t)st.st_size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    out->len = have;
    ok = true;
out:
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Never asks: a prompt in somebody's server would hang it. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

static STACK_OF(X509) *read_certificates(OSSL_LIB_CTX *libctx, const char *path, struct diag *why)
{
    struct secret file = {0};
    STACK_OF(X509) *all = NULL;
    BIO *bio = NULL;

    if (!read_file(path, PUBLIC, &file, why))
        return NULL;
    bio = BIO_new_mem_buf(file.bytes, (int)file.len);
    all = sk_X509_new_null();
    while (bio != NULL && all != NULL) {
        X509 *x = X509_new_ex(libctx, NULL);
        if (x == NULL || PEM_read_bio_X509(bio, &x, no_passphrase, NULL) == NULL || sk_X509_push(all, x) <= 0) {
            X509_free(x);
            break;
        }
    }
    ERR_clear_error();
    if (all == NULL || sk_X509_num(all) == 0) {
        diag_set(why, "%s holds no certificate in PEM form", path);
        diag_remedy(why, "give the file that begins with -----BEGIN CERTIFICATE-----");
        sk_X509_pop_free(all, X509_free);
        all = NULL;
    }
    BIO_free(bio);
    secret_clear(&file);
    return all;
}

static EVP_PKEY *read_key(OSSL_LIB_CTX *libctx, const char *path, struct diag *why)
{
    struct secret file = {0};
    EVP_PKEY *key = NULL;
    BIO *bio = NULL;

    if (!read_file(path, PRIVATE, &file, why))
        return NULL;
    bio = BIO_new_mem_buf(file.bytes, (int)file.len);
    if (bio != NULL)
        key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, libctx, NULL);
    ERR_clear_error();
    if (key == NULL) {
        diag_set(why, "%s holds no private key in PEM form without a passphrase", path);
        diag_remedy(why, "make one with hsmctl client, or remove the passphrase with openssl pkey");
    }
    BIO_free(bio);
    secret_clear(&file);
    return key;
}

bool client_identity_load(struct client_identity *c, OSSL_LIB_CTX *libctx, const char *certificate_file, const char *key_file,
                          const char *roots_file, struct diag *why)
{
    memset(c, 0, sizeof *c);
    c->libctx = libctx;
    c->chain = read_certificates(libctx, certificate_file, why);
    if (c->chain == NULL)
        goto fail;
    c->certificate = sk_X509_shift(c->chain);
    c->key = read_key(libctx, key_file, why);
    if (c->key == NULL)
        goto fail;
    if (X509_check_private_key(c->certificate, c->key) != 1) {
        ERR_clear_error();
        diag_set(why, "the private key %s is not the one of the certificate %s", key_file, certificate_file);
        diag_remedy(why, "name the pair that hsmctl client made");
        goto fail;
    }
    c->roots = read_certificates(libctx, roots_file, why);
    if (c->roots == NULL)
        goto fail;
    return true;
fail:
    client_identity_clear(c);
    return false;
}

void client_identity_clear(struct client_identity *c)
{
    X509_free(c->certificate);
    sk_X509_pop_free(c->chain, X509_free);
    sk_X509_pop_free(c->roots, X509_free);
    EVP_PKEY_free(c->key);
    memset(c, 0, sizeof *c);
}

size_t client_identity_sign(const struct client_identity *c, const uint8_t *bytes, size_t n, uint8_t *out, size_t room)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    size_t len = room;
    bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", c->libctx, NULL, c->key, NULL) == 1;

    if (ok && EVP_PKEY_is_a(c->key, "RSA"))
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    ok = ok && EVP_DigestSign(ctx, out, &len, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok ? len : 0;
}
