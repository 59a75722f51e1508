/* Sealing and opening of replicated records (proto/record.proto).
 *
 * A record is an open header and a body sealed with AES-256-GCM. The header's bytes, exactly as they stand, are the associated data; the
 * key is the record's own, derived from the master key of header.master_epoch with header.salt, random for each version, and the
 * cluster's and record's ids. So neither header nor body can be changed, nor one version's body be put behind another's header. */
#ifndef CLUSTERHSM_VAULT_RECORD_H
#define CLUSTERHSM_VAULT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/secret.h"
#include "proto/error.h"
#include "proto/record.pb-c.h"
#include "vault/master.h"

enum { RECORD_FORMAT = 1, RECORD_SALT_BYTES = 16 };

/* Appends a packed Record to `out`. The header's format, master_epoch and salt are set here, all else is the caller's; what it had in
 * these three is overwritten, salt with borrowed bytes that are gone afterwards. `out` is as before on failure. */
enum err record_seal(const struct master *m, Hsm__RecordHeader *header, const uint8_t *text, size_t n, struct buffer *out);

/* *header is the caller's, freed with hsm__record_header__free_unpacked(_, NULL). ERR_FORGED: not sealed by a vault of this cluster, or
 * altered since; ERR_MALFORMED: no record at all; nothing is set then. */
enum err record_open(const struct master *m, const uint8_t *packed, size_t n, Hsm__RecordHeader **header, struct secret *text);

#endif
