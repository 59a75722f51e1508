/* Keys whose CKA_PRIVATE is false, as many programs make them: the answer is theirs, the key is its owner's alone
 * (docs/decisions/011). */
#include <string.h>

#include <openssl/evp.h>

#include "proto/attribute.h"
#include "proto/parameter_set.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

enum { MADE_MAX = 16, ATTRIBUTES_MAX = 16 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE, on_token;
static CK_BYTE mine[] = "mine", data[16] = "sixteen bytes ..";
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
static CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};
static CK_OBJECT_HANDLE made[MADE_MAX];
static size_t made_n;

/* What all of them say, with more behind it. */
struct said {
    CK_ATTRIBUTE t[ATTRIBUTES_MAX];
    CK_ULONG n;
};

static struct said say(const CK_ATTRIBUTE *more, CK_ULONG n)
{
    struct said a = {{{CKA_PRIVATE, &no, 1}, {CKA_TOKEN, &on_token, 1}, {CKA_LABEL, mine, 4}}, 3 + n};

    ck_assert_uint_le(a.n, ATTRIBUTES_MAX);
    if (n != 0)
        memcpy(a.t + 3, more, n * sizeof *more);
    return a;
}

static void keep(CK_OBJECT_HANDLE key)
{
    ck_assert_uint_lt(made_n, MADE_MAX);
    ck_assert(!token_flag(s, key, CKA_PRIVATE));
    made[made_n++] = key;
}

/* ---- every way to make one */

static void generate(void)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG bytes = 32;
    struct said a = say((CK_ATTRIBUTE[]){{CKA_VALUE_LEN, &bytes, sizeof bytes}}, 1);
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_GenerateKey(s, &m, a.t, a.n, &key));
    keep(key);
}

static void generate_pair(void)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    struct said a = say(NULL, 0);
    CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof p256};
    CK_OBJECT_HANDLE public_key, key;

    ck_ok(f->C_GenerateKeyPair(s, &m, &curve, 1, a.t, a.n, &public_key, &key));
    keep(key);
}

/* The second may be read by its user; a key of the same value is derived from and wrapped below. */
static CK_OBJECT_HANDLE create(bool open)
{
    CK_BBOOL shown = open, hidden = !open;
    struct said a = say((CK_ATTRIBUTE[]){{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
                                         {CKA_SENSITIVE, &hidden, 1}, {CKA_EXTRACTABLE, &shown, 1}, {CKA_WRAP, &yes, 1},
                                         {CKA_UNWRAP, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_ENCRYPT, &yes, 1},
                                         {CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_VALUE, data, sizeof data}}, 11);
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_CreateObject(s, a.t, a.n, &key));
    keep(key);
    return key;
}

static void unwrap(CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE what)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    struct said a = say((CK_ATTRIBUTE[]){{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                                         {CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1}}, 4);
    CK_BYTE wrapped[64];
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_WrapKey(s, &m, by, what, wrapped, &n));
    ck_ok(f->C_UnwrapKey(s, &m, by, wrapped, n, a.t, a.n, &key));
    keep(key);
}

static void derive(CK_OBJECT_HANDLE base)
{
    CK_MECHANISM m = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
    struct said a = say((CK_ATTRIBUTE[]){{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                                         {CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1}}, 4);
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_DeriveKey(s, &m, base, a.t, a.n, &key));
    keep(key);
}

static void copy(CK_OBJECT_HANDLE of)
{
    CK_ATTRIBUTE t = {CKA_TOKEN, &on_token, 1};
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_CopyObject(s, of, &t, 1, &key));
    keep(key);
}

static void encapsulate(void)
{
    CK_MECHANISM gen = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0}, m = {CKM_ML_KEM, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_512, n = 2048;
    CK_ATTRIBUTE of_set = {CKA_PARAMETER_SET, &set, sizeof set};
    struct said a = say(NULL, 0);
    CK_OBJECT_HANDLE public_key, private_key, key;
    CK_BYTE ciphertext[2048];

    ck_ok(f->C_GenerateKeyPair(s, &gen, &of_set, 1, NULL, 0, &public_key, &private_key));
    ck_ok(f3->C_EncapsulateKey(s, &m, public_key, a.t, a.n, ciphertext, &n, &key));
    keep(key);
    ck_ok(f3->C_DecapsulateKey(s, &m, private_key, a.t, a.n, ciphertext, n, &key));
    keep(key);
}

