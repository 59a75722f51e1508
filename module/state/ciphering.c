#include "module/state/ciphering.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "crypto/encrypt.h"
#include "module/rpc/gate.h"
#include "module/state/cipher_stream.h"
#include "module/state/cluster_cipher.h"
#include "module/state/lookup.h"
#include "module/state/output.h"
#include "module/state/policy.h"
#include "proto/limits.h"

static enum err wrong_length(const struct ciphering *c)
{
    return c->encrypt ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN;
}

/* ---- beginning */

static enum err check_class(const struct known *key, CK_FLAGS use)
{
    switch (known_ulong(key, CKA_CLASS)) {
    case CKO_SECRET_KEY:
        return ERR_OK;
    case CKO_PRIVATE_KEY:
        return use == CKF_DECRYPT ? ERR_OK : ERR_KEY_FUNCTION;
    case CKO_PUBLIC_KEY:
        return use == CKF_ENCRYPT ? ERR_OK : ERR_KEY_FUNCTION;
    default:
        return ERR_KEY_HANDLE; /* no key at all */
    }
}

/* The public key, ready; `e` borrows from the operation. */
static enum err public_key_of(struct module *m, const struct ciphering *c, struct encrypt *e)
{
    *e = (struct encrypt){.libctx = m->libctx, .mechanism = c->mechanism.row, .given = c->mechanism.wire};
    return known_public_key(c->key, m->libctx, &e->key);
}

static enum err check_key(struct module *m, struct ciphering *c, CK_FLAGS use)
{
    const struct mechanism *row = c->mechanism.row;
    size_t size = known_key_size(c->key);
    struct encrypt with;
    enum err e = check_class(c->key, use);

    if (e != ERR_OK)
        return e;
    if (!known_bool(c->key, use == CKF_ENCRYPT ? CKA_ENCRYPT : CKA_DECRYPT))
        return ERR_KEY_FUNCTION;
    if (!mechanism_takes_key(row, known_ulong(c->key, CKA_KEY_TYPE)))
        return ERR_KEY_TYPE;
    if (!known_allows(c->key, row->type))
        return ERR_MECHANISM;
    if ((e = policy_check_size(m, row, size)) != ERR_OK)
        return e;
    if (known_ulong(c->key, CKA_CLASS) != CKO_PUBLIC_KEY)
        return ERR_OK;
    e = public_key_of(m, c, &with);
    return e == ERR_OK ? encrypt_check(&with) : e;
}

static void begin_stream(struct ciphering *c)
{
    const Hsm__IvParams *iv = c->mechanism.wire->iv;

    if (c->mode != NULL && c->mode->streams && iv != NULL)
        memcpy(c->place.chain, iv->iv.data, iv->iv.len);
}

CK_RV ciphering_begin(struct module *m, struct ciphering *c, CK_FLAGS use, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    enum err e;

    if (mechanism == NULL) {
        ciphering_end(c);
        return CKR_OK;
    }
    if (c->key != NULL)
        return CKR_OPERATION_ACTIVE;
    e = mechanism_take(m, mechanism, use, &c->mechanism);
    if (e == ERR_OK) {
        c->mode = cipher_mode_of(c->mechanism.row);
        c->encrypt = use == CKF_ENCRYPT;
        e = lookup_key(m, key, use == CKF_ENCRYPT ? CKA_ENCRYPT : CKA_DECRYPT, &c->key);
        if (e == ERR_OBJECT_HANDLE)
            e = ERR_KEY_HANDLE;
    }
    if (e == ERR_OK)
        e = check_key(m, c, use);
    if (e != ERR_OK) {
        ciphering_end(c);
        return err_to_rv(e);
    }
    reauthentication_begin(&c->reauthentication, c->key);
    begin_stream(c);
    return CKR_OK;
}

/* ---- all data at once */

/* So many bytes come of n at most; exactly so many where `varies` is not set. */
static size_t answer_bytes(const struct ciphering *c, size_t n, bool *varies)
{
    const Hsm__AeadParams *aead = c->mechanism.wire->aead;
    size_t tag = aead != NULL ? aead->tag_bytes : 0, modulus = (known_key_size(c->key) + 7) / 8;

    *varies = !c->encrypt && (c->mode != NULL ? c->mode->pads || (c->mode->unit > 0 && !c->mode->whole)
                                              : c->mechanism.row->family != FAMILY_RSA_RAW);
    if (c->mode != NULL)
        return c->encrypt ? cipher_encrypted_bytes(c->mechanism.row, tag, n) : cipher_decrypted_bytes_max(c->mechanism.row, tag, n);
    return c->encrypt ? modulus : rsa_padding_data_bytes_max(c->mechanism.row, c->mechanism.wire, modulus);
}

static enum err with_public_key(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    struct encrypt with;
    enum err e = public_key_of(m, c, &with);

    if (e == ERR_OK) {
        gate_enter();
        e = encrypt_data(&with, in, n, out, out_n);
        gate_leave();
    }
    return e;
}

/* *out_n is the room at first, and then what the answer takes, which may be more: then nothing is written. */
static enum err run_whole(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    struct key_request k = {.key = c->key, .mechanism = c->mechanism.wire, .data = in, .data_bytes = n,
                            .password = reauthentication_password(&c->reauthentication)};
    struct cluster_cipher call = {.encrypt = c->encrypt, .out = out, .room = *out_n};
    enum err e;

    if (n > CIPHER_BYTES_MAX + (c->encrypt ? 0 : CIPHER_LONGER_BYTES_MAX))
        return wrong_length(c);
    if (known_ulong(c->key, CKA_CLASS) == CKO_PUBLIC_KEY)
        return with_public_key(m, c, in, n, out, out_n);
    e = cluster_cipher(m, &k, &call);
    *out_n = call.n;
    return e;
}

