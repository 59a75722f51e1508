#include "module/state/signature_first.h"

#include "proto/limits.h"

/* The answer of a call after which the verification may be over. */
static CK_RV settle(struct signature_first *v, CK_RV rv)
{
    if (v->verifying.key == NULL)
        signature_first_end(v);
    return rv;
}

CK_RV signature_first_begin(struct module *m, struct signature_first *v, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            const CK_BYTE *signature, CK_ULONG n)
{
    CK_RV rv;

    if (mechanism == NULL) {
        signature_first_end(v);
        return CKR_OK;
    }
    if (v->verifying.key != NULL)
        return CKR_OPERATION_ACTIVE;
    if (signature == NULL)
        return CKR_ARGUMENTS_BAD;
    if (n > FRAME_BYTES_MAX)
        return CKR_SIGNATURE_LEN_RANGE;
    rv = signing_begin(m, &v->verifying, CKF_VERIFY, mechanism, key);
    if (rv == CKR_OK && n > 0 && !buffer_put(&v->signature, signature, n)) {
        signature_first_end(v);
        rv = CKR_HOST_MEMORY;
    }
    return rv;
}

CK_RV signature_first_update(struct signature_first *v, const CK_BYTE *data, CK_ULONG n)
{
    return settle(v, signing_update(&v->verifying, data, n));
}

/* Never NULL, or an empty signature would look like none. */
static const uint8_t *signature_of(const struct signature_first *v)
{
    static const uint8_t nothing;

    return v->signature.len > 0 ? v->signature.data : &nothing;
}

CK_RV signature_first_verify(struct module *m, struct signature_first *v, const CK_BYTE *data, CK_ULONG n)
{
    return settle(v, signing_verify(m, &v->verifying, data, n, signature_of(v), v->signature.len));
}

CK_RV signature_first_final(struct module *m, struct signature_first *v)
{
    return settle(v, signing_verify_final(m, &v->verifying, signature_of(v), v->signature.len));
}

void signature_first_end(struct signature_first *v)
{
    signing_end(&v->verifying);
    buffer_clear(&v->signature);
}
