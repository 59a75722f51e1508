/* What is dear and was found out once, kept over the calls of one request (work_keep). */
#ifndef CLUSTERHSM_VAULT_ACCESS_KEPT_H
#define CLUSTERHSM_VAULT_ACCESS_KEPT_H

#include "vault/access/client.h"
#include "vault/access/password.h"

struct kept {
    bool client_known;
    uint64_t client_version;    /* of the cluster record that the client was judged by */
    struct client client;

    uint64_t stamp_ms;          /* the leader's time; 0: not known yet */
    bool judged, right;
    uint64_t judged_version;    /* of the user's record */

    bool hashed;
    struct password_hash hash;  /* of the new password */
};

/* Made at the first call. NULL: no memory. */
struct kept *kept_of(struct work *w);

#endif
