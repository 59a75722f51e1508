/* What hsmctl key import finds in files, and the templates that it makes of it; and where passwords come from. */
#include "tools/key_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/post_quantum.h"
#include "crypto/public_key.h"
#include "proto/attribute.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/temp_folder.h"
#include "tools/password.h"
#include "tools/template.h"

static char *folder;
static char path[512];
static struct diag why;
static const uint8_t id[] = {1, 2, 3};
static const struct template_names names = {.label = "web", .id = id, .id_bytes = sizeof id};

static void setup(void)
{
    folder = temp_folder_new("key_file");
    memset(&why, 0, sizeof why);
}

static void teardown(void)
{
    temp_folder_free(folder);
}

static FILE *begin(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "w");
}

static void write_text(const char *name, const char *text, mode_t mode)
{
    FILE *f = begin(name);

    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* Of length 0 where there is none. */
static const Hsm__Attribute *row(const struct template *t, uint64_t type)
{
    static uint8_t nothing[1];
    static const Hsm__Attribute none = {.value = {.len = 0, .data = nothing}};

    for (size_t i = 0; i < t->message.n_attributes; i++)
        if (t->message.attributes[i]->type == type)
            return t->message.attributes[i];
    return &none;
}

/* Every value as the table wants it, and none twice. */
static void check_canonical(const struct template *t)
{
    for (size_t i = 0; i < t->message.n_attributes; i++) {
        const Hsm__Attribute *a = t->message.attributes[i];

        ck_assert_msg(attribute_is_canonical(attribute_find(a->type), a->value.data, a->value.len), "%s", attribute_find(a->type)->name);
        ck_assert_ptr_eq(row(t, a->type), a);
    }
}

/* The public template is what crypto/public_key reads back as the same key. */
static void check_public(EVP_PKEY *key)
{
    struct template t = {0};
    struct public_key *read = NULL;
    enum err e;

    ck_assert(template_public_key(&t, key, &names, &why));
    check_canonical(&t);
    if (EVP_PKEY_is_a(key, "RSA"))
        e = public_key_rsa(NULL, row(&t, CKA_MODULUS)->value.data, row(&t, CKA_MODULUS)->value.len,
                           row(&t, CKA_PUBLIC_EXPONENT)->value.data, row(&t, CKA_PUBLIC_EXPONENT)->value.len, &read);
    else
        e = public_key_ec(NULL, public_key_curve_of(key)->key_type, row(&t, CKA_EC_PARAMS)->value.data, row(&t, CKA_EC_PARAMS)->value.len,
                          row(&t, CKA_EC_POINT)->value.data, row(&t, CKA_EC_POINT)->value.len, &read);
    ck_assert_int_eq(e, ERR_OK);
    ck_assert_int_eq(EVP_PKEY_eq(public_key_evp(read), key), 1);
    public_key_free(read);
    template_clear(&t);
}

START_TEST(test_private_keys_become_templates)
{
    setup();
    for (size_t i = 0; i == 0 || curve_at(i - 1) != NULL; i++) {
        EVP_PKEY *key = i == 0 ? EVP_RSA_gen(2048) : sample_on_curve(curve_at(i - 1));
        struct key_file f = {0};
        struct template t = {0};
        FILE *file = begin("k.pem");

        ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        ck_assert(key_file_read(path, NULL, &f, &why));
        ck_assert_ptr_nonnull(f.private_key);
        check_public(f.public_key);
        ck_assert(template_private_key(&t, f.private_key, &names, &why));
        check_canonical(&t);
        ck_assert_uint_eq(row(&t, CKA_SENSITIVE)->value.data[0], 1);
        ck_assert_uint_eq(row(&t, CKA_EXTRACTABLE)->value.data[0], 0);
        ck_assert_uint_eq(row(&t, CKA_LABEL)->value.len, 3);
        if (i > 0)
            ck_assert_uint_eq(row(&t, CKA_VALUE)->value.len, curve_at(i - 1)->field_bytes);
        else
            ck_assert_uint_gt(row(&t, CKA_COEFFICIENT)->value.len, 0);
        template_clear(&t);
        key_file_clear(&f);
        EVP_PKEY_free(key);
    }
    teardown();
}
END_TEST

static struct public_field_part part(const struct template *t, CK_ATTRIBUTE_TYPE type)
{
    return (struct public_field_part){row(t, type)->value.data, row(t, type)->value.len};
}

START_TEST(test_keys_over_fields_become_templates)
{
    setup();
    for (int dsa = 0; dsa < 2; dsa++) {
        EVP_PKEY *key = dsa ? sample_dsa() : sample_dh("ffdhe2048");
        struct key_file f = {0};
        struct template t = {0};
        struct public_key *read = NULL;
        struct public_field parts;
        FILE *file = begin("k.pem");
        ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        ck_assert(key_file_read(path, NULL, &f, &why));
        ck_assert(template_private_key(&t, f.private_key, &names, &why));
        check_canonical(&t);
        ck_assert_uint_eq(row(&t, dsa ? CKA_SIGN : CKA_DERIVE)->value.data[0], 1);
        ck_assert_uint_eq(row(&t, CKA_SUBPRIME)->value.len > 0, dsa);
        ck_assert_uint_gt(row(&t, CKA_VALUE)->value.len, 0);
        template_clear(&t);
        ck_assert(template_public_key(&t, f.public_key, &names, &why));
        check_canonical(&t);
        parts = (struct public_field){part(&t, CKA_PRIME), part(&t, CKA_SUBPRIME), part(&t, CKA_BASE), part(&t, CKA_VALUE)};
        ck_assert_int_eq(public_key_field(NULL, dsa ? CKK_DSA : CKK_DH, &parts, &read), ERR_OK);
        ck_assert_int_eq(EVP_PKEY_eq(public_key_evp(read), key), 1);
        public_key_free(read);
        template_clear(&t);
        key_file_clear(&f);
        EVP_PKEY_free(key);
    }
    teardown();
}
END_TEST

/* Where libcrypto has post-quantum keys. */
START_TEST(test_post_quantum_keys_become_templates)
{
    const struct parameter_set *set;

    setup();
    post_quantum_probe(NULL);
    for (size_t i = 0; (set = parameter_set_at(i)) != NULL; i++) {
        struct key_file f = {0};
        struct template t = {0};
        struct public_key *read = NULL;
        EVP_PKEY *key;
        FILE *file;

        if (!parameter_set_is_here(set) || (set->key_type == CKK_SLH_DSA && set->name[strlen(set->name) - 1] == 's'))
            continue;
        key = EVP_PKEY_Q_keygen(NULL, NULL, set->name);
        file = begin("k.pem");
        ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        ck_assert(key_file_read(path, NULL, &f, &why));
        ck_assert(template_private_key(&t, f.private_key, &names, &why));
        check_canonical(&t);
        ck_assert_uint_eq(row(&t, CKA_SEED)->value.len, set->seed_bytes);
        ck_assert_uint_eq(row(&t, CKA_VALUE)->value.len, set->seed_bytes > 0 ? 0 : set->private_bytes);
        ck_assert_uint_eq(row(&t, CKA_PARAMETER_SET)->value.data[7], set->number);
        template_clear(&t);
        ck_assert(template_public_key(&t, f.public_key, &names, &why));
        check_canonical(&t);
        ck_assert_int_eq(public_key_pq(NULL, set, row(&t, CKA_VALUE)->value.data, row(&t, CKA_VALUE)->value.len, &read), ERR_OK);
        ck_assert_int_eq(EVP_PKEY_eq(public_key_evp(read), key), 1);
        public_key_free(read);
        template_clear(&t);
        key_file_clear(&f);
        EVP_PKEY_free(key);
    }
    teardown();
}
END_TEST

/* A private key of ML-DSA-65 by its seed (RFC 9881 section 6), and a public key of ML-KEM-768 that is much too short. */
START_TEST(test_a_key_that_openssl_does_not_know_is_named)
{
    static const uint8_t private_der[] = {0x30, 0x34, 2,  1,  0,  0x30, 0x0b, 6,    9,    0x60, 0x86, 0x48, 1,  0x65, 3,  4,  3,  0x12,
                                          4,    0x22, 0x80, 0x20, 1, 2,    3,    4,    5,    6,    7,    8,    9,  10,   11, 12, 13, 14,
                                          15,   16,   17, 18, 19, 20,   21,   22,   23,   24,   25,   26,   27, 28,   29, 30, 31, 32};
    static const uint8_t public_der[] = {0x30, 0x11, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 2, 3, 2, 0, 1};
    struct key_file f = {0};

    setup();
    post_quantum_probe(NULL);
    for (int i = 0; i < 4; i++) {
        bool private_half = i < 2, known = parameter_set_is_here(parameter_set_by_oid("2.16.840.1.101.3.4.3.18"));
        const uint8_t *der = private_half ? private_der : public_der;
        long n = private_half ? sizeof private_der : sizeof public_der;
        FILE *file = begin("k");
        if (i % 2 == 0)
            ck_assert_int_ge(PEM_write(file, private_half ? "PRIVATE KEY" : "PUBLIC KEY", "", der, n), 1);
        else
            ck_assert_uint_eq(fwrite(der, 1, (size_t)n, file), (size_t)n);
        fclose(file);
        memset(&why, 0, sizeof why);
        ck_assert_msg(key_file_read(path, NULL, &f, &why) == (known && private_half), "%d: %s", i, why.what);
        if (!known || !private_half) {
            ck_assert_msg(strstr(why.what, private_half ? "ML-DSA-65" : "ML-KEM-768") != NULL, "%d: %s", i, why.what);
            ck_assert_ptr_nonnull(strstr(why.remedy, "OpenSSL 3.5"));
        }
        key_file_clear(&f);
    }
    teardown();
}
END_TEST

START_TEST(test_other_kinds_of_keys_are_refused)
{
    EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), EVP_EC_gen("secp160r1")};

    for (size_t i = 0; i < 2; i++) {
        struct template t = {0};

        ck_assert(!template_private_key(&t, keys[i], &names, &why));
        ck_assert(!template_public_key(&t, keys[i], &names, &why));
        ck_assert_str_ne(why.remedy, "");
        template_clear(&t);
        EVP_PKEY_free(keys[i]);
    }
}
END_TEST

