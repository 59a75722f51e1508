/* The cluster, asked for what PKCS #11 wants: each call is one whole request (module/rpc). What replies say of objects goes into the
 * module's cache on the way. A login that the vault says is over is ended here too. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_H

#include "module/state/digest_parts.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/mechanism.h"

/* One page of a search: appends at most FIND_IDS_MAX handles to `found`; *after is the cursor, 0 at first and at the end. */
struct found {
    CK_OBJECT_HANDLE handles[FIND_IDS_MAX];
    size_t n;
};
enum err cluster_find(struct module *m, const struct template *t, uint64_t *after, struct found *found);

/* Asks for a token object anew. ERR_OBJECT_HANDLE: it is not there for this user. */
enum err cluster_get(struct module *m, CK_OBJECT_HANDLE handle);

/* Objects that are made: a token object gives its id, a session object becomes `session`'s. */
CK_RV cluster_create(struct module *m, CK_SESSION_HANDLE session, const struct template *t, CK_OBJECT_HANDLE *out);
CK_RV cluster_generate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct template *t,
                       CK_OBJECT_HANDLE *out);
CK_RV cluster_generate_pair(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism,
                            const struct template *public_half, const struct template *private_half, CK_OBJECT_HANDLE *public_key,
                            CK_OBJECT_HANDLE *private_key);

enum err cluster_destroy(struct module *m, CK_OBJECT_HANDLE handle);

/* Asked for nothing but what every reply says: its policy (module/state/policy.h). */
enum err cluster_hear(struct module *m);

/* A key that is used. */
struct key_request {
    const struct known *key;
    const Hsm__Mechanism *mechanism;
    const uint8_t *data;
    size_t data_bytes;
    bool recover; /* C_SignRecover */
    const struct secret *password; /* for this use (module/state/reauthentication.h), or NULL */
};
/* *bytes is the room at first. ERR_MALFORMED: the signature does not fit, which no vault of ours makes. */
enum err cluster_sign(struct module *m, const struct key_request *k, uint8_t *signature, size_t *bytes);
enum err cluster_verify(struct module *m, const struct key_request *k, const uint8_t *signature, size_t bytes);

/* A one-time password made, or held against the one that is given: ERR_SIGNATURE. ERR_UNKNOWN_OUTCOME's like: it may count as used. */
enum err cluster_one_time(struct module *m, const struct key_request *k, uint8_t *password, size_t *bytes);
enum err cluster_one_time_verify(struct module *m, const struct key_request *k, const uint8_t *password, size_t bytes);

/* The digest of all that was fed, with the keys that are hidden. *bytes is the room at first. */
enum err cluster_digest_key(struct module *m, const struct mechanism *digest, const struct digest_parts *fed, uint8_t *out, size_t *bytes);
struct bytes {
    const uint8_t *bytes;
    size_t n;
};
/* name NULL or old.bytes set: one's own. The caller has the login's turn, here and below. */
enum err cluster_change_password(struct module *m, const char *name, struct bytes old, struct bytes new);
enum err cluster_user_create(struct module *m, const char *name, struct bytes password);
/* Tries the password of who is logged in, as the cluster counts it. */
enum err cluster_check_password(struct module *m, const struct secret *password);
enum err cluster_activate(struct module *m, struct bytes password);

/* Whether the cluster may be wiped, and which version of it was asked, as the vault that answers knows it. */
enum err cluster_is_wipeable(struct module *m, bool *wipeable, uint64_t *version);
/* Wipes it, under an admin's login, part by part until there is no more. What was begun and has failed is gone on with at the next call.
 * ERR_WRONG_STATE: it is another version by now, so nothing was wiped; or it was forbidden meanwhile. */
enum err cluster_wipe(struct module *m, uint64_t version);

#endif
