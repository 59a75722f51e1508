#include "module/state/encapsulating.h"

#include <string.h>

#include "module/state/cluster_kem.h"
#include "module/state/lookup.h"
#include "module/state/mechanism_given.h"
#include "module/state/output.h"

/* A key of the class that is asked for, for this use and mechanism. */
static enum err find_key(struct module *m, CK_OBJECT_HANDLE handle, CK_FLAGS use, const struct mechanism *row, struct known **out)
{
    CK_ATTRIBUTE_TYPE leave = attribute_of_use(use);
    CK_OBJECT_CLASS wanted = use == CKF_ENCAPSULATE ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY, has;
    enum err e = lookup_key(m, handle, leave, out);

    if (e != ERR_OK)
        return e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e;
    has = known_ulong(*out, CKA_CLASS);
    if (has != CKO_PUBLIC_KEY && has != CKO_PRIVATE_KEY && has != CKO_SECRET_KEY)
        return ERR_KEY_HANDLE;
    if (!mechanism_takes_key(row, known_ulong(*out, CKA_KEY_TYPE)) || known_set(*out) == NULL)
        return ERR_KEY_TYPE;
    if (!known_allows(*out, row->type))
        return ERR_MECHANISM;
    return has == wanted && known_bool(*out, leave) ? ERR_OK : ERR_KEY_FUNCTION;
}

CK_RV encapsulating_encapsulate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key,
                                struct keys_template t, CK_BYTE *ciphertext, CK_ULONG *ciphertext_n, CK_OBJECT_HANDLE *out)
{
    struct template template = {.n = 0};
    struct mechanism_given given = {.row = NULL};
    struct known *key = NULL;
    enum output fits = OUTPUT_FITS;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_ENCAPSULATE, &given));

    if (rv == CKR_OK)
        rv = err_to_rv(find_key(m, public_key, CKF_ENCAPSULATE, given.row, &key));
    if (rv == CKR_OK && (fits = output_check(ciphertext, ciphertext_n, known_set(key)->output_bytes)) != OUTPUT_FITS)
        rv = output_rv(fits);
    else if (rv == CKR_OK && out == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK && fits == OUTPUT_FITS)
        rv = keys_take_template(session, t.array, t.n, &template);
    if (rv == CKR_OK && fits == OUTPUT_FITS)
        rv = template_merge(&template, known_value(key, CKA_ENCAPSULATE_TEMPLATE));
    if (rv == CKR_OK && fits == OUTPUT_FITS) {
        rv = cluster_encapsulate(m, session->handle, given.wire, key, &template, ciphertext, known_set(key)->output_bytes, out);
        if (rv == CKR_OK)
            *ciphertext_n = known_set(key)->output_bytes;
    }
    known_release(key);
    template_clear(&template);
    mechanism_clear(&given);
    return rv;
}

CK_RV encapsulating_decapsulate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                                CK_OBJECT_HANDLE private_key, struct keys_template t, const CK_BYTE *ciphertext, CK_ULONG ciphertext_n,
                                CK_OBJECT_HANDLE *out)
{
    struct template template = {.n = 0};
    struct mechanism_given given = {.row = NULL};
    struct known *key = NULL;
    CK_RV rv = out == NULL || ciphertext == NULL ? CKR_ARGUMENTS_BAD : err_to_rv(mechanism_take(m, mechanism, CKF_DECAPSULATE, &given));

    if (rv == CKR_OK)
        rv = err_to_rv(find_key(m, private_key, CKF_DECAPSULATE, given.row, &key));
    if (rv == CKR_OK && ciphertext_n != known_set(key)->output_bytes)
        rv = CKR_WRAPPED_KEY_LEN_RANGE;
    if (rv == CKR_OK)
        rv = keys_take_template(session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_decapsulate(m, session->handle, given.wire, key, &template, ciphertext, ciphertext_n, out);
    known_release(key);
    template_clear(&template);
    mechanism_clear(&given);
    return rv;
}
