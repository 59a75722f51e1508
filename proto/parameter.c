#include "proto/parameter.h"

#include <stddef.h>

#include "proto/cipher_mode.h"
#include "proto/limits.h"

enum {
    TAG_BYTES_MAX = 16,
    CCM_NONCE_BYTES_MIN = 7, /* NIST SP 800-38C appendix A.1 */
    CCM_NONCE_BYTES_MAX = 13,
    CHACHA_NONCE_BYTES = 12, /* RFC 8439 section 2.8 */
    COUNTER_BITS_MAX = 128,
    TLS_MAC_BYTES_MIN = 12,
    TLS_MAC_BYTES_MAX = 64,
    SSHKDF_FIRST = 'A',
    SSHKDF_LAST = 'F',
    SSHKDF_SESSION_BYTES_MAX = 64 /* it is an exchange hash itself, if by another hash */
};

/* NIST SP 800-38D section 5.2.1.2 */
static bool is_gcm_tag(size_t n)
{
    return n == 4 || n == 8 || (n >= 12 && n <= TAG_BYTES_MAX);
}

static enum err check_gcm(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    if (m->aead->iv.len == 0 || m->aead->iv.len > GCM_IV_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    return is_gcm_tag(m->aead->tag_bytes) ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* A vector that is given would not be the one that is used. */
static enum err check_gcm_no_iv(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->aead->iv.len == 0 && m->aead->generator == CKG_NO_GENERATE && is_gcm_tag(m->aead->tag_bytes) ? ERR_OK
                                                                                                             : ERR_MECHANISM_PARAM;
}

/* NIST SP 800-38C appendix A.1 */
static enum err check_ccm(const struct mechanism *row, const Hsm__Mechanism *m)
{
    size_t tag = m->aead->tag_bytes, nonce = m->aead->iv.len;

    (void)row;
    if (nonce < CCM_NONCE_BYTES_MIN || nonce > CCM_NONCE_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    if (m->aead->data_bytes > CIPHER_BYTES_MAX + CIPHER_LONGER_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    return tag >= 4 && tag <= TAG_BYTES_MAX && tag % 2 == 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err check_chacha(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->aead->iv.len == CHACHA_NONCE_BYTES && m->aead->tag_bytes == TAG_BYTES_MAX ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err check_iv(const struct mechanism *row, const Hsm__Mechanism *m)
{
    const struct cipher_mode *mode = cipher_mode_of(row);
    size_t wanted = mode->iv_bytes > 0 ? mode->iv_bytes : cipher_block_bytes(row);

    if (m->iv->counter_bits != 0)
        return ERR_MECHANISM_PARAM;
    return m->iv->iv.len == wanted || (mode->iv_may_lack && m->iv->iv.len == 0) ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err check_ctr(const struct mechanism *row, const Hsm__Mechanism *m)
{
    return m->iv->iv.len == cipher_block_bytes(row) && m->iv->counter_bits >= 1 && m->iv->counter_bits <= COUNTER_BITS_MAX
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

/* RFC 8439 section 2.3 has a counter of 32 bits and a nonce of 96, the cipher as it was at first 64 of both. */
static enum err check_chacha20(const struct mechanism *row, const Hsm__Mechanism *m)
{
    return m->iv->iv.len == cipher_mode_of(row)->iv_bytes && (m->iv->counter_bits == 32 || m->iv->counter_bits == 64) ? ERR_OK
                                                                                                                 : ERR_MECHANISM_PARAM;
}

static enum err check_general(const struct mechanism *row, const Hsm__Mechanism *m)
{
    return m->general->bytes >= 1 && m->general->bytes <= mechanism_signature_bytes(row, 0) ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* RFC 5246 section 7.4.9: 12 bytes, or more where a cipher suite says so. */
static enum err check_tls_mac(const struct mechanism *row, const Hsm__Mechanism *m)
{
    const Hsm__Tls12Params *p = m->tls12;

    (void)row;
    return mechanism_hash_name(p->hash) != NULL && p->mac_bits % 8 == 0 && p->mac_bits >= 8 * TLS_MAC_BYTES_MIN &&
                   p->mac_bits <= 8 * TLS_MAC_BYTES_MAX
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

static enum err check_oaep(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return mechanism_hash_name(m->oaep->hash) != NULL && mechanism_mgf_hash(m->oaep->mgf) != NULL &&
                   m->oaep->label.len <= PARAMETER_BYTES_MAX
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

static enum err check_aes_bits(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->aes_bits == 128 || m->aes_bits == 192 || m->aes_bits == 256 ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err check_rsa_aes(const struct mechanism *row, const Hsm__Mechanism *m)
{
    enum err e = check_aes_bits(row, m);

    return e == ERR_OK ? check_oaep(row, m) : e;
}

static enum err check_public_value(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->data->data.len > 0 && m->data->data.len <= FIELD_BITS_MAX / 8 ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* FIPS 204 algorithm 2 line 1. */
static enum err check_pq(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->pq->context.len <= PQ_CONTEXT_BYTES_MAX && m->pq->hash == 0 && m->pq->hedge <= CKH_DETERMINISTIC_REQUIRED
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

/* It is in the mu already. */
static enum err check_pq_no_context(const struct mechanism *row, const Hsm__Mechanism *m)
{
    return m->pq->context.len == 0 ? check_pq(row, m) : ERR_MECHANISM_PARAM;
}

static enum err check_pq_hash(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->pq->context.len <= PQ_CONTEXT_BYTES_MAX && mechanism_hash_id(mechanism_hash_name(m->pq->hash)) != 0 &&
                   m->pq->hedge <= CKH_DETERMINISTIC_REQUIRED
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

static enum err check_otp(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->otp->counter.len == 0 || m->otp->counter.len == OTP_COUNTER_BYTES ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* RFC 8032 section 5.1: a context is at most 255 bytes */
static enum err check_eddsa(const struct mechanism *row, const Hsm__Mechanism *m)
{
    (void)row;
    return m->eddsa->context.len <= EDDSA_CONTEXT_BYTES_MAX ? ERR_OK : ERR_MECHANISM_PARAM;
}

/* RFC 4253 section 7.2. The hash is taken over key, exchange hash, letter and session's id with nothing between them: an exchange hash of
 * another length would move the letter. */
static enum err check_sshkdf(const struct mechanism *row, const Hsm__Mechanism *m)
{
    const Hsm__SshkdfParams *p = m->sshkdf;
    size_t hash_bytes = mechanism_hash_bytes(mechanism_hash_name(p->hash));

    (void)row;
    return p->letter >= SSHKDF_FIRST && p->letter <= SSHKDF_LAST && hash_bytes > 0 && p->exchange_hash.len == hash_bytes &&
                   p->session_id.len > 0 && p->session_id.len <= SSHKDF_SESSION_BYTES_MAX
               ? ERR_OK
               : ERR_MECHANISM_PARAM;
}

/* Where each parameter stands: a pointer in the message, which several may share (a second key stands in the request itself); and
 * what may stand there. */
static const struct {
    size_t at;
    enum err (*check)(const struct mechanism *row, const Hsm__Mechanism *m);
} fields[] = {
    [PARAM_PSS] = {offsetof(Hsm__Mechanism, pss), NULL},
    [PARAM_OAEP] = {offsetof(Hsm__Mechanism, oaep), check_oaep},
    [PARAM_IV] = {offsetof(Hsm__Mechanism, iv), check_iv},
    [PARAM_CTR] = {offsetof(Hsm__Mechanism, iv), check_ctr},
    [PARAM_GCM] = {offsetof(Hsm__Mechanism, aead), check_gcm},
    [PARAM_GCM_NO_IV] = {offsetof(Hsm__Mechanism, aead), check_gcm_no_iv},
    [PARAM_CCM] = {offsetof(Hsm__Mechanism, aead), check_ccm},
    [PARAM_CHACHA20] = {offsetof(Hsm__Mechanism, iv), check_chacha20},
    [PARAM_CHACHA] = {offsetof(Hsm__Mechanism, aead), check_chacha},
    [PARAM_GENERAL] = {offsetof(Hsm__Mechanism, general), check_general},
    [PARAM_ECDH] = {offsetof(Hsm__Mechanism, ecdh), NULL},
    [PARAM_PUBLIC_VALUE] = {offsetof(Hsm__Mechanism, data), check_public_value},
    [PARAM_HKDF] = {offsetof(Hsm__Mechanism, hkdf), NULL},
    [PARAM_KBKDF] = {offsetof(Hsm__Mechanism, kbkdf), NULL},
    [PARAM_KBKDF_FEEDBACK] = {offsetof(Hsm__Mechanism, kbkdf), NULL},
    [PARAM_CLOUDHSM_KBKDF] = {offsetof(Hsm__Mechanism, kbkdf), NULL},
    [PARAM_PBKDF2] = {offsetof(Hsm__Mechanism, pbkdf2), NULL},
    [PARAM_TLS12_MASTER] = {offsetof(Hsm__Mechanism, tls12), NULL},
    [PARAM_TLS12_KEYS] = {offsetof(Hsm__Mechanism, tls12), NULL},
    [PARAM_TLS12_KDF] = {offsetof(Hsm__Mechanism, tls12), NULL},
    [PARAM_TLS12_EXTENDED] = {offsetof(Hsm__Mechanism, tls12), NULL},
    [PARAM_TLS12_SAFE_KEYS] = {offsetof(Hsm__Mechanism, tls12), NULL},
    [PARAM_TLS_MAC] = {offsetof(Hsm__Mechanism, tls12), check_tls_mac},
    [PARAM_DATA] = {offsetof(Hsm__Mechanism, data), NULL},
    [PARAM_BIT] = {offsetof(Hsm__Mechanism, data), NULL},
    [PARAM_AES_CBC_DATA] = {offsetof(Hsm__Mechanism, data), NULL},
    [PARAM_DES_CBC_DATA] = {offsetof(Hsm__Mechanism, data), NULL},
    [PARAM_IKE_PRF] = {offsetof(Hsm__Mechanism, ike), NULL},
    [PARAM_IKE1_PRF] = {offsetof(Hsm__Mechanism, ike), NULL},
    [PARAM_IKE1_EXTENDED] = {offsetof(Hsm__Mechanism, ike), NULL},
    [PARAM_IKE2_PRF_PLUS] = {offsetof(Hsm__Mechanism, ike), NULL},
    [PARAM_SSHKDF] = {offsetof(Hsm__Mechanism, sshkdf), check_sshkdf},
    [PARAM_RSA_AES] = {offsetof(Hsm__Mechanism, oaep), check_rsa_aes},
    [PARAM_ECDH_AES] = {offsetof(Hsm__Mechanism, ecdh), check_aes_bits},
    [PARAM_PQ] = {offsetof(Hsm__Mechanism, pq), check_pq},
    [PARAM_PQ_NO_CONTEXT] = {offsetof(Hsm__Mechanism, pq), check_pq_no_context},
    [PARAM_PQ_HASH] = {offsetof(Hsm__Mechanism, pq), check_pq_hash},
    [PARAM_OTP] = {offsetof(Hsm__Mechanism, otp), check_otp},
    [PARAM_EDDSA] = {offsetof(Hsm__Mechanism, eddsa), check_eddsa},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

bool parameter_is_given(const struct mechanism *row, const Hsm__Mechanism *m)
{
    for (size_t i = PARAM_NONE + 1; i < FIELDS; i++) {
        const void *const *field = (const void *const *)((const char *)m + fields[i].at);
        if (fields[i].at == 0)
            continue;
        if ((*field != NULL) != (row->param != PARAM_NONE && fields[i].at == fields[row->param].at))
            return false;
    }
    return true;
}

enum err parameter_check(const struct mechanism *row, const Hsm__Mechanism *m)
{
    if (!parameter_is_given(row, m) || (m->aes_bits != 0 && row->param != PARAM_RSA_AES && row->param != PARAM_ECDH_AES))
        return ERR_MECHANISM_PARAM;
    return fields[row->param].check != NULL ? fields[row->param].check(row, m) : ERR_OK;
}

bool parameter_names_hash(const Hsm__Mechanism *m, CK_MECHANISM_TYPE *hash)
{
    if (m->pss != NULL)
        *hash = m->pss->hash;
    else if (m->oaep != NULL)
        *hash = m->oaep->hash;
    else if (m->hkdf != NULL)
        *hash = m->hkdf->hash;
    else if (m->tls12 != NULL)
        *hash = m->tls12->hash;
    else if (m->sshkdf != NULL)
        *hash = m->sshkdf->hash;
    else
        return false;
    return true;
}

size_t parameter_signature_bytes(const struct mechanism *row, const Hsm__Mechanism *m, size_t key_size)
{
    if (row->param == PARAM_GENERAL)
        return m->general->bytes;
    if (row->param == PARAM_TLS_MAC)
        return (size_t)(m->tls12->mac_bits / 8);
    return row->param == PARAM_GCM ? m->aead->tag_bytes : mechanism_signature_bytes(row, key_size);
}
