/* Work that takes seconds (vault/work.h, work_lengthy): what is such, and that it is so for one step. */
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/works.h"

/* Domain parameters as a session object. */
static void begin_domain(CK_MECHANISM_TYPE type, CK_ULONG bits)
{
    static struct sample_template t;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Generate generate = HSM__GENERATE__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    mechanism.type = type;
    sample_start(&t);
    sample_ulong(&t, CKA_PRIME_BITS, bits);
    generate.mechanism = &mechanism;
    generate.template_ = &t.message;
    r.of_case = HSM__REQUEST__OF_GENERATE;
    r.generate = &generate;
    works_new_request();
    works_begin(&r, false);
}

static enum err reply_error(void)
{
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_REPLY);
    return own_front_reply(&works.front, works.channel, &works.request, NULL);
}

START_TEST(test_domain_parameters_are_searched_for_on_the_pool)
{
    works_setup(true);
    begin_domain(CKM_DH_PKCS_PARAMETER_GEN, 2048);
    ck_assert_uint_eq(works.front.n_jobs, 0);
    ck_assert_int_eq(reply_error(), ERR_OK);
    begin_domain(CKM_DSA_PARAMETER_GEN, 512); /* what is wrong is told without waiting */
    ck_assert_uint_eq(works.front.n_jobs, 0);
    ck_assert_int_eq(reply_error(), ERR_ATTRIBUTE_VALUE);
    begin_domain(CKM_DSA_PARAMETER_GEN, 1024);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(engine_job_is_lengthy(works.front.jobs[0]));
    own_front_run_job(&works.front);
    ck_assert_int_eq(reply_error(), ERR_OK);
    works_teardown();
}
END_TEST

static void begin_rsa_pair(CK_ULONG bits)
{
    static struct sample_template halves[2];
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    r.of_case = HSM__REQUEST__OF_GENERATE_PAIR;
    r.generate_pair = &pair;
    mechanism.type = CKM_RSA_PKCS_KEY_PAIR_GEN;
    pair.mechanism = &mechanism;
    sample_start(&halves[0]);
    sample_ulong(&halves[0], CKA_MODULUS_BITS, bits);
    sample_start(&halves[1]);
    pair.public_template = &halves[0].message, pair.private_template = &halves[1].message;
    works_new_request();
    works_begin(&r, false);
}

/* It would take its time. */
static void give_back(void)
{
    engine_job_drop(works.front.jobs[0]);
    works.front.n_jobs = 0;
}

START_TEST(test_long_rsa_pairs_are_made_one_at_a_time)
{
    works_setup(true);
    begin_rsa_pair(2048);
    own_front_run_job(&works.front);
    ck_assert_int_eq(reply_error(), ERR_OK);
    begin_rsa_pair(8192);
    own_front_run_job(&works.front);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(engine_job_is_lengthy(works.front.jobs[0]));
    give_back();
    works_teardown();
}
END_TEST

static void ck_lengthy(Hsm__Request *r, bool lengthy)
{
    works_setup(true);
    works_new_request();
    works_begin(r, false);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert_int_eq(engine_job_is_lengthy(works.front.jobs[0]), lengthy);
    give_back();
    works_teardown();
}

START_TEST(test_keys_of_passwords_are_lengthy_with_many_iterations)
{
    static struct sample_template t;
    static uint8_t text[] = "a password, or a salt";
    Hsm__Pbkdf2Params p = HSM__PBKDF2_PARAMS__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__Generate generate = HSM__GENERATE__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    p.prf = CKP_PKCS5_PBKD2_HMAC_SHA512;
    p.password.data = p.salt.data = text, p.password.len = p.salt.len = sizeof text;
    mechanism.type = CKM_PKCS5_PBKD2, mechanism.pbkdf2 = &p;
    sample_start(&t);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    sample_ulong(&t, CKA_VALUE_LEN, 32);
    generate.mechanism = &mechanism, generate.template_ = &t.message;
    r.of_case = HSM__REQUEST__OF_GENERATE, r.generate = &generate;
    p.iterations = 1000;
    ck_lengthy(&r, false);
    p.iterations = 10000000;
    ck_lengthy(&r, true);
}
END_TEST

START_TEST(test_long_private_keys_from_outside_are_lengthy)
{
    static struct sample_template t;
    static uint8_t n[1024], exponent[] = {1, 0, 1};
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Request r = HSM__REQUEST__INIT;

    memset(n, 0xff, sizeof n);
    for (size_t bytes = 256; bytes <= sizeof n; bytes *= 4) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_PRIVATE_KEY);
        sample_ulong(&t, CKA_KEY_TYPE, CKK_RSA);
        sample_bytes(&t, CKA_MODULUS, n, bytes);
        sample_bytes(&t, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
        sample_bytes(&t, CKA_PRIVATE_EXPONENT, n, bytes - 1);
        create.template_ = &t.message;
        r.of_case = HSM__REQUEST__OF_CREATE, r.create = &create;
        ck_lengthy(&r, bytes == sizeof n);
    }
}
END_TEST

