/* Master keys, sealed records, the blind index. */
#include "vault/record.h"

#include <string.h>

#include <openssl/crypto.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "vault/index.h"
#include "vault/sealed.h"

static OSSL_LIB_CTX *libctx;
static struct master *master;
static struct buffer packed;

static void setup(void)
{
    libctx = OSSL_LIB_CTX_new();
    ck_assert_int_eq(master_new(libctx, &master), ERR_OK);
    ck_assert_int_eq(master_add(master, 1, NULL), ERR_OK);
    buffer_init(&packed, 0);
}

static void teardown(void)
{
    buffer_clear(&packed);
    master_free(master);
    OSSL_LIB_CTX_free(libctx);
}

static void seal(uint64_t id, uint64_t version, const char *text)
{
    static uint8_t cluster[16] = "cluster", request[16] = "request";
    Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
    h.cluster_id = (ProtobufCBinaryData){.data = cluster, .len = sizeof cluster};
    h.request_id = (ProtobufCBinaryData){.data = request, .len = sizeof request};
    h.id = id;
    h.version = version;
    h.kind = HSM__RECORD_KIND__RECORD_OBJECT;
    buffer_reset(&packed);
    ck_assert_int_eq(record_seal(master, &h, (const uint8_t *)text, strlen(text), &packed), ERR_OK);
}

static enum err open_packed(const struct master *m, uint64_t *id, struct secret *text)
{
    Hsm__RecordHeader *h = NULL;
    enum err e = record_open(m, packed.data, packed.len, &h, text);
    if (e == ERR_OK) {
        *id = h->id;
        hsm__record_header__free_unpacked(h, NULL);
    }
    return e;
}

START_TEST(test_record_opens_to_what_was_sealed)
{
    struct secret text = {0};
    uint64_t id = 0;
    setup();
    seal(77, 3, "private exponent");
    ck_assert_int_eq(open_packed(master, &id, &text), ERR_OK);
    ck_assert_uint_eq(id, 77);
    ck_assert_uint_eq(text.len, 16);
    ck_assert_mem_eq(text.bytes, "private exponent", 16);
    secret_clear(&text);
    teardown();
}
END_TEST

START_TEST(test_sealed_record_does_not_hold_its_text)
{
    setup();
    seal(77, 1, "private exponent");
    ck_assert_ptr_null(memmem(packed.data, packed.len, "private", 7));
    teardown();
}
END_TEST

