/* A node as its certificates show it: the node certificate, both hardware certificates above it, and the roots that the one who looks
 * believes in. */
#ifndef CLUSTERHSM_VAULT_NODE_DEVICE_H
#define CLUSTERHSM_VAULT_NODE_DEVICE_H

#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "proto/error.h"
#include "proto/node.pb-c.h"

enum { DEVICE_HASH_BYTES = 32 };

/* All zero is none. Owned. */
struct device {
    X509 *node;
    X509 *manufacturer_hardware, *manufacturer_root;
    X509 *operator_hardware, *operator_root;
};

/* DER, borrowed; an empty one is left out. */
struct device_der {
    ProtobufCBinaryData node;
    ProtobufCBinaryData manufacturer_hardware, manufacturer_root;
    ProtobufCBinaryData operator_hardware, operator_root;
};

/* ERR_CERTIFICATE with a reason; *out is empty then. */
enum err device_read(OSSL_LIB_CTX *libctx, const struct device_der *der, struct device *out, struct diag *why);
void device_clear(struct device *d);

/* With all five: both chains hold, and the node certificate is by their one hardware key. ERR_CHAIN, ERR_CERTIFICATE. */
enum err device_check(OSSL_LIB_CTX *libctx, const struct device *d, int64_t now_s, struct diag *why);

/* SHA-256 of the certificate's SubjectPublicKeyInfo: of a node certificate it is the node's fingerprint. */
enum err device_fingerprint(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[DEVICE_HASH_BYTES]);

/* SHA-256 of a certificate, DER. */
enum err device_hash(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *der, uint8_t out[DEVICE_HASH_BYTES]);

#endif
