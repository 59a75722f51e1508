#include "module/state/encapsulating.h"

#include <string.h>

#include "module/state/cluster_kem.h"
#include "module/state/key_for.h"
#include "module/state/mechanism_given.h"
#include "module/state/output.h"

/* How long the ciphertext is, the set says. */
static enum err find_key(struct module *m, CK_OBJECT_HANDLE handle, const struct mechanism *row, CK_FLAGS use, struct known **out)
{
    enum err e = key_for(m, handle, row, use, out);

    return e == ERR_OK && known_set(*out) == NULL ? ERR_KEY_TYPE : e;
}

/* Into a place that has room. */
static CK_RV make(struct module *m, const struct session *session, const struct mechanism_given *given, const struct known *key,
                  struct keys_template t, CK_BYTE *ciphertext, CK_OBJECT_HANDLE *out)
{
    struct template template = {.n = 0};
    CK_RV rv = out != NULL ? keys_take_template(m, session, t.array, t.n, &template) : CKR_ARGUMENTS_BAD;

    if (rv == CKR_OK)
        rv = template_merge(&template, known_value(key, CKA_ENCAPSULATE_TEMPLATE));
    if (rv == CKR_OK)
        rv = cluster_encapsulate(m, session->handle, given->wire, key, &template, ciphertext, known_set(key)->output_bytes, out);
    template_clear(&template);
    return rv;
}

CK_RV encapsulating_encapsulate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key,
                                struct keys_template t, CK_BYTE *ciphertext, CK_ULONG *ciphertext_n, CK_OBJECT_HANDLE *out)
{
    struct mechanism_given given = {.row = NULL};
    struct known *key = NULL;
    enum output fits = OUTPUT_BAD;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_ENCAPSULATE, &given));

    if (rv == CKR_OK)
        rv = err_to_rv(find_key(m, public_key, given.row, CKF_ENCAPSULATE, &key));
    if (rv == CKR_OK)
        rv = output_rv(fits = output_check(ciphertext, ciphertext_n, known_set(key)->output_bytes));
    if (rv == CKR_OK && fits == OUTPUT_FITS && (rv = make(m, session, &given, key, t, ciphertext, out)) == CKR_OK)
        *ciphertext_n = known_set(key)->output_bytes;
    known_release(key);
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
        rv = err_to_rv(find_key(m, private_key, given.row, CKF_DECAPSULATE, &key));
    if (rv == CKR_OK && ciphertext_n != known_set(key)->output_bytes)
        rv = CKR_WRAPPED_KEY_LEN_RANGE;
    if (rv == CKR_OK)
        rv = keys_take_template(m, session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_decapsulate(m, session->handle, given.wire, key, &template, ciphertext, ciphertext_n, out);
    known_release(key);
    template_clear(&template);
    mechanism_clear(&given);
    return rv;
}
