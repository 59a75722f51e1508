#include "certs/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

bool pem_path(char *out, const char *folder, const char *name, const char *end, struct diag *why)
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", folder, name, end);

    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
        diag_set(why, "the name \"%.60s\" would leave the folder", name);
        diag_remedy(why, "use letters, digits, dots and dashes");
        return false;
    }
    if (n > 0 && n < PATH_MAX)
        return true;
    diag_set(why, "the path is too long");
    diag_remedy(why, "use a shorter folder name");
    return false;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static bool unreadable(const char *path, struct diag *why)
{
    diag_set(why, "cannot be read: %s", strerror(errno));
    diag_where(why, path, 0);
    diag_remedy(why, "give the path of a PEM or DER file that you may read");
    return false;
}

bool pem_read_file(const char *path, struct secret *out, struct diag *why)
{
    struct stat st;
    size_t have = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;

    if (!ok) {
        unreadable(path, why);
    } else if (!S_ISREG(st.st_mode) || st.st_size > PEM_FILE_BYTES_MAX || st.st_size == 0) {
        diag_set(why, "is no file of 1 to %d bytes", PEM_FILE_BYTES_MAX);
        diag_where(why, path, 0);
        diag_remedy(why, "give the path of a PEM or DER file, not of a folder or an empty file");
        ok = false;
    } else if (!secret_new(out, (size_t)st.st_size)) {
        diag_set(why, "out of memory");
        ok = false;
    }
    while (ok && have < out->len) {
        ssize_t got = read(fd, out->bytes + have, out->len - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            ok = unreadable(path, why);
        else if (got == 0)
            out->len = have;
        else
            have += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    if (!ok)
        secret_clear(out);
    return ok;
}

/* Asks nobody: what is encrypted is not read. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

enum what { CERT, CSR, KEY };

static const struct {
    const char *name, *remedy;
} whats[] = {
    [CERT] = {"certificate", "give the file that begins with -----BEGIN CERTIFICATE-----, or its DER form"},
    [CSR] = {"certificate request", "give the file that begins with -----BEGIN CERTIFICATE REQUEST-----, or its DER form"},
    [KEY] = {"private key without a passphrase", "give the file that begins with -----BEGIN PRIVATE KEY-----"},
};

static void *decode(enum what what, BIO *bio, bool pem)
{
    if (what == CERT)
        return pem ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : d2i_X509_bio(bio, NULL);
    if (what == CSR)
        return pem ? PEM_read_bio_X509_REQ(bio, NULL, no_passphrase, NULL) : d2i_X509_REQ_bio(bio, NULL);
    return pem ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : d2i_PrivateKey_bio(bio, NULL);
}

static bool read_any(enum what what, const char *path, void **out, struct diag *why)
{
    struct secret file = {0};
    void *found = NULL;

    if (!pem_read_file(path, &file, why))
        return false;
    for (int pem = 1; pem >= 0 && found == NULL; pem--) {
        BIO *bio = BIO_new_mem_buf(file.bytes, (int)file.len);

        found = bio != NULL ? decode(what, bio, pem) : NULL;
        BIO_free(bio);
    }
    ERR_clear_error();
    secret_clear(&file);
    if (found == NULL) {
        diag_set(why, "holds no %s", whats[what].name);
        diag_where(why, path, 0);
        diag_remedy(why, "%s", whats[what].remedy);
        return false;
    }
    *out = found;
    return true;
}

bool pem_read_cert(const char *path, X509 **out, struct diag *why)
{
    void *found = NULL;

    if (!read_any(CERT, path, &found, why))
        return false;
    *out = found;
    return true;
}

bool pem_read_key(const char *path, EVP_PKEY **out, struct diag *why)
{
    void *found = NULL;

    if (!read_any(KEY, path, &found, why))
        return false;
    *out = found;
    return true;
}

bool pem_read_csr(const char *path, X509_REQ **out, struct diag *why)
{
    void *found = NULL;
    EVP_PKEY *key;

    if (!read_any(CSR, path, &found, why))
        return false;
    key = X509_REQ_get0_pubkey(found);
    if (key == NULL || X509_REQ_verify(found, key) != 1) {
        ERR_clear_error();
        X509_REQ_free(found);
        diag_set(why, "the request is not signed by its own key");
        diag_where(why, path, 0);
        diag_remedy(why, "fetch it again from where it was made");
        return false;
    }
    *out = found;
    return true;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static FILE *make(const char *path, mode_t mode, struct diag *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (f == NULL) {
        diag_set(why, "cannot be made: %s", strerror(errno));
        diag_where(why, path, 0);
        diag_remedy(why, "%s", errno == EEXIST ? "it is never overwritten: move it away, or use another folder or name"
                                               : "make the folder (mkdir -m 700) and check its owner");
        if (fd >= 0)
            close(fd);
    }
    return f;
}

static bool end(FILE *f, const char *path, bool ok, struct diag *why)
{
    ok = fflush(f) == 0 && fsync(fileno(f)) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        unlink(path);
        ERR_clear_error();
        diag_set(why, "could not be written and was removed");
        diag_where(why, path, 0);
        diag_remedy(why, "look for room on the disk");
    }
    return ok;
}

bool pem_make_cert(const char *path, const X509 *cert, struct diag *why)
{
    FILE *f = make(path, 0644, why);

    return f != NULL && end(f, path, PEM_write_X509(f, cert) == 1, why);
}

bool pem_make_csr(const char *path, const X509_REQ *csr, struct diag *why)
{
    FILE *f = make(path, 0644, why);

    return f != NULL && end(f, path, PEM_write_X509_REQ(f, csr) == 1, why);
}

bool pem_make_key(const char *path, EVP_PKEY *key, struct diag *why)
{
    FILE *f = make(path, 0600, why);

    return f != NULL && end(f, path, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, why);
}
