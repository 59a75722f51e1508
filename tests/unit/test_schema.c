/* Objects from templates: what is completed, and what is refused with which words. */
#include "vault/object/schema.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/curve.h"
#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "vault/object/import.h"
#include "vault/object/rules.h"

static struct sample_template t;
static struct object o;
static struct key *checked;
static struct diag why;

static enum err import(void)
{
    object_init(&o, sample_memory());
    diag_clear(&why);
    key_free(checked);
    checked = NULL;
    return import_object(NULL, &t.message, false, &checked, &o, &why);
}

static void imported(void)
{
    enum err e = import();
    ck_assert_msg(e == ERR_OK, "%s: %s", err_name(e), why.what);
}

static void refused(enum err expected, const char *word)
{
    enum err e = import();
    ck_assert_msg(e == expected, "%s, not %s: %s", err_name(e), err_name(expected), why.what);
    ck_assert_msg(strstr(why.what, word) != NULL, "\"%s\" is not in \"%s\"", word, why.what);
}

static void done(EVP_PKEY *key)
{
    EVP_PKEY_free(key);
    key_free(checked);
    checked = NULL;
    sample_memory_free();
}

static void ck_value(CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    const struct object_attribute *a = object_find(&o, type);
    ck_assert_msg(a != NULL, "%s is not there", schema_attribute_name(type));
    ck_assert_msg(a->n == n && (n == 0 || memcmp(a->value, value, n) == 0), "%s is another",
                  schema_attribute_name(type));
}

static void ck_key_info(EVP_PKEY *key)
{
    uint8_t *info = NULL;
    int n = i2d_PUBKEY(key, &info);
    ck_value(CKA_PUBLIC_KEY_INFO, info, (size_t)n);
    OPENSSL_free(info);
}

static bool has_part(unsigned class_bit, CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part)
{
    return class_bit == CLASS_PUBLIC ? key_type_has_public_part(key, part) : key_type_has_part(key, part);
}

/* Every row of the class is there, but for parts of other types of key. */
static void ck_whole(unsigned class_bit)
{
    CK_KEY_TYPE key = object_ulong(&o, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        bool part = row->flags & ATTRIBUTE_MATERIAL && key != CK_UNAVAILABLE_INFORMATION;
        bool only_given = row->fallback == DEFAULT_NO && !(row->flags & (ATTRIBUTE_MATERIAL | ATTRIBUTE_CREATE_MUST));
        bool wanted = row->classes & class_bit && !only_given && !(row->flags & ATTRIBUTE_IGNORED) &&
                      (!part || has_part(class_bit, key, row->type)) && !(row->type == CKA_MODULUS_BITS && key != CKK_RSA) &&
                      !(row->type == CKA_VALUE_BITS && key != CKK_DH) && !(row->type == CKA_SUB_PRIME_BITS && key != CKK_DSA);
        ck_assert_msg(object_has(&o, row->type) == wanted, "%s", row->name);
        if (wanted)
            ck_assert_msg(attribute_is_canonical(row, object_find(&o, row->type)->value,
                                                 object_find(&o, row->type)->n), "%s",
                          row->name);
    }
}

START_TEST(test_every_row_with_a_rule_has_one)
{
    for (size_t i = 0; attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        bool before_the_key = row->type == CKA_PUBLIC_EXPONENT;
        ck_assert_msg((rule_find(row->type) != NULL) == (row->fallback == DEFAULT_BY_RULE && !before_the_key), "%s",
                      row->name);
    }
}
END_TEST

START_TEST(test_rsa_private_key_is_whole_and_closed)
{
    EVP_PKEY *key = sample_rsa();
    sample_private(&t, key, true);
    imported();
    ck_whole(CLASS_PRIVATE);
    ck_key_info(key);
    ck_assert(object_bool(&o, CKA_PRIVATE) && object_bool(&o, CKA_SENSITIVE) && !object_bool(&o, CKA_EXTRACTABLE));
    ck_assert(!object_bool(&o, CKA_LOCAL) && !object_bool(&o, CKA_ALWAYS_SENSITIVE) &&
              !object_bool(&o, CKA_NEVER_EXTRACTABLE));
    ck_assert(!object_bool(&o, CKA_TOKEN) && object_bool(&o, CKA_DESTROYABLE) && object_bool(&o, CKA_MODIFIABLE));
    ck_assert_uint_eq(object_ulong(&o, CKA_KEY_GEN_MECHANISM, 0), CK_UNAVAILABLE_INFORMATION);
    ck_assert_uint_eq(object_find(&o, CKA_UNIQUE_ID)->n, 32);
    done(key);
}
END_TEST

