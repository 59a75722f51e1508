#include "module/state/signing.h"

#include "crypto/eddsa.h"
#include "crypto/verify.h"
#include "module/rpc/gate.h"
#include "module/state/cluster_sign.h"
#include "module/state/key_for.h"
#include "module/state/one_time.h"
#include "module/state/output.h"
#include "proto/limits.h"
#include "proto/parameter.h"

/* ---- what is asked for: a signature of data, or a one-time password, which is of none (PKCS#11 v3.1 section 6, "HOTP") */

static size_t signature_bytes(const struct signing *s, CK_FLAGS use)
{
    const struct parameter_set *set = known_set(s->key);

    (void)use;
    return set != NULL ? set->output_bytes
                       : parameter_signature_bytes(s->mechanism.row, s->mechanism.wire, known_signing_size(s->key));
}

static size_t password_bytes(const struct signing *s, CK_FLAGS use)
{
    return use == CKF_SIGN ? one_time_info_bytes(s->key) : one_time_digits(s->key);
}

static const struct product {
    bool of_data;
    size_t (*bytes)(const struct signing *s, CK_FLAGS use);
    enum err (*sign)(struct module *m, const struct key_request *k, CK_BYTE *signature, size_t *bytes);
    enum err (*verify)(struct module *m, const struct key_request *k, const CK_BYTE *signature, size_t bytes);
} signature_of_data = {true, signature_bytes, cluster_sign, cluster_verify},
  one_time_password = {false, password_bytes, one_time_sign, cluster_one_time_verify};

static const struct product *product_of(const struct signing *s)
{
    return s->mechanism.row->family == FAMILY_HOTP ? &one_time_password : &signature_of_data;
}

/* ---- beginning */

/* The public key, ready; `v` borrows from the operation. */
static enum err public_key_of(struct module *m, const struct signing *s, struct verify *v)
{
    *v = (struct verify){.libctx = m->libctx, .mechanism = s->mechanism.row, .pss = s->mechanism.wire->pss,
                         .eddsa = s->mechanism.wire->eddsa, .pq = s->mechanism.wire->pq};
    return known_public_key(s->key, m->libctx, &v->key);
}

static enum err check_public(struct module *m, const struct signing *s)
{
    struct verify with;
    enum err e = public_key_of(m, s, &with);

    return e == ERR_OK ? verify_check(&with) : e;
}

/* As far as the key has a say in it. */
static enum err check_parameter(const struct signing *s)
{
    const Hsm__Mechanism *given = s->mechanism.wire;

    if (s->mechanism.row->param == PARAM_EDDSA)
        return eddsa_check(known_curve(s->key), given->eddsa);
    if (s->mechanism.row->param == PARAM_PSS &&
        !mechanism_pss_fits(known_key_size(s->key), mechanism_hash_name(given->pss->hash), given->pss->salt_bytes))
        return ERR_MECHANISM_PARAM;
    return ERR_OK;
}

static enum err check_key(struct module *m, struct signing *s, CK_FLAGS use)
{
    enum err e = check_parameter(s);

    if (e != ERR_OK)
        return e;
    s->signature_bytes = product_of(s)->bytes(s, use);
    return known_ulong(s->key, CKA_CLASS) == CKO_PUBLIC_KEY ? check_public(m, s) : ERR_OK;
}

static enum err start_hash(struct module *m, struct signing *s)
{
    enum err e;

    if (s->mechanism.row->where != WHERE_HASH_IN_MODULE)
        return ERR_OK;
    gate_enter();
    e = digest_new(m->libctx, s->mechanism.row->hash, &s->digest);
    gate_leave();
    return e;
}

