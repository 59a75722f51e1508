/* IKE's derivations: NIST's examples (CAVP, SP 800-135: the first of ikev1_dsa and of ikev2, by HMAC with SHA-1), RFC 4434's and RFC 4615's
 * of their PRFs, and chains of every PRF made by hand with OpenSSL's MAC. */
#include <string.h>

#include <openssl/evp.h>

#include "common/hex.h"
#include "tests/unit/runner.h"
#include "tests/unit/secret_key.h"
#include "vault/provider/derive.h"
#include "vault/provider/prf.h"

enum { BYTES_MAX = 512, BLOCKS = 3, OTHERS_MAX = 2 };

static struct secret made;

/* ---- calls */

static size_t bytes_of(const char *hex, uint8_t out[BYTES_MAX])
{
    size_t n = 0;

    ck_assert(hex_decode(hex, out, BYTES_MAX, &n));
    return n;
}

static struct key *generic(const char *hex)
{
    uint8_t bytes[BYTES_MAX];
    size_t n = bytes_of(hex, bytes);

    return secret_key(CKK_GENERIC_SECRET, bytes, n);
}

static void is_hex(const char *hex)
{
    uint8_t bytes[BYTES_MAX];
    size_t n = bytes_of(hex, bytes);

    ck_assert_uint_eq(made.len, n);
    ck_assert_mem_eq(made.bytes, bytes, n);
}

struct call {
    Hsm__Mechanism given;
    Hsm__IkeParams ike;
    uint8_t first[BYTES_MAX], second[BYTES_MAX];
    const struct key *others[OTHERS_MAX];
    struct derive d;
};

static struct call *call(CK_MECHANISM_TYPE type, CK_MECHANISM_TYPE prf, const struct key *base)
{
    static struct call c;

    hsm__mechanism__init(&c.given);
    hsm__ike_params__init(&c.ike);
    c.given.type = type;
    c.given.ike = &c.ike;
    c.ike.prf = prf;
    c.d = (struct derive){.mechanism = mechanism_find(type), .given = &c.given, .base = base, .others = c.others};
    return &c;
}

static void with_data(struct call *c, const char *first, const char *second)
{
    c->ike.first = (ProtobufCBinaryData){.data = c->first, .len = bytes_of(first, c->first)};
    c->ike.second = (ProtobufCBinaryData){.data = c->second, .len = bytes_of(second, c->second)};
}

static void with_key(struct call *c, const struct key *k)
{
    c->others[c->d.n_others++] = k;
}

static void derives(const struct call *c, size_t n)
{
    ck_assert_int_eq(derive_value(&c->d, n, &made), ERR_OK);
    ck_assert_uint_eq(made.len, n);
}

static void refuses(const struct call *c, size_t n, enum err expected)
{
    ck_assert_int_eq(derive_value(&c->d, n, &made), expected);
}

/* ---- NIST's */

#define NI "ced5635da6796075"
#define NR "6244b427712fb776"
#define CKY_I "382e5c8b0a3fa307"
#define CKY_R "ba4b7616700a2413"
#define SKEYID "dc37ac99de6dcfbd1ee74af7fb36f9b4b0a7829d"
#define SKEYID_D "486293ed547adb562cefdaf43d3d8457b196f2b6"
#define SKEYID_A "f4053b5ca07e59bb41b8f401037ca90b72b3917e"
#define SKEYID_E "49a1d53a80fb77e663552964fbbcb45092021473"
static const char g_xy[] =
    "2a2e0bbe8da3657a83f3d35826e49e2d38e557e912a1b9e6c30c63577b3eab715466202862027f2c26f3090743555579"
    "611771db0b92bef93834432a3a7762fc8a0f4889fd281d6082770d10a40d7bad61e832f041e620d6787e7f62ab2861dd"
    "fbe272e0d9d3cdec5f1bbf750e24b8b32d6d714968ad69ce5086c32ad2742ebc";

static struct call *numbered(const struct key *skeyid, uint32_t number, const struct key *g, const struct key *before)
{
    struct call *c = call(CKM_IKE1_PRF_DERIVE, CKM_SHA_1_HMAC, skeyid);

    with_data(c, CKY_I, CKY_R);
    c->ike.number = number;
    with_key(c, g);
    if (before != NULL)
        with_key(c, before);
    return c;
}

