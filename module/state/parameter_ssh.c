/* The parameter of SSH's derivation, as kryoptic has it. */
#include "module/state/parameter.h"

#include <string.h>

enum err parameter_take_sshkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out)
{
    struct pkcs11_sshkdf_params p;
    enum err e;

    (void)row;
    memcpy(&p, given, sizeof p);
    if ((out->sshkdf = parameter_memory(sizeof *out->sshkdf)) == NULL)
        return ERR_NO_MEMORY;
    hsm__sshkdf_params__init(out->sshkdf);
    out->sshkdf->hash = p.prfHashMechanism;
    out->sshkdf->letter = p.derivedKeyType;
    if ((e = parameter_copy(p.pExchangeHash, p.ulExchangeHashLen, &out->sshkdf->exchange_hash)) != ERR_OK)
        return e;
    return parameter_copy(p.pSessionId, p.ulSessionIdLen, &out->sshkdf->session_id);
}
