/* hsm-provision: the authorities above the nodes, on the machines where their keys are kept.
 *
 * Each command makes its files and nothing else, never overwrites, and says what comes next. Keys are written readable by
 * their owner only, in clear: keep the folder where you would keep the key. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "common/clock.h"

enum { ROOT_DAYS = 7300, ISSUED_DAYS = 3652 };

struct authority {
    const char *kind;
    const char *stem;     /* <stem>.crt and <stem>.key */
    const char *name;
    const char *hardware; /* what it calls the hardware certificates that it issues; NULL: it issues none */
};

static const struct authority authorities[] = {
    {"manufacturer", "manufacturerRoot", "ClusterHSM manufacturer root", "ManufacturerHardwareCertificate"},
    {"operator", "operatorRoot", "ClusterHSM operator root", "OperatorHardwareCertificate"},
    {"customer", "customerCA", "ClusterHSM customer authority", NULL},
    {"clients", "clientCA", "ClusterHSM clients' authority", NULL},
};

static const struct authority *authority_find(const char *kind)
{
    for (size_t i = 0; i < sizeof authorities / sizeof authorities[0]; i++)
        if (strcmp(authorities[i].kind, kind) == 0)
            return &authorities[i];
    return NULL;
}

static bool complain(const char *what, const char *remedy)
{
    fprintf(stderr, "hsm-provision: %s\n  next: %s\n", what, remedy);
    return false;
}

static bool path_make(char *out, const char *folder, const char *name, const char *end)
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", folder, name, end);

    if (strchr(name, '/') != NULL)
        return complain("an id or name with a slash would leave the folder", "use letters, digits, dots and dashes");
    return (n > 0 && n < PATH_MAX) || complain("the path is too long", "use a shorter folder name");
}

/* A new file, or a complaint: what exists is never overwritten. */
static FILE *file_new(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (f == NULL) {
        fprintf(stderr, "hsm-provision: cannot make %s: %s\n  next: %s\n", path, strerror(errno),
                errno == EEXIST ? "it is never overwritten: move it away, or use another folder or id"
                                : "make the folder (mkdir -m 700) and check its owner");
        if (fd >= 0)
            close(fd);
    }
    return f;
}

static bool file_end(FILE *f, const char *path, bool ok)
{
    ok = fflush(f) == 0 && fsync(fileno(f)) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        unlink(path);
        return complain("a file could not be written and was removed", "look for room on the disk");
    }
    printf("made %s\n", path);
    return true;
}

static bool cert_save(const char *folder, const char *stem, const char *end, const X509 *cert)
{
    char path[PATH_MAX];
    FILE *f;

    if (!path_make(path, folder, stem, end) || (f = file_new(path, 0644)) == NULL)
        return false;
    return file_end(f, path, PEM_write_X509(f, cert) == 1);
}

static bool key_save(const char *folder, const char *stem, EVP_PKEY *key)
{
    char path[PATH_MAX];
    FILE *f;

    if (!path_make(path, folder, stem, ".key") || (f = file_new(path, 0600)) == NULL)
        return false;
    return file_end(f, path, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
}

static FILE *file_read(const char *path)
{
    FILE *f = fopen(path, "re");

    if (f == NULL)
        fprintf(stderr, "hsm-provision: cannot read %s: %s\n  next: give the right path; an authority is made with "
                        "\"hsm-provision root\"\n", path, strerror(errno));
    return f;
}

static bool authority_load(const struct authority *a, const char *folder, X509 **cert, EVP_PKEY **key)
{
    char path[PATH_MAX];
    FILE *f;

    if (!path_make(path, folder, a->stem, ".crt") || (f = file_read(path)) == NULL)
        return false;
    *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    if (!path_make(path, folder, a->stem, ".key") || (f = file_read(path)) == NULL)
        return false;
    *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return (*cert != NULL && *key != NULL && X509_check_private_key(*cert, *key) == 1) ||
           complain("the authority's certificate and key do not belong together", "restore both from the same place");
}

static X509_REQ *csr_load(const char *path)
{
    FILE *f = file_read(path);
    X509_REQ *csr = f != NULL ? PEM_read_X509_REQ(f, NULL, NULL, NULL) : NULL;

    if (f == NULL)
        return NULL;
    fclose(f);
    if (csr == NULL || X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)) != 1) {
        complain("the request is malformed, or not signed by its own key", "fetch it again from the node, as PEM");
        X509_REQ_free(csr);
        csr = NULL;
    }
    return csr;
}

