/* Encapsulation by requests, whatever the module would let through: a public key that the vault knows is used as it says. */
#include <string.h>

#include "proto/parameter_set.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template of_public, of_private, t;

/* In stored form: type, length, value. */
static const uint8_t not_extractable[] = {0, 0, 0, 0, 0, 0, CKA_EXTRACTABLE >> 8, CKA_EXTRACTABLE & 0xff, 0, 0, 0, 1, 0};

static bool open_stage(bool may)
{
    stage_open();
    sample_start(&of_public);
    sample_ulong(&of_public, CKA_PARAMETER_SET, CKP_ML_KEM_512);
    sample_bytes(&of_public, CKA_ENCAPSULATE_TEMPLATE, not_extractable, sizeof not_extractable);
    sample_bool(&of_public, CKA_ENCAPSULATE, may);
    sample_start(&of_private);
    sample_start(&t);
    return parameter_set_makes_here(CKK_ML_KEM);
}

static const Hsm__Reply *encapsulate(enum who who, const Hsm__KeyRef *key, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Encapsulate call = HSM__ENCAPSULATE__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;

    mechanism.type = CKM_ML_KEM;
    call.mechanism = &mechanism;
    call.public_key = (Hsm__KeyRef *)(uintptr_t)key;
    call.template_ = &t.message;
    request.of_case = HSM__REQUEST__OF_ENCAPSULATE;
    request.encapsulate = &call;
    return stage_ask(who, &request, expected);
}

static const Hsm__ObjectsReply *pair(bool token)
{
    sample_bool(&of_public, CKA_TOKEN, token);
    sample_bool(&of_private, CKA_TOKEN, token);
    return stage_pair(ALICE, CKM_ML_KEM_KEY_PAIR_GEN, &of_public, &of_private, ERR_OK)->objects;
}

START_TEST(test_public_keys_template_is_held_by_the_vault)
{
    for (int token = 0; token < 2; token++) {
        if (open_stage(true)) {
            Hsm__KeyRef key = stage_key(pair(token)->objects[0]);
            const Hsm__Object *o = stage_one(encapsulate(ALICE, &key, ERR_OK));
            ck_assert_uint_eq(stage_value(o, CKA_EXTRACTABLE)->data[0], 0);
            sample_bool(&t, CKA_EXTRACTABLE, true);
            encapsulate(ALICE, &key, ERR_TEMPLATE_INCONSISTENT);
        }
        stage_close();
    }
}
END_TEST

START_TEST(test_public_key_without_the_use_encapsulates_nothing)
{
    if (open_stage(false)) {
        const Hsm__ObjectsReply *made = pair(true);
        Hsm__KeyRef key = stage_key(made->objects[0]), private_key = stage_key(made->objects[1]), none = HSM__KEY_REF__INIT;
        encapsulate(ALICE, &key, ERR_KEY_FUNCTION);
        encapsulate(BOB, &key, ERR_KEY_FUNCTION); /* who sees it, as everybody does */
        encapsulate(ALICE, &private_key, ERR_KEY_FUNCTION);
        encapsulate(BOB, &private_key, ERR_KEY_HANDLE);
        encapsulate(ALICE, &none, ERR_KEY_HANDLE);
        encapsulate(ALICE, NULL, ERR_KEY_HANDLE);
    }
    stage_close();
}
END_TEST

/* A key that is nobody's here has no rules but the mechanism's; and is not told to be one that is. */
START_TEST(test_key_that_is_brought_along_stands_alone)
{
    if (open_stage(true)) {
        const Hsm__ObjectsReply *made = pair(true);
        Hsm__KeyRef brought = HSM__KEY_REF__INIT, both;
        brought.info = *stage_value(made->objects[0], CKA_PUBLIC_KEY_INFO);
        sample_bool(&t, CKA_EXTRACTABLE, true);
        encapsulate(ALICE, &brought, ERR_OK);
        both = stage_key(made->objects[0]);
        both.info = brought.info;
        encapsulate(ALICE, &both, ERR_KEY_HANDLE);
    }
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_public_keys_template_is_held_by_the_vault,
        &test_public_key_without_the_use_encapsulates_nothing,
        &test_key_that_is_brought_along_stands_alone,
        NULL,
    };

    return suite_of("op_kem", 60, tests);
}
