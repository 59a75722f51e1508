/* The functions and types of PKCS #11 3.2, section 5, that Debian's p11-kit does not have: proto/pkcs11.h includes it where that is so. */
#ifndef CLUSTERHSM_PROTO_PKCS11_32_H
#define CLUSTERHSM_PROTO_PKCS11_32_H

/* What C_GetSessionValidationFlags is asked for (section 4.15.3.1). */
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;
#define CKS_LAST_VALIDATION_OK 0x00000001UL

/* What a call that went on by itself has come to (section 3.10). */
typedef struct CK_ASYNC_DATA {
    CK_ULONG ulVersion;
    CK_BYTE *pValue;
    CK_ULONG ulValue;
    CK_OBJECT_HANDLE hObject;
    CK_OBJECT_HANDLE hAdditionalObject;
} CK_ASYNC_DATA;

/* Wraps whose vector may be the token's to make (section 6.13). */
typedef struct CK_GCM_WRAP_PARAMS {
    CK_BYTE *pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvFixedBits;
    CK_ULONG ivGenerator; /* CKG_ */
    CK_BYTE *pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
} CK_GCM_WRAP_PARAMS;

typedef struct CK_CCM_WRAP_PARAMS {
    CK_ULONG ulDataLen;
    CK_BYTE *pNonce;
    CK_ULONG ulNonceLen;
    CK_ULONG ulNonceFixedBits;
    CK_ULONG nonceGenerator; /* CKG_ */
    CK_BYTE *pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulMACLen;
} CK_CCM_WRAP_PARAMS;

#define CLUSTERHSM_DECLARE(name, arguments) \
    typedef CK_RV(*CK_##name) arguments;    \
    CK_RV name arguments

CLUSTERHSM_DECLARE(C_EncapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE *array,
                                      CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG *ciphertext_bytes, CK_OBJECT_HANDLE *key));
CLUSTERHSM_DECLARE(C_DecapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE *array,
                                      CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG ciphertext_bytes, CK_OBJECT_HANDLE *key));

CLUSTERHSM_DECLARE(C_VerifySignatureInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_BYTE *signature,
                                           CK_ULONG signature_bytes));
CLUSTERHSM_DECLARE(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG bytes));
CLUSTERHSM_DECLARE(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG bytes));
CLUSTERHSM_DECLARE(C_VerifySignatureFinal, (CK_SESSION_HANDLE session));

CLUSTERHSM_DECLARE(C_GetSessionValidationFlags, (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags));

CLUSTERHSM_DECLARE(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_BYTE *function, CK_ASYNC_DATA *result));
CLUSTERHSM_DECLARE(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_BYTE *function, CK_ULONG *id));
CLUSTERHSM_DECLARE(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_BYTE *function, CK_ULONG id, CK_BYTE *data, CK_ULONG bytes));

CLUSTERHSM_DECLARE(C_WrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                                            CK_OBJECT_HANDLE key, CK_BYTE *aad, CK_ULONG aad_bytes, CK_BYTE *wrapped,
                                            CK_ULONG *wrapped_bytes));
CLUSTERHSM_DECLARE(C_UnwrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                                              CK_BYTE *wrapped, CK_ULONG wrapped_bytes, CK_ATTRIBUTE *array, CK_ULONG count, CK_BYTE *aad,
                                              CK_ULONG aad_bytes, CK_OBJECT_HANDLE *key));

#undef CLUSTERHSM_DECLARE

#endif
