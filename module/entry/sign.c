/* Signing and verifying (PKCS #11 2.40 sections 5.11 and 5.12). */
#include "module/entry/guard.h"
#include "module/state/recovering.h"

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(SignInit, session, signing_begin(c.module, &c.session->operations.signing, CKF_SIGN, mechanism, key));
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes, CK_BYTE *signature, CK_ULONG *signature_bytes)
{
    GUARDED(Sign, session, signing_sign(c.module, &c.session->operations.signing, data, bytes, signature, signature_bytes));
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG bytes)
{
    GUARDED(SignUpdate, session, signing_update(&c.session->operations.signing, part, bytes));
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_bytes)
{
    GUARDED(SignFinal, session, signing_sign_final(c.module, &c.session->operations.signing, signature, signature_bytes));
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(SignRecoverInit, session,
            signing_begin(c.module, &c.session->operations.sign_recovering, CKF_SIGN_RECOVER, mechanism, key));
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes, CK_BYTE *signature, CK_ULONG *signature_bytes)
{
    GUARDED(SignRecover, session,
            signing_sign(c.module, &c.session->operations.sign_recovering, data, bytes, signature, signature_bytes));
}

static CK_RV verify_init(const struct call *c, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct operations *o = &c->session->operations;

    if (mechanism != NULL && o->signature_first.verifying.key != NULL)
        return CKR_OPERATION_ACTIVE;
    return signing_begin(c->module, &o->verifying, CKF_VERIFY, mechanism, key);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(VerifyInit, session, verify_init(&c, mechanism, key));
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes, CK_BYTE *signature, CK_ULONG signature_bytes)
{
    GUARDED(Verify, session, signing_verify(c.module, &c.session->operations.verifying, data, bytes, signature, signature_bytes));
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG bytes)
{
    GUARDED(VerifyUpdate, session, signing_update(&c.session->operations.verifying, part, bytes));
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_bytes)
{
    GUARDED(VerifyFinal, session, signing_verify_final(c.module, &c.session->operations.verifying, signature, signature_bytes));
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    GUARDED(VerifyRecoverInit, session,
            signing_begin(c.module, &c.session->operations.verify_recovering, CKF_VERIFY_RECOVER, mechanism, key));
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_bytes, CK_BYTE *data, CK_ULONG *bytes)
{
    GUARDED(VerifyRecover, session,
            recovering_verify(c.module, &c.session->operations.verify_recovering, signature, signature_bytes, data, bytes));
}
