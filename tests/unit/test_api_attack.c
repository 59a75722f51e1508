/* Random sequences of permitted calls, by somebody who has a login and looks for a value that he may not have
 * (docs/decisions/009). What he reads, what he opens outside with keys that he knows, and what he guesses of keys that
 * are short, must never be a part of a protected value.
 *
 * There is a key that an admin has trusted, which wraps and unwraps and nothing else; one whose templates close all that
 * it unwraps or derives, and which has wrapped the protected value before (attack_wrap.c); a private key that always asks
 * for the password (attack_asking.c); keys of the attacker's own, of which he knows the value or the private half; and
 * whatever he makes (attack_derive.c). API_ATTACK_CALLS sets how many calls a sequence has (some thousands unless it is
 * set), API_ATTACK_SEED where it starts: a million calls in all, with a quarter of them in each,
 *
 *     API_ATTACK_CALLS=250000 tests/unit/test_api_attack
 *
 * docs/decisions/009 has what it finds when a rule is switched off, and at which call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "proto/mechanism.h"
#include "proto/policy.h"
#include "tests/unit/attacker.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

enum { PROTECTED_KEYS = 2, KEYS_MAX = 48, CALLS = 3000 };

struct attacker attacker;
static uint64_t chance_state, old_chance_state; /* the second: of attack_old.c */
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_BYTE attack_known_value[SECRET_BYTES] = "his own value, of the same size";

static CK_OBJECT_HANDLE keys[KEYS_MAX];
static size_t keys_n;

static unsigned long done, accepted, leaks;
static enum { AT_FIRST, WITH_IKE, WITH_SSH, WITH_ALL } known; /* how many of the moves there are */
bool attack_later;

unsigned attack_chance(unsigned below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)(chance_state >> 11) % below;
}

/* ---- what the attacker learns */

static const char *move, *protects;

void attack_leak(const char *how)
{
    if (leaks++ == 0)
        printf("api attack: call %lu (%s): %s\n", done, move, how);
}

void attack_learn(const CK_BYTE *bytes, CK_ULONG n, const char *how)
{
    /* Under the compatible policy the template may say that a key of SSH's can be read. */
    if (outside_finds(bytes, n) || (attacker.policy == POLICY_MODERN && outside_finds_ssh(bytes, n)))
        attack_leak(how);
}

static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

static bool is_guessed_by_signing(CK_OBJECT_HANDLE key, CK_ULONG n)
{
    CK_BYTE mac[MAC_BYTES];
    CK_ULONG mac_n = sizeof mac;

    return f->C_SignInit(attacker.session, &hmac, key) == CKR_OK &&
           f->C_Sign(attacker.session, outside_key, sizeof outside_key, mac, &mac_n) == CKR_OK && outside_guesses(mac, n);
}

static bool is_guessed_by_verifying(CK_OBJECT_HANDLE key, CK_ULONG n)
{
    const CK_BYTE *mac;

    for (size_t i = 0; (mac = outside_guess(n, i)) != NULL && f->C_VerifyInit(attacker.session, &hmac, key) == CKR_OK; i++)
        if (f->C_Verify(attacker.session, outside_key, sizeof outside_key, (CK_BYTE *)(uintptr_t)mac, MAC_BYTES) == CKR_OK)
            return true;
    return false;
}

/* A key of few bytes is tried out, by what it signs or, where it does not, by what it verifies. */
static void guess(CK_OBJECT_HANDLE key)
{
    CK_ULONG n = 0;
    CK_ATTRIBUTE a = {CKA_VALUE_LEN, &n, sizeof n};

    if (f->C_GetAttributeValue(attacker.session, key, &a, 1) == CKR_OK && n >= GUESSED_BYTES_MIN && n <= GUESSED_BYTES_MAX &&
        (is_guessed_by_signing(key, n) || is_guessed_by_verifying(key, n)))
        attack_leak("a short key is a part of it");
}

