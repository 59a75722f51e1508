/* Validation objects by requests: an admin states them, everybody finds them, nobody changes them. */
#include <stdio.h>
#include <string.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "proto/validation.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template t;
static const uint8_t edition[] = {3, 0};

/* Without the attribute `but`, for who gives it otherwise or not at all. */
static void start_but(CK_ATTRIBUTE_TYPE but)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_VALIDATION);
    if (but != CKA_VALIDATION_TYPE)
        sample_ulong(&t, CKA_VALIDATION_TYPE, CKV_TYPE_SOFTWARE);
    if (but != CKA_VALIDATION_VERSION)
        sample_bytes(&t, CKA_VALIDATION_VERSION, edition, sizeof edition);
    if (but != CKA_VALIDATION_LEVEL)
        sample_ulong(&t, CKA_VALIDATION_LEVEL, 1);
    if (but != CKA_VALIDATION_MODULE_ID)
        sample_text(&t, CKA_VALIDATION_MODULE_ID, "OpenSSL FIPS Provider");
    if (but != CKA_VALIDATION_AUTHORITY_TYPE)
        sample_ulong(&t, CKA_VALIDATION_AUTHORITY_TYPE, CKV_AUTHORITY_TYPE_NIST_CMVP);
}

static void start(void)
{
    start_but(CKA_CLASS);
}

static uint64_t make(void)
{
    start();
    return stage_one(stage_create(ADMIN, &t, ERR_OK))->id;
}

static size_t count(enum who who)
{
    struct sample_template by_class;

    sample_start(&by_class);
    sample_ulong(&by_class, CKA_CLASS, CKO_VALIDATION);
    return stage_find(who, &by_class, 0, 0)->n_objects;
}

static bool is_true(const Hsm__Object *o, CK_ATTRIBUTE_TYPE type)
{
    const ProtobufCBinaryData *v = stage_value(o, type);

    ck_assert(v != NULL && v->len == 1);
    return v->data[0] == 1;
}

START_TEST(test_everybody_finds_it_with_all_that_such_an_object_has)
{
    uint64_t id;
    stage_open();
    id = make();
    for (int who = NOBODY; who < WHO_N; who++) {
        const Hsm__Object *o = stage_one(stage_get((enum who)who, &id, 1, ERR_OK));
        ck_assert_uint_eq(count((enum who)who), 1);
        for (size_t i = 0; attribute_at(i) != NULL; i++)
            ck_assert_msg((stage_value(o, attribute_at(i)->type) != NULL) == ((attribute_at(i)->classes & CLASS_VALIDATION) != 0), "%s",
                          attribute_at(i)->name);
        ck_assert(is_true(o, CKA_TOKEN) && is_true(o, CKA_DESTROYABLE));
        ck_assert(!is_true(o, CKA_PRIVATE) && !is_true(o, CKA_MODIFIABLE) && !is_true(o, CKA_COPYABLE));
        ck_assert_mem_eq(stage_value(o, CKA_VALIDATION_VERSION)->data, edition, 2);
        ck_assert_mem_eq(stage_value(o, CKA_VALIDATION_FLAG)->data, "\0\0\0\0\0\0\0\0", 8);
        ck_assert_uint_eq(stage_value(o, CKA_VALIDATION_COUNTRY)->len, 0);
    }
    stage_close();
}
END_TEST

START_TEST(test_only_an_admin_makes_and_removes_it)
{
    uint64_t id;
    const Hsm__Reply *reply;
    stage_open();
    start();
    reply = stage_create(ALICE, &t, ERR_ATTRIBUTE_READ_ONLY);
    ck_assert_ptr_nonnull(strstr(reply->detail, "crypto user"));
    stage_create(NOBODY, &t, ERR_NOT_LOGGED_IN);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_VALIDATION);
    stage_create(ALICE, &t, ERR_TEMPLATE_INCOMPLETE);
    id = make();
    stage_destroy(ALICE, id, ERR_ACTION_PROHIBITED);
    stage_destroy(NOBODY, id, ERR_NOT_LOGGED_IN);
    ck_assert_uint_eq(count(NOBODY), 1);
    stage_destroy(ADMIN, id, ERR_OK);
    stage_destroy(ADMIN, id, ERR_OBJECT_HANDLE);
    ck_assert_uint_eq(count(NOBODY), 0);
    stage_close();
}
END_TEST

