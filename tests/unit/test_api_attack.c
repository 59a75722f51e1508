/* Random sequences of permitted calls, by somebody who has a login and looks for a value that he may not have
 * (docs/decisions/009). What he reads, and what he unwraps outside with keys that he knows, must never hold a part of a
 * protected value.
 *
 * API_ATTACK_CALLS sets how many calls a sequence has (some thousands unless it is set), API_ATTACK_SEED where it
 * starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mechanism.h"
#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"
#include "vault/provider/wrap.h"

enum { KEYS_MAX = 48, BLOBS_MAX = 16, BLOB_BYTES_MAX = 1024, SECRET_BYTES = 32, WINDOW_BYTES = 6, CALLS = 3000 };

static CK_SESSION_HANDLE s;
static uint64_t chance_state;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static const CK_BYTE known_key[16] = "the attacker's o";

static CK_BYTE protected_value[SECRET_BYTES];
static CK_OBJECT_HANDLE keys[KEYS_MAX], attackers;
static size_t keys_n;
static struct {
    CK_BYTE bytes[BLOB_BYTES_MAX];
    CK_ULONG n;
} blobs[BLOBS_MAX];
static size_t blobs_n;
static unsigned long done, accepted, leaks;

static unsigned chance(unsigned below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)(chance_state >> 11) % below;
}

/* ---- what the attacker knows */

static void learn(const CK_BYTE *bytes, CK_ULONG n)
{
    for (size_t i = 0; i + WINDOW_BYTES <= SECRET_BYTES; i++)
        if (n >= WINDOW_BYTES && memmem(bytes, n, protected_value + i, WINDOW_BYTES) != NULL) {
            leaks++;
            return;
        }
}

static void read_key(CK_OBJECT_HANDLE key)
{
    CK_BYTE value[4096];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(s, key, &a, 1) == CKR_OK)
        learn(value, a.ulValueLen);
}

static void keep(CK_OBJECT_HANDLE key)
{
    accepted++;
    read_key(key);
    if (keys_n < KEYS_MAX) {
        keys[keys_n++] = key;
        return;
    }
    size_t at = 2 + chance(KEYS_MAX - 2); /* the protected one and the attacker's stay */
    f->C_DestroyObject(s, keys[at]);
    keys[at] = key;
}

/* ---- calls */

struct flags {
    CK_ATTRIBUTE t[12];
    CK_BBOOL truth[12];
    CK_ULONG n, length;
    CK_KEY_TYPE type;
};

static struct flags *flags(bool class, bool length)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP,
                                              CKA_UNWRAP,    CKA_DERIVE,      CKA_DECRYPT,           CKA_ENCRYPT};
    static struct flags g;

    g.n = 0;
    if (class) {
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_CLASS, &secret_class, sizeof secret_class};
        g.type = chance(2) ? CKK_AES : CKK_GENERIC_SECRET;
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &g.type, sizeof g.type};
    }
    if (length && chance(2)) {
        g.length = chance(3) ? 16u * (1 + chance(4)) : 1 + chance(70);
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &g.length, sizeof g.length};
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i] == CKA_DERIVE || chance(3) == 0) {
            g.truth[g.n] = types[i] == CKA_DERIVE ? CK_TRUE : (CK_BBOOL)chance(2);
            g.t[g.n] = (CK_ATTRIBUTE){types[i], &g.truth[g.n], 1};
            g.n++;
        }
    return &g;
}

static CK_OBJECT_HANDLE any(void)
{
    return keys[chance((unsigned)keys_n)];
}

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

static const CK_MECHANISM_TYPE wraps[] = {CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_CBC_PAD};

static CK_MECHANISM wrapping(void)
{
    static CK_BYTE iv[16];
    CK_MECHANISM_TYPE type = wraps[chance(3)];

    return type == CKM_AES_CBC_PAD ? (CK_MECHANISM){type, iv, sizeof iv} : (CK_MECHANISM){type, NULL, 0};
}

/* Outside, with the key that he knows. */
static void open_blob(const CK_MECHANISM *m, const CK_BYTE *bytes, CK_ULONG n)
{
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    struct key_part part = {.type = CKA_VALUE, .value = known_key, .n = sizeof known_key};
    struct secret plain = {0};
    struct key *k = NULL;

    ck_assert_int_eq(key_load(NULL, CKK_AES, &part, 1, &k), ERR_OK);
    iv.iv = (ProtobufCBinaryData){.data = m->pParameter, .len = m->ulParameterLen};
    given.type = m->mechanism;
    given.iv = &iv;
    struct wrap w = {.mechanism = mechanism_find(m->mechanism), .given = &given, .key = k};
    if (unwrap_bytes(&w, bytes, n, &plain) == ERR_OK)
        learn(plain.bytes, plain.len);
    secret_clear(&plain);
    key_free(k);
}

