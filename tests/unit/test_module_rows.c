/* A loop over the whole mechanism table: what every row has to do, and what OpenSSL alone says of the outcome. In one part and in many,
 * with a question for the size and a buffer that is one byte too small before each answer, and back by the other side. What rows must
 * refuse is test_module_rows_refused's. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "proto/key_kind.h"
#include "proto/parameter_set.h"
#include "tests/unit/opinion.h"
#include "tests/unit/opinion_secret.h"
#include "tests/unit/recipe.h"
#include "tests/unit/recipe_key.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/sample_template.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

enum { DATA_BYTES = 64, ROOM = PARAMETER_SET_OUTPUT_BYTES_MAX + 1024, KEYS_MAX = 32 };

static CK_SESSION_HANDLE s;
static CK_BYTE data[DATA_BYTES], out[ROOM], again[ROOM], right[ROOM];
static struct recipe_key keys[KEYS_MAX];
static size_t keys_n;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void setup(void)
{
    CK_KEY_TYPE type;

    s = token_alice_under(POLICY_COMPATIBLE);
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (CK_BYTE)(i + 1);
    for (keys_n = 0; recipe_key_type_at(keys_n, &type); keys_n++) {
        ck_assert_uint_lt(keys_n, KEYS_MAX);
        keys[keys_n] = recipe_key_make(s, type, 32, (struct recipe_uses){CK_TRUE, NULL, 0});
    }
}

static void teardown(void)
{
    for (size_t i = 0; i < keys_n; i++)
        recipe_key_clear(&keys[i]);
    token_stop();
}

static struct opinion_key secret_of(const struct recipe_key *k)
{
    return (struct opinion_key){k->secret, k->secret_n};
}

static CK_ULONG value_of(CK_OBJECT_HANDLE key, CK_BYTE *to)
{
    CK_ATTRIBUTE a = {CKA_VALUE, to, ROOM};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

/* ---- answers of a length that is asked for first */

struct call {
    CK_RV (*init)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); /* NULL: C_DigestInit */
    CK_RV (*all)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
    CK_RV (*feed)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);                              /* parts that give nothing */
    CK_RV (*update)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);     /* ... or that do */
    CK_RV (*final)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
};

static void begin(const struct call *c, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    ck_ok(c->init != NULL ? c->init(s, m, key) : f->C_DigestInit(s, m));
}

