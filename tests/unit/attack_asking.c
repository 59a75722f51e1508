/* A private key whose CKA_ALWAYS_AUTHENTICATE is true, and an attacker without the password: whatever he does to it,
 * nothing signs as it does, and it derives nothing. Where it may go out, he tries to bring it in again as a key that does not ask. */
#include <check.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

enum { PRIVATES_MAX = 6, RAW_BYTES = 64 };

static EVP_PKEY *original;
static CK_OBJECT_HANDLE privates[PRIVATES_MAX];
static size_t privates_n;
static CK_BYTE digest[32] = "what nobody has agreed to sign";
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static struct blob wrapped;
static CK_OBJECT_HANDLE wrapped_with;

void attack_asking_begin(CK_BBOOL extractable)
{
    static struct sample_template t;
    CK_ATTRIBUTE more[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &extractable, 1},
                           {CKA_SIGN, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_TOKEN, &yes, 1}};

    original = sample_on_curve(curve_by_name("P-256"));
    sample_private(&t, original, true);
    privates[0] = attacker.asking = token_key_create(attacker.session, &t, more, 6);
    privates_n = 1;
    wrapped.n = 0;
}

void attack_asking_end(void)
{
    EVP_PKEY_free(original);
    original = NULL;
}

static void keep(CK_OBJECT_HANDLE key)
{
    attack_accepted();
    if (privates_n == PRIVATES_MAX) {
        privates_n--;
        f->C_DestroyObject(attacker.session, privates[privates_n]);
    }
    privates[privates_n++] = key;
}

static bool is_of_original(const CK_BYTE raw[RAW_BYTES])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(original, NULL);
    unsigned char *der = NULL;
    bool right;
    int n;

    ck_assert_int_eq(ECDSA_SIG_set0(sig, BN_bin2bn(raw, RAW_BYTES / 2, NULL),
                                    BN_bin2bn(raw + RAW_BYTES / 2, RAW_BYTES / 2, NULL)), 1);
    n = i2d_ECDSA_SIG(sig, &der);
    right = EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, (size_t)n, digest, sizeof digest) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    return right;
}

static void sign(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_BYTE raw[RAW_BYTES];
    CK_ULONG n = sizeof raw;

    if (f->C_SignInit(attacker.session, &m, key) != CKR_OK)
        return;
    if (f->C_Sign(attacker.session, digest, sizeof digest, raw, &n) != CKR_OK)
        f3->C_SessionCancel(attacker.session, ~0UL);
    else if (n == RAW_BYTES && is_of_original(raw))
        attack_leak("a key that always asks has signed without the password");
}

static void derive(CK_OBJECT_HANDLE key)
{
    CK_ULONG n;
    const CK_BYTE *point = outside_point(&n);
    CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, n, (CK_BYTE *)(uintptr_t)point};
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &p, sizeof p};
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE made;

    if (f->C_DeriveKey(attacker.session, &m, key, g->t, g->n, &made) == CKR_OK)
        attack_leak("a key that always asks has derived without the password");
}

/* With the attribute, without it, or with another one. */
static void change(CK_OBJECT_HANDLE key, bool copies)
{
    CK_BBOOL which[] = {CK_FALSE, (CK_BBOOL)attack_chance(2)};
    CK_ATTRIBUTE t[] = {{CKA_ALWAYS_AUTHENTICATE, &which[0], 1}, {CKA_DERIVE, &which[1], 1}};
    CK_ULONG from = attack_chance(2), n = from + attack_chance(3 - (unsigned)from);
    CK_OBJECT_HANDLE made;

    if (copies && f->C_CopyObject(attacker.session, key, t + from, n - from, &made) == CKR_OK)
        keep(made);
    else if (!copies && key != attacker.asking && f->C_SetAttributeValue(attacker.session, key, t, n) == CKR_OK)
        attack_accepted();
    else if (!copies)
        (void)f->C_SetAttributeValue(attacker.session, key, t, 1);
}

static void wrap(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};

    wrapped_with = attack_chance(2) ? attacker.own_aes : attacker.trusted;
    wrapped.type = m.mechanism;
    wrapped.n = sizeof wrapped.bytes;
    if (f->C_WrapKey(attacker.session, &m, wrapped_with, key, wrapped.bytes, &wrapped.n) != CKR_OK)
        wrapped.n = 0;
    else
        attack_accepted();
}

static void unwrap(void)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SIGN, &yes, 1},
                        {CKA_ALWAYS_AUTHENTICATE, &no, 1}};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    CK_OBJECT_HANDLE key;

    if (wrapped.n > 0 && f->C_UnwrapKey(attacker.session, &m, wrapped_with, wrapped.bytes, wrapped.n, t,
                                        3 + attack_chance(2), &key) == CKR_OK)
        keep(key);
}

void attack_ask(void)
{
    CK_OBJECT_HANDLE key = privates[attack_chance((unsigned)privates_n)];

    switch (attack_chance(6)) {
    case 0:
        sign(key);
        break;
    case 1:
        derive(key);
        break;
    case 2:
        change(key, true);
        break;
    case 3:
        change(key, false);
        break;
    case 4:
        wrap(key);
        break;
    default:
        unwrap();
        break;
    }
}
