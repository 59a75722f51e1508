/* A key that is used once: the AES key under which the wrapped key goes by RFC 5649. It travels under RSA in front of
 * it; or both sides agree on it, and what travels is the point that one of them has made for it.
 *
 * Of an agreement the AES key is what CKM_ECDH1_DERIVE gives as a key of that length: without a function to derive it
 * (CKD_NULL), the secret's last bytes. */
#include <openssl/err.h>
#include <openssl/rand.h>

#include "vault/provider/generate.h"
#include "vault/provider/shared_secret.h"
#include "vault/provider/wrap_family.h"

enum { SEMIBLOCK_BYTES = 8 };

/* ---- under the fresh key */

/* The row and parameter of CKM_AES_KEY_WRAP_KWP, with this key. */
struct under {
    Hsm__Mechanism given;
    Hsm__IvParams no_iv;
    struct key *key;
    struct wrap wrap;
};

static enum err under_begin(const struct wrap *w, const struct secret *value, struct under *u)
{
    static const struct mechanism row = {.name = "RFC 5649",
                                         .family = FAMILY_KEY_WRAP_PAD,
                                         .key_type = CKK_AES,
                                         .has_key = true,
                                         .size_min = 16,
                                         .size_max = 32,
                                         .param = PARAM_IV};
    struct key_part part = {.type = CKA_VALUE, .value = value->bytes, .n = value->len};
    enum err e = key_load(w->libctx, CKK_AES, &part, 1, &u->key);

    hsm__mechanism__init(&u->given);
    hsm__iv_params__init(&u->no_iv);
    u->given.iv = &u->no_iv;
    u->wrap = (struct wrap){.libctx = w->libctx, .mechanism = &row, .given = &u->given, .key = u->key};
    return e;
}

static enum err under_wrap(const struct wrap *w, const struct secret *value, const uint8_t *plain, size_t n, struct buffer *out)
{
    struct under u = {.key = NULL};
    enum err e = under_begin(w, value, &u);

    if (e == ERR_OK)
        e = wrap_by_secret(&u.wrap, plain, n, out);
    key_free(u.key);
    return e;
}

static enum err under_unwrap(const struct wrap *w, const struct secret *value, const uint8_t *wrapped, size_t n, struct secret *out)
{
    struct under u = {.key = NULL};
    enum err e = under_begin(w, value, &u);

    if (e == ERR_OK)
        e = unwrap_by_secret(&u.wrap, wrapped, n, out);
    key_free(u.key);
    return e;
}

/* Asked before a private key is put to work: else an error for the length would say that all before it was right. */
static bool has_length(size_t first, size_t n)
{
    return n >= first + 2 * SEMIBLOCK_BYTES && (n - first) % SEMIBLOCK_BYTES == 0;
}

/* ---- under RSA */

static enum err rsa_wrap(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    struct secret fresh = {0};
    enum err e = secret_new(&fresh, w->given->aes_bits / 8) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && RAND_priv_bytes_ex(w->libctx, fresh.bytes, fresh.len, 0) != 1)
        e = ERR_BUG;
    if (e == ERR_OK)
        e = wrap_by_rsa(w, fresh.bytes, fresh.len, out);
    if (e == ERR_OK)
        e = under_wrap(w, &fresh, plain, n, out);
    secret_clear(&fresh);
    ERR_clear_error();
    return e;
}

static enum err rsa_unwrap(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    struct secret fresh = {0};
    size_t k = wrap_rsa_bytes(w);
    enum err e;

    if (!has_length(k, n))
        return ERR_WRAPPED_KEY_LEN;
    e = unwrap_by_rsa(w, wrapped, k, &fresh);
    if (e == ERR_OK && fresh.len != w->given->aes_bits / 8)
        e = ERR_WRAPPED_KEY;
    if (e == ERR_OK)
        e = under_unwrap(w, &fresh, wrapped + k, n - k, out);
    secret_clear(&fresh);
    return e;
}

/* ---- by an agreement */

static const struct curve *curve_of(const struct wrap *w)
{
    return w->public_key != NULL ? public_key_curve(w->public_key) : key_curve(w->key);
}

/* Whoever is not on the curve agrees on nothing, and it is the point that is wrong then. */
static enum err agreed(const struct wrap *w, const struct key *own, struct kdf_bytes peer, struct secret *out)
{
    struct secret shared = {0};
    enum err e = shared_secret(w->libctx, own, peer, &shared);

