/* SSH's derivation: keys, and vectors, which anybody reads. The hash is taken over the shared secret, the exchange hash, a letter and the
 * session, with nothing between them; so the text behind the secret is cut wherever a letter stands in it, or some of it is put behind the
 * secret before, as a key of its own. */
#include <string.h>

#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

enum { HASH_BYTES = 32, VALUE_MAX = 4096 };

/* The last secret with text behind it; there may be another key by now, or none. */
static CK_OBJECT_HANDLE longer;
static CK_ULONG longer_cut; /* the letter that would do for it; all of the text: none */
static CK_BYTE templated_key[MAC_BYTES];

void attack_ssh_begin(const CK_BYTE *templated, CK_ULONG n)
{
    outside_derives_ssh(templated, n, templated_key);
    longer = 0;
    longer_cut = SSH_TEXT_BYTES;
}

/* Whatever there is; the protected one in half of all. */
static CK_OBJECT_HANDLE any(void)
{
    return attack_chance(2) ? attack_protected() : attack_any();
}

static CK_OBJECT_HANDLE base(void)
{
    unsigned which = attack_chance(4);

    return which == 0 ? attacker.templated : which == 1 ? longer : any();
}

/* As much of the text goes behind the secret that what is left begins with as many bytes as an exchange hash has, or all of it. */
static void put_behind(void)
{
    CK_ULONG which = attack_chance(SSH_CUTS), n = which == 0 ? SSH_TEXT_BYTES : outside_ssh_cuts[which] - HASH_BYTES;
    CK_KEY_DERIVATION_STRING_DATA text = {outside_ssh_text, n};
    CK_MECHANISM m = {CKM_CONCATENATE_BASE_AND_DATA, &text, sizeof text};
    struct attack_inputs in = {.n = 0};
    struct attack_flags *g = attack_template(false, false);
    CK_OBJECT_HANDLE from = which == 0 ? attacker.templated : any(), key = 0;

    attack_input(&in, from);
    if (f->C_DeriveKey(attacker.session, &m, from, g->t, g->n, &key) != CKR_OK)
        return;
    longer = key;
    longer_cut = n < SSH_TEXT_BYTES ? n + HASH_BYTES : n;
    attack_as_closed(&in, true, key);
    attack_keep(key);
}

/* Then a plain digest makes the same key. */
static void digest_longer(void)
{
    CK_MECHANISM m = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
    CK_BYTE value[MAC_BYTES];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
    struct attack_inputs in = {.n = 0};
    static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    attack_input(&in, longer);
    if (f->C_DeriveKey(attacker.session, &m, longer, open, 2, &key) != CKR_OK)
        return;
    if (f->C_GetAttributeValue(attacker.session, key, &a, 1) == CKR_OK && memcmp(value, templated_key, sizeof value) == 0)
        attack_leak("what a key's own template closes");
    attack_as_closed(&in, attacker.policy == POLICY_MODERN, key);
    attack_keep(key);
}

static void read_vector(CK_OBJECT_HANDLE data, const struct attack_inputs *in)
{
    CK_BYTE value[VALUE_MAX];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    attack_accepted();
    if (in->templated)
        attack_leak("a key's own template was passed by: a vector");
    if (f->C_GetAttributeValue(attacker.session, data, &a, 1) == CKR_OK)
        attack_learn(value, a.ulValueLen, "the bytes of a key, as a vector");
    f->C_DestroyObject(attacker.session, data);
}

/* The text from its beginning, or from an exchange hash's length before the cut. */
static void derive(void)
{
    CK_OBJECT_HANDLE from = base(), key = 0;
    bool its = from == longer && longer_cut < SSH_TEXT_BYTES;
    CK_ULONG cut = its ? longer_cut : outside_ssh_cuts[attack_chance(SSH_CUTS)], first = attack_chance(2) ? 0 : cut - HASH_BYTES,
             length = attack_chance(2) ? 16 : 1 + attack_chance(2 * HASH_BYTES);
    CK_BYTE letter = attack_chance(3) ? outside_ssh_text[cut] : (CK_BYTE)('A' + attack_chance(6));
    struct pkcs11_sshkdf_params p = {CKM_SHA256, letter, outside_ssh_text + first, cut - first, outside_ssh_text + cut + 1,
                                     SSH_TEXT_BYTES - cut - 1};
    CK_MECHANISM m = {KRM_SSHKDF_DERIVE, &p, sizeof p};
    CK_ATTRIBUTE sized[] = {{CKA_VALUE_LEN, &length, sizeof length}};
    struct attack_flags *g = attack_template(false, true);
    struct attack_inputs in = {.n = 0};
    bool vector = letter == 'A' || letter == 'B';

    attack_input(&in, from);
    if (f->C_DeriveKey(attacker.session, &m, from, vector ? sized : g->t, vector ? 1 : g->n, &key) != CKR_OK)
        return;
    if (vector) {
        read_vector(key, &in);
        return;
    }
    attack_as_closed(&in, attacker.policy == POLICY_MODERN, key);
    attack_keep(key);
}

void attack_ssh(void)
{
    unsigned which = attack_chance(4);

    if (which == 0)
        put_behind();
    else if (which == 1)
        digest_longer();
    else
        derive();
}
