#include "tests/unit/draft.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_BYTES = 16 };

static const uint8_t cluster[16] = "cluster-of-test";

struct draft draft_new(uint64_t born, const char *name)
{
    struct draft d = {.born = born, .result = "", .cluster = cluster};
    snprintf((char *)d.request_id, sizeof d.request_id, "%s", name);
    memcpy(d.digest, d.request_id, sizeof d.request_id);
    return d;
}

void draft_put(struct draft *d, uint64_t id, uint64_t version, Hsm__RecordKind kind, uint64_t owner, const char *token)
{
    d->put[d->n_put].id = id;
    d->put[d->n_put].version = version;
    d->put[d->n_put].kind = kind;
    d->put[d->n_put].owner = owner;
    d->put[d->n_put++].token = token;
}

static ProtobufCBinaryData bytes_of(const void *at, size_t n)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)at, .len = n};
}

static size_t pack_record(const struct draft *d, size_t i, uint8_t *out)
{
    Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
    Hsm__Record r = HSM__RECORD__INIT;
    ProtobufCBinaryData token = bytes_of(d->put[i].token, TOKEN_BYTES);
    uint8_t header[256];

    h.format = 1;
    h.cluster_id = bytes_of(d->cluster, 16);
    h.id = d->put[i].id;
    h.kind = d->put[i].kind;
    h.version = d->put[i].version;
    h.owner = d->put[i].owner;
    h.request_id = bytes_of(d->request_id, 16);
    h.tokens = &token;
    h.n_tokens = d->put[i].token != NULL;
    r.header = bytes_of(header, hsm__record_header__pack(&h, header));
    r.sealed = bytes_of("sealed", 6);
    return hsm__record__pack(&r, out);
}

size_t draft_pack(const struct draft *d, uint8_t *out)
{
    Hsm__CommandBody b = HSM__COMMAND_BODY__INIT;
    Hsm__Command c = HSM__COMMAND__INIT;
    Hsm__Change change[8], *changes[8];
    Hsm__Precondition pre[4], *pres[4];
    uint8_t records[4][512], body[4096];

    b.cluster_id = bytes_of(d->cluster, 16);
    b.request_id = bytes_of(d->request_id, 16);
    b.digest = bytes_of(d->digest, 32);
    b.born_index = d->born;
    b.lease_ids = d->lease;
    b.result = bytes_of(d->result, strlen(d->result));
    for (size_t i = 0; i < d->n_put + d->n_erase; i++) {
        hsm__change__init(&change[i]);
        changes[i] = &change[i];
        if (i < d->n_put) {
            change[i].of_case = HSM__CHANGE__OF_PUT;
            change[i].put = bytes_of(records[i], pack_record(d, i, records[i]));
        } else {
            change[i].of_case = HSM__CHANGE__OF_ERASE;
            change[i].erase = d->erase[i - d->n_put];
        }
    }
    for (size_t i = 0; i < d->n_pre; i++) {
        hsm__precondition__init(&pre[i]);
        pre[i].id = d->pre[i][0];
        pre[i].version = d->pre[i][1];
        pres[i] = &pre[i];
    }
    b.changes = changes;
    b.n_changes = d->n_put + d->n_erase;
    b.preconditions = pres;
    b.n_preconditions = d->n_pre;
    c.body = bytes_of(body, hsm__command_body__pack(&b, body));
    return hsm__command__pack(&c, out);
}
