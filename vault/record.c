#include "vault/record.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "proto/limits.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, SEAL_BYTES = NONCE_BYTES + TAG_BYTES };

static enum err record_key(const struct master *m, const Hsm__RecordHeader *h, struct secret *out)
{
    struct buffer info = {0};
    enum err e = ERR_NO_MEMORY;
    if (buffer_put_bytes(&info, h->cluster_id.data, h->cluster_id.len) && buffer_put_u64(&info, h->id))
        e = master_derive(m, MASTER_RECORD, h->master_epoch, h->salt.data, h->salt.len, info.data, info.len, out);
    buffer_clear(&info);
    return e;
}

/* nonce || ciphertext || tag, into n + SEAL_BYTES. */
static enum err encrypt(const struct master *m, const struct secret *key, const uint8_t *aad, size_t aad_n, const uint8_t *text,
                        size_t n, uint8_t *out)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(master_libctx(m), "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = aes != NULL && ctx != NULL && RAND_bytes_ex(master_libctx(m), out, NONCE_BYTES, 0) == 1 &&
              EVP_EncryptInit_ex2(ctx, aes, key->bytes, out, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1 &&
              (n == 0 || EVP_EncryptUpdate(ctx, out + NONCE_BYTES, &len, text, (int)n) == 1) &&
              EVP_EncryptFinal_ex(ctx, out + NONCE_BYTES + n, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + NONCE_BYTES + n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(aes);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_BUG;
}

static enum err decrypt(const struct master *m, const struct secret *key, const uint8_t *aad, size_t aad_n, const uint8_t *sealed,
                        size_t n, struct secret *out)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(master_libctx(m), "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t text_n = n - SEAL_BYTES;
    uint8_t tag[TAG_BYTES], none[1];
    int len = 0;
    bool ok;

    if (!secret_new(out, text_n + 1)) { /* one more, so that an empty body has memory */
        EVP_CIPHER_CTX_free(ctx);
        EVP_CIPHER_free(aes);
        return ERR_NO_MEMORY;
    }
    memcpy(tag, sealed + n - TAG_BYTES, sizeof tag);
    ok = aes != NULL && ctx != NULL && EVP_DecryptInit_ex2(ctx, aes, key->bytes, sealed, NULL) == 1 &&
         EVP_DecryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1 &&
         (text_n == 0 || EVP_DecryptUpdate(ctx, out->bytes, &len, sealed + NONCE_BYTES, (int)text_n) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 && EVP_DecryptFinal_ex(ctx, none, &len) == 1;
    out->len = text_n;
    if (!ok)
        secret_clear(out);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(aes);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_FORGED;
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
        to = buffer_extend(&body, n + SEAL_BYTES);
    }
    if (to != NULL)
        e = encrypt(m, key, head.data, head.len, text, n, to);
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

    if (record != NULL && record->sealed.len >= SEAL_BYTES && record->sealed.len <= OBJECT_BYTES_MAX + SEAL_BYTES)
        h = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
    if (h != NULL && h->format == RECORD_FORMAT && h->salt.len == RECORD_SALT_BYTES)
        e = record_key(m, h, &key);
    if (e == ERR_OK)
        e = decrypt(m, &key, record->header.data, record->header.len, record->sealed.data, record->sealed.len, text);
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
