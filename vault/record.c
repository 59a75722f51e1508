#include "vault/record.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "proto/limits.h"
#include "vault/gcm.h"

static enum err record_key(const struct master *m, const Hsm__RecordHeader *h, struct secret *out)
{
    struct buffer info = {0};
    enum err e = ERR_NO_MEMORY;
    if (buffer_put_bytes(&info, h->cluster_id.data, h->cluster_id.len) && buffer_put_u64(&info, h->id))
        e = master_derive(m, MASTER_RECORD, h->master_epoch, h->salt.data, h->salt.len, info.data, info.len, out);
    buffer_clear(&info);
    return e;
}

static enum err put_record(const struct master *m, const Hsm__RecordHeader *header, const struct secret *key, const uint8_t *text,
                           size_t n, struct buffer *out)
{
    Hsm__Record record = HSM__RECORD__INIT;
    struct buffer head = {0}, body = {0};
    uint8_t *to;
    enum err e = ERR_NO_MEMORY;

    to = buffer_extend(&head, hsm__record_header__get_packed_size(header));
    if (to != NULL) {
        hsm__record_header__pack(header, to);
        to = buffer_extend(&body, n + GCM_SEAL_BYTES);
    }
    if (to != NULL)
        e = gcm_seal(master_libctx(m), key, (struct gcm_aad){head.data, head.len}, text, n, to);
    if (e == ERR_OK) {
        record.header = (ProtobufCBinaryData){.data = head.data, .len = head.len};
        record.sealed = (ProtobufCBinaryData){.data = body.data, .len = body.len};
        to = buffer_extend(out, hsm__record__get_packed_size(&record));
        if (to != NULL)
            hsm__record__pack(&record, to);
        else
            e = ERR_NO_MEMORY;
    }
    buffer_clear(&head);
    buffer_clear(&body);
    return e;
}

enum err record_seal(const struct master *m, Hsm__RecordHeader *header, const uint8_t *text, size_t n, struct buffer *out)
{
    uint8_t salt[RECORD_SALT_BYTES];
    struct secret key = {0};
    enum err e;

    if (n > OBJECT_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (RAND_bytes_ex(master_libctx(m), salt, sizeof salt, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    header->format = RECORD_FORMAT;
    header->master_epoch = master_epoch(m);
    header->salt = (ProtobufCBinaryData){.data = salt, .len = sizeof salt};
    e = record_key(m, header, &key);
    if (e == ERR_OK)
        e = put_record(m, header, &key, text, n, out);
    header->salt = (ProtobufCBinaryData){0};
    secret_clear(&key);
    return e;
}

enum err record_open(const struct master *m, const uint8_t *packed, size_t n, Hsm__RecordHeader **header, struct secret *text)
{
    Hsm__Record *record = hsm__record__unpack(NULL, n, packed);
    Hsm__RecordHeader *h = NULL;
    struct secret key = {0};
    enum err e = ERR_MALFORMED;

    if (record != NULL && record->sealed.len >= GCM_SEAL_BYTES && record->sealed.len <= OBJECT_BYTES_MAX + GCM_SEAL_BYTES)
        h = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
    if (h != NULL && h->format == RECORD_FORMAT && h->salt.len == RECORD_SALT_BYTES)
        e = record_key(m, h, &key);
    if (e == ERR_OK)
        e = gcm_open(master_libctx(m), &key, (struct gcm_aad){record->header.data, record->header.len}, record->sealed.data,
                     record->sealed.len, text);
    if (e == ERR_OK) {
        *header = h;
        h = NULL; /* transferred */
    }
    if (h != NULL)
        hsm__record_header__free_unpacked(h, NULL);
    if (record != NULL)
        hsm__record__free_unpacked(record, NULL);
    secret_clear(&key);
    return e;
}
