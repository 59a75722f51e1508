/* The login key's statement: which X25519 key the cluster's vaults answer under, said by the cluster key to whoever has verified its
 * certificate (module/rpc/statement.h). */
#ifndef CLUSTERHSM_VAULT_NODE_STATEMENT_H
#define CLUSTERHSM_VAULT_NODE_STATEMENT_H

#include "common/buffer.h"
#include "vault/keyring.h"
#include "vault/node/identity.h"

/* Longer than any hour between two refreshes, shorter than a leaked one could be of use. An hour back, for clocks that differ. */
enum { STATEMENT_DAYS = 7, STATEMENT_BACKDATE_S = 3600 };

/* Packed, and signed. The view has a body. */
enum err statement_make(OSSL_LIB_CTX *libctx, const struct identity *i, const struct cluster_view *view, int64_t now_s,
                        struct buffer *statement, struct buffer *signature);

#endif
