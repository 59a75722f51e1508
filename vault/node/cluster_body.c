#include "vault/node/cluster_body.h"

#include <string.h>

#include "proto/record_id.h"
#include "vault/access/body.h"
#include "vault/node/device.h"

enum err cluster_body_read(struct work *w, Hsm__ClusterBody **body, uint64_t *version)
{
    const struct opened_record *r = NULL;
    ProtobufCMessage *m = NULL;
    enum err e = work_record(w, CLUSTER_RECORD_ID, HSM__RECORD_KIND__RECORD_CLUSTER, &r);

    if (e == ERR_OK)
        e = body_read(w, r, &hsm__cluster_body__descriptor, &m);
    if (e != ERR_OK)
        return e;
    *body = (Hsm__ClusterBody *)m;
    *version = r->header->version;
    return ERR_OK;
}

enum err cluster_body_put(struct work *w, const Hsm__ClusterBody *body, uint64_t version)
{
    return body_put(w, CLUSTER_RECORD_ID, HSM__RECORD_KIND__RECORD_CLUSTER, version + 1, &body->base);
}

const Hsm__ClusterMember *cluster_body_member(const Hsm__ClusterBody *body, const uint8_t fingerprint[32])
{
    for (size_t i = 0; i < body->n_members; i++)
        if (body->members[i]->fingerprint.len == DEVICE_HASH_BYTES &&
            memcmp(body->members[i]->fingerprint.data, fingerprint, DEVICE_HASH_BYTES) == 0)
            return body->members[i];
    return NULL;
}
