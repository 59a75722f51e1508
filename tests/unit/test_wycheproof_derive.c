/* Wycheproof's vectors for key agreement, key derivation and key wrapping, against what the vault does it with. */
#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "crypto/public_key.h"
#include "tests/unit/runner.h"
#include "tests/unit/vectors.h"
#include "vault/provider/kdf.h"
#include "vault/provider/shared_secret.h"
#include "vault/provider/wrap.h"

static bool is(const struct secret *made, const struct vector_bytes *right)
{
    return made->len == right->n && memcmp(made->bytes, right->at, right->n) == 0;
}

typedef void each_fn(const json_t *group, const json_t *test, const char *arg);

static void each(const char *name, each_fn *run, const char *arg)
{
    json_t *file = vectors_open(name), *group, *test;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group)
        json_array_foreach(json_object_get(group, "tests"), t, test) run(group, test, arg);
    json_decref(file);
}

/* ---- HKDF and PBKDF2 */

static void hkdf_case(const json_t *group, const json_t *test, const char *hash)
{
    static struct vector_bytes ikm, salt, info, okm;
    size_t n = vector_number(test, "size");
    struct kdf_hkdf h = {.hash = hash, .extract = true, .expand = true};
    struct secret made = {0};
    enum err e;

    (void)group;
    vector_bytes(test, "ikm", &ikm);
    vector_bytes(test, "salt", &salt);
    vector_bytes(test, "info", &info);
    vector_bytes(test, "okm", &okm);
    if (ikm.n == 0) {
        vector_skip("keys of no bytes, which are none here", 1);
        return;
    }
    h.salt = (struct kdf_bytes){salt.at, salt.n};
    h.info = (struct kdf_bytes){info.at, info.n};
    e = kdf_hkdf(NULL, &h, (struct kdf_bytes){ikm.at, ikm.n}, n, &made);
    vector_judge(test, "HKDF", e == ERR_OK && is(&made, &okm));
    secret_clear(&made);
}

START_TEST(test_hkdf_is_as_wycheproof_has_it)
{
    each("hkdf_sha1_test.json", hkdf_case, "SHA1");
    each("hkdf_sha256_test.json", hkdf_case, "SHA256");
    vectors_report("HKDF");
}
END_TEST

static void pbkdf2_case(const json_t *group, const json_t *test, const char *hash)
{
    static struct vector_bytes password, salt, dk;
    struct kdf_pbkdf2 p = {.hash = hash, .iterations = vector_number(test, "iterationCount")};
    struct secret made = {0};

    (void)group;
    vector_bytes(test, "password", &password);
    vector_bytes(test, "salt", &salt);
    vector_bytes(test, "dk", &dk);
    p.password = (struct kdf_bytes){password.at, password.n};
    p.salt = (struct kdf_bytes){salt.at, salt.n};
    vector_judge(test, "PBKDF2", kdf_pbkdf2(NULL, &p, dk.n, &made) == ERR_OK && is(&made, &dk));
    secret_clear(&made);
}

START_TEST(test_pbkdf2_is_as_wycheproof_has_it)
{
    each("pbkdf2_hmacsha256_test.json", pbkdf2_case, "SHA256");
    vectors_report("PBKDF2");
}
END_TEST

/* ---- key agreement */

static struct key *key_on(const char *curve, CK_KEY_TYPE type, const struct vector_bytes *value)
{
    const struct curve *c = curve_by_name(curve);
    struct key_part parts[2];
    struct key *k = NULL;

    ck_assert_ptr_nonnull(c);
    parts[0] = (struct key_part){.type = CKA_EC_PARAMS, .value = c->params, .n = c->params_bytes};
    parts[1] = (struct key_part){.type = CKA_VALUE, .value = value->at, .n = value->n};
    ck_assert_int_eq(key_load(NULL, type, parts, 2, &k), ERR_OK);
    return k;
}

static void judge_agreement(const json_t *test, struct key *k, struct kdf_bytes peer)
{
    static struct vector_bytes shared;
    struct secret made = {0};
    enum err e = shared_secret(NULL, k, peer, &made);

    vector_bytes(test, "shared", &shared);
    ck_assert_msg(e == ERR_OK || e == ERR_MECHANISM_PARAM, "%s", err_name(e));
    vector_judge(test, "ECDH", e == ERR_OK && is(&made, &shared));
    secret_clear(&made);
    key_free(k);
}

static bool names_curve(const X509_ALGOR *algorithm, const struct curve *c)
{
    const void *name = NULL;
    int type = 0;

    X509_ALGOR_get0(NULL, &type, &name, algorithm);
    return type == V_ASN1_OBJECT && OBJ_obj2nid(name) == c->nid;
}

/* The public key is SubjectPublicKeyInfo, of which a caller gives the point; other curves' points are refused like any.
 */
