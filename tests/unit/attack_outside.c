#include "tests/unit/attack_outside.h"

#include <string.h>

#include <openssl/evp.h>

#include <check.h>

#include "proto/mechanism.h"
#include "vault/provider/wrap.h"

enum { WINDOW_BYTES = 6 };

CK_BYTE outside_protected[SECRET_BYTES], outside_key[16] = "the attacker's ";

/* By each short part of the value. */
static CK_BYTE guesses[GUESSED_BYTES_MAX + 1][SECRET_BYTES][MAC_BYTES], digests[GUESSED_BYTES_MAX + 1][SECRET_BYTES][MAC_BYTES];
static struct key *aes_key, *rsa_key, *curve_key;

static void make_guesses(void)
{
    size_t n;

    for (size_t length = GUESSED_BYTES_MIN; length <= GUESSED_BYTES_MAX; length++)
        for (size_t i = 0; i + length <= SECRET_BYTES; i++) {
            ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, outside_protected + i, length, outside_key,
                                            sizeof outside_key, guesses[length][i], MAC_BYTES, &n));
            ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, outside_protected + i, length, digests[length][i], &n), 1);
        }
}

void outside_begin(EVP_PKEY *rsa, EVP_PKEY *curve)
{
    struct key_part part = {.type = CKA_VALUE, .value = outside_key, .n = sizeof outside_key};

    for (size_t i = 0; i < SECRET_BYTES; i++)
        outside_protected[i] = (CK_BYTE)(0x80 | (37 * i + 11));
    make_guesses();
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
    for (size_t i = 0; i + WINDOW_BYTES <= SECRET_BYTES; i++)
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

bool outside_guesses(const CK_BYTE mac[MAC_BYTES], CK_ULONG n)
{
    for (size_t i = 0; i + n <= SECRET_BYTES; i++)
        if (memcmp(mac, guesses[n][i], MAC_BYTES) == 0)
            return true;
    return false;
}

bool outside_guesses_digest(const CK_BYTE digest[MAC_BYTES])
{
    for (size_t n = GUESSED_BYTES_MIN; n <= GUESSED_BYTES_MAX; n++)
        for (size_t i = 0; i + n <= SECRET_BYTES; i++)
            if (memcmp(digest, digests[n][i], MAC_BYTES) == 0)
                return true;
    return false;
}
