#include "crypto/post_quantum.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/mechanism.h"
#include "proto/parameter_set.h"

static bool has_work(OSSL_LIB_CTX *libctx, const struct parameter_set *set)
{
    EVP_KEM *kem = NULL;
    EVP_SIGNATURE *signature = NULL;
    bool has;

    if (set->key_type == CKK_ML_KEM)
        kem = EVP_KEM_fetch(libctx, set->name, NULL);
    else
        signature = EVP_SIGNATURE_fetch(libctx, set->name, NULL);
    has = kem != NULL || signature != NULL;
    EVP_KEM_free(kem);
    EVP_SIGNATURE_free(signature);
    return has;
}

void post_quantum_probe(OSSL_LIB_CTX *libctx)
{
    for (size_t i = 0; parameter_set_at(i) != NULL; i++) {
        const struct parameter_set *set = parameter_set_at(i);
        EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(libctx, set->name, NULL);
        parameter_set_here(set, keys != NULL && has_work(libctx, set));
        EVP_KEYMGMT_free(keys);
    }
    mechanism_relist();
    ERR_clear_error();
}
