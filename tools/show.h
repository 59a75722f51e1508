/* What nodes and clusters say of themselves, as descriptions; certificates between files and messages. */
#ifndef CLUSTERHSM_TOOLS_SHOW_H
#define CLUSTERHSM_TOOLS_SHOW_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "common/diag.h"
#include "proto/node.pb-c.h"
#include "proto/request.pb-c.h"
#include "tools/output.h"

/* What a node is and, where its reply has the cluster's status, what it sees of that. */
void show_node(struct output *o, const Hsm__LocalReply *reply);
void show_cluster(struct output *o, const Hsm__StatusReply *status);
/* The same from a node's reply; false: it has none. */
bool show_cluster_of(struct output *o, const Hsm__LocalReply *reply);

/* From a message's DER; the caller frees. */
bool show_csr_read(const ProtobufCBinaryData *der, X509_REQ **out, struct diag *why);
bool show_cert_read(const ProtobufCBinaryData *der, X509 **out, struct diag *why);

/* A certificate file into a message's field; freed with OPENSSL_free(into->data). */
bool show_cert_load(const char *path, ProtobufCBinaryData *into, struct diag *why);

#endif
