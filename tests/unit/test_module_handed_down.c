/* What shows bytes of a key with a CKA_DERIVE_TEMPLATE has that template, too: else the next derivation would make the same bytes as one of
 * the key itself, without it. Under the compatible policy; under the modern one what is made of closed keys is closed anyway. */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { VALUE_BYTES = 32 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE zeros[VALUE_BYTES];
static CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}},
                    own[] = {{CKA_DERIVE_TEMPLATE, closes, sizeof closes}};
static CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}}, derives[] = {{CKA_DERIVE, &yes, 1}};

static void setup(void)
{
    local_node_policy = POLICY_COMPATIBLE;
    token_start_with_users();
    s = token_alice();
}

static CK_OBJECT_HANDLE import(CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BYTE value[VALUE_BYTES] = {1};
    CK_ATTRIBUTE t[8] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
                         {CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_OBJECT_HANDLE key = 0;

    if (more_n != 0)
        memcpy(t + 6, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 6 + more_n, &key));
    return key;
}

static CK_RV derive(CK_MECHANISM m, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    *out = 0;
    return f->C_DeriveKey(s, &m, base, t, n, out);
}

static CK_RV hash(CK_OBJECT_HANDLE base)
{
    CK_OBJECT_HANDLE key;

    return derive((CK_MECHANISM){CKM_SHA256_KEY_DERIVATION, NULL, 0}, base, open, 2, &key);
}

/* One that shows all bytes; other: a further key where it takes one. */
static CK_MECHANISM showing(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE other)
{
    static CK_OBJECT_HANDLE further;
    static CK_ULONG bit;
    static CK_KEY_DERIVATION_STRING_DATA text = {zeros, sizeof zeros};

    further = other;
    if (type == CKM_CONCATENATE_BASE_AND_KEY)
        return (CK_MECHANISM){type, &further, sizeof further};
    return type == CKM_EXTRACT_KEY_FROM_KEY ? (CK_MECHANISM){type, &bit, sizeof bit} : (CK_MECHANISM){type, &text, sizeof text};
}

START_TEST(test_what_shows_bytes_has_the_keys_template)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_CONCATENATE_BASE_AND_KEY, CKM_CONCATENATE_BASE_AND_DATA, CKM_CONCATENATE_DATA_AND_BASE,
                                              CKM_XOR_BASE_AND_DATA, CKM_EXTRACT_KEY_FROM_KEY};
    CK_OBJECT_HANDLE base, other, key;
    CK_ULONG bytes = VALUE_BYTES;
    CK_ATTRIBUTE sized[] = {{CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};

    setup();
    base = import(own, 1);
    other = import(NULL, 0);
    ck_ok(hash(other));
    ck_rv(hash(base), CKR_TEMPLATE_INCONSISTENT);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CK_ULONG n = types[i] == CKM_EXTRACT_KEY_FROM_KEY ? 2 : 1;
        ck_ok(derive(showing(types[i], other), base, sized, n, &key));
        ck_rv(hash(key), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(derive(showing(CKM_CONCATENATE_BASE_AND_DATA, 0), key, derives, 1, &key)); /* and what shows bytes of that */
        ck_rv(hash(key), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(derive(showing(types[i], other), other, sized, n, &key));
        ck_ok(hash(key));
    }
    ck_ok(derive(showing(CKM_CONCATENATE_BASE_AND_KEY, base), other, derives, 1, &key));
    ck_rv(hash(key), CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

/* AES-CMAC of a block is undone by who knows its key. */
START_TEST(test_what_a_prf_shows_has_the_template_too)
{
    CK_OBJECT_HANDLE base, other, key;
    struct pkcs11_ike_prf_params p = {.bDataAsKey = CK_TRUE, .pNi = zeros, .ulNiLen = 16};
    CK_MECHANISM m = {CKM_IKE_PRF_DERIVE, &p, sizeof p};
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_DERIVE, &yes, 1}, {CKA_KEY_TYPE, &generic, sizeof generic}};

    setup();
    base = import(own, 1);
    other = import(NULL, 0);
    p.prfMechanism = CKM_AES_CMAC;
    ck_ok(derive(m, base, t, 2, &key));
    ck_rv(hash(key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(derive(m, other, t, 2, &key));
    ck_ok(hash(key));
    p.prfMechanism = CKM_SHA256_HMAC; /* is one-way: what is made of that is the template's of that */
    ck_ok(derive(m, base, t, 2, &key));
    ck_ok(hash(key));
    token_stop();
}
END_TEST

START_TEST(test_who_asks_gives_no_other_template)
{
    CK_ATTRIBUTE next[] = {{CKA_EXTRACTABLE, &no, 1}}, other[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, next, sizeof next}},
                 same[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, closes, sizeof closes}},
                 against[] = {{CKA_DERIVE_TEMPLATE, open, sizeof open}};
    const CK_MECHANISM shows = showing(CKM_XOR_BASE_AND_DATA, 0);
    CK_OBJECT_HANDLE base, key;

    setup();
    base = import(own, 1);
    ck_rv(derive(shows, base, other, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(derive(shows, base, same, 2, &key));
    ck_rv(hash(key), CKR_TEMPLATE_INCONSISTENT);
    key = import(against, 1); /* two that contradict each other make no key, one and none do */
    ck_rv(derive(showing(CKM_CONCATENATE_BASE_AND_KEY, key), base, derives, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_what_shows_bytes_has_the_keys_template,
        &test_what_a_prf_shows_has_the_template_too,
        &test_who_asks_gives_no_other_template,
        NULL,
    };

    return suite_of("module_handed_down", 60, tests);
}
