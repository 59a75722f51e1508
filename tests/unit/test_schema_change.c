/* Objects that come of others: unwrapped, derived, copied, changed. What they keep, and what no template can take back. */
#include "vault/object/schema.h"

#include <string.h>

#include "proto/attribute.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"

static struct sample_template t;
static struct object o;
static struct diag why;

/* A secret key as the way makes it, of what the template says. */
static enum err make(struct schema *s)
{
    enum err e;
    object_init(&o, sample_memory());
    diag_clear(&why);
    s->object_class = CKO_SECRET_KEY;
    s->key_type = CKK_GENERIC_SECRET;
    e = schema_read(s, &t.message, &o, &why);
    if (e == ERR_OK)
        e = object_put(&o, CKA_VALUE, "0123456789abcdef", 16);
    return e == ERR_OK ? schema_complete(s, &o, &why) : e;
}

static void made(struct schema s)
{
    enum err e = make(&s);
    ck_assert_msg(e == ERR_OK, "%s: %s", err_name(e), why.what);
}

static void generated(void)
{
    made((struct schema){.way = SCHEMA_GENERATE, .mechanism = CKM_GENERIC_SECRET_KEY_GEN});
}

static enum err change(enum schema_way way, bool by_admin)
{
    struct schema s = {.way = way, .by_admin = by_admin};
    diag_clear(&why);
    return schema_change(&s, &t.message, &o, &why);
}

static void ck_change(enum schema_way way, enum err expected)
{
    enum err e = change(way, false);
    ck_assert_msg(e == expected, "%s, not %s: %s", err_name(e), err_name(expected), why.what);
}

static bool is(CK_ATTRIBUTE_TYPE type)
{
    ck_assert_msg(object_has(&o, type), "%s", schema_attribute_name(type));
    return object_bool(&o, type);
}

START_TEST(test_unwrapped_key_has_no_past_and_may_leave_again)
{
    sample_start(&t);
    made((struct schema){.way = SCHEMA_UNWRAP});
    ck_assert(is(CKA_SENSITIVE) && is(CKA_EXTRACTABLE) && is(CKA_PRIVATE));
    ck_assert(!is(CKA_LOCAL) && !is(CKA_ALWAYS_SENSITIVE) && !is(CKA_NEVER_EXTRACTABLE) && !is(CKA_WRAP_WITH_TRUSTED));
    ck_assert_uint_eq(object_ulong(&o, CKA_KEY_GEN_MECHANISM, 0), CK_UNAVAILABLE_INFORMATION);
    ck_assert_uint_eq(object_ulong(&o, CKA_VALUE_LEN, 0), 16);
    sample_bool(&t, CKA_EXTRACTABLE, false);
    made((struct schema){.way = SCHEMA_UNWRAP});
    ck_assert(!is(CKA_EXTRACTABLE) && !is(CKA_NEVER_EXTRACTABLE));
    sample_memory_free();
}
END_TEST

START_TEST(test_class_and_type_come_from_the_template_or_the_mechanism)
{
    struct schema s = {.way = SCHEMA_UNWRAP, .object_class = CK_UNAVAILABLE_INFORMATION, .key_type = CK_UNAVAILABLE_INFORMATION};
    sample_start(&t);
    object_init(&o, sample_memory());
    ck_assert_int_eq(schema_read(&s, &t.message, &o, &why), ERR_TEMPLATE_INCOMPLETE);
    sample_ulong(&t, CKA_CLASS, CKO_PRIVATE_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_EC);
    object_init(&o, sample_memory());
    ck_assert_int_eq(schema_read(&s, &t.message, &o, &why), ERR_OK);
    ck_assert(s.object_class == CKO_PRIVATE_KEY && s.key_type == CKK_EC && s.class_bit == CLASS_PRIVATE);
    sample_memory_free();
}
END_TEST

START_TEST(test_value_of_an_unwrapped_or_derived_key_is_not_the_callers)
{
    struct schema s = {.way = SCHEMA_DERIVE};
    sample_start(&t);
    sample_text(&t, CKA_VALUE, "chosen");
    ck_assert_int_eq(make(&s), ERR_ATTRIBUTE_READ_ONLY);
    s.way = SCHEMA_UNWRAP;
    ck_assert_int_eq(make(&s), ERR_ATTRIBUTE_READ_ONLY);
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, true);
    ck_assert_int_eq(make(&s), ERR_ATTRIBUTE_READ_ONLY);
    sample_memory_free();
}
END_TEST