START_TEST(test_version_one_is_as_nist_has_it)
{
    struct key *g = generic(g_xy), *skeyid = generic(SKEYID), *skeyid_d = generic(SKEYID_D), *skeyid_a = generic(SKEYID_A);
    struct call *c = call(CKM_IKE_PRF_DERIVE, CKM_SHA_1_HMAC, g);

    c->ike.data_as_key = true;
    with_data(c, NI, NR);
    ck_assert_uint_eq(derive_bytes(&c->d), 20);
    derives(c, 20);
    is_hex(SKEYID);
    derives(numbered(skeyid, 0, g, NULL), 20);
    is_hex(SKEYID_D);
    derives(numbered(skeyid, 1, g, skeyid_d), 20);
    is_hex(SKEYID_A);
    derives(numbered(skeyid, 2, g, skeyid_a), 20);
    is_hex(SKEYID_E);
    derives(numbered(skeyid, 2, g, skeyid_a), 16);
    ck_assert_mem_eq(made.bytes, "\x49\xa1\xd5\x3a\x80\xfb\x77\xe6\x63\x55\x29\x64\xfb\xbc\xb4\x50", 16);
    key_free(g);
    key_free(skeyid);
    key_free(skeyid_d);
    key_free(skeyid_a);
}
END_TEST

#define NI2 "3651fef5c9c35e93"
#define NR2 "c09a8b90a3f04d59"
#define SPIS "8e5c3ae507221684b1f201bb155c3acd"
#define SKEYSEED "cd2e8050137832245f1dbacc6e4f0a92f94d45d6"
#define SK_D "6f1b12cad3cbe097b35430356d869d54cddb0198"
#define SKEYSEED_REKEYED "3b03bce748c96d5e8306918d2ff89b68f0648da3"
static const char g_ir[] =
    "d084a30166a50fb7325c3960874a839449ef9741c2f4f947d0201dd8c1269273d79509f37e3ca3eb4fa2fe2a28254e28"
    "9cd3f34dad4eb4df1a07685a4b8a94fa61e2491f7598b3ce65547ff133b3f63d1ac4175eaa695033f3cedb026a6873a3"
    "6455172a8540b8a5d23a0143bed0390ee49b168269d75fffee9fb62be965993c";
static const char g_ir_new[] =
    "52f00ab174c25d5b7139ae5ff4e8e9eddee5992d2e36adf8a559ffd90dab1442e4fbe429d320c0f33552a17d1557fa41"
    "ea70e8fb916c4fa27ed52b5f8ebd8461afa78f1159159a64055ac5f6319e29c28eae58cbc6847770f32c3fed1d047504"
    "84f854790f95e9ec01bc5bc461f24966462e359511329305038e94deb6dd42c2";
static const char key_material[] =
    "6f1b12cad3cbe097b35430356d869d54cddb0198ec859174d53ceb92dddedbe2436db69f60977c58fa63bbb667f8d369"
    "20b109baae8f6c61a9ac49feda01843225d080ec5539d5881a25521ffb2a0a91874a9c0a27fcc2d717eb8963a9e3a89c"
    "7ab264757284c28cf8c3ca40576f4220b052b1fb8e9ad60ba3c80557323331a8cbb89f20";
static const char child_material[] =
    "4727dc0ef94eb326ce131cf282fb652faa638ad0ddae3786a11bcc0309876009f8c485de011ad962c5b1ca8a41ff8145"
    "445749079c5686e26ffebbc342f06981f3da745e11ca0976424d1f8caec623d59dc7186deb20a27b411d1dcb70a36544"
    "0bf7de905088b0692e8addc094e18d1939bdb67e89798ca6b239e2ccb81c2409dac0106c";
static const char child_material_dh[] =
    "b109c21ad4c0797768c1cec9e63554681e48f224bca7f23c20c4ea7041983451e9aa1d5408656c8a975ff1b9d9a12c75"
    "ffeb64bdecb30174664cccb4e14f1c377b7f6d1525af77c7092aac3e47f917ebae8297fb5539d2008ce830823a09cc19"
    "7361d4a289c72745f6ce9fefe812be5bf55b3200fbb82e41a4a40877d3fe106db909707b";

