#include "module/state/message_ciphering.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "crypto/message_iv.h"
#include "module/rpc/gate.h"
#include "module/state/cluster_cipher.h"
#include "module/state/key_for.h"
#include "module/state/mechanism_given.h"
#include "module/state/message_parameter.h"
#include "module/state/output.h"
#include "module/state/parameter.h"
#include "module/state/policy.h"
#include "module/state/refusal.h"
#include "proto/cipher_mode.h"
#include "proto/limits.h"
#include "proto/parameter.h"

/* ---- beginning */

static enum err take_row(struct module *m, const CK_MECHANISM *mechanism, CK_FLAGS use, const struct mechanism **out)
{
    const struct mechanism *row = mechanism_asked(m, mechanism->mechanism);

    if (row == NULL)
        return refusal(ERR_MECHANISM, "there is no mechanism 0x%lx here", mechanism->mechanism);
    if (!mechanism_does(row, use) || !cipher_has_messages(row))
        return refusal(ERR_MECHANISM, "%s does not %s messages", row->name, refusal_verb(use));
    *out = row;
    return policy_check_row(m, row);
}

CK_RV message_ciphering_begin(struct module *m, struct message_ciphering *s, CK_FLAGS use, const CK_MECHANISM *mechanism,
                              CK_OBJECT_HANDLE key)
{
    enum err e;

    if (mechanism == NULL) {
        message_ciphering_end(s);
        return CKR_OK;
    }
    if (s->key != NULL)
        return CKR_OPERATION_ACTIVE;
    s->encrypt = use == CKF_ENCRYPT;
    e = take_row(m, mechanism, use, &s->row);
    if (e == ERR_OK)
        e = key_for(m, key, s->row, use, &s->key);
    if (e != ERR_OK)
        message_ciphering_end(s);
    return err_to_rv(e);
}

/* ---- a message's parameter */

/* As it travels; the caller's, freed with drop. */
static enum err take_message(const struct message_ciphering *s, const struct message_given *g, struct message_bytes aad,
                             Hsm__Mechanism **out)
{
    Hsm__Mechanism *w = parameter_memory(sizeof *w);
    enum err e;

    if (w == NULL)
        return ERR_NO_MEMORY;
    hsm__mechanism__init(w);
    w->type = s->row->type;
    *out = w;
    if ((e = message_parameter_put(g, aad.bytes, aad.n, w)) != ERR_OK)
        return e;
    if (!s->encrypt)
        w->aead->generator = CKG_NO_GENERATE;
    return parameter_check(s->row, w);
}

static void drop(Hsm__Mechanism *w)
{
    if (w != NULL)
        hsm__mechanism__free_unpacked(w, memory_wiping());
}

/* ---- a message */

static CK_RV answer_rv(const struct message_ciphering *s, enum err e)
{
    return e == ERR_ENCRYPTED_DATA && !s->encrypt ? CKR_AEAD_DECRYPT_FAILED : err_to_rv(e);
}

/* One request. `out` has room for as many bytes as there is data. */
static enum err run(struct module *m, const struct message_ciphering *s, const Hsm__Mechanism *w, const struct message_given *g,
                    struct message_bytes in, CK_BYTE *out, CK_ULONG *out_n)
{
    struct key_request k = {.key = s->key, .mechanism = w, .data = in.bytes, .data_bytes = in.n};
    bool makes = w->aead->generator != CKG_NO_GENERATE;
    size_t room = in.n + g->tag_n;
    uint8_t *both = malloc(room + 1);
    struct cluster_cipher call = {.encrypt = s->encrypt, .out = both, .room = room, .iv = makes ? g->iv : NULL, .iv_n = g->iv_n};
    enum err e = both != NULL ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && !s->encrypt) { /* the tag travels behind the data */
        if (in.n > 0)
            memcpy(both, in.bytes, in.n);
        memcpy(both + in.n, g->tag, g->tag_n);
        k.data = both;
        k.data_bytes = room;
    }
    if (e == ERR_OK)
        e = cluster_cipher(m, &k, &call);
    if (e == ERR_OK && call.n != (s->encrypt ? room : in.n))
        e = ERR_MALFORMED;
    if (e == ERR_OK) {
        if (in.n > 0)
            memcpy(out, both, in.n);
        if (s->encrypt)
            memcpy(g->tag, both + in.n, g->tag_n);
        *out_n = in.n;
    }
    if (both != NULL)
        bytes_wipe(both, room);
    free(both);
    return e;
}