static void wrap(void)
{
    CK_MECHANISM m = wrapping();
    size_t at = blobs_n < BLOBS_MAX ? blobs_n : chance(BLOBS_MAX);
    CK_OBJECT_HANDLE with = chance(2) ? attackers : any();

    blobs[at].n = BLOB_BYTES_MAX;
    if (f->C_WrapKey(s, &m, with, any(), blobs[at].bytes, &blobs[at].n) != CKR_OK) {
        blobs[at].n = 0;
        return;
    }
    accepted++;
    if (blobs_n < BLOBS_MAX)
        blobs_n++;
    learn(blobs[at].bytes, blobs[at].n);
    open_blob(&m, blobs[at].bytes, blobs[at].n);
}

static void unwrap(void)
{
    CK_MECHANISM m = wrapping();
    struct flags *g = flags(true, true);
    CK_OBJECT_HANDLE key = 0;
    size_t at = chance(BLOBS_MAX);

    if (at < blobs_n && blobs[at].n > 0 &&
        f->C_UnwrapKey(s, &m, chance(2) ? attackers : any(), blobs[at].bytes, blobs[at].n, g->t, g->n, &key) == CKR_OK)
        keep(key);
}

static void copy(void)
{
    struct flags *g = flags(false, false);
    CK_OBJECT_HANDLE key = 0;

    if (f->C_CopyObject(s, any(), g->t, chance((unsigned)g->n + 1), &key) == CKR_OK)
        keep(key);
}

static void set(void)
{
    struct flags *g = flags(false, false);
    CK_OBJECT_HANDLE key = any();

    if (f->C_SetAttributeValue(s, key, g->t, chance((unsigned)g->n + 1)) == CKR_OK) {
        accepted++;
        read_key(key);
    }
}

static void decrypt(void)
{
    CK_MECHANISM m = wrapping();
    CK_BYTE out[BLOB_BYTES_MAX];
    CK_ULONG n = sizeof out;
    size_t at = chance(BLOBS_MAX);

    if (at < blobs_n && blobs[at].n > 0 && f->C_DecryptInit(s, &m, any()) == CKR_OK &&
        f->C_Decrypt(s, blobs[at].bytes, blobs[at].n, out, &n) == CKR_OK) {
        accepted++;
        learn(out, n);
    }
}

/* ---- one sequence: a protected key, a key that the attacker has made, and nothing else */

static void start(enum policy policy, CK_BBOOL extractable, CK_BBOOL with_trusted, uint64_t seed)
{
    CK_KEY_TYPE aes = CKK_AES;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                        {CKA_KEY_TYPE, &aes, sizeof aes},
                        {CKA_VALUE, protected_value, sizeof protected_value},
                        {CKA_SENSITIVE, &yes, 1},
                        {CKA_EXTRACTABLE, &extractable, 1},
                        {CKA_WRAP_WITH_TRUSTED, &with_trusted, 1},
                        {CKA_DERIVE, &yes, 1},
                        {CKA_WRAP, &yes, 1},
                        {CKA_UNWRAP, &yes, 1},
                        {CKA_DECRYPT, &yes, 1},
                        {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE own[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                          {CKA_KEY_TYPE, &aes, sizeof aes},
                          {CKA_VALUE, (void *)(uintptr_t)known_key, sizeof known_key},
                          {CKA_SENSITIVE, &no, 1},
                          {CKA_EXTRACTABLE, &yes, 1},
                          {CKA_DERIVE, &yes, 1},
                          {CKA_WRAP, &yes, 1},
                          {CKA_UNWRAP, &yes, 1},
                          {CKA_DECRYPT, &yes, 1},
                          {CKA_ENCRYPT, &yes, 1}};

    local_node_policy = policy;
    token_start_with_users();
    s = token_alice();
    chance_state = seed * 0x9e3779b97f4a7c15u + 1;
    keys_n = blobs_n = 0;
    done = accepted = leaks = 0;
    for (size_t i = 0; i < sizeof protected_value; i++)
        protected_value[i] = (CK_BYTE)(0x80 | (37 * i + 11));
    ck_ok(f->C_CreateObject(s, t, 11, &keys[keys_n++]));
    ck_ok(f->C_CreateObject(s, own, 10, &attackers));
    keys[keys_n++] = attackers;
}

static void attack(unsigned long calls)
{
    static void (*const moves[])(void) = {derive, derive, wrap, unwrap, copy, set, decrypt};

    for (; done < calls && leaks == 0; done++)
        moves[chance(sizeof moves / sizeof moves[0])]();
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
    start(policy, extractable, with_trusted, number("API_ATTACK_SEED", 1));
    attack(number("API_ATTACK_CALLS", CALLS));
    ck_assert_uint_eq(leaks, 0);
    ck_assert_uint_gt(accepted, done / 50);
    token_stop();
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

/* That the search would find a hole: an extractable key may go out under any key, so its value has to be found. */
START_TEST(test_the_search_finds_what_is_open)
{
    start(POLICY_COMPATIBLE, CK_TRUE, CK_FALSE, 1);
    attack(CALLS);
    ck_assert_uint_gt(leaks, 0);
    token_stop();
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
