/* The cluster, asked for digests that hidden keys are a part of. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_DIGEST_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_DIGEST_H

#include "module/state/digest_parts.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/mechanism.h"

/* The digest of all that was fed, with the keys that are hidden. *bytes is the room at first. */
enum err cluster_digest_key(struct module *m, const struct mechanism *digest, const struct digest_parts *fed, uint8_t *out, size_t *bytes);

#endif