START_TEST(test_encrypted_key_opens_with_its_passphrase_only)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct key_file f = {0};
    char key_path[512];
    FILE *file;

    setup();
    file = begin("k.pem");
    ck_assert_int_eq(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "open sesame", 11, NULL, NULL), 1);
    fclose(file);
    snprintf(key_path, sizeof key_path, "%s", path);
    write_text("wrong", "open barley\n", 0600);
    ck_assert(!key_file_read(key_path, path, &f, &why));
    ck_assert_ptr_nonnull(strstr(why.what, "passphrase"));
    write_text("right", "open sesame\n", 0600);
    ck_assert(key_file_read(key_path, path, &f, &why));
    ck_assert_int_eq(EVP_PKEY_eq(f.private_key, key), 1);
    key_file_clear(&f);
    EVP_PKEY_free(key);
    teardown();
}
END_TEST

START_TEST(test_certificates_and_public_keys_are_known_by_themselves)
{
    EVP_PKEY *key = test_key_new();
    X509 *cert = test_certificate_new("web", key, NULL, NULL);
    struct template t = {0};
    struct key_file f = {0};
    FILE *file;

    setup();
    file = begin("c.der");
    ck_assert_int_eq(i2d_X509_fp(file, cert), 1);
    fclose(file);
    ck_assert(key_file_read(path, NULL, &f, &why));
    ck_assert_ptr_nonnull(f.certificate);
    ck_assert_ptr_null(f.public_key);
    ck_assert(template_certificate(&t, f.certificate, &names, &why));
    check_canonical(&t);
    ck_assert_uint_gt(row(&t, CKA_SUBJECT)->value.len, 0);
    template_clear(&t);
    key_file_clear(&f);
    file = begin("p.der");
    ck_assert_int_eq(i2d_PUBKEY_fp(file, key), 1);
    fclose(file);
    ck_assert(key_file_read(path, NULL, &f, &why));
    ck_assert_ptr_nonnull(f.public_key);
    ck_assert_ptr_null(f.private_key);
    key_file_clear(&f);
    write_text("rubbish", "hello\n", 0600);
    ck_assert(!key_file_read(path, NULL, &f, &why));
    ck_assert_str_eq(why.where, path);
    X509_free(cert);
    EVP_PKEY_free(key);
    teardown();
}
END_TEST

