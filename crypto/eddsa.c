#include "crypto/eddsa.h"

#include <stdatomic.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

/* Newer than the oldest header that this is built with. */
#define PARAM_INSTANCE "instance"
#define PARAM_CONTEXT "context-string"

static bool is_plain(const Hsm__EddsaParams *given)
{
    return given == NULL || (!given->prehash && given->context.len == 0);
}

static atomic_bool variants_here;

/* One that cannot be told its variant would sign by the pure one all the same. */
static bool has_variants(OSSL_LIB_CTX *libctx, const struct curve *curve)
{
    EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(libctx, curve->name, NULL);
    const OSSL_PARAM *known = signature != NULL ? EVP_SIGNATURE_settable_ctx_params(signature) : NULL;
    bool has = known != NULL && OSSL_PARAM_locate_const(known, PARAM_INSTANCE) != NULL &&
               OSSL_PARAM_locate_const(known, PARAM_CONTEXT) != NULL;

    EVP_SIGNATURE_free(signature);
    return has;
}

void eddsa_probe(OSSL_LIB_CTX *libctx)
{
    bool all = true;

    for (size_t i = 0; curve_at(i) != NULL; i++)
        if (curve_at(i)->key_type == CKK_EC_EDWARDS)
            all = all && has_variants(libctx, curve_at(i));
    atomic_store(&variants_here, all);
    ERR_clear_error();
}

enum err eddsa_check(const struct curve *curve, const Hsm__EddsaParams *given)
{
    if (curve == NULL || curve->key_type != CKK_EC_EDWARDS)
        return ERR_CURVE;
    if (is_plain(given))
        return ERR_OK;
    return given->context.len <= EDDSA_CONTEXT_BYTES_MAX && atomic_load(&variants_here) ? ERR_OK : ERR_MECHANISM_PARAM;
}

static const char *instance_of(const struct curve *curve, const Hsm__EddsaParams *given)
{
    if (curve->nid == NID_ED448)
        return given->prehash ? "Ed448ph" : "Ed448"; /* Ed448 always has a context, if only an empty one */
    return given->prehash ? "Ed25519ph" : "Ed25519ctx";
}

void eddsa_params(const struct curve *curve, const Hsm__EddsaParams *given, OSSL_PARAM out[EDDSA_PARAMS])
{
    size_t n = 0;

    if (!is_plain(given)) {
        out[n++] = OSSL_PARAM_construct_utf8_string(PARAM_INSTANCE, (char *)instance_of(curve, given), 0);
        if (given->context.len > 0)
            out[n++] = OSSL_PARAM_construct_octet_string(PARAM_CONTEXT, given->context.data, given->context.len);
    }
    out[n] = OSSL_PARAM_construct_end();
}
