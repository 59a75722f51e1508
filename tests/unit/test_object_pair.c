/* Key pairs by two templates. */
#include "vault/object/pair.h"

#include <string.h>

#include "proto/attribute.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"

static struct sample_template public_template, private_template;
static Hsm__Mechanism mechanism;
static Hsm__GeneratePair call;
static struct pair p;
static struct diag why;

static void start(CK_MECHANISM_TYPE type)
{
    sample_start(&public_template);
    sample_start(&private_template);
    hsm__mechanism__init(&mechanism);
    mechanism.type = type;
    hsm__generate_pair__init(&call);
    call.mechanism = &mechanism;
    call.public_template = &public_template.message;
    call.private_template = &private_template.message;
}

static CK_MECHANISM_TYPE generator_of(const struct curve *c)
{
    return c->key_type == CKK_EC           ? CKM_EC_KEY_PAIR_GEN
           : c->key_type == CKK_EC_EDWARDS ? CKM_EC_EDWARDS_KEY_PAIR_GEN
                                           : CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
}

static void start_ec(const char *name)
{
    start(generator_of(curve_by_name(name)));
    sample_bytes(&public_template, CKA_EC_PARAMS, curve_by_name(name)->params, curve_by_name(name)->params_bytes);
}

static void start_rsa(CK_ULONG bits)
{
    start(CKM_RSA_PKCS_KEY_PAIR_GEN);
    sample_ulong(&public_template, CKA_MODULUS_BITS, bits);
}

static enum err read_call(void)
{
    diag_clear(&why);
    return pair_read(NULL, &call, sample_memory(), &p, &why);
}

static void make(void)
{
    struct key *k = NULL;
    ck_assert_msg(read_call() == ERR_OK, "%s", why.what);
    ck_assert_int_eq(pair_generate(NULL, &p, &k), ERR_OK);
    ck_assert_msg(pair_complete(&p.public_half, k, &why) == ERR_OK, "%s", why.what);
    ck_assert_msg(pair_complete(&p.private_half, k, &why) == ERR_OK, "%s", why.what);
    key_free(k);
}

static void refused(enum err expected, const char *word)
{
    enum err e = read_call();
    ck_assert_msg(e == expected, "%s, not %s: %s", err_name(e), err_name(expected), why.what);
    ck_assert_msg(strstr(why.what, word) != NULL, "\"%s\" is not in \"%s\"", word, why.what);
}

static void ck_same(CK_ATTRIBUTE_TYPE type)
{
    const struct object_attribute *a = object_find(&p.public_half.object, type);
    const struct object_attribute *b = object_find(&p.private_half.object, type);
    ck_assert_msg(a != NULL && b != NULL && a->n == b->n && memcmp(a->value, b->value, a->n) == 0, "%s",
                  schema_attribute_name(type));
}

static void ck_born_here(const struct object *private_object, CK_MECHANISM_TYPE by)
{
    ck_assert(object_bool(private_object, CKA_LOCAL));
    ck_assert(object_bool(private_object, CKA_SENSITIVE) && object_bool(private_object, CKA_ALWAYS_SENSITIVE));
    ck_assert(!object_bool(private_object, CKA_EXTRACTABLE) && object_bool(private_object, CKA_NEVER_EXTRACTABLE));
    ck_assert_uint_eq(object_ulong(private_object, CKA_KEY_GEN_MECHANISM, 0), by);
    ck_assert_uint_eq(object_ulong(private_object, CKA_CLASS, 0), CKO_PRIVATE_KEY);
    ck_assert(object_bool(private_object, CKA_SIGN) == (by != CKM_EC_MONTGOMERY_KEY_PAIR_GEN));
}

START_TEST(test_ec_pair_shares_its_public_parts)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        start_ec(curve_at(i)->name);
        make();
        ck_same(CKA_EC_PARAMS);
        ck_same(CKA_EC_POINT);
        ck_same(CKA_PUBLIC_KEY_INFO);
        ck_same(CKA_KEY_TYPE);
        ck_same(CKA_KEY_GEN_MECHANISM);
        ck_born_here(&p.private_half.object, generator_of(curve_at(i)));
        ck_assert(object_bool(&p.public_half.object, CKA_VERIFY) == object_bool(&p.private_half.object, CKA_SIGN));
        ck_assert(!object_bool(&p.public_half.object, CKA_PRIVATE));
        ck_assert_uint_eq(object_find(&p.private_half.object, CKA_VALUE)->n, curve_at(i)->field_bytes);
        ck_assert(!object_has(&p.public_half.object, CKA_VALUE));
        ck_assert(!object_has(&p.public_half.object, CKA_MODULUS_BITS));
        sample_memory_free();
    }
}
END_TEST

