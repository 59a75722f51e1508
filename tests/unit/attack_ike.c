/* IKE's derivations: by HMAC and by the PRFs that are undone, with keys and data in every place, and keys that are cut off. */
#include "tests/unit/attacker.h"
#include "tests/unit/token.h"

enum { NUMBER = 1, VALUE_MAX = 4096 }; /* of CKM_IKE1_PRF_DERIVE's key; prf+ begins with the same */

static const CK_MECHANISM_TYPE macs[] = {CKM_AES_CMAC, CKM_AES_XCBC_MAC, CKM_SHA256_HMAC};

/* His own key is the PRF's, or in its place; the protected block stands alone in a block, or before a number. */
static CK_OBJECT_HANDLE his_own(void)
{
    return attack_chance(2) ? attacker.own_aes : attack_any();
}

static CK_OBJECT_HANDLE wanted(void)
{
    return attack_chance(2) ? attacker.block : attack_any();
}

/* No data, or his key. */
static CK_ULONG some(void)
{
    return attack_chance(2) ? 0 : sizeof outside_key;
}

struct call {
    CK_MECHANISM m;
    CK_OBJECT_HANDLE base;
    struct attack_inputs in;
    bool reveals;
};

static void prf(CK_MECHANISM_TYPE mac, struct call *c)
{
    static struct pkcs11_ike_prf_params p;

    p = (struct pkcs11_ike_prf_params){.prfMechanism = mac, .pNi = outside_key, .ulNiLen = some()};
    p.bDataAsKey = (CK_BBOOL)attack_chance(2);
    c->base = p.bDataAsKey ? wanted() : his_own();
    if (p.bDataAsKey) {
        p.ulNiLen = sizeof outside_key;
    } else {
        p.bRekey = CK_TRUE;
        attack_input(&c->in, p.hNewKey = wanted());
    }
    c->m = (CK_MECHANISM){CKM_IKE_PRF_DERIVE, &p, sizeof p};
}

static void prf1(CK_MECHANISM_TYPE mac, struct call *c)
{
    static struct pkcs11_ike1_prf_params p;

    p = (struct pkcs11_ike1_prf_params){.prfMechanism = mac, .hKeygxy = wanted(), .pCKYi = outside_key, .ulCKYiLen = some()};
    p.keyNumber = NUMBER;
    attack_input(&c->in, p.hKeygxy);
    if (attack_chance(4) == 0) {
        p.bHasPrevKey = CK_TRUE;
        attack_input(&c->in, p.hPrevKey = attack_any());
    }
    c->base = his_own();
    c->m = (CK_MECHANISM){CKM_IKE1_PRF_DERIVE, &p, sizeof p};
}

static void extended(CK_MECHANISM_TYPE mac, struct call *c)
{
    static struct pkcs11_ike1_extended_params p;

    p = (struct pkcs11_ike1_extended_params){.prfMechanism = mac, .pExtraData = outside_key, .ulExtraDataLen = some(),
                                             .bHasKeygxy = (CK_BBOOL)attack_chance(2)};
    if (p.bHasKeygxy)
        attack_input(&c->in, p.hKeygxy = wanted());
    c->base = p.bHasKeygxy ? his_own() : attack_any();
    c->reveals = c->reveals || (!p.bHasKeygxy && p.ulExtraDataLen == 0);
    c->m = (CK_MECHANISM){CKM_IKE1_EXTENDED_DERIVE, &p, sizeof p};
}

static void plus(CK_MECHANISM_TYPE mac, struct call *c)
{
    static struct pkcs11_ike2_prf_plus_params p;

    p = (struct pkcs11_ike2_prf_plus_params){.prfMechanism = mac, .bHasSeedKey = CK_TRUE, .hSeedKey = wanted(), .pSeedData = outside_key,
                                             .ulSeedDataLen = some()};
    attack_input(&c->in, p.hSeedKey);
    c->base = his_own();
    c->m = (CK_MECHANISM){CKM_IKE2_PRF_PLUS_DERIVE, &p, sizeof p};
}

static void undo(CK_OBJECT_HANDLE made, bool xcbc)
{
    CK_BYTE value[VALUE_MAX], whole[BLOCK_BYTES], numbered[BLOCK_BYTES];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

    if (f->C_GetAttributeValue(attacker.session, made, &a, 1) != CKR_OK || a.ulValueLen < BLOCK_BYTES)
        return;
    outside_undoes_prf(xcbc, NUMBER, value, whole, numbered);
    attack_learn(whole, sizeof whole, "what a PRF was fed");
    attack_learn(numbered, sizeof numbered, "what a PRF was fed, before a number");
}

void attack_ike(void)
{
    static void (*const makes[])(CK_MECHANISM_TYPE, struct call *) = {prf, prf1, extended, plus};
    CK_MECHANISM_TYPE mac = macs[attack_chance(sizeof macs / sizeof macs[0])];
    struct call c = {.reveals = mac != CKM_SHA256_HMAC};
    struct attack_flags *g;
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE key = 0;

    makes[attack_chance(sizeof makes / sizeof makes[0])](mac, &c);
    attack_input(&c.in, c.base);
    g = attack_template(false, true);
    g->t[g->n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &generic, sizeof generic};
    if (f->C_DeriveKey(attacker.session, &c.m, c.base, g->t, g->n, &key) != CKR_OK)
        return;
    attack_as_closed(&c.in, attacker.policy == POLICY_MODERN || c.reveals, key);
    undo(key, mac == CKM_AES_XCBC_MAC);
    attack_keep(key);
}