START_TEST(test_derived_key_has_the_past_of_all_its_bases)
{
    struct schema_base base = {0};
    struct object first;
    sample_start(&t);
    generated();
    first = o;
    ck_assert(is(CKA_LOCAL) && is(CKA_ALWAYS_SENSITIVE) && is(CKA_NEVER_EXTRACTABLE));
    schema_base_add(&base, true, &first, false);
    made((struct schema){.way = SCHEMA_DERIVE, .base = base});
    ck_assert(is(CKA_ALWAYS_SENSITIVE) && is(CKA_NEVER_EXTRACTABLE) && !is(CKA_LOCAL));
    sample_bool(&t, CKA_SENSITIVE, false);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    made((struct schema){.way = SCHEMA_DERIVE, .base = base});
    ck_assert(!is(CKA_ALWAYS_SENSITIVE) && !is(CKA_NEVER_EXTRACTABLE) && !is(CKA_SENSITIVE) && is(CKA_EXTRACTABLE));
    schema_base_add(&base, false, &o, false);
    sample_start(&t);
    made((struct schema){.way = SCHEMA_DERIVE, .base = base});
    ck_assert(!is(CKA_ALWAYS_SENSITIVE) && !is(CKA_NEVER_EXTRACTABLE) && is(CKA_SENSITIVE));
    sample_memory_free();
}
END_TEST

START_TEST(test_key_that_tells_of_another_is_no_less_closed)
{
    struct schema s = {.way = SCHEMA_DERIVE};
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } weaker[] = {{CKA_SENSITIVE, false}, {CKA_EXTRACTABLE, true}, {CKA_WRAP_WITH_TRUSTED, false}};
    sample_start(&t);
    sample_bool(&t, CKA_WRAP_WITH_TRUSTED, true);
    generated();
    schema_base_add(&s.base, true, &o, true);
    for (size_t i = 0; i < sizeof weaker / sizeof weaker[0]; i++) {
        sample_start(&t);
        sample_bool(&t, weaker[i].type, weaker[i].value);
        ck_assert_msg(make(&s) == ERR_TEMPLATE_INCONSISTENT, "%s", schema_attribute_name(weaker[i].type));
        ck_assert_ptr_nonnull(strstr(why.what, schema_attribute_name(weaker[i].type)));
    }
    sample_start(&t);
    made(s);
    ck_assert(is(CKA_SENSITIVE) && !is(CKA_EXTRACTABLE) && is(CKA_WRAP_WITH_TRUSTED));
    sample_memory_free();
}
END_TEST

START_TEST(test_names_and_uses_can_be_changed_and_the_rest_cannot)
{
    unsigned tried = 0;
    for (size_t i = 0; attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        static const uint8_t other[8] = {0, 0, 0, 0, 0, 0, 0, 77};
        if ((row->classes & CLASS_SECRET) == 0 || row->flags & (ATTRIBUTE_IGNORED | ATTRIBUTE_ADMIN) ||
            (row->value != ATTRIBUTE_BYTES && row->value != ATTRIBUTE_UTF8 && row->value != ATTRIBUTE_ULONG))
            continue;
        sample_start(&t);
        generated();
        sample_bytes(&t, row->type, other, sizeof other);
        ck_change(SCHEMA_SET, row->flags & ATTRIBUTE_MODIFY ? ERR_OK : ERR_ATTRIBUTE_READ_ONLY);
        ck_change(SCHEMA_COPY, row->flags & (ATTRIBUTE_MODIFY | ATTRIBUTE_COPY) ? ERR_OK : ERR_ATTRIBUTE_READ_ONLY);
        tried++;
    }
    ck_assert_uint_ge(tried, 7);
    sample_start(&t);
    generated();
    sample_text(&t, CKA_MODULUS, "x");
    ck_change(SCHEMA_SET, ERR_ATTRIBUTE_TYPE);
    sample_memory_free();
}
END_TEST

START_TEST(test_one_way_attributes_never_come_back)
{
    for (unsigned w = 0; w < 2; w++) {
        enum schema_way way = w == 0 ? SCHEMA_SET : SCHEMA_COPY;
        for (size_t i = 0; attribute_at(i) != NULL; i++) {
            const struct attribute *row = attribute_at(i);
            bool end = (row->flags & ATTRIBUTE_ONE_WAY_TRUE) != 0;
            if ((row->flags & (ATTRIBUTE_ONE_WAY_TRUE | ATTRIBUTE_ONE_WAY_FALSE)) == 0 || (row->classes & CLASS_SECRET) == 0 ||
                (row->flags & schema_way_flags(way)) == 0)
                continue;
            sample_start(&t);
            generated();
            object_put_bool(&o, row->type, !end);
            sample_bool(&t, row->type, end);
            ck_change(way, ERR_OK);
            ck_assert_msg(object_bool(&o, row->type) == end, "%s", row->name);
            if (row->type == CKA_COPYABLE || row->type == CKA_MODIFIABLE)
                continue; /* nothing more can be done to it */
            sample_start(&t);
            sample_bool(&t, row->type, !end);
            ck_change(way, ERR_ATTRIBUTE_READ_ONLY);
        }
    }
    sample_memory_free();
}
END_TEST

