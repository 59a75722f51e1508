/* A new cluster begins: all that its vaults will share is made here, in the first of them. */
#include <openssl/err.h>
#include <openssl/rand.h>

#include "certs/issue.h"
#include "vault/node/node_key.h"
#include "vault/node/permit.h"
#include "vault/node/step.h"

enum { FIRST_EPOCH = 1 };

static enum err make_master(OSSL_LIB_CTX *libctx, Hsm__ClusterKeys *keys)
{
    struct master *m = NULL;
    enum err e = master_new(libctx, &m);

    if (e == ERR_OK)
        e = master_add(m, FIRST_EPOCH, NULL);
    if (e == ERR_OK && !identity_add_master(keys, FIRST_EPOCH, master_key(m, FIRST_EPOCH)))
        e = ERR_NO_MEMORY;
    master_free(m);
    return e;
}

static enum err make_request(struct work *w, Hsm__NodeState *next, struct key *cluster)
{
    struct permit_key key = {.libctx = work_vault(w)->libctx, .which = IDENTITY_CLUSTER, .key = key_evp(cluster)};
    char name[CLUSTER_NAME_BYTES];
    struct buffer der = {0};
    struct diag why = {0};
    X509_REQ *csr = NULL;
    enum err e;

    cluster_name(next->cluster_id.data, name);
    e = permit_request(&key, name, &csr, &why);
    if (e == ERR_OK)
        e = csr_write(csr, &der);
    if (e == ERR_OK && !identity_set(&next->cluster_csr, der.data, der.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = step_put(w, &work_node_answer(w)->csr, der.data, der.len);
    X509_REQ_free(csr);
    buffer_clear(&der);
    return work_explain(w, e, &why);
}

static enum err create(struct work *w, Hsm__NodeState *next, bool *changed)
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    uint64_t id = work_node_call(w)->create->node_id;
    uint8_t cluster_id[CLUSTER_ID_BYTES];
    struct key *cluster = NULL;
    struct diag why = {0};
    enum err e = ERR_OK;

    (void)changed;
    if (next->node_certificate.len == 0 || next->keys != NULL) {
        work_detail(w, next->keys != NULL ? "this node belongs to a cluster already" : "this node is not provisioned yet");
        return ERR_WRONG_STATE;
    }
    if (id == 0) {
        work_detail(w, "a node's number is 1 or more");
        return ERR_ARGUMENTS;
    }
    if (RAND_bytes_ex(libctx, cluster_id, sizeof cluster_id, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    next->node_id = id;
    next->keys = identity_new_keys();
    if (next->keys == NULL || !identity_set(&next->cluster_id, cluster_id, sizeof cluster_id))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = node_key_make(libctx, &next->keys->cluster_private, &cluster);
    if (e == ERR_OK)
        e = node_key_make_agree(libctx, &next->keys->login_private);
    if (e == ERR_OK)
        e = make_master(libctx, next->keys);
    if (e == ERR_OK)
        e = work_explain(w, step_issue_hsm(w, next, &why), &why);
    if (e == ERR_OK)
        e = make_request(w, next, cluster);
    key_free(cluster);
    return e;
}

enum err node_create_decide(struct work *w)
{
    return step_take(w, create);
}
