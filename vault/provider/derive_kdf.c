/* Derivations that are hashes of the base key: HKDF, SSH's, SP 800-108, a digest of the key; and agreement on a curve. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/limits.h"
#include "proto/mechanism.h"
#include "proto/parameter.h"
#include "vault/provider/derive_family.h"
#include "vault/provider/kbkdf.h"
#include "vault/provider/prf.h"
#include "vault/provider/shared_secret.h"

/* ---- HKDF (PKCS#11 v3.1 section 6.62) */

enum err derive_check_hkdf(const struct derive *d)
{
    const Hsm__HkdfParams *p = d->given->hkdf;
    bool key = p->salt_type == CKF_HKDF_SALT_KEY;

    if (mechanism_hash_name(p->hash) == NULL || (!p->extract && !p->expand))
        return ERR_MECHANISM_PARAM;
    if (p->salt_type != CKF_HKDF_SALT_NULL && p->salt_type != CKF_HKDF_SALT_DATA && !key)
        return ERR_MECHANISM_PARAM;
    if (p->salt_type != CKF_HKDF_SALT_DATA && p->salt.len > 0)
        return ERR_MECHANISM_PARAM;
    return key == (d->n_others > 0) ? ERR_OK : ERR_KEY_HANDLE;
}

size_t derive_natural_hkdf(const struct derive *d)
{
    return d->given->hkdf->expand ? 0 : mechanism_hash_bytes(mechanism_hash_name(d->given->hkdf->hash));
}

enum err derive_make_hkdf(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__HkdfParams *p = d->given->hkdf;
    struct kdf_hkdf h = {.hash = mechanism_hash_name(p->hash),
                         .extract = p->extract,
                         .expand = p->expand,
                         .info = derive_given_bytes(&p->info)};
    size_t whole = derive_natural_hkdf(d);
    enum err e;

    if (p->salt_type == CKF_HKDF_SALT_DATA)
        h.salt = derive_given_bytes(&p->salt);
    else if (p->salt_type == CKF_HKDF_SALT_KEY)
        h.salt = derive_key_bytes(derive_other(d));
    if (whole != 0 ? n > whole : n > 255 * mechanism_hash_bytes(h.hash)) /* RFC 5869 section 2.3 */
        return ERR_KEY_SIZE;
    e = kdf_hkdf(d->libctx, &h, derive_key_bytes(d->base), whole != 0 ? whole : n, out);
    if (e == ERR_OK)
        out->len = n;
    return e;
}

/* ---- SSH (RFC 4253 section 7.2): the base key is K as it is hashed there */

enum err derive_check_sshkdf(const struct derive *d)
{
    return parameter_check(d->mechanism, d->given);
}

enum err derive_make_sshkdf(const struct derive *d, size_t n, struct secret *out)
{
    const Hsm__SshkdfParams *p = d->given->sshkdf;
    const struct kdf_sshkdf s = {.hash = mechanism_hash_name(p->hash),
                                 .letter = (char)p->letter,
                                 .exchange_hash = derive_given_bytes(&p->exchange_hash),
                                 .session_id = derive_given_bytes(&p->session_id)};

    return kdf_sshkdf(d->libctx, &s, derive_key_bytes(d->base), n, out);
}

/* ---- SP 800-108 */

/* The parameter with the values of keys where it names keys. Borrows all that it holds. */
struct fields {
    Hsm__KbkdfParams params;
    Hsm__KbkdfField fields[KBKDF_FIELDS_MAX];
    Hsm__KbkdfField *list[KBKDF_FIELDS_MAX];
};

/* A PRF that can be undone by who knows its key, as CMAC's last block can, would give a field back that is a key. */
static bool is_one_way(CK_MECHANISM_TYPE mac)
{
    struct prf prf;

    return prf_find_kbkdf(mac, 0, &prf) && prf.hash != NULL;
}

static enum err fill_in_keys(const struct derive *d, struct fields *f)
{
    const Hsm__KbkdfParams *p = d->given->kbkdf;
    size_t next = 0;

    if (p->n_fields > KBKDF_FIELDS_MAX || (d->n_others > 0 && !is_one_way(p->prf)))
        return ERR_MECHANISM_PARAM;
    f->params = *p;
    f->params.fields = f->list;
    for (size_t i = 0; i < p->n_fields; i++) {
        f->list[i] = &f->fields[i];
        f->fields[i] = *p->fields[i];
        if (p->fields[i]->type != CK_SP800_108_KEY_HANDLE)
            continue;
        if (next == d->n_others)
            return ERR_KEY_HANDLE;
        struct kdf_bytes key = derive_key_bytes(d->others[next++]);
        f->fields[i].type = CK_SP800_108_BYTE_ARRAY;
        f->fields[i].value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)key.bytes, .len = key.n};
    }
    return next == d->n_others ? ERR_OK : ERR_KEY_HANDLE;
}

