/* Stories of pairs for the corpus of fuzz_vault_call: post-quantum, RSA, curves, finite fields; uses with the password, and the policy. */
#include "tests/fuzz/record.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "module/rpc/rpc.h"
#include "proto/limits.h"
#include "tests/unit/sample_group.h"

/* A pair with these attributes in its public half: the ids, 0 and 0 where it is refused. */
static void make_pair(CK_MECHANISM_TYPE type, struct sample_template *of_pub, uint64_t ids[2])
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_TOKEN, CKA_DERIVE, CKA_UNWRAP, CKA_SIGN, CKA_DECAPSULATE};
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism make = record_mechanism(type);
    struct sample_template of_priv;
    Hsm__Reply *reply;

    sample_bool(of_pub, CKA_TOKEN, true);
    sample_start(&of_priv);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        sample_bool(&of_priv, uses[i], true);
    pair.mechanism = &make;
    pair.public_template = &of_pub->message;
    pair.private_template = &of_priv.message;
    reply = record_ask(HSM__REQUEST__OF_GENERATE_PAIR, &pair);
    ids[0] = ids[1] = 0;
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS && reply->objects->n_objects == 2)
        ids[0] = reply->objects->objects[0]->id, ids[1] = reply->objects->objects[1]->id;
    rpc_reply_free(reply);
}

/* ---- post-quantum, where libcrypto has it */

static void encapsulate(void)
{
    Hsm__Encapsulate e = HSM__ENCAPSULATE__INIT;
    Hsm__Decapsulate d = HSM__DECAPSULATE__INIT;
    Hsm__Mechanism kem = record_mechanism(CKM_ML_KEM);
    struct sample_template of_pub, t;
    Hsm__Reply *reply;
    uint64_t ids[2];

    sample_start(&of_pub);
    sample_ulong(&of_pub, CKA_PARAMETER_SET, CKP_ML_KEM_512);
    make_pair(CKM_ML_KEM_KEY_PAIR_GEN, &of_pub, ids);
    e.mechanism = d.mechanism = &kem;
    e.template_ = d.template_ = record_uses(&t, CKK_GENERIC_SECRET, 32);
    e.public_key = record_key(ids[0] != 0 ? ids[0] : 1);
    d.key = record_key(ids[1] != 0 ? ids[1] : 1);
    d.ciphertext = record_text("no ciphertext at all");
    reply = record_ask(HSM__REQUEST__OF_ENCAPSULATE, &e);
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS)
        d.ciphertext = reply->objects->beside;
    record_ask_quietly(HSM__REQUEST__OF_DECAPSULATE, &d);
    rpc_reply_free(reply);
}

static void sign_with_ml_dsa(void)
{
    Hsm__PqParams context = HSM__PQ_PARAMS__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_ML_DSA);
    struct sample_template of_pub;
    uint64_t ids[2];

    sample_start(&of_pub);
    sample_ulong(&of_pub, CKA_PARAMETER_SET, CKP_ML_DSA_44);
    make_pair(CKM_ML_DSA_KEY_PAIR_GEN, &of_pub, ids);
    context.context = record_text("context");
    m.pq = &context;
    record_sign(ids[1] != 0 ? ids[1] : 1, &m, "a message");
}

/* ---- RSA */

/* A small key, so that its import costs the fuzzer little; its public half stays outside. */
static uint64_t import_rsa(bool asks_always, Hsm__KeyRef *half)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_TOKEN, CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP};
    static uint8_t info[512];
    uint8_t *to = info;
    EVP_PKEY *key = EVP_RSA_gen(1024);
    struct sample_template t;
    uint64_t id;

    sample_private(&t, key, true);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        sample_bool(&t, uses[i], true);
    sample_bool(&t, CKA_ALWAYS_AUTHENTICATE, asks_always);
    id = record_create(&t);
    if (half != NULL)
        half->info = (ProtobufCBinaryData){.data = info, .len = (size_t)i2d_PUBKEY(key, &to)};
    EVP_PKEY_free(key);
    return id;
}

