/* Keys of OpenSSL's making brought into the token (tests/unit/token.h): what OpenSSL then says of them is a second opinion. */
#ifndef CLUSTERHSM_TESTS_UNIT_TOKEN_KEY_H
#define CLUSTERHSM_TESTS_UNIT_TOKEN_KEY_H

#include <openssl/types.h>

#include "tests/unit/sample_template.h"
#include "tests/unit/token.h"

/* By C_CreateObject, with `more` attributes behind those of the template. */
CK_OBJECT_HANDLE token_key_create(CK_SESSION_HANDLE s, const struct sample_template *t, const CK_ATTRIBUTE *more, CK_ULONG n);

/* Both halves as session objects of the default uses. */
struct token_pair token_key_import(CK_SESSION_HANDLE s, const EVP_PKEY *key);

/* The public half of a pair in the token, by CKA_PUBLIC_KEY_INFO; the caller's. */
EVP_PKEY *token_key_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object);

/* A key of 8192 bits, the same each time (tests/vectors); the caller's. */
EVP_PKEY *token_key_rsa_8192(void);

#endif
