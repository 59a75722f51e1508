/* hsmctl client: what a machine needs to speak to the cluster. No connection is made. */
#include <limits.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "certs/pem_file.h"
#include "common/clock.h"
#include "tools/hsmctl.h"

enum { CLIENT_DAYS = 3652 };

/* By the clients' authority in the folder. */
static bool certify(const char *ca, const char *name, EVP_PKEY *key, X509 **out, struct diag *why)
{
    char path[PATH_MAX];
    struct cert_order order = {.role = CERT_CLIENT, .name = name, .subject_key = key, .now_s = (int64_t)clock_real_s(),
        .days = CLIENT_DAYS};
    X509 *issuer = NULL;
    EVP_PKEY *issuer_key = NULL;
    bool ok = pem_path(path, ca, "clientCA", ".crt", why) && pem_read_cert(path, &issuer, why) &&
              pem_path(path, ca, "clientCA", ".key", why) && pem_read_key(path, &issuer_key, why);

    if (!ok) {
        diag_remedy(why, "name the folder where \"hsm-provision root clients FOLDER\" made the authority");
    } else if (X509_check_private_key(issuer, issuer_key) != 1) {
        diag_set(why, "clientCA.crt and clientCA.key do not belong together");
        diag_where(why, ca, 0);
        ok = false;
    } else {
        order.issuer = issuer;
        order.issuer_key = issuer_key;
        ok = cert_issue(&order, out, why) == ERR_OK;
    }
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    return ok;
}

enum status client_make(const struct invocation *call)
{
    const char *name = call->arguments[0], *doing = "the client was not made";
    const char *ca = call->options[OPTION_ca], *folder = option_or(call, OPTION_out, ".");
    char key_path[PATH_MAX], path[PATH_MAX];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = NULL;
    X509_REQ *csr = NULL;
    struct diag why = {0};
    enum status s = STATUS_FILE;
    struct output *o;

    if (key == NULL)
        diag_set(&why, "OpenSSL made no key");
    else if (pem_path(key_path, folder, name, ".key", &why) && pem_path(path, folder, name, ca != NULL ? ".crt" : ".csr", &why) &&
             (ca != NULL ? certify(ca, name, key, &cert, &why) : csr_make(NULL, name, key, &csr, &why) == ERR_OK) &&
             pem_make_key(key_path, key, &why) &&
             (cert != NULL ? pem_make_cert(path, cert, &why) : pem_make_csr(path, csr, &why)))
        s = STATUS_DONE;
    X509_free(cert);
    X509_REQ_free(csr);
    EVP_PKEY_free(key);
    if (s != STATUS_DONE)
        return complain(call, s, doing, &why);
    o = output_new();
    output_text(o, "key", key_path);
    output_text(o, ca != NULL ? "certificate" : "request", path);
    output_text(o, "next", ca != NULL ? "name both, and customerCA.crt, in the client's configuration (docs/configuration.md)"
                                      : "let the clients' authority sign it: \"hsm-provision client FOLDER NAME CSR\"");
    return answer(call, o);
}
