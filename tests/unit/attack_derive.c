/* Keys from keys: derivations with all that they can be given, and secrets that are agreed on with ML-KEM. Beside what
 * is read of them: under the modern policy whatever is made of a closed key is as closed as that, under the compatible
 * one what shows bytes of it, and always what a key's own template has made. */
#include <string.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"
#include "vault/provider/derive.h"

enum { DATA_BYTES = 64, PREFIX_BYTES = 15 };

static CK_BYTE data[DATA_BYTES];

/* ---- how closed a key is */

static bool look(CK_OBJECT_HANDLE key, struct attack_closed *c)
{
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &c->sensitive, 1}, {CKA_EXTRACTABLE, &c->extractable, 1},
                        {CKA_WRAP_WITH_TRUSTED, &c->with_trusted, 1}};

    return f->C_GetAttributeValue(attacker.session, key, t, 3) == CKR_OK;
}

void attack_is_closed(CK_OBJECT_HANDLE key, const char *otherwise)
{
    struct attack_closed c;

    if (look(key, &c) && (!c.sensitive || c.extractable))
        attack_leak(otherwise);
}

/* A part of it can be tried out by its uses. */
static bool is_short(CK_OBJECT_HANDLE made)
{
    CK_ULONG n = 0;
    CK_ATTRIBUTE a = {CKA_VALUE_LEN, &n, sizeof n};

    return f->C_GetAttributeValue(attacker.session, made, &a, 1) == CKR_OK && n < BLOCK_BYTES;
}

void attack_input(struct attack_inputs *in, CK_OBJECT_HANDLE key)
{
    struct attack_closed *was = &in->was[in->n];

    in->known[in->n] = look(key, was);
    in->closed = in->closed || (in->known[in->n] && !is_short(key) && (was->sensitive || !was->extractable));
    in->n++;
    in->templated = in->templated || key == attacker.templated;
}

void attack_as_closed(const struct attack_inputs *in, bool inherits, CK_OBJECT_HANDLE made)
{
    struct attack_closed now;

    if (in->templated)
        attack_is_closed(made, "a key's own template was passed by");
    if ((inherits || in->templated) && in->closed && is_short(made))
        attack_leak("short, and made of a key that is not to be read");
    for (size_t i = 0; inherits && look(made, &now) && i < in->n; i++)
        if (in->known[i] && ((in->was[i].sensitive && !now.sensitive) || (!in->was[i].extractable && now.extractable) ||
                             (in->was[i].with_trusted && !now.with_trusted && now.extractable)))
            attack_leak("less closed than what it was made of");
}

/* ---- SP 800-108, with a key among its fields */

struct fields {
    CK_PRF_DATA_PARAM list[4];
    CK_SP800_108_COUNTER_FORMAT counter;
    CK_OBJECT_HANDLE key;
    CK_SP800_108_KDF_PARAMS plain;
    CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
};

/* An iteration's number of a byte, fifteen bytes, and perhaps a key: by CMAC a key of a block stands alone in its block. */
static CK_MECHANISM kbkdf(CK_MECHANISM_TYPE type, struct fields *p, struct attack_inputs *in)
{
    CK_MECHANISM_TYPE prf = attack_chance(2) ? CKM_AES_CMAC : CKM_SHA256_HMAC;
    CK_ULONG n = 0;

    p->counter = (CK_SP800_108_COUNTER_FORMAT){CK_FALSE, 8};
    p->key = attack_chance(2) ? attacker.block : attack_any();
    if (type == CKM_SP800_108_COUNTER_KDF)
        p->list[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, &p->counter, sizeof p->counter};
    else
        p->list[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, NULL, 0};
    p->list[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, data, PREFIX_BYTES};
    if (attack_chance(3) != 0) {
        p->list[n++] = (CK_PRF_DATA_PARAM){CK_SP800_108_KEY_HANDLE, &p->key, sizeof p->key};
        attack_input(in, p->key);
    }
    p->plain = (CK_SP800_108_KDF_PARAMS){prf, n, p->list, 0, NULL};
    p->feedback = (CK_SP800_108_FEEDBACK_KDF_PARAMS){prf, n, p->list, 0, NULL, 0, NULL};
    return type == CKM_SP800_108_FEEDBACK_KDF ? (CK_MECHANISM){type, &p->feedback, sizeof p->feedback}
                                              : (CK_MECHANISM){type, &p->plain, sizeof p->plain};
}

/* What CMAC under a known key has made of a block that is not known is undone. */
static void undo(CK_OBJECT_HANDLE made)
{
    CK_BYTE value[DATA_BYTES * 4], field[BLOCK_BYTES];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(attacker.session, made, &a, 1) != CKR_OK || a.ulValueLen < BLOCK_BYTES)
        return;
    outside_undoes_cmac(data, PREFIX_BYTES, value, field);
    attack_learn(field, sizeof field, "a field of a derivation by CMAC");
}

