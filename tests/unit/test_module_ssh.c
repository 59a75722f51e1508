/* SSH's derivation through the module: what its letters make, under which policy of what, and that vectors, which are data, are no way to
 * the bytes of keys. What comes out is test_ssh_kdf's and test_module_rows's to say. */
#include <string.h>

#include <openssl/evp.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { HASH_BYTES = 32, VALUE_BYTES = 36, TEXT_BYTES = HASH_BYTES + 1 + HASH_BYTES };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* What is hashed behind K for the key by the letter C: the exchange hash, the letter, the session, in which an A stands by chance. */
static CK_BYTE text[TEXT_BYTES + 1] = "an exchange hash of thirty-two b"
                                      "C"
                                      "0123456789A session of thirty two";

static void setup_under(enum policy policy)
{
    local_node_policy = policy;
    token_start_with_users();
    s = token_alice();
}

/* ---- keys */

static CK_BYTE shared[VALUE_BYTES] = "\0\0\0\x20what both sides have agreed up";

static CK_OBJECT_HANDLE import_with(bool open, CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[8] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, shared, sizeof shared},
                         {CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, open ? &no : &yes, 1}, {CKA_EXTRACTABLE, open ? &yes : &no, 1}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(t + 6, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 6 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE import(bool open)
{
    CK_ATTRIBUTE none[1];

    return import_with(open, none, 0);
}

/* ---- calls */

static struct pkcs11_sshkdf_params params;
static CK_OBJECT_HANDLE last;

static void good(CK_BYTE letter)
{
    params = (struct pkcs11_sshkdf_params){CKM_SHA256, letter, text, HASH_BYTES, text + HASH_BYTES + 1, HASH_BYTES};
}

static CK_RV derive(CK_OBJECT_HANDLE base, CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_MECHANISM m = {KRM_SSHKDF_DERIVE, &params, sizeof params};

    last = 0;
    return f->C_DeriveKey(s, &m, base, t, n, &last);
}

static CK_ULONG length;
static CK_ATTRIBUTE sized[] = {{CKA_VALUE_LEN, &length, sizeof length}};
static CK_ATTRIBUTE opened[] = {{CKA_VALUE_LEN, &length, sizeof length}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};

static CK_RV derive_bytes(CK_BYTE letter, CK_OBJECT_HANDLE base, CK_ULONG n)
{
    good(letter);
    length = n;
    return derive(base, sized, 1);
}

static void is_value(const CK_BYTE *right, CK_ULONG n)
{
    CK_BYTE value[128];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    ck_ok(f->C_GetAttributeValue(s, last, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, n);
    ck_assert_mem_eq(value, right, n);
}

/* SHA-256 of K and the text, with another letter in it. */
static void hash_outside(CK_BYTE letter, CK_BYTE out[HASH_BYTES])
{
    CK_BYTE all[VALUE_BYTES + TEXT_BYTES];
    size_t n;

    memcpy(all, shared, VALUE_BYTES);
    memcpy(all + VALUE_BYTES, text, TEXT_BYTES);
    all[VALUE_BYTES + HASH_BYTES] = letter;
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, all, sizeof all, out, &n), 1);
}

/* ---- what letters make */

