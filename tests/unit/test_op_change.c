/* Objects that are copied and changed by requests: who may, what is found afterwards, and that a session copy of a token key dies with
 * it. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "proto/attribute.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template t;
static EVP_PKEY *ec;

static void start(void)
{
    stage_open();
    ec = EVP_EC_gen("P-256");
}

static void end(void)
{
    EVP_PKEY_free(ec);
    stage_close();
}

static const Hsm__Object *make_key(bool token)
{
    sample_private(&t, ec, true);
    sample_bool(&t, CKA_TOKEN, token);
    sample_text(&t, CKA_LABEL, "before");
    return stage_one(stage_create(ALICE, &t, ERR_OK));
}

static const Hsm__Reply *copy(enum who who, const Hsm__Object *o, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Copy c = HSM__COPY__INIT;
    Hsm__KeyRef ref = stage_key(o);

    request.of_case = HSM__REQUEST__OF_COPY;
    request.copy = &c;
    c.object = &ref;
    c.template_ = &t.message;
    return stage_ask(who, &request, expected);
}

static const Hsm__Reply *set(enum who who, const Hsm__Object *o, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__SetAttributes s = HSM__SET_ATTRIBUTES__INIT;
    Hsm__KeyRef ref = stage_key(o);

    request.of_case = HSM__REQUEST__OF_SET_ATTRIBUTES;
    request.set_attributes = &s;
    s.object = &ref;
    s.template_ = &t.message;
    return stage_ask(who, &request, expected);
}

static size_t found(const char *label)
{
    struct sample_template search;

    sample_start(&search);
    sample_text(&search, CKA_LABEL, label);
    return stage_find(ALICE, &search, 0, 0)->n_objects;
}

static void ck_label(const Hsm__Object *o, const char *label)
{
    const ProtobufCBinaryData *v = stage_value(o, CKA_LABEL);
    ck_assert(v != NULL && v->len == strlen(label) && (v->len == 0 || memcmp(v->data, label, v->len) == 0));
}

static void sign(const Hsm__Object *o, enum err expected)
{
    struct stage_use use = {
        .key = stage_key(o), .mechanism = CKM_ECDSA, .data = (const uint8_t *)"thirty-two bytes of a digest ...", .n = 32};
    stage_sign(ALICE, &use, expected);
}

START_TEST(test_token_object_is_found_by_what_it_has_become)
{
    const Hsm__Object *key, *changed;
    start();
    key = make_key(true);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "after");
    sample_text(&t, CKA_ID, "id");
    changed = stage_one(set(ALICE, key, ERR_OK));
    ck_assert_uint_eq(changed->id, key->id);
    ck_assert_uint_eq(changed->version, key->version + 1);
    ck_label(changed, "after");
    ck_assert_uint_eq(found("before"), 0);
    ck_assert_uint_eq(found("after"), 1);
    sign(key, ERR_OK);
    end();
}
END_TEST

START_TEST(test_use_that_is_taken_away_is_refused_at_once)
{
    const Hsm__Object *key;
    start();
    key = make_key(true);
    sign(key, ERR_OK);
    sample_start(&t);
    sample_bool(&t, CKA_SIGN, false);
    set(ALICE, key, ERR_OK);
    sign(key, ERR_KEY_FUNCTION);
    end();
}
END_TEST

START_TEST(test_only_the_owner_changes_an_object)
{
    const Hsm__Object *key, *public_key;
    start();
    key = make_key(true);
    sample_public(&t, ec);
    sample_bool(&t, CKA_TOKEN, true);
    public_key = stage_one(stage_create(ALICE, &t, ERR_OK));
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "mine");
    set(BOB, key, ERR_OBJECT_HANDLE);
    set(BOB, public_key, ERR_OBJECT_HANDLE);
    set(NOBODY, public_key, ERR_NOT_LOGGED_IN);
    copy(BOB, key, ERR_OBJECT_HANDLE);
    copy(ADMIN, public_key, ERR_PERMISSION);
    sample_start(&t);
    ck_label(stage_one(copy(BOB, public_key, ERR_OK)), ""); /* anybody sees it, so anybody may copy it */
    end();
}
END_TEST

/* What a template makes of C_GenerateKey. */
static const Hsm__Reply *generate(CK_MECHANISM_TYPE type, enum err expected)
{
    static uint8_t salt[16], password[] = "a password";
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Generate call = HSM__GENERATE__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Pbkdf2Params pbkdf2 = HSM__PBKDF2_PARAMS__INIT;

    pbkdf2.prf = CKP_PKCS5_PBKD2_HMAC_SHA256;
    pbkdf2.salt = (ProtobufCBinaryData){.data = salt, .len = sizeof salt};
    pbkdf2.iterations = 100000;
    pbkdf2.password = (ProtobufCBinaryData){.data = password, .len = sizeof password};
    mechanism.type = type;
    if (type == CKM_PKCS5_PBKD2)
        mechanism.pbkdf2 = &pbkdf2;
    call.mechanism = &mechanism;
    call.template_ = &t.message;
    request.of_case = HSM__REQUEST__OF_GENERATE;
    request.generate = &call;
    return stage_ask(ALICE, &request, expected);
}

