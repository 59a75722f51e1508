/* Objects through the module: made, found, read, destroyed; on the token, in a session, public and private. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
}

static CK_RV get(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG *n)
{
    CK_ATTRIBUTE a = {type, out, *n};
    CK_RV rv = f->C_GetAttributeValue(s, o, &a, 1);

    *n = a.ulValueLen;
    return rv;
}

static CK_RV exists(CK_OBJECT_HANDLE o)
{
    CK_BYTE label[256];
    CK_ULONG n = sizeof label;

    return get(o, CKA_LABEL, label, &n);
}

static CK_ULONG found(CK_ATTRIBUTE *array, CK_ULONG count, CK_OBJECT_HANDLE *out, CK_ULONG room)
{
    CK_ULONG n;

    ck_ok(f->C_FindObjectsInit(s, array, count));
    ck_ok(f->C_FindObjects(s, out, room, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    return n;
}

START_TEST(test_every_entry_is_answered_also_after_one_that_failed)
{
    struct token_pair p;
    CK_BYTE label[16], point[3], value[64], id[16];
    CK_OBJECT_CLASS object_class = 0;
    CK_ATTRIBUTE a[] = {{CKA_LABEL, label, sizeof label}, {CKA_VALUE, value, sizeof value}, {CKA_EC_POINT, point, sizeof point},
                        {CKA_MODULUS, NULL, 0}, {CKA_CLASS, &object_class, sizeof object_class}, {CKA_ID, NULL, 7},
                        {0x80001234UL, id, sizeof id}, {CKA_ALLOWED_MECHANISMS, NULL, 0}};

    setup();
    p = token_ec(s, true, "an ec key");
    ck_rv(f->C_GetAttributeValue(s, p.private_key, a, 8), CKR_ATTRIBUTE_SENSITIVE);
    ck_assert_uint_eq(a[0].ulValueLen, 9);
    ck_assert_int_eq(memcmp(label, "an ec key", 9), 0);
    ck_assert_uint_eq(a[1].ulValueLen, CK_UNAVAILABLE_INFORMATION); /* sensitive */
    ck_assert_uint_eq(a[2].ulValueLen, CK_UNAVAILABLE_INFORMATION); /* too small */
    ck_assert_uint_eq(a[3].ulValueLen, CK_UNAVAILABLE_INFORMATION); /* there is none */
    ck_assert_uint_eq(a[4].ulValueLen, sizeof object_class);
    ck_assert_uint_eq(object_class, CKO_PRIVATE_KEY);
    ck_assert_uint_eq(a[5].ulValueLen, 9); /* a size query */
    ck_assert_uint_eq(a[6].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    ck_assert_uint_eq(a[7].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    a[2].ulValueLen = sizeof point;
    ck_rv(f->C_GetAttributeValue(s, p.private_key, &a[2], 1), CKR_BUFFER_TOO_SMALL);
    ck_rv(f->C_GetAttributeValue(s, p.private_key, &a[6], 1), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(f->C_GetAttributeValue(s, p.private_key, NULL, 1), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetAttributeValue(s, p.private_key, a, 0), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetAttributeValue(s, 0, a, 1), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_GetAttributeValue(s, ~0UL, a, 1), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_what_cannot_change_is_read_without_the_cluster)
{
    struct token_pair p;
    CK_BYTE point[128], label[64];
    CK_ULONG n = sizeof point;

    token_connect_wait_ms = 1000;
    setup();
    p = token_ec(s, true, "ec");
    usleep((OBJECT_FRESH_MS + 50) * 1000);
    local_node_faults(token_node)->dead = true;
    ck_ok(get(p.private_key, CKA_EC_POINT, point, &n));
    n = sizeof label;
    ck_rv(get(p.private_key, CKA_LABEL, label, &n), CKR_DEVICE_REMOVED);
    local_node_faults(token_node)->dead = false;
    token_stop();
}
END_TEST

START_TEST(test_handles_of_token_objects_are_the_same_in_every_session_and_process)
{
    struct token_pair p;
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_LABEL, (void *)"ec", 2}};
    CK_OBJECT_HANDLE o[4];

    setup();
    p = token_ec(s, true, "ec");
    ck_assert_uint_lt(p.private_key, OBJECT_ID_LIMIT);
    ck_ok(f->C_Finalize(NULL));
    ck_ok(f->C_Initialize(NULL));
    s = token_alice();
    ck_assert_uint_eq(found(a, 2, o, 4), 1);
    ck_assert_uint_eq(o[0], p.private_key);
    token_stop();
}
END_TEST

START_TEST(test_session_objects_die_with_their_session_and_private_ones_with_the_login)
{
    struct token_pair a, b;
    CK_SESSION_HANDLE other;

    setup();
    other = token_session();
    a = token_ec(s, false, "mine");
    b = token_ec(other, false, "others");
    ck_assert_uint_gt(a.private_key, OBJECT_ID_LIMIT);
    ck_assert_uint_eq(token_count(s, "others"), 2); /* all sessions of a process see them */
    ck_ok(f->C_CloseSession(other));
    ck_rv(exists(b.public_key), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(exists(b.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(exists(a.private_key));
    ck_ok(f->C_Logout(s));
    ck_rv(exists(a.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(exists(a.public_key));
    ck_assert_uint_eq(token_count(s, "mine"), 1);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(exists(a.private_key), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_others_see_public_objects_only)
{
    struct token_pair p;

    setup();
    p = token_ec(s, true, "alice's");
    ck_ok(f->C_Logout(s));
    ck_assert_uint_eq(token_count(s, "alice's"), 1);
    ck_rv(exists(p.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(exists(p.public_key));
    ck_rv(f->C_DestroyObject(s, p.public_key), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_assert_uint_eq(token_count(s, "alice's"), 1);
    ck_rv(f->C_DestroyObject(s, p.public_key), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_DestroyObject(s, p.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(exists(p.public_key));
    token_stop();
}
END_TEST

static CK_OBJECT_HANDLE make_open(void)
{
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BYTE label[] = "web";
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &data, sizeof data}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE o;

    ck_ok(f->C_CreateObject(s, t, 4, &o));
    return o;
}

/* More of another's than a page of a search has. */
START_TEST(test_own_object_is_found_before_anothers_of_that_label)
{
    enum { OTHERS = 150 };
    CK_BYTE label[] = "web";
    CK_ATTRIBUTE wanted = {CKA_LABEL, label, 3};
    CK_OBJECT_HANDLE own, first = 0;
    CK_ULONG n;

    setup();
    for (int i = 0; i < OTHERS; i++)
        make_open();
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_assert_uint_eq(token_count(s, "web"), OTHERS);
    own = make_open();
    ck_ok(f->C_FindObjectsInit(s, &wanted, 1));
    ck_ok(f->C_FindObjects(s, &first, 1, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert(n == 1 && first == own);
    ck_assert_uint_eq(token_count(s, "web"), OTHERS + 1);
    ck_ok(f->C_Logout(s));
    ck_assert_uint_eq(token_count(s, "web"), OTHERS + 1);
    token_stop();
}
END_TEST

START_TEST(test_destroyed_is_gone_at_once_and_for_all)
{
    struct token_pair p;
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};

    setup();
    p = token_ec(s, true, "ec");
    ck_ok(f->C_DestroyObject(s, p.private_key));
    ck_rv(f->C_DestroyObject(s, p.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(exists(p.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_SignInit(s, &m, p.private_key), CKR_KEY_HANDLE_INVALID);
    ck_assert_uint_eq(token_count(s, "ec"), 1);
    p = token_ec(s, false, "session");
    ck_ok(f->C_DestroyObject(s, p.private_key));
    ck_rv(f->C_DestroyObject(s, p.private_key), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_DestroyObject(s, 0), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(f->C_DestroyObject(s, ~0UL), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_read_only_session_makes_and_destroys_session_objects_only)
{
    struct token_pair p;
    CK_SESSION_HANDLE reader;
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, 1};
    CK_OBJECT_HANDLE a, b;

    setup();
    p = token_ec(s, true, "ec");
    reader = token_session_read();
    ck_rv(f->C_DestroyObject(reader, p.private_key), CKR_SESSION_READ_ONLY);
    ck_rv(f->C_GenerateKeyPair(reader, &m, &on_token, 1, NULL, 0, &a, &b), CKR_SESSION_READ_ONLY);
    ck_rv(f->C_GenerateKeyPair(reader, &m, NULL, 0, &on_token, 1, &a, &b), CKR_SESSION_READ_ONLY);
    p = token_ec(reader, false, "in session");
    ck_ok(f->C_DestroyObject(reader, p.private_key));
    token_stop();
}
END_TEST

START_TEST(test_search_gives_all_in_pages_of_any_size)
{
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)"many", 4};
    CK_OBJECT_HANDLE seen[400], o[3];
    CK_ULONG n, all = 0;
    unsigned needs;

    setup();
    for (int i = 0; i < 60; i++)
        token_ec(s, true, "many");
    for (int i = 0; i < 5; i++)
        token_ec(s, false, "many");
    token_ec(s, true, "another");
    needs = local_node_needs(token_node);
    ck_ok(f->C_FindObjectsInit(s, &label, 1));
    ck_rv(f->C_FindObjectsInit(s, &label, 1), CKR_OPERATION_ACTIVE);
    do {
        ck_ok(f->C_FindObjects(s, o, 1 + all % 3, &n));
        for (CK_ULONG i = 0; i < n; i++) {
            for (CK_ULONG k = 0; k < all; k++)
                ck_assert_uint_ne(seen[k], o[i]);
            seen[all++] = o[i];
        }
    } while (n > 0);
    ck_assert_uint_eq(all, 130);
    ck_assert_uint_lt(local_node_needs(token_node) - needs, 10); /* pages, however few are asked for */
    ck_ok(f->C_FindObjects(s, o, 3, &n));
    ck_assert_uint_eq(n, 0);
    ck_ok(f->C_FindObjectsFinal(s));
    ck_rv(f->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_FindObjects(s, o, 3, &n), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_objects_are_destroyed_while_they_are_found)
{
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)"doomed", 6};
    CK_OBJECT_HANDLE o;
    CK_ULONG n, all = 0;

    setup();
    for (int i = 0; i < 40; i++)
        token_ec(s, i % 8 != 0, "doomed");
    ck_ok(f->C_FindObjectsInit(s, &label, 1));
    for (;;) {
        ck_ok(f->C_FindObjects(s, &o, 1, &n));
        if (n == 0)
            break;
        ck_ok(f->C_DestroyObject(s, o));
        all++;
    }
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert_uint_eq(all, 80);
    ck_assert_uint_eq(token_count(s, "doomed"), 0);
    token_stop();
}
END_TEST

START_TEST(test_what_cannot_be_there_is_not_looked_for)
{
    CK_OBJECT_CLASS profile = CKO_PROFILE;
    CK_ATTRIBUTE by_profile = {CKA_CLASS, &profile, sizeof profile}, unknown = {0x80001234UL, &yes, 1};
    CK_ATTRIBUTE in_session = {CKA_TOKEN, &no, 1}, malformed = {CKA_CLASS, &yes, 1}, hostile = {CKA_LABEL, NULL, 5};
    CK_ATTRIBUTE huge = {CKA_LABEL, &yes, ~0UL};
    CK_OBJECT_HANDLE o[8];

    setup();
    token_ec(s, false, "session");
    local_node_faults(token_node)->dead = true;
    ck_assert_uint_eq(found(&by_profile, 1, o, 8), 3); /* the module's own */
    ck_assert_uint_eq(found(&unknown, 1, o, 8), 0);
    ck_assert_uint_eq(found(&in_session, 1, o, 8), 2);
    ck_rv(f->C_FindObjectsInit(s, &malformed, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(f->C_FindObjectsInit(s, &hostile, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(f->C_FindObjectsInit(s, &huge, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(f->C_FindObjectsInit(s, NULL, 1), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_FindObjectsInit(s, &malformed, TEMPLATE_ATTRIBUTES_MAX + 1), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_FindObjectsInit(s, NULL, 0)); /* none of them left a search behind */
    ck_rv(f->C_FindObjects(s, NULL, 1, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

/* A public key that was made elsewhere, for one verification: no login, no cluster. */
START_TEST(test_public_session_key_verifies_without_login_or_cluster)
{
    struct token_pair p;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_OBJECT_CLASS object_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BYTE params[32], point[128], signature[64], info[256], made[256];
    CK_ULONG params_n = sizeof params, point_n = sizeof point, n = sizeof signature, info_n = sizeof info, made_n = sizeof made;
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_EC_PARAMS, params, 0},
                        {CKA_EC_POINT, point, 0}, {CKA_LABEL, (void *)"imported", 8}};
    CK_OBJECT_HANDLE key;

    setup();
    p = token_ec(s, false, "ec");
    ck_ok(get(p.public_key, CKA_EC_PARAMS, params, &params_n));
    ck_ok(get(p.public_key, CKA_EC_POINT, point, &point_n));
    ck_ok(get(p.public_key, CKA_PUBLIC_KEY_INFO, info, &info_n));
    ck_ok(f->C_SignInit(s, &m, p.private_key));
    ck_ok(f->C_Sign(s, params, 3, signature, &n));
    ck_ok(f->C_Logout(s));
    local_node_faults(token_node)->dead = true;
    a[2].ulValueLen = params_n;
    a[3].ulValueLen = point_n;
    ck_rv(f->C_CreateObject(s, a, 3, &key), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_CreateObject(s, a + 1, 3, &key), CKR_TEMPLATE_INCOMPLETE);
    ck_ok(f->C_CreateObject(s, a, 5, &key));
    ck_ok(get(key, CKA_PUBLIC_KEY_INFO, made, &made_n));
    ck_assert_uint_eq(made_n, info_n);
    ck_assert_int_eq(memcmp(made, info, info_n), 0);
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_ok(f->C_Verify(s, params, 3, signature, n));
    a[3].pValue = point + 2; /* raw, as 3.1 also allows */
    a[3].ulValueLen = point_n - 2;
    ck_ok(f->C_CreateObject(s, a, 5, &key));
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_ok(f->C_Verify(s, params, 3, signature, n));
    ck_assert_uint_eq(found(&a[4], 1, (CK_OBJECT_HANDLE[2]){0}, 2), 2);
    point[20] ^= 1; /* off the curve */
    ck_rv(f->C_CreateObject(s, a, 5, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

/* Made here or by the vault, such an object has the same attributes. */
START_TEST(test_public_key_made_here_is_like_one_made_by_the_vault)
{
    struct token_pair p;
    CK_OBJECT_CLASS object_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_BYTE modulus[512], exponent[8];
    CK_ULONG modulus_n = sizeof modulus, exponent_n = sizeof exponent;
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_MODULUS, modulus, 0},
                        {CKA_PUBLIC_EXPONENT, exponent, 0}, {CKA_VERIFY, &yes, 1}, {CKA_TOKEN, &no, 1}};
    CK_OBJECT_HANDLE here, there;

    setup();
    p = token_rsa(s, false, "rsa");
    ck_ok(get(p.public_key, CKA_MODULUS, modulus, &modulus_n));
    ck_ok(get(p.public_key, CKA_PUBLIC_EXPONENT, exponent, &exponent_n));
    a[2].ulValueLen = modulus_n;
    a[3].ulValueLen = exponent_n;
    ck_ok(f->C_CreateObject(s, a, 6, &here));
    a[5].pValue = &yes;
    ck_ok(f->C_CreateObject(s, a, 6, &there));
    for (size_t i = 0; attribute_at(i) != NULL; i++) {
        CK_ATTRIBUTE_TYPE t = attribute_at(i)->type;
        CK_BYTE one[1024], two[1024];
        CK_ULONG one_n = sizeof one, two_n = sizeof two;
        if (t == CKA_TOKEN || t == CKA_UNIQUE_ID)
            continue;
        ck_rv(get(here, t, one, &one_n), get(there, t, two, &two_n));
        ck_assert_msg(one_n == two_n && (one_n == CK_UNAVAILABLE_INFORMATION || memcmp(one, two, one_n) == 0), "%s differs",
                      attribute_at(i)->name);
    }
    token_stop();
}
END_TEST

START_TEST(test_public_key_is_no_longer_here_than_in_the_vault)
{
    CK_OBJECT_CLASS object_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    struct token_pair p;
    CK_BYTE modulus[512], exponent[8], id[ID_BYTES_MAX + 1] = {0};
    CK_MECHANISM_TYPE list[ALLOWED_MECHANISMS_MAX + 1];
    CK_ULONG modulus_n = sizeof modulus, exponent_n = sizeof exponent;
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_MODULUS, modulus, 0},
                        {CKA_PUBLIC_EXPONENT, exponent, 0}, {CKA_TOKEN, &no, 1}, {CKA_ID, id, 0}};
    CK_OBJECT_HANDLE o;

    setup();
    for (unsigned i = 0; i <= ALLOWED_MECHANISMS_MAX; i++)
        list[i] = CKM_RSA_PKCS;
    p = token_rsa(s, false, "rsa");
    ck_ok(get(p.public_key, CKA_MODULUS, modulus, &modulus_n));
    ck_ok(get(p.public_key, CKA_PUBLIC_EXPONENT, exponent, &exponent_n));
    a[2].ulValueLen = modulus_n;
    a[3].ulValueLen = exponent_n;
    for (unsigned there = 0; there < 2; there++) {
        a[4].pValue = there ? &yes : &no;
        a[5] = (CK_ATTRIBUTE){CKA_ID, id, sizeof id};
        ck_rv(f->C_CreateObject(s, a, 6, &o), CKR_ATTRIBUTE_VALUE_INVALID);
        a[5] = (CK_ATTRIBUTE){CKA_ALLOWED_MECHANISMS, list, sizeof list};
        ck_rv(f->C_CreateObject(s, a, 6, &o), CKR_ATTRIBUTE_VALUE_INVALID);
        a[5].ulValueLen -= sizeof list[0];
        ck_ok(f->C_CreateObject(s, a, 6, &o));
    }
    token_stop();
}
END_TEST

START_TEST(test_what_is_no_key_is_no_key_to_any_function)
{
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BYTE value[32] = "0123456789abcdef0123456789abcde", wrapped[64];
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE, value, sizeof value}, {CKA_PRIVATE, &no, 1}};
    CK_GCM_PARAMS gcm = {value, 12, 96, NULL, 0, 128};
    CK_KEY_DERIVATION_STRING_DATA text = {value, sizeof value};
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0}, ecb = {CKM_AES_ECB, NULL, 0}, sealed = {CKM_AES_GCM, &gcm, sizeof gcm},
                 wrap = {CKM_AES_KEY_WRAP, NULL, 0}, derive = {CKM_CONCATENATE_BASE_AND_DATA, &text, sizeof text};
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE o, key;

    setup();
    ck_ok(f->C_CreateObject(s, a, 3, &o));
    ck_rv(f->C_SignInit(s, &hmac, o), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_VerifyInit(s, &hmac, o), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_EncryptInit(s, &ecb, o), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_DecryptInit(s, &ecb, o), CKR_KEY_HANDLE_INVALID);
    ck_rv(f3->C_MessageEncryptInit(s, &sealed, o), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_DeriveKey(s, &derive, o, NULL, 0, &key), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_WrapKey(s, &wrap, o, o, wrapped, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
    ck_rv(f->C_UnwrapKey(s, &wrap, o, wrapped, 40, a, 1, &key), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_create_holds_templates_against_the_table)
{
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY, data = CKO_DATA;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BYTE value[32] = "0123456789abcdef0123456789abcde";
    CK_ATTRIBUTE key[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
                          {CKA_LOCAL, &yes, 1}};
    CK_ATTRIBUTE blob[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE, value, sizeof value}, {CKA_PRIVATE, &no, 1},
                           {CKA_MODULUS, value, 8}};
    CK_ATTRIBUTE unknown[] = {{CKA_CLASS, &data, sizeof data}, {0x80001234UL, &yes, 1}};
    CK_OBJECT_HANDLE o;
    CK_ULONG size = 0;

    setup();
    ck_rv(f->C_CreateObject(s, NULL, 0, &o), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_CreateObject(s, NULL, 5, &o), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_CreateObject(s, key, 3, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_CreateObject(s, key, 4, &o), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(f->C_CreateObject(s, unknown, 2, &o), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(f->C_CreateObject(s, blob, 4, &o), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_ok(f->C_CreateObject(s, blob, 3, &o));
    ck_ok(f->C_GetObjectSize(s, o, &size));
    ck_assert_uint_gt(size, sizeof value);
    ck_rv(f->C_GetObjectSize(s, o, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetObjectSize(s, 77, &size), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(f->C_CreateObject(s, key, 3, &o));
    ck_ok(f->C_Logout(s));
    ck_rv(f->C_CreateObject(s, key, 3, &o), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_CreateObject(s, blob, 3, &o));
    token_stop();
}
END_TEST

START_TEST(test_extractable_value_is_shown_and_a_sensitive_one_is_not)
{
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BYTE value[32] = "0123456789abcdef0123456789abcde", out[64];
    CK_ULONG n = sizeof out;
    CK_ATTRIBUTE key[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
                          {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE o;

    setup();
    ck_ok(f->C_CreateObject(s, key, 5, &o));
    ck_ok(get(o, CKA_VALUE, out, &n));
    ck_assert_uint_eq(n, sizeof value);
    ck_assert_int_eq(memcmp(out, value, n), 0);
    ck_ok(f->C_CreateObject(s, key, 3, &o));
    n = sizeof out;
    ck_rv(get(o, CKA_VALUE, out, &n), CKR_ATTRIBUTE_SENSITIVE);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_entry_is_answered_also_after_one_that_failed,
        &test_what_cannot_change_is_read_without_the_cluster,
        &test_handles_of_token_objects_are_the_same_in_every_session_and_process,
        &test_session_objects_die_with_their_session_and_private_ones_with_the_login,
        &test_others_see_public_objects_only,
        &test_own_object_is_found_before_anothers_of_that_label,
        &test_destroyed_is_gone_at_once_and_for_all,
        &test_read_only_session_makes_and_destroys_session_objects_only,
        &test_search_gives_all_in_pages_of_any_size,
        &test_objects_are_destroyed_while_they_are_found,
        &test_what_cannot_be_there_is_not_looked_for,
        &test_public_session_key_verifies_without_login_or_cluster,
        &test_public_key_made_here_is_like_one_made_by_the_vault,
        &test_public_key_is_no_longer_here_than_in_the_vault,
        &test_what_is_no_key_is_no_key_to_any_function,
        &test_create_holds_templates_against_the_table,
        &test_extractable_value_is_shown_and_a_sensitive_one_is_not,
        NULL,
    };
    return suite_of("module_object", 60, tests);
}
