/* Why the module refuses a call by itself, before anything is asked of the cluster, stands in its log; and nothing where nothing is
 * refused. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"
#include "tests/unit/token.h"

enum { VALUE_BYTES = 16 };

static CK_SESSION_HANDLE s;
static char path[256], text[8192];
static CK_BYTE vector[VALUE_BYTES];
static CK_OBJECT_HANDLE aes;

/* Under the modern policy, with the log at the level that the documents name. */
static void setup(void)
{
    char yaml[400];

    snprintf(path, sizeof path, "%s/module.log", temp_folder_of_test("module_refusal"));
    snprintf(yaml, sizeof yaml, "log: {file: %s, level: info}", path);
    local_node_policy = POLICY_MODERN;
    token_start_with_users_and(yaml);
    s = token_alice();
    aes = token_secret_key(s, CKK_AES, VALUE_BYTES);
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void teardown(void)
{
    token_stop();
    log_close();
    local_node_policy = POLICY_COMPATIBLE;
}

static bool log_says(const char *what)
{
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return strstr(text, what) != NULL;
}

#define ck_logged(what) ck_assert_msg(log_says(what), "\"%s\" is not in the log:\n%s", what, text)

static CK_MECHANISM plain(CK_MECHANISM_TYPE type)
{
    return (CK_MECHANISM){type, NULL, 0};
}

START_TEST(test_mechanism_that_is_not_here_is_named_by_its_number)
{
    CK_MECHANISM m = plain(0x80009999);

    setup();
    ck_rv(f->C_SignInit(s, &m, aes), CKR_MECHANISM_INVALID);
    ck_logged("info call_refused error=MECHANISM why=\"there is no mechanism 0x80009999 here");
    ck_logged("another vendor's number can be an alias");
    teardown();
}
END_TEST

START_TEST(test_operation_that_a_mechanism_does_not_do_is_named)
{
    CK_MECHANISM m = plain(CKM_SHA256_HMAC), gcm = plain(CKM_AES_CBC);
    CK_OBJECT_HANDLE key;

    setup();
    ck_rv(f->C_EncryptInit(s, &m, aes), CKR_MECHANISM_INVALID);
    ck_logged("why=\"CKM_SHA256_HMAC does not encrypt\"");
    ck_rv(f->C_GenerateKey(s, &m, NULL, 0, &key), CKR_MECHANISM_INVALID);
    ck_logged("why=\"CKM_SHA256_HMAC does not generate keys\"");
    ck_rv(f3->C_MessageEncryptInit(s, &gcm, aes), CKR_MECHANISM_INVALID);
    ck_logged("why=\"CKM_AES_CBC does not encrypt messages\"");
    teardown();
}
END_TEST

START_TEST(test_policy_is_named_and_who_may_change_it)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE des = CKK_DES;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &des, sizeof des}, {CKA_VALUE, vector, 8}};
    CK_MECHANISM m = plain(CKM_SHA1_RSA_PKCS);
    CK_MECHANISM_INFO info;
    CK_OBJECT_HANDLE key;

    setup();
    ck_rv(f->C_SignInit(s, &m, aes), CKR_MECHANISM_INVALID);
    ck_logged("why=\"CKM_SHA1_RSA_PKCS is not in the cluster's policy, which is modern; an admin may allow it: "
              "hsmctl cluster policy compatible\"");
    ck_rv(f->C_GetMechanismInfo(0, CKM_DES3_KEY_GEN, &info), CKR_MECHANISM_INVALID);
    ck_logged("why=\"CKM_DES3_KEY_GEN is not in the cluster's policy");
    ck_rv(f->C_CreateObject(s, t, 3, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_logged("why=\"CKA_KEY_TYPE CKK_DES is not in the cluster's policy");
    teardown();
}
END_TEST

START_TEST(test_hash_that_the_policy_lacks_is_named)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA_1, CKG_MGF1_SHA1, 20};
    CK_MECHANISM m = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};

    setup();
    ck_rv(f->C_SignInit(s, &m, aes), CKR_MECHANISM_PARAM_INVALID);
    ck_logged("why=\"CKM_RSA_PKCS_PSS with SHA1 is not in the cluster's policy, which is modern");
    teardown();
}
END_TEST

START_TEST(test_length_of_a_wrong_parameter_is_told)
{
    CK_MECHANISM cbc = {CKM_AES_CBC, vector, 3}, ctr = {CKM_AES_CTR, vector, 3};

    setup();
    ck_rv(f->C_EncryptInit(s, &cbc, aes), CKR_MECHANISM_PARAM_INVALID);
    ck_logged("error=MECHANISM_PARAM why=\"CKM_AES_CBC: its parameter, which has 3 bytes, is malformed or not allowed\"");
    ck_rv(f->C_EncryptInit(s, &ctr, aes), CKR_MECHANISM_PARAM_INVALID);
    ck_logged("why=\"CKM_AES_CTR: its parameter has 3 bytes, and the structure has 24\"");
    teardown();
}
END_TEST

