#include "tests/unit/attack_outside.h"

#include <string.h>

#include <openssl/evp.h>

#include <check.h>

#include "common/buffer.h"
#include "proto/mechanism.h"
#include "tests/unit/sample_template.h"
#include "vault/provider/des.h"
#include "vault/provider/wrap.h"

enum { DES_BLOCK_BYTES = 8 };
enum { WINDOW_BYTES = 6, PADDING_BYTES = 8, GUESSED_END = PROTECTED_BYTES - PADDING_BYTES };

CK_BYTE outside_protected[PROTECTED_BYTES], outside_key[16] = "the attacker's ";

/* By each short part of the value. */
static CK_BYTE guesses[GUESSED_BYTES_MAX + 1][PROTECTED_BYTES][MAC_BYTES];
static CK_BYTE digests[GUESSED_BYTES_MAX + 1][PROTECTED_BYTES][MAC_BYTES];
static CK_BYTE by_des[6 * PROTECTED_BYTES][DES_BLOCK_BYTES];
static size_t by_des_n;
static struct key *aes_key, *rsa_key, *curve_key;
static CK_BYTE point[CURVE_POINT_BYTES_MAX];
static size_t point_n;

static void make_guesses(void)
{
    size_t n;

    for (size_t length = GUESSED_BYTES_MIN; length <= GUESSED_BYTES_MAX; length++)
        for (size_t i = 0; i + length <= GUESSED_END; i++) {
            ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, outside_protected + i, length, outside_key,
                                            sizeof outside_key, guesses[length][i], MAC_BYTES, &n));
            ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, outside_protected + i, length, digests[length][i], &n), 1);
        }
}

/* Of a value of n bytes, or a part of it. */
static void guess_des(const CK_BYTE *value, size_t value_n)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CK_BYTE zeros[DES_BLOCK_BYTES] = {0};

    for (size_t n = 8; n <= 24; n += 8)
        for (size_t first = 0; first < value_n; first++)
            for (size_t from = 8; from <= n; from += 8) { /* so many bytes of the value, and zeros */
                CK_BYTE key[24] = {0}, three[24];
                int made = 0;
                for (size_t i = 0; i < from; i++)
                    key[i] = value[(first + i) % value_n];
                des_three_keys(key, n, three);
                ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, three, NULL), 1);
                EVP_CIPHER_CTX_set_padding(ctx, 0);
                ck_assert_int_eq(EVP_EncryptUpdate(ctx, by_des[by_des_n++], &made, zeros, sizeof zeros), 1);
            }
    EVP_CIPHER_CTX_free(ctx);
}

/* ---- a key of SSH's */

const CK_ULONG outside_ssh_cuts[SSH_CUTS] = {32, 40, 47, 63};
CK_BYTE outside_ssh_text[SSH_TEXT_BYTES];
static CK_BYTE ssh_key[MAC_BYTES];

void outside_derives_ssh(const CK_BYTE *secret, CK_ULONG n, CK_BYTE key[MAC_BYTES])
{
    CK_BYTE all[SECRET_BYTES + SSH_TEXT_BYTES];
    size_t made;

    ck_assert_uint_le(n, SECRET_BYTES);
    memcpy(all, secret, n);
    memcpy(all + n, outside_ssh_text, SSH_TEXT_BYTES);
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, all, n + SSH_TEXT_BYTES, key, &made), 1);
}

static void make_ssh_key(void)
{
    static const CK_BYTE letters[SSH_CUTS] = "CABA";

    for (size_t i = 0; i < SSH_TEXT_BYTES; i++)
        outside_ssh_text[i] = (CK_BYTE)(0x80 | 53 * i);
    for (size_t i = 0; i < SSH_CUTS; i++)
        outside_ssh_text[outside_ssh_cuts[i]] = letters[i];
    outside_derives_ssh(outside_protected, SECRET_BYTES, ssh_key);
}

bool outside_finds_ssh(const CK_BYTE *bytes, CK_ULONG n)
{
    return n >= WINDOW_BYTES && memmem(bytes, n, ssh_key, WINDOW_BYTES) != NULL;
}

