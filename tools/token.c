#include "tools/token.h"

#include <dlfcn.h>
#include <string.h>

enum { SLOTS_MAX = 16 };

/* The standard's name of what this project's module answers; empty of others. */
static const char *rv_name(CK_RV rv)
{
    static const struct {
        CK_RV rv;
        const char *name;
    } names[] = {
#define ERROR(name, kind, rv, text) {rv, #rv},
#include "proto/error.def"
#undef ERROR
        {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].rv == rv)
            return names[i].name;
    return "";
}

static bool refused(struct diag *why, const char *function, CK_RV rv)
{
    diag_set(why, "%s answered 0x%lx %s", function, rv, rv_name(rv));
    switch (rv) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        diag_remedy(why, "the PIN is user:password of a crypto user");
        break;
    case CKR_PIN_LOCKED:
        diag_remedy(why, "an admin unlocks the user: hsmctl user change-password NAME");
        break;
    case CKR_FUNCTION_FAILED: /* of C_Initialize: a configuration that cannot be used, and so no log */
        diag_remedy(why, "see that the client's configuration can be used (CLUSTERHSM_CONF): hsmctl cluster status says what is wrong");
        break;
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
        diag_remedy(why, "see that the cluster runs: hsmctl cluster status");
        break;
    default:
        diag_remedy(why, "the module's log says more: set log.file in the client's configuration");
    }
    return false;
}

static bool initialize(struct token *t, const char *path, struct diag *why)
{
    CK_C_GetFunctionList get = NULL;
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv;

    t->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (t->library != NULL)
        *(void **)&get = dlsym(t->library, "C_GetFunctionList");
    if (get == NULL) {
        const char *text = dlerror();

        diag_set(why, "cannot load the module: %s", text != NULL ? text : "it has no C_GetFunctionList");
        diag_where(why, path, 0);
        diag_remedy(why, "give the path of clusterhsm.so with --module, or set CLUSTERHSM_MODULE");
        return false;
    }
    rv = get(&t->f);
    if (rv != CKR_OK)
        return refused(why, "C_GetFunctionList", rv);
    rv = t->f->C_Initialize(&args);
    if (rv != CKR_OK) {
        t->f = NULL; /* nothing to finalize */
        return refused(why, "C_Initialize", rv);
    }
    return true;
}

bool token_load(struct token *t, const char *path, struct diag *why)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    CK_RV rv;

    *t = (struct token){.library = NULL};
    if (!initialize(t, path, why))
        return false;
    rv = t->f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return refused(why, "C_GetSlotList", rv);
    if (n == 0) {
        diag_set(why, "the module shows no slot with a token");
        diag_remedy(why, "see that the cluster runs: hsmctl cluster status");
        return false;
    }
    t->slot = slots[0];
    return true;
}

void token_unload(struct token *t)
{
    if (t->f != NULL)
        t->f->C_Finalize(NULL);
    if (t->library != NULL)
        dlclose(t->library);
    *t = (struct token){.library = NULL};
}

bool token_session(const struct token *t, CK_SESSION_HANDLE *out, struct diag *why)
{
    CK_RV rv = t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);

    return rv == CKR_OK || refused(why, "C_OpenSession", rv);
}

bool token_login(const struct token *t, CK_SESSION_HANDLE session, const char *pin, struct diag *why)
{
    CK_RV rv = t->f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)); /* only read */

    return rv == CKR_OK || refused(why, "C_Login", rv);
}

static const CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

bool token_generate(const struct token *t, CK_SESSION_HANDLE session, enum token_kind kind, const char *label, struct token_pair *out,
                    struct diag *why)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG bits = 2048;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_UTF8CHAR *name = (CK_UTF8CHAR *)(uintptr_t)label;
    CK_MECHANISM mechanism = {.mechanism = kind == TOKEN_P256 ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN};
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_VERIFY, &yes, sizeof yes}, {CKA_LABEL, name, strlen(label)},
        {CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_PRIVATE, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_SIGN, &yes, sizeof yes}, {CKA_LABEL, name, strlen(label)}};
    CK_ULONG n = 5;
    CK_RV rv;

    if (kind == TOKEN_P256) {
        public[3] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)p256, sizeof p256};
        n = 4;
    }
    rv = t->f->C_GenerateKeyPair(session, &mechanism, public, n, private, 5, &out->public_key, &out->private_key);
    return rv == CKR_OK || refused(why, "C_GenerateKeyPair", rv);
}

bool token_destroy(const struct token *t, CK_SESSION_HANDLE session, const struct token_pair *pair, struct diag *why)
{
    CK_RV first = t->f->C_DestroyObject(session, pair->private_key);
    CK_RV second = t->f->C_DestroyObject(session, pair->public_key);

    return (first == CKR_OK && second == CKR_OK) || refused(why, "C_DestroyObject", first != CKR_OK ? first : second);
}

bool token_find_private(const struct token *t, CK_SESSION_HANDLE session, const char *label, CK_OBJECT_HANDLE *out, struct diag *why)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_ULONG n = 0;
    CK_RV rv = t->f->C_FindObjectsInit(session, wanted, 2);

    if (rv != CKR_OK)
        return refused(why, "C_FindObjectsInit", rv);
    rv = t->f->C_FindObjects(session, out, 1, &n);
    t->f->C_FindObjectsFinal(session);
    if (rv != CKR_OK)
        return refused(why, "C_FindObjects", rv);
    if (n == 0)
        diag_set(why, "there is no private key with the label \"%s\"", label);
    return n == 1;
}

bool token_sign(const struct token *t, CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key, const uint8_t *data,
                size_t data_bytes, uint8_t *out, size_t *n, struct diag *why)
{
    CK_MECHANISM m = {.mechanism = mechanism};
    CK_ULONG room = *n;
    CK_RV rv = t->f->C_SignInit(session, &m, key);

    if (rv != CKR_OK)
        return refused(why, "C_SignInit", rv);
    rv = t->f->C_Sign(session, (CK_BYTE *)(uintptr_t)data, data_bytes, out, &room);
    if (rv != CKR_OK)
        return refused(why, "C_Sign", rv);
    *n = room;
    return true;
}
