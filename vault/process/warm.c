#include "vault/process/warm.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "common/clock.h"
#include "crypto/curve.h"
#include "crypto/eddsa.h"
#include "crypto/post_quantum.h"
#include "vault/index.h"
#include "vault/master.h"
#include "vault/node/kem.h"
#include "vault/process/warm_secret.h"
#include "vault/provider/ecdsa_text.h"
#include "vault/provider/generate.h"
#include "vault/provider/kdf.h"
#include "vault/provider/ml_kem.h"
#include "vault/provider/sign.h"
#include "vault/record.h"

/* Certificates: names, extensions, object identifiers, the checks of a chain. */
static bool certificates(OSSL_LIB_CTX *libctx, struct key *root, struct key *leaf)
{
    static const uint8_t kem[CERT_KEM_BYTES] = {1};
    int64_t now = (int64_t)clock_real_s();
    struct cert_order order = {.libctx = libctx, .role = CERT_ROOT, .name = "warm", .subject_key = key_evp(root),
                               .issuer_key = key_evp(root), .now_s = now, .days = 1};
    struct buffer der = {0};
    X509 *authority = NULL, *cert = NULL, *again = NULL;
    X509_REQ *csr = NULL;
    bool ok = cert_issue(&order, &authority, NULL) == ERR_OK;

    order.role = CERT_NODE;
    order.subject_key = key_evp(leaf);
    order.issuer = authority;
    order.kem_public = kem;
    ok = ok && cert_issue(&order, &cert, NULL) == ERR_OK && cert_write(cert, &der) == ERR_OK &&
         cert_read(libctx, "a certificate", der.data, der.len, &again, NULL) == ERR_OK &&
         chain_check_cluster(libctx, now, again, key_evp(leaf), authority, NULL) == ERR_OK;
    buffer_clear(&der);
    ok = ok && csr_make(libctx, "warm", key_evp(leaf), &csr, NULL) == ERR_OK && csr_write(csr, &der) == ERR_OK;
    X509_REQ_free(csr);
    csr = NULL;
    ok = ok && csr_read(libctx, der.data, der.len, &csr, NULL) == ERR_OK;
    X509_REQ_free(csr);
    X509_free(authority);
    X509_free(cert);
    X509_free(again);
    buffer_clear(&der);
    return ok;
}

static bool elliptic(OSSL_LIB_CTX *libctx)
{
    static const uint8_t text[] = "warm";
    struct key *first = NULL, *second = NULL;
    struct buffer signature = {0};
    bool ok = generate_ec(libctx, curve_by_name("P-256"), &first) == ERR_OK &&
              generate_ec(libctx, curve_by_name("P-384"), &second) == ERR_OK &&
              ecdsa_text_sign(libctx, key_evp(first), text, sizeof text, &signature) == ERR_OK &&
              ecdsa_text_verify(libctx, key_evp(first), text, sizeof text, signature.data, signature.len) == ERR_OK &&
              certificates(libctx, first, second);

    buffer_clear(&signature);
    key_free(first);
    key_free(second);
    return ok;
}

/* A key on every curve, and a signature by each row that does not hash: hashing ones differ by their digests only. */
static bool curves(OSSL_LIB_CTX *libctx)
{
    static const uint8_t digest[32] = {1};
    bool ok = true;

    for (size_t i = 0; ok && curve_at(i) != NULL; i++) {
        struct sign s = {.libctx = libctx};
        uint8_t signature[SIGNATURE_BYTES_MAX];
        struct key *key = NULL;
        size_t n = 0;
        ok = generate_ec(libctx, curve_at(i), &key) == ERR_OK;
        s.key = key;
        for (size_t row = 0; ok && (s.mechanism = mechanism_at(row)) != NULL; row++)
            if (s.mechanism->key_type == curve_at(i)->key_type && s.mechanism->hash == NULL &&
                mechanism_does(s.mechanism, CKF_SIGN))
                ok = sign_data(&s, digest, sizeof digest, signature, &n) == ERR_OK;
        key_free(key);
    }
    return ok;
}

