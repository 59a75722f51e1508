/* hsm-provision: the authorities above the nodes, on the machines where their keys are kept.
 *
 * Each command makes its files and nothing else, never overwrites, and says what comes next. Keys are written readable by
 * their owner only, in clear: keep the folder where you would keep the key. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "certs/pem_file.h"
#include "common/clock.h"

enum { ROOT_DAYS = 7300, ISSUED_DAYS = 3652 };

struct authority {
    const char *kind;
    const char *stem;     /* <stem>.crt and <stem>.key */
    const char *name;
    const char *hardware; /* how the files of the hardware certificates that it issues end; NULL: it issues none */
    const char *next;     /* what is done with it once it is made */
};

static const struct authority authorities[] = {
    {"manufacturer", "manufacturerRoot", "ClusterHSM manufacturer root", "_ManufacturerHardwareCertificate.crt",
     "carry the .crt to the nodes; the .key stays here and signs their hardware requests (hsm-provision hardware manufacturer)"},
    {"operator", "operatorRoot", "ClusterHSM operator root", "_OperatorHardwareCertificate.crt",
     "carry the .crt to the nodes; the .key stays here and signs their hardware requests (hsm-provision hardware operator)"},
    {"customer", "customerCA", "ClusterHSM customer authority", NULL,
     "carry the .crt to the first node (hsmctl cluster initialize) and to the clients; the .key stays here and claims the cluster"},
    {"clients", "clientCA", "ClusterHSM clients' authority", NULL,
     "carry the .crt to the first node (hsmctl cluster initialize); the .key stays here and names clients (hsm-provision client)"},
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

static bool complain_of(const struct diag *why)
{
    fprintf(stderr, "hsm-provision: %s%s%s\n  next: %s\n", why->where, why->where[0] != '\0' ? ": " : "", why->what, why->remedy);
    return false;
}

static bool cert_save(const char *folder, const char *stem, const char *end, const X509 *cert)
{
    char path[PATH_MAX];
    struct diag why = {0};

    if (!pem_path(path, folder, stem, end, &why) || !pem_make_cert(path, cert, &why))
        return complain_of(&why);
    printf("made %s\n", path);
    return true;
}

static bool key_save(const char *folder, const char *stem, EVP_PKEY *key)
{
    char path[PATH_MAX];
    struct diag why = {0};

    if (!pem_path(path, folder, stem, ".key", &why) || !pem_make_key(path, key, &why))
        return complain_of(&why);
    printf("made %s\n", path);
    return true;
}

static bool authority_load(const struct authority *a, const char *folder, X509 **cert, EVP_PKEY **key)
{
    char cert_path[PATH_MAX], key_path[PATH_MAX];
    struct diag why = {0};

    if (!pem_path(cert_path, folder, a->stem, ".crt", &why) || !pem_path(key_path, folder, a->stem, ".key", &why))
        return complain_of(&why);
    if (!pem_read_cert(cert_path, cert, &why) || !pem_read_key(key_path, key, &why)) {
        diag_remedy(&why, "name the folder of the authority; \"hsm-provision root %s FOLDER\" makes one", a->kind);
        return complain_of(&why);
    }
    return X509_check_private_key(*cert, *key) == 1 ||
           complain("the authority's certificate and key do not belong together", "restore both from the same place");
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

    if ((key = EVP_EC_gen("P-384")) != NULL && (cert = issue(CERT_ROOT, a->name, key, NULL, key)) != NULL)
        ok = key_save(args[1], a->stem, key) && cert_save(args[1], a->stem, ".crt", cert);
    if (ok)
        printf("next: %s\n", a->next);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/* What the request itself is called, which matters for a cluster; `fallback` where it says nothing usable. */
static const char *name_of_request(const X509_REQ *csr, const char *fallback, char out[CERT_NAME_BYTES_MAX + 1])
{
    int n = X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, out, CERT_NAME_BYTES_MAX + 1);

    return n > 0 && strlen(out) == (size_t)n ? out : fallback;
}

static bool sign_request(const struct authority *a, enum cert_role role, const char *folder, const char *id, const char *csr_path,
                         const char *end)
{
    X509 *issuer = NULL, *cert = NULL;
    EVP_PKEY *issuer_key = NULL;
    X509_REQ *csr = NULL;
    char name[CERT_NAME_BYTES_MAX + 1];
    struct diag why = {0};
    bool ok = false;

    if (!pem_read_csr(csr_path, &csr, &why))
        return complain_of(&why);
    if (authority_load(a, folder, &issuer, &issuer_key) &&
        (cert = issue(role, role == CERT_SERVER ? name_of_request(csr, id, name) : id, X509_REQ_get0_pubkey(csr), issuer,
                      issuer_key)) != NULL)
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

    return a != NULL && sign_request(a, CERT_HARDWARE, args[1], args[2], args[3], a->hardware);
}

static bool do_cluster(char **args)
{
    return sign_request(authority_find("customer"), CERT_SERVER, args[0], args[1], args[2], "_CustomerHsmCertificate.crt");
}

static bool do_client(char **args)
{
    X509 *issuer = NULL, *cert = NULL;
    EVP_PKEY *issuer_key = NULL, *key = NULL;
    bool ok = false;

    if (args[2] != NULL) /* the client keeps its key to itself */
        return sign_request(authority_find("clients"), CERT_CLIENT, args[0], args[1], args[2], ".crt");
    key = EVP_EC_gen("P-256");
    if (key != NULL && authority_load(authority_find("clients"), args[0], &issuer, &issuer_key) &&
        (cert = issue(CERT_CLIENT, args[1], key, issuer, issuer_key)) != NULL)
        ok = key_save(args[0], args[1], key) && cert_save(args[0], args[1], ".crt", cert);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
    return ok;
}

/* Whether the first argument is an authority that the command knows; complains. */
static bool is_authority(const char *kind)
{
    char text[128];

    snprintf(text, sizeof text, "there is no authority \"%.40s\"", kind);
    return authority_find(kind) != NULL || complain(text, "name one of: manufacturer, operator, customer, clients");
}

static bool is_root_of_nodes(const char *kind)
{
    const struct authority *a = authority_find(kind);
    char text[128];

    snprintf(text, sizeof text, "\"%.40s\" signs no hardware requests", kind);
    return (a != NULL && a->hardware != NULL) || complain(text, "name one of: manufacturer, operator");
}

static const struct command {
    const char *name, *arguments;
    int count, count_max;
    bool (*knows)(const char *first); /* NULL: the first argument is any */
    bool (*run)(char **args);         /* arguments that were left out are NULL */
    const char *help;
    const char *next; /* NULL: it says so itself */
} commands[] = {
    {"root", "manufacturer|operator|customer|clients FOLDER", 2, 2, is_authority, do_root,
     "make an authority: a P-384 key and its certificate", NULL},
    {"hardware", "manufacturer|operator FOLDER ID CSR", 4, 4, is_root_of_nodes, do_hardware,
     "sign the hardware request of a node (hsmctl node csr)",
     "carry the certificate and the root's .crt to the node"},
    {"cluster", "FOLDER ID CSR", 3, 3, NULL, do_cluster, "claim a cluster: sign its request by the customer's authority",
     "initialize the cluster with this certificate, customerCA.crt and clientCA.crt"},
    {"client", "FOLDER NAME [CSR]", 2, 3, NULL, do_client,
     "make a client's key and certificate, or its certificate for the request that it made",
     "carry what was made and customerCA.crt to the client"},
};

static int usage(FILE *to, const struct command *only)
{
    fprintf(to, "usage:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (only == NULL || only == &commands[i])
            fprintf(to, "  hsm-provision %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    if (only == NULL)
        fprintf(to, "  hsm-provision --help | --version\n\n"
                    "FOLDER is where the authority's key is kept, ID and NAME begin the names of the files that are made there. "
                    "Nothing is overwritten.\nManual: hsm-provision(1); the order of things: docs/operate.md.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return usage(argc < 2 ? stderr : stdout, NULL);
    if (strcmp(argv[1], "--version") == 0)
        return printf("hsm-provision (ClusterHSM) %s\n", VERSION) > 0 ? 0 : 1;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *c = &commands[i];
        if (strcmp(argv[1], c->name) != 0)
            continue;
        if (argc == 3 && strcmp(argv[2], "--help") == 0)
            return usage(stdout, c);
        if (argc < 2 + c->count || argc > 2 + c->count_max) {
            fprintf(stderr, "hsm-provision: %s takes %s\n", c->name, c->arguments);
            return usage(stderr, c);
        }
        if (c->knows != NULL && !c->knows(argv[2]))
            return 2;
        if (!c->run(argv + 2)) /* argv ends with NULL, as what is left out does */
            return 1;
        if (c->next != NULL)
            printf("next: %s\n", c->next);
        return 0;
    }
    fprintf(stderr, "hsm-provision: there is no command \"%s\"\n", argv[1]);
    return usage(stderr, NULL);
}
