#include "module/state/recovering.h"

#include <string.h>

#include "crypto/verify.h"
#include "module/rpc/gate.h"
#include "module/state/module.h"
#include "module/state/output.h"
#include "proto/limits.h"

static CK_RV ended(struct signing *s, CK_RV rv)
{
    signing_end(s);
    return rv;
}

static enum err recover(struct module *m, struct signing *s, const CK_BYTE *signature, CK_ULONG n, uint8_t *out, size_t *out_n)
{
    struct verify v = {.libctx = m->libctx, .mechanism = s->mechanism.row};
    enum err e = known_public_key(s->key, m->libctx, &v.key);

    if (e == ERR_OK) {
        gate_enter();
        e = verify_recover(&v, signature, n, out, out_n);
        gate_leave();
    }
    return e;
}

/* The signature is looked at for a size query too: only then is the length known, and it costs little. */
CK_RV recovering_verify(struct module *m, struct signing *s, const CK_BYTE *signature, CK_ULONG n, CK_BYTE *data, CK_ULONG *data_n)
{
    uint8_t recovered[RSA_BITS_MAX / 8];
    size_t recovered_n = 0;
    enum output fits;
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (signature == NULL || data_n == NULL)
        return ended(s, CKR_ARGUMENTS_BAD);
    if ((e = recover(m, s, signature, n, recovered, &recovered_n)) != ERR_OK)
        return ended(s, err_to_rv(e));
    fits = output_check(data, data_n, recovered_n);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    memcpy(data, recovered, recovered_n);
    *data_n = recovered_n;
    return ended(s, CKR_OK);
}
