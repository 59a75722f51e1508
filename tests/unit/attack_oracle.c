/* Keys that only verify, as oracles: each has a CKA_DERIVE_TEMPLATE, so that what it derives is closed whatever the policy, and a MAC is
 * what it derives. MACs of one byte are tried out, then of two, and so on. */
#include <check.h>
#include <string.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

enum { BYTES_MAX = 4 };

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_OBJECT_HANDLE create(CK_KEY_TYPE type)
{
    CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, attack_known_value, sizeof attack_known_value}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
                        {CKA_DERIVE, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_SIGN, &no, 1}, {CKA_MODIFIABLE, &no, 1}, {CKA_COPYABLE, &no, 1},
                        {CKA_DERIVE_TEMPLATE, closes, sizeof closes}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(attacker.session, t, sizeof t / sizeof t[0], &key));
    return key;
}

void attack_oracle_begin(void)
{
    attacker.verifies = create(CKK_GENERIC_SECRET);
    attacker.verifies_aes = create(CKK_AES);
}

static bool is_right(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const CK_BYTE *mac, CK_ULONG n)
{
    CK_MECHANISM m = {type, &n, sizeof n};

    return f->C_VerifyInit(attacker.session, &m, key) == CKR_OK &&
           f->C_Verify(attacker.session, outside_key, sizeof outside_key, (CK_BYTE *)(uintptr_t)mac, n) == CKR_OK;
}

static bool finds_byte(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_BYTE *mac, CK_ULONG n)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        mac[n - 1] = (CK_BYTE)byte;
        if (is_right(type, key, mac, n))
            return true;
    }
    return false;
}

void attack_oracle(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const CK_OBJECT_HANDLE *key;
    } rows[] = {{CKM_SHA256_HMAC_GENERAL, &attacker.verifies},
                {CKM_AES_CMAC_GENERAL, &attacker.verifies_aes},
                {CKM_AES_MAC_GENERAL, &attacker.verifies_aes}};
    size_t i = attack_chance(sizeof rows / sizeof rows[0]);
    CK_BYTE mac[BYTES_MAX];
    CK_ULONG n = 1;

    if (attack_chance(16) != 0)
        return;
    while (n <= BYTES_MAX && finds_byte(rows[i].type, *rows[i].key, mac, n))
        n++;
    if (n > BYTES_MAX)
        attack_leak("a MAC by a key that only verifies, tried out byte by byte");
}