static void ecdh_case(const json_t *group, const json_t *test, const char *curve)
{
    static struct vector_bytes peer, own;
    const uint8_t *at = peer.at, *point = NULL;
    int point_n = 0;
    X509_PUBKEY *info = NULL;
    X509_ALGOR *algorithm = NULL;
    bool bare = strcmp(vector_text(group, "encoding"), "ecpoint") == 0;

    vector_bytes(test, "public", &peer);
    vector_bytes(test, "private", &own);
    if (!bare) {
        info = d2i_X509_PUBKEY(NULL, &at, (long)peer.n);
        if (info == NULL || at != peer.at + peer.n ||
            X509_PUBKEY_get0_param(NULL, &point, &point_n, &algorithm, info) != 1) {
            ck_assert_str_ne(vector_text(test, "result"), "valid");
            vector_skip("public keys that are no SubjectPublicKeyInfo: the callers' to refuse", 1);
            X509_PUBKEY_free(info);
            return;
        }
    }
    if (!bare && !names_curve(algorithm, curve_by_name(curve))) {
        ck_assert_str_ne(vector_text(test, "result"), "valid");
        vector_skip("public keys that do not name our key's curve: C_DeriveKey is given a point and no curve", 1);
        X509_PUBKEY_free(info);
        return;
    }
    judge_agreement(test, key_on(curve, CKK_EC, &own),
                    bare ? (struct kdf_bytes){peer.at, peer.n} : (struct kdf_bytes){point, (size_t)point_n});
    X509_PUBKEY_free(info);
}

START_TEST(test_ecdh_is_as_wycheproof_has_it)
{
    each("ecdh_secp256r1_test.json", ecdh_case, "P-256");
    each("ecdh_secp256r1_ecpoint_test.json", ecdh_case, "P-256");
    each("ecdh_secp256k1_test.json", ecdh_case, "secp256k1");
    each("ecdh_brainpoolP256r1_test.json", ecdh_case, "brainpoolP256r1");
    vectors_report("ECDH");
}
END_TEST

static void x25519_case(const json_t *group, const json_t *test, const char *curve)
{
    static struct vector_bytes peer, own;

    (void)group;
    vector_bytes(test, "public", &peer);
    vector_bytes(test, "private", &own);
    judge_agreement(test, key_on(curve, CKK_EC_MONTGOMERY, &own), (struct kdf_bytes){peer.at, peer.n});
}

START_TEST(test_x25519_is_as_wycheproof_has_it)
{
    each("x25519_test.json", x25519_case, "X25519");
    vectors_report("X25519");
}
END_TEST

/* ---- key wraps: what is wrapped has to be the ciphertext, and what is unwrapped the key or refused */

static void wrap_case(const json_t *group, const json_t *test, const char *padded)
{
    static struct vector_bytes secret, message, wrapped;
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    struct wrap w = {.mechanism = mechanism_find(padded != NULL ? CKM_AES_KEY_WRAP_KWP : CKM_AES_KEY_WRAP),
                     .given = &given};
    struct key_part value = {.type = CKA_VALUE, .value = secret.at};
    struct secret plain = {0};
    struct buffer out = {0};
    struct key *k = NULL;
    bool opens;

    (void)group;
    given.iv = &iv;
    vector_bytes(test, "key", &secret);
    vector_bytes(test, "msg", &message);
    vector_bytes(test, "ct", &wrapped);
    value.n = secret.n;
    ck_assert_int_eq(key_load(NULL, CKK_AES, &value, 1, &k), ERR_OK);
    w.key = k;
    opens = unwrap_bytes(&w, wrapped.at, wrapped.n, &plain) == ERR_OK && is(&plain, &message);
    vector_judge(test, w.mechanism->name, opens);
    if (strcmp(vector_text(test, "result"), "valid") == 0 && secret_copy(&plain, message.at, message.n)) {
        enum err e = wrap_bytes(&w, &plain, &out);
        ck_assert_msg(e == ERR_OK && out.len == wrapped.n && memcmp(out.data, wrapped.at, out.len) == 0,
                      "%s wraps otherwise", w.mechanism->name);
    }
    secret_clear(&plain);
    buffer_clear(&out);
    key_free(k);
}

START_TEST(test_key_wraps_are_as_wycheproof_has_them)
{
    each("aes_wrap_test.json", wrap_case, NULL);
    each("aes_kwp_test.json", wrap_case, "padded");
    vectors_report("AES key wrap");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_hkdf_is_as_wycheproof_has_it,         &test_pbkdf2_is_as_wycheproof_has_it,
        &test_ecdh_is_as_wycheproof_has_it,         &test_x25519_is_as_wycheproof_has_it,
        &test_key_wraps_are_as_wycheproof_has_them, NULL,
    };

    return suite_of("wycheproof_derive", 120, tests);
}
