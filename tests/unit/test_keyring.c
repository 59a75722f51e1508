/* Views of a keyring: they never change, and what is shown next is never older. */
#include "vault/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tests/unit/runner.h"
#include "vault/provider/agree.h"

static OSSL_LIB_CTX *libctx;
static struct keyring *ring;
static const uint8_t id[16] = {1, 2, 3};

static enum err set_cluster(void)
{
    struct master *m = NULL;
    struct secret login = {0};
    enum err e;

    ck_assert_int_eq(master_new(libctx, &m), ERR_OK);
    ck_assert_int_eq(master_add(m, 1, NULL), ERR_OK);
    ck_assert_int_eq(agree_generate(libctx, &login), ERR_OK);
    e = keyring_set_cluster(ring, id, m, &login);
    secret_clear(&login);
    return e;
}

static Hsm__ClusterBody *body_of(uint64_t epoch)
{
    Hsm__ClusterBody b = HSM__CLUSTER_BODY__INIT;
    uint8_t packed[64];

    b.trust_epoch = epoch;
    return hsm__cluster_body__unpack(NULL, hsm__cluster_body__pack(&b, packed), packed);
}

static void set_up(void)
{
    libctx = OSSL_LIB_CTX_new();
    ring = keyring_new(libctx);
    ck_assert_ptr_nonnull(ring);
}

static void tear_down(void)
{
    keyring_free(ring);
    OSSL_LIB_CTX_free(libctx);
}

START_TEST(test_new_ring_shows_nothing_and_is_locked)
{
    ck_assert_ptr_null(keyring_view(ring));
    ck_assert_ptr_null(keyring_identity(ring));
    ck_assert_int_eq(keyring_seal(ring)->kind, SEAL_NONE);
    ck_assert_int_eq(keyring_set_body(ring, 1, body_of(1)), ERR_WRONG_STATE);
}
END_TEST

START_TEST(test_cluster_is_set_once)
{
    ck_assert_int_eq(set_cluster(), ERR_OK);
    ck_assert_int_eq(set_cluster(), ERR_WRONG_STATE);
    const struct cluster_view *v = keyring_view(ring);
    ck_assert_mem_eq(v->cluster_id, id, sizeof id);
    ck_assert_uint_eq(v->login_private->len, 32);
    ck_assert_uint_eq(master_epoch(v->master), 1);
    ck_assert_ptr_null(v->body);
    ck_assert_uint_eq(v->version, 0);
    keyring_view_done(ring, v);
}
END_TEST

START_TEST(test_master_without_an_epoch_is_no_cluster)
{
    struct master *m = NULL;
    struct secret login = {0};

    ck_assert_int_eq(master_new(libctx, &m), ERR_OK);
    ck_assert_int_eq(agree_generate(libctx, &login), ERR_OK);
    ck_assert_int_eq(keyring_set_cluster(ring, id, m, &login), ERR_FORGED);
    ck_assert_ptr_null(keyring_view(ring));
    secret_clear(&login);
}
END_TEST

START_TEST(test_view_stays_as_it_was_when_the_record_changes)
{
    ck_assert_int_eq(set_cluster(), ERR_OK);
    ck_assert_int_eq(keyring_set_body(ring, 1, body_of(11)), ERR_OK);
    const struct cluster_view *before = keyring_view(ring);
    ck_assert_int_eq(keyring_set_body(ring, 2, body_of(12)), ERR_OK);
    const struct cluster_view *after = keyring_view(ring);
    ck_assert_uint_eq(before->version, 1);
    ck_assert_uint_eq(before->body->trust_epoch, 11);
    ck_assert_uint_eq(after->version, 2);
    ck_assert_uint_eq(after->body->trust_epoch, 12);
    ck_assert_ptr_eq(before->master, after->master);
    keyring_view_done(ring, before);
    keyring_view_done(ring, after);
}
END_TEST

START_TEST(test_older_record_is_refused_and_changes_nothing)
{
    ck_assert_int_eq(set_cluster(), ERR_OK);
    ck_assert_int_eq(keyring_set_body(ring, 5, body_of(5)), ERR_OK);
    ck_assert_int_eq(keyring_set_body(ring, 4, body_of(4)), ERR_STALE);
    const struct cluster_view *v = keyring_view(ring);
    ck_assert_uint_eq(v->body->trust_epoch, 5);
    keyring_view_done(ring, v);
}
END_TEST

/* ---- many threads */

enum { READERS = 3, VERSIONS = 2000 };

static atomic_bool stop;
static atomic_int faults;

static void *read_views(void *arg)
{
    uint64_t last = 0;

    (void)arg;
    while (!atomic_load(&stop)) {
        const struct cluster_view *v = keyring_view(ring);
        if (v->version < last || (v->body != NULL && v->body->trust_epoch != v->version))
            atomic_fetch_add(&faults, 1);
        last = v->version;
        keyring_view_done(ring, v);
    }
    return NULL;
}

static void *write_views(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= VERSIONS; i++) {
        enum err e = keyring_set_body(ring, i, body_of(i));
        if (e != ERR_OK && e != ERR_STALE)
            atomic_fetch_add(&faults, 1);
    }
    return NULL;
}

START_TEST(test_readers_of_all_threads_never_see_an_older_version_after_a_newer)
{
    pthread_t readers[READERS], writers[2];

    ck_assert_int_eq(set_cluster(), ERR_OK);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_views, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&writers[i], NULL, write_views, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    ck_assert_int_eq(atomic_load(&faults), 0);
    const struct cluster_view *v = keyring_view(ring);
    ck_assert_uint_eq(v->version, VERSIONS);
    keyring_view_done(ring, v);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("keyring");
    TCase *tc = tcase_create("keyring");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_new_ring_shows_nothing_and_is_locked);
    tcase_add_test(tc, test_cluster_is_set_once);
    tcase_add_test(tc, test_master_without_an_epoch_is_no_cluster);
    tcase_add_test(tc, test_view_stays_as_it_was_when_the_record_changes);
    tcase_add_test(tc, test_older_record_is_refused_and_changes_nothing);
    tcase_add_test(tc, test_readers_of_all_threads_never_see_an_older_version_after_a_newer);
    suite_add_tcase(s, tc);
    return s;
}
