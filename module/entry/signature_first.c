/* Verifying where the signature comes first (PKCS #11 3.2 section 5.13). A session has one verification at a time, of either kind. */
#include "module/entry/guard.h"

static CK_RV verify_signature_init(const struct call *c, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, const CK_BYTE *signature,
                                   CK_ULONG bytes)
{
    struct operations *o = &c->session->operations;

    if (mechanism != NULL && o->verifying.key != NULL)
        return CKR_OPERATION_ACTIVE;
    return signature_first_begin(c->module, &o->signature_first, mechanism, key, signature, bytes);
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_BYTE *signature,
                            CK_ULONG signature_bytes)
{
    GUARDED(VerifySignatureInit, session, verify_signature_init(&c, mechanism, key, signature, signature_bytes));
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes)
{
    GUARDED(VerifySignature, session, signature_first_verify(c.module, &c.session->operations.signature_first, data, bytes));
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG bytes)
{
    GUARDED(VerifySignatureUpdate, session, signature_first_update(&c.session->operations.signature_first, part, bytes));
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    GUARDED(VerifySignatureFinal, session, signature_first_final(c.module, &c.session->operations.signature_first));
}
