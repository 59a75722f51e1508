#include "vault/object/rules.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "crypto/digest.h"
#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "vault/object/certificate.h"
#include "vault/object/material.h"
#include "vault/provider/des.h"

enum { UNIQUE_ID_BYTES = 16, CHECK_VALUE_BYTES = 3, CHECKED_SECRET_BYTES_MIN = 14 };

_Static_assert(2 * CIPHER_BLOCK_BYTES_MAX <= DIGEST_BYTES_MAX, "one buffer for both");

static enum err done(const struct buffer *out)
{
    return out->failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err truth(struct buffer *out, bool value)
{
    buffer_put_u8(out, value ? 1 : 0);
    return done(out);
}

static enum err number(struct buffer *out, CK_ULONG value)
{
    buffer_put_u64(out, value == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : value);
    return done(out);
}

/* Data may be anything, so nobody but its owner sees it unless asked for. */
static enum err private_rule(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, (s->class_bit & (CLASS_PUBLIC | CLASS_CERT | CLASS_VALIDATION | CLASS_DOMAIN)) == 0);
}

/* PKCS#11 v3.0 section 4.4: the token's own, never used again, readable text. */
static enum err unique_id(const struct schema *s, const struct object *o, struct buffer *out)
{
    uint8_t bytes[UNIQUE_ID_BYTES];

    (void)o;
    if (RAND_bytes_ex(s->libctx, bytes, sizeof bytes, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        buffer_printf(out, "%02x", bytes[i]);
    return done(out);
}

static enum err empty_value(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    (void)out;
    return s->class_bit == CLASS_DATA ? ERR_OK : ERR_NOT_FOUND;
}

/* CK_CERTIFICATE_CATEGORY_UNSPECIFIED; CK_OTP_FORMAT_DECIMAL, CK_OTP_PARAM_IGNORED; no flag. */
static enum err zero(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    (void)o;
    return number(out, 0);
}

/* ECB with keys of this type, NULL where there is none. */
static const struct mechanism *ecb_of(CK_KEY_TYPE type)
{
    return type == CKK_AES ? mechanism_find(CKM_AES_ECB) : des_is(type) ? mechanism_find(CKM_DES3_ECB) : NULL;
}

static enum err encrypt_zeros(OSSL_LIB_CTX *libctx, const struct mechanism *ecb, const struct object_attribute *key,
                              uint8_t out[2 * CIPHER_BLOCK_BYTES_MAX])
{
    static const uint8_t zeros[CIPHER_BLOCK_BYTES_MAX];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t three[DES_THREE_KEYS_BYTES] = {0};
    const uint8_t *bytes = key->value;
    char name[CIPHER_NAME_BYTES];
    EVP_CIPHER *cipher;
    int n = 0;
    bool ok;

    if (ecb->type == CKM_DES3_ECB) {
        des_three_keys(key->value, key->n, three);
        bytes = three;
    }

    cipher_name(ecb, key->n, name);
    cipher = EVP_CIPHER_fetch(libctx, name, NULL);
    ok = cipher != NULL && ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, bytes, NULL, NULL) == 1 &&
         EVP_EncryptUpdate(ctx, out, &n, zeros, sizeof zeros) == 1;

    bytes_wipe(three, sizeof three);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_BUG;
}

/* PKCS#11 v3.1 sections 4.6.3 and 4.10.2: the first three bytes of the SHA-1 of the value, of a block cipher's key those of a block of
 * zeros under it. None of a secret so short that three bytes would help to guess it. */
static enum err check_value(const struct schema *s, const struct object *o, struct buffer *out)
{
    const struct object_attribute *value = object_find(o, CKA_VALUE);
    const bool is_secret = (s->class_bit & (CLASS_SECRET | CLASS_OTP)) != 0;
    const struct mechanism *ecb = is_secret ? ecb_of(s->key_type) : NULL;
    uint8_t bytes[DIGEST_BYTES_MAX];
    size_t n = 0;
    enum err e;

    if (is_secret && value->n < CHECKED_SECRET_BYTES_MIN)
        return ERR_NOT_FOUND;
    e = ecb != NULL ? encrypt_zeros(s->libctx, ecb, value, bytes)
                    : digest_once(s->libctx, "SHA1", value->value, value->n, bytes, &n);
    if (e != ERR_OK)
        return e;
    buffer_put(out, bytes, CHECK_VALUE_BYTES);
    bytes_wipe(bytes, sizeof bytes);
    return done(out);
}

static enum err key_type_rule(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return number(out, s->key_type);
}

static bool is_kind(const struct schema *s, enum key_kind_of wanted)
{
    const struct key_kind *kind = key_kind_find(s->key_type);

    return kind != NULL && kind->kind == wanted;
}

/* A template that names no use at all would make a key for nothing. */
static enum err use(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, !s->usage_given && mechanism_is_there(s->key_type, CKF_SIGN));
}

/* ... and for encapsulation of keys that are for nothing else. */
static enum err kem_use(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, !s->usage_given && is_kind(s, KEY_KIND_KEM));
}

/* The same for encryption, where the type of key is for that. */
static enum err cipher_use(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, !s->usage_given && is_kind(s, KEY_KIND_CIPHER));
}

/* ... and for derivation, of keys that can nothing else. */
static enum err derive_use(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, !s->usage_given && s->class_bit != CLASS_PUBLIC && (is_kind(s, KEY_KIND_AGREE) || is_kind(s, KEY_KIND_BASE)));
}

static enum err bits_of(const struct object *o, CK_ATTRIBUTE_TYPE type, struct buffer *out)
{
    const struct object_attribute *a = object_find(o, type);
    CK_ULONG bits = a != NULL ? attribute_bits(a->value, a->n) : 0;

