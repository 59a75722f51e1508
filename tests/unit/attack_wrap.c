/* Wraps, by any key under any other, and what can be done with what was wrapped: unwrapped as something else, opened
 * outside, set against what was wrapped under the same vector, put into the ciphers within. */
#include <string.h>

#include "proto/key_kind.h"
#include "proto/mechanism.h"
#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

enum { BLOBS_MAX = 24 };

static struct blob blobs[BLOBS_MAX];
static size_t blobs_n;

void attack_wrap_begin(const CK_BYTE *templated, CK_ULONG n)
{
    blobs[0] = (struct blob){.with = attacker.templated, .closed_n = SECRET_BYTES};
    outside_wraps(templated, n, &blobs[0]);
    blobs_n = 1;
}

static CK_OBJECT_HANDLE any_cipher(void)
{
    return attack_chance(3) == 0 ? attacker.own_aes : attack_chance(2) ? attacker.trusted : attack_any();
}

/* The one that it was wrapped with, more often than not: that is where there is something to be seen. */
static CK_OBJECT_HANDLE cipher_for(const struct blob *b)
{
    return b != NULL && attack_chance(3) != 0 ? b->with : any_cipher();
}

struct blob *attack_blob(void)
{
    struct blob *b = blobs_n > 0 ? &blobs[attack_chance((unsigned)blobs_n)] : NULL;

    return b != NULL && b->n > 0 ? b : NULL;
}

/* The mechanism of a blob, to be given to encrypt and to unwrap. */
CK_MECHANISM attack_blob_mechanism(struct blob *b)
{
    static CK_GCM_PARAMS gcm;
    static CK_CCM_PARAMS ccm;
    static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    static CK_RSA_AES_KEY_WRAP_PARAMS rsa_aes = {128, &oaep};
    static CK_ECDH_AES_KEY_WRAP_PARAMS ecdh = {256, CKD_SHA256_KDF, 0, NULL};
    static CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha;

    switch (b->type) {
    case CKM_AES_CBC_PAD:
        return (CK_MECHANISM){b->type, b->iv, sizeof b->iv};
    case CKM_AES_GCM:
        gcm = (CK_GCM_PARAMS){b->iv, IV_BYTES, 8 * IV_BYTES, NULL, 0, 8 * TAG_BYTES};
        return (CK_MECHANISM){b->type, &gcm, sizeof gcm};
    case CKM_AES_CCM:
        ccm = (CK_CCM_PARAMS){b->n > TAG_BYTES ? b->n - TAG_BYTES : 0, b->iv, IV_BYTES, NULL, 0, TAG_BYTES};
        return (CK_MECHANISM){b->type, &ccm, sizeof ccm};
    case CKM_RSA_PKCS_OAEP:
        return (CK_MECHANISM){b->type, &oaep, sizeof oaep};
    case CKM_RSA_AES_KEY_WRAP:
        return (CK_MECHANISM){b->type, &rsa_aes, sizeof rsa_aes};
    case CKM_ECDH_AES_KEY_WRAP:
        return (CK_MECHANISM){b->type, &ecdh, sizeof ecdh};
    case CKM_CHACHA20_POLY1305:
        chacha = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){b->iv, IV_BYTES, NULL, 0};
        return (CK_MECHANISM){b->type, &chacha, sizeof chacha};
    default:
        return (CK_MECHANISM){b->type, NULL, 0};
    }
}

/* ---- wraps */

/* In one of the ways that there are for modes that authenticate. *chosen: the vector was his to choose. */
static CK_RV wrap_with_tag(struct blob *b, CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key, bool *chosen)
{
    CK_ULONG generator = *chosen ? CKG_NO_GENERATE : CKG_GENERATE;
    CK_GCM_WRAP_PARAMS gcm = {b->iv, IV_BYTES, 0, generator, NULL, 0, 8 * TAG_BYTES};
    CK_CCM_WRAP_PARAMS ccm = {0, b->iv, IV_BYTES, 0, generator, NULL, 0, TAG_BYTES};
    CK_BYTE tag[TAG_BYTES];
    CK_GCM_MESSAGE_PARAMS message = {b->iv, IV_BYTES, 0, generator, tag, 8 * TAG_BYTES};
    CK_MECHANISM m = {b->type, &gcm, sizeof gcm};
    CK_RV rv;

    b->n = BLOB_BYTES_MAX - TAG_BYTES;
    if (b->type == CKM_AES_CCM)
        m = (CK_MECHANISM){b->type, &ccm, sizeof ccm};
    if (b->type == CKM_AES_CCM || attack_chance(2))
        return f->C_WrapKey(attacker.session, &m, with, key, b->bytes, &b->n);
    m = (CK_MECHANISM){b->type, &message, sizeof message};
    rv = f3->C_WrapKeyAuthenticated(attacker.session, &m, with, key, NULL, 0, b->bytes, &b->n);
    if (rv == CKR_OK) {
        memcpy(b->bytes + b->n, tag, TAG_BYTES);
        b->n += TAG_BYTES;
    }
    return rv;
}