START_TEST(test_key_that_may_not_is_told_with_its_attribute)
{
    CK_MECHANISM cbc = {CKM_AES_CBC, vector, VALUE_BYTES}, hmac = plain(CKM_SHA256_HMAC);
    CK_BBOOL yes = CK_TRUE;
    CK_MECHANISM_TYPE only[] = {CKM_AES_CMAC};
    CK_ULONG n = VALUE_BYTES;
    CK_ATTRIBUTE signs[] = {{CKA_SIGN, &yes, sizeof yes}, {CKA_VALUE_LEN, &n, sizeof n}};
    CK_ATTRIBUTE some[] = {{CKA_ALLOWED_MECHANISMS, only, sizeof only}, {CKA_VALUE_LEN, &n, sizeof n}};
    CK_MECHANISM make = plain(CKM_AES_KEY_GEN);
    CK_OBJECT_HANDLE key;

    setup();
    ck_ok(f->C_GenerateKey(s, &make, signs, 2, &key));
    ck_rv(f->C_EncryptInit(s, &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_logged("error=KEY_FUNCTION why=\"CKM_AES_CBC: the key's CKA_ENCRYPT is not true\"");
    ck_rv(f->C_SignInit(s, &hmac, key), CKR_KEY_TYPE_INCONSISTENT);
    ck_logged("error=KEY_TYPE why=\"CKM_SHA256_HMAC: the key's CKA_KEY_TYPE is CKK_AES\"");
    ck_ok(f->C_GenerateKey(s, &make, some, 2, &key));
    ck_rv(f->C_EncryptInit(s, &cbc, key), CKR_MECHANISM_INVALID);
    ck_logged("error=MECHANISM why=\"CKM_AES_CBC is not among the key's CKA_ALLOWED_MECHANISMS\"");
    ck_rv(f->C_EncryptInit(s, &cbc, 987654), CKR_KEY_HANDLE_INVALID);
    ck_logged("error=KEY_HANDLE why=\"CKM_AES_CBC: there is no such key for this user\"");
    teardown();
}
END_TEST

START_TEST(test_form_of_a_pin_is_told_without_the_pin)
{
    setup();
    ck_ok(f->C_Logout(s));
    ck_rv(token_login(s, CKU_USER, "alice-password"), CKR_PIN_INVALID);
    ck_logged("warning login_failed user= error=PIN_INVALID why=\"the PIN is not of the form user:password");
    ck_assert(!log_says("alice-password"));
    teardown();
}
END_TEST

/* Who asks for it looks for a reason: nobody has to change the configuration first. */
START_TEST(test_log_at_the_terminal_has_the_reasons_without_a_setting)
{
    CK_MECHANISM m = plain(CKM_SHA1_RSA_PKCS);
    int kept = dup(STDERR_FILENO), file;

    snprintf(path, sizeof path, "%s/terminal", temp_folder_of_test("module_refusal"));
    ck_assert_int_ge(file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), 0);
    setenv("CLUSTERHSM_LOG", "stderr", 1);
    local_node_policy = POLICY_MODERN;
    ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
    token_start_with_users();
    s = token_alice();
    ck_rv(f->C_SignInit(s, &m, 1), CKR_MECHANISM_INVALID);
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    close(file);
    close(kept);
    unsetenv("CLUSTERHSM_LOG");
    ck_logged("info call_refused error=MECHANISM why=\"CKM_SHA1_RSA_PKCS is not in the cluster's policy");
    teardown();
}
END_TEST

START_TEST(test_what_is_not_refused_is_not_in_the_log)
{
    CK_MECHANISM cbc = {CKM_AES_CBC, vector, VALUE_BYTES};
    CK_BYTE out[VALUE_BYTES];
    CK_ULONG n = sizeof out;

    setup();
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    ck_ok(f->C_Encrypt(s, vector, sizeof vector, out, &n));
    ck_assert_msg(!log_says("\n"), "%s", text);
    teardown();
}
END_TEST

/* Public session objects are made in the module, so nobody else tells. */
START_TEST(test_what_is_wrong_with_a_public_object_is_told)
{
    CK_OBJECT_CLASS object_class = CKO_DOMAIN_PARAMETERS;
    CK_KEY_TYPE dh = CKK_DH, rsa = CKK_RSA;
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &dh, sizeof dh}, {CKA_PRIME, vector, sizeof vector},
                        {CKA_BASE, vector, 1}, {CKA_PRIME_BITS, &bits, sizeof bits}};
    CK_OBJECT_HANDLE made;

    setup();
    ck_rv(f->C_CreateObject(s, t, 5, &made), CKR_ATTRIBUTE_READ_ONLY);
    ck_logged("why=\"CKA_PRIME_BITS cannot be given when an object is created\"");
    ck_rv(f->C_CreateObject(s, t, 3, &made), CKR_TEMPLATE_INCOMPLETE);
    ck_logged("why=\"CKA_BASE is missing\"");
    ck_rv(f->C_CreateObject(s, t, 4, &made), CKR_KEY_SIZE_RANGE);
    ck_logged("why=\"CKA_PRIME has 1024 to 8192 bits\"");
    t[1].pValue = &rsa;
    ck_rv(f->C_CreateObject(s, t, 4, &made), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_logged("why=\"CKA_KEY_TYPE 0: such an object cannot be of this type here\"");
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_mechanism_that_is_not_here_is_named_by_its_number,
        &test_operation_that_a_mechanism_does_not_do_is_named,
        &test_policy_is_named_and_who_may_change_it,
        &test_hash_that_the_policy_lacks_is_named,
        &test_length_of_a_wrong_parameter_is_told,
        &test_key_that_may_not_is_told_with_its_attribute,
        &test_form_of_a_pin_is_told_without_the_pin,
        &test_log_at_the_terminal_has_the_reasons_without_a_setting,
        &test_what_is_not_refused_is_not_in_the_log,
        &test_what_is_wrong_with_a_public_object_is_told,
        NULL,
    };

    return suite_of("module_refusal", 120, tests);
}