void outside_begin(EVP_PKEY *rsa, EVP_PKEY *curve)
{
    struct key_part part = {.type = CKA_VALUE, .value = outside_key, .n = sizeof outside_key};

    for (size_t i = 0; i < PROTECTED_BYTES; i++)
        outside_protected[i] = i < GUESSED_END ? (CK_BYTE)(0x80 | (37 * i + 11)) : PADDING_BYTES;
    point_n = sample_point(curve, point);
    make_guesses();
    make_ssh_key();
    by_des_n = 0;
    guess_des(outside_protected, SECRET_BYTES);
    guess_des(outside_protected + SECRET_BYTES, SHORT_BYTES);
    ck_assert_int_eq(key_load(NULL, CKK_AES, &part, 1, &aes_key), ERR_OK);
    ck_assert_int_eq(key_wrap(rsa, &rsa_key), ERR_OK);
    ck_assert_int_eq(key_wrap(curve, &curve_key), ERR_OK);
}

void outside_end(void)
{
    key_free(aes_key);
    key_free(rsa_key);
    key_free(curve_key);
}

bool outside_finds(const CK_BYTE *bytes, CK_ULONG n)
{
    for (size_t i = 0; i + PADDING_BYTES <= GUESSED_END; i++) /* the padding alone anybody has */
        if (n >= WINDOW_BYTES && memmem(bytes, n, outside_protected + i, WINDOW_BYTES) != NULL)
            return true;
    return false;
}

bool outside_opens(struct blob *b)
{
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    Hsm__AeadParams aead = HSM__AEAD_PARAMS__INIT;
    Hsm__OaepParams oaep = HSM__OAEP_PARAMS__INIT;
    Hsm__EcdhParams ecdh = HSM__ECDH_PARAMS__INIT;
    struct wrap w = {.mechanism = mechanism_find(b->type), .given = &given, .key = aes_key};
    struct secret plain = {0};
    bool found;

    given.type = b->type;
    iv.iv = (ProtobufCBinaryData){.data = b->iv, .len = b->type == CKM_AES_CBC_PAD ? sizeof b->iv : 0};
    aead.iv = (ProtobufCBinaryData){.data = b->iv, .len = IV_BYTES};
    aead.tag_bytes = TAG_BYTES;
    oaep.hash = CKM_SHA256;
    oaep.mgf = CKG_MGF1_SHA256;
    ecdh.kdf = CKD_SHA256_KDF;
    if (b->type == CKM_AES_GCM || b->type == CKM_AES_CCM)
        given.aead = &aead;
    else if (w.mechanism->key_type == CKK_AES)
        given.iv = &iv;
    else if (w.mechanism->key_type == CKK_EC)
        given.ecdh = &ecdh;
    else
        given.oaep = &oaep;
    if (w.mechanism->key_type != CKK_AES)
        w.key = w.mechanism->key_type == CKK_EC ? curve_key : rsa_key;
    given.aes_bits = b->type == CKM_RSA_AES_KEY_WRAP ? 128 : b->type == CKM_ECDH_AES_KEY_WRAP ? 256 : 0;
    found = unwrap_bytes(&w, b->bytes, b->n, &plain) == ERR_OK && outside_finds(plain.bytes, plain.len);
    secret_clear(&plain);
    return found;
}

void outside_wraps(const CK_BYTE *value, CK_ULONG n, struct blob *b)
{
    struct key_part part = {.type = CKA_VALUE, .value = value, .n = n};
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    struct wrap w = {.mechanism = mechanism_find(CKM_AES_KEY_WRAP_KWP), .given = &given};
    struct secret plain = {0};
    struct buffer out = {0};
    struct key *k = NULL;

    given.type = b->type = CKM_AES_KEY_WRAP_KWP;
    given.iv = &iv;
    ck_assert(secret_new(&plain, SECRET_BYTES));
    memcpy(plain.bytes, outside_protected, SECRET_BYTES);
    ck_assert_int_eq(key_load(NULL, CKK_AES, &part, 1, &k), ERR_OK);
    w.key = k;
    ck_assert_int_eq(wrap_bytes(&w, &plain, &out), ERR_OK);
    memcpy(b->bytes, out.data, out.len);
    b->n = out.len;
    key_free(k);
    buffer_clear(&out);
    secret_clear(&plain);
}

