#include "module/state/ciphering.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "crypto/encrypt.h"
#include "module/rpc/gate.h"
#include "module/state/cipher_stream.h"
#include "module/state/cluster_cipher.h"
#include "module/state/key_for.h"
#include "module/state/output.h"
#include "proto/limits.h"

static enum err wrong_length(const struct ciphering *c)
{
    return c->encrypt ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN;
}

/* Of data that goes at once. */
static size_t whole_bytes_max(const struct ciphering *c)
{
    return CIPHER_BYTES_MAX + (c->encrypt ? 0 : CIPHER_LONGER_BYTES_MAX);
}

/* ---- beginning */

/* The public key, ready; `e` borrows from the operation. */
static enum err public_key_of(struct module *m, const struct ciphering *c, struct encrypt *e)
{
    *e = (struct encrypt){.libctx = m->libctx, .mechanism = c->mechanism.row, .given = c->mechanism.wire};
    return known_public_key(c->key, m->libctx, &e->key);
}

static enum err check_public(struct module *m, const struct ciphering *c)
{
    struct encrypt with;
    enum err e;

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
        e = key_for(m, key, c->mechanism.row, use, &c->key);
    }
    if (e == ERR_OK)
        e = check_public(m, c);
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

    if (n > whole_bytes_max(c))
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
    if (n > whole_bytes_max(c) - c->gathered.n)
        return wrong_length(c);
    return gathered_put(&c->gathered, in, n) ? ERR_OK : ERR_NO_MEMORY;
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
    return finish(m, c, c->gathered.bytes, c->gathered.n, out, out_n);
}

void ciphering_end(struct ciphering *c)
{
    known_release(c->key);
    reauthentication_end(&c->reauthentication);
    mechanism_clear(&c->mechanism);
    gathered_clear(&c->gathered);
    bytes_wipe(&c->place, sizeof c->place);
    *c = (struct ciphering){.key = NULL};
}