static enum err put_lengthily(struct work *w)
{
    enum err e = work_kept(w) == NULL ? work_lengthy(w) : ERR_OK;

    if (e == ERR_OK && work_kept(w) == NULL)
        work_keep(w, malloc(1), works_release);
    return e == ERR_OK ? works_put(w) : e;
}

/* What comes after the one lengthy step is dear, as it was, and waits for nobody else's. */
START_TEST(test_lengthy_work_is_so_once)
{
    works_setup(true);
    works.did.decide = put_lengthily;
    works_begin_change(false);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(engine_job_is_lengthy(works.front.jobs[0]));
    own_front_run_job(&works.front);
    ck_assert_uint_eq(works.did.decided, 2);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_PROPOSE);
    works_answer_outcome(HSM__OUTCOME_STATUS__OUTCOME_CONFLICT, ERR_OK, NULL, 0);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(!engine_job_is_lengthy(works.front.jobs[0]));
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.released, 1);
    works_teardown();
}
END_TEST

/* Dear for another reason, and lengthy only then. */
static enum err read_dearly_then_lengthily(struct work *w)
{
    enum err e = work_dear(w);

    works.did.decided++;
    if (e == ERR_OK)
        e = work_lengthy(w);
    return e == ERR_OK ? works_reply_empty(w) : e;
}

START_TEST(test_dear_work_may_turn_out_to_be_lengthy)
{
    works_setup(true);
    works.did.read = read_dearly_then_lengthily;
    works_begin_read();
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(!engine_job_is_lengthy(works.front.jobs[0]));
    own_front_run_job(&works.front);
    ck_assert_uint_eq(works.front.n_jobs, 1);
    ck_assert(engine_job_is_lengthy(works.front.jobs[0]));
    ck_assert_int_eq(works_go_on(), ERR_OK);
    ck_assert_uint_eq(works.did.decided, 3);
    works_teardown();
    works_setup(false);
    works.did.read = read_dearly_then_lengthily;
    works_begin_read();
    ck_assert_int_eq(works_go_on(), ERR_OK);
    works_teardown();
}
END_TEST

/* It ends its search and stands in nobody's way then. */
START_TEST(test_search_that_nobody_waits_for_any_more_ends)
{
    uint64_t call;
    works_setup(true);
    begin_domain(CKM_DH_PKCS_PARAMETER_GEN, 2048); /* is answered, so its number is known */
    call = works.front.said->call;
    begin_domain(CKM_DSA_PARAMETER_GEN, 1024);
    own_front_drop(&works.front, call + 1);
    own_front_run_job(&works.front);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_DROPPED);
    ck_assert_uint_eq(works.front.said->call, call + 1);
    begin_domain(CKM_DSA_PARAMETER_GEN, 1024);
    own_front_run_job(&works.front);
    ck_assert_int_eq(reply_error(), ERR_OK);
    works_teardown();
}
END_TEST

/* Who asks and goes away has no part of the time of others. */
START_TEST(test_lengthy_work_that_was_dropped_before_its_turn_is_not_done)
{
    uint64_t call;
    unsigned decided;

    works_setup(true);
    begin_domain(CKM_DH_PKCS_PARAMETER_GEN, 2048); /* is answered, so its number is known */
    call = works.front.said->call;
    works.did.decide = put_lengthily;
    works_new_request();
    works_begin_change(false);
    decided = works.did.decided;
    own_front_drop(&works.front, call + 1);
    own_front_run_job(&works.front);
    own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_DROPPED);
    ck_assert_uint_eq(works.did.decided, decided);
    works_teardown();
}
END_TEST

START_TEST(test_one_user_waits_with_no_more_lengthy_work_than_the_limit)
{
    static struct engine_job *jobs[LENGTHY_PENDING_MAX];

    works_setup(true);
    works.did.decide = put_lengthily;
    for (size_t i = 0; i < LENGTHY_PENDING_MAX; i++) {
        works_new_request();
        works_begin_change(false);
        ck_assert_uint_eq(works.front.n_jobs, 1);
        jobs[i] = works.front.jobs[0];
        works.front.n_jobs = 0;
    }
    works_new_request();
    works_begin_change(false);
    ck_assert_int_eq(reply_error(), ERR_BUSY);
    for (size_t i = 0; i < LENGTHY_PENDING_MAX; i++)
        engine_job_drop(jobs[i]);
    works_teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_domain_parameters_are_searched_for_on_the_pool,
        &test_long_rsa_pairs_are_made_one_at_a_time,
        &test_lengthy_work_is_so_once,
        &test_dear_work_may_turn_out_to_be_lengthy,
        &test_search_that_nobody_waits_for_any_more_ends,
        &test_keys_of_passwords_are_lengthy_with_many_iterations,
        &test_long_private_keys_from_outside_are_lengthy,
        &test_lengthy_work_that_was_dropped_before_its_turn_is_not_done,
        &test_one_user_waits_with_no_more_lengthy_work_than_the_limit, NULL};
    return suite_of("work lengthy", 60, tests);
}