    if (e == ERR_OK)
        e = shared_secret_kdf(w->libctx, w->given->ecdh, &shared, w->given->aes_bits / 8, out);
    secret_clear(&shared);
    return e;
}

/* In the form in which it stands in front: raw, or as DER OCTET STRING. */
static enum err put_point(const struct wrap *w, const struct secret *der, struct buffer *out)
{
    const uint8_t *raw = NULL;
    size_t raw_n = 0;
    enum err e = curve_point_read(curve_of(w), der->bytes, der->len, &raw, &raw_n);

    if (e == ERR_OK && !(w->mechanism->family == FAMILY_ECDH_AES_WRAP_DER ? buffer_put(out, der->bytes, der->len)
                                                                          : buffer_put(out, raw, raw_n)))
        e = ERR_NO_MEMORY;
    return e;
}

/* The wrapping key as a peer of the transport key. */
static enum err public_point(const struct wrap *w, struct buffer *info, struct kdf_bytes *point)
{
    size_t n = curve_of(w)->point_bytes;
    enum err e = public_key_info(w->public_key, info);

    /* SubjectPublicKeyInfo ends with the point (RFC 5480 section 2, RFC 8410 section 4). */
    if (e == ERR_OK)
        *point = (struct kdf_bytes){info->data + info->len - n, n};
    return e;
}

static enum err curve_wrap(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    struct buffer info = {0};
    struct secret fresh = {0}, point = {0};
    struct kdf_bytes peer = {NULL, 0};
    struct key *transport = NULL;
    size_t from = out->len;
    enum err e = public_point(w, &info, &peer);

    if (e == ERR_OK)
        e = generate_ec(w->libctx, curve_of(w), &transport);
    if (e == ERR_OK)
        e = key_public_part(transport, CKA_EC_POINT, &point);
    if (e == ERR_OK)
        e = agreed(w, transport, peer, &fresh);
    if (e == ERR_OK)
        e = put_point(w, &point, out);
    if (e == ERR_OK)
        e = under_wrap(w, &fresh, plain, n, out);
    if (e != ERR_OK)
        out->len = from;
    key_free(transport);
    secret_clear(&fresh);
    secret_clear(&point);
    buffer_clear(&info);
    return e;
}

static enum err curve_unwrap(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    size_t raw_n = curve_of(w)->point_bytes;
    size_t first = w->mechanism->family == FAMILY_ECDH_AES_WRAP_DER ? curve_point_der_bytes(raw_n) : raw_n;
    struct secret fresh = {0};
    enum err e;

    if (!has_length(first, n))
        return ERR_WRAPPED_KEY_LEN;
    e = agreed(w, w->key, (struct kdf_bytes){wrapped, first}, &fresh);
    if (e == ERR_OK)
        e = under_unwrap(w, &fresh, wrapped + first, n - first, out);
    secret_clear(&fresh);
    return e == ERR_MECHANISM_PARAM ? ERR_WRAPPED_KEY : e;
}

/* ---- */

static bool is_rsa(const struct wrap *w)
{
    return w->mechanism->family == FAMILY_RSA_AES_WRAP;
}

/* Whether there are as many bytes as AES wants, and a function where there is data for it. */
static enum err curve_check(const struct wrap *w)
{
    const Hsm__EcdhParams *p = w->given->ecdh;

    if (p->peer.len > 0 || !shared_secret_has_kdf(p->kdf))
        return ERR_MECHANISM_PARAM;
    return p->kdf != CKD_NULL || (p->shared.len == 0 && w->given->aes_bits / 8 <= curve_of(w)->field_bytes) ? ERR_OK
                                                                                                            : ERR_MECHANISM_PARAM;
}

enum err wrap_fresh_check(const struct wrap *w)
{
    if (is_rsa(w))
        return wrap_rsa_holds(w) >= w->given->aes_bits / 8 ? ERR_OK : ERR_KEY_SIZE;
    return curve_check(w);
}

enum err wrap_by_fresh(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    return is_rsa(w) ? rsa_wrap(w, plain, n, out) : curve_wrap(w, plain, n, out);
}

enum err unwrap_by_fresh(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    return is_rsa(w) ? rsa_unwrap(w, wrapped, n, out) : curve_unwrap(w, wrapped, n, out);
}
