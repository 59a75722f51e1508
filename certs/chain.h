/* Who vouches for a key: certificates checked up to the roots that the caller holds.
 *
 * Only what is handed in counts: no store, no file, no network, no clock. Every failure names in `why` (may be NULL) the
 * certificate that fails and what to do. Failures: ERR_CHAIN (does not end at the given root), ERR_CERTIFICATE (expired,
 * of the wrong key, malformed in meaning), ERR_CLIENT_CERTIFICATE (chain_check_client only), ERR_NO_MEMORY. */
#ifndef CLUSTERHSM_CERTS_CHAIN_H
#define CLUSTERHSM_CERTS_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "proto/error.h"

/* A certificate by a node's hardware key, with the two chains above it. All borrowed. */
struct chain_device {
    OSSL_LIB_CTX *libctx;
    int64_t now_s;               /* Unix time */
    const char *leaf_name;       /* for messages: "node certificate" */
    X509 *leaf;                  /* node or HSM certificate */
    X509 *manufacturer_hardware;
    X509 *manufacturer_root;
    X509 *operator_hardware;
    X509 *operator_root;
};

/* Both chains hold, and both hardware certificates are of one key: that which signed the leaf. */
enum err chain_check_device(const struct chain_device *d, struct diag *why);

/* The hardware certificates alone, before there is a leaf (provisioning): both of `hardware_key`, each by its root. */
enum err chain_check_hardware(const struct chain_device *d, const EVP_PKEY *hardware_key, struct diag *why);

/* The certificate is of the request's key and holds under the customer's authority. */
enum err chain_check_cluster(OSSL_LIB_CTX *libctx, int64_t now_s, X509 *cluster, const EVP_PKEY *cluster_key,
                             X509 *customer, struct diag *why);

/* The client certificate holds under one of the anchors, each of which may be an intermediate authority; `which` is the
 * first that it holds under. */
enum err chain_check_client(OSSL_LIB_CTX *libctx, int64_t now_s, X509 *client, X509 *const *anchors, size_t n, size_t *which,
                            struct diag *why);

#endif