START_TEST(test_private_key_need_not_say_that_it_is_private)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    sample_private(&t, key, true);
    sample_bool(&t, CKA_PRIVATE, false);
    imported();
    ck_whole(CLASS_PRIVATE);
    ck_assert(object_has(&o, CKA_PRIVATE) && !object_bool(&o, CKA_PRIVATE) && object_bool(&o, CKA_SENSITIVE));
    sample_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_PRIVATE must be true where CKA_ALWAYS_AUTHENTICATE is");
    done(key);
}
END_TEST

START_TEST(test_rsa_private_key_without_primes_is_whole_too)
{
    EVP_PKEY *key = sample_rsa();
    sample_private(&t, key, false);
    imported();
    ck_whole(CLASS_PRIVATE);
    ck_key_info(key);
    done(key);
}
END_TEST

START_TEST(test_ec_private_key_comes_from_curve_and_value_alone)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        EVP_PKEY *key = sample_on_curve(curve_at(i));
        uint8_t point[CURVE_POINT_BYTES_MAX];
        size_t n = sample_point(key, point);
        struct buffer der = {0};
        ck_assert_int_eq(curve_point_write(point, n, &der), ERR_OK);
        sample_private(&t, key, true);
        imported();
        ck_whole(CLASS_PRIVATE);
        ck_key_info(key);
        ck_value(CKA_EC_POINT, der.data, der.len);
        buffer_clear(&der);
        done(key);
    }
}
END_TEST

START_TEST(test_keys_over_fields_are_whole)
{
    for (unsigned dsa = 0; dsa < 2; dsa++) {
        EVP_PKEY *key = dsa ? sample_dsa() : sample_dh("ffdhe2048");
        sample_private(&t, key, true);
        imported();
        ck_whole(CLASS_PRIVATE);
        ck_key_info(key);
        sample_public(&t, key);
        imported();
        ck_whole(CLASS_PUBLIC);
        ck_key_info(key);
        done(key);
    }
}
END_TEST

START_TEST(test_domain_parameters_are_whole)
{
    for (unsigned dsa = 0; dsa < 2; dsa++) {
        EVP_PKEY *key = dsa ? sample_dsa() : sample_dh("ffdhe3072");
        sample_public(&t, key);
        sample_ulong(&t, CKA_CLASS, CKO_DOMAIN_PARAMETERS);
        t.list[0] = t.list[--t.message.n_attributes];
        t.message.n_attributes--; /* without CKA_VALUE */
        imported();
        ck_whole(CLASS_DOMAIN);
        ck_assert(!object_bool(&o, CKA_PRIVATE) && !object_bool(&o, CKA_LOCAL));
        ck_assert_uint_eq(object_ulong(&o, CKA_PRIME_BITS, 0), dsa ? 2048 : 3072);
        ck_assert_uint_eq(object_ulong(&o, CKA_SUB_PRIME_BITS, 0), dsa ? 224 : 0);
        done(key);
    }
}
END_TEST

START_TEST(test_ec_value_is_kept_at_the_curves_length)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t longer[33] = {0};
    sample_private(&t, key, true);
    memcpy(longer + 1, t.attributes[3].value.data, 32);
    t.attributes[3].value = (ProtobufCBinaryData){.data = longer, .len = 33};
    imported();
    ck_value(CKA_VALUE, longer + 1, 32);
    done(key);
}
END_TEST

