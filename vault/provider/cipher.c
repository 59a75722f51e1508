#include "vault/provider/cipher.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/message_iv.h"
#include "proto/limits.h"
#include "proto/parameter.h"

enum { CCM_LENGTH_AND_NONCE_BYTES = 15 };

static size_t tag_bytes(const struct cipher *c)
{
    return c->given->aead != NULL ? c->given->aead->tag_bytes : 0;
}

enum err cipher_check(const struct cipher *c)
{
    const struct cipher_mode *mode = cipher_mode_of(c->mechanism);

    if (mode == NULL || !mechanism_does(c->mechanism, c->encrypt ? CKF_ENCRYPT : CKF_DECRYPT) || (c->more && !mode->streams))
        return ERR_MECHANISM;
    if (!mechanism_takes_key(c->mechanism, key_type(c->key)))
        return ERR_KEY_TYPE;
    if (key_size(c->key) < c->mechanism->size_min || key_size(c->key) > c->mechanism->size_max)
        return ERR_KEY_SIZE;
    return parameter_check(c->mechanism, c->given);
}

size_t cipher_room(const struct cipher *c, size_t n)
{
    return c->encrypt ? cipher_encrypted_bytes(c->mechanism, tag_bytes(c), n) : n;
}

/* ---- lengths */

static enum err wrong_length(const struct cipher *c)
{
    return c->encrypt ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN;
}

/* NIST SP 800-38C: the nonce leaves room for a length of so many bytes. */
static enum err check_ccm(const struct cipher *c, size_t n)
{
    size_t length_bytes = CCM_LENGTH_AND_NONCE_BYTES - c->given->aead->iv.len;
    uint64_t announced = c->given->aead->data_bytes;

    if (length_bytes < 8 && n >> (8 * length_bytes) != 0)
        return wrong_length(c);
    /* Who decrypts announces the data, or what there is of it with its tag: PKCS #11 3.1 section 6.13.4 can be read in both ways. */
    return n == announced || (!c->encrypt && n + tag_bytes(c) == announced) ? ERR_OK : wrong_length(c);
}

static enum err check_length(const struct cipher *c, size_t n)
{
    const struct cipher_mode *mode = cipher_mode_of(c->mechanism);
    size_t unit = mode->unit > 0 ? mode->unit : cipher_block_bytes(c->mechanism);
    bool units = mode->whole || (!c->encrypt && (mode->pads || mode->unit > 0)) || (c->more && mode->pads);
    size_t longer = c->encrypt ? 0 : mode->tagged ? mode->iv_first + tag_bytes(c) : mode->longer;

    if (c->given->iv != NULL && cipher_has_counter(c->mechanism)) {
        uint8_t counter[CIPHER_BLOCK_BYTES_MAX];
        memcpy(counter, c->given->iv->iv.data, sizeof counter);
        if (cipher_counter_move(c->mechanism, counter, c->given->iv->counter_bits, (n + unit - 1) / unit) == COUNTER_BEYOND)
            return wrong_length(c);
    }
    if (n < longer || (units && n % unit != 0) || n - longer < mode->least)
        return wrong_length(c);
    if (mode->pads && !c->encrypt && !c->more && n == 0)
        return wrong_length(c);
    return c->mechanism->family == FAMILY_CCM ? check_ccm(c, n - longer) : ERR_OK;
}

/* ---- padding */

static size_t pad(const struct cipher *c, const uint8_t *in, size_t n, uint8_t *out)
{
    size_t block = cipher_block_bytes(c->mechanism), more = block - n % block;

    if (n > 0)
        memcpy(out, in, n);
    memset(out + n, (int)more, more);
    return n + more;
}

/* All ones where a < b, for small numbers. */
static unsigned below(unsigned a, unsigned b)
{
    return 0u - ((a - b) >> 31);
}

/* RFC 5652 section 6.3, looking at the whole last block whatever is in it: where the first wrong byte is takes no time to tell. */
static enum err unpad(const struct cipher *c, const uint8_t *text, size_t *n)
{
    unsigned block = (unsigned)cipher_block_bytes(c->mechanism), last = text[*n - 1];
    unsigned bad = below(last, 1) | below(block, last);

    for (unsigned i = 0; i < block; i++)
        bad |= below(i, last) & (unsigned)(text[*n - 1 - i] ^ last);
    if (bad != 0)
        return ERR_ENCRYPTED_DATA;
    *n -= last;
    return ERR_OK;
}

/* ---- what OpenSSL does */

static bool begin(const struct cipher *c, EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher)
{
    const struct secret *key = key_cipher_secret(c->key);
    const Hsm__AeadParams *aead = c->given->aead;
    const uint8_t *iv = c->given->iv != NULL && c->given->iv->iv.len > 0 ? c->given->iv->iv.data : NULL;
    int encrypt = c->encrypt;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (aead == NULL)
        return EVP_CipherInit_ex2(ctx, cipher, key->bytes, iv, encrypt, NULL) == 1 && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
    if (EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)aead->iv.len, NULL) != 1)
        return false;
    if (c->mechanism->family == FAMILY_CCM && encrypt &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)aead->tag_bytes, NULL) != 1)
        return false;
    return true;
}

