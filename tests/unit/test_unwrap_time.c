/* A private key that is unwrapped is bytes of anybody's making, and OpenSSL works with its numbers before anybody has looked at them. So
 * that nobody keeps a vault busy for minutes, what is too long is refused at once. The tests count processor time: what they refuse took
 * minutes, or an hour. */
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "tests/unit/runner.h"
#include "vault/provider/key.h"
#include "vault/provider/wrap.h"

enum { DER_BYTES_MAX = WRAP_BYTES_MAX, LONG_BITS = 40000, TRIED_BELOW = 20000, SECONDS_MAX = 2 };

struct der {
    unsigned char bytes[DER_BYTES_MAX];
    size_t n;
};

static void put_number(struct der *d, const BIGNUM *n)
{
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(n, NULL);
    unsigned char *at = d->bytes + d->n;
    int len = i2d_ASN1_INTEGER(integer, NULL);

    ck_assert_int_gt(len, 0);
    ck_assert_uint_le(d->n + (size_t)len, sizeof d->bytes);
    d->n += (size_t)i2d_ASN1_INTEGER(integer, &at);
    ASN1_INTEGER_free(integer);
}

static void put_word(struct der *d, BN_ULONG word)
{
    BIGNUM *n = BN_new();

    ck_assert_int_eq(BN_set_word(n, word), 1);
    put_number(d, n);
    BN_free(n);
}

static void close_sequence(struct der *d)
{
    unsigned char head[8], *at = head;
    size_t n;

    ASN1_put_object(&at, 1, (int)d->n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    n = (size_t)(at - head);
    ck_assert_uint_le(d->n + n, sizeof d->bytes);
    memmove(d->bytes + n, d->bytes, d->n);
    memcpy(d->bytes, head, n);
    d->n += n;
}

/* parameters NULL: none. */
static void pack(int nid, const struct der *parameters, const struct der *key, struct secret *out)
{
    PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
    ASN1_STRING *sequence = NULL;
    unsigned char *private_key = OPENSSL_memdup(key->bytes, key->n), *der = NULL;
    int n;

    if (parameters != NULL) {
        sequence = ASN1_STRING_new();
        ck_assert_int_eq(ASN1_STRING_set(sequence, parameters->bytes, (int)parameters->n), 1);
    }
    ck_assert_int_eq(PKCS8_pkey_set0(info, OBJ_nid2obj(nid), 0, sequence != NULL ? V_ASN1_SEQUENCE : V_ASN1_NULL, sequence, private_key,
                                     (int)key->n),
                     1);
    n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    ck_assert_int_gt(n, 0);
    ck_assert_int_le(n, WRAP_BYTES_MAX);
    ck_assert(secret_copy(out, der, (size_t)n));
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static void ck_refused_at_once(const struct secret *packed, const char *what)
{
    struct key *k = NULL;
    clock_t begun = clock();

    ck_assert_msg(wrap_unpack_private(NULL, packed, &k) == ERR_WRAPPED_KEY, "%s", what);
    ck_assert_msg(clock() - begun < SECONDS_MAX * CLOCKS_PER_SEC, "%s", what);
    ck_assert_ptr_null(k);
}

/* Odd, and no small number divides it: so it is not seen at a look that it is no prime. */
static BIGNUM *long_number(int bits)
{
    BIGNUM *n = BN_new();
    bool divided = true;

    ck_assert_int_eq(BN_set_bit(n, bits - 1), 1);
    while (divided) {
        ck_assert_int_eq(BN_add_word(n, BN_is_odd(n) ? 2 : 1), 1);
        divided = false;
        for (BN_ULONG i = 3; i < TRIED_BELOW && !divided; i += 2)
            divided = BN_mod_word(n, i) == 0;
    }
    return n;
}

/* DSA's keys have had several names; OpenSSL knows all of them. */
START_TEST(test_long_field_key_is_refused_at_once_under_any_name)
{
    static const int names[] = {NID_dsa,          NID_dsa_2,        NID_dsaWithSHA, NID_dsaWithSHA1,
                                NID_dsaWithSHA1_2, NID_dhpublicnumber, NID_dhKeyAgreement};
    BIGNUM *p = long_number(LONG_BITS);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct der group = {.n = 0}, key = {.n = 0};
        struct secret packed = {0};
        put_number(&group, p);
        if (names[i] == NID_dhKeyAgreement) {
            put_word(&group, 2);
        } else if (names[i] == NID_dhpublicnumber) {
            put_word(&group, 2);
            put_word(&group, 3);
        } else {
            put_word(&group, 3);
            put_word(&group, 2);
        }
        close_sequence(&group);
        put_number(&key, p);
        pack(names[i], &group, &key, &packed);
        ck_refused_at_once(&packed, OBJ_nid2ln(names[i]));
        secret_clear(&packed);
    }
    BN_free(p);
}
END_TEST

enum { N, E, D, P, Q, RSA_PARTS = 8 };

/* Of the sizes that are given; what does not matter is 3. more: a third prime. */
static void pack_rsa(const int bits[RSA_PARTS], int more, struct secret *out)
{
    struct der key = {.n = 0}, others = {.n = 0};

    put_word(&key, more != 0);
    for (int i = 0; i < RSA_PARTS; i++) {
        BIGNUM *n = bits[i] != 0 ? long_number(bits[i]) : NULL;
        if (n != NULL)
            put_number(&key, n);
        else
            put_word(&key, 3);
        BN_free(n);
    }
    if (more != 0) {
        BIGNUM *n = long_number(more);
        put_number(&others, n);
        put_word(&others, 3);
        put_word(&others, 3);
        close_sequence(&others);
        close_sequence(&others);
        memcpy(key.bytes + key.n, others.bytes, others.n);
        key.n += others.n;
        BN_free(n);
    }
    close_sequence(&key);
    pack(NID_rsaEncryption, NULL, &key, out);
}

START_TEST(test_rsa_key_of_long_numbers_is_refused_at_once)
{
    static const struct {
        const char *what;
        int bits[RSA_PARTS], more;
    } keys[] = {{"modulus", {LONG_BITS, 0, 2000, 1024, 1024}, 0},
                {"first prime", {2048, 0, 2000, LONG_BITS, 1024}, 0},
                {"second prime", {2048, 0, 2000, 1024, LONG_BITS}, 0},
                {"all", {LONG_BITS, 0, 2000, LONG_BITS / 2, LONG_BITS / 2}, 0},
                {"a third prime", {2048, 0, 2000, 683, 683}, LONG_BITS}};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct secret packed = {0};
        pack_rsa(keys[i].bits, keys[i].more, &packed);
        ck_refused_at_once(&packed, keys[i].what);
        secret_clear(&packed);
    }
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_long_field_key_is_refused_at_once_under_any_name,
                                                &test_rsa_key_of_long_numbers_is_refused_at_once, NULL};

    return suite_of("unwrap_time", 900, tests);
}
