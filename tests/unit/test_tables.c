/* The tables of proto/ prove themselves: sorted, unique, complete, and true to their own columns. */
#include <string.h>

#include "proto/attribute.h"
#include "proto/error.h"
#include "proto/key_kind.h"
#include "proto/mechanism.h"
#include "proto/request.h"
#include "tests/unit/runner.h"

START_TEST(test_attributes_are_sorted_and_unique)
{
    for (size_t i = 1; attribute_at(i) != NULL; i++)
        ck_assert_msg(attribute_at(i - 1)->type < attribute_at(i)->type, "%s", attribute_at(i)->name);
}
END_TEST

START_TEST(test_every_attribute_is_found_by_its_type)
{
    for (size_t i = 0; attribute_at(i) != NULL; i++)
        ck_assert_ptr_eq(attribute_find(attribute_at(i)->type), attribute_at(i));
    ck_assert_ptr_null(attribute_find(CKA_VENDOR_DEFINED));
}
END_TEST

START_TEST(test_attribute_that_we_make_cannot_be_given)
{
    for (size_t i = 0; attribute_at(i) != NULL; i++) {
        unsigned flags = attribute_at(i)->flags;
        if (flags & ATTRIBUTE_MAKE)
            ck_assert_msg(!(flags & (ATTRIBUTE_CREATE | ATTRIBUTE_GENERATE | ATTRIBUTE_GENERATE_PAIR | ATTRIBUTE_UNWRAP | ATTRIBUTE_DERIVE |
                                     ATTRIBUTE_MODIFY | ATTRIBUTE_COPY)), "%s", attribute_at(i)->name);
        if (flags & ATTRIBUTE_CREATE_MUST)
            ck_assert_msg(flags & ATTRIBUTE_CREATE, "%s", attribute_at(i)->name);
        ck_assert_msg(attribute_at(i)->classes != 0, "%s", attribute_at(i)->name);
    }
}
END_TEST

START_TEST(test_mechanisms_are_sorted_and_unique)
{
    for (size_t i = 1; mechanism_at(i) != NULL; i++)
        ck_assert_msg(mechanism_at(i - 1)->type < mechanism_at(i)->type, "%s", mechanism_at(i)->name);
}
END_TEST

START_TEST(test_mechanism_rows_make_sense)
{
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        ck_assert_ptr_eq(mechanism_find(m->type), m);
        ck_assert_msg(m->flags != 0, "%s", m->name);
        ck_assert_msg(m->size_min <= m->size_max, "%s", m->name);
        ck_assert_msg(m->hash == NULL || mechanism_hash_bytes(m->hash) > 0 || strncmp(m->hash, "SHAKE", 5) == 0, "%s: %s",
                      m->name, m->hash);
        ck_assert_msg(m->where != WHERE_HASH_IN_MODULE || m->hash != NULL, "%s", m->name);
        ck_assert_msg(m->has_key == !mechanism_does(m, CKF_DIGEST), "%s", m->name);
        ck_assert_msg((m->trusted != TRUSTED_UNSAID) == (mechanism_does(m, CKF_WRAP) || mechanism_does(m, CKF_UNWRAP)),
                      "%s: how a trusted key wraps by it", m->name);
    }
}
END_TEST

START_TEST(test_key_kinds_are_sorted_and_every_mechanism_has_one)
{
    for (size_t i = 0; key_kind_at(i) != NULL; i++) {
        const struct key_kind *k = key_kind_at(i);
        ck_assert_ptr_eq(key_kind_find(k->type), k);
        ck_assert_msg(i == 0 || key_kind_at(i - 1)->type < k->type, "%s", k->name);
        ck_assert_msg(key_kind_is_pair(k) == (k->bytes_step == 0), "%s", k->name);
        ck_assert_msg(key_kind_is_pair(k) || (key_kind_has_length(k, k->bytes_min) && key_kind_has_length(k, k->bytes_max)), "%s",
                      k->name);
    }
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        ck_assert_msg(!m->has_key || m->key_type == ANY_PAIR_TYPE || key_kind_find(m->key_type) != NULL, "%s", m->name);
    }
}
END_TEST

