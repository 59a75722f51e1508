#include "module/state/digesting.h"

#include "module/rpc/gate.h"
#include "module/state/mechanism_given.h"
#include "module/state/module.h"
#include "module/state/output.h"

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
    e = mechanism_take(mechanism, CKF_DIGEST, &given);
    if (e == ERR_OK) {
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
    e = digest_feed(d->digest, data, n);
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

CK_RV digesting_finish(struct digesting *d, CK_BYTE *out, CK_ULONG *out_n)
{
    enum output fits;

    if (d->digest == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    fits = output_check(out, out_n, digest_bytes(d->digest));
    if (output_keeps_operation(fits))
        return output_rv(fits);
    return fits == OUTPUT_BAD ? ended(d, CKR_ARGUMENTS_BAD) : write_digest(d, out, out_n);
}

void digesting_end(struct digesting *d)
{
    if (d->digest != NULL) {
        gate_enter();
        digest_free(d->digest);
        gate_leave();
    }
    *d = (struct digesting){.digest = NULL};
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
    return CKR_OK;
}
