#include "crypto/cluster_name.h"

#include "tests/unit/runner.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509.h>

static const uint8_t id[CLUSTER_ID_BYTES] = {0x00, 0xab, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};

static bool read_name(const char *first, const char *second, int bytes, uint8_t out[CLUSTER_ID_BYTES])
{
    X509_NAME *name = X509_NAME_new();
    bool ok;

    if (first != NULL)
        ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)first, bytes, -1, 0), 1);
    if (second != NULL)
        ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)second, -1, -1, 0), 1);
    ok = cluster_name_read(name, out);
    X509_NAME_free(name);
    return ok;
}

START_TEST(test_cluster_name_tells_the_id)
{
    uint8_t out[CLUSTER_ID_BYTES] = {0};
    char name[CLUSTER_NAME_BYTES];

    cluster_name(id, name);
    ck_assert_str_eq(name, "cluster-00ab02030405060708090a0b0c0d0eff");
    ck_assert(read_name(name, NULL, -1, out));
    ck_assert_mem_eq(out, id, sizeof id);
    memset(out, 0, sizeof out);
    ck_assert(read_name(name + 8, NULL, -1, out));
    ck_assert_mem_eq(out, id, sizeof id);
}
END_TEST

START_TEST(test_other_names_are_no_clusters)
{
    static const char *const others[] = {"web1", "cluster-", "cluster-00ab", "cluster-00ab02030405060708090a0b0c0d0ef",
        "cluster-00ab02030405060708090a0b0c0d0effff", "cluster-00ab02030405060708090a0b0c0d0exx", " 00ab02030405060708090a0b0c0d0eff",
        "Cluster-00ab02030405060708090a0b0c0d0eff", "00ab0203-0405-0607-0809-0a0b0c0d0eff"};
    static const char with_zero[] = "cluster-00ab02030405060708090a0b0c0d0e\0f";
    uint8_t out[CLUSTER_ID_BYTES];

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!read_name(others[i], NULL, -1, out), "%s", others[i]);
    ck_assert(!read_name(NULL, NULL, -1, out));
    ck_assert(!read_name(with_zero, NULL, sizeof with_zero - 1, out));
    ck_assert_msg(!read_name("cluster-00ab02030405060708090a0b0c0d0eff", "web1", -1, out), "of two names none counts");
    ck_assert(!cluster_name_read(NULL, out));
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_cluster_name_tells_the_id, &test_other_names_are_no_clusters, NULL};
    return suite_of("cluster_name", 30, tests);
}