/* As CloudHSM's programs ask for Ed25519. */
START_TEST(test_curve_says_the_type_where_its_mechanism_does_not)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        const struct curve *c = curve_at(i);
        uint8_t printed[32] = {0x13, (uint8_t)strlen(c->printed)};
        memcpy(printed + 2, c->printed, printed[1]);
        for (int form = 0; form < 2; form++) {
            start(CKM_EC_KEY_PAIR_GEN);
            sample_bytes(&public_template, CKA_EC_PARAMS, form == 0 ? c->params : printed, form == 0 ? c->params_bytes : printed[1] + 2u);
            sample_ulong(&private_template, CKA_KEY_TYPE, c->key_type);
            make();
            ck_same(CKA_EC_PARAMS);
            ck_same(CKA_EC_POINT);
            ck_same(CKA_KEY_TYPE);
            ck_assert_uint_eq(object_ulong(&p.public_half.object, CKA_KEY_TYPE, 0), c->key_type);
            ck_assert_uint_eq(object_ulong(&p.private_half.object, CKA_KEY_GEN_MECHANISM, 0), CKM_EC_KEY_PAIR_GEN);
            ck_assert_uint_eq(p.proper->type, generator_of(c));
            ck_assert_uint_eq(object_find(&p.private_half.object, CKA_EC_PARAMS)->n, c->params_bytes);
            ck_assert(object_bool(&p.private_half.object, CKA_SIGN) == (c->key_type != CKK_EC_MONTGOMERY));
            ck_assert(object_bool(&p.private_half.object, CKA_DERIVE) == (c->key_type == CKK_EC_MONTGOMERY));
            sample_memory_free();
        }
    }
}
END_TEST

START_TEST(test_curve_and_type_of_key_agree)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        const struct curve *c = curve_at(i);
        static const CK_KEY_TYPE types[] = {CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY, CKK_RSA};
        static const CK_MECHANISM_TYPE others[] = {CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN};
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
            for (int half = 0; half < 2 && types[k] != c->key_type; half++) {
                start(CKM_EC_KEY_PAIR_GEN);
                sample_bytes(&public_template, CKA_EC_PARAMS, c->params, c->params_bytes);
                sample_ulong(half == 0 ? &public_template : &private_template, CKA_KEY_TYPE, types[k]);
                refused(ERR_TEMPLATE_INCONSISTENT, "CKA_KEY_TYPE");
            }
        }
        for (size_t k = 0; k < 2; k++) {
            start(others[k]);
            sample_bytes(&public_template, CKA_EC_PARAMS, c->params, c->params_bytes);
            if (others[k] == generator_of(c))
                ck_assert_int_eq(read_call(), ERR_OK);
            else
                refused(ERR_CURVE, "CKA_EC_PARAMS");
        }
    }
    /* Which curve it is, is said once. */
    start_ec("P-256");
    sample_bytes(&public_template, CKA_EC_PARAMS, curve_by_name("ED25519")->params, curve_by_name("ED25519")->params_bytes);
    refused(ERR_TEMPLATE_INCONSISTENT, "given twice");
    start(CKM_EC_KEY_PAIR_GEN);
    sample_bytes(&public_template, CKA_EC_PARAMS, curve_by_name("ED25519")->params, curve_by_name("ED25519")->params_bytes);
    sample_bytes(&private_template, CKA_EC_PARAMS, curve_by_name("P-256")->params, curve_by_name("P-256")->params_bytes);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_EC_PARAMS differs");
    sample_memory_free();
}
END_TEST

START_TEST(test_rsa_pair_shares_its_public_parts)
{
    start_rsa(2048);
    sample_bool(&private_template, CKA_DECRYPT, true);
    sample_bool(&private_template, CKA_SIGN, true);
    sample_bool(&public_template, CKA_ENCRYPT, true);
    make();
    ck_same(CKA_MODULUS);
    ck_same(CKA_PUBLIC_EXPONENT);
    ck_same(CKA_PUBLIC_KEY_INFO);
    ck_born_here(&p.private_half.object, CKM_RSA_PKCS_KEY_PAIR_GEN);
    ck_assert_uint_eq(object_find(&p.public_half.object, CKA_PUBLIC_EXPONENT)->n, 3);
    ck_assert_uint_eq(object_ulong(&p.public_half.object, CKA_MODULUS_BITS, 0), 2048);
    ck_assert(object_bool(&p.public_half.object, CKA_ENCRYPT) && !object_bool(&p.public_half.object, CKA_VERIFY));
    ck_assert(!object_has(&p.public_half.object, CKA_PRIVATE_EXPONENT));
    sample_memory_free();
}
END_TEST

START_TEST(test_pair_that_may_leave_says_so_for_ever)
{
    start_ec("P-256");
    sample_bool(&private_template, CKA_SENSITIVE, false);
    sample_bool(&private_template, CKA_EXTRACTABLE, true);
    make();
    ck_assert(!object_bool(&p.private_half.object, CKA_ALWAYS_SENSITIVE));
    ck_assert(!object_bool(&p.private_half.object, CKA_NEVER_EXTRACTABLE));
    sample_memory_free();
}
END_TEST

