/* C_DeriveKey through the module and the real vault: every row of the table, what a derived key inherits, and what is
 * refused. */
#include <string.h>

#include "proto/key_kind.h"
#include "proto/mechanism.h"
#include "tests/unit/recipe.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/token.h"
#include "vault/provider/derive.h"

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

/* ---- keys to derive from */

struct flags {
    CK_BBOOL derive, sensitive, extractable;
};

static const struct flags open_flags = {CK_TRUE, CK_FALSE, CK_TRUE};
static const struct flags closed_flags = {CK_TRUE, CK_TRUE, CK_FALSE};

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, size_t n, struct flags flags)
{
    CK_BYTE value[64];
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                        {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, value, n},
                        {CKA_DERIVE, &flags.derive, 1},
                        {CKA_SENSITIVE, &flags.sensitive, 1},
                        {CKA_EXTRACTABLE, &flags.extractable, 1}};
    CK_OBJECT_HANDLE key = 0;

    for (size_t i = 0; i < n; i++)
        value[i] = (CK_BYTE)(i + 1);
    ck_ok(f->C_CreateObject(s, t, 6, &key));
    return key;
}

static CK_BYTE peer_point[256];
static CK_ULONG peer_point_n;

static CK_OBJECT_HANDLE pair(struct flags flags)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE priv[] = {
        {CKA_DERIVE, &flags.derive, 1}, {CKA_SENSITIVE, &flags.sensitive, 1}, {CKA_EXTRACTABLE, &flags.extractable, 1}};
    CK_ATTRIBUTE point = {CKA_EC_POINT, peer_point, sizeof peer_point};
    CK_OBJECT_HANDLE public_key = 0, private_key = 0;

    ck_ok(f->C_GenerateKeyPair(s, &m, pub, 1, priv, 3, &public_key, &private_key));
    ck_ok(f->C_GetAttributeValue(s, public_key, &point, 1));
    peer_point_n = point.ulValueLen;
    return private_key;
}

