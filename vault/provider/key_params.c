#include "vault/provider/key_params.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

const struct key_part *key_params_find(const struct key_part *parts, size_t n, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].type == type && parts[i].n > 0)
            return &parts[i];
    return NULL;
}

/* OSSL_PARAM_free does not wipe what it frees. */
static void params_free(OSSL_PARAM *params)
{
    for (OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++)
        if (p->data != NULL)
            OPENSSL_cleanse(p->data, p->data_size);
    OSSL_PARAM_free(params);
}

enum err key_params_pair(OSSL_LIB_CTX *libctx, const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    enum err e = ERR_OK;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) != 1)
        e = ERR_ATTRIBUTE_VALUE;
    params_free(params);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err key_params_number(const EVP_PKEY *key, const char *name, size_t pad, struct secret *out)
{
    BIGNUM *number = NULL;
    size_t n;
    enum err e = ERR_BUG;

    if (EVP_PKEY_get_bn_param(key, name, &number) == 1) {
        n = pad > 0 ? pad : (size_t)BN_num_bytes(number);
        if (!secret_new(out, n))
            e = ERR_NO_MEMORY;
        else if (BN_bn2binpad(number, out->bytes, (int)n) == (int)n)
            e = ERR_OK;
    }
    BN_clear_free(number);
    ERR_clear_error();
    return e;
}
