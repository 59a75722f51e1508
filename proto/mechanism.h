/* The mechanism table (mechanism.def) and the questions that everybody asks of it.
 *
 * Any thread may call the functions, and what they return lives for ever: the rows are constant. Rows of keys that libcrypto does not know
 * (proto/parameter_set.h) are not there: neither found nor listed. */
#ifndef CLUSTERHSM_PROTO_MECHANISM_H
#define CLUSTERHSM_PROTO_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

/* Joins a row to the code that carries it out. */
enum mechanism_family {
    FAMILY_RSA,      /* key pairs */
    FAMILY_EC,       /* key pairs */
    FAMILY_FIELD,    /* key pairs over finite fields */
    FAMILY_FIELD_DOMAIN, /* domain parameters for such pairs made */
    FAMILY_PQ,       /* key pairs by a parameter set (proto/parameter_set.h) */
    FAMILY_RSA_PKCS, /* RSASSA-PKCS1-v1_5 */
    FAMILY_RSA_RAW,
    FAMILY_RSA_PSS,
    FAMILY_ECDSA,
    FAMILY_DSA,
    FAMILY_EDDSA,
    FAMILY_PQ_PURE,  /* ML-DSA and SLH-DSA over the message itself */
    FAMILY_PQ_HASH,  /* ... over its hash */
    FAMILY_PQ_MU,    /* ... over what the caller has made of both key and message */
    FAMILY_KEM,      /* secrets encapsulated and decapsulated */
    FAMILY_HMAC,
    FAMILY_HASH,
    FAMILY_SECRET,   /* secret keys made */
    FAMILY_CMAC,
    FAMILY_CBC_MAC,
    FAMILY_GMAC,
    FAMILY_HOTP,     /* one-time passwords of a counter: RFC 4226 */
    FAMILY_TLS_MAC,  /* what the finished messages of TLS 1.2 hold */
    FAMILY_ECB,      /* modes of ciphers: proto/cipher_mode.h */
    FAMILY_CBC,
    FAMILY_CBC_PAD,
    FAMILY_CTR,
    FAMILY_OFB,
    FAMILY_CFB,
    FAMILY_CFB8,
    FAMILY_CFB1,
    FAMILY_CTS,
    FAMILY_GCM,
    FAMILY_GCM_IV_FIRST, /* GCM under a vector that the vault makes, which stands in front of the ciphertext */
    FAMILY_CCM,
    FAMILY_CHACHA20,
    FAMILY_CHACHA_POLY,
    FAMILY_XTS,
    FAMILY_KEY_WRAP,     /* NIST SP 800-38F KW */
    FAMILY_KEY_WRAP_PAD, /* KWP */
    FAMILY_RSA_OAEP,
    FAMILY_PBKDF2,       /* a secret key made from a password */

    /* keys from keys */
    FAMILY_ECDH,
    FAMILY_FIELD_AGREEMENT, /* Diffie-Hellman as PKCS #3 has it */
    FAMILY_HKDF,
    FAMILY_HKDF_DATA,
    FAMILY_KBKDF_COUNTER, /* SP 800-108 */
    FAMILY_KBKDF_FEEDBACK,
    FAMILY_KBKDF_PIPELINE,
    FAMILY_TLS12_MASTER,
    FAMILY_TLS12_MASTER_DH,
    FAMILY_TLS12_EXTENDED,
    FAMILY_TLS12_EXTENDED_DH,
    FAMILY_TLS12_KEYS,
    FAMILY_TLS12_KDF,
    FAMILY_BASE_AND_KEY,
    FAMILY_BASE_AND_DATA,
    FAMILY_DATA_AND_BASE,
    FAMILY_XOR,
    FAMILY_EXTRACT,
    FAMILY_HASH_KEY,
    FAMILY_ECB_DATA, /* the encryption of data is the key */
    FAMILY_CBC_DATA,
    FAMILY_IKE_PRF,
    FAMILY_IKE1_PRF,
    FAMILY_IKE1_EXTENDED,
    FAMILY_IKE2_PRF_PLUS,
    FAMILY_SSHKDF,     /* RFC 4253 section 7.2: keys, and vectors, which are data */
    FAMILY_PUBLIC_KEY, /* the public half of a private key */