START_TEST(test_version_two_is_as_nist_has_it)
{
    struct key *g = generic(g_ir), *new_g = generic(g_ir_new), *seed = generic(SKEYSEED), *sk_d = generic(SK_D);
    struct call *c = call(CKM_IKE_PRF_DERIVE, CKM_SHA_1_HMAC, g);

    c->ike.data_as_key = true;
    with_data(c, NI2, NR2);
    derives(c, 20);
    is_hex(SKEYSEED);
    c = call(CKM_IKE2_PRF_PLUS_DERIVE, CKM_SHA_1_HMAC, seed);
    with_data(c, NI2 NR2 SPIS, "");
    derives(c, 132);
    is_hex(key_material);
    c = call(CKM_IKE2_PRF_PLUS_DERIVE, CKM_SHA_1_HMAC, sk_d);
    with_data(c, NI2 NR2, "");
    derives(c, 132);
    is_hex(child_material);
    with_key(c, new_g);
    derives(c, 132);
    is_hex(child_material_dh);
    c = call(CKM_IKE_PRF_DERIVE, CKM_SHA_1_HMAC, sk_d);
    with_data(c, NI2, NR2);
    with_key(c, new_g);
    derives(c, 20);
    is_hex(SKEYSEED_REKEYED);
    key_free(g);
    key_free(new_g);
    key_free(seed);
    key_free(sk_d);
}
END_TEST

/* ---- the PRFs */

static const struct {
    CK_MECHANISM_TYPE mac;
    const char *key, *data, *out;
} published[] = {
    /* RFC 4434 section 2, whose first is RFC 3566's case 3 */
    {CKM_AES_XCBC_MAC, "000102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f10111213", "47f51b4564966215b8985c63055ed308"},
    {CKM_AES_XCBC_MAC, "00010203040506070809", "000102030405060708090a0b0c0d0e0f10111213", "0fa087af7d866e7653434e602fdde835"},
    {CKM_AES_XCBC_MAC, "000102030405060708090a0b0c0d0e0fedcb", "000102030405060708090a0b0c0d0e0f10111213",
     "8cd3c93ae598a9803006ffb67c40e9e4"},
    /* a last block that is whole */
    {CKM_AES_XCBC_MAC, "000102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f", "d2a246fa349b68a79998a4394ff7a263"},
    /* RFC 4615 section 4 */
    {CKM_AES_CMAC, "000102030405060708090a0b0c0d0e0fedcb", "000102030405060708090a0b0c0d0e0f10111213", "84a348a4a45d235babfffc0d2b4da09a"},
    {CKM_AES_CMAC, "000102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f10111213", "980ae87b5f4c9c5214f5b6a8455e4c2d"},
    {CKM_AES_CMAC, "00010203040506070809", "000102030405060708090a0b0c0d0e0f10111213", "290d9e112edb09ee141fcf64c0b72f3d"},
};

START_TEST(test_the_block_ciphers_prfs_are_as_published)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        uint8_t key[BYTES_MAX], data[BYTES_MAX], right[BYTES_MAX], out[PRF_BYTES_MAX];
        struct kdf_bytes parts[] = {{data, 5}, {data, 0}, {data + 5, 0}};
        struct prf p;
        size_t key_n = bytes_of(published[i].key, key);
        parts[2].n = bytes_of(published[i].data, data) - 5;
        ck_assert_uint_eq(bytes_of(published[i].out, right), PRF_BLOCK_BYTES);
        ck_assert(prf_find_ike(published[i].mac, &p) && p.bytes == PRF_BLOCK_BYTES && p.key_type == CKK_AES);
        ck_assert_int_eq(prf_make(NULL, &p, (struct kdf_bytes){key, key_n}, parts, 3, out), ERR_OK);
        ck_assert_msg(memcmp(out, right, PRF_BLOCK_BYTES) == 0, "%zu", i);
    }
}
END_TEST

START_TEST(test_only_macs_that_take_no_parameter_are_prfs)
{
    static const CK_MECHANISM_TYPE none[] = {CKM_SHA256,    CKM_SHA256_HMAC_GENERAL, CKM_DES3_CMAC, CKM_AES_CMAC_GENERAL,
                                             CKM_AES_GMAC, CKM_RSA_PKCS,            0xffff,        CKM_SHA256_KEY_GEN};
    struct prf p;

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!prf_find_ike(none[i], &p), "0x%lx", none[i]);
    ck_assert(prf_find_ike(CKM_SHA512_HMAC, &p) && p.bytes == 64 && p.key_type == CKK_SHA512_HMAC);
}
END_TEST

