#include "daemon/vault_signer.h"

#include "proto/error.h"
#include "proto/vault.pb-c.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static bool broken;
static struct vault_signer signer;
static uint8_t out[80];
static size_t out_len;

static void setup(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert(vault_signer_prepare(fds[0], 100, NULL));
    broken = false;
    signer = (struct vault_signer){.fd = fds[0], .key = VAULT_SIGNER_NODE, .broken = &broken};
}

static void teardown(void)
{
    close(fds[0]);
    close(fds[1]);
}

/* The answer may lie in the pair before the question comes. */
static void answer(enum err error, size_t n)
{
    Hsm__SignAnswer a = HSM__SIGN_ANSWER__INIT;
    uint8_t signature[200], bytes[256] = {0};
    memset(signature, 7, sizeof signature);
    a.error = error;
    a.signature.data = signature;
    a.signature.len = n;
    bytes[3] = (uint8_t)hsm__sign_answer__pack(&a, bytes + 4);
    ck_assert_int_eq(write(fds[1], bytes, 4u + bytes[3]), 4 + bytes[3]);
}

static bool sign(void)
{
    return vault_signer_sign(&signer, "SHA2-256", (const uint8_t *)"text", 4, out, &out_len, sizeof out);
}

START_TEST(test_signer_asks_for_its_key_and_gives_the_signature)
{
    uint8_t got[128];
    answer(ERR_OK, 70);
    ck_assert(sign());
    ck_assert_uint_eq(out_len, 70);
    ck_assert_uint_eq(out[69], 7);
    ssize_t n = read(fds[1], got, sizeof got);
    Hsm__SignCall *c = hsm__sign_call__unpack(NULL, (size_t)n - 4, got + 4);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->key, 2);
    ck_assert_str_eq(c->digest, "SHA2-256");
    ck_assert_mem_eq(c->to_be_signed.data, "text", 4);
    hsm__sign_call__free_unpacked(c, NULL);
}
END_TEST

START_TEST(test_signer_that_refuses_is_asked_again)
{
    answer(ERR_VAULT_LOCKED, 0);
    ck_assert(!sign());
    answer(ERR_OK, 70);
    ck_assert(sign());
}
END_TEST

START_TEST(test_signer_refuses_a_signature_beyond_the_room)
{
    answer(ERR_OK, 81);
    ck_assert(!sign());
}
END_TEST

START_TEST(test_signer_that_is_silent_is_never_believed_again)
{
    ck_assert(!sign());
    answer(ERR_OK, 70);
    ck_assert(!sign());
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("vault_signer");
    TCase *tc = tcase_create("vault_signer");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_signer_asks_for_its_key_and_gives_the_signature);
    tcase_add_test(tc, test_signer_that_refuses_is_asked_again);
    tcase_add_test(tc, test_signer_refuses_a_signature_beyond_the_room);
    tcase_add_test(tc, test_signer_that_is_silent_is_never_believed_again);
    suite_add_tcase(s, tc);
    return s;
}