static void read_key(CK_OBJECT_HANDLE key)
{
    CK_BYTE value[4096];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(attacker.session, key, &a, 1) == CKR_OK)
        attack_learn(value, a.ulValueLen, "read");
    guess(key);
}

void attack_accepted(void)
{
    accepted++;
}

void attack_keep(CK_OBJECT_HANDLE key)
{
    accepted++;
    read_key(key);
    if (keys_n < KEYS_MAX) {
        keys[keys_n++] = key;
        return;
    }
    size_t at = PROTECTED_KEYS + attack_chance(KEYS_MAX - PROTECTED_KEYS); /* the protected ones stay */
    f->C_DestroyObject(attacker.session, keys[at]);
    keys[at] = key;
}

/* ---- what calls are given */

struct attack_flags *attack_template(bool class, bool length)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP, CKA_UNWRAP,
                                              CKA_DERIVE,    CKA_DECRYPT,     CKA_ENCRYPT,           CKA_SIGN};
    static struct attack_flags g;

    g.n = 0;
    if (class) {
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_CLASS, &secret_class, sizeof secret_class};
        g.type = attack_chance(2) ? CKK_AES : CKK_GENERIC_SECRET;
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &g.type, sizeof g.type};
    }
    if (length && attack_chance(2)) {
        g.length = attack_chance(3) ? 16u * (1 + attack_chance(4)) : 1 + attack_chance(attack_chance(2) ? 6 : 70);
        g.t[g.n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &g.length, sizeof g.length};
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i] == CKA_DERIVE ? attack_chance(4) != 0 : attack_chance(3) == 0) {
            g.truth[g.n] = types[i] == CKA_DERIVE ? CK_TRUE : (CK_BBOOL)attack_chance(2);
            g.t[g.n] = (CK_ATTRIBUTE){types[i], &g.truth[g.n], 1};
            g.n++;
        }
    return &g;
}

struct attack_flags *attack_private_or_not(struct attack_flags *g)
{
    static unsigned turn;

    turn++;
    g->truth[g->n] = (CK_BBOOL)(turn % 4 == 0);
    g->t[g->n] = (CK_ATTRIBUTE){CKA_PRIVATE, &g->truth[g->n], 1};
    g->n += turn % 4 != 1;
    return g;
}

CK_OBJECT_HANDLE attack_protected(void)
{
    return keys[0];
}

static CK_OBJECT_HANDLE later(void)
{
    static const CK_OBJECT_HANDLE *const those[] = {&attacker.closed_field, &attacker.domain,       &attacker.one_time,
                                                    &attacker.verifies,     &attacker.verifies_aes, &attacker.trusted_stream};

    return *those[attack_chance(sizeof those / sizeof those[0])];
}

CK_OBJECT_HANDLE attack_any(void)
{
    unsigned which;

    if (attack_later && attack_chance(6) == 0)
        return later();
    which = attack_chance(12);

    return which == 0   ? attacker.own_aes
           : which == 1 ? attacker.own_value
           : which < 4  ? attacker.trusted
           : which < 6  ? keys[which - 4]
           : which == 6 ? attacker.templated
                        : keys[attack_chance((unsigned)keys_n)];
}

/* ---- copies and changes */

static void copy(void)
{
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE key = 0;

    if (f->C_CopyObject(attacker.session, attack_any(), g->t, attack_chance((unsigned)g->n + 1), &key) == CKR_OK)
        attack_keep(key);
}

/* The protected keys are asked for what would open them only, and the attacker's own for nothing: the other way is a way
 * of no return, after which there would be nothing left to search. */
static void only_to_open(struct attack_flags *g)
{
    for (CK_ULONG i = 0; i < g->n; i++)
        if (g->t[i].type == CKA_SENSITIVE || g->t[i].type == CKA_WRAP_WITH_TRUSTED)
            g->truth[i] = CK_FALSE;
        else if (g->t[i].type == CKA_EXTRACTABLE)
            g->truth[i] = CK_TRUE;
}

