#include "module/state/dual.h"

#include "module/state/output.h"

/* The operation beside the cipher. */
struct partner {
    struct digesting *digesting; /* or */
    struct signing *signing;
};

static bool is_there(const struct partner *p)
{
    return p->digesting != NULL ? p->digesting->digest != NULL : p->signing->key != NULL;
}

static CK_RV feed(const struct partner *p, const CK_BYTE *data, CK_ULONG n)
{
    return p->digesting != NULL ? digesting_update(p->digesting, data, n) : signing_update(p->signing, data, n);
}

static CK_RV end_both(const struct partner *p, struct ciphering *c, CK_RV rv)
{
    ciphering_end(c);
    if (p->digesting != NULL)
        digesting_end(p->digesting);
    else
        signing_end(p->signing);
    return rv;
}

/* The plaintext is taken first: the ciphertext may come in its place. So that nothing is taken where the ciphertext does not fit, the
 * cipher is asked for its size before. */
static CK_RV encrypt(struct module *m, const struct partner *partner, struct ciphering *c, const struct dual_part *p)
{
    CK_ULONG needed = 0;
    enum output fits;
    CK_RV rv;

    if (c->key == NULL || !is_there(partner))
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = ciphering_update(m, c, p->in, p->n, NULL, &needed);
    if (rv != CKR_OK)
        return end_both(partner, c, rv);
    fits = output_check(p->out, p->out_n, needed);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    rv = fits == OUTPUT_BAD ? CKR_ARGUMENTS_BAD : feed(partner, p->in, p->n);
    if (rv == CKR_OK)
        rv = ciphering_update(m, c, p->in, p->n, p->out, p->out_n);
    return rv == CKR_OK ? rv : end_both(partner, c, rv);
}

static CK_RV decrypt(struct module *m, const struct partner *partner, struct ciphering *c, const struct dual_part *p)
{
    CK_RV rv;

    if (c->key == NULL || !is_there(partner))
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = ciphering_update(m, c, p->in, p->n, p->out, p->out_n);
    if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && p->out == NULL))
        return rv;
    if (rv == CKR_OK)
        rv = feed(partner, p->out, *p->out_n);
    return rv == CKR_OK ? rv : end_both(partner, c, rv);
}

CK_RV dual_digest_encrypt(struct module *m, struct operations *o, const struct dual_part *p)
{
    return encrypt(m, &(struct partner){.digesting = &o->digesting}, &o->encrypting, p);
}

CK_RV dual_decrypt_digest(struct module *m, struct operations *o, const struct dual_part *p)
{
    return decrypt(m, &(struct partner){.digesting = &o->digesting}, &o->decrypting, p);
}

CK_RV dual_sign_encrypt(struct module *m, struct operations *o, const struct dual_part *p)
{
    return encrypt(m, &(struct partner){.signing = &o->signing}, &o->encrypting, p);
}

CK_RV dual_decrypt_verify(struct module *m, struct operations *o, const struct dual_part *p)
{
    return decrypt(m, &(struct partner){.signing = &o->verifying}, &o->decrypting, p);
}