    FAMILY_KEY_WRAP_PKCS7, /* KW over padded keys */
    FAMILY_RSA_AES_WRAP,     /* a fresh AES key under OAEP, the key under it */
    FAMILY_ECDH_AES_WRAP,    /* a point, and the key under an AES key that it agrees on */
    FAMILY_ECDH_AES_WRAP_DER /* the same, the point as DER OCTET STRING */
};

enum mechanism_param {
    PARAM_NONE,
    PARAM_PSS,    /* CK_RSA_PKCS_PSS_PARAMS */
    PARAM_OAEP,   /* CK_RSA_PKCS_OAEP_PARAMS */
    PARAM_IV,     /* the bytes of an initialization vector */
    PARAM_CTR,    /* CK_AES_CTR_PARAMS */
    PARAM_GCM,    /* CK_GCM_PARAMS */
    PARAM_GCM_NO_IV, /* the same, without a vector */
    PARAM_CCM,    /* CK_CCM_PARAMS */
    PARAM_CHACHA20, /* CK_CHACHA20_PARAMS */
    PARAM_CHACHA, /* CK_SALSA20_CHACHA20_POLY1305_PARAMS */
    PARAM_GENERAL, /* CK_MAC_GENERAL_PARAMS */
    PARAM_ECDH,           /* CK_ECDH1_DERIVE_PARAMS */
    PARAM_PUBLIC_VALUE,   /* the other side's number, big endian */
    PARAM_HKDF,           /* CK_HKDF_PARAMS */
    PARAM_KBKDF,          /* CK_SP800_108_KDF_PARAMS */
    PARAM_KBKDF_FEEDBACK, /* CK_SP800_108_FEEDBACK_KDF_PARAMS */
    PARAM_CLOUDHSM_KBKDF, /* CloudHSM's CK_SP800_108_KDF_PARAMS, or the standard's */
    PARAM_PBKDF2,         /* CK_PKCS5_PBKD2_PARAMS2 */
    PARAM_TLS12_MASTER,   /* CK_TLS12_MASTER_KEY_DERIVE_PARAMS */
    PARAM_TLS12_EXTENDED, /* CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS */
    PARAM_TLS12_KEYS,     /* CK_TLS12_KEY_MAT_PARAMS */
    PARAM_TLS12_SAFE_KEYS, /* the same, and what it says of vectors counts for nothing */
    PARAM_TLS12_KDF,      /* CK_TLS_KDF_PARAMS */
    PARAM_TLS_MAC,        /* CK_TLS_MAC_PARAMS */
    PARAM_KEY,            /* CK_OBJECT_HANDLE of a second key */
    PARAM_DATA,           /* CK_KEY_DERIVATION_STRING_DATA */
    PARAM_BIT,            /* CK_EXTRACT_PARAMS */
    PARAM_AES_CBC_DATA,   /* CK_AES_CBC_ENCRYPT_DATA_PARAMS */
    PARAM_DES_CBC_DATA,   /* CK_DES_CBC_ENCRYPT_DATA_PARAMS */
    PARAM_IKE_PRF,        /* CK_IKE_PRF_DERIVE_PARAMS */
    PARAM_IKE1_PRF,       /* CK_IKE1_PRF_DERIVE_PARAMS */
    PARAM_IKE1_EXTENDED,  /* CK_IKE1_EXTENDED_DERIVE_PARAMS */
    PARAM_IKE2_PRF_PLUS,  /* CK_IKE2_PRF_PLUS_DERIVE_PARAMS */
    PARAM_SSHKDF,         /* KR_SSHKDF_PARAMS */
    PARAM_RSA_AES,        /* CK_RSA_AES_KEY_WRAP_PARAMS */
    PARAM_ECDH_AES,       /* CK_ECDH_AES_KEY_WRAP_PARAMS */
    PARAM_PQ,      /* CK_SIGN_ADDITIONAL_CONTEXT, which may be left out */
    PARAM_PQ_NO_CONTEXT, /* the same, without a context */
    PARAM_PQ_HASH, /* CK_HASH_SIGN_ADDITIONAL_CONTEXT */
    PARAM_OTP,     /* CK_OTP_PARAMS, which may be left out */
    PARAM_EDDSA    /* CK_EDDSA_PARAMS, which may be left out */
};