START_TEST(test_an_admin_makes_and_removes_nothing_else)
{
    uint64_t id;
    stage_open();
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_PRIVATE, false);
    stage_create(ADMIN, &t, ERR_PERMISSION);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    stage_destroy(ADMIN, id, ERR_PERMISSION);
    sample_bool(&t, CKA_ID, true); /* malformed in its class too: who may not ask is not told */
    stage_create(ADMIN, &t, ERR_PERMISSION);
    stage_close();
}
END_TEST

START_TEST(test_nobody_changes_or_copies_it)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__SetAttributes set = HSM__SET_ATTRIBUTES__INIT;
    Hsm__Copy copy = HSM__COPY__INIT;
    Hsm__KeyRef object = HSM__KEY_REF__INIT;
    struct sample_template change;
    stage_open();
    object.id = make();
    sample_start(&change);
    sample_ulong(&change, CKA_VALIDATION_LEVEL, 4);
    request.of_case = HSM__REQUEST__OF_SET_ATTRIBUTES;
    request.set_attributes = &set;
    set.object = &object;
    set.template_ = &change.message;
    stage_ask(ALICE, &request, ERR_ACTION_PROHIBITED);
    stage_ask(ADMIN, &request, ERR_ACTION_PROHIBITED);
    sample_start(&change);
    sample_text(&change, CKA_LABEL, "mine");
    stage_ask(ALICE, &request, ERR_ACTION_PROHIBITED);
    stage_ask(ADMIN, &request, ERR_ATTRIBUTE_READ_ONLY);
    request = (Hsm__Request)HSM__REQUEST__INIT;
    request.of_case = HSM__REQUEST__OF_COPY;
    request.copy = &copy;
    copy.object = &object;
    sample_start(&change);
    copy.template_ = &change.message;
    stage_ask(ALICE, &request, ERR_ACTION_PROHIBITED);
    sample_bool(&change, CKA_TOKEN, false);
    stage_ask(ALICE, &request, ERR_ACTION_PROHIBITED);
    stage_ask(ADMIN, &request, ERR_PERMISSION);
    stage_close();
}
END_TEST

static void refused_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value, enum err expected)
{
    start_but(type);
    sample_ulong(&t, type, value);
    ck_assert_ptr_nonnull(strstr(stage_create(ADMIN, &t, expected)->detail, attribute_find(type)->name));
}

START_TEST(test_numbers_are_the_standards)
{
    stage_open();
    refused_number(CKA_VALIDATION_TYPE, CKV_TYPE_HYBRID + 1, ERR_ATTRIBUTE_VALUE);
    refused_number(CKA_VALIDATION_TYPE, CK_UNAVAILABLE_INFORMATION, ERR_ATTRIBUTE_VALUE);
    refused_number(CKA_VALIDATION_AUTHORITY_TYPE, CKV_AUTHORITY_TYPE_COMMON_CRITERIA + 1, ERR_ATTRIBUTE_VALUE);
    refused_number(CKA_VALIDATION_LEVEL, 0, ERR_ATTRIBUTE_VALUE);
    refused_number(CKA_VALIDATION_LEVEL, 5, ERR_ATTRIBUTE_VALUE);
    refused_number(CKA_VALIDATION_LEVEL, CK_UNAVAILABLE_INFORMATION, ERR_ATTRIBUTE_VALUE);
    start_but(CKA_VALIDATION_VERSION);
    sample_bytes(&t, CKA_VALIDATION_VERSION, edition, 1);
    stage_create(ADMIN, &t, ERR_ATTRIBUTE_VALUE);
    ck_assert_uint_eq(count(NOBODY), 0);
    stage_close();
}
END_TEST