static void sign_to_recover(uint64_t id)
{
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_RSA_PKCS);

    s.key = record_key(id);
    s.mechanism = &m;
    s.data = record_text("what comes back");
    record_ask_quietly(HSM__REQUEST__OF_SIGN_RECOVER, &s);
}

/* The use is the same as without; the password comes along. */
static void authorize(Hsm__Authorized *a, Hsm__Authorized__UseCase use, const char *password)
{
    a->password = record_text(password);
    a->use_case = use;
    record_ask_quietly(HSM__REQUEST__OF_AUTHORIZED, a);
}

static void use_with_password(uint64_t id)
{
    Hsm__Authorized a = HSM__AUTHORIZED__INIT;
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Decrypt d = HSM__DECRYPT__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_RSA_PKCS), raw = record_mechanism(CKM_RSA_X_509);
    static const char block[128] = {0, 1};

    s.key = d.key = record_key(id);
    s.mechanism = &m;
    s.data = record_text("what is signed");
    d.mechanism = &raw;
    d.data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)block, .len = sizeof block};
    a.sign = &s;
    authorize(&a, HSM__AUTHORIZED__USE_SIGN, "user-password");
    authorize(&a, HSM__AUTHORIZED__USE_SIGN, "wrong-password");
    authorize(&a, HSM__AUTHORIZED__USE_SIGN_RECOVER, "user-password");
    a.decrypt = &d;
    authorize(&a, HSM__AUTHORIZED__USE_DECRYPT, "user-password");
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &s); /* without: refused */
}

/* A secret key goes to and fro under RSA. */
static void wrap_by_rsa(void)
{
    Hsm__OaepParams oaep = HSM__OAEP_PARAMS__INIT;
    Hsm__PssParams pss = HSM__PSS_PARAMS__INIT;
    Hsm__Mechanism pkcs = record_mechanism(CKM_RSA_PKCS), padded = record_mechanism(CKM_RSA_PKCS_OAEP),
                   two_steps = record_mechanism(CKM_RSA_AES_KEY_WRAP), sign = record_mechanism(CKM_SHA1_RSA_PKCS_PSS);
    Hsm__KeyRef half = HSM__KEY_REF__INIT;
    struct sample_template t;
    uint64_t rsa = import_rsa(false, &half), secret;

    record_uses(&t, CKK_GENERIC_SECRET, 0);
    sample_bytes(&t, CKA_VALUE, "a secret of some length", 23);
    secret = record_create(&t);
    record_wrap(&half, rsa, secret, &pkcs);
    oaep.hash = CKM_SHA_1;
    oaep.mgf = CKG_MGF1_SHA1;
    oaep.label = record_text("a label");
    padded.oaep = two_steps.oaep = &oaep;
    two_steps.aes_bits = 256;
    record_wrap(&half, rsa, secret, &padded);
    record_wrap(&half, rsa, secret, &two_steps);
    pss.hash = CKM_SHA_1;
    pss.mgf = CKG_MGF1_SHA1;
    pss.salt_bytes = 20;
    sign.pss = &pss;
    record_sign(rsa, &sign, "20 bytes, as SHA-1's");
}

/* Its primes have to be found. */
static void sign_without_primes(void)
{
    static const char block[128] = {0, 1};
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_RSA_X_509);
    EVP_PKEY *key = EVP_RSA_gen(1024);
    struct sample_template t;

    sample_private(&t, key, false);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_SIGN, true);
    s.key = record_key(record_create(&t));
    s.mechanism = &m;
    s.data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)block, .len = sizeof block};
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &s);
    EVP_PKEY_free(key);
}

static void public_half(uint64_t id)
{
    Hsm__Derive d = HSM__DERIVE__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_PUB_KEY_FROM_PRIV_KEY);
    struct sample_template t;

    sample_start(&t);
    sample_text(&t, CKA_LABEL, "the public half");
    d.key = record_key(id);
    d.mechanism = &m;
    d.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
}

/* ---- curves */

