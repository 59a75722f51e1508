/* Random sequences of permitted calls, by somebody who has a login and looks for a value that he may not have
 * (docs/decisions/009). What he reads, what he opens outside with keys that he knows, and what he guesses of keys that are
 * short, must never be a part of a protected value.
 *
 * There is a key that an admin has trusted, which wraps and unwraps and nothing else; keys of the attacker's own, of which he
 * knows the value or the private half; and whatever he makes. API_ATTACK_CALLS sets how many calls a sequence has (some
 * thousands unless it is set), API_ATTACK_SEED where it starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "proto/mechanism.h"
#include "proto/policy.h"
#include "tests/unit/attack_outside.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

enum { KEYS_MAX = 48, BLOBS_MAX = 24, CALLS = 3000 };

static CK_SESSION_HANDLE s;
static uint64_t chance_state;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE known_value[SECRET_BYTES] = "his own value, of the same size";

static CK_OBJECT_HANDLE keys[KEYS_MAX], trusted, own_aes, own_value, own_rsa, own_curve, trusted_curve;
static size_t keys_n;

static struct blob blobs[BLOBS_MAX];
static size_t blobs_n;
static unsigned long done, accepted, leaks;

static unsigned chance(unsigned below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)(chance_state >> 11) % below;
}

/* ---- what the attacker learns */

static const char *move;

static void leak(const char *how)
{
    if (leaks++ == 0)
        printf("api attack: call %lu (%s): %s\n", done, move, how);
}

static void learn(const CK_BYTE *bytes, CK_ULONG n, const char *how)
{
    if (outside_finds(bytes, n))
        leak(how);
}

/* A key of few bytes is tried out, by what it signs. */
static void guess(CK_OBJECT_HANDLE key)
{
    CK_ULONG n = 0, mac_n = MAC_BYTES;
    CK_BYTE mac[MAC_BYTES];
    CK_ATTRIBUTE a = {CKA_VALUE_LEN, &n, sizeof n};
    CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};

    if (f->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && n >= GUESSED_BYTES_MIN && n <= GUESSED_BYTES_MAX &&
        f->C_SignInit(s, &m, key) == CKR_OK && f->C_Sign(s, outside_key, sizeof outside_key, mac, &mac_n) == CKR_OK &&
        outside_guesses(mac, n))
        leak("a short key is a part of it");
}

static void read_key(CK_OBJECT_HANDLE key)
{
    CK_BYTE value[4096];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(s, key, &a, 1) == CKR_OK)
        learn(value, a.ulValueLen, "read");
    guess(key);
}

static void keep(CK_OBJECT_HANDLE key)
{
    accepted++;
    read_key(key);
    if (keys_n < KEYS_MAX) {
        keys[keys_n++] = key;
        return;
    }
    size_t at = 1 + chance(KEYS_MAX - 1); /* the protected one stays */
    f->C_DestroyObject(s, keys[at]);
    keys[at] = key;
}

/* ---- what calls are given */

struct flags {
    CK_ATTRIBUTE t[14];
    CK_BBOOL truth[14];
    CK_ULONG n, length;
    CK_KEY_TYPE type;
};

static struct flags *flags(bool class, bool length)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP, CKA_UNWRAP,
                                              CKA_DERIVE,    CKA_DECRYPT,     CKA_ENCRYPT,           CKA_SIGN};
    static struct flags g;

    g.n = 0;
    if (class) {
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_CLASS, &secret_class, sizeof secret_class};
        g.type = chance(2) ? CKK_AES : CKK_GENERIC_SECRET;
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &g.type, sizeof g.type};
    }
    if (length && chance(2)) {
        g.length = chance(3) ? 16u * (1 + chance(4)) : 1 + chance(chance(2) ? 6 : 70);
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &g.length, sizeof g.length};
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i] == CKA_DERIVE ? chance(4) != 0 : chance(3) == 0) {
            g.truth[g.n] = types[i] == CKA_DERIVE ? CK_TRUE : (CK_BBOOL)chance(2);
            g.t[g.n] = (CK_ATTRIBUTE){types[i], &g.truth[g.n], 1};
            g.n++;
        }
    return &g;
}

