#include "daemon/net/vkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

static const char provider_name[] = "vkey";
static const char handle_param[] = "vkey";

struct vkey {
    EVP_PKEY *public_key;
    vkey_sign_fn *sign;
    void *arg;
};

struct vkey_signature {
    struct vkey *key; /* libcrypto keeps the key alive as long as the context */
    char digest[32];
};

/* ---- the key ---- */

static void *key_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct vkey));
}

static void key_free(void *keydata)
{
    struct vkey *k = keydata;
    if (k != NULL)
        EVP_PKEY_free(k->public_key);
    free(k);
}

static int key_has(const void *keydata, int selection)
{
    const struct vkey *k = keydata;
    (void)selection; /* the private half counts as had: it can be used */
    return k->public_key != NULL;
}

/* Bits, security bits, size, group: as the public half says. */
static int key_get_params(void *keydata, OSSL_PARAM params[])
{
    return EVP_PKEY_get_params(((struct vkey *)keydata)->public_key, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider;
    return list;
}

static int key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, handle_param);
    const void *from = NULL;
    size_t n = 0;
    (void)selection;
    if (p == NULL || OSSL_PARAM_get_octet_ptr(p, &from, &n) != 1 || n != sizeof(struct vkey))
        return 0;
    memcpy(keydata, from, sizeof(struct vkey));
    return EVP_PKEY_up_ref(((struct vkey *)keydata)->public_key);
}

static const OSSL_PARAM *key_import_types(int selection)
{
    static const OSSL_PARAM list[] = {OSSL_PARAM_octet_ptr(handle_param, NULL, 0), OSSL_PARAM_END};
    (void)selection;
    return list;
}

/* libssl compares the key with the certificate by exporting the public half. */
static int key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
    OSSL_PARAM *params = NULL;
    int ok;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
        return 0;
    ok = EVP_PKEY_todata(((struct vkey *)keydata)->public_key, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
        callback(params, arg) == 1;
    OSSL_PARAM_free(params);
    return ok;
}

static const OSSL_PARAM *key_export_types(int selection)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : list;
}

/* A name of our own, so that the default provider's ECDSA is never tried with this key. */
static const char *key_operation_name(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "VKEY-SIGN" : NULL;
}

/* ---- the signature ---- */

static void *signature_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return calloc(1, sizeof(struct vkey_signature));
}

static void signature_free(void *ctx)
{
    free(ctx);
}

static void *signature_dup(void *ctx)
{
    struct vkey_signature *copy = malloc(sizeof *copy);
    if (copy != NULL)
        *copy = *(struct vkey_signature *)ctx;
    return copy;
}

static int signature_init(void *ctx, const char *digest, void *keydata, const OSSL_PARAM params[])
{
    struct vkey_signature *s = ctx;
    (void)params;
    if (keydata != NULL)
        s->key = keydata;
    if (digest == NULL || strlen(digest) >= sizeof s->digest)
        return 0;
    memcpy(s->digest, digest, strlen(digest) + 1);
    return s->key != NULL;
}

static int signature_sign(void *ctx, unsigned char *signature, size_t *len, size_t room, const unsigned char *bytes,
    size_t n)
{
    struct vkey_signature *s = ctx;
    if (signature == NULL) {
        *len = (size_t)EVP_PKEY_get_size(s->key->public_key);
        return 1;
    }
    return s->key->sign(s->key->arg, s->digest, bytes, n, signature, len, room);
}

/* ---- the provider ---- */

#define ENTRY(id, fn) {id, (void (*)(void))(fn)}

static const OSSL_DISPATCH key_functions[] = {
    ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new),
    ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),
    ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),
    ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
    ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_name),
    {0, NULL},
};

static const OSSL_DISPATCH signature_functions[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dup),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_init),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_sign),
    {0, NULL},
};

static const OSSL_ALGORITHM keys[] = {
    {"EC", "provider=vkey", key_functions, "key held by the vault"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM signatures[] = {
    {"VKEY-SIGN", "provider=vkey", signature_functions, "signature made by the vault"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
    {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **provider)
{
    (void)in;
    *out = provider_functions;
    *provider = (void *)(uintptr_t)handle; /* no state: anything that is not NULL */
    return 1;
}

bool vkey_provider_load(OSSL_LIB_CTX *libctx, struct diag *why)
{
    /* Who loads one provider gets no default one unasked. */
    if (OSSL_PROVIDER_load(libctx, "default") != NULL &&
        OSSL_PROVIDER_add_builtin(libctx, provider_name, provider_init) == 1 &&
        OSSL_PROVIDER_load(libctx, provider_name) != NULL)
        return true;
    diag_set(why, "the OpenSSL provider for keys in the vault cannot be set up");
    ERR_clear_error();
    return false;
}

EVP_PKEY *vkey_new(OSSL_LIB_CTX *libctx, EVP_PKEY *public_key, vkey_sign_fn *sign, void *arg, struct diag *why)
{
    struct vkey handle = {.public_key = public_key, .sign = sign, .arg = arg};
    void *at = &handle;
    OSSL_PARAM params[] = {OSSL_PARAM_octet_ptr(handle_param, &at, sizeof handle), OSSL_PARAM_END};
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;

    params[0].data_size = sizeof handle;
    if (!EVP_PKEY_is_a(public_key, "EC")) {
        diag_set(why, "the certificate's key is of type %s, not EC", EVP_PKEY_get0_type_name(public_key));
        diag_remedy(why, "have the certificate issued for the P-256 key in the CSR");
        return NULL;
    }
    ctx = EVP_PKEY_CTX_new_from_name(libctx, "EC", "provider=vkey");
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) {
        diag_set(why, "no key in the vault can be referred to: out of memory, or the provider is not loaded");
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return key;
}