/* The size that is told is enough; one byte less than what comes is not, and ends nothing. */
static CK_ULONG in_one(const struct call *c, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_BYTE *to)
{
    CK_ULONG size = 0, got = ROOM, small;

    begin(c, m, key);
    ck_ok(c->all(s, in, n, NULL, &size));
    got = size;
    ck_ok(c->all(s, in, n, to, &got));
    ck_assert_uint_le(got, size);
    ck_assert_uint_gt(got, 0);
    begin(c, m, key);
    small = got - 1;
    ck_rv(c->all(s, in, n, to, &small), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_ge(small, got);
    small = got;
    ck_ok(c->all(s, in, n, to, &small));
    ck_assert_uint_eq(small, got);
    ck_rv(c->all(s, in, n, to, &small), CKR_OPERATION_NOT_INITIALIZED);
    return got;
}

static CK_ULONG in_parts(const struct call *c, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_BYTE *to)
{
    static const CK_ULONG parts[] = {1, 0, 16, 7};
    CK_ULONG written = 0, size = 0, got, small;

    begin(c, m, key);
    for (CK_ULONG at = 0, i = 0; at < n; i++) {
        CK_ULONG now = i < 4 ? parts[i] : n - at;
        now = now < n - at ? now : n - at;
        if (c->feed != NULL) {
            ck_ok(c->feed(s, in + at, now));
        } else {
            ck_ok(c->update(s, in + at, now, NULL, &size));
            got = size;
            ck_ok(c->update(s, in + at, now, to + written, &got));
            ck_assert_uint_eq(got, size);
            written += got;
        }
        at += now;
    }
    ck_ok(c->final(s, NULL, &size));
    if (size > 0 && c->feed != NULL) {
        small = size - 1;
        ck_rv(c->final(s, to, &small), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(small, size);
    }
    got = size;
    ck_ok(c->final(s, to + written, &got));
    ck_assert_uint_le(got, size);
    return written + got;
}

/* ---- signatures and MACs */

/* What the row signs: where the caller hashes, as many bytes as the parameter's hash has. */
static CK_ULONG signed_bytes(const struct mechanism *row)
{
    if (row->family == FAMILY_PQ_MU)
        return 64;
    return (row->param == PARAM_PSS && row->hash == NULL) || row->param == PARAM_PQ_HASH ? 32 : DATA_BYTES;
}

static bool is_right(const struct mechanism *row, const CK_MECHANISM *m, const struct recipe_key *k, const CK_BYTE *signature, CK_ULONG n)
{
    const struct opinion o = {.row = row, .pss = m->pParameter, .pq = m, .data = data, .n = signed_bytes(row)};

    if (k->openssl != NULL)
        return opinion_accepts(&o, k->openssl, signature, n);
    return opinion_macs(m, secret_of(k), data, DATA_BYTES, right) == n && memcmp(right, signature, n) == 0;
}

static void verify(CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_ULONG n, CK_BYTE *signature, CK_ULONG signature_n)
{
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_ok(f->C_Verify(s, data, n, signature, signature_n));
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_ok(f->C_VerifyUpdate(s, data, 5));
    ck_ok(f->C_VerifyUpdate(s, data + 5, n - 5));
    ck_ok(f->C_VerifyFinal(s, signature, signature_n));
    data[0] ^= 1; /* of long data ECDSA signs the beginning only */
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_rv(f->C_Verify(s, data, n, signature, signature_n), CKR_SIGNATURE_INVALID);
    data[0] ^= 1;
    signature[signature_n / 2] ^= 1;
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_rv(f->C_Verify(s, data, n, signature, signature_n), CKR_SIGNATURE_INVALID);
    signature[signature_n / 2] ^= 1;
    for (int more = -1; more <= 1; more += 2) {
        ck_ok(f->C_VerifyInit(s, m, key));
        ck_rv(f->C_Verify(s, data, n, signature, signature_n + (CK_ULONG)more), CKR_SIGNATURE_LEN_RANGE);
    }
}

/* There is no data, and the answer ends with the password: test_module_one_time has the rest. */
static void try_one_time(const struct mechanism *row, const struct recipe_key *k)
{
    const struct call c = {.init = f->C_SignInit, .all = f->C_Sign, .final = f->C_SignFinal};
    CK_MECHANISM m = recipe_good(row, 0);
    CK_ULONG n = in_one(&c, &m, k->handles.private_key, NULL, 0, out);

    ck_assert_uint_eq(n, sizeof(CK_OTP_SIGNATURE_INFO) + sizeof(CK_OTP_PARAM) + 6);
    opinion_one_time(secret_of(k), recipe_data, 6, right);
    ck_assert_mem_eq(out + n - 6, right, 6);
    ck_ok(f->C_VerifyInit(s, &m, k->handles.public_key));
    ck_ok(f->C_Verify(s, NULL, 0, right, 6));
    right[3] ^= 1;
    ck_ok(f->C_VerifyInit(s, &m, k->handles.public_key));
    ck_rv(f->C_Verify(s, NULL, 0, right, 6), CKR_SIGNATURE_INVALID);
}

static void try_signing(const struct mechanism *row, const struct recipe_key *k)
{
    const struct call c = {.init = f->C_SignInit, .all = f->C_Sign, .feed = f->C_SignUpdate, .final = f->C_SignFinal};
    CK_MECHANISM m = recipe_good(row, DATA_BYTES);
    CK_ULONG n = signed_bytes(row), got;

    if (row->family == FAMILY_HOTP) {
        try_one_time(row, k);
        return;
    }
    got = in_one(&c, &m, k->handles.private_key, data, n, out);
    ck_assert_msg(is_right(row, &m, k, out, got), "%s", row->name);
    ck_assert_uint_eq(in_parts(&c, &m, k->handles.private_key, data, n, again), got);
    ck_assert_msg(is_right(row, &m, k, again, got), "%s in parts", row->name);
    verify(&m, k->handles.public_key, n, again, got);
}

static void try_recovery(const struct mechanism *row, const struct recipe_key *k)
{
    const struct call sign = {.init = f->C_SignRecoverInit, .all = f->C_SignRecover},
                      recover = {.init = f->C_VerifyRecoverInit, .all = f->C_VerifyRecover};
    CK_MECHANISM m = recipe_good(row, DATA_BYTES);
    CK_ULONG n = in_one(&sign, &m, k->handles.private_key, data, DATA_BYTES, out), got;

    ck_assert_msg(is_right(row, &m, k, out, n), "%s", row->name);
    got = in_one(&recover, &m, k->handles.public_key, out, n, again);
    ck_assert_uint_ge(got, DATA_BYTES); /* a raw one gives the whole block */
    ck_assert_mem_eq(again + got - DATA_BYTES, data, DATA_BYTES);
    out[n / 2] ^= 1;
    ck_ok(f->C_VerifyRecoverInit(s, &m, k->handles.public_key));
    got = ROOM;
    ck_assert(f->C_VerifyRecover(s, out, n, again, &got) != CKR_OK || memcmp(again + got - DATA_BYTES, data, DATA_BYTES) != 0);
}

/* ---- ciphers */

static bool is_what_openssl_has(const CK_MECHANISM *m, const struct recipe_key *k, const CK_BYTE *ciphertext, CK_ULONG n)
{
    size_t got;

    memcpy(right, ciphertext, n); /* for a vector in front */
    if (k->openssl == NULL)
        return opinion_encrypts(m, secret_of(k), data, DATA_BYTES, right) == n && memcmp(right, ciphertext, n) == 0;
    got = opinion_decrypts(m, k->openssl, ciphertext, n, right, ROOM);
    return got >= DATA_BYTES && memcmp(right + got - DATA_BYTES, data, DATA_BYTES) == 0;
}

static void try_ciphering(const struct mechanism *row, const struct recipe_key *k)
{
    const struct call encrypt = {.init = f->C_EncryptInit, .all = f->C_Encrypt, .update = f->C_EncryptUpdate, .final = f->C_EncryptFinal},
                      decrypt = {.init = f->C_DecryptInit, .all = f->C_Decrypt, .update = f->C_DecryptUpdate, .final = f->C_DecryptFinal};
    CK_MECHANISM m = recipe_good(row, DATA_BYTES);
    CK_ULONG n = in_one(&encrypt, &m, k->handles.public_key, data, DATA_BYTES, out), got;

    ck_assert_msg(is_what_openssl_has(&m, k, out, n), "%s", row->name);
    got = in_parts(&encrypt, &m, k->handles.public_key, data, DATA_BYTES, again);
    ck_assert_msg(got == n && is_what_openssl_has(&m, k, again, n), "%s in parts", row->name);
    got = in_one(&decrypt, &m, k->handles.private_key, again, n, right);
    ck_assert_uint_ge(got, DATA_BYTES);
    ck_assert_mem_eq(right + got - DATA_BYTES, data, DATA_BYTES);
    got = in_parts(&decrypt, &m, k->handles.private_key, out, n, right);
    ck_assert_uint_ge(got, DATA_BYTES);
    ck_assert_mem_eq(right + got - DATA_BYTES, data, DATA_BYTES);
}

static void try_digest(const struct mechanism *row, const struct recipe_key *k)
{
    const struct call c = {.all = f->C_Digest, .feed = f->C_DigestUpdate, .final = f->C_DigestFinal};
    CK_MECHANISM m = {row->type, NULL, 0};
    size_t n = 0;

    (void)k;
    ck_assert_int_eq(EVP_Q_digest(NULL, row->hash, NULL, data, DATA_BYTES, right, &n), 1);
    ck_assert_uint_eq(in_one(&c, &m, 0, data, DATA_BYTES, out), n);
    ck_assert_uint_eq(in_parts(&c, &m, 0, data, DATA_BYTES, again), n);
    ck_assert_msg(memcmp(out, right, n) == 0 && memcmp(again, right, n) == 0, "%s", row->name);
}

/* ---- keys under keys */

/* The key of the one wrap that is under an agreement: X9.63 with SHA-256 and the recipe's data, of what our key and the point in front have
 * in common. Returns the bytes in front. */
static size_t agreed(const struct mechanism *row, const struct recipe_key *k, const CK_BYTE *wrapped, CK_BYTE aes[32])
{
    size_t head = row->family == FAMILY_ECDH_AES_WRAP_DER ? 2 : 0, point_n; /* an OCTET STRING's tag and length */
    CK_BYTE point[CURVE_POINT_BYTES_MAX], common[CURVE_POINT_BYTES_MAX];
    EVP_PKEY *theirs = EVP_PKEY_new();
    size_t common_n;

    point_n = sample_point(k->openssl, point); /* theirs is as long */
    ck_assert_int_eq(EVP_PKEY_copy_parameters(theirs, k->openssl), 1);
    ck_assert_int_eq(EVP_PKEY_set1_encoded_public_key(theirs, wrapped + head, point_n), 1);
    common_n = opinion_agrees(k->openssl, theirs, common, sizeof common);
    opinion_x963((struct opinion_key){common, common_n}, recipe_data, RECIPE_DATA_BYTES, aes, 32);
    EVP_PKEY_free(theirs);
    return head + point_n;
}

static size_t unwrapped_by_openssl(const CK_MECHANISM *m, const struct recipe_key *k, const CK_BYTE *wrapped, size_t n, CK_BYTE *to)
{
    const struct mechanism *row = mechanism_find(m->mechanism);
    size_t front = 256; /* the modulus */
    EVP_CIPHER_CTX *ctx;
    CK_BYTE aes[512];
    int got = 0;

    if (row->param == PARAM_ECDH_AES)
        front = agreed(row, k, wrapped, aes);
    else if (row->param != PARAM_RSA_AES)
        return opinion_decrypts(m, k->openssl, wrapped, n, to, ROOM);
    else
        ck_assert_uint_eq(opinion_decrypts(m, k->openssl, wrapped, front, aes, sizeof aes), 32);
    ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ck_assert_int_eq(EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, aes, NULL), 1);
    ck_assert_int_eq(EVP_DecryptUpdate(ctx, to, &got, wrapped + front, (int)(n - front)), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)got;
}

/* PKCS #7 to whole semiblocks, then KW. */
static size_t wrapped_padded(struct opinion_key key, const struct recipe_key *target, CK_BYTE *to)
{
    const CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_BYTE padded[RECIPE_KEY_BYTES_MAX + 8];
    size_t n = target->secret_n, pad = 8 - n % 8;

    memcpy(padded, target->secret, n);
    memset(padded + n, (int)pad, pad);
    return opinion_encrypts(&kw, key, padded, n + pad, to);
}

static bool wraps_as_openssl(const CK_MECHANISM *m, const struct recipe_key *k, const struct recipe_key *target, const CK_BYTE *wrapped,
                             CK_ULONG n)
{
    size_t right_n;

    if (k->openssl != NULL)
        return unwrapped_by_openssl(m, k, wrapped, n, right) == target->secret_n && memcmp(right, target->secret, target->secret_n) == 0;
    memcpy(right, wrapped, n); /* for a vector in front */
    right_n = mechanism_find(m->mechanism)->family == FAMILY_KEY_WRAP_PKCS7
                  ? wrapped_padded(secret_of(k), target, right)
                  : opinion_encrypts(m, secret_of(k), target->secret, target->secret_n, right);
    return right_n == n && memcmp(right, wrapped, n) == 0;
}

static void try_wrapping(const struct mechanism *row, const struct recipe_key *k)
{
    const struct recipe_key target = recipe_key_make(s, CKK_GENERIC_SECRET, 40, (struct recipe_uses){CK_TRUE, NULL, 0});
    CK_MECHANISM m = recipe_good(row, 40);
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE back;
    CK_ULONG size = 0, n = 1;

    ck_ok(f->C_WrapKey(s, &m, k->handles.public_key, target.handles.private_key, NULL, &size));
    n = size - 1;
    ck_rv(f->C_WrapKey(s, &m, k->handles.public_key, target.handles.private_key, out, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, size);
    ck_ok(f->C_WrapKey(s, &m, k->handles.public_key, target.handles.private_key, out, &n));
    ck_assert_uint_eq(n, size);
    ck_assert_msg(wraps_as_openssl(&m, k, &target, out, n), "%s", row->name);
    ck_ok(f->C_UnwrapKey(s, &m, k->handles.private_key, out, n, t, 3, &back));
    ck_assert_uint_eq(value_of(back, again), target.secret_n);
    ck_assert_mem_eq(again, target.secret, target.secret_n);
}

static void try_encapsulation(const struct mechanism *row, const struct recipe_key *k)
{
    CK_MECHANISM m = recipe_good(row, 0);
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE first, second;
    CK_ULONG size = 0, n;

    ck_ok(f3->C_EncapsulateKey(s, &m, k->handles.public_key, t, 1, NULL, &size, &first));
    n = size - 1;
    ck_rv(f3->C_EncapsulateKey(s, &m, k->handles.public_key, t, 1, out, &n, &first), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, size);
    ck_ok(f3->C_EncapsulateKey(s, &m, k->handles.public_key, t, 1, out, &n, &first));
    ck_assert_uint_eq(n, size);
    ck_ok(f3->C_DecapsulateKey(s, &m, k->handles.private_key, t, 1, out, n, &second));
    ck_assert_uint_eq(n = value_of(first, right), 32);
    ck_assert_uint_eq(value_of(second, again), n);
    ck_assert_mem_eq(right, again, n);
}

/* ---- keys from keys */

/* Where a row gives any length, 32; else what it gives of a base key of 32 bytes. */
static CK_ULONG derived_bytes(const struct mechanism *row, const struct recipe_key *k)
{
    size_t hash = row->hash != NULL ? mechanism_hash_bytes(row->hash) : 0;

    switch ((int)row->family) {
    case FAMILY_TLS12_EXTENDED:
    case FAMILY_TLS12_EXTENDED_DH:
    case FAMILY_TLS12_MASTER:
    case FAMILY_TLS12_MASTER_DH: return 48;
    case FAMILY_TLS12_KEYS: return 16;
    case FAMILY_BASE_AND_KEY:
    case FAMILY_BASE_AND_DATA:
    case FAMILY_DATA_AND_BASE: return k->secret_n + RECIPE_DATA_BYTES;
    default: return hash > 0 ? hash : 32;
    }
}

static CK_OBJECT_HANDLE derive(const struct mechanism *row, CK_MECHANISM *m, CK_OBJECT_HANDLE base, CK_ULONG bytes)
{
    CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes},
                        {CKA_KEY_TYPE, &generic, sizeof generic}};
    CK_ULONG n = row->family == FAMILY_HKDF_DATA ? 0 : row->family == FAMILY_IKE1_PRF ? 4 : 3; /* which one has to say the type */
    CK_OBJECT_HANDLE key = 0;

    if (row->family == FAMILY_TLS12_KEYS)
        t[2] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &aes, sizeof aes};
    ck_assert_msg(f->C_DeriveKey(s, m, base, t, n, &key) == CKR_OK, "%s", row->name);
    return row->family == FAMILY_TLS12_KEYS ? recipe_material.hClientKey : key;
}

