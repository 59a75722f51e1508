/* Keys and their attributes: from the one to the other and back. */
#ifndef CLUSTERHSM_VAULT_OBJECT_MATERIAL_H
#define CLUSTERHSM_VAULT_OBJECT_MATERIAL_H

#include <openssl/types.h>

#include "common/buffer.h"
#include "crypto/public_key.h"
#include "vault/object/body.h"
#include "vault/provider/key.h"

/* The private or secret key that an object holds; the caller's. key_load's errors. */
enum err material_load(OSSL_LIB_CTX *libctx, const struct object *o, struct key **out);

/* Sets every part that an object of this class (CKA_CLASS) shows or hides of the key, in stored form, over what was
 * given. A public object gets the public parts of a private key. ERR_NO_MEMORY, ERR_BUG. */
enum err material_put(const struct key *k, struct object *o);

/* A secret key's value, checked and in stored form. The errors of material_load and material_put. */
enum err material_put_value(OSSL_LIB_CTX *libctx, const uint8_t *value, size_t n, struct object *o);

/* The public key that an object has the parts of; the caller's. crypto/public_key.h's errors, and ERR_TEMPLATE_INCOMPLETE. */
enum err material_public_key(OSSL_LIB_CTX *libctx, const struct object *o, struct public_key **out);

/* Checks that the parts of a public object are a key, and puts them into stored form. crypto/public_key.h's errors, and
 * ERR_TEMPLATE_INCOMPLETE. */
enum err material_check_public(OSSL_LIB_CTX *libctx, struct object *o);

/* Checks that the parts of domain parameters can be some (crypto/field.h): ERR_TEMPLATE_INCOMPLETE, ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE,
 * ERR_NO_MEMORY. Whether they keep a key secret is asked when a key is made with them. */
enum err material_check_domain(const struct object *o);

/* Appends the SubjectPublicKeyInfo of a public or private key. */
enum err material_public_key_info(OSSL_LIB_CTX *libctx, const struct object *o, struct buffer *out);

#endif