/* ---- derivations */

static CK_MECHANISM with_text(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    (void)in;
    return (CK_MECHANISM){type, &d->text, sizeof d->text};
}

static CK_MECHANISM with_nothing(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    (void)d;
    (void)in;
    return (CK_MECHANISM){type, NULL, 0};
}

static CK_MECHANISM with_key(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    attack_input(in, d->other);
    return (CK_MECHANISM){type, &d->other, sizeof d->other};
}

static CK_MECHANISM with_bit(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    (void)in;
    return (CK_MECHANISM){type, &d->bit, sizeof d->bit};
}

static CK_MECHANISM with_cbc(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    static CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc;

    (void)d;
    (void)in;
    cbc = (CK_AES_CBC_ENCRYPT_DATA_PARAMS){{0}, data, 32};
    return (CK_MECHANISM){type, &cbc, sizeof cbc};
}

static CK_MECHANISM with_randoms(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    static CK_VERSION version;
    static CK_TLS12_MASTER_KEY_DERIVE_PARAMS master;

    (void)d;
    (void)in;
    master = (CK_TLS12_MASTER_KEY_DERIVE_PARAMS){{data, 32, data, 32}, &version, CKM_SHA256};
    return (CK_MECHANISM){type, &master, sizeof master};
}

static CK_MECHANISM with_point(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    static CK_ECDH1_DERIVE_PARAMS ecdh;
    CK_ULONG n;
    const CK_BYTE *point = outside_point(&n);

    (void)d;
    (void)in;
    ecdh = (CK_ECDH1_DERIVE_PARAMS){CKD_NULL, 0, NULL, n, (CK_BYTE *)(uintptr_t)point};
    return (CK_MECHANISM){type, &ecdh, sizeof ecdh};
}

static CK_MECHANISM with_salt(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    static CK_HKDF_PARAMS hkdf;

    (void)d;
    hkdf = (CK_HKDF_PARAMS){.bExtract = CK_TRUE, .bExpand = (CK_BBOOL)attack_chance(2), .prfHashMechanism = CKM_SHA256,
                            .ulSaltType = attack_chance(2) ? CKF_HKDF_SALT_KEY : CKF_HKDF_SALT_NULL};
    if (hkdf.ulSaltType == CKF_HKDF_SALT_KEY) {
        hkdf.hSaltKey = attack_any();
        attack_input(in, hkdf.hSaltKey);
    }
    return (CK_MECHANISM){type, &hkdf, sizeof hkdf};
}

static CK_MECHANISM with_fields(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in)
{
    static struct fields fields;

    (void)d;
    return kbkdf(type, &fields, in);
}

static CK_OBJECT_HANDLE of_any(void)
{
    return attack_any();
}

static CK_OBJECT_HANDLE of_own_or_any(void)
{
    return attack_chance(2) ? attacker.own_aes : attack_any();
}

static CK_OBJECT_HANDLE of_curve(void)
{
    return attacker.closed_curve;
}

void attack_derive(void)
{
    static const struct derivation {
        CK_MECHANISM_TYPE type;
        CK_OBJECT_HANDLE (*base)(void);
        CK_MECHANISM (*with)(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in);
        void (*undo)(CK_OBJECT_HANDLE made); /* NULL: there is no way back that is known */
    } rows[] = {
        {CKM_CONCATENATE_BASE_AND_KEY, of_any, with_key, NULL},
        {CKM_CONCATENATE_BASE_AND_DATA, of_any, with_text, NULL},
        {CKM_CONCATENATE_DATA_AND_BASE, of_any, with_text, NULL},
        {CKM_XOR_BASE_AND_DATA, of_any, with_text, NULL},
        {CKM_EXTRACT_KEY_FROM_KEY, of_any, with_bit, NULL},
        {CKM_SHA256_KEY_DERIVATION, of_any, with_nothing, NULL},
        {CKM_AES_ECB_ENCRYPT_DATA, of_any, with_text, NULL},
        {CKM_AES_CBC_ENCRYPT_DATA, of_any, with_cbc, NULL},
        {CKM_TLS12_MASTER_KEY_DERIVE, of_any, with_randoms, NULL},
        {CKM_HKDF_DERIVE, of_any, with_salt, NULL},
        {CKM_ECDH1_DERIVE, of_curve, with_point, NULL},
        {CKM_SP800_108_COUNTER_KDF, of_own_or_any, with_fields, undo},
        {CKM_SP800_108_COUNTER_KDF, of_own_or_any, with_fields, undo},
        {CKM_SP800_108_FEEDBACK_KDF, of_own_or_any, with_fields, undo},
        {CKM_SP800_108_DOUBLE_PIPELINE_KDF, of_own_or_any, with_fields, undo},
        /* The ones that came later (attack_later). */
        {CKM_DH_PKCS_DERIVE, attack_field_base, attack_field_number, NULL},
    };
    enum { ROWS = sizeof rows / sizeof rows[0], LATER = 1 };
    const struct derivation *row = &rows[attack_chance(attack_later ? ROWS : ROWS - LATER)];
    CK_OBJECT_HANDLE base = row->base(), key = 0;
    struct attack_drawn d = {.other = attack_any()};
    struct attack_inputs in = {.n = 0};
    struct attack_flags *g;
    CK_MECHANISM m;

    d.bit = 8 * attack_chance(SECRET_BYTES);
    d.text = (CK_KEY_DERIVATION_STRING_DATA){data, 16u * (1 + attack_chance(4))};
    g = attack_private_or_not(attack_template(false, true));
    attack_input(&in, base);
    m = row->with(row->type, &d, &in);
    if (f->C_DeriveKey(attacker.session, &m, base, g->t, g->n, &key) != CKR_OK)
        return;
    attack_as_closed(&in, attacker.policy == POLICY_MODERN || derive_reveals(mechanism_find(row->type), NULL, 0), key);
    if (row->undo != NULL)
        row->undo(key);
    attack_keep(key);
}