START_TEST(test_generic_secrets_serve_for_macs_and_for_nothing_else)
{
    ck_assert(key_kind_serves(CKK_GENERIC_SECRET, CKK_SHA256_HMAC));
    ck_assert(key_kind_serves(CKK_SHA256_HMAC, CKK_SHA256_HMAC));
    ck_assert(!key_kind_serves(CKK_SHA256_HMAC, CKK_SHA384_HMAC));
    ck_assert(!key_kind_serves(CKK_SHA256_HMAC, CKK_GENERIC_SECRET));
    ck_assert(!key_kind_serves(CKK_GENERIC_SECRET, CKK_AES));
    ck_assert(!key_kind_serves(CKK_GENERIC_SECRET, CKK_RSA));
    ck_assert(!key_kind_has_length(key_kind_find(CKK_AES), 20));
    ck_assert(key_kind_has_length(key_kind_find(CKK_AES), 24));
}
END_TEST

START_TEST(test_signature_lengths_follow_the_key)
{
    ck_assert_uint_eq(mechanism_signature_bytes(mechanism_find(CKM_RSA_PKCS), 2048), 256);
    ck_assert_uint_eq(mechanism_signature_bytes(mechanism_find(CKM_ECDSA_SHA384), 384), 96);
    ck_assert_uint_eq(mechanism_signature_bytes(mechanism_find(CKM_SHA256_HMAC), 7), 32);
    ck_assert_uint_eq(mechanism_signature_bytes(mechanism_find(CKM_SHA256), 0), 0);
}
END_TEST

START_TEST(test_large_rsa_keys_and_new_ones_are_dear)
{
    ck_assert(!mechanism_is_dear(mechanism_find(CKM_SHA256_RSA_PKCS), 2048));
    ck_assert(mechanism_is_dear(mechanism_find(CKM_SHA256_RSA_PKCS), 3072));
    ck_assert(mechanism_is_dear(mechanism_find(CKM_RSA_PKCS_KEY_PAIR_GEN), 2048));
    ck_assert(!mechanism_is_dear(mechanism_find(CKM_ECDSA), 384));
    ck_assert(!mechanism_is_dear(mechanism_find(CKM_SHA256_HMAC), 4096));
}
END_TEST

START_TEST(test_every_request_is_found_by_its_number)
{
    static const uint32_t numbers[] = {
#define REQUEST(number, ...) number,
#include "proto/request.def"
#undef REQUEST
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ck_assert(i == 0 || numbers[i - 1] < numbers[i]);
        ck_assert_ptr_nonnull(request_find(numbers[i]));
        ck_assert_uint_eq(request_find(numbers[i])->number, numbers[i]);
    }
    ck_assert_ptr_null(request_find(0));
}
END_TEST

START_TEST(test_every_error_has_a_name_a_text_and_a_return_value)
{
    for (unsigned e = 0; e < ERR_N; e++) {
        ck_assert_uint_gt(strlen(err_name((enum err)e)), 0);
        ck_assert_uint_gt(strlen(err_text((enum err)e)), 0);
        ck_assert_msg((err_to_rv((enum err)e) == CKR_OK) == (e == ERR_OK), "%s", err_name((enum err)e));
    }
    ck_assert_int_eq(err_from_wire(ERR_N), ERR_BUG);
    ck_assert_int_eq(err_from_wire(UINT32_MAX), ERR_BUG);
}
END_TEST

static size_t from_host(CK_ATTRIBUTE_TYPE type, const void *value, size_t n, uint8_t *out, size_t room, bool *ok)
{
    return attribute_from_host(attribute_find(type), value, n, out, room, ok);
}