/* With whose public half. */
static CK_MECHANISM agreeing_with(const struct mechanism *row, const EVP_PKEY *other)
{
    static CK_BYTE half[SAMPLE_DH_BYTES_MAX];

    if (row->family == FAMILY_ECDH)
        recipe_other = (struct recipe_other){.point = half, .point_n = sample_point(other, half)};
    else
        recipe_other = (struct recipe_other){.value = half, .value_n = sample_public_value(other, half)};
    return recipe_good(row, 0);
}

/* Both sides, and OpenSSL with their keys. */
static void try_agreement(const struct mechanism *row, const struct recipe_key *mine)
{
    struct recipe_key theirs = recipe_key_make(s, mine->type, 0, (struct recipe_uses){CK_TRUE, NULL, 0});
    CK_MECHANISM m;
    CK_ULONG n, whole;

    m = agreeing_with(row, theirs.openssl);
    ck_assert_uint_eq(n = value_of(derive(row, &m, mine->handles.private_key, 32), out), 32);
    m = agreeing_with(row, mine->openssl);
    ck_assert_uint_eq(value_of(derive(row, &m, theirs.handles.private_key, 32), again), n);
    ck_assert_mem_eq(out, again, n);
    ck_assert_uint_ge(whole = opinion_agrees(mine->openssl, theirs.openssl, right, ROOM), n);
    ck_assert_msg(memcmp(out, right + whole - n, n) == 0, "%s", row->name);
    recipe_key_clear(&theirs);
}