/* Who sees the data: see mechanism.def. */
enum mechanism_where {
    WHERE_WHOLE,
    WHERE_HASH_IN_MODULE,
    WHERE_LOCAL
};

/* How a trusted key wraps and unwraps: see mechanism.def. */
enum mechanism_trusted {
    TRUSTED_UNSAID, /* neither wraps nor unwraps */
    TRUSTED_NEVER,
    TRUSTED_OWN_VECTOR,
    TRUSTED_TOKENS_VECTOR,
    TRUSTED_ALWAYS
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    const char *name; /* "CKM_SHA256_RSA_PKCS" */
    enum mechanism_family family;
    CK_FLAGS flags;   /* CKF_SIGN ... as C_GetMechanismInfo says them, without CKF_HW */
    CK_KEY_TYPE key_type;
    bool has_key;
    CK_ULONG size_min; /* bits, or bytes for secret keys: the least under any policy */
    CK_ULONG size_max;
    CK_ULONG size_modern;  /* the least under the modern policy ... */
    bool compatible_only;  /* ... if that has the row at all: proto/policy.h */
    enum mechanism_param param;
    const char *hash; /* OpenSSL's name, or NULL */
    enum mechanism_where where;
    bool dear;
    enum mechanism_trusted trusted;
};

#define NO_KEY_TYPE (~0UL)
#define ANY_PAIR_TYPE (~1UL)

/* NULL if there is no such mechanism. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type);

/* Rows by position, for lists and test loops: NULL at the end. Sorted by type. */
const struct mechanism *mechanism_at(size_t position);

/* Makes that list anew, when it is known what libcrypto has. Until then the first question makes it from what is known;
 * who asks while it is made anew may see positions of both lists, so a process calls this before it lists anything. */
void mechanism_relist(void);

/* True if the row does the operation (one CKF_ flag). */
bool mechanism_does(const struct mechanism *m, CK_FLAGS operation);

/* Bytes of the hash by OpenSSL's name, 0 if it is not one of ours; and back from CKM_SHA256 to "SHA256" (NULL if
 * none). */
size_t mechanism_hash_bytes(const char *hash);
const char *mechanism_hash_name(CK_MECHANISM_TYPE hash);

/* The last number of the hash's object identifier, 2.16.840.1.101.3.4.2.x, as signatures of hashes name it; 0: it has none. */
unsigned char mechanism_hash_id(const char *hash);

/* CKG_MGF1_SHA256 to "SHA256"; NULL if we have no such mask generation. */
const char *mechanism_mgf_hash(CK_ULONG mgf);

/* True if the row works with keys of this type. */
bool mechanism_takes_key(const struct mechanism *m, CK_KEY_TYPE type);

/* True if there is a mechanism that puts keys of this type to this use (CKF_SIGN, ...). */
bool mechanism_is_there(CK_KEY_TYPE type, CK_FLAGS use);

/* The first such row; NULL: there is none. */
const struct mechanism *mechanism_that_does(CK_KEY_TYPE type, CK_FLAGS use);

/* CKO_ of what C_GenerateKey makes by a row that generates. */
CK_OBJECT_CLASS mechanism_class_made(const struct mechanism *m);

/* A MAC, which secret keys make and check. */
bool mechanism_is_mac(const struct mechanism *m);

/* Whether a PSS signature by a modulus of so many bits has room for hash and salt (RFC 8017 section 9.1.1). */
bool mechanism_pss_fits(size_t bits, const char *hash, size_t salt_bytes);

/* What a signature's length will be: modulus bytes, twice the curve's or the subprime's bytes, the hash's. `size` is the key's bits, for
 * DSA the subprime's (bytes for secret keys). */
size_t mechanism_signature_bytes(const struct mechanism *m, size_t size);

/* True where one use with a key of this size costs so much that it may not hold up cheaper requests. */
bool mechanism_is_dear(const struct mechanism *m, size_t size);

#endif