/* ---- chains by hand */

static size_t mac(const struct mechanism *row, const void *data, size_t n, uint8_t *out)
{
    static const uint8_t key[16] = "a key of 16 byte";
    const char *inside = row->hash != NULL ? row->hash : "AES-128-CBC";
    size_t made_n = 0;

    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, row->hash != NULL ? "HMAC" : "CMAC", NULL, inside, NULL, key, sizeof key, data, n, out,
                                    PRF_BYTES_MAX, &made_n));
    return made_n;
}

/* T(i) = prf(T(i - 1) | key | data | i), without the number where that is not counted; a zero where there is nothing else. */
static size_t chain(const struct mechanism *row, const char *seed, bool counted, uint8_t *out)
{
    uint8_t in[BYTES_MAX];
    size_t block = 0, all = 0;

    for (uint8_t i = 1; i <= BLOCKS; i++, all += block) {
        size_t n = block;
        memcpy(in, out + all - block, block);
        memcpy(in + n, seed, strlen(seed));
        n += strlen(seed);
        if (counted || n == 0)
            in[n++] = counted ? i : 0;
        block = mac(row, in, n, out + all);
    }
    return all;
}

static bool is_prf(const struct mechanism *row)
{
    struct prf p;

    return prf_find_ike(row->type, &p);
}

START_TEST(test_chains_of_every_prf_are_those_of_openssls_mac)
{
    struct key *base = secret_key(CKK_GENERIC_SECRET, "a key of 16 byte", 16), *other = secret_key(CKK_GENERIC_SECRET, "further", 7);
    uint8_t right[BYTES_MAX];
    unsigned tried = 0;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        struct call *c;
        size_t n;
        if (!is_prf(row))
            continue;
        c = call(CKM_IKE2_PRF_PLUS_DERIVE, row->type, base);
        with_data(c, "64617461", ""); /* "data" */
        with_key(c, other);
        n = chain(row, "furtherdata", true, right);
        derives(c, n - 3);
        ck_assert_msg(memcmp(made.bytes, right, n - 3) == 0, "%s", row->name);
        c = call(CKM_IKE1_EXTENDED_DERIVE, row->type, base);
        with_data(c, "64617461", "");
        with_key(c, other);
        n = chain(row, "furtherdata", false, right);
        derives(c, n);
        ck_assert_msg(memcmp(made.bytes, right, n) == 0, "%s", row->name);
        derives(c, 16); /* data is never left out */
        ck_assert_mem_eq(made.bytes, right, 16);
        c->d.n_others = 0;
        (void)chain(row, "data", false, right);
        derives(c, 16);
        ck_assert_mem_eq(made.bytes, right, 16);
        with_data(c, "", "");
        n = chain(row, "", false, right);
        derives(c, n);
        ck_assert_msg(memcmp(made.bytes, right, n) == 0, "%s", row->name);
        tried++;
    }
    ck_assert_uint_ge(tried, 12);
    key_free(base);
    key_free(other);
}
END_TEST

