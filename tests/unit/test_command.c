/* Commands that only vaults can make. */
#include "vault/command.h"

#include <openssl/crypto.h>

#include "tests/unit/runner.h"

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

/* A command that erases record 9, into `packed`. */
static void seal(void)
{
    static uint8_t cluster[16] = "cluster", request[16] = "request";
    Hsm__CommandBody body = HSM__COMMAND_BODY__INIT;
    Hsm__Change change, *changes[] = {&change};
    hsm__change__init(&change);
    change.of_case = HSM__CHANGE__OF_ERASE;
    change.erase = 9;
    body.cluster_id = (ProtobufCBinaryData){.data = cluster, .len = sizeof cluster};
    body.request_id = (ProtobufCBinaryData){.data = request, .len = sizeof request};
    body.changes = changes;
    body.n_changes = 1;
    buffer_reset(&packed);
    ck_assert_int_eq(command_seal(master, &body, &packed), ERR_OK);
}

START_TEST(test_command_of_a_vault_is_genuine)
{
    setup();
    seal();
    ck_assert_int_eq(command_check(master, packed.data, packed.len), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_any_flipped_bit_of_a_command_is_noticed)
{
    setup();
    seal();
    for (size_t bit = 0; bit < packed.len * 8; bit++) {
        packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(command_check(master, packed.data, packed.len), ERR_FORGED);
        packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_eq(command_check(master, packed.data, packed.len), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_truncated_command_is_forged)
{
    setup();
    seal();
    for (size_t n = 0; n < packed.len; n++)
        ck_assert_int_eq(command_check(master, packed.data, n), ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_command_of_another_cluster_is_forged)
{
    struct master *other = NULL;
    setup();
    seal();
    ck_assert_int_eq(master_new(libctx, &other), ERR_OK);
    ck_assert_int_eq(master_add(other, 1, NULL), ERR_OK);
    ck_assert_int_eq(command_check(other, packed.data, packed.len), ERR_FORGED);
    master_free(other);
    teardown();
}
END_TEST

START_TEST(test_command_stays_genuine_when_the_master_key_rotates)
{
    setup();
    seal();
    ck_assert_int_eq(master_add(master, 2, NULL), ERR_OK);
    ck_assert_int_eq(command_check(master, packed.data, packed.len), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_command_is_not_made_without_a_master_key)
{
    Hsm__CommandBody body = HSM__COMMAND_BODY__INIT;
    struct master *empty = NULL;
    setup();
    ck_assert_int_eq(master_new(libctx, &empty), ERR_OK);
    ck_assert_int_eq(command_seal(empty, &body, &packed), ERR_FORGED);
    ck_assert_uint_eq(packed.len, 0);
    master_free(empty);
    teardown();
}
END_TEST

START_TEST(test_batch_gets_one_verdict_a_command_in_order)
{
    uint8_t junk[] = {1, 2, 3};
    struct buffer good = {0};
    Hsm__CheckBatch batch = HSM__CHECK_BATCH__INIT;
    setup();
    seal();
    ProtobufCBinaryData commands[] = {{.data = packed.data, .len = packed.len},
                                      {.data = junk, .len = sizeof junk},
                                      {.data = packed.data, .len = packed.len}};
    batch.commands = commands;
    batch.n_commands = 3;
    ck_assert_int_eq(command_check_batch(master, &batch, &good), ERR_OK);
    ck_assert_uint_eq(good.len, 3);
    ck_assert_mem_eq(good.data, "\1\0\1", 3);
    buffer_clear(&good);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_command_of_a_vault_is_genuine, &test_any_flipped_bit_of_a_command_is_noticed,
        &test_truncated_command_is_forged, &test_command_of_another_cluster_is_forged,
        &test_command_stays_genuine_when_the_master_key_rotates, &test_command_is_not_made_without_a_master_key,
        &test_batch_gets_one_verdict_a_command_in_order, NULL};
    return suite_of("command", 20, tests);
}