/* Master keys, a record sealed and opened, an index token, a text to a KEM key: HKDF, HMAC, AES-GCM, X25519. */
static bool seals(OSSL_LIB_CTX *libctx)
{
    const struct gcm_aad context = {(const uint8_t *)"warm", 4};
    Hsm__RecordHeader header = HSM__RECORD_HEADER__INIT, *opened = NULL;
    struct buffer record = {0}, sealed = {0};
    struct secret kem = {0}, text = {0}, got = {0};
    uint8_t token[INDEX_TOKEN_BYTES], kem_public[AGREE_KEY_BYTES];
    struct master *master = NULL;
    struct index *index = NULL;
    bool ok = master_new(libctx, &master) == ERR_OK && master_add(master, 1, NULL) == ERR_OK && index_new(master, &index) == ERR_OK &&
              index_token(index, 1, 1, NULL, 0, token) == ERR_OK && secret_copy(&text, "warm", 4) &&
              record_seal(master, &header, text.bytes, text.len, &record) == ERR_OK &&
              record_open(master, record.data, record.len, &opened, &got) == ERR_OK;

    secret_clear(&got);
    ok = ok && agree_generate(libctx, &kem) == ERR_OK && agree_public(libctx, &kem, kem_public) == ERR_OK &&
         kem_seal(libctx, kem_public, context, &text, &sealed) == ERR_OK &&
         kem_open(libctx, &kem, context, sealed.data, sealed.len, &got) == ERR_OK;
    if (opened != NULL)
        hsm__record_header__free_unpacked(opened, NULL);
    secret_clear(&kem);
    secret_clear(&text);
    secret_clear(&got);
    buffer_clear(&record);
    buffer_clear(&sealed);
    index_free(index);
    master_free(master);
    return ok;
}

static bool scrypt(OSSL_LIB_CTX *libctx)
{
    uint8_t out[32];
    uint64_t n = 16;
    uint32_t r = 8, p = 1;
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)"warm", 4),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)"warm", 4),
                           OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n), OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                           OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p), OSSL_PARAM_END};
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, sizeof out, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

/* What keys are derived by: vault/provider/kdf.h. */
static bool derivations(OSSL_LIB_CTX *libctx)
{
    static const uint8_t text[16] = "warm";
    const struct kdf_bytes bytes = {text, sizeof text};
    const struct kdf_hkdf hkdf = {.hash = "SHA256", .extract = true, .expand = true};
    const struct kdf_pbkdf2 pbkdf2 = {.hash = "SHA256", .password = bytes, .salt = bytes, .iterations = 1};
    const struct kdf_tls12 tls = {.hash = "SHA256", .label = bytes};
    const struct kdf_sshkdf ssh = {.hash = "SHA256", .letter = 'A', .exchange_hash = bytes, .session_id = bytes};
    struct secret out = {0};
    bool ok = kdf_hkdf(libctx, &hkdf, bytes, 16, &out) == ERR_OK && kdf_pbkdf2(libctx, &pbkdf2, 16, &out) == ERR_OK &&
              kdf_tls12(libctx, &tls, bytes, 16, &out) == ERR_OK && kdf_x963(libctx, "SHA256", bytes, bytes, 16, &out) == ERR_OK &&
              kdf_one_step(libctx, "SHA256", bytes, bytes, 16, &out) == ERR_OK &&
              kdf_sshkdf(libctx, &ssh, bytes, 16, &out) == ERR_OK;

    secret_clear(&out);
    return ok;
}

/* Keys under keys: vault/provider/wrap.h. */
static bool wraps(OSSL_LIB_CTX *libctx)
{
    static const char *const ciphers[] = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP", "AES-128-WRAP-PAD",
                                          "AES-192-WRAP-PAD", "AES-256-WRAP-PAD", "AES-256-CBC", "AES-256-ECB"};
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof ciphers / sizeof ciphers[0]; i++) {
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(libctx, ciphers[i], NULL);
        ok = cipher != NULL;
        EVP_CIPHER_free(cipher);
    }
    return ok;
}