/* There are none but in the token. */
static void generate_one_time(void)
{
    CK_MECHANISM m = {CKM_HOTP_KEY_GEN, NULL, 0};
    struct said a = say(NULL, 0);
    CK_OBJECT_HANDLE key;

    ck_ok(f->C_GenerateKey(s, &m, a.t, a.n, &key));
    keep(key);
}

static void make_all(void)
{
    CK_OBJECT_HANDLE wraps, open;

    generate();
    generate_pair();
    wraps = create(false);
    open = create(true);
    unwrap(wraps, open);
    derive(wraps);
    copy(made[0]);
    if (parameter_set_makes_here(CKK_ML_KEM))
        encapsulate();
    if (on_token)
        generate_one_time();
}

/* ---- who sees them */

/* Objects of the label, with a CKA_CLASS or 0, and a CKA_PRIVATE or NULL. */
static CK_ULONG found(CK_OBJECT_CLASS object_class, CK_BBOOL *is_private)
{
    CK_ATTRIBUTE t[3] = {{CKA_LABEL, mine, 4}};
    CK_OBJECT_HANDLE handles[64];
    CK_ULONG n = 1, count = 0;

    if (object_class != 0)
        t[n++] = (CK_ATTRIBUTE){CKA_CLASS, &object_class, sizeof object_class};
    if (is_private != NULL)
        t[n++] = (CK_ATTRIBUTE){CKA_PRIVATE, is_private, 1};
    ck_ok(f->C_FindObjectsInit(s, t, n));
    ck_ok(f->C_FindObjects(s, handles, 64, &count));
    ck_ok(f->C_FindObjectsFinal(s));
    return count;
}

static void ck_found(CK_ULONG n)
{
    static const CK_OBJECT_CLASS classes[] = {0, CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_OTP_KEY};
    CK_ULONG of_class[4];

    for (size_t i = 0; i < 4; i++) {
        of_class[i] = found(classes[i], &no);
        ck_assert_uint_eq(found(classes[i], NULL), of_class[i]);
        ck_assert_uint_eq(found(classes[i], &yes), 0);
    }
    ck_assert_uint_eq(of_class[0], n);
    ck_assert_uint_eq(of_class[1] + of_class[2] + of_class[3], n);
}

/* By its handle, whoever knows it. */
static void ck_not_there(CK_OBJECT_HANDLE key, bool user)
{
    CK_OBJECT_CLASS object_class = 0;
    CK_ATTRIBUTE a = {CKA_CLASS, &object_class, sizeof object_class}, label = {CKA_LABEL, mine, 4}, t = {CKA_TOKEN, &no, 1};
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE other;
    CK_ULONG size;

    ck_rv(f->C_GetAttributeValue(s, key, &a, 1), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_GetObjectSize(s, key, &size), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_CopyObject(s, key, &t, 1, &other), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_EncryptInit(s, &ecb, key), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_VerifyInit(s, &hmac, key), CKR_KEY_HANDLE_INVALID);
    ck_ok(f->C_DigestInit(s, &sha));
    ck_rv(f->C_DigestKey(s, key), CKR_KEY_HANDLE_INVALID);
    f3->C_SessionCancel(s, CKF_DIGEST);
    if (!user)
        return;
    ck_rv(f->C_SignInit(s, &hmac, key), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_DecryptInit(s, &ecb, key), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_SetAttributeValue(s, key, &label, 1), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_DestroyObject(s, key), CKR_OBJECT_HANDLE_INVALID);
}

/* With a key of one's own beside it. */
static void ck_not_lent(CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE own = token_secret_key(s, CKK_AES, 32), other;
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0}, join = {CKM_CONCATENATE_BASE_AND_KEY, &key, sizeof key},
                 hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    ck_rv(f->C_WrapKey(s, &wrap, own, key, out, &n), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_WrapKey(s, &wrap, key, own, out, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
    ck_rv(f->C_UnwrapKey(s, &wrap, key, out, 24, NULL, 0, &other), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    ck_rv(f->C_DeriveKey(s, &join, own, NULL, 0, &other), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_DeriveKey(s, &hash, key, NULL, 0, &other), CKR_KEY_HANDLE_INVALID);
    ck_ok(f->C_DestroyObject(s, own));
}

static void ck_seen_by_nobody(bool user)
{
    ck_found(0);
    for (size_t i = 0; i < made_n; i++)
        ck_not_there(made[i], user);
    for (size_t i = 0; user && i < made_n; i++)
        ck_not_lent(made[i]);
}

static void log_in(CK_USER_TYPE type, const char *pin)
{
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, type, pin));
}

