/* Who sees which object, what of it, and by which tokens it is found. */
#include "vault/object/view.h"

#include <string.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "vault/object/session_object.h"
#include "vault/object/tokens.h"

static struct object o;

static void start_key(bool sensitive, bool extractable)
{
    object_init(&o, sample_memory());
    object_put_ulong(&o, CKA_CLASS, CKO_SECRET_KEY);
    object_put_ulong(&o, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    object_put_bool(&o, CKA_TOKEN, true);
    object_put_bool(&o, CKA_PRIVATE, true);
    object_put_bool(&o, CKA_SENSITIVE, sensitive);
    object_put_bool(&o, CKA_EXTRACTABLE, extractable);
    object_put(&o, CKA_VALUE, "secret", 6);
    object_put(&o, CKA_LABEL, "name", 4);
    object_put(&o, CKA_ID, "", 0);
}

START_TEST(test_value_is_shown_only_where_neither_flag_forbids)
{
    for (int i = 0; i < 4; i++) {
        Hsm__Object shown;
        bool may = i == 1;
        start_key(i >= 2, i % 2 == 1);
        ck_assert(view_shows(&o, CKA_VALUE) == may);
        ck_assert_int_eq(view_object(&o, 7, 3, &shown), ERR_OK);
        ck_assert_uint_eq(shown.n_attributes, may ? 9 : 8);
        ck_assert_uint_eq(shown.n_hidden, may ? 0 : 1);
        if (!may)
            ck_assert_uint_eq(shown.hidden[0], CKA_VALUE);
        for (size_t k = 0; !may && k < shown.n_attributes; k++)
            ck_assert_uint_ne(shown.attributes[k]->type, CKA_VALUE);
        ck_assert(shown.id == 7 && shown.version == 3);
        sample_memory_free();
    }
}
END_TEST

/* There are none since the schema refuses them; there may be some from before. */
START_TEST(test_value_of_a_key_that_always_asks_is_not_shown)
{
    start_key(false, true);
    object_put_ulong(&o, CKA_CLASS, CKO_PRIVATE_KEY);
    ck_assert(view_shows(&o, CKA_VALUE));
    object_put_bool(&o, CKA_ALWAYS_AUTHENTICATE, true);
    ck_assert(!view_shows(&o, CKA_VALUE));
    sample_memory_free();
}
END_TEST

START_TEST(test_every_sensitive_row_is_hidden_in_a_closed_private_key)
{
    object_init(&o, sample_memory());
    object_put_ulong(&o, CKA_CLASS, CKO_PRIVATE_KEY);
    for (size_t i = 0; attribute_at(i) != NULL; i++)
        ck_assert_msg(view_shows(&o, attribute_at(i)->type) == !(attribute_at(i)->flags & ATTRIBUTE_SENSITIVE), "%s",
                      attribute_at(i)->name);
    sample_memory_free();
}
END_TEST

START_TEST(test_value_of_a_certificate_is_no_secret)
{
    object_init(&o, sample_memory());
    object_put_ulong(&o, CKA_CLASS, CKO_CERTIFICATE);
    ck_assert(view_shows(&o, CKA_VALUE));
    object_put_ulong(&o, CKA_CLASS, CKO_DATA);
    ck_assert(view_shows(&o, CKA_VALUE));
    object_put_ulong(&o, CKA_CLASS, 99);
    ck_assert(!view_shows(&o, CKA_VALUE)); /* of what we do not know nothing is shown */
    sample_memory_free();
}
END_TEST

START_TEST(test_private_object_is_its_owners_and_public_ones_everybodys)
{
    struct login owner = {.user_id = 5, .role = ROLE_CRYPTO_USER}, other = {.user_id = 6, .role = ROLE_CRYPTO_USER},
                 admin = {.user_id = 5, .role = ROLE_ADMIN}, nobody = {.user_id = 0};
    start_key(true, false);
    ck_assert(view_may_see(&o, 5, &owner));
    ck_assert(!view_may_see(&o, 5, &other));
    ck_assert(!view_may_see(&o, 5, &admin));
    ck_assert(!view_may_see(&o, 0, &nobody));
    object_put_ulong(&o, CKA_CLASS, CKO_PUBLIC_KEY);
    ck_assert(!view_may_see(&o, 5, &other));
    object_put_bool(&o, CKA_PRIVATE, false);
    ck_assert(view_may_see(&o, 5, &other) && view_may_see(&o, 5, &admin) && view_may_see(&o, 5, &nobody));
    sample_memory_free();
}
END_TEST

START_TEST(test_key_that_is_not_private_is_its_owners)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_OTP_KEY, CKO_VENDOR_DEFINED, CK_UNAVAILABLE_INFORMATION};
    struct login owner = {.user_id = 5, .role = ROLE_CRYPTO_USER}, other = {.user_id = 6, .role = ROLE_CRYPTO_USER},
                 admin = {.user_id = 5, .role = ROLE_ADMIN}, nobody = {.user_id = 0};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        start_key(true, false);
        object_put_ulong(&o, CKA_CLASS, classes[i]);
        object_put_bool(&o, CKA_PRIVATE, false);
        ck_assert(!view_is_open(&o) && view_may_see(&o, 5, &owner));
        ck_assert(!view_may_see(&o, 5, &other) && !view_may_see(&o, 5, &admin) && !view_may_see(&o, 5, &nobody));
        sample_memory_free();
    }
    object_init(&o, sample_memory());
    ck_assert(!view_is_open(&o)); /* of what class it may be, it does not say */
}
END_TEST

