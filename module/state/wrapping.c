#include "module/state/wrapping.h"

#include <string.h>

#include "common/buffer.h"
#include "module/rpc/gate.h"
#include "module/state/cluster_key.h"
#include "module/state/lookup.h"
#include "module/state/mechanism_given.h"
#include "module/state/output.h"

/* Use and allowed mechanisms are looked at here where nobody else can: of a public key that is in this process only. */
static enum err find_wrapping_key(struct module *m, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE use, const struct mechanism *row,
                                  struct known **out)
{
    enum err e = lookup_key(m, handle, use, out);

    if (e == ERR_OBJECT_HANDLE)
        return use == CKA_WRAP ? ERR_WRAPPING_KEY_HANDLE : ERR_UNWRAPPING_KEY_HANDLE;
    if (e == ERR_OK && !known_bool(*out, use))
        e = ERR_KEY_FUNCTION;
    return e == ERR_OK && !known_allows(*out, row->type) ? ERR_MECHANISM : e;
}

/* A public key without a record goes along as it is. */
static enum err key_info(struct module *m, struct known *key, struct buffer *info)
{
    const struct public_key *public_key;
    size_t sealed_n;
    enum err e;

    known_sealed(key, &sealed_n);
    if (known_id(key) != 0 || sealed_n > 0)
        return ERR_OK;
    if (known_ulong(key, CKA_CLASS) != CKO_PUBLIC_KEY)
        return ERR_WRAPPING_KEY_HANDLE;
    e = known_public_key(key, m->libctx, &public_key);
    if (e == ERR_OK) {
        gate_enter();
        e = public_key_info(public_key, info);
        gate_leave();
    }
    return e;
}

CK_RV wrapping_wrap(struct module *m, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                    CK_OBJECT_HANDLE key, CK_BYTE *wrapped, CK_ULONG *wrapped_n)
{
    struct mechanism_given given;
    struct known *wrapping = NULL, *target = NULL;
    struct buffer info = {0}, made = {0};
    enum output fits;
    enum err e = mechanism_take(m, mechanism, CKF_WRAP, &given);
    CK_RV rv;

    if (e == ERR_OK)
        e = find_wrapping_key(m, wrapping_key, CKA_WRAP, given.row, &wrapping);
    if (e == ERR_OK)
        e = key_info(m, wrapping, &info);
    if (e == ERR_OK && (e = lookup_object(m, key, LOOKUP_ANY, &target)) == ERR_OBJECT_HANDLE)
        e = ERR_KEY_HANDLE;
    if (e == ERR_OK)
        e = cluster_wrap(m, given.wire, wrapping, &info, target, &made);
    rv = err_to_rv(e);
    if (e == ERR_OK) {
        fits = output_check(wrapped, wrapped_n, made.len);
        rv = output_rv(fits);
        if (fits == OUTPUT_FITS) {
            memcpy(wrapped, made.data, made.len);
            *wrapped_n = made.len;
        }
    }
    buffer_clear(&made);
    buffer_clear(&info);
    known_release(wrapping);
    known_release(target);
    mechanism_clear(&given);
    return rv;
}

CK_RV wrapping_unwrap(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                      CK_OBJECT_HANDLE unwrapping_key, struct wrapping_bytes wrapped, struct keys_template t,
                      CK_OBJECT_HANDLE *key)
{
    struct template template = {.n = 0};
    struct mechanism_given given;
    struct known *unwrapping = NULL;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_UNWRAP, &given));

    if (rv == CKR_OK)
        rv = err_to_rv(find_wrapping_key(m, unwrapping_key, CKA_UNWRAP, given.row, &unwrapping));
    if (rv == CKR_OK && (wrapped.n == 0 || wrapped.n > PARAMETER_BYTES_MAX))
        rv = CKR_WRAPPED_KEY_LEN_RANGE;
    if (rv == CKR_OK)
        rv = keys_take_template(session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_unwrap(m, session->handle, given.wire, unwrapping, wrapped.bytes, wrapped.n, &template, key);
    known_release(unwrapping);
    template_clear(&template);
    mechanism_clear(&given);
    return rv;
}