/* What he would like of the trusted key: further uses, or that nobody trusts it any more. */
static void set_trusted(void)
{
    struct attack_flags *g = attack_template(false, false);

    only_to_open(g);
    for (CK_ULONG i = 0; i < g->n; i++)
        if (g->t[i].type != CKA_SENSITIVE && g->t[i].type != CKA_WRAP_WITH_TRUSTED)
            g->truth[i] = CK_TRUE;
    g->truth[g->n] = CK_FALSE;
    g->t[g->n] = (CK_ATTRIBUTE){CKA_TRUSTED, &g->truth[g->n], 1};
    g->n += attack_chance(2);
    if (f->C_SetAttributeValue(attacker.session, attacker.trusted, g->t, g->n) == CKR_OK)
        attack_accepted();
}

static void set_later(void)
{
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE key = later();

    only_to_open(g);
    if (f->C_SetAttributeValue(attacker.session, key, g->t, attack_chance((unsigned)g->n + 1)) == CKR_OK) {
        accepted++;
        read_key(key);
    }
}

static void set(void)
{
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE key = keys[attack_chance((unsigned)keys_n)];

    if (key == keys[0] || key == keys[1])
        only_to_open(g);
    if (f->C_SetAttributeValue(attacker.session, key, g->t, attack_chance((unsigned)g->n + 1)) == CKR_OK) {
        accepted++;
        read_key(key);
    }
}

/* ---- digests */

/* A short key is tried out by its digest as well. */
static void digest(void)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = attack_any();
    CK_BYTE out[MAC_BYTES];
    CK_ULONG n = sizeof out;

    if (f->C_DigestInit(attacker.session, &m) != CKR_OK)
        return;
    if (f->C_DigestKey(attacker.session, key) != CKR_OK) {
        f3->C_SessionCancel(attacker.session, ~0UL);
        return;
    }
    if (f->C_DigestFinal(attacker.session, out, &n) != CKR_OK)
        return;
    accepted++;
    if (outside_guesses_digest(out))
        attack_leak("the digest of a part of it");
}

/* ---- the world */

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, CK_BYTE *value, CK_ULONG n, const CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_ATTRIBUTE t[16] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                          {CKA_VALUE, value, n}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(t + 3, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(attacker.session, t, 3 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE import_public(EVP_PKEY *key, bool token)
{
    static struct sample_template t;
    CK_BBOOL keeps = token;
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_TOKEN, &keeps, 1}};

    sample_public(&t, key);
    return token_key_create(attacker.session, &t, more, token ? 2 : 1);
}

static void trust(void)
{
    EVP_PKEY *nobodys = sample_on_curve(curve_by_name("P-256"));

    /* As many as a value would take: so the calls are those of the table in docs/decisions/009. */
    for (size_t i = 0; i < SECRET_BYTES; i++)
        (void)attack_chance(128);
    attacker.trusted = token_wrapping_key(attacker.session);
    attacker.trusted_curve = import_public(nobodys, true);
    ck_ok(token_trust(attacker.session, attacker.trusted));
    ck_ok(token_trust(attacker.session, attacker.trusted_curve));
    if (attack_later) {
        attacker.trusted_stream = token_wrapping_key_by(attacker.session, CKM_CHACHA20_KEY_GEN);
        ck_ok(token_trust(attacker.session, attacker.trusted_stream));
    }
    EVP_PKEY_free(nobodys);
}

/* Closes all that it makes, and has wrapped the protected key before. */
static void make_templated(void)
{
    static CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_BYTE value[32];
    CK_ATTRIBUTE more[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_DERIVE, &yes, 1},
                           {CKA_WRAP, &no, 1}, {CKA_ENCRYPT, &no, 1}, {CKA_DECRYPT, &no, 1},
                           {CKA_UNWRAP_TEMPLATE, closes, sizeof closes}, {CKA_DERIVE_TEMPLATE, closes, sizeof closes}};

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (CK_BYTE)attack_chance(128);
    attacker.templated = import(CKK_AES, value, sizeof value, more, sizeof more / sizeof more[0]);
    attack_wrap_begin(value, sizeof value);
    attack_ssh_begin(value, sizeof value);
}