/* The same public key as the private one says that it has. */
static void try_public_half(const struct mechanism *row, const struct recipe_key *k)
{
    CK_MECHANISM m = recipe_good(row, 0);
    CK_OBJECT_HANDLE key = 0;
    EVP_PKEY *half;

    CK_RV rv = f->C_DeriveKey(s, &m, k->handles.private_key, NULL, 0, &key);
    ck_assert_msg(rv == CKR_OK, "%s of 0x%lx: 0x%lx", row->name, k->type, rv);
    half = token_key_public(s, key);
    ck_assert_int_eq(EVP_PKEY_eq(half, k->openssl), 1);
    EVP_PKEY_free(half);
}

static void try_derivation(const struct mechanism *row, const struct recipe_key *k)
{
    const struct recipe_key base = row->size_min == 48 ? recipe_key_make(s, k->type, 48, (struct recipe_uses){CK_TRUE, NULL, 0}) : *k,
                            other = recipe_key_make(s, CKK_GENERIC_SECRET, 32, (struct recipe_uses){CK_TRUE, NULL, 0});
    CK_ULONG n = derived_bytes(row, &base), skip = row->family == FAMILY_TLS12_KEYS ? 64 : 0;
    CK_MECHANISM m;

    if (row->family == FAMILY_ECDH || row->family == FAMILY_FIELD_AGREEMENT) {
        try_agreement(row, k);
        return;
    }
    if (row->family == FAMILY_PUBLIC_KEY) {
        try_public_half(row, k);
        return;
    }
    recipe_other = (struct recipe_other){.key = other.handles.private_key};
    m = recipe_good(row, 0);
    ck_assert_uint_eq(value_of(derive(row, &m, base.handles.private_key, n), out), n);
    opinion_derives(&m, secret_of(&base), secret_of(&other), right, skip + n); /* the MAC secrets come before the keys */
    ck_assert_msg(memcmp(out, right + skip, n) == 0, "%s", row->name);
}