static CK_RV wrap_by(struct blob *b, CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key, bool *chosen)
{
    CK_MECHANISM m;

    if (b->type == CKM_AES_GCM || b->type == CKM_AES_CCM)
        return wrap_with_tag(b, with, key, chosen);
    m = attack_blob_mechanism(b);
    b->n = BLOB_BYTES_MAX;
    return f->C_WrapKey(attacker.session, &m, with, key, b->bytes, &b->n);
}

/* Two keys under one vector are each other's cipher. */
static void compare(const struct blob *b, CK_OBJECT_HANDLE with)
{
    static struct blob mine;
    CK_BYTE both[SECRET_BYTES];
    bool chosen = true;

    mine.type = b->type;
    memcpy(mine.iv, b->iv, sizeof mine.iv);
    if (wrap_by(&mine, with, attacker.own_value, &chosen) != CKR_OK || b->n < SECRET_BYTES || mine.n < SECRET_BYTES)
        return;
    for (size_t i = 0; i < SECRET_BYTES; i++)
        both[i] = b->bytes[i] ^ mine.bytes[i] ^ attack_known_value[i];
    attack_learn(both, sizeof both, "under one vector");
}

static CK_ULONG length_of(CK_OBJECT_HANDLE key)
{
    CK_ULONG n = 0;
    CK_ATTRIBUTE a = {CKA_VALUE_LEN, &n, sizeof n};

    (void)f->C_GetAttributeValue(attacker.session, key, &a, 1);
    return n;
}

/* 0: it may go out under any key. */
static CK_ULONG closed_length(CK_OBJECT_HANDLE key)
{
    CK_BBOOL sensitive = CK_FALSE, with_trusted = CK_FALSE;
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &sensitive, 1}, {CKA_WRAP_WITH_TRUSTED, &with_trusted, 1}};

    (void)f->C_GetAttributeValue(attacker.session, key, t, 2);
    return sensitive && with_trusted ? length_of(key) : 0;
}

static CK_OBJECT_HANDLE to_rsa(void)
{
    return attacker.own_rsa;
}

static CK_OBJECT_HANDLE to_curve(void)
{
    return attack_chance(2) ? attacker.own_curve : attacker.trusted_curve;
}

static CK_OBJECT_HANDLE to_stream(void)
{
    return attacker.trusted_stream;
}

void attack_wrap(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_OBJECT_HANDLE (*with)(void);
        bool stream; /* two keys under one vector are each other's cipher */
    } rows[] = {
        {CKM_AES_KEY_WRAP, any_cipher, false},
        {CKM_AES_KEY_WRAP_KWP, any_cipher, false},
        {CKM_AES_KEY_WRAP_PKCS7, any_cipher, false},
        {CKM_AES_CBC_PAD, any_cipher, false},
        {CKM_AES_GCM, any_cipher, true},
        {CKM_AES_GCM, any_cipher, true},
        {CKM_AES_CCM, any_cipher, true},
        {CKM_RSA_PKCS_OAEP, to_rsa, false},
        {CKM_RSA_AES_KEY_WRAP, to_rsa, false},
        {CKM_ECDH_AES_KEY_WRAP, to_curve, false},
        /* The ones that came later (attack_later). */
        {CKM_CHACHA20_POLY1305, to_stream, true},
    };
    enum { ROWS = sizeof rows / sizeof rows[0], LATER = 1 };
    struct blob *b = &blobs[blobs_n < BLOBS_MAX ? blobs_n : 1 + attack_chance(BLOBS_MAX - 1)]; /* the first stays */
    CK_OBJECT_HANDLE with, key = attack_any();
    bool chosen = attack_chance(2);
    size_t i = attack_chance(attack_later ? ROWS : ROWS - LATER);

    b->type = rows[i].type;
    memset(b->iv, 0, sizeof b->iv);
    with = rows[i].with();
    if (wrap_by(b, with, key, &chosen) != CKR_OK) {
        b->n = 0;
        return;
    }
    b->with = with;
    b->closed_n = closed_length(key);
    attack_accepted();
    if (blobs_n < BLOBS_MAX)
        blobs_n++;
    attack_learn(b->bytes, b->n, "wrapped");
    if (outside_opens(b))
        attack_leak("opened outside");
    if (rows[i].stream && chosen)
        compare(b, with);
}