START_TEST(test_the_first_letters_make_data_and_the_others_keys)
{
    CK_OBJECT_CLASS data_class = CKO_DATA, secret_class = CKO_SECRET_KEY;
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE data[] = {{CKA_CLASS, &data_class, sizeof data_class}, {CKA_VALUE_LEN, &length, sizeof length}, {CKA_TOKEN, &yes, 1}};
    CK_ATTRIBUTE key[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                          {CKA_VALUE_LEN, &length, sizeof length}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE none = {CKA_VALUE_LEN, NULL, 0};
    CK_OBJECT_HANDLE base;
    CK_BYTE right[HASH_BYTES];

    setup_under(POLICY_MODERN);
    base = import(true);
    for (CK_BYTE letter = 'A'; letter <= 'F'; letter++) {
        bool vector = letter <= 'B';
        good(letter);
        hash_outside(letter, right);
        length = vector ? 12 : 32;
        ck_ok(derive(base, vector ? data : key, vector ? 3 : 5));
        ck_assert_uint_eq(token_number(s, last, CKA_CLASS), vector ? CKO_DATA : CKO_SECRET_KEY);
        is_value(right, length);
        ck_rv(derive(base, vector ? key : data, vector ? 5 : 2), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(base, vector ? data : key, vector ? 1 : 2), CKR_TEMPLATE_INCOMPLETE);
        ck_ok(derive_bytes(letter, base, 32)); /* a template that is silent about the class */
        ck_assert_uint_eq(token_number(s, last, CKA_CLASS), vector ? CKO_DATA : CKO_SECRET_KEY);
        ck_rv(derive_bytes(letter, base, 0), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(derive_bytes(letter, base, ~0UL), vector ? CKR_KEY_SIZE_RANGE : CKR_TEMPLATE_INCONSISTENT);
    }
    ck_ok(derive_bytes('A', base, 8));
    ck_rv(f->C_GetAttributeValue(s, last, &none, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_a_vectors_length_is_said_once_and_well)
{
    CK_ATTRIBUTE twice[] = {{CKA_VALUE_LEN, &length, sizeof length}, {CKA_VALUE_LEN, &length, sizeof length}},
                 cut[] = {{CKA_VALUE_LEN, &length, 3}}, typed[] = {{CKA_VALUE_LEN, &length, sizeof length}, {CKA_SENSITIVE, &yes, 1}};
    CK_OBJECT_HANDLE base;

    setup_under(POLICY_MODERN);
    base = import(true);
    good('B');
    length = 16;
    ck_rv(derive(base, twice, 2), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(derive(base, cut, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(derive(base, typed, 2), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_ok(derive(base, sized, 1));
    token_stop();
}
END_TEST

/* CKM_HKDF_DATA has its length from there too: "tls1.3 iv" is what PKCS#11 v3.1 section 6.62.6 has it for. */
START_TEST(test_hkdf_makes_data_of_any_length)
{
    CK_BYTE info[] = "tls1.3 iv", right[12];
    CK_HKDF_PARAMS p = {.bExpand = CK_TRUE, .prfHashMechanism = CKM_SHA256, .ulSaltType = CKF_HKDF_SALT_NULL, .pInfo = info,
                        .ulInfoLen = 9};
    CK_MECHANISM data = {CKM_HKDF_DATA, &p, sizeof p}, key = {CKM_HKDF_DERIVE, &p, sizeof p};
    CK_ATTRIBUTE a = {CKA_VALUE, right, sizeof right};
    CK_OBJECT_HANDLE base;

    setup_under(POLICY_MODERN);
    base = import(true);
    length = sizeof right;
    ck_ok(f->C_DeriveKey(s, &key, base, opened, 3, &last));
    ck_ok(f->C_GetAttributeValue(s, last, &a, 1));
    ck_ok(f->C_DeriveKey(s, &data, base, sized, 1, &last));
    is_value(right, sizeof right);
    ck_rv(f->C_DeriveKey(s, &data, base, NULL, 0, &last), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_DeriveKey(s, &data, import(false), sized, 1, &last), CKR_KEY_FUNCTION_NOT_PERMITTED);
    token_stop();
}
END_TEST

/* ---- policies */

START_TEST(test_of_a_closed_key_the_modern_policy_makes_closed_keys_and_no_vectors)
{
    CK_OBJECT_HANDLE base;

    setup_under(POLICY_MODERN);
    base = import(false);
    for (CK_BYTE letter = 'A'; letter <= 'B'; letter++)
        for (CK_ULONG n = 1; n <= 64; n = 4 * n)
            ck_rv(derive_bytes(letter, base, n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    for (CK_BYTE letter = 'C'; letter <= 'F'; letter++) {
        ck_ok(derive_bytes(letter, base, 16));
        ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
        ck_rv(derive_bytes(letter, base, 15), CKR_KEY_SIZE_RANGE);
        length = 32;
        ck_rv(derive(base, opened, 3), CKR_TEMPLATE_INCONSISTENT);
    }
    token_stop();
}
END_TEST

START_TEST(test_the_compatible_policy_leaves_it_to_the_template_and_the_keys_own)
{
    CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}}, own = {CKA_DERIVE_TEMPLATE, closes, sizeof closes};
    CK_BYTE right[HASH_BYTES];
    CK_OBJECT_HANDLE base;

    setup_under(POLICY_COMPATIBLE);
    base = import(false);
    ck_ok(derive_bytes('A', base, 16));
    hash_outside('A', right);
    is_value(right, 16);
    good('C');
    length = 32;
    ck_ok(derive(base, opened, 3));
    base = import_with(true, &own, 1);
    ck_rv(derive_bytes('A', base, 16), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(derive_bytes('F', base, 12), CKR_KEY_SIZE_RANGE);
    ck_ok(derive_bytes('F', base, 20));
    ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
    token_stop();
}
END_TEST

/* SHA-1 as in all derivations: key exchanges with it are there. MD5 is in none. */
START_TEST(test_no_policy_has_it_with_md5)
{
    static const enum policy policies[] = {POLICY_MODERN, POLICY_COMPATIBLE};

    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        CK_OBJECT_HANDLE base;
        setup_under(policies[i]);
        base = import(true);
        length = 16;
        good('C');
        params.prfHashMechanism = CKM_SHA_1;
        params.ulExchangeHashLen = 20;
        ck_ok(derive(base, sized, 1));
        params.prfHashMechanism = CKM_MD5;
        params.ulExchangeHashLen = 16;
        ck_rv(derive(base, sized, 1), CKR_MECHANISM_PARAM_INVALID);
        token_stop();
    }
}
END_TEST

/* ---- the same bytes, cut elsewhere */

static CK_OBJECT_HANDLE with_text_behind(CK_OBJECT_HANDLE base, bool open, CK_ULONG n)
{
    CK_KEY_DERIVATION_STRING_DATA behind = {text, n};
    CK_MECHANISM m = {CKM_CONCATENATE_BASE_AND_DATA, &behind, sizeof behind};
    CK_ATTRIBUTE derives[] = {{CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_DeriveKey(s, &m, base, derives, open ? 3 : 1, &key));
    return key;
}

/* The letter A stands in the session: with what stands before it as the exchange hash, the key by C would be a vector. */
START_TEST(test_no_vector_has_the_bytes_of_a_closed_key)
{
    const CK_ULONG at = HASH_BYTES + 1 + 10;
    CK_BYTE right[HASH_BYTES];
    CK_OBJECT_HANDLE base;

    setup_under(POLICY_MODERN);
    ck_assert_int_eq(text[at], 'A');
    hash_outside('C', right);
    base = import(true); /* of an open key there is nothing to hide: so the bytes are seen to be the same */
    params = (struct pkcs11_sshkdf_params){CKM_SHA256, 'A', text, at, text + at + 1, TEXT_BYTES - at - 1};
    length = HASH_BYTES;
    ck_rv(derive(base, sized, 1), CKR_MECHANISM_PARAM_INVALID);
    params.pExchangeHash = text + at - HASH_BYTES;
    params.ulExchangeHashLen = HASH_BYTES;
    ck_ok(derive(with_text_behind(base, true, at - HASH_BYTES), sized, 1));
    is_value(right, HASH_BYTES);
    base = import(false);
    ck_ok(derive_bytes('C', base, HASH_BYTES));
    params = (struct pkcs11_sshkdf_params){CKM_SHA256, 'A', text + at - HASH_BYTES, HASH_BYTES, text + at + 1, TEXT_BYTES - at - 1};
    ck_rv(derive(with_text_behind(base, false, at - HASH_BYTES), sized, 1), CKR_KEY_FUNCTION_NOT_PERMITTED);
    token_stop();
}
END_TEST

/* ---- in use */

/* SHA-256 of what both sides have sent, and of K: the exchange hash is made of it, too (RFC 4253 section 8). */
static CK_RV exchange_hash(CK_OBJECT_HANDLE k, CK_BYTE out[HASH_BYTES])
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_BYTE sent[] = "identifications, key exchange messages, host key, public values";
    CK_ULONG n = HASH_BYTES;
    CK_RV rv;

    ck_ok(f->C_DigestInit(s, &m));
    ck_ok(f->C_DigestUpdate(s, sent, sizeof sent));
    if ((rv = f->C_DigestKey(s, k)) == CKR_OK)
        ck_ok(f->C_DigestFinal(s, out, &n));
    else
        f3->C_SessionCancel(s, ~0UL);
    return rv;
}

/* Where K is the hash of two secrets (mlkem768x25519-sha256 and its like), it is a string and no mpint, and the token makes all of it.
 * Twice: a key that derives has no digest. */
static CK_OBJECT_HANDLE hybrid_secret(CK_OBJECT_HANDLE *to_hash)
{
    CK_BYTE prefix[] = {0, 0, 0, HASH_BYTES};
    CK_KEY_DERIVATION_STRING_DATA in_front = {prefix, sizeof prefix};
    CK_OBJECT_HANDLE second = import(false), k = import(false);
    CK_MECHANISM join = {CKM_CONCATENATE_BASE_AND_KEY, &second, sizeof second}, hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0},
                 put = {CKM_CONCATENATE_DATA_AND_BASE, &in_front, sizeof in_front};
    CK_ATTRIBUTE t[] = {{CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}},
                 hashed[] = {{CKA_DERIVE, &no, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_BYTE both[2 * VALUE_BYTES];
    size_t n;

    ck_ok(f->C_DeriveKey(s, &join, k, t, 3, &k));
    ck_ok(f->C_DeriveKey(s, &hash, k, t, 3, &k));
    ck_ok(f->C_DeriveKey(s, &put, k, hashed, 3, to_hash));
    ck_ok(f->C_DeriveKey(s, &put, k, t, 3, &k));
    memcpy(both, shared, VALUE_BYTES);
    memcpy(both + VALUE_BYTES, shared, VALUE_BYTES);
    memcpy(shared, prefix, sizeof prefix);
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, both, sizeof both, shared + sizeof prefix, &n), 1);
    return k;
}

START_TEST(test_a_whole_exchange_stays_in_the_token_under_the_compatible_policy)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_ATTRIBUTE signs[] = {{CKA_VALUE_LEN, &length, sizeof length}, {CKA_SIGN, &yes, 1}, {CKA_SENSITIVE, &yes, 1}};
    CK_BYTE right[HASH_BYTES], mac[HASH_BYTES], right_mac[HASH_BYTES];
    CK_ULONG mac_n = sizeof mac;
    CK_OBJECT_HANDLE k, to_hash;
    size_t n;

    setup_under(POLICY_COMPATIBLE);
    k = hybrid_secret(&to_hash);
    ck_rv(exchange_hash(k, text), CKR_KEY_INDIGESTIBLE);
    ck_ok(exchange_hash(to_hash, text));
    memcpy(text + HASH_BYTES + 1, text, HASH_BYTES);
    ck_ok(derive_bytes('A', k, 12));
    hash_outside('A', right);
    is_value(right, 12);
    good('E');
    length = HASH_BYTES;
    ck_ok(derive(k, signs, 3));
    ck_assert(token_flag(s, last, CKA_SENSITIVE));
    ck_ok(f->C_SignInit(s, &hmac, last));
    ck_ok(f->C_Sign(s, text, TEXT_BYTES, mac, &mac_n));
    hash_outside('E', right);
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, right, HASH_BYTES, text, TEXT_BYTES, right_mac, HASH_BYTES, &n));
    ck_assert_mem_eq(mac, right_mac, HASH_BYTES);
    token_stop();
}
END_TEST

/* So the modern one refuses nobody vectors who could do without them: who has the exchange hash has K. */
START_TEST(test_of_a_closed_secret_nobody_has_an_exchange_hash_under_the_modern_policy)
{
    CK_OBJECT_HANDLE k, to_hash;

    setup_under(POLICY_MODERN);
    k = hybrid_secret(&to_hash);
    ck_rv(exchange_hash(k, text), CKR_KEY_INDIGESTIBLE);
    ck_rv(exchange_hash(to_hash, text), CKR_KEY_INDIGESTIBLE);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_the_first_letters_make_data_and_the_others_keys,
        &test_a_vectors_length_is_said_once_and_well,
        &test_hkdf_makes_data_of_any_length,
        &test_of_a_closed_key_the_modern_policy_makes_closed_keys_and_no_vectors,
        &test_the_compatible_policy_leaves_it_to_the_template_and_the_keys_own,
        &test_no_policy_has_it_with_md5,
        &test_no_vector_has_the_bytes_of_a_closed_key,
        &test_a_whole_exchange_stays_in_the_token_under_the_compatible_policy,
        &test_of_a_closed_secret_nobody_has_an_exchange_hash_under_the_modern_policy,
        NULL,
    };

    return suite_of("module_ssh", 120, tests);
}