START_TEST(test_key_and_certificate_in_one_file_must_belong_together)
{
    EVP_PKEY *key = test_key_new(), *other = test_key_new();
    X509 *cert = test_certificate_new("web", key, NULL, NULL);
    struct key_file f = {0};
    FILE *file;

    setup();
    file = begin("both.pem");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, cert);
    fclose(file);
    ck_assert(key_file_read(path, NULL, &f, &why));
    ck_assert_ptr_nonnull(f.private_key);
    ck_assert_ptr_nonnull(f.certificate);
    key_file_clear(&f);
    file = begin("mixed.pem");
    PEM_write_PrivateKey(file, other, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, cert);
    fclose(file);
    ck_assert(!key_file_read(path, NULL, &f, &why));
    X509_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    teardown();
}
END_TEST

START_TEST(test_id_is_that_of_the_certificates_extension)
{
    EVP_PKEY *key = test_key_new();
    X509 *cert = test_certificate_new("web", key, NULL, NULL);
    X509_PUBKEY *info = X509_get_X509_PUBKEY(cert);
    uint8_t ours[20], theirs[20];

    ck_assert(template_key_id(key, ours));
    ck_assert_int_eq(X509_pubkey_digest(cert, EVP_sha1(), theirs, NULL), 1);
    ck_assert_ptr_nonnull(info);
    ck_assert_mem_eq(ours, theirs, 20);
    X509_free(cert);
    EVP_PKEY_free(key);
}
END_TEST