START_TEST(test_public_keys_take_a_point_raw_or_wrapped)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    uint8_t point[2 + CURVE_POINT_BYTES_MAX] = {4};
    size_t n = sample_point(key, point + 2);
    point[1] = (uint8_t)n;
    sample_public(&t, key);
    imported();
    ck_whole(CLASS_PUBLIC);
    ck_value(CKA_EC_POINT, point, n + 2);
    ck_key_info(key);
    ck_assert(!object_bool(&o, CKA_PRIVATE) && object_bool(&o, CKA_VERIFY) && !object_bool(&o, CKA_ENCRYPT));
    t.attributes[3].value = (ProtobufCBinaryData){.data = point, .len = n + 2};
    imported();
    ck_value(CKA_EC_POINT, point, n + 2);
    EVP_PKEY_free(key);
    key = sample_rsa();
    sample_public(&t, key);
    imported();
    ck_whole(CLASS_PUBLIC);
    ck_key_info(key);
    ck_assert_uint_eq(object_ulong(&o, CKA_MODULUS_BITS, 0), 2048);
    done(key);
}
END_TEST

START_TEST(test_secret_key_signs_and_verifies_unless_told_otherwise)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_text(&t, CKA_VALUE, "0123456789abcdef");
    imported();
    ck_whole(CLASS_SECRET);
    ck_assert(object_bool(&o, CKA_SIGN) && object_bool(&o, CKA_VERIFY) && !object_bool(&o, CKA_DERIVE));
    ck_assert_uint_eq(object_ulong(&o, CKA_VALUE_LEN, 0), 16);
    sample_bool(&t, CKA_DERIVE, true);
    imported();
    ck_assert(!object_bool(&o, CKA_SIGN) && !object_bool(&o, CKA_VERIFY) && object_bool(&o, CKA_DERIVE));
    done(NULL);
}
END_TEST

START_TEST(test_data_object_is_private_unless_told_otherwise)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    imported();
    ck_whole(CLASS_DATA);
    ck_value(CKA_VALUE, NULL, 0);
    ck_assert(object_bool(&o, CKA_PRIVATE));
    sample_text(&t, CKA_VALUE, "anything");
    sample_text(&t, CKA_APPLICATION, "some program");
    sample_bool(&t, CKA_PRIVATE, false);
    imported();
    ck_value(CKA_VALUE, "anything", 8);
    ck_assert(!object_bool(&o, CKA_PRIVATE));
    done(NULL);
}
END_TEST

static int start_certificate(X509 *cert, uint8_t **der)
{
    int n;
    OPENSSL_free(*der);
    *der = NULL;
    n = i2d_X509(cert, der);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_CERTIFICATE);
    sample_ulong(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
    sample_bytes(&t, CKA_VALUE, *der, (size_t)n);
    return n;
}

START_TEST(test_certificate_says_what_its_value_says)
{
    EVP_PKEY *key = test_key_new();
    X509 *cert = test_certificate_new("somebody", key, NULL, NULL);
    uint8_t *der = NULL, *name = NULL, *serial = NULL, hash[EVP_MAX_MD_SIZE];
    int n = start_certificate(cert, &der), name_n = i2d_X509_NAME(X509_get_subject_name(cert), &name);
    int serial_n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &serial);
    imported();
    ck_whole(CLASS_CERT);
    ck_value(CKA_SUBJECT, name, (size_t)name_n);
    ck_value(CKA_ISSUER, name, (size_t)name_n);
    ck_value(CKA_SERIAL_NUMBER, serial, (size_t)serial_n);
    ck_key_info(key);
    EVP_Q_digest(NULL, "SHA1", NULL, der, (size_t)n, hash, NULL);
    ck_value(CKA_CHECK_VALUE, hash, 3);
    ck_assert(!object_bool(&o, CKA_PRIVATE) && !object_bool(&o, CKA_TRUSTED));
    sample_text(&t, CKA_SUBJECT, "what the caller says");
    imported();
    ck_value(CKA_SUBJECT, "what the caller says", 20);
    OPENSSL_free(name);
    OPENSSL_free(serial);
    OPENSSL_free(der);
    X509_free(cert);
    done(key);
}
END_TEST

