/* A client made from files, as the module and the tools do it. No cluster is there: nothing may need one. */
#include "module/rpc/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

static char *folder;
static OSSL_LIB_CTX *libctx;
static struct client *client;
static struct diag why;

static FILE *file(const char *name, mode_t mode, char path[512])
{
    FILE *f;

    snprintf(path, 512, "%s/%s", folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(chmod(path, mode), 0);
    return f;
}

static void setup(void)
{
    EVP_PKEY *ca_key = test_key_new(), *key = test_key_new();
    X509 *ca = test_certificate_new("ca", ca_key, NULL, NULL), *cert = test_certificate_new("app", key, ca, ca_key);
    char path[512];
    FILE *f;

    folder = temp_folder_new("client");
    libctx = OSSL_LIB_CTX_new();
    memset(&why, 0, sizeof why);
    f = file("app.crt", 0644, path);
    ck_assert_int_eq(PEM_write_X509(f, cert), 1);
    fclose(f);
    f = file("app.key", 0600, path);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    f = file("customerCA.crt", 0644, path);
    ck_assert_int_eq(PEM_write_X509(f, ca), 1);
    fclose(f);
    X509_free(ca);
    X509_free(cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

static void teardown(void)
{
    client_close(client);
    client = NULL;
    OSSL_LIB_CTX_free(libctx);
    temp_folder_free(folder);
}

/* A configuration that is right, and whatever a test adds to it. */
static bool open_with(const char *more)
{
    char path[512];
    FILE *f = file("client.yaml", 0600, path);

    fprintf(f, "client: {certificate: app.crt, key: app.key}\nnetwork: {servers: [\"127.0.0.1:1\", \"[::1]:1\"], connect_wait: 0s}\n%s\n",
            more);
    fclose(f);
    return client_open(path, libctx, &client, &why);
}

static const char *const plain = "cluster: {anchor: customerCA.crt}";

START_TEST(test_client_opens_without_a_cluster)
{
    setup();
    ck_assert_msg(open_with(plain), "%s", why.what);
    ck_assert_str_eq(client_settings(client)->token_label, "ClusterHSM");
    ck_assert_ptr_nonnull(client_rpc(client));
    teardown();
}
END_TEST

START_TEST(test_call_without_a_cluster_is_lost_and_the_client_stays)
{
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call call = {.request = &request};
    Hsm__Reply *reply = NULL;

    setup();
    ck_assert(open_with(plain));
    request.of_case = HSM__REQUEST__OF_STATUS;
    request.status = &status;
    ck_assert_int_eq(rpc_call(client_rpc(client), &call, &reply), ERR_LOST);
    ck_assert_int_eq(rpc_call(client_rpc(client), &call, &reply), ERR_LOST);
    teardown();
}
END_TEST

START_TEST(test_bad_values_are_named)
{
    static const struct {
        const char *yaml, *named;
        unsigned line;
    } cases[] = { /* two lines stand before these */
        {"cluster: {anchor: customerCA.crt}\naliases: [0x80001057 = CKM_NOTHING]", "CKM_NOTHING", 4},
        {"cluster: {anchor: customerCA.crt}\naliases:\n  - 0x80001057 = CKM_ECDSA\n  - 0x80001057 = CKM_RSA_PKCS\n", "CKM_RSA_PKCS", 6},
        {"cluster: {anchor: customerCA.crt}\naliases: 1 = CKM_ECDSA", "aliases", 4},
        {"cluster: {anchor: customerCA.crt, pin: abc}", "cluster.pin", 3},
        {"cluster: {anchor: customerCA.crt}\nfork: {mode: maybe}", "fork.mode", 4},
        {"cluster: {anchor: customerCA.crt}\nlog: {level: loud}", "log.level", 4},
        {"cluster: {anchor: gone.crt}", "gone.crt", 0},
    };

    setup();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&why, 0, sizeof why);
        ck_assert(!open_with(cases[i].yaml));
        ck_assert_msg(strstr(why.what, cases[i].named) != NULL, "%s: %s", cases[i].named, why.what);
        ck_assert_str_ne(why.remedy, "");
        ck_assert_uint_eq(why.line, cases[i].line);
        ck_assert(cases[i].line == 0 || strstr(why.where, "client.yaml") != NULL);
    }
    teardown();
}
END_TEST

START_TEST(test_key_that_others_may_read_is_refused)
{
    char path[512];

    setup();
    snprintf(path, sizeof path, "%s/app.key", folder);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert(!open_with(plain));
    ck_assert_ptr_nonnull(strstr(why.remedy, "chmod 600"));
    teardown();
}
END_TEST

START_TEST(test_path_is_given_or_from_the_environment_or_etc)
{
    ck_assert_int_eq(unsetenv("CLUSTERHSM_CONF"), 0);
    ck_assert_str_eq(client_path(NULL), CLIENT_PATH);
    ck_assert_str_eq(client_path(""), CLIENT_PATH);
    ck_assert_int_eq(setenv("CLUSTERHSM_CONF", "/tmp/c.yaml", 1), 0);
    ck_assert_str_eq(client_path(NULL), "/tmp/c.yaml");
    ck_assert_str_eq(client_path("/x.yaml"), "/x.yaml");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_client_opens_without_a_cluster,
        &test_call_without_a_cluster_is_lost_and_the_client_stays,
        &test_bad_values_are_named,
        &test_key_that_others_may_read_is_refused,
        &test_path_is_given_or_from_the_environment_or_etc,
        NULL,
    };
    return suite_of("client", 20, tests);
}
