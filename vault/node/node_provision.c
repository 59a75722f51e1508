/* Provisioning: the hardware key is made here and never leaves; both roots certify it; from then on it vouches for the node's own keys. */
#include <string.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "vault/node/device.h"
#include "vault/node/node_key.h"
#include "vault/node/permit.h"
#include "vault/node/step.h"
#include "vault/provider/agree.h"

/* ---- make_hardware */

static enum err make_request(struct work *w, const char *name, struct key *hardware, struct buffer *out)
{
    struct permit_key key = {.libctx = work_vault(w)->libctx, .which = IDENTITY_HARDWARE, .key = key_evp(hardware)};
    struct diag why = {0};
    X509_REQ *csr = NULL;
    enum err e = permit_request(&key, name, &csr, &why);

    if (e == ERR_OK)
        e = csr_write(csr, out);
    X509_REQ_free(csr);
    return work_explain(w, e, &why);
}

static enum err make_hardware(struct work *w, Hsm__NodeState *next, bool *changed)
{
    const char *name = work_node_call(w)->make_hardware->name;
    struct buffer csr = {0};
    struct key *hardware = NULL;
    enum err e = ERR_OK;

    if (next->node_certificate.len > 0) {
        work_detail(w, "this node is provisioned already: for another hardware key start it with an empty data folder");
        return ERR_WRONG_STATE;
    }
    if (name[0] == '\0' || strlen(name) > CERT_NAME_BYTES_MAX) {
        work_detail(w, "a node's name has 1 to %d bytes", CERT_NAME_BYTES_MAX);
        return ERR_ARGUMENTS;
    }
    *changed = next->hardware_private.len == 0; /* asked again: the same key, so that a request under way stays good */
    if (*changed) {
        e = node_key_make(work_vault(w)->libctx, &next->hardware_private, &hardware);
        if (e == ERR_OK)
            e = make_request(w, name, hardware, &csr);
        if (e == ERR_OK && (!identity_set(&next->hardware_csr, csr.data, csr.len) || !identity_set_text(&next->name, name)))
            e = ERR_NO_MEMORY;
    }
    if (e == ERR_OK)
        e = step_put(w, &work_node_answer(w)->csr, next->hardware_csr.data, next->hardware_csr.len);
    key_free(hardware);
    buffer_clear(&csr);
    return e;
}

enum err node_make_hardware_decide(struct work *w)
{
    return step_take(w, make_hardware);
}

/* ---- certify */

static enum err check_hardware(struct work *w, const struct device *d, const Hsm__NodeState *state)
{
    const struct chain_device chain = {.libctx = work_vault(w)->libctx, .now_s = step_now_s(w), .leaf_name = "node certificate",
                                       .manufacturer_hardware = d->manufacturer_hardware, .manufacturer_root = d->manufacturer_root,
                                       .operator_hardware = d->operator_hardware, .operator_root = d->operator_root};
    struct key *hardware = NULL;
    struct diag why = {0};
    enum err e;

    if (d->manufacturer_hardware == NULL || d->manufacturer_root == NULL || d->operator_hardware == NULL || d->operator_root == NULL) {
        work_detail(w, "provisioning takes four certificates: manufacturer's and operator's hardware certificate, and the root of each");
        return ERR_ARGUMENTS;
    }
    if (EVP_PKEY_eq(X509_get0_pubkey(d->manufacturer_root), X509_get0_pubkey(d->operator_root)) == 1) {
        work_detail(w, "manufacturer root and operator root are of one key: two authorities vouch for a node, so give two roots");
        return ERR_CERTIFICATE;
    }
    /* What the hardware key issues names its issuer once, and must hold under both. */
    if (X509_NAME_cmp(X509_get_subject_name(d->manufacturer_hardware), X509_get_subject_name(d->operator_hardware)) != 0) {
        work_detail(w, "the two hardware certificates name this node differently: have both issued with the same ID");
        return ERR_CERTIFICATE;
    }
    e = node_key_load(work_vault(w)->libctx, &state->hardware_private, &hardware);
    if (e == ERR_OK)
        e = chain_check_hardware(&chain, key_evp(hardware), &why);
    key_free(hardware);
    return work_explain(w, e, &why);
}

/* The node's own keys, and the certificate that says that they are in this vault. */
static enum err make_node_keys(struct work *w, const struct device *d, Hsm__NodeState *next)
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    struct cert_order order = {.libctx = libctx, .role = CERT_NODE, .name = next->name, .issuer = d->manufacturer_hardware,
                               .now_s = step_now_s(w), .days = NODE_CERTIFICATE_DAYS};
    struct permit_key hardware = {.libctx = libctx, .which = IDENTITY_HARDWARE};
    struct key *signer = NULL, *node = NULL;
    uint8_t kem[AGREE_KEY_BYTES];
    struct buffer der = {0};
    struct diag why = {0};
    X509 *cert = NULL;
    enum err e = node_key_load(libctx, &next->hardware_private, &signer);

    if (e == ERR_OK)
        e = node_key_make(libctx, &next->node_private, &node);
    if (e == ERR_OK)
        e = node_key_make_agree(libctx, &next->kem_private);
    if (e == ERR_OK)
        e = node_key_agree_public(libctx, &next->kem_private, kem);
    if (e == ERR_OK) {
        hardware.key = key_evp(signer);
        order.subject_key = key_evp(node);
        order.kem_public = kem;
        e = permit_certificate(&hardware, &order, &cert, &why);
    }
    if (e == ERR_OK)
        e = cert_write(cert, &der);
    if (e == ERR_OK && !identity_set(&next->node_certificate, der.data, der.len))
        e = ERR_NO_MEMORY;
    X509_free(cert);
    key_free(node);
    key_free(signer);
    buffer_clear(&der);
    return work_explain(w, e, &why);
}

static enum err certify(struct work *w, Hsm__NodeState *next, bool *changed)
{
    const Hsm__NodeCertify *call = work_node_call(w)->certify;
    const struct device_der der = {.manufacturer_hardware = call->manufacturer_certificate, .manufacturer_root = call->manufacturer_root,
                                   .operator_hardware = call->operator_certificate, .operator_root = call->operator_root};
    struct device d = {0};
    struct diag why = {0};
    enum err e;

    (void)changed;
    if (next->hardware_private.len == 0 || next->node_certificate.len > 0) {
        work_detail(w, next->hardware_private.len == 0 ? "this node has no hardware key yet: have its request certified first"
                                                       : "this node is provisioned already");
        return ERR_WRONG_STATE;
    }
    e = work_explain(w, device_read(work_vault(w)->libctx, &der, &d, &why), &why);
    if (e == ERR_OK)
        e = check_hardware(w, &d, next);
    if (e == ERR_OK && (!identity_set(&next->manufacturer_hardware, der.manufacturer_hardware.data, der.manufacturer_hardware.len) ||
                        !identity_set(&next->manufacturer_root, der.manufacturer_root.data, der.manufacturer_root.len) ||
                        !identity_set(&next->operator_hardware, der.operator_hardware.data, der.operator_hardware.len) ||
                        !identity_set(&next->operator_root, der.operator_root.data, der.operator_root.len)))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = make_node_keys(w, &d, next);
    device_clear(&d);
    return e;
}

enum err node_certify_decide(struct work *w)
{
    return step_take(w, certify);
}
