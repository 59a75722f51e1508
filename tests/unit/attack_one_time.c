/* A key of one-time passwords whose value is protected: all that the attacker can think of to do with it, one after the other. What its
 * passwords are he may know, of any counter; they are digits of a MAC. That he gets anything else made of the value, or the value into such
 * a key by another way than it came, is what is searched for. */
#include <string.h>

#include <check.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

static CK_OBJECT_CLASS otp_class = CKO_OTP_KEY, secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE otp_type = CKK_HOTP, generic_type = CKK_GENERIC_SECRET;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_HANDLE key;
static unsigned turn; /* chances of its own would be others' too: the calls at which the search finds what it finds */

void attack_one_time_begin(CK_BBOOL extractable)
{
    CK_ULONG given = CK_OTP_PARAM_OPTIONAL;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &otp_class, sizeof otp_class},   {CKA_KEY_TYPE, &otp_type, sizeof otp_type},
                        {CKA_VALUE, outside_protected, SECRET_BYTES}, {CKA_TOKEN, &yes, 1},
                        {CKA_SENSITIVE, &yes, 1},                     {CKA_EXTRACTABLE, &extractable, 1},
                        {CKA_OTP_COUNTER_REQUIREMENT, &given, sizeof given}};

    turn = 0;
    ck_ok(f->C_CreateObject(attacker.session, t, sizeof t / sizeof t[0], &key));
    attacker.one_time = key;
}

static CK_ULONG sign(CK_MECHANISM *m, CK_BYTE *out, CK_ULONG room)
{
    CK_BYTE data[] = "what is signed";

    if (f->C_SignInit(attacker.session, m, key) != CKR_OK)
        return 0;
    return f->C_Sign(attacker.session, m->mechanism == CKM_HOTP ? NULL : data, m->mechanism == CKM_HOTP ? 0 : sizeof data, out, &room) ==
                   CKR_OK
               ? room
               : 0;
}

static void use(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_BYTE out[256];
    CK_ULONG n = sign(&m, out, sizeof out);

    if (n > 0)
        attack_accepted();
    if (n > 0 && type != CKM_HOTP)
        attack_leak("another MAC by a key of passwords");
    attack_learn(out, n, "a password");
}

static void derive(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE base, CK_OBJECT_HANDLE second, CK_ULONG n)
{
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic_type, sizeof generic_type},
                        {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &n, sizeof n}};
    CK_MECHANISM m = {type, second != 0 ? &second : NULL, second != 0 ? sizeof second : 0};
    CK_OBJECT_HANDLE out;

    if (f->C_DeriveKey(attacker.session, &m, base, t, n > 0 ? 5 : 4, &out) == CKR_OK)
        attack_leak("a key made of a key of passwords");
}

static void wrap(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_BYTE out[1024];
    CK_ULONG n = sizeof out;

    if (f->C_WrapKey(attacker.session, &m, with, key, out, &n) == CKR_OK)
        attack_leak("a key of passwords that goes out");
}

static void digest(void)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};

    if (f->C_DigestInit(attacker.session, &m) == CKR_OK && f->C_DigestKey(attacker.session, key) == CKR_OK)
        attack_leak("the digest of a key of passwords");
    f3->C_SessionCancel(attacker.session, ~0UL);
}

static void copy(void)
{
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE out;

    if (f->C_CopyObject(attacker.session, key, t, turn / 16 % 2, &out) == CKR_OK)
        attack_leak("a copy of a key of passwords");
}

static void set(CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG n)
{
    CK_ATTRIBUTE a = {type, value, n};

    if (f->C_SetAttributeValue(attacker.session, key, &a, 1) == CKR_OK)
        attack_leak("a key of passwords is another");
}

static void read_value(void)
{
    CK_BYTE value[256];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(attacker.session, key, &a, 1) == CKR_OK)
        attack_learn(value, a.ulValueLen, "read");
}

/* The protected key as a short one of passwords, to be tried out. */
static void unwrap_or_derive(bool derives)
{
    CK_ULONG n = 16;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &otp_class, sizeof otp_class}, {CKA_KEY_TYPE, &otp_type, sizeof otp_type}, {CKA_TOKEN, &yes, 1},
                        {CKA_VALUE_LEN, &n, sizeof n}};
    CK_MECHANISM m = {derives ? CKM_SHA256_KEY_DERIVATION : CKM_AES_KEY_WRAP_KWP, NULL, 0};
    CK_OBJECT_HANDLE source = attack_protected(), out;
    CK_BYTE wrapped[256];
    CK_ULONG wrapped_n = sizeof wrapped;
    CK_RV rv;

    if (derives)
        rv = f->C_DeriveKey(attacker.session, &m, source, t, 3, &out);
    else if ((rv = f->C_WrapKey(attacker.session, &m, attacker.trusted, source, wrapped, &wrapped_n)) == CKR_OK)
        rv = f->C_UnwrapKey(attacker.session, &m, attacker.trusted, wrapped, wrapped_n, t, 3 + turn / 16 % 2, &out);
    if (rv == CKR_OK)
        attack_leak("a key of passwords made of another");
}

void attack_one_time(void)
{
    static CK_BYTE zero[8];

    switch (turn++ % 16) {
    case 0: use(CKM_HOTP); break;
    case 1: use(CKM_SHA_1_HMAC); break;
    case 2: use(CKM_SHA_1_HMAC_GENERAL); break;
    case 3: derive(CKM_SHA256_KEY_DERIVATION, key, 0, 0); break;
    case 4: derive(CKM_CONCATENATE_BASE_AND_KEY, key, attacker.own_value, 0); break;
    case 5: derive(CKM_CONCATENATE_BASE_AND_KEY, attacker.own_value, key, 0); break;
    case 6: wrap(CKM_AES_KEY_WRAP_KWP, attacker.own_aes); break;
    case 7: wrap(CKM_AES_KEY_WRAP_KWP, attacker.trusted); break;
    case 8: digest(); break;
    case 9: copy(); break;
    case 10: set(CKA_SENSITIVE, &no, 1); break;
    case 11: set(CKA_OTP_COUNTER, zero, sizeof zero); break;
    case 12: set(CKA_COPYABLE, &yes, 1); break;
    case 13: read_value(); break;
    case 14: unwrap_or_derive(true); break;
    default: unwrap_or_derive(false); break;
    }
}
