#include "vault/node/cluster_body.h"

#include <string.h>

#include "vault/node/device.h"
#include "vault/node/step.h"

enum err cluster_body_read(struct work *w, Hsm__ClusterBody **body, uint64_t *version)
{
    const struct opened_record *r = NULL;
    enum err e = work_record(w, CLUSTER_RECORD, HSM__RECORD_KIND__RECORD_CLUSTER, &r);

    if (e != ERR_OK)
        return e;
    *body = hsm__cluster_body__unpack(NULL, r->text.len, r->text.bytes);
    *version = r->header->version;
    return *body != NULL ? ERR_OK : ERR_CORRUPT;
}

enum err cluster_body_put(struct work *w, const Hsm__ClusterBody *body, uint64_t version)
{
    struct put put = {.id = CLUSTER_RECORD, .kind = HSM__RECORD_KIND__RECORD_CLUSTER, .version = version + 1,
                      .body_bytes = hsm__cluster_body__get_packed_size(body)};
    uint8_t *packed = work_memory(w, put.body_bytes > 0 ? put.body_bytes : 1);

    if (packed == NULL)
        return ERR_NO_MEMORY;
    hsm__cluster_body__pack(body, packed);
    put.body = packed;
    return work_put(w, &put);
}

const Hsm__ClusterMember *cluster_body_member(const Hsm__ClusterBody *body, const uint8_t fingerprint[32])
{
    for (size_t i = 0; i < body->n_members; i++)
        if (body->members[i]->fingerprint.len == DEVICE_HASH_BYTES &&
            memcmp(body->members[i]->fingerprint.data, fingerprint, DEVICE_HASH_BYTES) == 0)
            return body->members[i];
    return NULL;
}