START_TEST(test_certificate_that_is_none_is_refused)
{
    EVP_PKEY *key = test_key_new();
    X509 *cert = test_certificate_new("somebody", key, NULL, NULL);
    uint8_t *der = NULL;
    int n = start_certificate(cert, &der);
    t.attributes[2].value.len = (size_t)n - 1;
    refused(ERR_ATTRIBUTE_VALUE, "CKA_VALUE is no X.509");
    t.message.n_attributes--;
    refused(ERR_TEMPLATE_INCOMPLETE, "CKA_VALUE");
    start_certificate(cert, &der);
    sample_text(&t, CKA_CHECK_VALUE, "abc");
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_CHECK_VALUE");
    start_certificate(cert, &der);
    sample_bytes(&t, CKA_CHECK_VALUE, NULL, 0);
    imported();
    ck_assert_uint_eq(object_find(&o, CKA_CHECK_VALUE)->n, 3);
    sample_ulong(&t, CKA_CERTIFICATE_TYPE, CKC_WTLS);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_CERTIFICATE_TYPE is given twice");
    OPENSSL_free(der);
    X509_free(cert);
    done(key);
}
END_TEST

START_TEST(test_usage_that_is_named_is_all_there_is)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    sample_private(&t, key, true);
    imported();
    ck_assert(object_bool(&o, CKA_SIGN) && !object_bool(&o, CKA_DERIVE));
    sample_bool(&t, CKA_DERIVE, true);
    imported();
    ck_assert(!object_bool(&o, CKA_SIGN) && object_bool(&o, CKA_DERIVE));
    sample_bool(&t, CKA_SIGN, true);
    imported();
    ck_assert(object_bool(&o, CKA_SIGN) && object_bool(&o, CKA_DERIVE));
    done(key);
}
END_TEST

START_TEST(test_public_key_info_may_be_given_if_it_is_the_keys)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    uint8_t *info = NULL, *wrong = NULL;
    int n = i2d_PUBKEY(key, &info);
    i2d_PUBKEY(other, &wrong);
    sample_private(&t, key, true);
    sample_bytes(&t, CKA_PUBLIC_KEY_INFO, info, (size_t)n);
    imported();
    sample_private(&t, key, true);
    sample_bytes(&t, CKA_PUBLIC_KEY_INFO, wrong, (size_t)n);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_PUBLIC_KEY_INFO");
    OPENSSL_free(info);
    OPENSSL_free(wrong);
    EVP_PKEY_free(other);
    done(key);
}
END_TEST

START_TEST(test_attribute_of_sun_and_nss_is_taken_and_forgotten)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    sample_private(&t, key, true);
    sample_text(&t, CKA_NETSCAPE_DB, "a public value");
    imported();
    ck_assert(!object_has(&o, CKA_NETSCAPE_DB));
    done(key);
}
END_TEST