/* ---- keys made */

static void try_generation(const struct mechanism *row, const struct recipe_key *unused)
{
    CK_ULONG bytes = key_kind_find(row->key_type)->bytes_max < 64 ? key_kind_find(row->key_type)->bytes_max : 64, n;
    CK_ATTRIBUTE t[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_TOKEN, &yes, 1}};
    CK_ULONG t_n = key_kind_is_otp(key_kind_find(row->key_type)) ? 4 : 3; /* which count in the token */
    CK_MECHANISM m = recipe_good(row, 0);
    CK_OBJECT_HANDLE first, second;

    (void)unused;
    ck_ok(f->C_GenerateKey(s, &m, t, t_n, &first));
    ck_ok(f->C_GenerateKey(s, &m, t, t_n, &second));
    ck_assert_uint_eq(n = value_of(first, out), bytes);
    ck_assert_uint_eq(value_of(second, again), bytes);
    if (row->family == FAMILY_PBKDF2)
        ck_assert_int_eq(PKCS5_PBKDF2_HMAC((const char *)recipe_data, RECIPE_PASSWORD_BYTES, recipe_data, RECIPE_DATA_BYTES,
                                           RECIPE_ITERATIONS, EVP_sha256(), (int)n, right),
                         1);
    ck_assert_msg(memcmp(out, row->family == FAMILY_PBKDF2 ? right : again, n) == 0 ? row->family == FAMILY_PBKDF2
                                                                                    : row->family != FAMILY_PBKDF2,
                  "%s", row->name);
}