/* RSA keys take their time to make: their algorithms are fetched and no more. */
static bool rsa(OSSL_LIB_CTX *libctx)
{
    EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(libctx, "RSA", NULL);
    EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(libctx, "RSA", NULL);
    EVP_ASYM_CIPHER *cipher = EVP_ASYM_CIPHER_fetch(libctx, "RSA", NULL);
    bool ok = keys != NULL && signature != NULL && cipher != NULL;

    EVP_ASYM_CIPHER_free(cipher);
    EVP_SIGNATURE_free(signature);
    EVP_KEYMGMT_free(keys);
    return ok;
}

static bool encapsulates(OSSL_LIB_CTX *libctx, const struct key *k)
{
    uint8_t ciphertext[PARAMETER_SET_PUBLIC_BYTES_MAX];
    struct secret value = {0}, made = {0}, opened = {0};
    struct public_key *p = NULL;
    bool ok = key_public_part(k, CKA_VALUE, &value) == ERR_OK && public_key_pq(libctx, key_set(k), value.bytes, value.len, &p) == ERR_OK &&
              ml_kem_encapsulate(libctx, p, &made, ciphertext) == ERR_OK &&
              ml_kem_decapsulate(libctx, k, ciphertext, key_set(k)->output_bytes, &opened) == ERR_OK;

    public_key_free(p);
    secret_clear(&value);
    secret_clear(&made);
    secret_clear(&opened);
    return ok;
}

static bool signs(OSSL_LIB_CTX *libctx, const struct key *k)
{
    static const uint8_t text[] = "warm";
    Hsm__PqParams pq = HSM__PQ_PARAMS__INIT;
    struct sign s = {.libctx = libctx, .mechanism = mechanism_find(CKM_ML_DSA), .pq = &pq, .key = k};
    uint8_t out[8192];
    size_t n = 0;

    return sign_bytes_max(k) <= sizeof out && sign_data(&s, text, sizeof text, out, &n) == ERR_OK;
}

/* Keys of every set that is here, and what is done with one: SLH-DSA signs for seconds, so its algorithms are fetched and no more. */
static bool post_quantum(OSSL_LIB_CTX *libctx)
{
    bool ok = true;

    for (size_t i = 0; ok && parameter_set_at(i) != NULL; i++) {
        const struct parameter_set *set = parameter_set_at(i);
        struct key *k = NULL;
        if (!parameter_set_is_here(set) || set->key_type == CKK_SLH_DSA)
            continue;
        ok = generate_pq(libctx, set, &k) == ERR_OK && (set->key_type == CKK_ML_KEM ? encapsulates(libctx, k) : signs(libctx, k));
        key_free(k);
    }
    return ok;
}

static bool digests(OSSL_LIB_CTX *libctx)
{
    bool ok = true;

    for (size_t i = 0; ok && mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        uint8_t out[EVP_MAX_MD_SIZE];
        size_t n = 0;
        if (row->family != FAMILY_HASH)
            continue;
        ok = EVP_Q_digest(libctx, row->hash, NULL, "warm", 4, out, &n) == 1;
    }
    return ok;
}

static bool chance(OSSL_LIB_CTX *libctx)
{
    uint8_t out[16];

    return RAND_bytes_ex(libctx, out, sizeof out, 0) == 1 && RAND_priv_bytes_ex(libctx, out, sizeof out, 0) == 1;
}

bool warm_up(OSSL_LIB_CTX *libctx, struct diag *why)
{
    static const struct {
        const char *what;
        bool (*try)(OSSL_LIB_CTX *libctx);
    } kinds[] = {
        {"random numbers", chance}, {"digests", digests}, {"MACs", warm_macs}, {"ciphers", warm_ciphers},
        {"certificates", elliptic}, {"elliptic curves", curves},
        {"seals (HKDF, AES-GCM, X25519)", seals}, {"scrypt", scrypt},
        {"key derivation", derivations}, {"key wrapping", wraps}, {"RSA", rsa},
        {"post-quantum keys", post_quantum},
    };

    post_quantum_probe(libctx);
    eddsa_probe(libctx);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!kinds[i].try(libctx)) {
            ERR_clear_error();
            diag_set(why, "libcrypto does not work: %s", kinds[i].what);
            diag_remedy(why, "install OpenSSL 3 with its default provider");
            return false;
        }
    return true;
}