static bool fits(const struct sample_template *t)
{
    struct object wanted;
    bool possible;
    object_init(&wanted, sample_memory());
    ck_assert_int_eq(view_template(&t->message, &wanted, &possible), ERR_OK);
    return possible && view_fits(&o, &wanted);
}

START_TEST(test_template_fits_what_has_all_of_its_values)
{
    struct sample_template t;
    start_key(true, false);
    sample_start(&t);
    ck_assert(fits(&t));
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_text(&t, CKA_LABEL, "name");
    sample_bytes(&t, CKA_ID, "", 0);
    ck_assert(fits(&t));
    sample_text(&t, CKA_LABEL, "name");
    ck_assert(fits(&t)); /* twice the same is the same */
    sample_text(&t, CKA_LABEL, "another");
    ck_assert(!fits(&t));
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "nam");
    ck_assert(!fits(&t));
    sample_start(&t);
    sample_text(&t, CKA_SUBJECT, "");
    ck_assert(!fits(&t)); /* the key has none */
    sample_start(&t);
    sample_text(&t, 0x80001234, "x");
    ck_assert(!fits(&t));
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    ck_assert(!fits(&t));
    sample_memory_free();
}
END_TEST

START_TEST(test_search_cannot_guess_a_hidden_value)
{
    struct sample_template t;
    sample_start(&t);
    sample_text(&t, CKA_VALUE, "secret");
    start_key(true, false);
    ck_assert(!fits(&t));
    start_key(false, true);
    ck_assert(fits(&t));
    sample_memory_free();
}
END_TEST

static struct master *master;
static struct index *indexed;

static void start_index(void)
{
    ck_assert_int_eq(master_new(NULL, &master), ERR_OK);
    ck_assert_int_eq(master_add(master, 1, NULL), ERR_OK);
    ck_assert_int_eq(index_new(master, &indexed), ERR_OK);
}

static void stop_index(void)
{
    index_free(indexed);
    master_free(master);
    sample_memory_free();
}

static bool has_token(const struct object_tokens *tokens, const uint8_t token[INDEX_TOKEN_BYTES])
{
    for (size_t i = 0; i < tokens->n; i++)
        if (memcmp(tokens->list[i], token, INDEX_TOKEN_BYTES) == 0)
            return true;
    return false;
}

/* Searched by one attribute of its own, an object stands under the token. */
static bool found_by(CK_ATTRIBUTE_TYPE type, uint64_t scope)
{
    const struct object_attribute *a = object_find(&o, type);
    struct object_tokens tokens;
    struct object template;
    uint8_t token[INDEX_TOKEN_BYTES];
    object_init(&template, sample_memory());
    object_put(&template, type, a->value, a->n);
    ck_assert_int_eq(tokens_of(indexed, &o, 5, &tokens), ERR_OK);
    ck_assert_int_eq(tokens_best(indexed, &template, scope, token), ERR_OK);
    return has_token(&tokens, token);
}

START_TEST(test_every_indexed_row_has_its_token)
{
    for (size_t i = 0; attribute_at(i) != NULL; i++)
        if (attribute_at(i)->type != CKA_SERIAL_NUMBER) /* that one means issuer and serial number */
            ck_assert_msg(tokens_index(attribute_at(i)->type) == !!(attribute_at(i)->flags & ATTRIBUTE_INDEXED), "%s",
                          attribute_at(i)->name);
}
END_TEST