static uint64_t pair_on(const struct curve *curve, CK_MECHANISM_TYPE type, Hsm__KeyRef *half)
{
    struct sample_template of_pub;
    uint64_t ids[2];

    sample_start(&of_pub);
    sample_bytes(&of_pub, CKA_EC_PARAMS, curve->params, curve->params_bytes);
    sample_bool(&of_pub, CKA_WRAP, true);
    make_pair(type, &of_pub, ids);
    half->id = ids[0];
    return ids[1];
}

/* What it agrees on, by a function too, with a right point and a wrong one; a key wrapped for it. */
static void agree_on(const struct curve *curve, CK_MECHANISM_TYPE make, CK_MECHANISM_TYPE wrap)
{
    Hsm__EcdhParams ecdh = HSM__ECDH_PARAMS__INIT;
    Hsm__Mechanism derive = record_mechanism(CKM_ECDH1_DERIVE), by_both = record_mechanism(wrap);
    EVP_PKEY *other = sample_on_curve(curve);
    uint8_t point[CURVE_POINT_BYTES_MAX];
    Hsm__KeyRef half = HSM__KEY_REF__INIT;
    struct sample_template t;
    uint64_t own = pair_on(curve, make, &half), secret;

    derive.ecdh = by_both.ecdh = &ecdh;
    ecdh.kdf = CKD_NULL;
    ecdh.peer = (ProtobufCBinaryData){.data = point, .len = sample_point(other, point)};
    record_derive(own, 0, &derive, 0);
    ecdh.kdf = CKD_SHA256_KDF;
    ecdh.shared = record_text("shared");
    record_derive(own, 0, &derive, 64);
    ecdh.kdf = CKD_SHA256_KDF_SP800;
    point[ecdh.peer.len - 1] ^= 1;
    record_derive(own, 0, &derive, 64);
    ecdh.kdf = CKD_SHA256_KDF;
    ecdh.peer.len = 0;
    by_both.aes_bits = 256;
    record_uses(&t, CKK_GENERIC_SECRET, 0);
    sample_bytes(&t, CKA_VALUE, "a secret of some length", 23);
    secret = record_create(&t);
    record_wrap(&half, own, secret, &by_both);
    EVP_PKEY_free(other);
}

static void use_edwards(const struct curve *curve)
{
    Hsm__EddsaParams pure = HSM__EDDSA_PARAMS__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_EDDSA);
    EVP_PKEY *key = sample_on_curve(curve);
    struct sample_template t;

    sample_private(&t, key, true);
    sample_bool(&t, CKA_SIGN, true);
    sample_bool(&t, CKA_TOKEN, true);
    m.eddsa = &pure;
    record_sign(record_create(&t), &m, "a message");
    EVP_PKEY_free(key);
}

/* ---- finite fields */

static void put_group(const struct sample_template *key, size_t base_bytes, struct sample_template *out)
{
    sample_start(out);
    for (size_t i = 0; i < key->message.n_attributes; i++) {
        const Hsm__Attribute *a = key->message.attributes[i];
        if (a->type == CKA_PRIME || a->type == CKA_SUBPRIME || a->type == CKA_BASE)
            sample_bytes(out, a->type, a->value.data, a->type == CKA_BASE ? base_bytes : a->value.len);
    }
}

/* A key created in a group, a pair made in it, and another with a base that has not its order; the group as an object. */
static void use_dsa(void)
{
    EVP_PKEY *key = sample_dsa();
    Hsm__Mechanism m = record_mechanism(CKM_DSA_SHA256);
    struct sample_template t, group;
    uint64_t ids[2];

    sample_private(&t, key, true);
    for (size_t base = 256; base >= 255; base--) {
        put_group(&t, base, &group);
        make_pair(CKM_DSA_KEY_PAIR_GEN, &group, ids);
    }
    put_group(&t, 256, &group);
    sample_ulong(&group, CKA_CLASS, CKO_DOMAIN_PARAMETERS);
    sample_ulong(&group, CKA_KEY_TYPE, CKK_DSA);
    (void)record_create(&group);
    sample_bool(&t, CKA_TOKEN, true);
    record_sign(record_create(&t), &m, "32 bytes, as long as any SHA-256");
    EVP_PKEY_free(key);
}