CK_RV signing_begin(struct module *m, struct signing *s, CK_FLAGS use, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    enum err e;

    if (mechanism == NULL) {
        signing_end(s);
        return CKR_OK;
    }
    if (s->key != NULL)
        return CKR_OPERATION_ACTIVE;
    e = mechanism_take(m, mechanism, use, &s->mechanism);
    s->recover = use == CKF_SIGN_RECOVER || use == CKF_VERIFY_RECOVER;
    if (e == ERR_OK)
        e = key_for(m, key, s->mechanism.row, use, &s->key);
    if (e == ERR_OK)
        e = check_key(m, s, use);
    if (e == ERR_OK)
        e = start_hash(m, s);
    if (e == ERR_OK)
        reauthentication_begin(&s->reauthentication, s->key);
    if (e != ERR_OK)
        signing_end(s);
    return err_to_rv(e);
}

enum err signing_copy(struct module *m, const struct signing *s, struct signing *out)
{
    enum err e = mechanism_copy(&s->mechanism, &out->mechanism);

    if (e == ERR_OK) {
        out->key = known_hold(s->key);
        out->signature_bytes = s->signature_bytes;
        reauthentication_begin(&out->reauthentication, out->key);
        e = start_hash(m, out);
    }
    if (e != ERR_OK)
        signing_end(out);
    return e;
}

/* ---- data */

static CK_RV ended(struct signing *s, CK_RV rv)
{
    signing_end(s);
    return rv;
}

static enum err feed(struct signing *s, const CK_BYTE *data, CK_ULONG n)
{
    if (s->digest != NULL)
        return digest_feed(s->digest, data, n);
    if (!product_of(s)->of_data && (n > 0 || s->parts))
        return ERR_DATA;
    if (n > SIGN_DATA_BYTES_MAX - s->gathered.n)
        return ERR_TOO_LARGE;
    return gathered_put(&s->gathered, data, n) ? ERR_OK : ERR_NO_MEMORY;
}

CK_RV signing_update(struct signing *s, const CK_BYTE *data, CK_ULONG n)
{
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (data == NULL && n > 0)
        return ended(s, CKR_ARGUMENTS_BAD);
    if (!reauthentication_done(&s->reauthentication))
        return ended(s, CKR_USER_NOT_LOGGED_IN);
    s->parts = true;
    e = feed(s, data, n);
    return e == ERR_OK ? CKR_OK : ended(s, err_to_rv(e));
}

/* What travels, or is verified: the digest of what was fed, or what was gathered. */
static enum err finish_data(struct signing *s, uint8_t hash[DIGEST_BYTES_MAX], struct key_request *k)
{
    enum err e = ERR_OK;

    k->data = s->gathered.bytes;
    k->data_bytes = s->gathered.n;
    if (s->digest != NULL) {
        k->data = hash;
        k->data_bytes = digest_bytes(s->digest);
        gate_enter();
        e = digest_final(s->digest, hash);
        gate_leave();
    }
    return e;
}

/* Nothing is to come any more. Also after data in one part, which need not be copied where it is not hashed. */
static CK_RV sign(struct module *m, struct signing *s, const struct key_request *given, CK_BYTE *signature, CK_ULONG *signature_n)
{
    uint8_t hash[DIGEST_BYTES_MAX];
    struct key_request k = *given;
    size_t n = s->signature_bytes;
    enum err e = k.data == NULL ? finish_data(s, hash, &k) : ERR_OK;

    k.key = s->key;
    k.mechanism = s->mechanism.wire;
    k.recover = s->recover;
    k.password = reauthentication_password(&s->reauthentication);
    if (e == ERR_OK)
        e = product_of(s)->sign(m, &k, signature, &n);
    if (e == ERR_OK)
        *signature_n = n;
    return ended(s, err_to_rv(e));
}

static enum err verify_here(struct module *m, struct signing *s, const struct key_request *k, const CK_BYTE *signature, size_t n)
{
    struct verify with;
    enum err e = public_key_of(m, s, &with);

    if (e == ERR_OK) {
        gate_enter();
        e = verify_signature(&with, k->data, k->data_bytes, signature, n);
        gate_leave();
    }
    return e;
}