/* OpenSSL reads the public halves, which are the same of both keys, and of no two pairs. */
static void try_pair(const struct mechanism *row, const struct recipe_key *unused)
{
    CK_MECHANISM m = recipe_good(row, 0);
    CK_ATTRIBUTE what[RECIPE_ASKED_MAX];
    CK_ULONG n = recipe_asked(row, what);
    EVP_PKEY *halves[4];

    (void)unused;
    for (size_t i = 0; i < 4; i += 2) {
        struct token_pair p;
        ck_ok(f->C_GenerateKeyPair(s, &m, what, n, NULL, 0, &p.public_key, &p.private_key));
        halves[i] = token_key_public(s, p.public_key);
        halves[i + 1] = token_key_public(s, p.private_key);
        ck_assert_int_eq(EVP_PKEY_eq(halves[i], halves[i + 1]), 1);
    }
    ck_assert_msg(EVP_PKEY_eq(halves[0], halves[2]) == 0, "%s", row->name);
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(halves[i]);
}

static void try_making(const struct mechanism *row, const struct recipe_key *unused)
{
    if (mechanism_class_made(row) == CKO_DOMAIN_PARAMETERS)
        sample_group_try(s, row);
    else
        try_generation(row, unused);
}

/* ---- the loop */

static const struct {
    CK_FLAGS flags;
    bool keyed;
    void (*try)(const struct mechanism *row, const struct recipe_key *k);
} works[] = {
    {CKF_SIGN | CKF_VERIFY, true, try_signing},
    {CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER, true, try_recovery},
    {CKF_ENCRYPT | CKF_DECRYPT, true, try_ciphering},
    {CKF_WRAP | CKF_UNWRAP, true, try_wrapping},
    {CKF_ENCAPSULATE | CKF_DECAPSULATE, true, try_encapsulation},
    {CKF_DERIVE, true, try_derivation},
    {CKF_DIGEST, false, try_digest},
    {CKF_GENERATE, false, try_making},
    {CKF_GENERATE_KEY_PAIR, false, try_pair},
};
enum { WORKS = sizeof works / sizeof works[0] };