static CK_OBJECT_HANDLE field_pair(struct flags flags)
{
    CK_MECHANISM m = {CKM_DH_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE pub[2];
    CK_ATTRIBUTE priv[] = {
        {CKA_DERIVE, &flags.derive, 1}, {CKA_SENSITIVE, &flags.sensitive, 1}, {CKA_EXTRACTABLE, &flags.extractable, 1}};
    CK_OBJECT_HANDLE public_key = 0, private_key = 0;

    ck_ok(f->C_GenerateKeyPair(s, &m, pub, sample_dh_parts("ffdhe2048", pub), priv, 3, &public_key, &private_key));
    return private_key;
}

static bool is_agreement(const struct mechanism *row)
{
    return row->family == FAMILY_ECDH || row->family == FAMILY_FIELD_AGREEMENT;
}

static CK_OBJECT_HANDLE base_for(const struct mechanism *row, struct flags flags)
{
    if (row->family == FAMILY_ECDH)
        return pair(flags);
    if (row->family == FAMILY_FIELD_AGREEMENT)
        return field_pair(flags);
    return import(row->key_type, row->size_max < 32 || row->size_min == row->size_max ? row->size_max : 32, flags);
}

/* ---- parameters: one that is good, for each kind */

static CK_MECHANISM mechanism_for(const struct mechanism *row, CK_OBJECT_HANDLE other)
{
    recipe_other = (struct recipe_other){.key = other, .point = peer_point, .point_n = peer_point_n};
    return recipe_good(row, 0);
}

/* ---- calls */

static bool is_data(const struct mechanism *row)
{
    return row->family == FAMILY_HKDF_DATA;
}

/* As many bytes as every derivation gives, and as hold all of the base where that is asked for. */
static CK_ULONG length_for(const struct mechanism *row)
{
    if (row->param == PARAM_TLS12_MASTER || row->param == PARAM_TLS12_EXTENDED)
        return 48;
    if (row->family == FAMILY_BASE_AND_KEY || row->family == FAMILY_BASE_AND_DATA ||
        row->family == FAMILY_DATA_AND_BASE)
        return 64;
    return row->hash != NULL && mechanism_hash_bytes(row->hash) > 0 ? mechanism_hash_bytes(row->hash) : 32;
}

static CK_RV derive(const struct mechanism *row, CK_MECHANISM *m, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *more,
                    CK_ULONG more_n, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE t[8];
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG n = 0, bytes = length_for(row);

    if (row->family == FAMILY_TLS12_KEYS || row->family == FAMILY_IKE1_PRF)
        t[n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof type};
    else if (!is_data(row))
        t[n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &bytes, sizeof bytes};
    for (CK_ULONG i = 0; i < more_n; i++)
        t[n++] = more[i];
    *out = 0;
    return f->C_DeriveKey(s, m, base, t, n, out);
}

static CK_ULONG value_of(CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, room};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

static CK_OBJECT_HANDLE result_of(const struct mechanism *row, CK_OBJECT_HANDLE out)
{
    return row->family == FAMILY_TLS12_KEYS ? recipe_material.hServerKey : out;
}

static const struct mechanism *row_at(enum policy policy, size_t *i)
{
    const struct mechanism *row;

    while ((row = mechanism_at((*i)++)) != NULL &&
           (!mechanism_does(row, CKF_DERIVE) || row->family == FAMILY_PUBLIC_KEY || !policy_allows(policy, row))) {
    }
    return row;
}

/* ---- tests */

START_TEST(test_every_row_derives_the_same_key_twice)
{
    unsigned tried = 0;
    size_t i = 0;
    const struct mechanism *row;

    setup();
    while ((row = row_at(POLICY_COMPATIBLE, &i)) != NULL) {
        CK_OBJECT_HANDLE base = base_for(row, open_flags), other = import(CKK_GENERIC_SECRET, 32, open_flags), first,
                         second;
        CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}},
                     kept[] = {{CKA_TOKEN, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
        CK_MECHANISM m = mechanism_for(row, other);
        CK_BYTE a[64], b[64];
        CK_ULONG n;
        ck_assert_msg(derive(row, &m, base, open, is_data(row) ? 0 : 2, &first) == CKR_OK, "%s", row->name);
        first = result_of(row, first);
        n = value_of(first, a, sizeof a);
        ck_assert_uint_gt(n, 0);
        ck_assert_msg(derive(row, &m, base, kept, is_data(row) ? 1 : 3, &second) == CKR_OK, "%s on the token",
                      row->name);
        second = result_of(row, second);
        ck_assert_uint_eq(value_of(second, b, sizeof b), n);
        ck_assert_mem_eq(a, b, n);
        ck_assert(token_flag(s, second, CKA_TOKEN) && !token_flag(s, first, CKA_TOKEN));
        if (!is_data(row))
            ck_assert(!token_flag(s, first, CKA_LOCAL) && !token_flag(s, first, CKA_ALWAYS_SENSITIVE) &&
                      !token_flag(s, first, CKA_NEVER_EXTRACTABLE));
        tried++;
    }
    ck_assert_uint_ge(tried, 25);
    token_stop();
}
END_TEST

START_TEST(test_what_is_derived_of_a_sensitive_key_is_sensitive)
{
    size_t i = 0;
    const struct mechanism *row;

    s = token_alice_under(POLICY_MODERN);
    while ((row = row_at(POLICY_MODERN, &i)) != NULL) {
        CK_OBJECT_HANDLE base = base_for(row, closed_flags), other = import(CKK_GENERIC_SECRET, 32, open_flags), key;
        CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}}, extractable[] = {{CKA_EXTRACTABLE, &yes, 1}};
        CK_MECHANISM m = mechanism_for(row, other);
        if (is_data(row)) {
            ck_rv(derive(row, &m, base, NULL, 0, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
            continue;
        }
        ck_assert_msg(derive(row, &m, base, readable, 1, &key) == CKR_TEMPLATE_INCONSISTENT, "%s readable", row->name);
        ck_assert_msg(derive(row, &m, base, extractable, 1, &key) == CKR_TEMPLATE_INCONSISTENT, "%s extractable",
                      row->name);
        ck_assert_msg(derive(row, &m, base, NULL, 0, &key) == CKR_OK, "%s", row->name);
        key = result_of(row, key);
        ck_assert(token_flag(s, key, CKA_SENSITIVE) && !token_flag(s, key, CKA_EXTRACTABLE));
        if (is_agreement(row)) /* born here, so the history goes on */
            ck_assert(token_flag(s, key, CKA_ALWAYS_SENSITIVE) && token_flag(s, key, CKA_NEVER_EXTRACTABLE));
        else
            ck_assert(!token_flag(s, key, CKA_ALWAYS_SENSITIVE) && !token_flag(s, key, CKA_NEVER_EXTRACTABLE));
    }
    token_stop();
}
END_TEST

/* Under the compatible policy a one-way derivation leaves it to the template, as other tokens do (ECDH in TLS needs
 * it); what would show the base key itself stays closed. */
START_TEST(test_the_compatible_policy_opens_what_is_one_way)
{
    size_t i = 0;
    const struct mechanism *row;

    setup();
    while ((row = row_at(POLICY_COMPATIBLE, &i)) != NULL) {
        CK_OBJECT_HANDLE base = base_for(row, closed_flags), other = import(CKK_GENERIC_SECRET, 32, open_flags), key;
        CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}};
        CK_MECHANISM m = mechanism_for(row, other);
        CK_RV wanted = derive_reveals(row, NULL, 0) ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
        ck_assert_msg(derive(row, &m, base, readable, is_data(row) ? 0 : 1, &key) == wanted, "%s", row->name);
    }
    token_stop();
}
END_TEST