static void aes_block_under(const CK_BYTE key[BLOCK_BYTES], bool encrypts, const CK_BYTE *in, CK_BYTE out[BLOCK_BYTES])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    ck_assert_int_eq(EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypts), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    ck_assert_int_eq(EVP_CipherUpdate(ctx, out, &n, in, BLOCK_BYTES), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void aes_block(bool encrypts, const CK_BYTE *in, CK_BYTE out[BLOCK_BYTES])
{
    aes_block_under(outside_key, encrypts, in, out);
}

static void add_block(CK_BYTE to[BLOCK_BYTES], const CK_BYTE from[BLOCK_BYTES])
{
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        to[i] ^= from[i];
}

static void double_block(CK_BYTE block[BLOCK_BYTES])
{
    const bool high = block[0] & 0x80;

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        block[i] = (CK_BYTE)(block[i] << 1 | (i + 1 < BLOCK_BYTES ? block[i + 1] >> 7 : 0));
    if (high)
        block[BLOCK_BYTES - 1] ^= 0x87;
}

/* NIST SP 800-38B: CBC from a zero block, and in the last block the subkey, which is the cipher of zeros, doubled. */
void outside_undoes_cmac(const CK_BYTE *prefix, CK_ULONG n, const CK_BYTE mac[BLOCK_BYTES], CK_BYTE field[BLOCK_BYTES])
{
    CK_BYTE first[BLOCK_BYTES] = {1}, zeros[BLOCK_BYTES] = {0}, before[BLOCK_BYTES], subkey[BLOCK_BYTES];

    ck_assert_uint_eq(n, BLOCK_BYTES - 1);
    memcpy(first + 1, prefix, n);
    aes_block(true, first, before);
    aes_block(true, zeros, subkey);
    double_block(subkey);
    aes_block(false, mac, field);
    add_block(field, before);
    add_block(field, subkey);
}

/* A block and nothing, or a block and a number, which is padded. XCBC: RFC 3566 section 4. */
void outside_undoes_prf(bool xcbc, CK_BYTE number, const CK_BYTE mac[BLOCK_BYTES], CK_BYTE whole[BLOCK_BYTES],
                        CK_BYTE numbered[BLOCK_BYTES])
{
    CK_BYTE constant[BLOCK_BYTES] = {0}, keys[3][BLOCK_BYTES], padded[BLOCK_BYTES] = {number, 0x80};

    memcpy(keys[0], outside_key, BLOCK_BYTES);
    if (!xcbc) {
        aes_block(true, constant, keys[1]);
        double_block(keys[1]);
        memcpy(keys[2], keys[1], BLOCK_BYTES);
        double_block(keys[2]);
    }
    for (int i = 0; xcbc && i < 3; i++) {
        memset(constant, i + 1, BLOCK_BYTES);
        aes_block(true, constant, keys[i]);
    }
    aes_block_under(keys[0], false, mac, whole);
    memcpy(constant, whole, BLOCK_BYTES);
    add_block(whole, keys[1]);
    add_block(constant, padded);
    add_block(constant, keys[2]);
    aes_block_under(keys[0], false, constant, numbered);
}

const CK_BYTE *outside_point(CK_ULONG *n)
{
    *n = point_n;
    return point;
}

const CK_BYTE *outside_guess(CK_ULONG n, size_t i)
{
    return i + n <= GUESSED_END ? guesses[n][i] : NULL;
}

bool outside_guesses(const CK_BYTE mac[MAC_BYTES], CK_ULONG n)
{
    for (size_t i = 0; i + n <= GUESSED_END; i++)
        if (memcmp(mac, guesses[n][i], MAC_BYTES) == 0)
            return true;
    return false;
}

bool outside_guesses_des(const CK_BYTE sealed[DES_BLOCK_BYTES])
{
    for (size_t i = 0; i < by_des_n; i++)
        if (memcmp(sealed, by_des[i], DES_BLOCK_BYTES) == 0)
            return true;
    return false;
}

bool outside_guesses_digest(const CK_BYTE digest[MAC_BYTES])
{
    for (size_t n = GUESSED_BYTES_MIN; n <= GUESSED_BYTES_MAX; n++)
        for (size_t i = 0; i + n <= GUESSED_END; i++)
            if (memcmp(digest, digests[n][i], MAC_BYTES) == 0)
                return true;
    return false;
}