/* With a key of each type that the row takes. */
static unsigned try_with_keys(const struct mechanism *row, size_t work)
{
    unsigned tried = 0;

    for (size_t k = 0; k < keys_n; k++)
        if (mechanism_takes_key(row, keys[k].type)) {
            works[work].try(row, &keys[k]);
            tried++;
        }
    return tried;
}

START_TEST(test_every_row_does_what_openssl_does)
{
    unsigned rows = 0, tried = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++, rows++) {
        const struct mechanism *row = mechanism_at(i);
        CK_FLAGS left = row->flags;
        for (size_t w = 0; w < WORKS; w++) {
            unsigned with = 1;
            if ((left & works[w].flags) == 0)
                continue;
            ck_assert_msg((left & works[w].flags) == works[w].flags, "%s does half of what belongs together", row->name);
            left &= ~works[w].flags;
            if (works[w].keyed)
                with = try_with_keys(row, w);
            else
                works[w].try(row, NULL);
            ck_assert_msg(with > 0, "%s: no recipe has a key for it", row->name);
            tried += with;
        }
        ck_assert_msg((left & ~(CK_FLAGS)(CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)) == 0, "%s: nothing here tries 0x%lx",
                      row->name, left);
    }
    printf("%u rows, %u times\n", rows, tried);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_does_what_openssl_does,
        NULL,
    };

    return suite_of("module_rows", 300, tests);
}