/* An AES key in the token for wrapping, that an admin may trust; `but`: with this flag the other way. */
static const Hsm__Object *make_wrapping(CK_MECHANISM_TYPE by, CK_ATTRIBUTE_TYPE but)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } flags[] = {{CKA_TOKEN, true},     {CKA_WRAP, true},     {CKA_UNWRAP, true}, {CKA_SENSITIVE, true}, {CKA_EXTRACTABLE, false},
                 {CKA_COPYABLE, false}, {CKA_ENCRYPT, false}, {CKA_DECRYPT, false}, {CKA_DERIVE, false}, {CKA_SIGN, false},
                 {CKA_VERIFY, false},   {CKA_WRAP_WITH_TRUSTED, false}};

    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    sample_ulong(&t, CKA_VALUE_LEN, 32);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        sample_bool(&t, flags[i].type, flags[i].type == but ? !flags[i].value : flags[i].value);
    return stage_one(generate(by, ERR_OK));
}

static void trust(const Hsm__Object *key, enum err expected)
{
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, true);
    set(ADMIN, key, expected);
}

static void set_flag(const Hsm__Object *key, CK_ATTRIBUTE_TYPE type, bool value)
{
    sample_start(&t);
    sample_bool(&t, type, value);
    set(ALICE, key, ERR_OK);
}

/* A block of CKM_AES_ECB, decrypted. */
static void decrypt_block(const Hsm__Object *o, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Decrypt call = HSM__DECRYPT__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__KeyRef key = stage_key(o);
    uint8_t block[16] = {0};

    mechanism.type = CKM_AES_ECB;
    call.mechanism = &mechanism;
    call.key = &key;
    call.data = (ProtobufCBinaryData){.data = block, .len = sizeof block};
    request.of_case = HSM__REQUEST__OF_DECRYPT;
    request.decrypt = &call;
    stage_ask(ALICE, &request, expected);
}

START_TEST(test_an_admin_says_what_is_trusted_and_nothing_else)
{
    const Hsm__Reply *reply;
    const Hsm__Object *key;
    start();
    key = make_wrapping(CKM_AES_KEY_GEN, 0);
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, true);
    set(ALICE, key, ERR_ATTRIBUTE_READ_ONLY);
    reply = set(ADMIN, key, ERR_OK);
    ck_assert_uint_eq(stage_one(reply)->n_attributes, 0); /* he may not see it */
    reply = stage_get(ALICE, &key->id, 1, ERR_OK);
    ck_assert(stage_value(reply->objects->objects[0], CKA_TRUSTED)->data[0] == 1);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "the admin's");
    set(ADMIN, key, ERR_ATTRIBUTE_READ_ONLY);
    end();
}
END_TEST

/* Untrusted again, the key could be given CKA_DECRYPT, and would unwrap what it has wrapped to be read. */
START_TEST(test_nobody_but_an_admin_takes_trust_away)
{
    const Hsm__Object *key;
    start();
    key = make_wrapping(CKM_AES_KEY_GEN, 0);
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, false);
    set(ALICE, key, ERR_OK); /* as it is */
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, true);
    set(ADMIN, key, ERR_OK);
    sample_start(&t);
    sample_bool(&t, CKA_TRUSTED, false);
    set(ALICE, key, ERR_ATTRIBUTE_READ_ONLY);
    copy(ALICE, key, ERR_ACTION_PROHIBITED);
    set(ADMIN, key, ERR_OK);
    end();
}
END_TEST

/* The admin sees nothing of it: the vault looks for him whether another opens what the key wraps. */
START_TEST(test_a_key_that_is_for_more_than_wrapping_is_not_trusted)
{
    static const CK_ATTRIBUTE_TYPE steps[] = {CKA_COPYABLE, CKA_EXTRACTABLE, CKA_ENCRYPT, CKA_DECRYPT, CKA_DERIVE, CKA_SIGN, CKA_VERIFY};
    const Hsm__Object *key;
    start();
    trust(make_wrapping(CKM_AES_KEY_GEN, 0), ERR_OK);
    trust(make_wrapping(CKM_AES_KEY_GEN, CKA_SENSITIVE), ERR_OK); /* which is not shown either: it is not extractable */
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        key = make_wrapping(CKM_AES_KEY_GEN, steps[i]);
        trust(key, ERR_ACTION_PROHIBITED);
        set_flag(key, steps[i], false);
        trust(key, ERR_ACTION_PROHIBITED); /* what was done with it, or is of it, stays so */
    }
    for (size_t i = 2; i < sizeof steps / sizeof steps[0]; i++) {
        key = make_wrapping(CKM_AES_KEY_GEN, 0);
        set_flag(key, steps[i], true);
        set_flag(key, steps[i], false);
        trust(key, ERR_ACTION_PROHIBITED);
        key = make_wrapping(CKM_AES_KEY_GEN, 0);
        trust(key, ERR_OK);
        sample_start(&t);
        sample_bool(&t, steps[i], true);
        set(ALICE, key, ERR_ACTION_PROHIBITED);
    }
    end();
}
END_TEST