/* The tag to be found is given before the key; CCM asks for it so. */
static bool begin_aead(const struct cipher *c, EVP_CIPHER_CTX *ctx, const uint8_t *tag, size_t n)
{
    const Hsm__AeadParams *aead = c->given->aead;
    int done = 0;

    if (!c->encrypt && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)aead->tag_bytes, (void *)(uintptr_t)tag) != 1)
        return false;
    if (EVP_CipherInit_ex2(ctx, NULL, key_cipher_secret(c->key)->bytes, aead->iv.data, c->encrypt, NULL) != 1)
        return false;
    if (c->mechanism->family == FAMILY_CCM && EVP_CipherUpdate(ctx, NULL, &done, NULL, (int)n) != 1)
        return false;
    return aead->aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &done, aead->aad.data, (int)aead->aad.len) == 1;
}

static enum err run_aead(const struct cipher *c, EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    static const uint8_t nothing[1];
    size_t tag = tag_bytes(c), text = c->encrypt ? n : n - tag;
    bool whole = c->mechanism->family == FAMILY_CCM; /* one call does all, and without data there has to be one as well */
    int done = 0, last = 0;

    if (!begin_aead(c, ctx, in + text, text))
        return ERR_BUG;
    if ((text > 0 || whole) && EVP_CipherUpdate(ctx, out, &done, text > 0 ? in : nothing, (int)text) != 1)
        return c->encrypt ? ERR_BUG : ERR_ENCRYPTED_DATA;
    if (!whole && EVP_CipherFinal_ex(ctx, out + done, &last) != 1)
        return c->encrypt ? ERR_BUG : ERR_ENCRYPTED_DATA;
    *out_n = text;
    if (!c->encrypt)
        return ERR_OK;
    *out_n += tag;
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag, out + text) == 1 ? ERR_OK : ERR_BUG;
}

/* The same under a vector of our own, which stands in front. */
static enum err run_iv_first(const struct cipher *c, EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const uint8_t *in, size_t n,
                             uint8_t *out, size_t *out_n)
{
    size_t iv_n = cipher_mode_of(c->mechanism)->iv_first, made = 0;
    Hsm__Mechanism given = *c->given;
    Hsm__AeadParams aead = *given.aead;
    struct cipher with = *c;
    enum err e = c->encrypt ? message_iv_make(c->libctx, CKG_GENERATE_RANDOM, 0, out, iv_n) : ERR_OK;

    aead.iv = (ProtobufCBinaryData){.data = c->encrypt ? out : (uint8_t *)(uintptr_t)in, .len = iv_n};
    given.aead = &aead;
    with.given = &given;
    if (e == ERR_OK && !begin(&with, ctx, cipher))
        e = ERR_BUG;
    if (e == ERR_OK)
        e = c->encrypt ? run_aead(&with, ctx, in, n, out + iv_n, &made) : run_aead(&with, ctx, in + iv_n, n - iv_n, out, &made);
    if (e == ERR_OK)
        *out_n = made + (c->encrypt ? iv_n : 0);
    return e;
}

static enum err run_plain(const struct cipher *c, EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    const struct cipher_mode *mode = cipher_mode_of(c->mechanism);
    int done = 0, last = 0;

    if (n == 0) {
        *out_n = 0;
        return ERR_OK;
    }
    /* Of a key wrap, what fails is its check. */
    if (EVP_CipherUpdate(ctx, out, &done, in, (int)n) != 1 || EVP_CipherFinal_ex(ctx, out + done, &last) != 1)
        return mode->longer > 0 && !c->encrypt ? ERR_ENCRYPTED_DATA : ERR_BUG;
    *out_n = (size_t)(done + last);
    return mode->pads && !c->encrypt && !c->more ? unpad(c, out, out_n) : ERR_OK;
}

enum err cipher_run(const struct cipher *c, const uint8_t *in, size_t n, uint8_t *out, size_t *out_n)
{
    const struct cipher_mode *mode = cipher_mode_of(c->mechanism);
    char name[CIPHER_NAME_BYTES];
    EVP_CIPHER *cipher = NULL;
    EVP_CIPHER_CTX *ctx = NULL;
    size_t made = 0, room;
    enum err e = cipher_check(c);

    if (e == ERR_OK && n > CIPHER_BYTES_MAX + CIPHER_LONGER_BYTES_MAX)
        e = wrong_length(c);
    if (e == ERR_OK)
        e = check_length(c, n);
    if (e != ERR_OK)
        return e;
    room = cipher_room(c, n);
    if (mode->pads && c->encrypt && !c->more) {
        n = pad(c, in, n, out);
        in = out;
    }
    cipher_name(c->mechanism, key_size(c->key), name);
    cipher = EVP_CIPHER_fetch(c->libctx, name, NULL);
    ctx = EVP_CIPHER_CTX_new();
    if (cipher == NULL || ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (mode->iv_first > 0)
        e = run_iv_first(c, ctx, cipher, in, n, out, &made);
    else if (!begin(c, ctx, cipher))
        e = ERR_BUG;
    else
        e = mode->tagged ? run_aead(c, ctx, in, n, out, &made) : run_plain(c, ctx, in, n, out, &made);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    if (e == ERR_OK)
        *out_n = made;
    else
        bytes_wipe(out, room);
    return e;
}