/* Whoever may cut a byte out of a key that he may not read tries all 256. */
START_TEST(test_no_part_of_a_sensitive_key_is_made_a_key)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_CONCATENATE_BASE_AND_KEY, CKM_CONCATENATE_BASE_AND_DATA,
                                              CKM_CONCATENATE_DATA_AND_BASE, CKM_XOR_BASE_AND_DATA,
                                              CKM_EXTRACT_KEY_FROM_KEY};
    CK_OBJECT_HANDLE closed, open, key;
    CK_ULONG lengths[] = {1, 16, 31};

    setup();
    closed = import(CKK_GENERIC_SECRET, 32, closed_flags);
    open = import(CKK_GENERIC_SECRET, 32, open_flags);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            CK_MECHANISM m = mechanism_for(mechanism_find(types[i]), open);
            CK_ATTRIBUTE t[] = {{CKA_VALUE_LEN, &lengths[j], sizeof lengths[j]}};
            ck_rv(f->C_DeriveKey(s, &m, closed, t, 1, &key), CKR_KEY_SIZE_RANGE);
            ck_ok(f->C_DeriveKey(s, &m, open, t, 1, &key));
        }
    token_stop();
}
END_TEST

START_TEST(test_each_row_refuses_wrong_keys_and_parameters)
{
    size_t i = 0;
    const struct mechanism *row;

    setup();
    while ((row = row_at(POLICY_COMPATIBLE, &i)) != NULL) {
        CK_OBJECT_HANDLE base = base_for(row, open_flags), other = import(CKK_GENERIC_SECRET, 32, open_flags), key;
        CK_OBJECT_HANDLE mute = base_for(row, (struct flags){CK_FALSE, CK_TRUE, CK_FALSE});
        CK_OBJECT_HANDLE strange =
            is_agreement(row) ? import(CKK_GENERIC_SECRET, 32, open_flags) : pair(open_flags);
        CK_MECHANISM m, wrong;
        if (row->family == FAMILY_ECDH)
            pair(open_flags);
        m = wrong = mechanism_for(row, other);
        ck_assert_msg(derive(row, &m, mute, NULL, 0, &key) == CKR_KEY_FUNCTION_NOT_PERMITTED, "%s without CKA_DERIVE",
                      row->name);
        ck_assert_msg(derive(row, &m, strange, NULL, 0, &key) == CKR_KEY_TYPE_INCONSISTENT,
                      "%s with another type of key", row->name);
        ck_assert_msg(derive(row, &m, 0, NULL, 0, &key) == CKR_KEY_HANDLE_INVALID, "%s without a key", row->name);
        ck_assert_msg(derive(row, &m, 12345, NULL, 0, &key) == CKR_KEY_HANDLE_INVALID, "%s with no key", row->name);
        if (row->param != PARAM_NONE) {
            wrong.ulParameterLen--;
            if (row->param != PARAM_PUBLIC_VALUE) /* a shorter number is a number too */
                ck_assert_msg(derive(row, &wrong, base, NULL, 0, &key) == CKR_MECHANISM_PARAM_INVALID, "%s cut", row->name);
            wrong = (CK_MECHANISM){row->type, NULL, m.ulParameterLen};
            ck_assert_msg(derive(row, &wrong, base, NULL, 0, &key) == CKR_MECHANISM_PARAM_INVALID,
                          "%s without a parameter", row->name);
        } else {
            wrong = (CK_MECHANISM){row->type, recipe_data, 4};
            ck_assert_msg(derive(row, &wrong, base, NULL, 0, &key) == CKR_MECHANISM_PARAM_INVALID,
                          "%s with a parameter", row->name);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_lengths_and_types_are_asked_for_as_the_standard_says)
{
    const struct mechanism *row = mechanism_find(CKM_HKDF_DERIVE), *hash = mechanism_find(CKM_SHA256_KEY_DERIVATION);
    CK_KEY_TYPE aes = CKK_AES, rsa = CKK_RSA;
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
    CK_ULONG odd = 17, much = 33;
    CK_ATTRIBUTE type[] = {{CKA_KEY_TYPE, &aes, sizeof aes}},
                 bad[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &odd, sizeof odd}},
                 pair_type[] = {{CKA_KEY_TYPE, &rsa, sizeof rsa}},
                 class[] = {{CKA_CLASS, &private_class, sizeof private_class}},
                 long_one[] = {{CKA_VALUE_LEN, &much, sizeof much}};
    CK_OBJECT_HANDLE base, key;
    CK_MECHANISM m;

    setup();
    base = import(CKK_GENERIC_SECRET, 32, open_flags);
    m = mechanism_for(row, 0);
    ck_rv(f->C_DeriveKey(s, &m, base, NULL, 0, &key), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_DeriveKey(s, &m, base, bad, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_assert_uint_ne(f->C_DeriveKey(s, &m, base, pair_type, 1, &key), CKR_OK);
    ck_assert_uint_ne(f->C_DeriveKey(s, &m, base, class, 1, &key), CKR_OK);
    m = mechanism_for(hash, 0);
    ck_ok(f->C_DeriveKey(s, &m, base, type, 1, &key)); /* 32 bytes are there */
    ck_rv(f->C_DeriveKey(s, &m, base, long_one, 1, &key), CKR_KEY_SIZE_RANGE);
    ck_rv(f->C_DeriveKey(s, &m, base, type, 1, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_DeriveKey(s, NULL, base, type, 1, &key), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

START_TEST(test_tls_gives_four_keys_and_the_vectors_of_an_open_master_secret)
{
    const struct mechanism *row = mechanism_find(CKM_TLS12_KEY_AND_MAC_DERIVE);
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE base, unused;
    CK_BYTE value[64], zero[16] = {0}, *client, *server;
    CK_MECHANISM m;

    s = token_alice_under(POLICY_MODERN);
    base = import(CKK_GENERIC_SECRET, 48, open_flags);
    m = mechanism_for(row, 0);
    ((CK_TLS12_KEY_MAT_PARAMS *)m.pParameter)->ulIVSizeInBits = 128;
    ck_ok(derive(row, &m, base, open, 2, &unused));
    ck_assert_uint_eq(value_of(recipe_material.hClientMacSecret, value, sizeof value), 32);
    ck_assert_uint_eq(value_of(recipe_material.hServerMacSecret, value, sizeof value), 32);
    ck_assert_uint_eq(value_of(recipe_material.hClientKey, value, sizeof value), 16);
    ck_assert_uint_eq(value_of(recipe_material.hServerKey, value, sizeof value), 16);
    client = recipe_material.pIVClient;
    server = recipe_material.pIVServer;
    ck_assert(memcmp(client, zero, 16) != 0 && memcmp(server, zero, 16) != 0 && memcmp(client, server, 16) != 0);
    ck_assert(token_flag(s, recipe_material.hClientMacSecret, CKA_SIGN) && token_flag(s, recipe_material.hServerMacSecret, CKA_VERIFY));
    base = import(CKK_GENERIC_SECRET, 48, closed_flags);
    ck_rv(derive(row, &m, base, NULL, 0, &unused), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ((CK_TLS12_KEY_MAT_PARAMS *)m.pParameter)->ulIVSizeInBits = 0;
    ((CK_TLS12_KEY_MAT_PARAMS *)m.pParameter)->ulMacSizeInBits = 0;
    ck_ok(derive(row, &m, base, NULL, 0, &unused));
    ck_assert(recipe_material.hClientMacSecret == 0 && recipe_material.hClientKey != 0);
    token_stop();
}
END_TEST

START_TEST(test_the_version_in_a_premaster_secret_is_told_of_open_ones_only)
{
    const struct mechanism *row = mechanism_find(CKM_TLS12_MASTER_KEY_DERIVE);
    CK_OBJECT_HANDLE key;
    CK_MECHANISM m;

    setup();
    m = mechanism_for(row, 0);
    ck_ok(derive(row, &m, import(CKK_GENERIC_SECRET, 48, open_flags), NULL, 0, &key));
    ck_assert(recipe_version.major == 1 && recipe_version.minor == 2);
    ck_ok(derive(row, &m, import(CKK_GENERIC_SECRET, 48, closed_flags), NULL, 0, &key));
    ck_assert(recipe_version.major == 3 && recipe_version.minor == 3);
    token_stop();
}
END_TEST

START_TEST(test_md5_is_in_no_derivation_and_no_mac_of_tls)
{
    for (enum policy p = POLICY_MODERN; p <= POLICY_COMPATIBLE; p++) {
        const struct mechanism *hkdf = mechanism_find(CKM_HKDF_DERIVE), *tls = mechanism_find(CKM_TLS12_MASTER_KEY_DERIVE);
        struct pkcs11_tls_mac_params finished = {CKM_MD5, 12, 1};
        CK_MECHANISM m, mac = {CKM_TLS12_MAC, &finished, sizeof finished};
        CK_OBJECT_HANDLE base, key;
        s = token_alice_under(p);
        base = import(CKK_GENERIC_SECRET, 48, open_flags);
        m = mechanism_for(hkdf, 0);
        ((CK_HKDF_PARAMS *)m.pParameter)->prfHashMechanism = CKM_MD5;
        ck_rv(derive(hkdf, &m, base, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
        m = mechanism_for(tls, 0);
        ((CK_TLS12_MASTER_KEY_DERIVE_PARAMS *)m.pParameter)->prfHashMechanism = CKM_MD5;
        ck_rv(derive(tls, &m, base, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(f->C_SignInit(s, &mac, base), CKR_MECHANISM_PARAM_INVALID);
        token_stop();
    }
}
END_TEST

/* RFC 6070, the second vector. */
START_TEST(test_a_key_is_made_from_a_password)
{
    static const CK_BYTE right[] = {0xea, 0x6c, 0x01, 0x4d, 0xc7, 0x2d, 0x6f, 0x8c, 0xcd, 0x1e,
                                    0xd9, 0x2a, 0xce, 0x1d, 0x41, 0xf0, 0xd8, 0xde, 0x89, 0x57};
    CK_BYTE salt[] = "salt", password[] = "password", value[64];
    CK_PKCS5_PBKD2_PARAMS2 p = {CKZ_SALT_SPECIFIED, salt, 4, 2, CKP_PKCS5_PBKD2_HMAC_SHA1, NULL, 0, password, 8};
    CK_MECHANISM m = {CKM_PKCS5_PBKD2, &p, sizeof p};
    CK_KEY_TYPE aes = CKK_AES, rsa = CKK_RSA;
    CK_ULONG bytes = sizeof right, sixteen = 16;
    CK_ATTRIBUTE t[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE typed[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &sixteen, sizeof sixteen}};
    CK_OBJECT_HANDLE key = 0;

    setup();
    ck_ok(f->C_GenerateKey(s, &m, t, 3, &key));
    ck_assert_uint_eq(value_of(key, value, sizeof value), sizeof right);
    ck_assert_mem_eq(value, right, sizeof right);
    ck_ok(f->C_GenerateKey(s, &m, typed, 2, &key));
    ck_rv(f->C_GenerateKey(s, &m, typed, 1, &key), CKR_TEMPLATE_INCOMPLETE);
    typed[0].pValue = &rsa;
    ck_rv(f->C_GenerateKey(s, &m, typed, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    p.iterations = 100000000;
    ck_rv(f->C_GenerateKey(s, &m, t, 3, &key), CKR_MECHANISM_PARAM_INVALID);
    p.iterations = 0;
    ck_rv(f->C_GenerateKey(s, &m, t, 3, &key), CKR_MECHANISM_PARAM_INVALID);
    p.iterations = 1;
    p.prf = CKP_PKCS5_PBKD2_HMAC_SHA1 + 1; /* GOST */
    ck_rv(f->C_GenerateKey(s, &m, t, 3, &key), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_the_base_keys_own_template_is_obeyed)
{
    CK_ATTRIBUTE forced[] = {{CKA_EXTRACTABLE, &no, 1}};
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                        {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, recipe_data, sizeof recipe_data},
                        {CKA_DERIVE, &yes, 1},
                        {CKA_DERIVE_TEMPLATE, forced, sizeof forced}};
    CK_ATTRIBUTE against[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_MECHANISM m = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
    CK_OBJECT_HANDLE base, key;

    setup();
    ck_ok(f->C_CreateObject(s, t, 5, &base));
    ck_rv(f->C_DeriveKey(s, &m, base, against, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(f->C_DeriveKey(s, &m, base, NULL, 0, &key));
    ck_assert(!token_flag(s, key, CKA_EXTRACTABLE));
    token_stop();
}
END_TEST

static CK_OBJECT_HANDLE import_forcing(CK_ATTRIBUTE *forced, CK_ULONG n)
{
    CK_BYTE value[48] = {1};
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, value, sizeof value}, {CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1},
                        {CKA_DERIVE_TEMPLATE, forced, n * sizeof forced[0]}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, t, 7, &key));
    return key;
}

/* HMAC is the block of SP 800-108: what the template closes would be tried out byte by byte, by what the base key verifies. */
START_TEST(test_a_key_with_a_template_and_without_sign_verifies_no_short_macs)
{
    CK_ATTRIBUTE forced = {CKA_EXTRACTABLE, &no, 1}, verifies[] = {{CKA_SIGN, &no, 1}, {CKA_VERIFY, &yes, 1}};
    CK_ULONG bytes = 1;
    CK_MECHANISM m = {CKM_SHA256_HMAC_GENERAL, &bytes, sizeof bytes};
    CK_BYTE mac[8] = {0};
    CK_OBJECT_HANDLE keys[2];

    setup();
    keys[0] = import_forcing(&forced, 1);
    keys[1] = import(CKK_GENERIC_SECRET, 32, closed_flags);
    for (size_t i = 0; i < 2; i++) {
        ck_ok(f->C_SetAttributeValue(s, keys[i], verifies, 2));
        for (bytes = 1; bytes <= sizeof mac; bytes += 7) {
            CK_RV rv;
            ck_ok(f->C_VerifyInit(s, &m, keys[i]));
            rv = f->C_Verify(s, recipe_data, sizeof recipe_data, mac, bytes);
            if (i == 0 && bytes < sizeof mac)
                ck_rv(rv, CKR_MECHANISM_PARAM_INVALID);
            else
                ck_assert(rv == CKR_OK || rv == CKR_SIGNATURE_INVALID);
        }
    }
    token_stop();
}
END_TEST

/* A key that goes in beside the base key has its template too. */
START_TEST(test_a_further_keys_own_template_is_obeyed)
{
    CK_ATTRIBUTE forced = {CKA_EXTRACTABLE, &no, 1}, against = {CKA_EXTRACTABLE, &yes, 1};
    CK_ULONG bytes = 64;
    CK_ATTRIBUTE t[] = {against, {CKA_VALUE_LEN, &bytes, sizeof bytes}};
    CK_OBJECT_HANDLE base, other, key;
    CK_HKDF_PARAMS hkdf = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_KEY, NULL, 0, 0, NULL, 0};
    CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 32};
    CK_PRF_DATA_PARAM fields[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
                                  {CK_SP800_108_KEY_HANDLE, &other, sizeof other}};
    CK_SP800_108_KDF_PARAMS kbkdf = {CKM_SHA256_HMAC, 2, fields, 0, NULL};
    CK_MECHANISM ways[] = {{CKM_CONCATENATE_BASE_AND_KEY, &other, sizeof other}, {CKM_HKDF_DERIVE, &hkdf, sizeof hkdf},
                           {CKM_SP800_108_COUNTER_KDF, &kbkdf, sizeof kbkdf}};

    setup();
    base = import(CKK_GENERIC_SECRET, 32, open_flags);
    hkdf.hSaltKey = other = import_forcing(&forced, 1);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ck_rv(f->C_DeriveKey(s, &ways[i], base, t, 2, &key), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(f->C_DeriveKey(s, &ways[i], base, &t[1], 1, &key));
        ck_assert(!token_flag(s, key, CKA_EXTRACTABLE));
    }
    base = import_forcing(&against, 1); /* two keys that contradict each other derive nothing */
    ck_rv(f->C_DeriveKey(s, &ways[0], base, &t[1], 1, &key), CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

/* The standard gives the MAC secrets of TLS a type and uses of their own; what the base key forbids they do not get. */
START_TEST(test_the_base_keys_template_holds_for_mac_secrets_too)
{
    const struct mechanism *row = mechanism_find(CKM_TLS12_KEY_AND_MAC_DERIVE);
    CK_ATTRIBUTE forbidding = {CKA_SIGN, &no, 1}, forced = {CKA_EXTRACTABLE, &no, 1};
    CK_OBJECT_HANDLE key;
    CK_MECHANISM m;

    setup();
    m = mechanism_for(row, 0);
    ck_rv(derive(row, &m, import_forcing(&forbidding, 1), NULL, 0, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(derive(row, &m, import_forcing(&forced, 1), NULL, 0, &key));
    ck_assert(!token_flag(s, recipe_material.hClientMacSecret, CKA_EXTRACTABLE));
    ck_assert(!token_flag(s, recipe_material.hServerKey, CKA_EXTRACTABLE));
    ((CK_TLS12_KEY_MAT_PARAMS *)m.pParameter)->ulMacSizeInBits = 0;
    ck_ok(derive(row, &m, import_forcing(&forbidding, 1), NULL, 0, &key));
    ck_assert(!token_flag(s, recipe_material.hServerKey, CKA_SIGN));
    token_stop();
}
END_TEST

/* Bytes that are shown beside, or tried out one by one, would be those that the template closes; under either policy. */
START_TEST(test_what_a_template_closes_is_not_had_in_parts)
{
    const struct mechanism *row = mechanism_find(CKM_TLS12_KEY_AND_MAC_DERIVE);
    CK_ATTRIBUTE forced = {CKA_SENSITIVE, &yes, 1};
    CK_HKDF_PARAMS hkdf = {CK_FALSE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0};
    CK_MECHANISM expand = {CKM_HKDF_DERIVE, &hkdf, sizeof hkdf}, digest = {CKM_SHA256, NULL, 0}, m;
    CK_BYTE value[32];
    CK_ULONG bytes = 1;
    CK_ATTRIBUTE t[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}}, hide[] = {{CKA_DERIVE, &no, 1}, {CKA_SENSITIVE, &yes, 1}};
    CK_OBJECT_HANDLE base, key;

    setup();
    base = import_forcing(&forced, 1);
    ck_rv(f->C_DeriveKey(s, &expand, base, t, 1, &key), CKR_KEY_SIZE_RANGE);
    bytes = 16;
    ck_ok(f->C_DeriveKey(s, &expand, base, t, 1, &key));
    m = mechanism_for(row, 0);
    ((CK_TLS12_KEY_MAT_PARAMS *)m.pParameter)->ulIVSizeInBits = 128;
    ck_rv(derive(row, &m, base, NULL, 0, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(f->C_CopyObject(s, base, hide, 2, &key));
    bytes = sizeof value;
    ck_ok(f->C_DigestInit(s, &digest)); /* as CKM_SHA256_KEY_DERIVATION would */
    ck_ok(f->C_DigestKey(s, key));
    ck_rv(f->C_DigestFinal(s, value, &bytes), CKR_KEY_INDIGESTIBLE);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_derives_the_same_key_twice,
        &test_what_is_derived_of_a_sensitive_key_is_sensitive,
        &test_the_compatible_policy_opens_what_is_one_way,
        &test_no_part_of_a_sensitive_key_is_made_a_key,
        &test_each_row_refuses_wrong_keys_and_parameters,
        &test_lengths_and_types_are_asked_for_as_the_standard_says,
        &test_tls_gives_four_keys_and_the_vectors_of_an_open_master_secret,
        &test_the_version_in_a_premaster_secret_is_told_of_open_ones_only,
        &test_the_base_keys_own_template_is_obeyed,
        &test_a_key_with_a_template_and_without_sign_verifies_no_short_macs,
        &test_a_further_keys_own_template_is_obeyed,
        &test_the_base_keys_template_holds_for_mac_secrets_too,
        &test_what_a_template_closes_is_not_had_in_parts,
        &test_md5_is_in_no_derivation_and_no_mac_of_tls,
        &test_a_key_is_made_from_a_password,
        NULL,
    };

    return suite_of("module_derive", 120, tests);
}