/* A second key of the same value opens what the first has wrapped. */
START_TEST(test_a_key_that_may_have_a_twin_is_not_trusted)
{
    const Hsm__Object *key, *first;
    start();
    key = make_wrapping(CKM_AES_KEY_GEN, CKA_COPYABLE); /* a copy in the token, made before */
    sample_start(&t);
    sample_bool(&t, CKA_DECRYPT, true);
    decrypt_block(stage_one(copy(ALICE, key, ERR_OK)), ERR_OK);
    set_flag(key, CKA_COPYABLE, false);
    trust(key, ERR_ACTION_PROHIBITED);
    key = make_wrapping(CKM_AES_KEY_GEN, CKA_EXTRACTABLE); /* which had come back */
    set_flag(key, CKA_WRAP_WITH_TRUSTED, true);
    trust(key, ERR_ACTION_PROHIBITED);
    trust(make_wrapping(CKM_PKCS5_PBKD2, 0), ERR_ACTION_PROHIBITED);
    sample_start(&t); /* his own value */
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    sample_text(&t, CKA_VALUE, "0123456789abcdef");
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_WRAP, true);
    sample_bool(&t, CKA_COPYABLE, false);
    trust(stage_one(stage_create(ALICE, &t, ERR_OK)), ERR_ACTION_PROHIBITED);
    sample_start(&t); /* a session key with a secret of its own, of which the token key is a copy */
    sample_ulong(&t, CKA_VALUE_LEN, 32);
    sample_bool(&t, CKA_WRAP, true);
    sample_bool(&t, CKA_DECRYPT, true);
    first = stage_one(generate(CKM_AES_KEY_GEN, ERR_OK));
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_DECRYPT, false);
    sample_bool(&t, CKA_COPYABLE, false);
    key = stage_one(copy(ALICE, first, ERR_OK));
    decrypt_block(first, ERR_OK);
    trust(key, ERR_ACTION_PROHIBITED);
    end();
}
END_TEST

/* A template that says what a key is already is no change; of what is not shown, it would be a guess that is answered. */
START_TEST(test_a_copys_template_does_not_tell_what_is_not_shown)
{
    const Hsm__Object *key;
    start();
    for (int hidden = 0; hidden < 2; hidden++) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
        sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        sample_text(&t, CKA_VALUE, "7");
        sample_bool(&t, CKA_SENSITIVE, hidden);
        sample_bool(&t, CKA_EXTRACTABLE, true);
        key = stage_one(stage_create(ALICE, &t, ERR_OK));
        sample_start(&t);
        sample_text(&t, CKA_VALUE, "8");
        copy(ALICE, key, ERR_ATTRIBUTE_READ_ONLY);
        sample_start(&t);
        sample_text(&t, CKA_VALUE, "7");
        copy(ALICE, key, hidden ? ERR_ATTRIBUTE_READ_ONLY : ERR_OK);
    }
    end();
}
END_TEST

START_TEST(test_session_copy_of_a_token_key_dies_with_it)
{
    const Hsm__Object *key, *first, *second;
    start();
    key = make_key(true);
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    first = stage_one(copy(ALICE, key, ERR_OK));
    ck_assert(first->id == 0 && first->sealed.len > 0);
    sample_start(&t);
    second = stage_one(copy(ALICE, first, ERR_OK));
    sign(first, ERR_OK);
    sign(second, ERR_OK);
    sample_text(&t, CKA_LABEL, "renamed");
    second = stage_one(set(ALICE, second, ERR_OK));
    ck_label(second, "renamed");
    sign(second, ERR_OK);
    stage_destroy(ALICE, key->id, ERR_OK);
    sign(first, ERR_KEY_HANDLE);
    sign(second, ERR_KEY_HANDLE);
    copy(ALICE, first, ERR_OBJECT_HANDLE);
    set(ALICE, first, ERR_OBJECT_HANDLE);
    end();
}
END_TEST