static CK_OBJECT_HANDLE any(void)
{
    unsigned which = chance(12);

    return which == 0 ? own_aes : which == 1 ? own_value : which < 4 ? trusted : which < 6 ? keys[0] : keys[chance((unsigned)keys_n)];
}

static CK_OBJECT_HANDLE any_cipher(void)
{
    return chance(3) == 0 ? own_aes : chance(2) ? trusted : any();
}

/* The one that it was wrapped with, more often than not: that is where there is something to be seen. */
static CK_OBJECT_HANDLE cipher_for(const struct blob *b)
{
    return b != NULL && chance(3) != 0 ? b->with : any_cipher();
}

static struct blob *any_blob(void)
{
    struct blob *b = blobs_n > 0 ? &blobs[chance((unsigned)blobs_n)] : NULL;

    return b != NULL && b->n > 0 ? b : NULL;
}

/* The mechanism of a blob, to be given to encrypt and to unwrap. */
static CK_MECHANISM mechanism_of(struct blob *b)
{
    static CK_GCM_PARAMS gcm;
    static CK_CCM_PARAMS ccm;
    static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    static CK_RSA_AES_KEY_WRAP_PARAMS rsa_aes = {128, &oaep};
    static CK_ECDH_AES_KEY_WRAP_PARAMS ecdh = {256, CKD_SHA256_KDF, 0, NULL};

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
    default:
        return (CK_MECHANISM){b->type, NULL, 0};
    }
}

/* ---- keys from keys */

static void derive(void)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_CONCATENATE_BASE_AND_KEY,  CKM_CONCATENATE_BASE_AND_DATA,
                                              CKM_CONCATENATE_DATA_AND_BASE, CKM_XOR_BASE_AND_DATA,
                                              CKM_EXTRACT_KEY_FROM_KEY,      CKM_SHA256_KEY_DERIVATION,
                                              CKM_AES_ECB_ENCRYPT_DATA,      CKM_TLS12_MASTER_KEY_DERIVE};
    CK_BYTE data[64] = {0};
    CK_VERSION version = {0, 0};
    CK_OBJECT_HANDLE other = any(), key = 0;
    CK_ULONG bit = 8 * chance(SECRET_BYTES);
    CK_KEY_DERIVATION_STRING_DATA text = {data, 16u * (1 + chance(4))};
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS master = {{data, 32, data, 32}, &version, CKM_SHA256};
    CK_MECHANISM_TYPE type = types[chance(sizeof types / sizeof types[0])];
    CK_MECHANISM m = {type, &text, sizeof text};
    struct flags *g = flags(false, true);

    if (type == CKM_CONCATENATE_BASE_AND_KEY)
        m = (CK_MECHANISM){type, &other, sizeof other};
    else if (type == CKM_EXTRACT_KEY_FROM_KEY)
        m = (CK_MECHANISM){type, &bit, sizeof bit};
    else if (type == CKM_SHA256_KEY_DERIVATION)
        m = (CK_MECHANISM){type, NULL, 0};
    else if (type == CKM_TLS12_MASTER_KEY_DERIVE)
        m = (CK_MECHANISM){type, &master, sizeof master};
    if (f->C_DeriveKey(s, &m, any(), g->t, g->n, &key) == CKR_OK)
        keep(key);
}

/* A secret that somebody else makes, where there is ML-KEM. */
static void encapsulate(void)
{
    static CK_BYTE ciphertext[2048];
    CK_MECHANISM gen = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0}, m = {CKM_ML_KEM, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_512, n = sizeof ciphertext;
    CK_ATTRIBUTE pub = {CKA_PARAMETER_SET, &set, sizeof set};
    CK_OBJECT_HANDLE public_key, private_key, secret;
    struct flags *g = flags(true, false);

    if (chance(8) != 0 || f->C_GenerateKeyPair(s, &gen, &pub, 1, NULL, 0, &public_key, &private_key) != CKR_OK)
        return;
    if (f3->C_EncapsulateKey(s, &m, public_key, g->t, g->n, ciphertext, &n, &secret) == CKR_OK) {
        keep(secret);
        if (f3->C_DecapsulateKey(s, &m, private_key, g->t, g->n, ciphertext, n, &secret) == CKR_OK)
            keep(secret);
    }
    f->C_DestroyObject(s, public_key);
    f->C_DestroyObject(s, private_key);
}

