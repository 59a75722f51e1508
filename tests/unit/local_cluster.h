/* An active cluster of one local node with the product's handlers, made by requests as in life: the admin, and the crypto user alice,
 * who is logged in. Below the module's own functions; for those see tests/unit/token.h. */
#ifndef CLUSTERHSM_TESTS_UNIT_LOCAL_CLUSTER_H
#define CLUSTERHSM_TESTS_UNIT_LOCAL_CLUSTER_H

#include "module/rpc/rpc.h"
#include "tests/unit/local_node.h"

#define LOCAL_ADMIN_PASSWORD "admin-password"
#define LOCAL_ALICE_PASSWORD "alice-password"

struct local_cluster {
    struct local_node *node;
    struct client_identity identity;
    struct rpc *rpc; /* by which all the calls below are made */
};

/* Whether clusters that are made from here on may be wiped. */
extern bool local_cluster_wipeable;

/* These two end the test on failure; all others return what the vault or the module says. */
void local_cluster_new(struct local_cluster *c);
void local_cluster_free(struct local_cluster *c);

/* Another client of the same identity; the caller's. */
struct rpc *local_cluster_dial(struct local_cluster *c);

/* reply: NULL if nobody wants it, else freed with rpc_reply_free. */
enum err local_cluster_ask(struct local_cluster *c, const Hsm__Request *request, Hsm__Reply **reply);

enum err local_cluster_login(struct local_cluster *c, const char *name, const char *password, bool admin);
enum err local_cluster_make_user(struct local_cluster *c, const char *name, const char *password); /* a crypto user */
enum err local_cluster_change_password(struct local_cluster *c, const char *old, const char *new);

/* A P-256 pair on the token; the private key's id. */
enum err local_cluster_generate(struct local_cluster *c, uint64_t *private_id);
enum err local_cluster_generate_asking(struct local_cluster *c, uint64_t *private_id); /* its CKA_ALWAYS_AUTHENTICATE is true */
enum err local_cluster_sign(struct local_cluster *c, uint64_t id);
enum err local_cluster_sign_with(struct local_cluster *c, uint64_t id, const char *password); /* which goes along with the use */
enum err local_cluster_destroy(struct local_cluster *c, uint64_t id);

#endif
