/* The login key's statement: which X25519 key the vaults of the cluster answer under, said by the cluster key.
 *
 * TLS has shown that the node holds the cluster's certificate; the statement shows that the key we are about to seal passwords to
 * belongs to the vaults behind that certificate, and not to a front that was taken over. */
#ifndef CLUSTERHSM_MODULE_RPC_STATEMENT_H
#define CLUSTERHSM_MODULE_RPC_STATEMENT_H

#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "module/rpc/connection.h"
#include "module/rpc/stream.h"
#include "proto/error.h"
#include "proto/frame.pb-c.h"

/* Checks the statement in a Welcome: signature by the peer's key, made for the peer's certificate, valid now (Unix seconds), of the
 * cluster in `view` and no older than it has seen; then updates the view and gives the login key. ERR_FORGED and a reason otherwise;
 * nothing is written then. */
enum err statement_check(OSSL_LIB_CTX *libctx, const Hsm__Welcome *welcome, const struct stream_peer *peer, int64_t now_s,
                         struct cluster_view *view, uint8_t login_key[32], struct diag *why);

#endif