static void copy(void)
{
    struct flags *g = flags(false, false);
    CK_OBJECT_HANDLE key = 0;

    if (f->C_CopyObject(s, any(), g->t, chance((unsigned)g->n + 1), &key) == CKR_OK)
        keep(key);
}

/* The protected key is asked for what would open it only, and the attacker's own and the trusted keys for nothing: the other
 * way is a way of no return, after which there would be nothing left to search. */
static void only_to_open(struct flags *g)
{
    for (CK_ULONG i = 0; i < g->n; i++)
        if (g->t[i].type == CKA_SENSITIVE || g->t[i].type == CKA_WRAP_WITH_TRUSTED)
            g->truth[i] = CK_FALSE;
        else if (g->t[i].type == CKA_EXTRACTABLE)
            g->truth[i] = CK_TRUE;
}

static void set(void)
{
    struct flags *g = flags(false, false);
    CK_OBJECT_HANDLE key = keys[chance((unsigned)keys_n)];

    if (key == keys[0])
        only_to_open(g);
    if (f->C_SetAttributeValue(s, key, g->t, chance((unsigned)g->n + 1)) == CKR_OK) {
        accepted++;
        read_key(key);
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
    if (b->type == CKM_AES_CCM || chance(2))
        return f->C_WrapKey(s, &m, with, key, b->bytes, &b->n);
    m = (CK_MECHANISM){b->type, &message, sizeof message};
    rv = f3->C_WrapKeyAuthenticated(s, &m, with, key, NULL, 0, b->bytes, &b->n);
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
    m = mechanism_of(b);
    b->n = BLOB_BYTES_MAX;
    return f->C_WrapKey(s, &m, with, key, b->bytes, &b->n);
}

/* Two keys under one vector are each other's cipher. */
static void compare(const struct blob *b, CK_OBJECT_HANDLE with)
{
    static struct blob mine;
    CK_BYTE both[SECRET_BYTES];
    bool chosen = true;

    mine.type = b->type;
    memcpy(mine.iv, b->iv, sizeof mine.iv);
    if (wrap_by(&mine, with, own_value, &chosen) != CKR_OK || b->n < SECRET_BYTES || mine.n < SECRET_BYTES)
        return;
    for (size_t i = 0; i < SECRET_BYTES; i++)
        both[i] = b->bytes[i] ^ mine.bytes[i] ^ known_value[i];
    learn(both, sizeof both, "under one vector");
}

static void wrap(void)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_CBC_PAD,      CKM_AES_GCM,
                                              CKM_AES_GCM,      CKM_AES_CCM,          CKM_RSA_PKCS_OAEP,    CKM_RSA_AES_KEY_WRAP,
                                              CKM_ECDH_AES_KEY_WRAP};
    struct blob *b = &blobs[blobs_n < BLOBS_MAX ? blobs_n : chance(BLOBS_MAX)];
    CK_OBJECT_HANDLE with;
    bool chosen = chance(2);

    b->type = types[chance(sizeof types / sizeof types[0])];
    memset(b->iv, 0, sizeof b->iv);
    with = mechanism_find(b->type)->key_type == CKK_RSA  ? own_rsa
           : mechanism_find(b->type)->key_type == CKK_EC ? (chance(2) ? own_curve : trusted_curve)
                                                         : any_cipher();
    if (wrap_by(b, with, any(), &chosen) != CKR_OK) {
        b->n = 0;
        return;
    }
    b->with = with;
    accepted++;
    if (blobs_n < BLOBS_MAX)
        blobs_n++;
    learn(b->bytes, b->n, "wrapped");
    if (outside_opens(b))
        leak("opened outside");
    if ((b->type == CKM_AES_GCM || b->type == CKM_AES_CCM) && chosen)
        compare(b, with);
}