START_TEST(test_ulong_travels_as_eight_bytes_and_comes_back)
{
    CK_ULONG class_in = CKO_PRIVATE_KEY, class_out = 0, none = CK_UNAVAILABLE_INFORMATION;
    uint8_t wire[8];
    bool ok;
    ck_assert_uint_eq(from_host(CKA_CLASS, &class_in, sizeof class_in, wire, sizeof wire, &ok), 8);
    ck_assert(ok);
    ck_assert_uint_eq(wire[7], CKO_PRIVATE_KEY);
    ck_assert_uint_eq(attribute_to_host(attribute_find(CKA_CLASS), wire, 8, &class_out, sizeof class_out, &ok), sizeof class_out);
    ck_assert(ok);
    ck_assert_uint_eq(class_out, class_in);
    from_host(CKA_KEY_GEN_MECHANISM, &none, sizeof none, wire, sizeof wire, &ok);
    attribute_to_host(attribute_find(CKA_KEY_GEN_MECHANISM), wire, 8, &class_out, sizeof class_out, &ok);
    ck_assert(ok);
    ck_assert_uint_eq(class_out, CK_UNAVAILABLE_INFORMATION);
}
END_TEST

START_TEST(test_values_of_the_wrong_length_are_refused)
{
    uint8_t wire[64], bytes[9] = "20261332x";
    bool ok;
    from_host(CKA_CLASS, bytes, 7, wire, sizeof wire, &ok);
    ck_assert(!ok);
    from_host(CKA_TOKEN, bytes, 2, wire, sizeof wire, &ok);
    ck_assert(!ok);
    from_host(CKA_START_DATE, bytes, 9, wire, sizeof wire, &ok);
    ck_assert(!ok);
    from_host(CKA_LABEL, NULL, 3, wire, sizeof wire, &ok);
    ck_assert(!ok);
    from_host(CKA_ID, bytes, 9, wire, 8, &ok);
    ck_assert(!ok);
}
END_TEST

START_TEST(test_labels_must_be_utf8)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {{"Schl\xc3\xbcssel", true},  {"\xf0\x9f\x94\x91", true}, {"", true},           {"\xc3", false},
                {"\xc0\xaf", false},         {"\xed\xa0\x80", false},    {"\xf4\x90\x80\x80", false}, {"\xff", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t wire[64];
        bool ok;
        from_host(CKA_LABEL, rows[i].text, strlen(rows[i].text), wire, sizeof wire, &ok);
        ck_assert_msg(ok == rows[i].good, "row %zu", i);
    }
}
END_TEST

START_TEST(test_big_integers_lose_their_leading_zeros)
{
    static const uint8_t exponent[] = {0, 1, 0, 1};
    uint8_t wire[4];
    bool ok;
    ck_assert_uint_eq(from_host(CKA_PUBLIC_EXPONENT, exponent, sizeof exponent, wire, sizeof wire, &ok), 3);
    ck_assert(ok);
    ck_assert_uint_eq(wire[0], 1);
    ck_assert(!attribute_is_canonical(attribute_find(CKA_PUBLIC_EXPONENT), exponent, sizeof exponent));
}
END_TEST

START_TEST(test_bits_of_a_number_count_from_its_first_one)
{
    static const uint8_t number[] = {0, 0, 1, 0};
    ck_assert_uint_eq(attribute_bits(number, sizeof number), 9);
    ck_assert_uint_eq(attribute_bits(number + 2, 1), 1);
    ck_assert_uint_eq(attribute_bits((const uint8_t[]){0xff, 0}, 2), 16);
    ck_assert_uint_eq(attribute_bits(number, 2), 0);
    ck_assert_uint_eq(attribute_bits(NULL, 0), 0);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_attributes_are_sorted_and_unique,
        &test_every_attribute_is_found_by_its_type, &test_attribute_that_we_make_cannot_be_given,
        &test_mechanisms_are_sorted_and_unique, &test_mechanism_rows_make_sense, &test_signature_lengths_follow_the_key,
        &test_key_kinds_are_sorted_and_every_mechanism_has_one, &test_generic_secrets_serve_for_macs_and_for_nothing_else,
        &test_large_rsa_keys_and_new_ones_are_dear, &test_every_request_is_found_by_its_number,
        &test_every_error_has_a_name_a_text_and_a_return_value,
        &test_ulong_travels_as_eight_bytes_and_comes_back, &test_values_of_the_wrong_length_are_refused,
        &test_labels_must_be_utf8, &test_big_integers_lose_their_leading_zeros, &test_bits_of_a_number_count_from_its_first_one, NULL};
    return suite_of("tables", 5, tests);
}
