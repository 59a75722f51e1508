/* The module-vault channel: against a published Noise vector, and what a front in the middle must not be able to do. */
#include "crypto/channel.h"

#include <string.h>

#include <openssl/crypto.h>

#include "common/hex.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"

/* Noise_NK_25519_AESGCM_SHA256, from the cacophony vectors. */
static const char prologue_hex[] = "4a6f686e2047616c74";
static const char client_e[] = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
static const char server_public[] = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
static const char server_private[] = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
static const char server_e[] = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
static const char handshake_hash[] = "f8a87aa8add4fea6e33365b89637486c2f6564546ce29d1df9ce9abf78c507d7";
static const struct {
    const char *payload;
    const char *ciphertext;
} messages[] = {
    {"4c756477696720766f6e204d69736573",
     "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c794475ab4d66d222457dd414bc5f296bc7b4078cc7d72af5192628b68bca7d28844b"},
    {"4d757272617920526f746862617264",
     "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884303c7d89310502baa8299520ba451624c3c0492e2698f8d457c32400b91fd8a"},
    {"462e20412e20486179656b", "304f70c37c93573099228016d54cb15213af94eb598d1b17df1153"},
    {"4a65616e2d426170746973746520536179", "2e8f3e51888360b2b2d83a64dde9943c7dd3c5e84ac7c4b4e2d5cfc025b6c854d3"},
};

static OSSL_LIB_CTX *libctx;
static struct channel *client, *server;
static struct buffer wire, text;

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
    size_t n = 0;
    ck_assert(hex_decode(hex, out, room, &n));
    return n;
}

static struct channel *make_channel(bool is_client, const char *public_hex, bool fixed)
{
    uint8_t prologue[16], public_key[32], private_key[32], ephemeral[32];
    struct secret private = {0};
    struct channel_setup s = {.libctx = libctx, .prologue = prologue};
    struct channel *c = NULL;

    s.prologue_bytes = unhex(prologue_hex, prologue, sizeof prologue);
    unhex(public_hex, public_key, sizeof public_key);
    unhex(server_private, private_key, sizeof private_key);
    unhex(is_client ? client_e : server_e, ephemeral, sizeof ephemeral);
    ck_assert(secret_copy(&private, private_key, sizeof private_key));
    if (is_client)
        s.server_public = public_key;
    else
        s.server_private = &private;
    if (fixed)
        s.ephemeral = ephemeral;
    ck_assert_int_eq(channel_new(&s, &c), ERR_OK);
    secret_clear(&private);
    return c;
}

static void setup(void)
{
    libctx = OSSL_LIB_CTX_new();
    buffer_init(&wire, 0);
    buffer_init(&text, 0);
}

static void open_channel(void)
{
    struct buffer answer = {0};
    setup();
    client = make_channel(true, server_public, false);
    server = make_channel(false, server_public, false);
    ck_assert_int_eq(channel_write_open(client, NULL, 0, &wire), ERR_OK);
    ck_assert_uint_eq(wire.len, CHANNEL_OPEN_BYTES);
    ck_assert_int_eq(channel_accept(server, wire.data, wire.len, NULL, NULL, 0, &answer), ERR_OK);
    ck_assert_int_eq(channel_read_opened(client, answer.data, answer.len, NULL), ERR_OK);
    buffer_clear(&answer);
    buffer_reset(&wire);
}

static void close_all(void)
{
    channel_free(client);
    channel_free(server);
    client = server = NULL;
    buffer_clear(&wire);
    buffer_clear(&text);
    OSSL_LIB_CTX_free(libctx);
}

static void seal(uint64_t counter, const char *aad, const char *body)
{
    buffer_reset(&wire);
    ck_assert_int_eq(channel_seal(client, counter, (const uint8_t *)aad, strlen(aad), (const uint8_t *)body, strlen(body), &wire), ERR_OK);
}

static enum err open_at_server(uint64_t counter, const char *aad, struct secret *out)
{
    return channel_open(server, counter, (const uint8_t *)aad, strlen(aad), wire.data, wire.len, out);
}