static CK_OBJECT_HANDLE import_closed_curve(void)
{
    static struct sample_template t;
    EVP_PKEY *key = sample_on_curve(curve_by_name("P-256"));
    CK_ATTRIBUTE more[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_DERIVE, &yes, 1}};
    CK_OBJECT_HANDLE object;

    sample_private(&t, key, true);
    object = token_key_create(attacker.session, &t, more, 3);
    EVP_PKEY_free(key);
    return object;
}

static void start(enum policy policy, CK_BBOOL extractable, CK_BBOOL with_trusted, uint64_t seed)
{
    CK_ATTRIBUTE closed[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &extractable, 1},
                             {CKA_WRAP_WITH_TRUSTED, &with_trusted, 1},
                             {CKA_DERIVE, &yes, 1},    {CKA_WRAP, &yes, 1},                {CKA_UNWRAP, &yes, 1},
                             {CKA_DECRYPT, &yes, 1},   {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_WRAP, &yes, 1},
                           {CKA_UNWRAP, &yes, 1},   {CKA_DECRYPT, &yes, 1},     {CKA_ENCRYPT, &yes, 1}};
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *curve = sample_on_curve(curve_by_name("P-256"));

    local_node_policy = policy;
    token_start_with_users();
    attacker.session = token_alice();
    chance_state = seed * 0x9e3779b97f4a7c15u + 1;
    old_chance_state = chance_state + 2;
    keys_n = 0;
    done = accepted = leaks = 0;
    trust();
    outside_begin(rsa, curve);
    keys[keys_n++] = import(CKK_AES, outside_protected, SECRET_BYTES, closed, 8);
    keys[keys_n++] = attacker.block = import(CKK_AES, outside_protected + SECRET_BYTES, SHORT_BYTES, closed, 8);
    make_templated();
    attacker.policy = policy;
    protects = !extractable ? "unextractable" : with_trusted ? "under trusted keys only" : "under any key";
    attacker.closed_curve = import_closed_curve();
    attack_asking_begin(policy == POLICY_MODERN);
    attack_one_time_begin(extractable);
    if (attack_later) {
        attack_field_begin(extractable, with_trusted);
        attack_oracle_begin();
    }
    attacker.own_aes = import(CKK_AES, outside_key, sizeof outside_key, open, 7);
    attacker.own_value = import(CKK_AES, attack_known_value, sizeof attack_known_value, open, 7);
    attacker.own_rsa = import_public(rsa, false);
    attacker.own_curve = import_public(curve, false);
}

static void stop(void)
{
    attack_asking_end();
    outside_end();
    token_stop();
}

static void swap_chances(void)
{
    uint64_t state = chance_state;

    chance_state = old_chance_state;
    old_chance_state = state;
}

static void old_ones(void)
{
    move = "old ones";
    swap_chances();
    attack_old();
    swap_chances();
}

/* Keys of pairs that he makes himself. */
static void make_pair(void)
{
    attack_group();
    attack_encapsulate();
}