static void unwrap(void)
{
    struct flags *g = flags(true, true);
    struct blob *b = any_blob();
    CK_OBJECT_HANDLE key = 0, with = cipher_for(b);
    CK_MECHANISM m;
    CK_RV rv;

    if (b == NULL)
        return;
    m = mechanism_of(b);
    if (b->type == CKM_AES_GCM && b->n > TAG_BYTES && chance(2)) {
        CK_GCM_MESSAGE_PARAMS message = {b->iv, IV_BYTES, 0, 0, b->bytes + b->n - TAG_BYTES, 8 * TAG_BYTES};
        m = (CK_MECHANISM){b->type, &message, sizeof message};
        rv = f3->C_UnwrapKeyAuthenticated(s, &m, with, b->bytes, b->n - TAG_BYTES, g->t, g->n, NULL, 0, &key);
    } else {
        rv = f->C_UnwrapKey(s, &m, with, b->bytes, b->n, g->t, g->n, &key);
    }
    if (rv == CKR_OK)
        keep(key);
}

/* ---- ciphers and digests as oracles */

/* As it was wrapped; or, what GCM has wrapped, as the counter mode within it, whose both directions are the same. */
static void cipher(void)
{
    struct blob *b = any_blob();
    CK_BYTE out[BLOB_BYTES_MAX + 2 * TAG_BYTES];
    CK_ULONG n = sizeof out, in_n;
    CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 32};
    CK_MECHANISM m;
    CK_OBJECT_HANDLE with = cipher_for(b);
    bool stream, encrypt = chance(2);
    CK_RV rv;

    if (b == NULL || mechanism_find(b->type)->key_type != CKK_AES)
        return;
    m = mechanism_of(b);
    in_n = b->n;
    stream = b->type == CKM_AES_GCM && (encrypt || chance(2));
    if (stream)
        in_n -= TAG_BYTES;
    if (stream && chance(2)) {
        memcpy(ctr.cb, b->iv, IV_BYTES);
        ctr.cb[15] = 2;
        m = (CK_MECHANISM){CKM_AES_CTR, &ctr, sizeof ctr};
    }
    rv = encrypt ? f->C_EncryptInit(s, &m, with) : f->C_DecryptInit(s, &m, with);
    if (rv == CKR_OK && (encrypt ? f->C_Encrypt(s, b->bytes, in_n, out, &n) : f->C_Decrypt(s, b->bytes, in_n, out, &n)) == CKR_OK) {
        accepted++;
        learn(out, n, encrypt ? "encrypted again" : "decrypted");
    }
}

/* A short key is tried out by its digest as well. */
static void digest(void)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = any();
    CK_BYTE out[MAC_BYTES];
    CK_ULONG n = sizeof out;

    if (f->C_DigestInit(s, &m) != CKR_OK)
        return;
    if (f->C_DigestKey(s, key) != CKR_OK) {
        f3->C_SessionCancel(s, ~0UL);
        return;
    }
    if (f->C_DigestFinal(s, out, &n) != CKR_OK)
        return;
    accepted++;
    if (outside_guesses_digest(out))
        leak("the digest of a part of it");
}

/* ---- the world */

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, CK_BYTE *value, CK_ULONG n, const CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_ATTRIBUTE t[16] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, n}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(t + 3, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 3 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE import_public(EVP_PKEY *key, bool token)
{
    static struct sample_template t;
    CK_BBOOL keeps = token;
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_TOKEN, &keeps, 1}};

    sample_public(&t, key);
    return token_key_create(s, &t, more, token ? 2 : 1);
}

/* The admin trusts keys that wrap and unwrap, unless a careless one lets them do more. */
static void trust(CK_ATTRIBUTE_TYPE careless)
{
    CK_BYTE value[32];
    CK_ATTRIBUTE more[] = {{CKA_TOKEN, &yes, 1}, {CKA_WRAP, &yes, 1},  {CKA_UNWRAP, &yes, 1}, {CKA_ENCRYPT, &no, 1},
                           {CKA_DECRYPT, &no, 1}, {CKA_DERIVE, &no, 1}, {CKA_SENSITIVE, &yes, 1}};
    CK_ATTRIBUTE trust = {CKA_TRUSTED, &yes, 1};
    EVP_PKEY *nobodys = sample_on_curve(curve_by_name("P-256"));

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (CK_BYTE)chance(128);
    for (size_t i = 0; i < 7; i++)
        if (more[i].type == careless)
            more[i].pValue = &yes;
    trusted = import(CKK_AES, value, sizeof value, more, 7);
    trusted_curve = import_public(nobodys, true);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(f->C_SetAttributeValue(s, trusted, &trust, 1));
    ck_ok(f->C_SetAttributeValue(s, trusted_curve, &trust, 1));
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, ALICE));
    EVP_PKEY_free(nobodys);
}

