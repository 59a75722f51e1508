#include "module/state/wrapping.h"

#include <string.h>

#include "common/buffer.h"
#include "module/rpc/gate.h"
#include "module/state/cluster_key.h"
#include "module/state/key_for.h"
#include "module/state/output.h"

/* A public key without a record goes along as it is: key_for has looked at it, and nobody else can. */
static enum err key_info(struct module *m, struct known *key, struct buffer *info)
{
    const struct public_key *public_key;
    size_t sealed_n;
    enum err e;

    known_sealed(key, &sealed_n);
    if (known_id(key) != 0 || sealed_n > 0)
        return ERR_OK;
    e = known_public_key(key, m->libctx, &public_key);
    if (e == ERR_OK) {
        gate_enter();
        e = public_key_info(public_key, info);
        gate_leave();
    }
    return e;
}

/* Into the application's places, all at once: a size query and a buffer that is too small leave all of them alone. */
static CK_RV give(const struct wrap_given *given, const struct cluster_wrapped *made, CK_BYTE *wrapped, CK_ULONG *wrapped_n)
{
    size_t n = made->bytes.len - given->tag_n;
    enum output fits = output_check(wrapped, wrapped_n, n);

    if (fits != OUTPUT_FITS)
        return output_rv(fits);
    memcpy(wrapped, made->bytes.data, n);
    *wrapped_n = n;
    if (given->tag_n > 0)
        memcpy(given->tag, made->bytes.data + n, given->tag_n);
    if (given->iv != NULL)
        memcpy(given->iv, made->iv, made->iv_n);
    return CKR_OK;
}

CK_RV wrapping_wrap(struct module *m, const CK_MECHANISM *mechanism, struct wrapping_keys keys,
                    const struct wrap_associated *associated, CK_BYTE *wrapped, CK_ULONG *wrapped_n)
{
    struct wrap_given given;
    struct known *wrapping = NULL, *target = NULL;
    struct buffer info = {0};
    struct cluster_wrapped made = {.iv_n = 0};
    enum err e = wrap_given_take(m, mechanism, CKF_WRAP, associated, &given);
    CK_RV rv;

    if (e == ERR_OK)
        e = key_for(m, keys.wrapping, given.mechanism.row, CKF_WRAP, &wrapping);
    if (e == ERR_OK)
        e = key_info(m, wrapping, &info);
    if (e == ERR_OK)
        e = key_for_data(m, keys.target, LOOKUP_ANY, &target);
    if (e == ERR_OK)
        e = cluster_wrap(m, given.mechanism.wire, wrapping, &info, target, &made);
    if (e == ERR_OK && (made.bytes.len <= given.tag_n || (given.iv != NULL && made.iv_n != given.iv_n)))
        e = ERR_MALFORMED;
    rv = e == ERR_OK ? give(&given, &made, wrapped, wrapped_n) : err_to_rv(e);
    buffer_clear(&made.bytes);
    buffer_clear(&info);
    known_release(wrapping);
    known_release(target);
    mechanism_clear(&given.mechanism);
    return rv;
}

/* The tag travels behind the key. */
static enum err join(const struct wrap_given *given, struct wrapping_bytes wrapped, struct buffer *out)
{
    if (wrapped.n == 0 || wrapped.n > PARAMETER_BYTES_MAX)
        return ERR_WRAPPED_KEY_LEN;
    buffer_put(out, wrapped.bytes, wrapped.n);
    if (given->tag_n > 0)
        buffer_put(out, given->tag, given->tag_n);
    return out->failed ? ERR_NO_MEMORY : ERR_OK;
}

CK_RV wrapping_unwrap(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                      CK_OBJECT_HANDLE unwrapping_key, struct wrapping_bytes wrapped,
                      const struct wrap_associated *associated, struct keys_template t, CK_OBJECT_HANDLE *key)
{
    struct template template = {.n = 0};
    struct wrap_given given;
    struct known *unwrapping = NULL;
    struct buffer whole = {0};
    CK_RV rv = err_to_rv(wrap_given_take(m, mechanism, CKF_UNWRAP, associated, &given));

    if (rv == CKR_OK)
        rv = err_to_rv(key_for(m, unwrapping_key, given.mechanism.row, CKF_UNWRAP, &unwrapping));
    if (rv == CKR_OK)
        rv = err_to_rv(join(&given, wrapped, &whole));
    if (rv == CKR_OK)
        rv = keys_take_template(m, session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_unwrap(m, session->handle, given.mechanism.wire, unwrapping, whole.data, whole.len, &template, key);
    known_release(unwrapping);
    template_clear(&template);
    buffer_clear(&whole);
    mechanism_clear(&given.mechanism);
    return rv;
}