static enum err check_kbkdf(const struct derive *d, enum kbkdf_mode mode)
{
    struct fields f;
    enum err e = fill_in_keys(d, &f);

    /* Of related keys triple DES tells its parts, and a generic secret can be made related ones of. */
    if (e == ERR_OK && f.params.prf == CKM_DES3_CMAC && key_type(d->base) != CKK_DES3)
        e = ERR_KEY_TYPE;
    return e == ERR_OK ? kbkdf_check(mode, &f.params, key_size(d->base)) : e;
}

static enum err make_kbkdf(const struct derive *d, enum kbkdf_mode mode, size_t n, struct secret *out)
{
    struct kbkdf_bytes bytes = {.n = n, .of_keys = d->bytes_of_keys > 0 ? d->bytes_of_keys : n};
    struct fields f;
    enum err e = fill_in_keys(d, &f);

    return e == ERR_OK ? kbkdf_derive(d->libctx, mode, &f.params, derive_key_bytes(d->base), bytes, out) : e;
}

enum err derive_check_counter(const struct derive *d)
{
    return check_kbkdf(d, KBKDF_COUNTER);
}

enum err derive_check_feedback(const struct derive *d)
{
    return check_kbkdf(d, KBKDF_FEEDBACK);
}

enum err derive_check_pipeline(const struct derive *d)
{
    return check_kbkdf(d, KBKDF_PIPELINE);
}

size_t derive_natural_kbkdf(const struct derive *d)
{
    return kbkdf_block_bytes(d->given->kbkdf);
}

enum err derive_make_counter(const struct derive *d, size_t n, struct secret *out)
{
    return make_kbkdf(d, KBKDF_COUNTER, n, out);
}

enum err derive_make_feedback(const struct derive *d, size_t n, struct secret *out)
{
    return make_kbkdf(d, KBKDF_FEEDBACK, n, out);
}

enum err derive_make_pipeline(const struct derive *d, size_t n, struct secret *out)
{
    return make_kbkdf(d, KBKDF_PIPELINE, n, out);
}

/* ---- ECDH */

enum err derive_check_ecdh(const struct derive *d)
{
    const Hsm__EcdhParams *p = d->given->ecdh;

    return shared_secret_has_kdf(p->kdf) && p->peer.len > 0 && (p->kdf != CKD_NULL || p->shared.len == 0)
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

size_t derive_natural_ecdh(const struct derive *d)
{
    return d->given->ecdh->kdf == CKD_NULL ? key_curve(d->base)->field_bytes : 0;
}

enum err derive_make_ecdh(const struct derive *d, size_t n, struct secret *out)
{
    struct secret shared = {0};
    enum err e = shared_secret(d->libctx, d->base, derive_given_bytes(&d->given->ecdh->peer), &shared);

    if (e == ERR_OK)
        e = shared_secret_kdf(d->libctx, d->given->ecdh, &shared, n, out);
    secret_clear(&shared);
    return e;
}

/* ---- Diffie-Hellman over a finite field */

size_t derive_natural_field(const struct derive *d)
{
    return (key_size(d->base) + 7) / 8;
}

enum err derive_make_field(const struct derive *d, size_t n, struct secret *out)
{
    struct secret shared = {0};
    enum err e = shared_secret_field(d->libctx, d->base, derive_given_bytes(&d->given->data->data), &shared);

    if (e == ERR_OK)
        e = shared_secret_last(&shared, n, out);
    secret_clear(&shared);
    return e;
}

/* ---- CKM_SHA256_KEY_DERIVATION and its like; SHAKE gives as many bytes as are asked for, so there is no natural
 * length */

size_t derive_natural_hash(const struct derive *d)
{
    bool endless = strncmp(d->mechanism->hash, "SHAKE", 5) == 0;

    return endless ? 0 : mechanism_hash_bytes(d->mechanism->hash);
}

static enum err digest(const struct derive *d, bool endless, struct secret *out)
{
    EVP_MD *md = EVP_MD_fetch(d->libctx, d->mechanism->hash, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct kdf_bytes base = derive_key_bytes(d->base);
    enum err e = ERR_NO_MEMORY;

    if (md != NULL && ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
        EVP_DigestUpdate(ctx, base.bytes, base.n) == 1 &&
        (endless ? EVP_DigestFinalXOF(ctx, out->bytes, out->len) : EVP_DigestFinal_ex(ctx, out->bytes, NULL)) == 1)
        e = ERR_OK;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    ERR_clear_error();
    return e;
}

enum err derive_make_hash(const struct derive *d, size_t n, struct secret *out)
{
    size_t whole = derive_natural_hash(d);
    struct secret made = {0};
    enum err e;

    if (whole != 0 && n > whole)
        return ERR_KEY_SIZE;
    e = secret_new(&made, whole != 0 ? whole : n) ? digest(d, whole == 0, &made) : ERR_NO_MEMORY;
    if (e == ERR_OK) {
        made.len = n;
        secret_move(out, &made);
    }
    secret_clear(&made);
    return e;
}
