#include "tests/unit/token.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "module/state/library.h"
#include "tests/unit/runner.h"
#include "vault/access/access.h"
#include "vault/engine.h"
#include "vault/operation/operation.h"

CK_FUNCTION_LIST *f;
struct token_list_320 *f3;
struct local_node *token_node;

enum { CONNECT_WAIT_MS = 20000 };

unsigned token_connect_wait_ms = CONNECT_WAIT_MS;

static const char *more_yaml;
static unsigned opened;

/* Nothing of a node's own life is asked here. */
static const struct operation *find_none(uint32_t number)
{
    (void)number;
    return NULL;
}

static const struct engine_parts parts = {.operation = operation_find, .node = find_none, .access = access_check};

static bool open_local(void *arg, const char *path, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why)
{
    struct client_settings settings;
    struct client_identity identity;
    const struct setting *table;
    size_t n;
    char yaml[1024];

    (void)arg;
    if (path != NULL && strcmp(path, "missing.yaml") == 0) {
        diag_set(why, "no such file");
        return false;
    }
    opened++;
    snprintf(yaml, sizeof yaml,
             "client: {certificate: a, key: b}\ncluster: {anchor: c}\n"
             "network: {servers: [\"local:1\"], connect_wait: %ums, reply_wait: 10m, connections: 4}\n%s\n",
             patient(token_connect_wait_ms), more_yaml != NULL ? more_yaml : "");
    table = client_settings_table(&n);
    ck_assert_msg(settings_parse(table, n, &settings, "test.yaml", yaml, strlen(yaml), why), "%s", why->what);
    local_node_client(token_node, "application", &identity);
    return client_open_dialer(&settings, &identity, local_node_dialer(token_node), libctx, out, why);
}

void token_prepare(const char *yaml)
{
    CK_INTERFACE *interface;

    more_yaml = yaml;
    opened = 0;
    token_node = local_node_new(NULL, &parts);
    library_use(open_local, NULL);
    ck_ok(C_GetFunctionList(&f));
    ck_ok(C_GetInterface(NULL, NULL, &interface, 0));
    f3 = interface->pFunctionList;
}

void token_start(const char *yaml)
{
    token_prepare(yaml);
    ck_ok(f->C_Initialize(NULL));
}

void token_start_with_users(void)
{
    token_start_with_users_and(NULL);
}

void token_start_with_users_and(const char *yaml)
{
    CK_SESSION_HANDLE s;

    token_start(yaml);
    ck_ok(f->C_InitToken(0, (CK_BYTE *)ADMIN, strlen(ADMIN), (CK_BYTE *)"                                "));
    s = token_session();
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(f->C_InitPIN(s, (CK_BYTE *)ALICE, strlen(ALICE)));
    ck_ok(f->C_InitPIN(s, (CK_BYTE *)BOB, strlen(BOB)));
    ck_ok(f->C_CloseSession(s));
}

void token_stop(void)
{
    CK_RV rv = f->C_Finalize(NULL);

    ck_assert_msg(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED, "C_Finalize: 0x%lx", rv);
    local_node_free(token_node);
    token_node = NULL;
    token_connect_wait_ms = CONNECT_WAIT_MS;
}

unsigned token_opened(void)
{
    return opened;
}

static CK_SESSION_HANDLE session(CK_FLAGS flags)
{
    CK_SESSION_HANDLE s = CK_INVALID_HANDLE;

    ck_ok(f->C_OpenSession(0, CKF_SERIAL_SESSION | flags, NULL, NULL, &s));
    ck_assert_uint_ne(s, CK_INVALID_HANDLE);
    return s;
}

CK_SESSION_HANDLE token_session(void)
{
    return session(CKF_RW_SESSION);
}

CK_SESSION_HANDLE token_session_read(void)
{
    return session(0);
}

CK_RV token_login(CK_SESSION_HANDLE s, CK_USER_TYPE type, const char *pin)
{
    return f->C_Login(s, type, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

CK_SESSION_HANDLE token_alice(void)
{
    CK_SESSION_HANDLE s = token_session();

    ck_ok(token_login(s, CKU_USER, ALICE));
    return s;
}

CK_SESSION_HANDLE token_alice_under(enum policy policy)
{
    enum policy usual = local_node_policy;

    local_node_policy = policy;
    token_start_with_users();
    local_node_policy = usual;
    return token_alice();
}

static CK_ATTRIBUTE text(CK_ATTRIBUTE_TYPE type, const char *value)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, strlen(value)};
}