/* The seal holds the copy's attributes and no key: else who keeps an old copy would keep the key. */
START_TEST(test_session_copy_has_no_secret_of_its_own)
{
    const Hsm__Object *own, *key, *reference;
    start();
    own = make_key(false);
    key = make_key(true);
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    reference = stage_one(copy(ALICE, key, ERR_OK));
    ck_assert_uint_lt(reference->sealed.len + 20, own->sealed.len);
    end();
}
END_TEST

START_TEST(test_token_copy_lives_on_its_own)
{
    const Hsm__Object *key, *session, *other;
    start();
    key = make_key(true);
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    session = stage_one(copy(ALICE, key, ERR_OK));
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    sample_text(&t, CKA_LABEL, "copy");
    other = stage_one(copy(ALICE, session, ERR_OK));
    ck_assert(other->id != 0 && other->id != key->id);
    stage_destroy(ALICE, key->id, ERR_OK);
    sign(other, ERR_OK);
    ck_assert_uint_eq(found("copy"), 1);
    end();
}
END_TEST

START_TEST(test_extractable_value_is_shown_in_a_session_copy_until_it_is_closed)
{
    const Hsm__Object *key, *session;
    start();
    sample_private(&t, ec, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_SENSITIVE, false);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    key = stage_one(stage_create(ALICE, &t, ERR_OK));
    ck_assert_ptr_nonnull(stage_value(key, CKA_VALUE));
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    session = stage_one(copy(ALICE, key, ERR_OK));
    ck_assert_ptr_nonnull(stage_value(session, CKA_VALUE));
    sample_start(&t);
    sample_bool(&t, CKA_SENSITIVE, true);
    session = stage_one(set(ALICE, session, ERR_OK));
    ck_assert(stage_value(session, CKA_VALUE) == NULL && stage_hides(session, CKA_VALUE));
    sample_start(&t);
    sample_bool(&t, CKA_SENSITIVE, false);
    set(ALICE, session, ERR_ATTRIBUTE_READ_ONLY);
    copy(ALICE, session, ERR_ATTRIBUTE_READ_ONLY);
    end();
}
END_TEST

/* It was made while the key was open. */
START_TEST(test_session_copy_is_closed_with_its_original)
{
    const Hsm__Object *key, *session;
    start();
    sample_private(&t, ec, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_SENSITIVE, false);
    sample_bool(&t, CKA_EXTRACTABLE, true);
    key = stage_one(stage_create(ALICE, &t, ERR_OK));
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    session = stage_one(copy(ALICE, key, ERR_OK));
    set_flag(key, CKA_SENSITIVE, true);
    set_flag(key, CKA_EXTRACTABLE, false);
    set_flag(key, CKA_WRAP_WITH_TRUSTED, true);
    sample_start(&t);
    key = stage_one(set(ALICE, session, ERR_OK));
    ck_assert(stage_value(key, CKA_VALUE) == NULL && stage_value(key, CKA_SENSITIVE)->data[0] == 1);
    ck_assert(stage_value(key, CKA_EXTRACTABLE)->data[0] == 0 && stage_value(key, CKA_WRAP_WITH_TRUSTED)->data[0] == 1);
    end();
}
END_TEST

START_TEST(test_session_copy_cannot_be_copied_where_its_original_cannot)
{
    const Hsm__Object *key, *session;
    start();
    key = make_key(true);
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, false);
    session = stage_one(copy(ALICE, key, ERR_OK));
    set_flag(key, CKA_COPYABLE, false);
    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    copy(ALICE, session, ERR_ACTION_PROHIBITED);
    end();
}
END_TEST

START_TEST(test_another_users_session_object_is_none)
{
    const Hsm__Object *key;
    start();
    key = make_key(false);
    sample_start(&t);
    copy(BOB, key, ERR_OBJECT_HANDLE);
    sample_text(&t, CKA_LABEL, "bob's");
    set(BOB, key, ERR_OBJECT_HANDLE);
    end();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_token_object_is_found_by_what_it_has_become,
        &test_use_that_is_taken_away_is_refused_at_once,
        &test_only_the_owner_changes_an_object,
        &test_an_admin_says_what_is_trusted_and_nothing_else,
        &test_nobody_but_an_admin_takes_trust_away,
        &test_a_key_that_is_for_more_than_wrapping_is_not_trusted,
        &test_a_key_that_may_have_a_twin_is_not_trusted,
        &test_a_copys_template_does_not_tell_what_is_not_shown,
        &test_session_copy_of_a_token_key_dies_with_it,
        &test_session_copy_has_no_secret_of_its_own,
        &test_token_copy_lives_on_its_own,
        &test_extractable_value_is_shown_in_a_session_copy_until_it_is_closed,
        &test_session_copy_is_closed_with_its_original,
        &test_session_copy_cannot_be_copied_where_its_original_cannot,
        &test_another_users_session_object_is_none,
        NULL,
    };

    return suite_of("op_change", 60, tests);
}
