/* hsmctl node: one node, over its own Unix socket. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "certs/pem_file.h"
#include "tools/hsmctl.h"
#include "tools/show.h"

static enum status ask_status(const struct invocation *call, Hsm__LocalReply **out)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalStatus status = HSM__LOCAL_STATUS__INIT;

    request.of_case = HSM__LOCAL_REQUEST__OF_STATUS;
    request.status = &status;
    return node_ask(call, "cannot ask the node", &request, out);
}

enum status node_status(const struct invocation *call)
{
    Hsm__LocalReply *reply = NULL;
    enum status s = ask_status(call, &reply);
    struct output *o;

    if (s != STATUS_DONE)
        return s;
    o = output_new();
    show_node(o, reply);
    hsm__local_reply__free_unpacked(reply, NULL);
    return answer(call, o);
}

/* On standard output: as a file has it, or as JSON where programs ask. */
static enum status show_csr(const struct invocation *call, X509_REQ *csr)
{
    BIO *memory;
    char *text = NULL;
    struct output *o;

    if (call->options[OPTION_json] == NULL)
        return PEM_write_X509_REQ(stdout, csr) == 1 && fflush(stdout) == 0 ? STATUS_DONE : STATUS_FILE;
    memory = BIO_new(BIO_s_mem());
    o = output_new();
    if (memory != NULL && PEM_write_bio_X509_REQ(memory, csr) == 1 && BIO_write(memory, "", 1) == 1 &&
        BIO_get_mem_data(memory, &text) > 0)
        output_text(o, "request", text);
    BIO_free(memory);
    return answer(call, o);
}

enum status node_csr(const struct invocation *call)
{
    const char *path = call->n_arguments > 0 ? call->arguments[0] : NULL;
    const char *doing = "no hardware request";
    Hsm__LocalReply *reply = NULL;
    X509_REQ *csr = NULL;
    struct diag why = {0};
    enum status s = ask_status(call, &reply);

    if (s != STATUS_DONE)
        return s;
    if (reply->facts == NULL || reply->facts->hardware_csr.len == 0) {
        diag_set(&why, "the node has none to give: it is %s",
                 reply->facts != NULL && reply->facts->state[0] != '\0' ? reply->facts->state : "not ready");
        diag_remedy(&why, "a provisioned node keeps its certificates; another name needs an empty data folder");
        s = complain(call, STATUS_REFUSED, doing, &why);
    } else if (!show_csr_read(&reply->facts->hardware_csr, &csr, &why)) {
        s = complain(call, STATUS_REFUSED, doing, &why);
    } else if (path == NULL) {
        s = show_csr(call, csr);
    } else if (!pem_make_csr(path, csr, &why)) {
        s = complain(call, STATUS_FILE, doing, &why);
    } else {
        struct output *o = output_new();

        output_text(o, "made", path);
        output_text(o, "next", "let manufacturer and operator sign it: hsm-provision hardware");
        s = answer(call, o);
    }
    X509_REQ_free(csr);
    hsm__local_reply__free_unpacked(reply, NULL);
    return s;
}

/* The state that a node answers with after it did something. */
static enum status show_state(const struct invocation *call, Hsm__LocalReply *reply, const char *next)
{
    struct output *o = output_new();

    output_text(o, "state", reply->facts != NULL ? reply->facts->state : NULL);
    if (reply->facts != NULL)
        output_bytes(o, "fingerprint", reply->facts->fingerprint.data, reply->facts->fingerprint.len);
    output_text(o, "next", next);
    hsm__local_reply__free_unpacked(reply, NULL);
    return answer(call, o);
}

enum status node_provision(const struct invocation *call)
{
    const char *folder = call->arguments[0], *name = call->arguments[1];
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalProvision provision = HSM__LOCAL_PROVISION__INIT;
    const struct {
        const char *stem, *end;
        ProtobufCBinaryData *into;
    } files[] = {
        {name, "_ManufacturerHardwareCertificate.crt", &provision.manufacturer_certificate},
        {"manufacturerRoot", ".crt", &provision.manufacturer_root},
        {name, "_OperatorHardwareCertificate.crt", &provision.operator_certificate},
        {"operatorRoot", ".crt", &provision.operator_root},
    };
    Hsm__LocalReply *reply = NULL;
    struct diag why = {0};
    enum status s = STATUS_DONE;

    for (size_t i = 0; i < sizeof files / sizeof files[0] && s == STATUS_DONE; i++) {
        char path[PATH_MAX];

        if (!pem_path(path, folder, files[i].stem, files[i].end, &why) || !show_cert_load(path, files[i].into, &why))
            s = complain(call, STATUS_FILE, "the node was not provisioned", &why);
    }
    request.of_case = HSM__LOCAL_REQUEST__OF_PROVISION;
    request.provision = &provision;
    if (s == STATUS_DONE)
        s = node_ask(call, "the node was not provisioned", &request, &reply);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        OPENSSL_free(files[i].into->data);
    if (s != STATUS_DONE)
        return s;
    return show_state(call, reply, "the first node of a cluster is started with --create, once (if it was, \"hsmctl cluster csr\"); "
                                  "every other is told \"hsmctl node join PEER...\"");
}

enum status node_join(const struct invocation *call)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalJoin join = HSM__LOCAL_JOIN__INIT;
    char *peers[ARGUMENTS_MAX];
    Hsm__LocalReply *reply = NULL;
    enum status s;

    for (size_t i = 0; i < call->n_arguments; i++)
        peers[i] = (char *)(uintptr_t)call->arguments[i]; /* only read */
    join.n_peers = call->n_arguments;
    join.peers = peers;
    request.of_case = HSM__LOCAL_REQUEST__OF_JOIN;
    request.join = &join;
    s = node_ask(call, "the node was not told to join", &request, &reply);
    if (s != STATUS_DONE)
        return s;
    return show_state(call, reply, "an admin grants the fingerprint (\"hsmctl cluster grant\"); the node asks until it is let in");
}