static void attack(unsigned long calls)
{
    static const struct {
        const char *name;
        void (*make)(void);
    } moves[] = {{"derive", attack_derive}, {"derive", attack_derive}, {"wrap", attack_wrap},     {"wrap", attack_wrap},
                 {"unwrap", attack_unwrap}, {"unwrap", attack_unwrap}, {"copy", copy},            {"set", set},
                 {"trust", set_trusted},    {"cipher", attack_cipher}, {"digest", digest},        {"ask", attack_ask},
                 {"pair", make_pair},
                 /* The ones that came later are left out where the calls are those of the table in docs/decisions/009. */
                 {"ike", attack_ike},       {"ike", attack_ike},       {"ike", attack_ike},       {"half", attack_public_half},
                 {"ssh", attack_ssh},       {"ssh", attack_ssh},       {"ssh", attack_ssh},       {"field", attack_field},
                 {"oracle", attack_oracle}, {"set", set_later}};
    static const unsigned later[] = {[AT_FIRST] = 10, [WITH_IKE] = 6, [WITH_SSH] = 3, [WITH_ALL] = 0};

    for (; done < calls && leaks == 0; done++) {
        size_t i = attack_chance((unsigned)(sizeof moves / sizeof moves[0]) - later[known]);
        move = moves[i].name;
        moves[i].make();
        if (leaks == 0)
            old_ones();
        if (done % 8 == 0 && leaks == 0) {
            move = "one-time";
            attack_one_time();
        }
    }
    printf("api attack: %s, %s: %lu calls, %lu accepted, %lu leaks\n", policy_name(attacker.policy), protects, done,
           accepted, leaks);
    fflush(stdout);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

/* The keys that he has made are nobody else's to see, whatever he has said of their CKA_PRIVATE. (Copies of domain parameters are.) */
static void look_as(const char *whom)
{
    for (size_t i = 0; i < keys_n; i++) {
        CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
        CK_ATTRIBUTE a = {CKA_CLASS, &object_class, sizeof object_class};
        CK_RV rv = f->C_GetAttributeValue(attacker.session, keys[i], &a, 1);
        ck_assert_msg(rv == CKR_OBJECT_HANDLE_INVALID || object_class == CKO_DOMAIN_PARAMETERS, "%s sees key %zu", whom, i);
    }
}

static void nobody_sees(void)
{
    ck_ok(f->C_Logout(attacker.session));
    look_as("nobody");
    ck_ok(token_login(attacker.session, CKU_USER, BOB));
    look_as("bob");
    ck_ok(f->C_Logout(attacker.session));
    ck_ok(token_login(attacker.session, CKU_USER, ALICE));
}

static void holds(enum policy policy, CK_BBOOL extractable, CK_BBOOL with_trusted)
{
    start(policy, extractable, with_trusted, number("API_ATTACK_SEED", 1));
    attack(number("API_ATTACK_CALLS", CALLS));
    ck_assert_uint_eq(leaks, 0);
    ck_assert_uint_gt(accepted, done / 50);
    nobody_sees();
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

/* The same with the mechanisms that came later. */
static void holds_with_later_ones(void)
{
    holds(POLICY_MODERN, CK_FALSE, CK_FALSE);
    holds(POLICY_COMPATIBLE, CK_FALSE, CK_FALSE);
    holds(POLICY_MODERN, CK_TRUE, CK_TRUE);
    holds(POLICY_COMPATIBLE, CK_TRUE, CK_TRUE);
    known = AT_FIRST;
}

START_TEST(test_no_sequence_with_ike_does)
{
    known = WITH_IKE;
    holds_with_later_ones();
}
END_TEST

START_TEST(test_no_sequence_with_ssh_does)
{
    known = WITH_SSH;
    holds_with_later_ones();
}
END_TEST

/* Pairs of Diffie-Hellman and domain parameters, keys that only verify, CKK_CHACHA20. */
START_TEST(test_no_sequence_with_all_does)
{
    known = WITH_ALL;
    attack_later = true;
    holds_with_later_ones();
    attack_later = false;
}
END_TEST

/* That the search would find a hole: what the rules leave open. */
START_TEST(test_the_search_finds_what_is_open)
{
    start(POLICY_COMPATIBLE, CK_TRUE, CK_FALSE, 1);
    attack(CALLS);
    ck_assert_uint_gt(leaks, 0);
    stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_no_sequence_reads_an_unextractable_key,
        &test_no_sequence_takes_out_a_key_that_asks_for_trusted_ones,
        &test_no_sequence_with_ike_does,
        &test_no_sequence_with_ssh_does,
        &test_no_sequence_with_all_does,
        &test_the_search_finds_what_is_open,
        NULL,
    };

    return suite_of("api_attack", 36000, tests);
}
