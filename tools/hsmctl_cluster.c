/* hsmctl cluster: claiming a cluster, over a node's Unix socket, and what its admin does, over the client connection. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "certs/pem_file.h"
#include "common/hex.h"
#include "tools/hsmctl.h"
#include "tools/show.h"

/* ---- over the socket --------------------------------------------------------------------------------------- */

/* One of the files that CloudHSM names so: <cluster id>_<end>. What the node does not have is left out. */
static bool write_one(struct output *o, const char *folder, const char *id, const char *end, const ProtobufCBinaryData *der, bool is_csr,
                      struct diag *why)
{
    char path[PATH_MAX];
    X509_REQ *csr = NULL;
    X509 *cert = NULL;
    bool ok;

    if (der->len == 0)
        return true;
    if (!pem_path(path, folder, id, end, why))
        return false;
    if (is_csr)
        ok = show_csr_read(der, &csr, why) && pem_make_csr(path, csr, why);
    else
        ok = show_cert_read(der, &cert, why) && pem_make_cert(path, cert, why);
    X509_REQ_free(csr);
    X509_free(cert);
    if (ok) {
        output_row(o);
        output_text(o, "file", path);
    }
    return ok;
}

static enum status write_csr_files(const struct invocation *call, const Hsm__NodeFacts *f)
{
    const char *folder = option_or(call, OPTION_out, ".");
    char id[2 * 32 + 1];
    struct diag why = {0};
    struct output *o = output_new();

    hex_encode(f->cluster_id.data, f->cluster_id.len, id);
    output_text(o, "cluster_id", id);
    output_text(o, "next", "verify as docs/verify.md says, sign the request by your own authority, then \"hsmctl cluster initialize\"");
    output_table(o, "files");
    if (write_one(o, folder, id, "_ClusterCsr.csr", &f->cluster_csr, true, &why) &&
        write_one(o, folder, id, "_HsmCertificate.crt", &f->hsm_certificate, false, &why) &&
        write_one(o, folder, id, "_ManufacturerHardwareCertificate.crt", &f->manufacturer_hardware, false, &why) &&
        write_one(o, folder, id, "_OperatorHardwareCertificate.crt", &f->operator_hardware, false, &why)) {
        output_table_end(o);
        return answer(call, o);
    }
    output_free(o);
    return complain(call, STATUS_FILE, "not all files were written", &why);
}

enum status cluster_csr(const struct invocation *call)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalCsr csr = HSM__LOCAL_CSR__INIT;
    Hsm__LocalReply *reply = NULL;
    struct diag why = {0};
    enum status s;

    request.of_case = HSM__LOCAL_REQUEST__OF_CSR;
    request.csr = &csr;
    s = node_ask(call, "no cluster request", &request, &reply);
    if (s != STATUS_DONE)
        return s;
    if (reply->facts == NULL || reply->facts->cluster_csr.len == 0 || reply->facts->cluster_id.len == 0 ||
        reply->facts->cluster_id.len > 32) {
        diag_set(&why, "this node has no cluster yet");
        diag_remedy(&why, "provision it, then start its hsmd with --create");
        s = complain(call, STATUS_REFUSED, "no cluster request", &why);
    } else {
        s = write_csr_files(call, reply->facts);
    }
    hsm__local_reply__free_unpacked(reply, NULL);
    return s;
}

enum status cluster_initialize(const struct invocation *call)
{
    const char *doing = "the cluster was not initialized";
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalInitialize initialize = HSM__LOCAL_INITIALIZE__INIT;
    ProtobufCBinaryData *const into[] = {&initialize.cluster_certificate, &initialize.customer_anchor, &initialize.client_anchor};
    Hsm__LocalReply *reply = NULL;
    struct diag why = {0};
    enum status s = STATUS_DONE;

    for (size_t i = 0; i < sizeof into / sizeof into[0] && s == STATUS_DONE; i++)
        if (!show_cert_load(call->arguments[i], into[i], &why))
            s = complain(call, STATUS_FILE, doing, &why);
    request.of_case = HSM__LOCAL_REQUEST__OF_INITIALIZE;
    request.initialize = &initialize;
    initialize.clients_pin = call->options[OPTION_clients_pin] != NULL;
    if (s == STATUS_DONE)
        s = node_ask(call, doing, &request, &reply);
    for (size_t i = 0; i < sizeof into / sizeof into[0]; i++)
        OPENSSL_free(into[i]->data);
    if (s == STATUS_DONE) {
        struct output *o = output_new();

        output_text(o, "state", reply->facts != NULL ? reply->facts->state : NULL);
        output_text(o, "next", "set the admin's password: \"hsmctl cluster activate\"");
        hsm__local_reply__free_unpacked(reply, NULL);
        s = answer(call, o);
    }
    return s;
}

/* ---- over the client connection ------------------------------------------------------------------------------ */