START_TEST(test_each_half_has_its_own_place)
{
    start_ec("P-256");
    sample_bool(&private_template, CKA_TOKEN, true);
    ck_assert_int_eq(read_call(), ERR_OK);
    ck_assert(!p.public_half.token && p.private_half.token);
    start_ec("P-256");
    sample_bool(&public_template, CKA_TOKEN, true);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_TOKEN");
    sample_memory_free();
}
END_TEST

START_TEST(test_pair_is_refused_before_it_is_made)
{
    Hsm__PssParams pss = HSM__PSS_PARAMS__INIT;
    start(CKM_RSA_PKCS);
    refused(ERR_MECHANISM, "");
    call.mechanism = NULL;
    refused(ERR_MECHANISM, "");
    start_rsa(2048);
    mechanism.pss = &pss;
    refused(ERR_MECHANISM_PARAM, "");
    start(CKM_RSA_PKCS_KEY_PAIR_GEN);
    refused(ERR_TEMPLATE_INCOMPLETE, "CKA_MODULUS_BITS is missing");
    start_rsa(1023);
    refused(ERR_KEY_SIZE, "1024 to 8192");
    start_rsa(8193);
    refused(ERR_KEY_SIZE, "CKA_MODULUS_BITS");
    start_rsa(2048);
    sample_bytes(&public_template, CKA_PUBLIC_EXPONENT, "\3", 1);
    refused(ERR_ATTRIBUTE_VALUE, "CKA_PUBLIC_EXPONENT");
    start_rsa(2048);
    sample_bytes(&public_template, CKA_PUBLIC_EXPONENT, "\1\0\0\0\0\0\0\0\1", 9);
    refused(ERR_ATTRIBUTE_VALUE, "CKA_PUBLIC_EXPONENT");
    start_rsa(2048);
    sample_bytes(&private_template, CKA_PUBLIC_EXPONENT, "\1\0\3", 3);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_PUBLIC_EXPONENT differs");
    start(CKM_EC_KEY_PAIR_GEN);
    refused(ERR_TEMPLATE_INCOMPLETE, "CKA_EC_PARAMS is missing");
    sample_bytes(&public_template, CKA_EC_PARAMS, "\6\5\x2b\x81\4\0\x08", 7); /* secp160r1 */
    refused(ERR_CURVE, "CKA_EC_PARAMS");
    start_ec("P-256");
    sample_bytes(&private_template, CKA_EC_PARAMS, curve_by_name("P-384")->params,
                 curve_by_name("P-384")->params_bytes);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_EC_PARAMS differs");
    start_ec("P-256");
    sample_ulong(&public_template, CKA_CLASS, CKO_PRIVATE_KEY);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_CLASS");
    start_ec("P-256");
    sample_ulong(&private_template, CKA_KEY_TYPE, CKK_RSA);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_KEY_TYPE");
    start_ec("P-256");
    sample_bytes(&private_template, CKA_VALUE, "x", 1);
    refused(ERR_ATTRIBUTE_READ_ONLY, "CKA_VALUE cannot be given");
    start_ec("P-256");
    sample_bool(&private_template, CKA_PRIVATE, false);
    ck_assert_int_eq(read_call(), ERR_OK);
    sample_bool(&private_template, CKA_ALWAYS_AUTHENTICATE, true);
    refused(ERR_TEMPLATE_INCONSISTENT, "CKA_PRIVATE");
    sample_memory_free();
}
END_TEST

START_TEST(test_size_that_is_not_the_keys_is_found)
{
    struct key *k = NULL;
    start_ec("P-256");
    sample_ulong(&public_template, CKA_MODULUS_BITS, 2048);
    ck_assert_int_eq(read_call(), ERR_OK);
    ck_assert_int_eq(pair_generate(NULL, &p, &k), ERR_OK);
    ck_assert_int_eq(pair_complete(&p.public_half, k, &why), ERR_TEMPLATE_INCONSISTENT);
    ck_assert_ptr_nonnull(strstr(why.what, "has no CKA_MODULUS_BITS"));
    key_free(k);
    sample_memory_free();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_ec_pair_shares_its_public_parts,
        &test_curve_says_the_type_where_its_mechanism_does_not,
        &test_curve_and_type_of_key_agree,
        &test_rsa_pair_shares_its_public_parts,
        &test_pair_that_may_leave_says_so_for_ever,
        &test_each_half_has_its_own_place,
        &test_pair_is_refused_before_it_is_made,
        &test_size_that_is_not_the_keys_is_found,
        NULL,
    };

    return suite_of("object_pair", 60, tests);
}