    return bits > 0 ? number(out, bits) : ERR_NOT_FOUND;
}

static enum err modulus_bits(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    return bits_of(o, CKA_MODULUS, out);
}

static enum err prime_bits(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    return bits_of(o, CKA_PRIME, out);
}

static enum err subprime_bits(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    return bits_of(o, CKA_SUBPRIME, out);
}

/* PKCS#11 v3.1 section 6.4.3: of Diffie-Hellman's private numbers alone. Those that are made here have their first bit set, so that the
 * length tells nothing of them. */
static enum err value_bits(const struct schema *s, const struct object *o, struct buffer *out)
{
    return s->key_type == CKK_DH ? bits_of(o, CKA_VALUE, out) : ERR_NOT_FOUND;
}

static enum err public_key_info_rule(const struct schema *s, const struct object *o, struct buffer *out)
{
    const struct object_attribute *value = object_find(o, CKA_VALUE);

    if (s->class_bit == CLASS_CERT)
        return certificate_key_info(s->libctx, value->value, value->n, out);
    return material_public_key_info(s->libctx, o, out);
}

static enum err value_len(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    return number(out, object_find(o, CKA_VALUE)->n);
}

/* PKCS#11 v3.1 section 5.18.4: what was unwrapped was outside, so it may go out again. All else stays unless told
 * otherwise; and what asks for a password at each use does not become one that asks nobody (docs/decisions/010). */
static enum err extractable(const struct schema *s, const struct object *o, struct buffer *out)
{
    bool was_outside = s->way == SCHEMA_ENCAPSULATE || s->way == SCHEMA_UNWRAP;

    return truth(out, was_outside && !s->base.unextractable && !object_bool(o, CKA_ALWAYS_AUTHENTICATE));
}

static enum err with_trusted(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, s->base.with_trusted);
}

/* The flags of a key's past (PKCS#11 v3.1 sections 4.8 to 4.10): only what was generated here, or derived from keys that
 * had such a past, has one. */
static enum err local(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return truth(out, s->way == SCHEMA_GENERATE);
}

static bool has_past(const struct schema *s, bool of_base)
{
    return s->way == SCHEMA_GENERATE || (s->way == SCHEMA_DERIVE && of_base);
}

static enum err never_extractable(const struct schema *s, const struct object *o, struct buffer *out)
{
    return truth(out, has_past(s, s->base.never_extractable) && !object_bool(o, CKA_EXTRACTABLE));
}

static enum err always_sensitive(const struct schema *s, const struct object *o, struct buffer *out)
{
    return truth(out, has_past(s, s->base.always_sensitive) && object_bool(o, CKA_SENSITIVE));
}

static enum err key_gen_mechanism(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)o;
    return number(out, s->way == SCHEMA_GENERATE ? s->mechanism : CK_UNAVAILABLE_INFORMATION);
}

/* ---- one-time passwords: decimal, of a counter and nothing else (PKCS#11 v3.1 section 6, "OTP") */

static enum err otp_length(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    (void)o;
    return number(out, OTP_DIGITS_MIN);
}

static enum err otp_friendly(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    (void)o;
    return truth(out, true);
}

static enum err otp_first_counter(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    (void)o;
    buffer_put_u64(out, 0);
    return done(out);
}

static enum err otp_time(const struct schema *s, const struct object *o, struct buffer *out)
{
    (void)s;
    (void)o;
    return done(out);
}

/* CKA_PUBLIC_EXPONENT has its default before there is a key: vault/object/pair.c. */
static const struct rule rules[] = {
    {CKA_PRIVATE, false, private_rule},
    {CKA_UNIQUE_ID, false, unique_id},
    {CKA_VALUE, false, empty_value},
    {CKA_CERTIFICATE_CATEGORY, false, zero},
    {CKA_CHECK_VALUE, true, check_value},
    {CKA_KEY_TYPE, true, key_type_rule},
    {CKA_ENCRYPT, false, cipher_use},
    {CKA_DECRYPT, false, cipher_use},
    {CKA_SIGN, false, use},
    {CKA_VERIFY, false, use},
    {CKA_DERIVE, false, derive_use},
    {CKA_MODULUS_BITS, true, modulus_bits},
    {CKA_PUBLIC_KEY_INFO, true, public_key_info_rule},
    {CKA_PRIME_BITS, true, prime_bits},
    {CKA_SUB_PRIME_BITS, true, subprime_bits},
    {CKA_VALUE_BITS, true, value_bits},
    {CKA_VALUE_LEN, true, value_len},
    {CKA_EXTRACTABLE, false, extractable},
    {CKA_LOCAL, false, local},
    {CKA_NEVER_EXTRACTABLE, false, never_extractable},
    {CKA_ALWAYS_SENSITIVE, false, always_sensitive},
    {CKA_KEY_GEN_MECHANISM, false, key_gen_mechanism},
    {CKA_WRAP_WITH_TRUSTED, false, with_trusted},
    {CKA_VALIDATION_FLAG, false, zero},
    {CKA_ENCAPSULATE, false, kem_use},
    {CKA_DECAPSULATE, false, kem_use},
    {CKA_OTP_FORMAT, true, zero},
    {CKA_OTP_LENGTH, false, otp_length},
    {CKA_OTP_USER_FRIENDLY_MODE, true, otp_friendly},
    {CKA_OTP_CHALLENGE_REQUIREMENT, true, zero},
    {CKA_OTP_TIME_REQUIREMENT, true, zero},
    {CKA_OTP_COUNTER_REQUIREMENT, false, zero},
    {CKA_OTP_PIN_REQUIREMENT, true, zero},
    {CKA_OTP_COUNTER, false, otp_first_counter},
    {CKA_OTP_TIME, true, otp_time},
};

const struct rule *rule_find(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}