START_TEST(test_what_the_standard_wants_has_to_be_there)
{
    static const CK_ATTRIBUTE_TYPE must[] = {CKA_VALIDATION_TYPE, CKA_VALIDATION_VERSION, CKA_VALIDATION_LEVEL, CKA_VALIDATION_MODULE_ID,
                                             CKA_VALIDATION_AUTHORITY_TYPE};
    stage_open();
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++) {
        start_but(must[i]);
        ck_assert_ptr_nonnull(strstr(stage_create(ADMIN, &t, ERR_TEMPLATE_INCOMPLETE)->detail, attribute_find(must[i])->name));
    }
    stage_close();
}
END_TEST

START_TEST(test_texts_are_fit_to_be_shown)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *text;
        bool good;
    } rows[] = {
        {CKA_VALIDATION_MODULE_ID, "", false},
        {CKA_VALIDATION_MODULE_ID, "Schl\xc3\xbcssel 2", true},
        {CKA_VALIDATION_MODULE_ID, "\033[31mred", false},
        {CKA_VALIDATION_MODULE_ID, "two\nlines", false},
        {CKA_VALIDATION_MODULE_ID, "\xc2\x9b" "31m", false}, /* the same in one character */
        {CKA_VALIDATION_MODULE_ID, "\xc3", false},
        {CKA_VALIDATION_PROFILE, "\x7f", false},
        {CKA_VALIDATION_CERTIFICATE_IDENTIFIER, "4985", true},
        {CKA_VALIDATION_CERTIFICATE_IDENTIFIER, "\t", false},
        {CKA_LABEL, "\a", false},
        {CKA_VALIDATION_COUNTRY, "", true},
        {CKA_VALIDATION_COUNTRY, "DE", true},
        {CKA_VALIDATION_COUNTRY, "de", false},
        {CKA_VALIDATION_COUNTRY, "D", false},
        {CKA_VALIDATION_COUNTRY, "DEU", false},
        {CKA_VALIDATION_COUNTRY, "D1", false},
        {CKA_VALIDATION_CERTIFICATE_URI, "", true},
        {CKA_VALIDATION_CERTIFICATE_URI, "https://csrc.nist.gov/x?y=1", true},
        {CKA_VALIDATION_CERTIFICATE_URI, "https://a b", false},
        {CKA_VALIDATION_CERTIFICATE_URI, "https://\xc3\xbc", false},
        {CKA_VALIDATION_CERTIFICATE_URI, "example.org", false},
        {CKA_VALIDATION_VENDOR_URI, ":x", false},
        {CKA_VALIDATION_VENDOR_URI, "https:", false},
        {CKA_VALIDATION_VENDOR_URI, "urn:x", true},
    };
    stage_open();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const Hsm__Reply *reply;
        start_but(rows[i].type);
        sample_text(&t, rows[i].type, rows[i].text);
        reply = stage_create(ADMIN, &t, rows[i].good ? ERR_OK : ERR_ATTRIBUTE_VALUE);
        if (!rows[i].good)
            ck_assert_ptr_nonnull(strstr(reply->detail, attribute_find(rows[i].type)->name));
        else
            stage_destroy(ADMIN, stage_one(reply)->id, ERR_OK);
    }
    stage_close();
}
END_TEST

START_TEST(test_texts_are_bounded)
{
    static char text[URI_BYTES_MAX + 2] = "https:";
    stage_open();
    memset(text + 6, 'x', sizeof text - 7);
    start();
    sample_text(&t, CKA_VALIDATION_VENDOR_URI, text);
    stage_create(ADMIN, &t, ERR_ATTRIBUTE_VALUE);
    start();
    sample_text(&t, CKA_VALIDATION_VENDOR_URI, text + 1);
    stage_create(ADMIN, &t, ERR_OK);
    start_but(CKA_VALIDATION_MODULE_ID);
    sample_bytes(&t, CKA_VALIDATION_MODULE_ID, text, VALIDATION_TEXT_BYTES_MAX + 1);
    stage_create(ADMIN, &t, ERR_ATTRIBUTE_VALUE);
    stage_close();
}
END_TEST