START_TEST(test_handshake_and_bodies_equal_the_published_vector)
{
    uint8_t payload[64], expected[128], hash[32];
    struct buffer got = {0}, sent = {0};
    struct secret opened = {0};
    size_t n, m;

    setup();
    client = make_channel(true, server_public, true);
    server = make_channel(false, server_public, true);
    n = unhex(messages[0].payload, payload, sizeof payload);
    m = unhex(messages[0].ciphertext, expected, sizeof expected);
    ck_assert_int_eq(channel_write_open(client, payload, n, &wire), ERR_OK);
    ck_assert_uint_eq(wire.len, m);
    ck_assert_mem_eq(wire.data, expected, m);

    n = unhex(messages[1].payload, payload, sizeof payload);
    m = unhex(messages[1].ciphertext, expected, sizeof expected);
    ck_assert_int_eq(channel_accept(server, wire.data, wire.len, &got, payload, n, &sent), ERR_OK);
    ck_assert_uint_eq(sent.len, m);
    ck_assert_mem_eq(sent.data, expected, m);
    ck_assert_int_eq(channel_read_opened(client, sent.data, sent.len, &got), ERR_OK);
    ck_assert_uint_eq(got.len, 16 + 15);

    unhex(handshake_hash, hash, sizeof hash);
    ck_assert_mem_eq(channel_hash(client), hash, sizeof hash);
    ck_assert_mem_eq(channel_hash(server), hash, sizeof hash);

    for (uint64_t counter = 0; counter < 2; counter++) {
        n = unhex(messages[2 + counter].payload, payload, sizeof payload);
        m = unhex(messages[2 + counter].ciphertext, expected, sizeof expected);
        buffer_reset(&wire);
        ck_assert_int_eq(channel_seal(client, counter, NULL, 0, payload, n, &wire), ERR_OK);
        ck_assert_uint_eq(wire.len, m);
        ck_assert_mem_eq(wire.data, expected, m);
        ck_assert_int_eq(channel_open(server, counter, NULL, 0, wire.data, wire.len, &opened), ERR_OK);
        ck_assert_mem_eq(opened.bytes, payload, n);
        secret_clear(&opened);
    }
    buffer_clear(&got);
    buffer_clear(&sent);
    close_all();
}
END_TEST

START_TEST(test_body_opens_once_only)
{
    struct secret out = {0};
    open_channel();
    seal(0, "header", "sign this");
    ck_assert_int_eq(open_at_server(0, "header", &out), ERR_OK);
    ck_assert_mem_eq(out.bytes, "sign this", 9);
    secret_clear(&out);
    ck_assert_int_eq(open_at_server(0, "header", &out), ERR_FORGED);
    close_all();
}
END_TEST

START_TEST(test_bodies_may_overtake_each_other_within_the_window)
{
    static const uint64_t order[] = {5, 0, CHANNEL_WINDOW + 4, 6, CHANNEL_WINDOW + 3};
    struct secret out = {0};
    open_channel();
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        seal(order[i], "", "x");
        ck_assert_int_eq(open_at_server(order[i], "", &out), ERR_OK);
        secret_clear(&out);
        ck_assert_int_eq(open_at_server(order[i], "", &out), ERR_FORGED);
    }
    seal(1, "", "x"); /* never seen, but too far behind to know */
    ck_assert_int_eq(open_at_server(1, "", &out), ERR_FORGED);
    close_all();
}
END_TEST

START_TEST(test_forged_body_does_not_move_the_window)
{
    struct secret out = {0};
    open_channel();
    seal(0, "", "x");
    ck_assert_int_eq(open_at_server(1000000, "", &out), ERR_FORGED);
    ck_assert_int_eq(open_at_server(0, "", &out), ERR_OK);
    secret_clear(&out);
    close_all();
}
END_TEST