START_TEST(test_object_is_found_in_its_own_scope_only)
{
    start_index();
    start_key(true, false);
    ck_assert(found_by(CKA_LABEL, 5) && found_by(CKA_CLASS, 5) && found_by(CKA_KEY_TYPE, 5));
    ck_assert(found_by(CKA_TOKEN, 5)); /* not indexed: by ALL */
    ck_assert(found_by(CKA_ID, 5));    /* empty: by ALL */
    ck_assert(!found_by(CKA_LABEL, 6) && !found_by(CKA_LABEL, INDEX_PUBLIC));
    object_put_bool(&o, CKA_PRIVATE, false);
    ck_assert(found_by(CKA_LABEL, 5) && !found_by(CKA_LABEL, INDEX_PUBLIC)); /* a key all the same */
    object_put_ulong(&o, CKA_CLASS, CKO_PUBLIC_KEY);
    ck_assert(found_by(CKA_LABEL, INDEX_PUBLIC) && !found_by(CKA_LABEL, 5));
    stop_index();
}
END_TEST

START_TEST(test_the_most_selective_attribute_is_looked_up)
{
    struct object template;
    uint8_t token[INDEX_TOKEN_BYTES], by_id[INDEX_TOKEN_BYTES];
    start_index();
    object_init(&template, sample_memory());
    object_put_ulong(&template, CKA_CLASS, CKO_PRIVATE_KEY);
    object_put(&template, CKA_LABEL, "common", 6);
    object_put(&template, CKA_ID, "rare", 4);
    ck_assert_int_eq(tokens_best(indexed, &template, 5, token), ERR_OK);
    ck_assert_int_eq(index_token(indexed, 5, CKA_ID, (const uint8_t *)"rare", 4, by_id), ERR_OK);
    ck_assert_mem_eq(token, by_id, sizeof token);
    stop_index();
}
END_TEST

START_TEST(test_certificate_is_found_by_issuer_and_serial_number)
{
    struct object template;
    struct object_tokens tokens;
    uint8_t token[INDEX_TOKEN_BYTES];
    start_index();
    object_init(&o, sample_memory());
    object_put_ulong(&o, CKA_CLASS, CKO_CERTIFICATE);
    object_put(&o, CKA_ISSUER, "an issuer", 9);
    object_put(&o, CKA_SERIAL_NUMBER, "17", 2);
    ck_assert_int_eq(tokens_of(indexed, &o, 5, &tokens), ERR_OK);
    ck_assert_uint_eq(tokens.n, 4);
    object_init(&template, sample_memory());
    object_put(&template, CKA_ISSUER, "an issuer", 9);
    object_put(&template, CKA_SERIAL_NUMBER, "17", 2);
    ck_assert_int_eq(tokens_best(indexed, &template, INDEX_PUBLIC, token), ERR_OK);
    ck_assert(has_token(&tokens, token));
    object_put(&template, CKA_SERIAL_NUMBER, "18", 2);
    ck_assert_int_eq(tokens_best(indexed, &template, INDEX_PUBLIC, token), ERR_OK);
    ck_assert(!has_token(&tokens, token));
    stop_index();
}
END_TEST

START_TEST(test_session_object_opens_for_its_user_alone)
{
    struct buffer sealed = {0};
    struct secret text = {0}, packed = {0};
    start_index();
    start_key(true, false);
    ck_assert_int_eq(session_object_seal(master, 5, &o, &sealed), ERR_OK);
    ck_assert_int_eq(session_object_open(master, 5, sealed.data, sealed.len, &text), ERR_OK);
    ck_assert_int_eq(object_pack(&o, &packed), ERR_OK);
    ck_assert(secret_equal(&text, &packed));
    ck_assert_int_eq(session_object_open(master, 6, sealed.data, sealed.len, &text), ERR_FORGED);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        ck_assert_int_ne(session_object_open(master, 5, sealed.data, sealed.len, &text), ERR_OK);
        sealed.data[i] ^= 1;
        ck_assert_int_ne(session_object_open(master, 5, sealed.data, i, &text), ERR_OK);
    }
    secret_clear(&text);
    secret_clear(&packed);
    buffer_clear(&sealed);
    stop_index();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_value_is_shown_only_where_neither_flag_forbids,
        &test_value_of_a_key_that_always_asks_is_not_shown,
        &test_every_sensitive_row_is_hidden_in_a_closed_private_key,
        &test_value_of_a_certificate_is_no_secret,
        &test_private_object_is_its_owners_and_public_ones_everybodys,
        &test_key_that_is_not_private_is_its_owners,
        &test_template_fits_what_has_all_of_its_values,
        &test_search_cannot_guess_a_hidden_value,
        &test_every_indexed_row_has_its_token,
        &test_object_is_found_in_its_own_scope_only,
        &test_the_most_selective_attribute_is_looked_up,
        &test_certificate_is_found_by_issuer_and_serial_number,
        &test_session_object_opens_for_its_user_alone,
        NULL,
    };

    return suite_of("object_view", 20, tests);
}
