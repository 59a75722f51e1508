/* The customer claims the cluster: its certificate, the authority above it and the first clients' authority become the cluster record.
 *
 * Once in a cluster's life, and by the node that created it. The vault does not take its front's word that there is no record yet: a
 * state that was sealed when there was one says so (NodeState.cluster_version), and nodes that joined never initialize. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "proto/limits.h"
#include "vault/node/cluster_body.h"
#include "vault/node/device.h"
#include "vault/node/step.h"

static enum err may_initialize(struct work *w, const struct identity *i)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    const Hsm__NodeState *s = i != NULL ? identity_state(i) : NULL;
    const char *text = NULL;

    if (s == NULL)
        text = "the vault is not started";
    else if (s->keys == NULL)
        text = "this node belongs to no cluster yet: create one first";
    else if (s->cluster_csr.len == 0)
        text = "this node has joined its cluster: the one that created it initializes it";
    else if (s->cluster_version > 0 || (view != NULL && view->body != NULL))
        text = "the cluster is initialized already";
    keyring_view_done(work_vault(w)->keyring, view);
    if (text == NULL)
        return ERR_OK;
    work_detail(w, "%s", text);
    return s != NULL ? ERR_WRONG_STATE : ERR_VAULT_LOCKED;
}

static enum err read_certificate(struct work *w, const char *what, const ProtobufCBinaryData *der, X509 **out)
{
    struct diag why = {0};

    if (der->len > CERTIFICATE_BYTES_MAX) {
        work_detail(w, "%s has %zu bytes, the limit is %u", what, der->len, CERTIFICATE_BYTES_MAX);
        return ERR_CERTIFICATE;
    }
    return work_explain(w, cert_read(work_vault(w)->libctx, what, der->data, der->len, out, &why), &why);
}

/* An authority that can vouch for others today. */
static enum err check_authority(struct work *w, const char *what, X509 *cert)
{
    time_t now = (time_t)step_now_s(w);

    if (X509_check_ca(cert) != 1) {
        work_detail(w, "%s is no authority: it lacks basicConstraints with CA:TRUE; give the certificate of the authority itself", what);
        return ERR_CERTIFICATE;
    }
    if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0) {
        work_detail(w, "%s has expired: give a newer one, or set this machine's clock", what);
        return ERR_CERTIFICATE;
    }
    return ERR_OK;
}

/* A client that pins no key takes for the cluster whoever has the customer's word for it and the cluster's name. So the authority must
 * not vouch for clients, who would name themselves, and the certificate must have the name. */
static enum err check_told_apart(struct work *w, const struct identity *i, X509 *cluster, X509 *customer, X509 *clients)
{
    const ProtobufCBinaryData *id = &identity_state(i)->cluster_id;
    char name[CLUSTER_NAME_BYTES];
    uint8_t named[CLUSTER_ID_BYTES];

    if (EVP_PKEY_eq(X509_get0_pubkey(customer), X509_get0_pubkey(clients)) == 1) {
        work_detail(w, "the customer's authority is the clients' too, so that any of them could stand in for the cluster: "
                       "make an authority of its own for clients, or pin the cluster's key in every client and say "
                       "--clients-pin");
        return ERR_CERTIFICATE;
    }
    ERR_clear_error();
    if (!cluster_name_read(X509_get_subject_name(cluster), named) || id->len != sizeof named ||
        memcmp(named, id->data, sizeof named) != 0) {
        cluster_name(id->data, name);
        work_detail(w, "the cluster certificate has another common name than its request, %s: sign it with that, or pin "
                       "the cluster's key in every client and say --clients-pin", name);
        return ERR_CERTIFICATE;
    }
    return ERR_OK;
}

static enum err check_certificates(struct work *w, const struct identity *i)
{
    const Hsm__ClusterInitialize *call = work_node_call(w)->initialize;
    X509 *cluster = NULL, *customer = NULL, *clients = NULL;
    struct diag why = {0};
    enum err e = read_certificate(w, "the cluster certificate", &call->cluster_certificate, &cluster);

    if (e == ERR_OK)
        e = read_certificate(w, "the customer's authority", &call->customer_anchor, &customer);
    if (e == ERR_OK)
        e = read_certificate(w, "the client anchor", &call->client_anchor, &clients);
    if (e == ERR_OK)
        e = check_authority(w, "the customer's authority", customer);
    if (e == ERR_OK)
        e = check_authority(w, "the client anchor", clients);
    if (e == ERR_OK)
        e = work_explain(w, chain_check_cluster(work_vault(w)->libctx, step_now_s(w), cluster, identity_key(i, IDENTITY_CLUSTER), customer,
                                                &why), &why);
    if (e == ERR_OK && !call->clients_pin)
        e = check_told_apart(w, i, cluster, customer, clients);
    X509_free(cluster);
    X509_free(customer);
    X509_free(clients);
    return e;
}

static enum err put_record(struct work *w, const Hsm__NodeState *s)
{
    const Hsm__ClusterInitialize *call = work_node_call(w)->initialize;
    Hsm__ClusterBody body = HSM__CLUSTER_BODY__INIT;
    Hsm__ClusterMember first = HSM__CLUSTER_MEMBER__INIT, *members[] = {&first};
    ProtobufCBinaryData anchors[] = {call->client_anchor};
    uint8_t fingerprint[DEVICE_HASH_BYTES];
    struct device_der der = {.node = s->node_certificate};
    struct device d = {0};
    struct diag why = {0};
    enum err e = device_read(work_vault(w)->libctx, &der, &d, &why);

    if (e == ERR_OK)
        e = device_fingerprint(work_vault(w)->libctx, d.node, fingerprint);
    if (e == ERR_OK) {
        first.node_id = s->node_id;
        first.fingerprint = (ProtobufCBinaryData){.data = fingerprint, .len = sizeof fingerprint};
        body.manufacturer_root = s->manufacturer_root;
        body.operator_root = s->operator_root;
        body.customer_anchor = call->customer_anchor;
        body.cluster_certificate = call->cluster_certificate;
        body.client_anchors = anchors;
        body.n_client_anchors = 1;
        body.trust_epoch = 1;
        body.login_key_epoch = 1;
        body.next_node_id = s->node_id + 1;
        body.members = members;
        body.n_members = 1;
        e = cluster_body_put(w, &body, 0);
    }
    device_clear(&d);
    return e;
}

enum err node_initialize_decide(struct work *w)
{
    struct identity *i = keyring_identity(work_vault(w)->keyring);
    const struct opened_record *there = NULL;
    enum err e = may_initialize(w, i);

    if (e == ERR_OK) {
        e = work_record(w, CLUSTER_RECORD_ID, HSM__RECORD_KIND__RECORD_NONE, &there);
        if (e == ERR_OK) {
            work_detail(w, "the cluster is initialized already");
            e = ERR_WRONG_STATE;
        } else if (e == ERR_NOT_FOUND) {
            e = check_certificates(w, i);
            if (e == ERR_OK)
                e = put_record(w, identity_state(i));
        }
    }
    keyring_identity_done(i);
    return e;
}

/* By now the record has been applied, and told on the check pair: it counts from here on, also after a restart. */
enum err node_initialize_answer(struct work *w)
{
    return step_note_cluster(w);
}
