/* Whether a password was right, as a retry learns it.
 *
 * A request that is repeated, perhaps at another vault, gets its first result and is not judged anew, or it would count twice. But results
 * travel by the fronts' hands, and one that was taken over could hand out another one's, or its own invention. So a vault authenticates
 * the verdict, together with the request as a whole, password included: it says nothing about any other request. */
#ifndef CLUSTERHSM_VAULT_ACCESS_VERDICT_H
#define CLUSTERHSM_VAULT_ACCESS_VERDICT_H

#include "vault/work.h"

struct verdict {
    bool right;
    enum role role;          /* these where it was right */
    uint64_t user_id;
    uint64_t password_epoch;
};

/* While deciding: the command's result. */
enum err verdict_put(struct work *w, const struct verdict *v);

/* While answering: from the outcome. ERR_FORGED: made for another request, or by no vault of this cluster. */
enum err verdict_get(struct work *w, struct verdict *out);

#endif