static void ck_use(CK_OBJECT_HANDLE key)
{
    CK_BYTE mac[32];
    CK_ULONG n = sizeof mac;

    ck_ok(f->C_SignInit(s, &hmac, key));
    ck_ok(f->C_Sign(s, data, sizeof data, mac, &n));
    ck_ok(f->C_VerifyInit(s, &hmac, key));
    ck_ok(f->C_Verify(s, data, sizeof data, mac, n));
}

static void try_all(bool token)
{
    on_token = token;
    made_n = 0;
    make_all();
    ck_found(made_n);
    ck_use(made[4]); /* unwrapped */
    ck_use(made[5]); /* derived */
    ck_ok(f->C_Logout(s));
    ck_seen_by_nobody(false);
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_seen_by_nobody(true);
    log_in(CKU_SO, ADMIN);
    ck_seen_by_nobody(false);
    log_in(CKU_USER, ALICE);
    ck_found(token ? made_n : 0);
    if (!token)
        ck_seen_by_nobody(true);
    for (size_t i = 0; token && i < made_n; i++)
        ck_ok(f->C_DestroyObject(s, made[i]));
    ck_found(0);
}

START_TEST(test_token_keys_that_are_not_private_are_their_owners)
{
    token_start_with_users();
    s = token_alice();
    try_all(true);
    token_stop();
}
END_TEST

/* Public session objects stay when a login ends (PKCS#11 v3.1 section 5.6.8); these go. */
START_TEST(test_session_keys_that_are_not_private_end_with_the_login)
{
    token_start_with_users();
    s = token_alice();
    try_all(false);
    token_stop();
}
END_TEST

START_TEST(test_nobody_makes_them_without_a_login)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                        {CKA_PRIVATE, &no, 1}, {CKA_VALUE, data, sizeof data}};
    CK_OBJECT_HANDLE key;

    token_start_with_users();
    s = token_session();
    ck_rv(f->C_GenerateKey(s, &m, t + 2, 1, &key), CKR_USER_NOT_LOGGED_IN);
    ck_rv(f->C_CreateObject(s, t, 4, &key), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_flag_becomes_true_and_never_false_again)
{
    CK_ATTRIBUTE private = {CKA_PRIVATE, &yes, 1}, not_private = {CKA_PRIVATE, &no, 1};
    CK_OBJECT_HANDLE key, closed, again;

    token_start_with_users();
    s = token_alice();
    for (int token = 0; token < 2; token++) {
        on_token = (CK_BBOOL)token;
        made_n = 0;
        key = create(false);
        ck_rv(f->C_SetAttributeValue(s, key, &private, 1), CKR_ATTRIBUTE_READ_ONLY);
        ck_ok(f->C_CopyObject(s, key, &private, 1, &closed));
        ck_assert(token_flag(s, closed, CKA_PRIVATE));
        ck_rv(f->C_CopyObject(s, closed, &not_private, 1, &again), CKR_ATTRIBUTE_READ_ONLY);
        ck_rv(f->C_SetAttributeValue(s, closed, &not_private, 1), CKR_ATTRIBUTE_READ_ONLY);
        ck_assert_uint_eq(found(0, &yes), 1);
        ck_assert_uint_eq(found(0, &no), 1);
        ck_ok(f->C_DestroyObject(s, closed));
        ck_ok(f->C_DestroyObject(s, key));
    }
    token_stop();
}
END_TEST