static bool is_key_wrap(CK_MECHANISM_TYPE type)
{
    return type == CKM_AES_KEY_WRAP || type == CKM_AES_KEY_WRAP_KWP || type == CKM_AES_KEY_WRAP_PKCS7;
}

void attack_unwrap(void)
{
    struct attack_flags *g = attack_private_or_not(attack_template(true, true));
    struct blob *b = attack_blob();
    CK_OBJECT_HANDLE key = 0, with = cipher_for(b);
    CK_MECHANISM m;
    CK_RV rv;

    if (b == NULL)
        return;
    m = attack_blob_mechanism(b);
    if (is_key_wrap(b->type) && attack_chance(3) == 0)
        m.mechanism = attack_chance(2) ? CKM_AES_KEY_WRAP_PKCS7 : CKM_AES_KEY_WRAP_KWP; /* as another form */
    if (b->type == CKM_AES_GCM && b->n > TAG_BYTES && attack_chance(2)) {
        CK_GCM_MESSAGE_PARAMS message = {b->iv, IV_BYTES, 0, 0, b->bytes + b->n - TAG_BYTES, 8 * TAG_BYTES};
        m = (CK_MECHANISM){b->type, &message, sizeof message};
        rv = f3->C_UnwrapKeyAuthenticated(attacker.session, &m, with, b->bytes, b->n - TAG_BYTES, g->t, g->n, NULL, 0, &key);
    } else {
        rv = f->C_UnwrapKey(attacker.session, &m, with, b->bytes, b->n, g->t, g->n, &key);
    }
    if (rv != CKR_OK)
        return;
    if (b->closed_n > 0 && b->closed_n != length_of(key))
        attack_leak("a part of it is a key of its own");
    if (with == attacker.templated)
        attack_is_closed(key, "a key's CKA_UNWRAP_TEMPLATE was passed by");
    if (attacker.policy == POLICY_MODERN && with != attacker.trusted && with != attacker.trusted_stream)
        attack_is_closed(key, "unwrapped to be read");
    attack_keep(key);
}

/* ---- ciphers as oracles */

static CK_MECHANISM counter_within(struct blob *b)
{
    static CK_AES_CTR_PARAMS ctr;

    ctr = (CK_AES_CTR_PARAMS){.ulCounterBits = 32};
    memcpy(ctr.cb, b->iv, IV_BYTES);
    ctr.cb[15] = 2;
    return (CK_MECHANISM){CKM_AES_CTR, &ctr, sizeof ctr};
}

static CK_MECHANISM chacha_within(struct blob *b)
{
    static CK_BYTE count[4] = {1};
    static CK_CHACHA20_PARAMS chacha;

    chacha = (CK_CHACHA20_PARAMS){count, 32, b->iv, 8 * IV_BYTES};
    return (CK_MECHANISM){CKM_CHACHA20, &chacha, sizeof chacha};
}

/* As it was wrapped; or, what was wrapped with a tag, as the stream within it, whose both directions are the same. */
void attack_cipher(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_MECHANISM (*within)(struct blob *b);
    } rows[] = {{CKM_AES_GCM, counter_within}, {CKM_CHACHA20_POLY1305, chacha_within}};
    struct blob *b = attack_blob();
    CK_BYTE out[BLOB_BYTES_MAX + 2 * TAG_BYTES];
    CK_ULONG n = sizeof out, in_n;
    CK_MECHANISM m;
    CK_OBJECT_HANDLE with = cipher_for(b);
    bool stream = false, encrypt = attack_chance(2);
    size_t i = 0;
    CK_RV rv;

    if (b == NULL || key_kind_is_pair(key_kind_find(mechanism_find(b->type)->key_type)))
        return;
    m = attack_blob_mechanism(b);
    in_n = b->n;
    while (i < sizeof rows / sizeof rows[0] && rows[i].type != b->type)
        i++;
    if (i < sizeof rows / sizeof rows[0])
        stream = encrypt || attack_chance(2);
    if (stream)
        in_n -= TAG_BYTES;
    if (stream && attack_chance(2))
        m = rows[i].within(b);
    rv = encrypt ? f->C_EncryptInit(attacker.session, &m, with) : f->C_DecryptInit(attacker.session, &m, with);
    if (rv == CKR_OK)
        rv = encrypt ? f->C_Encrypt(attacker.session, b->bytes, in_n, out, &n)
                     : f->C_Decrypt(attacker.session, b->bytes, in_n, out, &n);
    if (rv == CKR_OK) {
        attack_accepted();
        attack_learn(out, n, encrypt ? "encrypted again" : "decrypted");
    }
}