static bool read_password(const char *file, const char *fd, struct secret *out)
{
    struct password_source from = {.file = file, .fd = fd, .prompt = "password", .option = "--password-file"};

    memset(&why, 0, sizeof why);
    return password_read(&from, out, &why);
}

START_TEST(test_password_comes_from_a_file_of_ones_own)
{
    struct secret s = {0};

    setup();
    write_text("p", "secret word\nrest", 0600);
    ck_assert(read_password(path, NULL, &s));
    ck_assert_uint_eq(s.len, 11);
    ck_assert_mem_eq(s.bytes, "secret word", 11);
    secret_clear(&s);
    write_text("p", "bare", 0400);
    ck_assert(read_password(path, NULL, &s));
    ck_assert_uint_eq(s.len, 4);
    secret_clear(&s);
    write_text("p", "dos\r\n", 0600);
    ck_assert(read_password(path, NULL, &s));
    ck_assert_uint_eq(s.len, 3);
    secret_clear(&s);
    write_text("p", "secret\n", 0640);
    ck_assert(!read_password(path, NULL, &s));
    ck_assert_ptr_nonnull(strstr(why.remedy, "chmod 600"));
    write_text("p", "\n", 0600);
    ck_assert(!read_password(path, NULL, &s));
    ck_assert(!read_password("/gone/p", NULL, &s));
    ck_assert(!read_password(path, "0", &s));
    teardown();
}
END_TEST

START_TEST(test_password_comes_from_a_descriptor_and_leaves_the_rest)
{
    struct secret s = {0};
    char number[16], rest[8] = "";
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "one\ntwo\n", 8), 8);
    snprintf(number, sizeof number, "%d", ends[0]);
    ck_assert(read_password(NULL, number, &s));
    ck_assert_mem_eq(s.bytes, "one", 3);
    ck_assert_int_eq(read(ends[0], rest, sizeof rest), 4);
    secret_clear(&s);
    close(ends[0]);
    close(ends[1]);
    ck_assert(!read_password(NULL, number, &s));
    ck_assert(!read_password(NULL, "x", &s));
}
END_TEST

START_TEST(test_password_that_is_too_long_is_refused)
{
    char text[400];
    struct secret s = {0};

    setup();
    memset(text, 'a', sizeof text);
    text[257] = '\0';
    write_text("p", text, 0600);
    ck_assert(!read_password(path, NULL, &s));
    text[256] = '\0';
    write_text("p", text, 0600);
    ck_assert(read_password(path, NULL, &s));
    ck_assert_uint_eq(s.len, 256);
    secret_clear(&s);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_private_keys_become_templates, &test_other_kinds_of_keys_are_refused,
                                                &test_keys_over_fields_become_templates,
        &test_post_quantum_keys_become_templates, &test_a_key_that_openssl_does_not_know_is_named,
        &test_encrypted_key_opens_with_its_passphrase_only, &test_certificates_and_public_keys_are_known_by_themselves,
        &test_key_and_certificate_in_one_file_must_belong_together, &test_id_is_that_of_the_certificates_extension,
        &test_password_comes_from_a_file_of_ones_own, &test_password_comes_from_a_descriptor_and_leaves_the_rest,
        &test_password_that_is_too_long_is_refused, NULL};
    return suite_of("key_file", 30, tests);
}
