/* Keys of finite fields: a private key of Diffie-Hellman whose number is the first protected value, and its domain parameters. He agrees
 * with it by numbers of his own, and by such as would tell it; makes pairs in groups that would; and brings what was wrapped in as such a
 * key. */
#include <check.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/unit/attacker.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/sample_template.h"

enum { PRIME_BYTES = 256 };

static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, domain_class = CKO_DOMAIN_PARAMETERS;
static CK_KEY_TYPE type = CKK_DH;
static CK_BBOOL yes = CK_TRUE;
static CK_BYTE prime[PRIME_BYTES], base, own[SAMPLE_DH_BYTES_MAX];
static CK_ULONG own_n;

void attack_field_begin(CK_BBOOL extractable, CK_BBOOL with_trusted)
{
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &private_class, sizeof private_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_PRIME, prime, sizeof prime}, {CKA_BASE, &base, 1}, {CKA_VALUE, outside_protected, SECRET_BYTES},
                        {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &extractable, 1}, {CKA_WRAP_WITH_TRUSTED, &with_trusted, 1},
                        {CKA_DERIVE, &yes, 1}};
    CK_ATTRIBUTE domain[] = {{CKA_CLASS, &domain_class, sizeof domain_class}, t[1], t[2], t[3]}, parts[2];
    EVP_PKEY *key = sample_dh("ffdhe2048");

    sample_dh_parts("ffdhe2048", parts);
    ck_assert_uint_eq(parts[0].ulValueLen, sizeof prime);
    memcpy(prime, parts[0].pValue, sizeof prime);
    base = *(CK_BYTE *)parts[1].pValue;
    own_n = sample_public_value(key, own);
    EVP_PKEY_free(key);
    ck_ok(f->C_CreateObject(attacker.session, t, sizeof t / sizeof t[0], &attacker.closed_field));
    ck_ok(f->C_CreateObject(attacker.session, domain, sizeof domain / sizeof domain[0], &attacker.domain));
}

CK_OBJECT_HANDLE attack_field_base(void)
{
    return attacker.closed_field;
}

CK_MECHANISM attack_field_number(CK_MECHANISM_TYPE mechanism, struct attack_drawn *d, struct attack_inputs *in)
{
    (void)d;
    (void)in;
    return (CK_MECHANISM){mechanism, own, own_n};
}

/* 0, 1, p - 1, p, and what is more: what they make of any private number tells a bit of it, or is known. */
static void agree(void)
{
    static const struct {
        bool of_prime;
        CK_BYTE fill;
        int add;
    } rows[] = {{false, 0, 0}, {false, 0, 1}, {true, 0, -1}, {true, 0, 0}, {false, 0xff, 0}};
    size_t i = attack_chance(sizeof rows / sizeof rows[0]);
    CK_BYTE number[PRIME_BYTES];
    CK_MECHANISM m = {CKM_DH_PKCS_DERIVE, number, sizeof number};
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE made;

    memset(number, rows[i].fill, sizeof number);
    if (rows[i].of_prime)
        memcpy(number, prime, sizeof number);
    number[PRIME_BYTES - 1] = (CK_BYTE)(number[PRIME_BYTES - 1] + rows[i].add);
    if (f->C_DeriveKey(attacker.session, &m, attacker.closed_field, g->t, g->n, &made) == CKR_OK)
        attack_leak("agreed with a number that tells the private one, or makes the same of all");
}

/* A prime that is not safe, none, and bases of order 1 and 2. */
static void make_pair(void)
{
    static struct sample_group dsa;
    static CK_BYTE one = 1, minus_one[PRIME_BYTES], none[PRIME_BYTES];
    CK_ATTRIBUTE groups[][2] = {{{CKA_PRIME, dsa.p, dsa.p_n}, {CKA_BASE, dsa.g, dsa.g_n}},
                                {{CKA_PRIME, prime, sizeof prime}, {CKA_BASE, &one, 1}},
                                {{CKA_PRIME, prime, sizeof prime}, {CKA_BASE, minus_one, sizeof minus_one}},
                                {{CKA_PRIME, none, sizeof none}, {CKA_BASE, &base, 1}}};
    CK_MECHANISM m = {CKM_DH_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE closed = {CKA_SENSITIVE, &yes, 1};
    CK_OBJECT_HANDLE pair[2];
    unsigned which = attack_chance(sizeof groups / sizeof groups[0]);

    if (dsa.p_n == 0) {
        EVP_PKEY *key = sample_dsa();
        dsa = sample_group_of(key);
        EVP_PKEY_free(key);
        memcpy(minus_one, prime, sizeof prime);
        minus_one[PRIME_BYTES - 1]--;
        memcpy(none, prime, sizeof prime);
        none[100] ^= 1;
        return;
    }
    if (f->C_GenerateKeyPair(attacker.session, &m, groups[which], 2, &closed, 1, &pair[0], &pair[1]) == CKR_OK)
        attack_leak("the public half of a pair of Diffie-Hellman tells the private one");
}

/* As a private key, to be read. */
static void unwrap(void)
{
    struct blob *b = attack_blob();
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE made;
    CK_MECHANISM m;

    if (b == NULL)
        return;
    m = attack_blob_mechanism(b);
    g->t[g->n++] = (CK_ATTRIBUTE){CKA_CLASS, &private_class, sizeof private_class};
    g->t[g->n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof type};
    if (f->C_UnwrapKey(attacker.session, &m, b->with, b->bytes, b->n, g->t, g->n, &made) == CKR_OK)
        attack_keep(made);
}

void attack_field(void)
{
    static void (*const moves[])(void) = {agree, make_pair, unwrap};

    moves[attack_chance(sizeof moves / sizeof moves[0])]();
}