enum status cluster_activate(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Activate activate = HSM__ACTIVATE__INIT;
    struct secret password = {0};
    Hsm__Reply *reply = NULL;
    struct remote r;
    struct output *o;
    enum status s = remote_open(call, &r);

    if (s == STATUS_DONE)
        s = new_password_of(call, "admin", &password);
    if (s == STATUS_DONE) {
        request.of_case = HSM__REQUEST__OF_ACTIVATE;
        request.activate = &activate;
        activate.wipeable = call->options[OPTION_wipeable] != NULL;
        activate.password = (ProtobufCBinaryData){.data = password.bytes, .len = password.len};
        progress(call, "activating");
        s = remote_call(call, &r, "the cluster was not activated", &request, HSM__REPLY__OF_EMPTY, &reply);
    }
    secret_clear(&password);
    rpc_reply_free(reply);
    remote_close(&r);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_text(o, "state", "active");
    output_text(o, "admin", "admin");
    output_text(o, "next", "let other nodes join (\"hsmctl cluster grant\"), make users (\"hsmctl user create\")");
    return answer(call, o);
}

/* As "hsmctl node status" shows it; colons between bytes, as other tools print them, are left out. */
static bool read_fingerprint(const char *text, uint8_t out[32], struct diag *why)
{
    char plain[2 * 32 + 1];
    size_t n = 0, bytes = 0;

    for (; *text != '\0' && n < sizeof plain - 1; text++)
        if (*text != ':')
            plain[n++] = *text;
    plain[n] = '\0';
    if (*text == '\0' && hex_decode(plain, out, 32, &bytes) && bytes == 32)
        return true;
    diag_set(why, "a fingerprint is 32 bytes in hexadecimal");
    diag_remedy(why, "take it from \"hsmctl node status\" on the node that is to join");
    return false;
}

enum status cluster_grant(const struct invocation *call)
{
    const char *doing = "the node was not granted leave to join";
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    uint8_t fingerprint[32];
    struct diag why = {0};
    Hsm__Reply *reply = NULL;
    struct output *o;
    enum status s;

    if (!read_fingerprint(call->arguments[0], fingerprint, &why))
        return complain(call, STATUS_USAGE, doing, &why);
    request.of_case = HSM__REQUEST__OF_NODE_GRANT;
    request.node_grant = &grant;
    grant.fingerprint = (ProtobufCBinaryData){.data = fingerprint, .len = sizeof fingerprint};
    s = remote_as_admin(call, doing, &request, HSM__REPLY__OF_EMPTY, &reply);
    if (s != STATUS_DONE)
        return s;
    rpc_reply_free(reply);
    o = output_new();
    output_bytes(o, "granted", fingerprint, sizeof fingerprint);
    output_text(o, "next", "on that node: \"hsmctl node join PEER\"; it asks until it is let in");
    return answer(call, o);
}

static enum status show_policy(const struct invocation *call)
{
    Hsm__Reply *reply = NULL;
    struct remote r;
    struct output *o;
    enum status s = remote_open(call, &r);

    if (s == STATUS_DONE)
        s = remote_status(call, &r, "cannot ask the cluster", &reply);
    remote_close(&r);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_text(o, "policy", reply->status->policy);
    rpc_reply_free(reply);
    return answer(call, o);
}

static enum status set_policy(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__PolicySet set = HSM__POLICY_SET__INIT;
    Hsm__Reply *reply = NULL;
    struct output *o;
    enum status s;

    request.of_case = HSM__REQUEST__OF_POLICY_SET;
    request.policy_set = &set;
    set.policy = (char *)(uintptr_t)call->arguments[0];
    s = remote_as_admin(call, "the policy was not changed", &request, HSM__REPLY__OF_EMPTY, &reply);
    if (s != STATUS_DONE)
        return s;
    rpc_reply_free(reply);
    o = output_new();
    output_text(o, "policy", set.policy);
    return answer(call, o);
}

enum status cluster_policy(const struct invocation *call)
{
    return call->n_arguments > 0 ? set_policy(call) : show_policy(call);
}

static enum status status_by_node(const struct invocation *call)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalStatus status = HSM__LOCAL_STATUS__INIT;
    Hsm__LocalReply *reply = NULL;
    struct diag why = {0};
    enum status s;
    struct output *o;

    request.of_case = HSM__LOCAL_REQUEST__OF_STATUS;
    request.status = &status;
    s = node_ask(call, "cannot ask the node", &request, &reply);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    if (show_cluster_of(o, reply)) {
        s = answer(call, o);
    } else {
        output_free(o);
        diag_set(&why, "this node belongs to no cluster yet");
        diag_remedy(&why, "\"hsmctl node status\" shows what it is");
        s = complain(call, STATUS_REFUSED, "no cluster to show", &why);
    }
    hsm__local_reply__free_unpacked(reply, NULL);
    return s;
}

enum status cluster_status(const struct invocation *call)
{
    Hsm__Reply *reply = NULL;
    struct remote r;
    struct output *o = NULL;
    enum status s;

    if (call->options[OPTION_socket] != NULL || call->options[OPTION_node_config] != NULL)
        return status_by_node(call);
    s = remote_open(call, &r);
    if (s == STATUS_DONE) {
        progress(call, "asking the cluster");
        s = remote_status(call, &r, "cannot ask the cluster", &reply);
    }
    if (s == STATUS_DONE) {
        o = output_new();
        show_cluster(o, reply->status);
    }
    rpc_reply_free(reply);
    remote_close(&r);
    return s == STATUS_DONE ? answer(call, o) : s;
}