/* What is wrong in one attribute, added to a good private key. */
START_TEST(test_private_key_with_a_wrong_attribute_is_refused_by_name)
{
    static const uint8_t long_id[ID_BYTES_MAX + 1];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        enum err error;
        const char *word;
        const void *value;
        size_t n;
    } wrong[] = {
        {0x80001234, ERR_ATTRIBUTE_TYPE, "0x80001234", "x", 1},
        {CKA_MODULUS_BITS, ERR_ATTRIBUTE_TYPE, "a private key has no CKA_MODULUS_BITS", "\0\0\0\0\0\0\x8\0", 8},
        {CKA_URL, ERR_ATTRIBUTE_TYPE, "CKA_URL", "x", 1},
        {CKA_LOCAL, ERR_ATTRIBUTE_READ_ONLY, "CKA_LOCAL cannot be given", "\1", 1},
        {CKA_UNIQUE_ID, ERR_ATTRIBUTE_READ_ONLY, "CKA_UNIQUE_ID", "x", 1},
        {CKA_KEY_GEN_MECHANISM, ERR_ATTRIBUTE_READ_ONLY, "CKA_KEY_GEN_MECHANISM", "\0\0\0\0\0\0\0\0", 8},
        {CKA_CLASS, ERR_TEMPLATE_INCONSISTENT, "CKA_CLASS is given twice", "\0\0\0\0\0\0\0\3", 8},
        {CKA_PRIVATE, ERR_ATTRIBUTE_VALUE, "CKA_PRIVATE is malformed", "\2", 1},
        {CKA_TOKEN, ERR_ATTRIBUTE_VALUE, "CKA_TOKEN is malformed", "\2", 1},
        {CKA_SIGN, ERR_ATTRIBUTE_VALUE, "CKA_SIGN is malformed", "", 0},
        {CKA_LABEL, ERR_ATTRIBUTE_VALUE, "CKA_LABEL is malformed", "\xff", 1},
        {CKA_ID, ERR_ATTRIBUTE_VALUE, "CKA_ID has 256 bytes", long_id, sizeof long_id},
        {CKA_START_DATE, ERR_ATTRIBUTE_VALUE, "CKA_START_DATE", "today", 5},
        {CKA_MODULUS, ERR_TEMPLATE_INCONSISTENT, "of this CKA_KEY_TYPE has no CKA_MODULUS", "x", 1},
        {CKA_EC_POINT, ERR_ATTRIBUTE_VALUE, "a part of the key", "x", 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sample_private(&t, key, true);
        sample_bytes(&t, wrong[i].type, wrong[i].value, wrong[i].n);
        refused(wrong[i].error, wrong[i].word);
    }
    done(key);
}
END_TEST

START_TEST(test_template_without_what_it_must_have_is_refused)
{
    static const struct {
        CK_OBJECT_CLASS object_class;
        CK_KEY_TYPE key_type;
        enum err error;
        const char *word;
    } wrong[] = {
        {CKO_PRIVATE_KEY, CKK_RSA, ERR_TEMPLATE_INCOMPLETE, "CKA_PRIVATE_EXPONENT"},
        {CKO_PRIVATE_KEY, CKK_EC, ERR_TEMPLATE_INCOMPLETE, "CKA_EC_PARAMS and CKA_VALUE"},
        {CKO_PUBLIC_KEY, CKK_RSA, ERR_TEMPLATE_INCOMPLETE, "CKA_MODULUS"},
        {CKO_PUBLIC_KEY, CKK_EC, ERR_TEMPLATE_INCOMPLETE, "CKA_EC_POINT"},
        {CKO_SECRET_KEY, CKK_GENERIC_SECRET, ERR_TEMPLATE_INCOMPLETE, "CKA_VALUE"},
        {CKO_SECRET_KEY, CKK_BLOWFISH, ERR_ATTRIBUTE_VALUE, "CKA_KEY_TYPE"},
        {CKO_SECRET_KEY, CKK_RSA, ERR_ATTRIBUTE_VALUE, "CKA_KEY_TYPE"},
        {CKO_PUBLIC_KEY, CKK_GENERIC_SECRET, ERR_ATTRIBUTE_VALUE, "CKA_KEY_TYPE"},
        {CKO_DOMAIN_PARAMETERS, CKK_DSA, ERR_TEMPLATE_INCOMPLETE, "CKA_SUBPRIME"},
        {CKO_DOMAIN_PARAMETERS, CKK_EC, ERR_ATTRIBUTE_VALUE, "CKA_KEY_TYPE"},
        {CKO_MECHANISM, CKK_DSA, ERR_ATTRIBUTE_VALUE, "CKA_CLASS"},
        {CKO_PRIVATE_KEY, CK_UNAVAILABLE_INFORMATION, ERR_TEMPLATE_INCOMPLETE, "CKA_KEY_TYPE is missing"},
        {CKO_CERTIFICATE, CK_UNAVAILABLE_INFORMATION, ERR_TEMPLATE_INCOMPLETE, "CKA_CERTIFICATE_TYPE is missing"},
    };
    sample_start(&t);
    refused(ERR_TEMPLATE_INCOMPLETE, "CKA_CLASS is missing");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, wrong[i].object_class);
        if (wrong[i].key_type != CK_UNAVAILABLE_INFORMATION)
            sample_ulong(&t, CKA_KEY_TYPE, wrong[i].key_type);
        refused(wrong[i].error, wrong[i].word);
    }
    done(NULL);
}
END_TEST