START_TEST(test_any_flipped_bit_of_a_record_is_noticed)
{
    struct secret text = {0};
    uint64_t id;
    setup();
    seal(77, 1, "text");
    for (size_t bit = 0; bit < packed.len * 8; bit++) {
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_ne(open_packed(master, &id, &text), ERR_OK);
        ck_assert_ptr_null(text.bytes);
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    teardown();
}
END_TEST

START_TEST(test_body_of_another_version_does_not_fit_the_header)
{
    Hsm__Record *old, *new, mixed = HSM__RECORD__INIT;
    struct secret text = {0};
    uint64_t id;
    setup();
    seal(77, 1, "old");
    old = hsm__record__unpack(NULL, packed.len, packed.data);
    seal(77, 2, "new");
    new = hsm__record__unpack(NULL, packed.len, packed.data);
    mixed.header = new->header;
    mixed.sealed = old->sealed;
    buffer_reset(&packed);
    hsm__record__pack(&mixed, buffer_extend(&packed, hsm__record__get_packed_size(&mixed)));
    ck_assert_int_eq(open_packed(master, &id, &text), ERR_FORGED);
    hsm__record__free_unpacked(old, NULL);
    hsm__record__free_unpacked(new, NULL);
    teardown();
}
END_TEST

START_TEST(test_record_of_another_cluster_does_not_open)
{
    struct master *other;
    struct secret text = {0};
    uint64_t id;
    setup();
    seal(77, 1, "text");
    ck_assert_int_eq(master_new(libctx, &other), ERR_OK);
    ck_assert_int_eq(open_packed(other, &id, &text), ERR_FORGED); /* no key at all */
    ck_assert_int_eq(master_add(other, 1, NULL), ERR_OK);
    ck_assert_int_eq(open_packed(other, &id, &text), ERR_FORGED);
    master_free(other);
    teardown();
}
END_TEST

START_TEST(test_record_of_an_older_epoch_still_opens)
{
    struct secret text = {0};
    uint64_t id;
    setup();
    seal(77, 1, "text");
    ck_assert_int_eq(master_add(master, 2, NULL), ERR_OK);
    ck_assert_uint_eq(master_epoch(master), 2);
    ck_assert_int_eq(open_packed(master, &id, &text), ERR_OK);
    secret_clear(&text);
    ck_assert_int_eq(master_add(master, 2, NULL), ERR_ARGUMENTS);
    teardown();
}
END_TEST

START_TEST(test_text_beyond_the_limit_is_refused)
{
    static uint8_t big[OBJECT_BYTES_MAX + 1];
    Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
    setup();
    ck_assert_int_eq(record_seal(master, &h, big, sizeof big, &packed), ERR_TOO_LARGE);
    ck_assert_uint_eq(packed.len, 0);
    teardown();
}
END_TEST

START_TEST(test_purposes_salts_and_infos_give_different_keys)
{
    struct secret a = {0}, b = {0};
    setup();
    ck_assert_int_eq(master_derive(master, MASTER_TICKET, 1, NULL, 0, NULL, 0, &a), ERR_OK);
    ck_assert_int_eq(master_derive(master, MASTER_TICKET, 1, NULL, 0, NULL, 0, &b), ERR_OK);
    ck_assert(secret_equal(&a, &b));
    ck_assert_int_eq(master_derive(master, MASTER_AUDIT, 1, NULL, 0, NULL, 0, &b), ERR_OK);
    ck_assert(!secret_equal(&a, &b));
    ck_assert_int_eq(master_derive(master, MASTER_TICKET, 1, (const uint8_t *)"s", 1, NULL, 0, &b), ERR_OK);
    ck_assert(!secret_equal(&a, &b));
    ck_assert_int_eq(master_derive(master, MASTER_TICKET, 1, NULL, 0, (const uint8_t *)"i", 1, &b), ERR_OK);
    ck_assert(!secret_equal(&a, &b));
    secret_clear(&a);
    secret_clear(&b);
    teardown();
}
END_TEST

static void token(const struct index *x, uint64_t scope, uint64_t type, const char *value, uint8_t *out)
{
    ck_assert_int_eq(index_token(x, scope, type, (const uint8_t *)value, strlen(value), out), ERR_OK);
}

START_TEST(test_tokens_depend_on_scope_type_and_value)
{
    uint8_t first[INDEX_TOKEN_BYTES], other[INDEX_TOKEN_BYTES];
    struct index *x;
    setup();
    ck_assert_int_eq(index_new(master, &x), ERR_OK);
    token(x, 5, 3, "label", first);
    token(x, 5, 3, "label", other);
    ck_assert_mem_eq(first, other, sizeof first);
    token(x, 6, 3, "label", other);
    ck_assert_mem_ne(first, other, sizeof first);
    token(x, 5, 4, "label", other);
    ck_assert_mem_ne(first, other, sizeof first);
    token(x, 5, 3, "labels", other);
    ck_assert_mem_ne(first, other, sizeof first);
    index_free(x);
    teardown();
}
END_TEST

START_TEST(test_rotation_leaves_tokens_as_they_are)
{
    uint8_t before[INDEX_TOKEN_BYTES], after[INDEX_TOKEN_BYTES];
    struct index *x;
    setup();
    ck_assert_int_eq(index_new(master, &x), ERR_OK);
    token(x, 5, 3, "label", before);
    index_free(x);
    ck_assert_int_eq(master_add(master, 2, NULL), ERR_OK);
    ck_assert_int_eq(index_new(master, &x), ERR_OK);
    token(x, 5, 3, "label", after);
    ck_assert_mem_eq(before, after, sizeof before);
    index_free(x);
    teardown();
}
END_TEST

static const struct gcm_aad for_alice = {(const uint8_t *)"alice", 5}, for_bob = {(const uint8_t *)"bob", 3};

static enum err sealed_text(enum master_purpose purpose, struct gcm_aad aad, char *out)
{
    struct secret text = {0};
    enum err e = sealed_open(master, purpose, aad, packed.data, packed.len, &text);
    if (e == ERR_OK)
        memcpy(out, text.bytes, text.len);
    secret_clear(&text);
    return e;
}

START_TEST(test_sealed_text_opens_for_its_purpose_and_company_only)
{
    char out[8] = "";
    setup();
    ck_assert_int_eq(sealed_make(master, MASTER_TICKET, for_alice, (const uint8_t *)"text", 4, &packed), ERR_OK);
    ck_assert_ptr_null(memmem(packed.data, packed.len, "text", 4));
    ck_assert_int_eq(sealed_text(MASTER_TICKET, for_alice, out), ERR_OK);
    ck_assert_str_eq(out, "text");
    ck_assert_int_eq(sealed_text(MASTER_TICKET, for_bob, out), ERR_FORGED);
    ck_assert_int_eq(sealed_text(MASTER_SESSION_OBJECT, for_alice, out), ERR_FORGED);
    ck_assert_int_eq(master_add(master, 2, NULL), ERR_OK);
    ck_assert_int_eq(sealed_text(MASTER_TICKET, for_alice, out), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_any_flipped_bit_of_a_sealed_text_is_noticed)
{
    char out[8];
    setup();
    ck_assert_int_eq(sealed_make(master, MASTER_TICKET, for_alice, (const uint8_t *)"text", 4, &packed), ERR_OK);
    for (size_t bit = 0; bit < packed.len * 8; bit++) {
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(sealed_text(MASTER_TICKET, for_alice, out), ERR_FORGED);
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    while (packed.len > 0) {
        packed.len--;
        ck_assert_int_eq(sealed_text(MASTER_TICKET, for_alice, out), ERR_FORGED);
    }
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_record_opens_to_what_was_sealed, &test_sealed_record_does_not_hold_its_text,
        &test_any_flipped_bit_of_a_record_is_noticed, &test_body_of_another_version_does_not_fit_the_header,
        &test_record_of_another_cluster_does_not_open, &test_record_of_an_older_epoch_still_opens,
        &test_text_beyond_the_limit_is_refused, &test_purposes_salts_and_infos_give_different_keys,
        &test_tokens_depend_on_scope_type_and_value, &test_rotation_leaves_tokens_as_they_are,
        &test_sealed_text_opens_for_its_purpose_and_company_only, &test_any_flipped_bit_of_a_sealed_text_is_noticed, NULL};
    return suite_of("record", 20, tests);
}
