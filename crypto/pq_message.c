#include "crypto/pq_message.h"

#include <string.h>

/* OpenSSL's names, of 3.5 and later. */
#define CONTEXT_NAME "context-string"
#define ENCODING_NAME "message-encoding"
#define DETERMINISTIC_NAME "deterministic"
#define MU_NAME "mu"

enum { DOMAIN_HASHED = 1, MU_BYTES = 64 };

/* The object identifiers of hashes, 2.16.840.1.101.3.4.2.x: DER, all but the last byte. */
static const uint8_t hash_id[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};

/* FIPS 204 algorithm 4, lines 10 to 23; FIPS 205 algorithm 23. */
static enum err encode_hashed(const Hsm__PqParams *p, const char *hash, const uint8_t *data, size_t n, struct pq_message *out)
{
    uint8_t *at = out->hashed;

    if (n != mechanism_hash_bytes(hash))
        return ERR_DATA_LEN;
    *at++ = DOMAIN_HASHED;
    *at++ = (uint8_t)p->context.len;
    if (p->context.len > 0)
        memcpy(at, p->context.data, p->context.len);
    at += p->context.len;
    memcpy(at, hash_id, sizeof hash_id);
    at += sizeof hash_id;
    *at++ = mechanism_hash_id(hash);
    memcpy(at, data, n);
    out->data = out->hashed;
    out->n = (size_t)(at - out->hashed) + n;
    return ERR_OK;
}

enum err pq_message_make(const struct mechanism *m, const Hsm__PqParams *p, const uint8_t *data, size_t n, struct pq_message *out)
{
    const char *hash = m->hash != NULL || p == NULL ? m->hash : mechanism_hash_name(p->hash);
    OSSL_PARAM *param = out->params;

    if (p == NULL || p->context.len > PQ_CONTEXT_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    out->data = data;
    out->n = n;
    out->deterministic = p->hedge == CKH_DETERMINISTIC_REQUIRED;
    *param++ = OSSL_PARAM_construct_int(DETERMINISTIC_NAME, &out->deterministic);
    if (m->family == FAMILY_PQ_HASH) {
        out->raw = 0; /* the message is encoded already */
        *param++ = OSSL_PARAM_construct_int(ENCODING_NAME, &out->raw);
        *param = OSSL_PARAM_construct_end();
        return mechanism_hash_id(hash) != 0 ? encode_hashed(p, hash, data, n, out) : ERR_MECHANISM_PARAM;
    }
    if (m->family == FAMILY_PQ_MU) { /* FIPS 204 algorithm 7 line 6: who has made it knows key and context */
        out->external = 1;
        *param++ = OSSL_PARAM_construct_int(MU_NAME, &out->external);
        *param = OSSL_PARAM_construct_end();
        return p->context.len > 0 ? ERR_MECHANISM_PARAM : n == MU_BYTES ? ERR_OK : ERR_DATA_LEN;
    }
    if (p->context.len > 0)
        *param++ = OSSL_PARAM_construct_octet_string(CONTEXT_NAME, p->context.data, p->context.len);
    *param = OSSL_PARAM_construct_end();
    return m->family == FAMILY_PQ_PURE ? ERR_OK : ERR_MECHANISM;
}