START_TEST(test_key_that_became_closed_was_not_always)
{
    sample_start(&t);
    sample_bool(&t, CKA_SENSITIVE, false);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    generated();
    sample_start(&t);
    sample_bool(&t, CKA_SENSITIVE, true);
    sample_bool(&t, CKA_EXTRACTABLE, false);
    ck_change(SCHEMA_COPY, ERR_OK);
    ck_assert(is(CKA_SENSITIVE) && !is(CKA_EXTRACTABLE) && !is(CKA_ALWAYS_SENSITIVE) && !is(CKA_NEVER_EXTRACTABLE) && is(CKA_LOCAL));
    sample_memory_free();
}
END_TEST

START_TEST(test_copy_keeps_everything_but_its_own_id)
{
    struct object before;
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "one");
    generated();
    before = o;
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY); /* it is what it is: no change */
    sample_bool(&t, CKA_TOKEN, true);
    ck_change(SCHEMA_COPY, ERR_OK);
    for (size_t i = 0; i < o.n; i++) {
        const struct object_attribute *a = &o.attributes[i], *b = &before.attributes[i];
        bool is_same = a->type == b->type && a->n == b->n && memcmp(a->value, b->value, a->n) == 0;
        ck_assert_msg(is_same == (a->type != CKA_UNIQUE_ID && a->type != CKA_TOKEN), "%s", schema_attribute_name(a->type));
    }
    sample_start(&t);
    sample_bool(&t, CKA_PRIVATE, false);
    ck_change(SCHEMA_COPY, ERR_ATTRIBUTE_READ_ONLY);
    sample_memory_free();
}
END_TEST

START_TEST(test_object_says_what_may_be_done_to_it)
{
    sample_start(&t);
    sample_bool(&t, CKA_MODIFIABLE, false);
    generated();
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "other");
    ck_change(SCHEMA_SET, ERR_ACTION_PROHIBITED);
    ck_change(SCHEMA_COPY, ERR_ACTION_PROHIBITED); /* a copy that differs */
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    ck_change(SCHEMA_COPY, ERR_OK);
    sample_start(&t);
    sample_bool(&t, CKA_COPYABLE, false);
    generated();
    sample_start(&t);
    ck_change(SCHEMA_COPY, ERR_ACTION_PROHIBITED);
    ck_change(SCHEMA_SET, ERR_OK);
    sample_memory_free();
}
END_TEST

START_TEST(test_only_an_admin_trusts_and_a_trusted_key_stays_as_it_is)
{
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_WRAP, true);
    sample_bool(&t, CKA_COPYABLE, false);
    generated();
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, true);
    ck_change(SCHEMA_SET, ERR_ATTRIBUTE_READ_ONLY);
    ck_change(SCHEMA_COPY, ERR_ACTION_PROHIBITED);
    ck_assert_int_eq(change(SCHEMA_SET, true), ERR_OK);
    ck_assert(is(CKA_TRUSTED));
    sample_start(&t);
    sample_bool(&t, CKA_DECRYPT, true);
    ck_change(SCHEMA_SET, ERR_ACTION_PROHIBITED);
    sample_start(&t);
    ck_change(SCHEMA_COPY, ERR_ACTION_PROHIBITED);
    sample_bool(&t, CKA_WRAP, false);
    sample_text(&t, CKA_LABEL, "mine");
    ck_change(SCHEMA_SET, ERR_OK);
    sample_memory_free();
}
END_TEST

START_TEST(test_change_with_a_malformed_template_changes_nothing)
{
    struct object before;
    sample_start(&t);
    generated();
    before = o;
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "new");
    sample_bytes(&t, CKA_SIGN, "\2", 1);
    ck_change(SCHEMA_SET, ERR_ATTRIBUTE_VALUE);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "new");
    sample_text(&t, CKA_LABEL, "newer");
    ck_change(SCHEMA_SET, ERR_TEMPLATE_INCONSISTENT);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "new");
    sample_bool(&t, CKA_LOCAL, false);
    ck_change(SCHEMA_SET, ERR_ATTRIBUTE_READ_ONLY);
    ck_assert_ptr_eq(object_find(&o, CKA_LABEL)->value, object_find(&before, CKA_LABEL)->value);
    sample_memory_free();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_unwrapped_key_has_no_past_and_may_leave_again,
        &test_class_and_type_come_from_the_template_or_the_mechanism,
        &test_value_of_an_unwrapped_or_derived_key_is_not_the_callers,
        &test_derived_key_has_the_past_of_all_its_bases,
        &test_key_that_tells_of_another_is_no_less_closed,
        &test_names_and_uses_can_be_changed_and_the_rest_cannot,
        &test_one_way_attributes_never_come_back,
        &test_key_that_became_closed_was_not_always,
        &test_copy_keeps_everything_but_its_own_id,
        &test_object_says_what_may_be_done_to_it,
        &test_only_an_admin_trusts_and_a_trusted_key_stays_as_it_is,
        &test_change_with_a_malformed_template_changes_nothing,
        NULL,
    };

    return suite_of("schema_change", 30, tests);
}