/* So many bytes more. */
static enum err check_length(const struct message_ciphering *s, CK_ULONG n)
{
    return n <= CIPHER_BYTES_MAX - s->gathered.n ? ERR_OK : s->encrypt ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN;
}

CK_RV message_ciphering_all(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes aad,
                            struct message_bytes in, CK_BYTE *out, CK_ULONG *out_n)
{
    struct message_given g;
    Hsm__Mechanism *w = NULL;
    enum output fits;
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (s->message != NULL)
        return CKR_OPERATION_ACTIVE;
    if (in.bytes == NULL && in.n > 0)
        return CKR_ARGUMENTS_BAD;
    if ((e = message_parameter_take(s->row, p.bytes, p.n, &g)) != ERR_OK || (e = check_length(s, in.n)) != ERR_OK)
        return err_to_rv(e);
    fits = output_check(out, out_n, in.n);
    if (fits != OUTPUT_FITS)
        return output_rv(fits);
    if ((e = take_message(s, &g, aad, &w)) == ERR_OK)
        e = run(m, s, w, &g, in, out, out_n);
    drop(w);
    return answer_rv(s, e);
}

/* ---- in many parts */

static CK_RV ended(struct message_ciphering *s, CK_RV rv)
{
    drop(s->message);
    s->message = NULL;
    gathered_clear(&s->gathered);
    return rv;
}

CK_RV message_ciphering_start(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes aad)
{
    struct message_given g;
    Hsm__AeadParams *aead;
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (s->message != NULL)
        return CKR_OPERATION_ACTIVE;
    e = message_parameter_take(s->row, p.bytes, p.n, &g);
    if (e == ERR_OK)
        e = take_message(s, &g, aad, &s->message);
    if (e == ERR_OK) {
        aead = s->message->aead;
        gate_enter();
        e = message_iv_make(m->libctx, aead->generator, aead->fixed_bits, aead->iv.data, aead->iv.len);
        gate_leave();
        if (e == ERR_OK && aead->generator != CKG_NO_GENERATE)
            memcpy(g.iv, aead->iv.data, aead->iv.len);
        aead->generator = CKG_NO_GENERATE;
    }
    return e == ERR_OK ? CKR_OK : ended(s, err_to_rv(e));
}

CK_RV message_ciphering_next(struct module *m, struct message_ciphering *s, struct message_parameter p, struct message_bytes in,
                             CK_BYTE *out, CK_ULONG *out_n, CK_FLAGS flags)
{
    bool last = (flags & CKF_END_OF_MESSAGE) != 0;
    struct message_given g;
    enum output fits;
    enum err e;

    if (s->message == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (in.bytes == NULL && in.n > 0)
        return ended(s, CKR_ARGUMENTS_BAD);
    if ((e = check_length(s, in.n)) != ERR_OK)
        return ended(s, err_to_rv(e));
    /* Before the part is taken: it comes again after a size query. */
    fits = output_check(out, out_n, last ? s->gathered.n + in.n : 0);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD)
        return ended(s, CKR_ARGUMENTS_BAD);
    e = message_parameter_take(s->row, p.bytes, p.n, &g);
    if (e == ERR_OK && g.tag_n != s->message->aead->tag_bytes)
        e = ERR_MECHANISM_PARAM;
    if (e == ERR_OK && !gathered_put(&s->gathered, in.bytes, in.n))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && last)
        e = run(m, s, s->message, &g, (struct message_bytes){s->gathered.bytes, s->gathered.n}, out, out_n);
    if (e == ERR_OK && !last) {
        *out_n = 0;
        return CKR_OK;
    }
    return ended(s, answer_rv(s, e));
}

CK_RV message_ciphering_finish(struct message_ciphering *s)
{
    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    message_ciphering_end(s);
    return CKR_OK;
}

void message_ciphering_end(struct message_ciphering *s)
{
    ended(s, CKR_OK);
    known_release(s->key);
    *s = (struct message_ciphering){.key = NULL};
}