static void start(enum policy policy, CK_BBOOL extractable, CK_BBOOL with_trusted, CK_ATTRIBUTE_TYPE careless, uint64_t seed)
{
    CK_ATTRIBUTE closed[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &extractable, 1}, {CKA_WRAP_WITH_TRUSTED, &with_trusted, 1},
                             {CKA_DERIVE, &yes, 1},    {CKA_WRAP, &yes, 1},                {CKA_UNWRAP, &yes, 1},
                             {CKA_DECRYPT, &yes, 1},   {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_WRAP, &yes, 1},
                           {CKA_UNWRAP, &yes, 1},   {CKA_DECRYPT, &yes, 1},     {CKA_ENCRYPT, &yes, 1}};
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *curve = sample_on_curve(curve_by_name("P-256"));

    local_node_policy = policy;
    token_start_with_users();
    s = token_alice();
    chance_state = seed * 0x9e3779b97f4a7c15u + 1;
    keys_n = blobs_n = 0;
    done = accepted = leaks = 0;
    trust(careless);
    outside_begin(rsa, curve);
    keys[keys_n++] = import(CKK_AES, outside_protected, sizeof outside_protected, closed, 8);
    own_aes = import(CKK_AES, outside_key, sizeof outside_key, open, 7);
    own_value = import(CKK_AES, known_value, sizeof known_value, open, 7);
    own_rsa = import_public(rsa, false);
    own_curve = import_public(curve, false);
}

static void stop(void)
{
    outside_end();
    token_stop();
}

static void attack(unsigned long calls)
{
    static const struct {
        const char *name;
        void (*make)(void);
    } moves[] = {{"derive", derive}, {"derive", derive}, {"wrap", wrap}, {"wrap", wrap}, {"unwrap", unwrap}, {"unwrap", unwrap},
                 {"copy", copy},     {"set", set},       {"cipher", cipher}, {"digest", digest}, {"encapsulate", encapsulate}};

    for (; done < calls && leaks == 0; done++) {
        size_t i = chance(sizeof moves / sizeof moves[0]);
        move = moves[i].name;
        moves[i].make();
    }
    printf("api attack: %lu calls, %lu accepted, %lu leaks\n", done, accepted, leaks);
    fflush(stdout);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void holds(enum policy policy, CK_BBOOL extractable, CK_BBOOL with_trusted)
{
    start(policy, extractable, with_trusted, 0, number("API_ATTACK_SEED", 1));
    attack(number("API_ATTACK_CALLS", CALLS));
    ck_assert_uint_eq(leaks, 0);
    ck_assert_uint_gt(accepted, done / 50);
    stop();
}

START_TEST(test_no_sequence_reads_an_unextractable_key)
{
    holds(POLICY_MODERN, CK_FALSE, CK_FALSE);
    holds(POLICY_COMPATIBLE, CK_FALSE, CK_FALSE);
}
END_TEST

START_TEST(test_no_sequence_takes_out_a_key_that_asks_for_trusted_ones)
{
    holds(POLICY_MODERN, CK_TRUE, CK_TRUE);
    holds(POLICY_COMPATIBLE, CK_TRUE, CK_TRUE);
}
END_TEST

/* That the search would find a hole: what the rules leave open, and what they leave to the admin. */
START_TEST(test_the_search_finds_what_is_open)
{
    static const CK_ATTRIBUTE_TYPE careless[] = {CKA_DECRYPT, CKA_ENCRYPT};

    start(POLICY_COMPATIBLE, CK_TRUE, CK_FALSE, 0, 1);
    attack(CALLS);
    ck_assert_uint_gt(leaks, 0);
    stop();
    for (size_t i = 0; i < 2; i++) {
        start(POLICY_MODERN, CK_TRUE, CK_TRUE, careless[i], 1);
        attack(10 * CALLS);
        ck_assert_uint_gt(leaks, 0);
        stop();
    }
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_no_sequence_reads_an_unextractable_key,
        &test_no_sequence_takes_out_a_key_that_asks_for_trusted_ones,
        &test_the_search_finds_what_is_open,
        NULL,
    };

    return suite_of("api_attack", 36000, tests);
}