static struct token_pair pair(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, bool token, const char *label, CK_ATTRIBUTE what)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_BBOOL yes = CK_TRUE, on_token = token;
    CK_ATTRIBUTE public_half[] = {
        {CKA_TOKEN, &on_token, 1}, text(CKA_LABEL, label), text(CKA_ID, label), {CKA_VERIFY, &yes, 1}, what};
    CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &on_token, 1}, text(CKA_LABEL, label), text(CKA_ID, label), {CKA_SIGN, &yes, 1}};
    struct token_pair p = {0};

    ck_ok(f->C_GenerateKeyPair(s, &mechanism, public_half, 5, private_half, 4, &p.public_key, &p.private_key));
    return p;
}

struct token_pair token_ec(CK_SESSION_HANDLE s, bool token, const char *label)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

    return pair(s, CKM_EC_KEY_PAIR_GEN, token, label, (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof p256});
}

struct token_pair token_rsa(CK_SESSION_HANDLE s, bool token, const char *label)
{
    static CK_ULONG bits = 2048;

    return pair(s, CKM_RSA_PKCS_KEY_PAIR_GEN, token, label, (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits});
}

CK_OBJECT_HANDLE token_secret_key(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ULONG bytes)
{
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE value[256];
    CK_ATTRIBUTE array[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SIGN, &yes, 1},
                            {CKA_VERIFY, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}, {CKA_WRAP, &yes, 1},
                            {CKA_UNWRAP, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_VALUE, value, bytes}};
    CK_OBJECT_HANDLE key = 0;

    ck_assert_uint_le(bytes, sizeof value);
    for (CK_ULONG i = 0; i < bytes; i++)
        value[i] = (CK_BYTE)(i + 1);
    ck_ok(f->C_CreateObject(s, array, sizeof array / sizeof array[0], &key));
    return key;
}

CK_OBJECT_HANDLE token_hmac_key(CK_SESSION_HANDLE s, bool token, const char *label)
{
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, on_token = token;
    CK_BYTE value[32] = "an hmac key of thirty-two bytes!";
    CK_ATTRIBUTE array[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_TOKEN, &on_token, 1}, text(CKA_LABEL, label), {CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1},
                            {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, array, 7, &key));
    return key;
}

CK_OBJECT_HANDLE token_wrapping_key(CK_SESSION_HANDLE s)
{
    return token_wrapping_key_by(s, CKM_AES_KEY_GEN);
}

CK_OBJECT_HANDLE token_wrapping_key_by(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE generation)
{
    CK_MECHANISM m = {generation, NULL, 0};
    CK_ULONG bytes = 32;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE t[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_TOKEN, &yes, 1}, {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1},
                        {CKA_COPYABLE, &no, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_GenerateKey(s, &m, t, sizeof t / sizeof t[0], &key));
    return key;
}

CK_RV token_trust(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE trust = {CKA_TRUSTED, &yes, 1};
    CK_RV rv;

    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    rv = f->C_SetAttributeValue(s, key, &trust, 1);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, ALICE));
    return rv;
}

bool token_flag(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 7;
    CK_ATTRIBUTE a = {type, &value, sizeof value};

    ck_ok(f->C_GetAttributeValue(s, object, &a, 1));
    ck_assert(value == CK_TRUE || value == CK_FALSE);
    return value;
}

CK_ULONG token_number(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE a = {type, &value, sizeof value};

    ck_ok(f->C_GetAttributeValue(s, object, &a, 1));
    return value;
}

CK_ULONG token_count(CK_SESSION_HANDLE s, const char *label)
{
    CK_ATTRIBUTE wanted = text(CKA_LABEL, label);
    CK_OBJECT_HANDLE found[7];
    CK_ULONG n, all = 0;

    ck_ok(f->C_FindObjectsInit(s, &wanted, 1));
    do {
        ck_ok(f->C_FindObjects(s, found, 7, &n));
        all += n;
    } while (n > 0);
    ck_ok(f->C_FindObjectsFinal(s));
    return all;
}
