/* The older mechanisms: keys of DES that would be a part of a protected one, or the same bytes as a key that is
 * found by its parts; and CBC-MAC, which of one block is the cipher, against what GCM has wrapped. These moves have
 * chances of their own and keep no keys, so that the calls of the others stay those of the table in
 * docs/decisions/009. */
#include <string.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

enum { DES_BYTES = 8, ZEROS_BYTES = 64 };

static CK_BYTE zeros[ZEROS_BYTES];
static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;

/* Of the three types, one by chance, and a template for it. */
struct wanted {
    CK_KEY_TYPE type;
    CK_ATTRIBUTE t[4];
};

static struct wanted *want(void)
{
    static const CK_KEY_TYPE types[] = {CKK_DES, CKK_DES2, CKK_DES3};
    static struct wanted w;

    w.type = types[attack_chance(3)];
    w.t[0] = (CK_ATTRIBUTE){CKA_CLASS, &secret_class, sizeof secret_class};
    w.t[1] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &w.type, sizeof w.type};
    w.t[2] = (CK_ATTRIBUTE){CKA_ENCRYPT, &yes, 1};
    w.t[3] = (CK_ATTRIBUTE){CKA_DERIVE, &yes, 1};
    return &w;
}

/* What can be searched is looked for, and the key is gone again. */
static void look(CK_OBJECT_HANDLE key, CK_KEY_TYPE type)
{
    CK_MECHANISM ecb = {type == CKK_DES ? CKM_DES_ECB : CKM_DES3_ECB, NULL, 0};
    CK_BYTE sealed[DES_BYTES];
    CK_ULONG n = sizeof sealed;

    attack_accepted();
    if (f->C_EncryptInit(attacker.session, &ecb, key) == CKR_OK &&
        f->C_Encrypt(attacker.session, zeros, DES_BYTES, sealed, &n) == CKR_OK && outside_guesses_des(sealed))
        attack_leak("a key of DES is a part of it");
    f->C_DestroyObject(attacker.session, key);
}

static void derive(void)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_XOR_BASE_AND_DATA, CKM_EXTRACT_KEY_FROM_KEY, CKM_CONCATENATE_BASE_AND_DATA,
                                              CKM_CONCATENATE_BASE_AND_KEY, CKM_HKDF_DERIVE};
    CK_ULONG bit = 8 * attack_chance(SECRET_BYTES);
    CK_KEY_DERIVATION_STRING_DATA text = {zeros, 8u * (1 + attack_chance(3))};
    CK_HKDF_PARAMS hkdf = {.bExtract = CK_TRUE, .bExpand = CK_TRUE, .prfHashMechanism = CKM_SHA256, .ulSaltType = CKF_HKDF_SALT_NULL};
    CK_OBJECT_HANDLE base = attack_chance(2) ? attacker.block : attack_any(), other = attack_any(), key;
    CK_MECHANISM m = {types[attack_chance(5)], &text, sizeof text};
    struct wanted *w = want();

    if (m.mechanism == CKM_EXTRACT_KEY_FROM_KEY)
        m = (CK_MECHANISM){m.mechanism, &bit, sizeof bit};
    else if (m.mechanism == CKM_CONCATENATE_BASE_AND_KEY)
        m = (CK_MECHANISM){m.mechanism, &other, sizeof other};
    else if (m.mechanism == CKM_HKDF_DERIVE)
        m = (CK_MECHANISM){m.mechanism, &hkdf, sizeof hkdf};
    if (f->C_DeriveKey(attacker.session, &m, base, w->t, 4, &key) == CKR_OK)
        look(key, w->type);
}

static void unwrap(struct blob *b)
{
    CK_MECHANISM m = attack_blob_mechanism(b);
    struct wanted *w = want();
    CK_OBJECT_HANDLE key;

    if (f->C_UnwrapKey(attacker.session, &m, b->with, b->bytes, b->n, w->t, 4, &key) == CKR_OK)
        look(key, w->type);
}

/* The blocks that GCM's counter mode adds, from the second on, as MACs. */
static void open_by_macs(const struct blob *b)
{
    CK_ULONG whole = BLOCK_BYTES;
    CK_MECHANISM m = {CKM_AES_MAC_GENERAL, &whole, sizeof whole};
    CK_BYTE counter[BLOCK_BYTES] = {0}, out[SECRET_BYTES];

    memcpy(counter, b->iv, IV_BYTES);
    for (CK_ULONG at = 0; at < SECRET_BYTES && at + BLOCK_BYTES + TAG_BYTES <= b->n; at += BLOCK_BYTES) {
        CK_ULONG n = BLOCK_BYTES;
        counter[BLOCK_BYTES - 1] = (CK_BYTE)(2 + at / BLOCK_BYTES);
        if (f->C_SignInit(attacker.session, &m, b->with) != CKR_OK ||
            f->C_Sign(attacker.session, counter, sizeof counter, out + at, &n) != CKR_OK)
            return;
        attack_accepted();
        for (size_t i = 0; i < BLOCK_BYTES; i++)
            out[at + i] ^= b->bytes[at + i];
        attack_learn(out, at + BLOCK_BYTES, "opened by MACs");
    }
}

void attack_old(void)
{
    struct blob *b = attack_blob();
    unsigned which = attack_chance(3);

    if (which == 0)
        derive();
    else if (which == 1 && b != NULL)
        unwrap(b);
    else if (b != NULL && b->type == CKM_AES_GCM)
        open_by_macs(b);
}
