#include "module/state/digesting.h"

#include "module/rpc/gate.h"
#include "module/state/cluster_digest.h"
#include "module/state/key_for.h"
#include "module/state/mechanism_given.h"
#include "module/state/module.h"
#include "module/state/output.h"
#include "module/state/policy.h"

enum { PIECE_BYTES = 1024 * 1024 };

enum err digest_feed(struct digest *d, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
        gate_enter();
        e = digest_update(d, at, piece);
        gate_leave();
        at += piece;
        n -= piece;
    }
    return e;
}

CK_RV digesting_begin(struct module *m, struct digesting *d, const CK_MECHANISM *mechanism)
{
    struct mechanism_given given;
    enum err e;

    if (mechanism == NULL) {
        digesting_end(d);
        return CKR_OK;
    }
    if (d->digest != NULL)
        return CKR_OPERATION_ACTIVE;
    e = mechanism_take(m, mechanism, CKF_DIGEST, &given);
    if (e == ERR_OK) {
        d->row = given.row;
        gate_enter();
        e = digest_new(m->libctx, given.row->hash, &d->digest);
        gate_leave();
        mechanism_clear(&given);
    }
    return err_to_rv(e);
}

/* The answer of a call that is no size query: but for an update that went well it ends the digest. */
static CK_RV ended(struct digesting *d, CK_RV rv)
{
    digesting_end(d);
    return rv;
}

CK_RV digesting_update(struct digesting *d, const CK_BYTE *data, CK_ULONG n)
{
    enum err e;

    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (data == NULL && n > 0)
        return ended(d, CKR_ARGUMENTS_BAD);
    d->parts = true;
    e = digest_parts_put(&d->fed, data, n);
    if (e == ERR_OK && d->fed.n_hidden == 0)
        e = digest_feed(d->digest, data, n);
    return e == ERR_OK ? CKR_OK : ended(d, err_to_rv(e));
}

/* A key whose value is shown is digested here; the vault holds the others against the same rules when it digests them. */
static enum err put_key(struct module *m, struct digesting *d, struct known *key)
{
    const struct known_value *value = known_value(key, CKA_VALUE);
    enum err e;

    if (known_ulong(key, CKA_CLASS) != CKO_SECRET_KEY)
        return attribute_class_bit(known_ulong(key, CKA_CLASS)) & (CLASS_PRIVATE | CLASS_OTP) ? ERR_KEY_INDIGESTIBLE : ERR_KEY_HANDLE;
    if (value == NULL && (known_bool(key, CKA_DERIVE) || policy_now(m) == POLICY_MODERN))
        return ERR_KEY_INDIGESTIBLE;
    if (value == NULL && known_key_size(key) < DIGEST_KEY_BYTES_MIN)
        return ERR_KEY_SIZE;
    e = digest_parts_put_key(&d->fed, key);
    return e == ERR_OK && d->fed.n_hidden == 0 ? digest_feed(d->digest, value->bytes, value->n) : e;
}

CK_RV digesting_key(struct module *m, struct digesting *d, CK_OBJECT_HANDLE handle)
{
    struct known *key = NULL;
    enum err e;

    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    d->parts = true;
    e = key_for_data(m, handle, LOOKUP_FRESH, &key);
    if (e == ERR_OK)
        e = put_key(m, d, key);
    known_release(key);
    return e == ERR_OK ? CKR_OK : ended(d, err_to_rv(e));
}

static CK_RV write_digest(struct digesting *d, CK_BYTE *out, CK_ULONG *out_n)
{
    enum err e;

    gate_enter();
    e = digest_final(d->digest, out);
    gate_leave();
    if (e == ERR_OK)
        *out_n = digest_bytes(d->digest);
    return ended(d, err_to_rv(e));
}

CK_RV digesting_all(struct digesting *d, const CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    enum output fits;
    enum err e;

    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (d->parts)
        return ended(d, CKR_OPERATION_NOT_INITIALIZED); /* it is C_DigestFinal's turn */
    fits = output_check(out, out_n, digest_bytes(d->digest));
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD || (data == NULL && n > 0))
        return ended(d, CKR_ARGUMENTS_BAD);
    e = digest_feed(d->digest, data, n);
    return e == ERR_OK ? write_digest(d, out, out_n) : ended(d, err_to_rv(e));
}

static CK_RV ask_vault(struct module *m, struct digesting *d, CK_BYTE *out, CK_ULONG *out_n)
{
    size_t n = *out_n;
    enum err e = cluster_digest_key(m, d->row, &d->fed, out, &n);

    if (e == ERR_OK)
        *out_n = n;
    return ended(d, err_to_rv(e));
}

CK_RV digesting_finish(struct module *m, struct digesting *d, CK_BYTE *out, CK_ULONG *out_n)
{
    enum output fits;

    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    fits = output_check(out, out_n, digest_bytes(d->digest));
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD)
        return ended(d, CKR_ARGUMENTS_BAD);
    return d->fed.n_hidden > 0 ? ask_vault(m, d, out, out_n) : write_digest(d, out, out_n);
}

void digesting_end(struct digesting *d)
{
    if (d->digest != NULL) {
        gate_enter();
        digest_free(d->digest);
        gate_leave();
    }
    digest_parts_clear(&d->fed);
    *d = (struct digesting){.digest = NULL};
}

void digesting_end_private(struct digesting *d)
{
    if (d->fed.n_hidden > 0)
        digesting_end(d);
}

CK_RV digesting_save(struct module *m, const struct digesting *d, CK_BYTE *out, CK_ULONG *out_n)
{
    enum output fits = output_check(out, out_n, SAVED_BYTES);
    struct digest *copy = NULL;
    enum err e;

    if (fits == OUTPUT_BAD)
        return CKR_ARGUMENTS_BAD;
    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (d->fed.n_hidden > 0)
        return CKR_STATE_UNSAVEABLE;
    if (fits != OUTPUT_FITS)
        return output_rv(fits);
    gate_enter();
    e = digest_clone(d->digest, &copy);
    gate_leave();
    if (e != ERR_OK)
        return err_to_rv(e);
    saved_put(&m->saved, copy, out);
    *out_n = SAVED_BYTES;
    return CKR_OK;
}

CK_RV digesting_restore(struct module *m, struct digesting *d, const CK_BYTE *state, CK_ULONG n)
{
    struct digest *restored = NULL;
    CK_RV rv = saved_get(&m->saved, state, n, &restored);

    if (rv != CKR_OK)
        return rv;
    digesting_end(d);
    d->digest = restored;
    d->parts = true;
    d->fed.forgotten = true;
    return CKR_OK;
}
