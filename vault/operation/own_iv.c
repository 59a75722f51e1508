#include "vault/operation/own_iv.h"

#include <string.h>

#include "crypto/message_iv.h"
#include "proto/limits.h"

enum err own_iv_make(struct work *w, const Hsm__Mechanism *given, Hsm__Mechanism *with, Hsm__AeadParams *aead)
{
    *with = *given;
    if (given->aead == NULL || given->aead->generator == CKG_NO_GENERATE)
        return ERR_OK;
    *aead = *given->aead;
    with->aead = aead;
    if (aead->iv.len > GCM_IV_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    if ((aead->iv.data = work_memory(w, aead->iv.len + 1)) == NULL)
        return ERR_NO_MEMORY;
    if (aead->iv.len > 0)
        memcpy(aead->iv.data, given->aead->iv.data, aead->iv.len);
    return message_iv_make(work_vault(w)->libctx, aead->generator, aead->fixed_bits, aead->iv.data, aead->iv.len);
}