START_TEST(test_too_many_attributes_are_refused)
{
    sample_start(&t);
    for (unsigned i = 0; i <= TEMPLATE_ATTRIBUTES_MAX; i++)
        sample_bytes(&t, CKA_NETSCAPE_DB, "x", 1);
    refused(ERR_LIMIT, "257 attributes");
    done(NULL);
}
END_TEST

START_TEST(test_trusted_is_not_a_users_to_say)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    sample_public(&t, key);
    sample_bool(&t, CKA_TRUSTED, false);
    imported();
    sample_public(&t, key);
    sample_bool(&t, CKA_TRUSTED, true);
    refused(ERR_ATTRIBUTE_READ_ONLY, "CKA_TRUSTED");
    done(key);
}
END_TEST

START_TEST(test_keys_that_are_none_are_refused)
{
    static const uint8_t brainpool320[] = {0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x09};
    const struct curve *edwards = curve_by_name("ED25519");
    EVP_PKEY *key = sample_rsa(), *curve = EVP_EC_gen("P-256");
    sample_private(&t, key, true);
    t.attributes[4].value.data[100] ^= 1;
    refused(ERR_TEMPLATE_INCONSISTENT, "do not belong together"); /* the private exponent; found by the slow check */
    sample_private(&t, key, true);
    t.attributes[5].value.data[100] ^= 1;
    refused(ERR_TEMPLATE_INCONSISTENT, "do not belong together");
    sample_public(&t, key);
    t.attributes[2].value.len = 127;
    refused(ERR_KEY_SIZE, "1024 to 8192");
    sample_private(&t, curve, true);
    t.attributes[2].value = (ProtobufCBinaryData){.data = (uint8_t *)brainpool320, .len = sizeof brainpool320};
    refused(ERR_CURVE, "CKA_EC_PARAMS");
    t.attributes[2].value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)edwards->params, .len = edwards->params_bytes};
    refused(ERR_CURVE, "curves of this CKA_KEY_TYPE");
    sample_public(&t, curve);
    t.attributes[3].value.data[10] ^= 1;
    refused(ERR_ATTRIBUTE_VALUE, "CKA_EC_POINT");
    EVP_PKEY_free(curve);
    done(key);
}
END_TEST

START_TEST(test_the_slow_check_is_made_once)
{
    EVP_PKEY *key = sample_rsa();
    struct key *first;
    sample_private(&t, key, true);
    imported();
    ck_assert_ptr_nonnull(first = checked);
    object_init(&o, sample_memory());
    ck_assert_int_eq(import_object(NULL, &t.message, false, &checked, &o, &why), ERR_OK);
    ck_assert_ptr_eq(checked, first);
    done(key);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_with_a_rule_has_one,
        &test_rsa_private_key_is_whole_and_closed,
        &test_private_key_need_not_say_that_it_is_private,
        &test_rsa_private_key_without_primes_is_whole_too,
        &test_ec_private_key_comes_from_curve_and_value_alone,
        &test_keys_over_fields_are_whole, &test_domain_parameters_are_whole, &test_ec_value_is_kept_at_the_curves_length,
        &test_public_keys_take_a_point_raw_or_wrapped,
        &test_secret_key_signs_and_verifies_unless_told_otherwise,
        &test_data_object_is_private_unless_told_otherwise,
        &test_certificate_says_what_its_value_says,
        &test_certificate_that_is_none_is_refused,
        &test_usage_that_is_named_is_all_there_is,
        &test_public_key_info_may_be_given_if_it_is_the_keys,
        &test_attribute_of_sun_and_nss_is_taken_and_forgotten,
        &test_private_key_with_a_wrong_attribute_is_refused_by_name,
        &test_template_without_what_it_must_have_is_refused,
        &test_too_many_attributes_are_refused,
        &test_trusted_is_not_a_users_to_say,
        &test_keys_that_are_none_are_refused,
        &test_the_slow_check_is_made_once,
        NULL,
    };

    return suite_of("schema", 60, tests);
}