static CK_RV verify(struct module *m, struct signing *s, const struct key_request *given, const CK_BYTE *signature, CK_ULONG n)
{
    uint8_t hash[DIGEST_BYTES_MAX];
    struct key_request k = *given;
    enum err e = k.data == NULL ? finish_data(s, hash, &k) : ERR_OK;

    k.key = s->key;
    k.mechanism = s->mechanism.wire;
    if (e == ERR_OK && n > FRAME_BYTES_MAX)
        e = ERR_SIGNATURE_LEN;
    if (e == ERR_OK && known_ulong(s->key, CKA_CLASS) == CKO_PUBLIC_KEY)
        e = verify_here(m, s, &k, signature, n);
    else if (e == ERR_OK)
        e = n == s->signature_bytes ? product_of(s)->verify(m, &k, signature, n) : ERR_SIGNATURE_LEN;
    return ended(s, err_to_rv(e));
}

/* Data in one part: hashed, or left where it is. */
static enum err take_whole(struct signing *s, const CK_BYTE *data, CK_ULONG n, struct key_request *k)
{
    if (s->digest != NULL || n == 0 || !product_of(s)->of_data)
        return feed(s, data, n);
    k->data = data;
    k->data_bytes = n;
    return n <= SIGN_DATA_BYTES_MAX ? ERR_OK : ERR_TOO_LARGE;
}

/* ---- the ends */

CK_RV signing_sign(struct module *m, struct signing *s, const CK_BYTE *data, CK_ULONG n, CK_BYTE *signature, CK_ULONG *signature_n)
{
    struct key_request k = {.data = NULL};
    enum output fits;
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (s->parts)
        return ended(s, CKR_OPERATION_NOT_INITIALIZED); /* it is C_SignFinal's turn */
    fits = output_check(signature, signature_n, s->signature_bytes);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (fits == OUTPUT_BAD || (data == NULL && n > 0))
        return ended(s, CKR_ARGUMENTS_BAD);
    if (!reauthentication_done(&s->reauthentication))
        return ended(s, CKR_USER_NOT_LOGGED_IN);
    e = take_whole(s, data, n, &k);
    return e == ERR_OK ? sign(m, s, &k, signature, signature_n) : ended(s, err_to_rv(e));
}

CK_RV signing_sign_final(struct module *m, struct signing *s, CK_BYTE *signature, CK_ULONG *signature_n)
{
    const struct key_request k = {.data = NULL};
    enum output fits;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    fits = output_check(signature, signature_n, s->signature_bytes);
    if (output_keeps_operation(fits))
        return output_rv(fits);
    if (!reauthentication_done(&s->reauthentication))
        return ended(s, CKR_USER_NOT_LOGGED_IN);
    return fits == OUTPUT_BAD ? ended(s, CKR_ARGUMENTS_BAD) : sign(m, s, &k, signature, signature_n);
}

CK_RV signing_verify(struct module *m, struct signing *s, const CK_BYTE *data, CK_ULONG n, const CK_BYTE *signature, CK_ULONG signature_n)
{
    struct key_request k = {.data = NULL};
    enum err e;

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (s->parts)
        return ended(s, CKR_OPERATION_NOT_INITIALIZED);
    if (signature == NULL || (data == NULL && n > 0))
        return ended(s, CKR_ARGUMENTS_BAD);
    e = take_whole(s, data, n, &k);
    return e == ERR_OK ? verify(m, s, &k, signature, signature_n) : ended(s, err_to_rv(e));
}

CK_RV signing_verify_final(struct module *m, struct signing *s, const CK_BYTE *signature, CK_ULONG signature_n)
{
    const struct key_request k = {.data = NULL};

    if (s->key == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return signature == NULL ? ended(s, CKR_ARGUMENTS_BAD) : verify(m, s, &k, signature, signature_n);
}

void signing_end(struct signing *s)
{
    known_release(s->key);
    reauthentication_end(&s->reauthentication);
    mechanism_clear(&s->mechanism);
    if (s->digest != NULL) {
        gate_enter();
        digest_free(s->digest);
        gate_leave();
    }
    gathered_clear(&s->gathered);
    *s = (struct signing){.key = NULL};
}
