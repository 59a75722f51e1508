#include "tools/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "certs/pem_file.h"

/* SHA-256 of the certificate's public key, which is what a client pins. */
static void show_key_hash(struct output *o, const char *key, const ProtobufCBinaryData *der)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *cert = NULL;
    uint8_t *info = NULL;
    int len = 0;

    if (der->len > 0 && cert_read(NULL, "the certificate", der->data, der->len, &cert, NULL) == ERR_OK)
        len = i2d_PUBKEY(X509_get0_pubkey(cert), &info);
    if (len > 0 && EVP_Digest(info, (size_t)len, hash, &n, EVP_sha256(), NULL) != 1)
        n = 0;
    output_bytes(o, key, hash, n);
    OPENSSL_free(info);
    X509_free(cert);
    ERR_clear_error();
}

static void show_raft(struct output *o, const Hsm__StatusReply *status)
{
    output_number(o, "leader_id", status->leader_id);
    output_number(o, "term", status->term);
    output_number(o, "commit", status->commit);
    output_table(o, "nodes");
    for (size_t i = 0; i < status->n_nodes; i++) {
        const Hsm__NodeStatus *n = status->nodes[i];

        output_row(o);
        output_number(o, "id", n->id);
        output_text(o, "address", n->address);
        output_text(o, "role", n->role);
        output_flag(o, "connected", n->connected);
        output_number(o, "applied", n->applied);
        output_bytes(o, "fingerprint", n->fingerprint.data, n->fingerprint.len);
    }
    output_table_end(o);
}

static bool is_voter(const Hsm__NodeStatus *n)
{
    return strcmp(n->role, "voter") == 0 || strcmp(n->role, "leader") == 0;
}

/* Which voters are not connected, "3 (n3:7001), 4"; how many there are, and how many of them are connected. */
static void list_missing(const Hsm__StatusReply *status, char *text, size_t room, size_t *voters, size_t *connected)
{
    size_t at = 0;

    text[0] = '\0';
    *voters = *connected = 0;
    for (size_t i = 0; i < status->n_nodes; i++) {
        const Hsm__NodeStatus *n = status->nodes[i];
        bool has_address = n->address[0] != '\0';

        *voters += is_voter(n);
        *connected += is_voter(n) && n->connected;
        if (is_voter(n) && !n->connected && at < room)
            at += (size_t)snprintf(text + at, room - at, "%s%" PRIu64 "%s%.80s%s", at > 0 ? ", " : "", n->id, has_address ? " (" : "",
                                   n->address, has_address ? ")" : "");
    }
}

/* Of a cluster that calls itself degraded: what is missing, what that means, and what to do. */
static void show_degraded(struct output *o, const Hsm__StatusReply *status)
{
    char missing[256], means[96], text[512];
    size_t voters, connected, majority;

    if (strcmp(status->state, "degraded") != 0)
        return;
    list_missing(status, missing, sizeof missing, &voters, &connected);
    majority = voters / 2 + 1;
    if (connected < majority)
        snprintf(means, sizeof means, ", and %zu have to be: keys are not used and nothing is changed", majority);
    else if (connected == majority)
        snprintf(means, sizeof means, ": all is served, but none more may be lost");
    else
        snprintf(means, sizeof means, ": all is served, and %zu more may be lost", connected - majority);
    snprintf(text, sizeof text, "%zu of %zu voters are connected%s; missing: node %s", connected, voters, means, missing);
    output_text(o, "degraded", text);
    output_text(o, "next",
                "start hsmd there, or look into its log, and see that the nodes reach each other's listen.peer; a node that "
                "is gone for good: docs/operate.md");
}

void show_cluster(struct output *o, const Hsm__StatusReply *status)
{
    output_text(o, "state", status->state);
    show_degraded(o, status);
    output_bytes(o, "cluster_id", status->cluster_id.data, status->cluster_id.len);
    output_number(o, "node_id", status->node_id);
    if (status->policy[0] != '\0') { /* the vault's word: not over a node's socket */
        output_text(o, "policy", status->policy);
        output_flag(o, "wipeable", status->wipeable);
    }
    if (status->wiping)
        output_text(o, "wiping", "begun and not ended: crypto users are not served until \"hsmctl cluster wipe --yes\" has ended it, or "
                                 "\"--never\" called it off");
    show_raft(o, status);
}

/* What its operator does next; NULL: nothing, the node serves. */
static const char *next_of(const Hsm__NodeFacts *f)
{
    static const struct {
        const char *state, *next;
    } steps[] = {
        {"unprovisioned", "\"hsmctl node csr FILE\", for hsm-provision hardware; then \"hsmctl node provision FOLDER NAME\""},
        {"provisioned", "\"hsmctl node join PEER...\", and an admin's \"hsmctl cluster grant FINGERPRINT\"; or, to found a cluster, "
                        "start hsmd with --create"},
        {"uninitialized", "\"hsmctl cluster csr\", a look at what it wrote (docs/verify.md), then \"hsmctl cluster initialize\""},
        {"initialized", "\"hsmctl cluster activate\""},
    };

    if (f->locked)
        return "look into the log of hsmd; then start it with the right passphrase or key file";
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(f->state, steps[i].state) == 0)
            return steps[i].next;
    return NULL;
}

void show_node(struct output *o, const Hsm__LocalReply *reply)
{
    static const Hsm__NodeFacts nothing = HSM__NODE_FACTS__INIT;
    const Hsm__NodeFacts *f = reply->facts != NULL ? reply->facts : &nothing;
    Hsm__StatusReply *status = reply->status.len > 0 ? hsm__status_reply__unpack(NULL, reply->status.len, reply->status.data) : NULL;

    output_text(o, "state", f->locked ? "locked" : f->state);
    output_bytes(o, "fingerprint", f->fingerprint.data, f->fingerprint.len);
    output_number(o, "node_id", f->node_id);
    output_bytes(o, "cluster_id", f->cluster_id.data, f->cluster_id.len);
    show_key_hash(o, "cluster_pin", &f->cluster_certificate);
    output_text(o, "cluster_state", status != NULL ? status->state : NULL);
    if (reply->detail[0] != '\0') /* what keeps a joiner out */
        output_text(o, "waits", reply->detail);
    if (next_of(f) != NULL)
        output_text(o, "next", next_of(f));
    if (status != NULL) {
        show_raft(o, status);
        hsm__status_reply__free_unpacked(status, NULL);
    }
}

bool show_cluster_of(struct output *o, const Hsm__LocalReply *reply)
{
    Hsm__StatusReply *status = reply->status.len > 0 ? hsm__status_reply__unpack(NULL, reply->status.len, reply->status.data) : NULL;

    if (status == NULL)
        return false;
    show_cluster(o, status);
    hsm__status_reply__free_unpacked(status, NULL);
    return true;
}

bool show_csr_read(const ProtobufCBinaryData *der, X509_REQ **out, struct diag *why)
{
    return csr_read(NULL, der->data, der->len, out, why) == ERR_OK;
}

bool show_cert_read(const ProtobufCBinaryData *der, X509 **out, struct diag *why)
{
    return cert_read(NULL, "the node's certificate", der->data, der->len, out, why) == ERR_OK;
}

bool show_cert_load(const char *path, ProtobufCBinaryData *into, struct diag *why)
{
    X509 *cert = NULL;
    int n;

    if (!pem_read_cert(path, &cert, why))
        return false;
    n = i2d_X509(cert, &into->data);
    X509_free(cert);
    if (n <= 0) {
        diag_set(why, "out of memory");
        return false;
    }
    into->len = (size_t)n;
    return true;
}