/* ---- the ends */

static CK_RV ended(struct ciphering *c, CK_RV rv)
{
    ciphering_end(c);
    return rv;
}

/* Padding comes off only when it is seen: what fits into a short buffer is known afterwards. */
static enum err run_stream_aside(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, size_t bytes, uint8_t *out,
                                 size_t *out_n)
{
    uint8_t *aside = malloc(bytes + 1);
    size_t made = 0;
    enum err e = aside != NULL ? cipher_stream_run(m, c, in, n, true, aside, &made) : ERR_NO_MEMORY;

    if (e == ERR_OK && made > 0 && made <= *out_n)
        memcpy(out, aside, made);
    *out_n = made;
    if (aside != NULL)
        bytes_wipe(aside, bytes + 1);
    free(aside);
    return e;
}

static enum err run_last(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    size_t bytes;
    enum err e;

    if (c->mode == NULL || !c->mode->streams)
        return run_whole(m, c, in, n, out, out_n);
    if ((e = cipher_stream_may_end(c, n)) != ERR_OK)
        return e;
    bytes = cipher_stream_bytes(c, n, true);
    if (*out_n < bytes)
        return run_stream_aside(m, c, in, n, bytes, out, out_n);
    return cipher_stream_run(m, c, in, n, true, out, out_n);
}

/* The last data, and the answer for it. */
static CK_RV finish(struct module *m, struct ciphering *c, const uint8_t *in, size_t n, CK_BYTE *out, CK_ULONG *out_n)
{
    const struct ciphering_place before = c->place;
    bool stream = c->mode != NULL && c->mode->streams, varies = false;
    size_t bytes = answer_bytes(c, n, &varies), room;
    enum output fits;
    enum err e;

    if (stream)
        bytes = cipher_stream_may_end(c, n) == ERR_OK ? cipher_stream_bytes(c, n, true) : 0;
    fits = output_check(out, out_n, varies && out != NULL && out_n != NULL && *out_n < bytes ? 0 : bytes);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD)
        return ended(c, CKR_ARGUMENTS_BAD);
    if (!reauthentication_done(&c->reauthentication))
        return ended(c, CKR_USER_NOT_LOGGED_IN);
    room = *out_n;
    e = run_last(m, c, in, n, out, &room);
    if (e == ERR_OK && room > *out_n) {
        c->place = before;
        *out_n = (CK_ULONG)room;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (e == ERR_OK)
        *out_n = (CK_ULONG)room;
    return ended(c, err_to_rv(e));
}

CK_RV ciphering_all(struct module *m, struct ciphering *c, const CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    if (c->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (c->parts)
        return ended(c, CKR_OPERATION_NOT_INITIALIZED); /* it is the turn of C_EncryptFinal or C_DecryptFinal */
    if (in == NULL && n > 0)
        return ended(c, CKR_ARGUMENTS_BAD);
    return finish(m, c, in, n, out, out_n);
}

static enum err gather(struct ciphering *c, const uint8_t *in, size_t n)
{
    size_t max = CIPHER_BYTES_MAX + (c->encrypt ? 0 : CIPHER_LONGER_BYTES_MAX), room;
    uint8_t *more;

    if (n > max - c->gathered_n)
        return wrong_length(c);
    if (c->gathered_n + n > c->gathered_room) {
        room = 2 * (c->gathered_n + n);
        if ((more = malloc(room)) == NULL)
            return ERR_NO_MEMORY;
        if (c->gathered_n > 0) {
            memcpy(more, c->gathered, c->gathered_n);
            bytes_wipe(c->gathered, c->gathered_n);
        }
        free(c->gathered);
        c->gathered = more;
        c->gathered_room = room;
    }
    if (n > 0)
        memcpy(c->gathered + c->gathered_n, in, n);
    c->gathered_n += n;
    return ERR_OK;
}

CK_RV ciphering_update(struct module *m, struct ciphering *c, const CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    bool stream = c->mode != NULL && c->mode->streams;
    size_t made = 0;
    enum output fits;
    enum err e;

    if (c->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (in == NULL && n > 0)
        return ended(c, CKR_ARGUMENTS_BAD);
    fits = output_check(out, out_n, stream ? cipher_stream_bytes(c, n, false) : 0);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD)
        return ended(c, CKR_ARGUMENTS_BAD);
    if (!reauthentication_done(&c->reauthentication))
        return ended(c, CKR_USER_NOT_LOGGED_IN);
    c->parts = true;
    e = stream ? cipher_stream_run(m, c, in, n, false, out, &made) : gather(c, in, n);
    if (e != ERR_OK)
        return ended(c, err_to_rv(e));
    *out_n = (CK_ULONG)made;
    return CKR_OK;
}

CK_RV ciphering_final(struct module *m, struct ciphering *c, CK_BYTE *out, CK_ULONG *out_n)
{
    if (c->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish(m, c, c->gathered, c->gathered_n, out, out_n);
}

void ciphering_end(struct ciphering *c)
{
    known_release(c->key);
    reauthentication_end(&c->reauthentication);
    mechanism_clear(&c->mechanism);
    if (c->gathered != NULL)
        bytes_wipe(c->gathered, c->gathered_n);
    free(c->gathered);
    bytes_wipe(&c->place, sizeof c->place);
    *c = (struct ciphering){.key = NULL};
}
