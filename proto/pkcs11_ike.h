/* What PKCS #11 3.1 says of IKE (section 6.64) and p11-kit's header lacks. Included by proto/pkcs11.h alone. */
#ifndef CLUSTERHSM_PROTO_PKCS11_IKE_H
#define CLUSTERHSM_PROTO_PKCS11_IKE_H

#ifndef CKM_IKE2_PRF_PLUS_DERIVE
#define CKM_IKE2_PRF_PLUS_DERIVE 0x0000402EUL
#define CKM_IKE_PRF_DERIVE 0x0000402FUL
#define CKM_IKE1_PRF_DERIVE 0x00004030UL
#define CKM_IKE1_EXTENDED_DERIVE 0x00004031UL
#endif

#ifndef CKM_AES_XCBC_MAC
#define CKM_AES_XCBC_MAC 0x0000108CUL
#endif

/* As structures of our own: a header that has the numbers need not have these. */
struct pkcs11_ike2_prf_plus_params { /* CK_IKE2_PRF_PLUS_DERIVE_PARAMS */
    CK_MECHANISM_TYPE prfMechanism;
    CK_BBOOL bHasSeedKey;
    CK_OBJECT_HANDLE hSeedKey;
    CK_BYTE *pSeedData;
    CK_ULONG ulSeedDataLen;
};

struct pkcs11_ike_prf_params { /* CK_IKE_PRF_DERIVE_PARAMS */
    CK_MECHANISM_TYPE prfMechanism;
    CK_BBOOL bDataAsKey;
    CK_BBOOL bRekey;
    CK_BYTE *pNi;
    CK_ULONG ulNiLen;
    CK_BYTE *pNr;
    CK_ULONG ulNrLen;
    CK_OBJECT_HANDLE hNewKey;
};

struct pkcs11_ike1_prf_params { /* CK_IKE1_PRF_DERIVE_PARAMS */
    CK_MECHANISM_TYPE prfMechanism;
    CK_BBOOL bHasPrevKey;
    CK_OBJECT_HANDLE hKeygxy;
    CK_OBJECT_HANDLE hPrevKey;
    CK_BYTE *pCKYi;
    CK_ULONG ulCKYiLen;
    CK_BYTE *pCKYr;
    CK_ULONG ulCKYrLen;
    CK_BYTE keyNumber;
};

struct pkcs11_ike1_extended_params { /* CK_IKE1_EXTENDED_DERIVE_PARAMS */
    CK_MECHANISM_TYPE prfMechanism;
    CK_BBOOL bHasKeygxy;
    CK_OBJECT_HANDLE hKeygxy;
    CK_BYTE *pExtraData;
    CK_ULONG ulExtraDataLen;
};

#endif