/* ---- the public half of a private key, which is all that there may be to see */

void attack_public_half(void)
{
    static const struct {
        const CK_OBJECT_HANDLE *of;
        CK_ATTRIBUTE_TYPE hidden[3]; /* what only the private half has */
    } rows[] = {{&attacker.closed_curve, {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1}},
                {&attacker.asking, {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1}},
                {&attacker.closed_field, {CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_VALUE_BITS}}};
    CK_MECHANISM m = {CKM_PUB_KEY_FROM_PRIV_KEY, NULL, 0};
    struct attack_flags *g = attack_template(false, false);
    size_t i = attack_chance(attack_later ? 3 : 2);
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE bytes[1024];
    CK_ATTRIBUTE value = {CKA_VALUE, bytes, sizeof bytes};

    if (f->C_DeriveKey(attacker.session, &m, *rows[i].of, g->t, attack_chance((unsigned)g->n + 1), &key) != CKR_OK)
        return;
    attack_accepted();
    for (size_t j = 0; j < sizeof rows[i].hidden / sizeof rows[i].hidden[0]; j++) {
        CK_ATTRIBUTE a = {rows[i].hidden[j], bytes, sizeof bytes};
        if (f->C_GetAttributeValue(attacker.session, key, &a, 1) == CKR_OK)
            attack_leak("a public key with a private part");
    }
    if (f->C_GetAttributeValue(attacker.session, key, &value, 1) == CKR_OK)
        attack_learn(bytes, value.ulValueLen, "a public key");
    f->C_DestroyObject(attacker.session, key);
}

/* ---- a secret that somebody else makes, where there is ML-KEM */

void attack_encapsulate(void)
{
    static CK_BYTE ciphertext[2048];
    static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_MECHANISM gen = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0}, m = {CKM_ML_KEM, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_512, n = sizeof ciphertext, own = attack_chance(2);
    CK_ATTRIBUTE pub[] = {{CKA_PARAMETER_SET, &set, sizeof set}, {CKA_ENCAPSULATE_TEMPLATE, closes, sizeof closes}};
    CK_ATTRIBUTE priv[] = {{CKA_DECAPSULATE_TEMPLATE, closes, sizeof closes}};
    CK_OBJECT_HANDLE public_key, private_key, secret;
    struct attack_inputs in = {.n = 0};
    struct attack_flags *g = attack_private_or_not(attack_template(true, false));

    if (attack_chance(8) != 0 ||
        f->C_GenerateKeyPair(attacker.session, &gen, pub, 1 + own, priv, own, &public_key, &private_key) != CKR_OK)
        return;
    attack_input(&in, private_key);
    if (f3->C_EncapsulateKey(attacker.session, &m, public_key, g->t, g->n, ciphertext, &n, &secret) == CKR_OK) {
        if (own)
            attack_is_closed(secret, "a public key's CKA_ENCAPSULATE_TEMPLATE was passed by");
        attack_keep(secret);
        if (f3->C_DecapsulateKey(attacker.session, &m, private_key, g->t, g->n, ciphertext, n, &secret) == CKR_OK) {
            if (own)
                attack_is_closed(secret, "a private key's CKA_DECAPSULATE_TEMPLATE was passed by");
            attack_as_closed(&in, attacker.policy == POLICY_MODERN, secret);
            attack_keep(secret);
        }
    }
    f->C_DestroyObject(attacker.session, public_key);
    f->C_DestroyObject(attacker.session, private_key);
}