START_TEST(test_every_flipped_bit_is_noticed)
{
    struct secret out = {0};
    open_channel();
    seal(0, "header", "body");
    for (size_t bit = 0; bit < wire.len * 8; bit++) {
        wire.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(open_at_server(0, "header", &out), ERR_FORGED);
        wire.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(open_at_server(0, "heades", &out), ERR_FORGED);
    ck_assert_int_eq(open_at_server(1, "header", &out), ERR_FORGED);
    ck_assert_int_eq(open_at_server(0, "header", &out), ERR_OK);
    secret_clear(&out);
    close_all();
}
END_TEST

START_TEST(test_reply_belongs_to_one_request_and_opens_once)
{
    struct secret out = {0};
    open_channel();
    ck_assert_int_eq(channel_seal_reply(server, 7, (const uint8_t *)"yes", 3, &wire), ERR_OK);
    ck_assert_uint_eq(wire.len, 3 + CHANNEL_REPLY_EXTRA_BYTES);
    ck_assert_int_eq(channel_open_reply(client, 8, wire.data, wire.len, &out), ERR_FORGED);
    ck_assert_int_eq(channel_open_reply(client, 7, wire.data, wire.len, &out), ERR_OK);
    ck_assert_mem_eq(out.bytes, "yes", 3);
    secret_clear(&out);
    ck_assert_int_eq(channel_open_reply(client, 7, wire.data, wire.len, &out), ERR_FORGED);
    ck_assert_int_eq(channel_open_reply(client, 7, wire.data, 5, &out), ERR_MALFORMED);
    close_all();
}
END_TEST

START_TEST(test_two_answers_to_one_request_never_share_a_nonce)
{
    struct buffer second = {0};
    open_channel();
    ck_assert_int_eq(channel_seal_reply(server, 7, (const uint8_t *)"same", 4, &wire), ERR_OK);
    ck_assert_int_eq(channel_seal_reply(server, 7, (const uint8_t *)"same", 4, &second), ERR_OK);
    ck_assert_mem_ne(wire.data + 8, second.data + 8, 4);
    buffer_clear(&second);
    close_all();
}
END_TEST

START_TEST(test_reply_cannot_be_sent_back_as_a_request)
{
    struct secret out = {0};
    open_channel();
    ck_assert_int_eq(channel_seal_reply(server, 0, (const uint8_t *)"x", 1, &wire), ERR_OK);
    buffer_drop(&wire, 8);
    ck_assert_int_eq(channel_open(server, 0, (const uint8_t *)"\0\0\0\0\0\0\0\0", 8, wire.data, wire.len, &out), ERR_FORGED);
    close_all();
}
END_TEST

START_TEST(test_vault_with_another_key_cannot_answer)
{
    setup();
    client = make_channel(true, client_e, false); /* any other point will do as the expected key */
    server = make_channel(false, server_public, false);
    ck_assert_int_eq(channel_write_open(client, NULL, 0, &wire), ERR_OK);
    ck_assert_int_eq(channel_accept(server, wire.data, wire.len, NULL, NULL, 0, &text), ERR_FORGED);
    close_all();
}
END_TEST

START_TEST(test_low_order_point_is_refused)
{
    static const uint8_t zero[CHANNEL_OPEN_BYTES];
    setup();
    server = make_channel(false, server_public, false);
    ck_assert_int_eq(channel_accept(server, zero, sizeof zero, NULL, NULL, 0, &text), ERR_FORGED);
    close_all();
}
END_TEST

START_TEST(test_steps_out_of_order_are_refused)
{
    struct secret out = {0};
    setup();
    client = make_channel(true, server_public, false);
    server = make_channel(false, server_public, false);
    ck_assert_int_eq(channel_seal(client, 0, NULL, 0, (const uint8_t *)"x", 1, &wire), ERR_MALFORMED);
    ck_assert_int_eq(channel_open(server, 0, NULL, 0, (const uint8_t *)"0123456789abcdef", 16, &out), ERR_MALFORMED);
    ck_assert_int_eq(channel_accept(server, (const uint8_t *)"short", 5, NULL, NULL, 0, &text), ERR_MALFORMED);
    ck_assert_int_eq(channel_read_opened(client, (const uint8_t *)"short", 5, NULL), ERR_MALFORMED);
    close_all();
}
END_TEST

START_TEST(test_empty_bodies_travel)
{
    struct secret out = {0};
    open_channel();
    seal(channel_next(client), "", "");
    ck_assert_int_eq(open_at_server(0, "", &out), ERR_OK);
    ck_assert_uint_eq(out.len, 0);
    secret_clear(&out);
    ck_assert_uint_eq(channel_next(client), 1);
    close_all();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_handshake_and_bodies_equal_the_published_vector, &test_body_opens_once_only,
        &test_bodies_may_overtake_each_other_within_the_window, &test_forged_body_does_not_move_the_window,
        &test_every_flipped_bit_is_noticed, &test_reply_belongs_to_one_request_and_opens_once,
        &test_two_answers_to_one_request_never_share_a_nonce, &test_reply_cannot_be_sent_back_as_a_request,
        &test_vault_with_another_key_cannot_answer, &test_low_order_point_is_refused, &test_steps_out_of_order_are_refused,
        &test_empty_bodies_travel, NULL};
    return suite_of("channel", 20, tests);
}