static X509 *issue(enum cert_role role, const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct cert_order order = {.role = role, .name = name, .subject_key = key, .issuer = issuer, .issuer_key = issuer_key,
                               .now_s = (int64_t)clock_real_s(), .days = role == CERT_ROOT ? ROOT_DAYS : ISSUED_DAYS};
    struct diag why = {0};
    X509 *cert = NULL;

    if (cert_issue(&order, &cert, &why) != ERR_OK)
        complain(why.what, "give a name of 1 to 64 bytes");
    return cert;
}

static bool do_root(char **args)
{
    const struct authority *a = authority_find(args[0]);
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    bool ok = false;

    if (a == NULL)
        return complain("no such authority", "one of: manufacturer, operator, customer, clients");
    if ((key = EVP_EC_gen("P-384")) != NULL && (cert = issue(CERT_ROOT, a->name, key, NULL, key)) != NULL)
        ok = key_save(args[1], a->stem, key) && cert_save(args[1], a->stem, ".crt", cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

static bool sign_request(const struct authority *a, enum cert_role role, const char *folder, const char *id, const char *csr_path,
                         const char *called)
{
    X509 *issuer = NULL, *cert = NULL;
    EVP_PKEY *issuer_key = NULL;
    X509_REQ *csr = csr_load(csr_path);
    char end[64];
    bool ok = false;

    snprintf(end, sizeof end, "_%s.crt", called);
    if (csr != NULL && authority_load(a, folder, &issuer, &issuer_key) &&
        (cert = issue(role, id, X509_REQ_get0_pubkey(csr), issuer, issuer_key)) != NULL)
        ok = cert_save(folder, id, end, cert);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    X509_REQ_free(csr);
    return ok;
}

static bool do_hardware(char **args)
{
    const struct authority *a = authority_find(args[0]);

    if (a == NULL || a->hardware == NULL)
        return complain("no such root", "one of: manufacturer, operator");
    return sign_request(a, CERT_HARDWARE, args[1], args[2], args[3], a->hardware);
}

static bool do_cluster(char **args)
{
    return sign_request(authority_find("customer"), CERT_SERVER, args[0], args[1], args[2], "CustomerHsmCertificate");
}

static bool do_client(char **args)
{
    X509 *issuer = NULL, *cert = NULL;
    EVP_PKEY *issuer_key = NULL, *key = EVP_EC_gen("P-256");
    bool ok = false;

    if (key != NULL && authority_load(authority_find("clients"), args[0], &issuer, &issuer_key) &&
        (cert = issue(CERT_CLIENT, args[1], key, issuer, issuer_key)) != NULL)
        ok = key_save(args[0], args[1], key) && cert_save(args[0], args[1], ".crt", cert);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
    return ok;
}

static const struct command {
    const char *name, *arguments;
    int count;
    bool (*run)(char **args);
    const char *help;
    const char *next;
} commands[] = {
    {"root", "manufacturer|operator|customer|clients FOLDER", 2, do_root, "make an authority: a P-384 key and its certificate",
     "carry the .crt to the nodes; the .key stays here"},
    {"hardware", "manufacturer|operator FOLDER ID CSR", 4, do_hardware, "sign the hardware request of a node",
     "carry the certificate and the root's .crt to the node"},
    {"cluster", "FOLDER ID CSR", 3, do_cluster, "claim a cluster: sign its request by the customer's authority",
     "initialize the cluster with this certificate, customerCA.crt and clientCA.crt"},
    {"client", "FOLDER NAME", 2, do_client, "make a client's key and certificate", "carry both and customerCA.crt to the client"},
};

static int usage(FILE *to, const struct command *only)
{
    fprintf(to, "usage:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (only == NULL || only == &commands[i])
            fprintf(to, "  hsm-provision %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return usage(argc < 2 ? stderr : stdout, NULL);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *c = &commands[i];
        if (strcmp(argv[1], c->name) != 0)
            continue;
        if (argc == 3 && strcmp(argv[2], "--help") == 0)
            return usage(stdout, c);
        if (argc != 2 + c->count)
            return usage(stderr, c);
        if (!c->run(argv + 2))
            return 1;
        printf("next: %s\n", c->next);
        return 0;
    }
    fprintf(stderr, "hsm-provision: there is no command \"%s\"\n", argv[1]);
    return usage(stderr, NULL);
}