/* PKCS#11 v3.1 section 4.9: CKA_ALWAYS_AUTHENTICATE can only be true where CKA_PRIVATE is. */
START_TEST(test_key_that_always_asks_is_private)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof p256}, t[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_PRIVATE, &no, 1}};
    CK_OBJECT_HANDLE public_key, key;

    token_start_with_users();
    s = token_alice();
    ck_rv(f->C_GenerateKeyPair(s, &m, &curve, 1, t, 2, &public_key, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(f->C_GenerateKeyPair(s, &m, &curve, 1, t, 1, &public_key, &key));
    ck_assert(token_flag(s, key, CKA_PRIVATE));
    token_stop();
}
END_TEST

/* A template of a key can ask it of what is made with it. */
START_TEST(test_templates_of_keys_may_say_it)
{
    CK_ATTRIBUTE inner = {CKA_PRIVATE, &no, 1};
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                        {CKA_VALUE, data, sizeof data}, {CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, &inner, sizeof inner}};
    CK_ATTRIBUTE private = {CKA_PRIVATE, &yes, 1};
    CK_MECHANISM hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
    CK_OBJECT_HANDLE base, key;

    token_start_with_users();
    s = token_alice();
    ck_ok(f->C_CreateObject(s, t, 5, &base));
    ck_ok(f->C_DeriveKey(s, &hash, base, NULL, 0, &key));
    ck_assert(!token_flag(s, key, CKA_PRIVATE));
    ck_rv(f->C_DeriveKey(s, &hash, base, &private, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(f->C_Logout(s));
    ck_not_there(key, false);
    token_stop();
}
END_TEST

/* Domain parameters are nobody's secret: open unless they say that they are private. */
START_TEST(test_open_domain_parameters_are_everybodys_and_private_ones_their_owners)
{
    static struct sample_template t;
    EVP_PKEY *key = sample_dh("ffdhe2048");
    CK_OBJECT_HANDLE open, closed, session, again;
    CK_ATTRIBUTE more[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, mine, 4}, {CKA_PRIVATE, &yes, 1}}, here = {CKA_TOKEN, &no, 1};

    sample_public(&t, key);
    sample_ulong(&t, CKA_CLASS, CKO_DOMAIN_PARAMETERS);
    t.list[0] = t.list[--t.message.n_attributes];
    t.message.n_attributes--; /* without CKA_VALUE */
    token_start_with_users();
    s = token_alice();
    open = token_key_create(s, &t, more, 2);
    closed = token_key_create(s, &t, more, 3);
    ck_assert(!token_flag(s, open, CKA_PRIVATE) && token_flag(s, closed, CKA_PRIVATE));
    ck_assert_uint_eq(found(CKO_DOMAIN_PARAMETERS, NULL), 2);
    ck_ok(f->C_Logout(s));
    ck_assert_uint_eq(found(CKO_DOMAIN_PARAMETERS, NULL), 1);
    ck_rv(f->C_GetObjectSize(s, closed, &(CK_ULONG){0}), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(f->C_CopyObject(s, open, &here, 1, &session));
    ck_ok(f->C_CopyObject(s, session, NULL, 0, &again));
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_assert_uint_eq(found(CKO_DOMAIN_PARAMETERS, NULL), 3);
    ck_rv(f->C_DestroyObject(s, open), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(f->C_Logout(s));
    ck_assert_uint_eq(found(CKO_DOMAIN_PARAMETERS, NULL), 3);
    ck_assert_uint_eq(token_number(s, again, CKA_PRIME_BITS), 2048);
    ck_ok(f->C_DestroyObject(s, session));
    token_stop();
    EVP_PKEY_free(key);
}
END_TEST

static CK_ULONG whole(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_BYTE *out)
{
    CK_ATTRIBUTE a = {type, out, SAMPLE_DH_BYTES_MAX};

    return f->C_GetAttributeValue(s, o, &a, 1) == CKR_OK ? a.ulValueLen : CK_UNAVAILABLE_INFORMATION;
}

static CK_RV create_domain(CK_KEY_TYPE type, const CK_ATTRIBUTE *parts, CK_ULONG n, const CK_ATTRIBUTE *more)
{
    CK_OBJECT_CLASS object_class = CKO_DOMAIN_PARAMETERS;
    CK_ATTRIBUTE all[8] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE o;

    for (CK_ULONG i = 0; i < n; i++)
        all[2 + i] = parts[i];
    if (more != NULL)
        all[2 + n] = *more;
    return f->C_CreateObject(s, all, 2 + n + (more != NULL), &o);
}

/* Nobody is logged in. */
static void ck_refused_domain(CK_KEY_TYPE type, CK_ATTRIBUTE *parts, CK_ULONG n)
{
    static CK_BYTE one[] = {1};
    static CK_ULONG bits = 2048;
    const CK_ATTRIBUTE size = {CKA_PRIME_BITS, &bits, sizeof bits}, value = {CKA_VALUE, one, 1}, id = {CKA_ID, one, 1},
                       truth = {CKA_LOCAL, &yes, 1};
    CK_ATTRIBUTE base = {0}, *at = NULL;

    ck_ok(create_domain(type, parts, n, NULL));
    ck_rv(create_domain(type, parts, n - 1, NULL), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(create_domain(type, parts, n, &parts[0]), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(create_domain(type, parts, n, &size), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(create_domain(type, parts, n, &truth), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(create_domain(type, parts, n, &value), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(create_domain(type, parts, n, &id), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(create_domain(type == CKK_DH ? CKK_DSA : CKK_DH, parts, n, NULL),
          type == CKK_DH ? CKR_TEMPLATE_INCOMPLETE : CKR_TEMPLATE_INCONSISTENT);
    ck_rv(create_domain(CKK_RSA, parts, n, NULL), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(create_domain(CKK_X9_42_DH, parts, n, NULL), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(create_domain(type, parts, n, &(CK_ATTRIBUTE){CKA_TOKEN, &yes, 1}), CKR_USER_NOT_LOGGED_IN);
    ck_rv(create_domain(type, parts, n, &(CK_ATTRIBUTE){CKA_PRIVATE, &yes, 1}), CKR_USER_NOT_LOGGED_IN);
    for (CK_ULONG i = 0; i < n; i++)
        if (parts[i].type == CKA_BASE)
            base = *(at = &parts[i]);
    ck_assert_ptr_nonnull(at);
    *at = (CK_ATTRIBUTE){CKA_BASE, one, 1};
    ck_rv(create_domain(type, parts, n, NULL), CKR_ATTRIBUTE_VALUE_INVALID);
    *at = base;
}

/* Programs that check what somebody else has signed, and agree with somebody else, bring parameters along as they do public keys. */
START_TEST(test_session_domain_parameters_need_no_login)
{
    static struct sample_template t;
    static CK_BYTE here[SAMPLE_DH_BYTES_MAX], there[SAMPLE_DH_BYTES_MAX];
    CK_ATTRIBUTE closed[] = {{CKA_PRIVATE, &yes, 1}}, token = {CKA_TOKEN, &yes, 1};
    local_node_policy = POLICY_COMPATIBLE;
    token_start_with_users();
    for (int dsa = 0; dsa < 2; dsa++) {
        EVP_PKEY *key = dsa ? sample_dsa() : sample_dh("ffdhe2048");
        CK_OBJECT_HANDLE mine_alone, kept, of_vault;
        CK_ATTRIBUTE parts[8];
        CK_ULONG n = 0;
        sample_public(&t, key);
        sample_ulong(&t, CKA_CLASS, CKO_DOMAIN_PARAMETERS);
        t.list[0] = t.list[--t.message.n_attributes];
        t.message.n_attributes--; /* without CKA_VALUE */
        s = token_session();
        mine_alone = token_key_create(s, &t, NULL, 0);
        ck_ok(token_login(s, CKU_USER, ALICE));
        of_vault = token_key_create(s, &t, closed, 1);
        for (size_t i = 0; attribute_at(i) != NULL; i++) { /* it is what the vault would have made of it, but for its name */
            CK_ATTRIBUTE_TYPE type = attribute_at(i)->type;
            CK_ULONG bytes = whole(mine_alone, type, here);
            ck_assert_msg(bytes == whole(of_vault, type, there), "%s", attribute_at(i)->name);
            ck_assert_msg(type == CKA_UNIQUE_ID || type == CKA_PRIVATE || bytes == CK_UNAVAILABLE_INFORMATION ||
                              memcmp(here, there, bytes) == 0, "%s", attribute_at(i)->name);
        }
        ck_assert_uint_eq(token_number(s, mine_alone, CKA_PRIME_BITS), 2048);
        ck_assert(!token_flag(s, mine_alone, CKA_LOCAL));
        ck_ok(f->C_CopyObject(s, mine_alone, &token, 1, &kept));
        ck_assert_uint_eq(token_number(s, kept, CKA_PRIME_BITS), 2048);
        ck_ok(f->C_DestroyObject(s, kept));
        ck_ok(f->C_Logout(s));
        ck_assert_uint_eq(token_number(s, mine_alone, CKA_KEY_TYPE), dsa ? CKK_DSA : CKK_DH);
        for (size_t i = 0; i < t.message.n_attributes; i++) /* the parts, as the host says them */
            if (t.list[i]->type != CKA_CLASS && t.list[i]->type != CKA_KEY_TYPE)
                parts[n++] = (CK_ATTRIBUTE){t.list[i]->type, t.list[i]->value.data, t.list[i]->value.len};
        ck_assert_uint_eq(n, dsa ? 3 : 2);
        ck_refused_domain(dsa ? CKK_DSA : CKK_DH, parts, n);
        ck_ok(f->C_CloseSession(s));
        EVP_PKEY_free(key);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_token_keys_that_are_not_private_are_their_owners,
        &test_session_keys_that_are_not_private_end_with_the_login,
        &test_nobody_makes_them_without_a_login,
        &test_flag_becomes_true_and_never_false_again,
        &test_key_that_always_asks_is_private,
        &test_templates_of_keys_may_say_it,
        &test_open_domain_parameters_are_everybodys_and_private_ones_their_owners,
        &test_session_domain_parameters_need_no_login,
        NULL,
    };

    return suite_of("module_not_private", 60, tests);
}