/* RFC 2409 appendix B: what is long enough is the key. */
START_TEST(test_a_short_key_is_cut_off_the_base_key_which_shows_that)
{
    struct key *base = generic("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), *other = generic("aa");
    struct call *c = call(CKM_IKE1_EXTENDED_DERIVE, CKM_SHA256_HMAC, base);

    derives(c, 16);
    is_hex("000102030405060708090a0b0c0d0e0f");
    ck_assert(derive_reveals(c->d.mechanism, &c->given, 0));
    ck_assert(!derive_is_whole(&c->d, 16) && !derive_is_whole(&c->d, 31) && derive_is_whole(&c->d, 32));
    derives(c, 33);
    ck_assert(made.bytes[0] != 0 || made.bytes[1] != 1);
    with_data(c, "00", "");
    ck_assert(!derive_reveals(c->d.mechanism, &c->given, 0));
    with_data(c, "", "");
    with_key(c, other);
    ck_assert(!derive_reveals(c->d.mechanism, &c->given, 1));
    c->ike.prf = CKM_AES_CMAC; /* which is undone by who knows its key */
    ck_assert(derive_reveals(c->d.mechanism, &c->given, 1) && !derive_is_whole(&c->d, 15) && derive_is_whole(&c->d, 16));
    key_free(base);
    key_free(other);
}
END_TEST

/* ---- refusals */

START_TEST(test_lengths_are_the_prfs)
{
    struct key *base = generic("0102030405060708090a0b0c0d0e0f10");
    struct call *c = call(CKM_IKE_PRF_DERIVE, CKM_SHA256_HMAC, base);

    with_data(c, NI, NR);
    refuses(c, 31, ERR_KEY_SIZE);
    refuses(c, 33, ERR_KEY_SIZE);
    c = numbered(base, 0, base, NULL);
    derives(c, 1);
    refuses(c, 21, ERR_KEY_SIZE);
    c = call(CKM_IKE2_PRF_PLUS_DERIVE, CKM_AES_CMAC, base);
    with_data(c, NI, "");
    ck_assert_uint_eq(derive_bytes(&c->d), 0);
    derives(c, 255 * 16);
    refuses(c, 255 * 16 + 1, ERR_KEY_SIZE);
    c = call(CKM_IKE1_EXTENDED_DERIVE, CKM_AES_XCBC_MAC, base);
    derives(c, 255 * 16);
    refuses(c, 255 * 16 + 1, ERR_KEY_SIZE);
    key_free(base);
}
END_TEST

START_TEST(test_keys_and_parameters_have_to_fit)
{
    struct key *generic_key = generic("0102030405060708090a0b0c0d0e0f10"), *aes = secret_key(CKK_AES, "a key of 16 byte", 16),
               *hmac = secret_key(CKK_SHA256_HMAC, "key", 3), *other_hmac = secret_key(CKK_SHA384_HMAC, "key", 3);
    struct call *c = call(CKM_IKE_PRF_DERIVE, CKM_SHA256_HMAC, aes);

    refuses(c, 32, ERR_KEY_TYPE);
    c->d.base = other_hmac;
    refuses(c, 32, ERR_KEY_TYPE);
    c->d.base = hmac;
    derives(c, 32); /* of no data, if somebody wants that */
    with_key(c, aes);
    refuses(c, 32, ERR_KEY_TYPE);
    c->others[0] = generic_key;
    derives(c, 32);
    c->ike.data_as_key = true;
    refuses(c, 32, ERR_MECHANISM_PARAM);
    c->d.n_others = 0;
    refuses(c, 32, ERR_MECHANISM_PARAM);
    with_data(c, NI, NR);
    refuses(c, 32, ERR_KEY_TYPE);
    c->d.base = generic_key;
    derives(c, 32);
    c = call(CKM_IKE1_PRF_DERIVE, CKM_SHA256_HMAC, hmac);
    refuses(c, 32, ERR_KEY_HANDLE);
    with_key(c, generic_key);
    with_key(c, aes); /* the key before may be any */
    derives(c, 32);
    c->others[0] = aes;
    refuses(c, 32, ERR_KEY_TYPE);
    c->others[0] = generic_key;
    c->d.n_others = 3;
    refuses(c, 32, ERR_KEY_HANDLE);
    c = call(CKM_IKE2_PRF_PLUS_DERIVE, CKM_AES_CMAC, aes);
    refuses(c, 32, ERR_MECHANISM_PARAM);
    with_key(c, hmac); /* nor does the standard say what the seed is */
    derives(c, 32);
    c->ike.second = (ProtobufCBinaryData){.data = c->second, .len = 1};
    refuses(c, 32, ERR_MECHANISM_PARAM);
    c = call(CKM_IKE1_EXTENDED_DERIVE, CKM_SHA256, hmac);
    refuses(c, 32, ERR_MECHANISM_PARAM);
    key_free(generic_key);
    key_free(aes);
    key_free(hmac);
    key_free(other_hmac);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_version_one_is_as_nist_has_it,
        &test_version_two_is_as_nist_has_it,
        &test_the_block_ciphers_prfs_are_as_published,
        &test_only_macs_that_take_no_parameter_are_prfs,
        &test_chains_of_every_prf_are_those_of_openssls_mac,
        &test_a_short_key_is_cut_off_the_base_key_which_shows_that,
        &test_lengths_are_the_prfs,
        &test_keys_and_parameters_have_to_fit,
        NULL,
    };

    return suite_of("ike", 30, tests);
}