static void agree_over_field(uint64_t own, const uint8_t *number, size_t n, CK_ULONG bytes)
{
    Hsm__DataParams peer = HSM__DATA_PARAMS__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_DH_PKCS_DERIVE);

    peer.data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)number, .len = n};
    m.data = &peer;
    record_derive(own, 0, &m, bytes);
}

/* A known group, a pair in it, and what it agrees on with good numbers and with such that tell; a key over a safe prime that is found to be
 * one (Oakley's of 1024 bits), and over one that is none. */
static void use_dh(void)
{
    EVP_PKEY *other = sample_dh("ffdhe2048");
    uint8_t number[SAMPLE_DH_BYTES_MAX], prime[128];
    BIGNUM *oakley = BN_get_rfc2409_prime_1024(NULL);
    struct sample_template t, group;
    size_t n = sample_public_value(other, number);
    uint64_t ids[2];

    sample_private(&t, other, true);
    put_group(&t, 1, &group);
    make_pair(CKM_DH_PKCS_KEY_PAIR_GEN, &group, ids);
    agree_over_field(ids[1], number, n, 0);
    agree_over_field(ids[1], number, n, 32);
    agree_over_field(ids[1], (const uint8_t *)"\1", 1, 0);
    put_group(&t, 1, &group);
    sample_ulong(&group, CKA_CLASS, CKO_DOMAIN_PARAMETERS);
    sample_ulong(&group, CKA_KEY_TYPE, CKK_DH);
    sample_bool(&group, CKA_TOKEN, true);
    (void)record_create(&group);
    BN_bn2bin(oakley, prime);
    for (int i = 0; i < 2; i++) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_PRIVATE_KEY);
        sample_ulong(&t, CKA_KEY_TYPE, CKK_DH);
        sample_bytes(&t, CKA_PRIME, prime, sizeof prime);
        sample_bytes(&t, CKA_BASE, "\2", 1);
        sample_bytes(&t, CKA_VALUE, "a number of 23 bytes...", 23);
        sample_bool(&t, CKA_DERIVE, true);
        sample_bool(&t, CKA_TOKEN, true);
        agree_over_field(record_create(&t), prime + 1, 100, 0);
        prime[100] ^= 2;
    }
    BN_free(oakley);
    EVP_PKEY_free(other);
}

/* ---- the stories */

static void set_policy(const char *name)
{
    Hsm__PolicySet set = HSM__POLICY_SET__INIT;

    set.policy = (char *)(uintptr_t)name;
    record_ask_quietly(HSM__REQUEST__OF_POLICY_SET, &set);
}

void record_pairs(void)
{
    record_as_alice();
    encapsulate();
    record_end("kem");
    record_as_alice();
    sign_with_ml_dsa();
    record_end("ml_dsa");
    record_begin();
    record_login("admin", "admin-password", true);
    set_policy("compatible");
    set_policy("no such policy");
    record_end("policy");
    record_as_alice();
    sign_to_recover(import_rsa(false, NULL));
    record_end("recover");
    record_as_alice();
    use_with_password(import_rsa(true, NULL));
    record_end("authorized");
    record_as_alice();
    public_half(import_rsa(true, NULL));
    record_end("public_half");
    record_as_alice();
    wrap_by_rsa();
    sign_without_primes();
    record_end("rsa_wraps");
    record_as_alice();
    agree_on(curve_by_name("P-256"), CKM_EC_KEY_PAIR_GEN, CKM_ECDH_AES_KEY_WRAP);
    record_end("ecdh");
    record_as_alice();
    agree_on(curve_by_name("X25519"), CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_ECDH_X_AES_KEY_WRAP);
    use_edwards(curve_by_name("ED25519"));
    record_end("rfc7748");
    record_as_alice();
    use_dsa();
    record_end("dsa");
    record_as_alice();
    use_dh();
    record_end("dh");
}
