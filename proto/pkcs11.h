/* PKCS#11 types and constants: p11-kit's header (2.40 and parts of 3.0), and below it what later versions of the
 * standard add and that header may lack. The names and numbers are those of OASIS PKCS #11 3.0, 3.1 and 3.2. */
#ifndef CLUSTERHSM_PROTO_PKCS11_H
#define CLUSTERHSM_PROTO_PKCS11_H

/* The module is compiled with hidden names; these are the ones that it shows (module/clusterhsm.map). */
#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>

#ifndef CKF_INTERFACE_FORK_SAFE
#include "proto/pkcs11_30.h"
#endif
#ifndef CKS_LAST_VALIDATION_OK
#include "proto/pkcs11_32.h"
#endif
#include "proto/pkcs11_kdf.h"
#include "proto/pkcs11_ike.h"
#pragma GCC visibility pop

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 0x00000004UL
#endif
#ifndef CKA_PUBLIC_KEY_INFO
#define CKA_PUBLIC_KEY_INFO 0x00000129UL
#endif
#ifndef CKA_NETSCAPE_DB /* NSS's; SunPKCS11 gives it to every token with an EC private key */
#define CKA_NETSCAPE_DB 0xD5A0DB00UL
#endif
#ifndef CKO_PROFILE
#define CKO_PROFILE 0x00000009UL
#endif
#ifndef CKA_PROFILE_ID
#define CKA_PROFILE_ID 0x00000601UL
#endif
#ifndef CKP_BASELINE_PROVIDER
#define CKP_BASELINE_PROVIDER 1UL
#define CKP_EXTENDED_PROVIDER 2UL
#define CKP_AUTHENTICATION_TOKEN 3UL
#endif
#include "proto/pkcs11_pq.h"
#include "proto/pkcs11_secret.h"
#include "proto/pkcs11_sign.h"
#include "proto/pkcs11_validation.h"

#ifndef CKF_MESSAGE_SIGN
#define CKF_MESSAGE_SIGN 0x00000008UL
#define CKF_MESSAGE_VERIFY 0x00000010UL
#define CKF_MULTI_MESSAGE 0x00000020UL
#endif
#ifndef CKF_FIND_OBJECTS /* for C_SessionCancel */
#define CKF_FIND_OBJECTS 0x00000040UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x00000202UL
#endif
#ifndef CKR_KEY_EXHAUSTED
#define CKR_KEY_EXHAUSTED 0x00000203UL
#endif

#endif
