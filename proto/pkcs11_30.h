/* The functions and types of PKCS #11 3.0, section 5, for a p11-kit that knows 2.40 only: proto/pkcs11.h includes it where that is so. */
#ifndef CLUSTERHSM_PROTO_PKCS11_30_H
#define CLUSTERHSM_PROTO_PKCS11_30_H

#define CKF_INTERFACE_FORK_SAFE 0x00000001UL

typedef struct CK_INTERFACE {
    char *pInterfaceName;
    void *pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;

#define CLUSTERHSM_DECLARE(name, arguments) \
    typedef CK_RV(*CK_##name) arguments;    \
    CK_RV name arguments

CLUSTERHSM_DECLARE(C_GetInterfaceList, (CK_INTERFACE * list, CK_ULONG *count));
CLUSTERHSM_DECLARE(C_GetInterface, (CK_BYTE * name, CK_VERSION *version, CK_INTERFACE **out, CK_FLAGS flags));
CLUSTERHSM_DECLARE(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE *pin, CK_ULONG pin_bytes, CK_BYTE *name,
                                 CK_ULONG name_bytes));
CLUSTERHSM_DECLARE(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags));

CLUSTERHSM_DECLARE(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key));
CLUSTERHSM_DECLARE(C_EncryptMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                                      CK_ULONG aad_bytes, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes));
CLUSTERHSM_DECLARE(C_EncryptMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                                           CK_ULONG aad_bytes));
CLUSTERHSM_DECLARE(C_EncryptMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in,
                                          CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags));
CLUSTERHSM_DECLARE(C_MessageEncryptFinal, (CK_SESSION_HANDLE session));

CLUSTERHSM_DECLARE(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key));
CLUSTERHSM_DECLARE(C_DecryptMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                                      CK_ULONG aad_bytes, CK_BYTE *in, CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes));
CLUSTERHSM_DECLARE(C_DecryptMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *aad,
                                           CK_ULONG aad_bytes));
CLUSTERHSM_DECLARE(C_DecryptMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *in,
                                          CK_ULONG in_bytes, CK_BYTE *out, CK_ULONG *out_bytes, CK_FLAGS flags));
CLUSTERHSM_DECLARE(C_MessageDecryptFinal, (CK_SESSION_HANDLE session));

CLUSTERHSM_DECLARE(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key));
CLUSTERHSM_DECLARE(C_SignMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data,
                                   CK_ULONG data_bytes, CK_BYTE *signature, CK_ULONG *signature_bytes));
CLUSTERHSM_DECLARE(C_SignMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes));
CLUSTERHSM_DECLARE(C_SignMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data,
                                       CK_ULONG data_bytes, CK_BYTE *signature, CK_ULONG *signature_bytes));
CLUSTERHSM_DECLARE(C_MessageSignFinal, (CK_SESSION_HANDLE session));

CLUSTERHSM_DECLARE(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key));
CLUSTERHSM_DECLARE(C_VerifyMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data,
                                     CK_ULONG data_bytes, CK_BYTE *signature, CK_ULONG signature_bytes));
CLUSTERHSM_DECLARE(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes));
CLUSTERHSM_DECLARE(C_VerifyMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_bytes, CK_BYTE *data,
                                         CK_ULONG data_bytes, CK_BYTE *signature, CK_ULONG signature_bytes));
CLUSTERHSM_DECLARE(C_MessageVerifyFinal, (CK_SESSION_HANDLE session));

#undef CLUSTERHSM_DECLARE

#endif