START_TEST(test_it_is_a_public_token_object_that_stays_as_it_is)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } wrong[] = {{CKA_TOKEN, false}, {CKA_PRIVATE, true}, {CKA_MODIFIABLE, true}, {CKA_COPYABLE, true}, {CKA_DESTROYABLE, false}};
    stage_open();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        start();
        sample_bool(&t, wrong[i].type, wrong[i].value);
        ck_assert_ptr_nonnull(strstr(stage_create(ADMIN, &t, ERR_TEMPLATE_INCONSISTENT)->detail, attribute_find(wrong[i].type)->name));
        start();
        sample_bool(&t, wrong[i].type, !wrong[i].value);
        stage_destroy(ADMIN, stage_one(stage_create(ADMIN, &t, ERR_OK))->id, ERR_OK);
    }
    start();
    sample_bool(&t, CKA_SENSITIVE, false);
    stage_create(ADMIN, &t, ERR_ATTRIBUTE_TYPE);
    stage_close();
}
END_TEST

START_TEST(test_a_cluster_keeps_so_many_and_no_more)
{
    uint64_t last = 0;
    stage_open();
    for (unsigned i = 0; i < VALIDATIONS_MAX; i++)
        last = make();
    start();
    ck_assert_ptr_nonnull(strstr(stage_create(ADMIN, &t, ERR_LIMIT)->detail, "remove one"));
    ck_assert_uint_eq(count(NOBODY), VALIDATIONS_MAX);
    stage_destroy(ADMIN, last, ERR_OK);
    make();
    stage_close();
}
END_TEST

START_TEST(test_it_is_no_key)
{
    Hsm__KeyRef ref = HSM__KEY_REF__INIT;
    struct stage_use use = {.mechanism = CKM_SHA256_HMAC, .data = edition, .n = 2};
    stage_open();
    ref.id = make();
    use.key = ref;
    stage_sign(ALICE, &use, ERR_KEY_HANDLE);
    stage_close();
}
END_TEST

START_TEST(test_names_and_numbers_go_both_ways)
{
    for (CK_ULONG i = 0; i <= CKV_TYPE_HYBRID; i++) {
        CK_ULONG back = CK_UNAVAILABLE_INFORMATION;
        ck_assert(validation_type_find(validation_type_name(i), &back) && back == i);
        ck_assert_ptr_nonnull(strstr(validation_types_text(), validation_type_name(i)));
    }
    for (CK_ULONG i = 0; i <= CKV_AUTHORITY_TYPE_COMMON_CRITERIA; i++) {
        ck_assert_ptr_eq(validation_authority_find(validation_authority(i)->name), validation_authority(i));
        ck_assert_ptr_nonnull(strstr(validation_authorities_text(), validation_authority(i)->name));
    }
    ck_assert_ptr_null(validation_authority_find("nobody"));
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_everybody_finds_it_with_all_that_such_an_object_has,
        &test_only_an_admin_makes_and_removes_it,
        &test_an_admin_makes_and_removes_nothing_else,
        &test_nobody_changes_or_copies_it,
        &test_numbers_are_the_standards,
        &test_what_the_standard_wants_has_to_be_there,
        &test_texts_are_fit_to_be_shown,
        &test_texts_are_bounded,
        &test_it_is_a_public_token_object_that_stays_as_it_is,
        &test_a_cluster_keeps_so_many_and_no_more,
        &test_it_is_no_key,
        &test_names_and_numbers_go_both_ways,
        NULL,
    };

    return suite_of("op_validation", 60, tests);
}
