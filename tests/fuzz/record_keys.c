/* Stories of keys for the corpus of fuzz_vault_call: ciphers, wraps, derivations, changes, encapsulation, the policy, uses
 * with the password. */
#include "tests/fuzz/record.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "module/rpc/rpc.h"
#include "proto/limits.h"
#include "tests/unit/sample_template.h"

/* ---- secret keys: made, used, wrapped, derived, changed */

static Hsm__Mechanism mechanism_of(CK_MECHANISM_TYPE type)
{
    Hsm__Mechanism m = HSM__MECHANISM__INIT;

    m.type = type;
    return m;
}

static Hsm__KeyRef ref(uint64_t id)
{
    Hsm__KeyRef key = HSM__KEY_REF__INIT;

    key.id = id;
    return key;
}

static Hsm__KeyRef *on_heap(Hsm__KeyRef key)
{
    static Hsm__KeyRef kept[4];
    static unsigned next;

    kept[next % 4] = key;
    return &kept[next++ % 4];
}

/* The id of the object that a reply has, which may be none. */
static uint64_t id_of(Hsm__Reply *reply)
{
    bool has = reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS && reply->objects->n_objects > 0;
    uint64_t id = has ? reply->objects->objects[reply->objects->n_objects - 1]->id : 0;

    rpc_reply_free(reply);
    return id;
}

/* A template of a key on the token that may be put to every use and may go out. */
static const Hsm__Template *for_all_uses(struct sample_template *t, CK_KEY_TYPE type, CK_ULONG bytes)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_TOKEN, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE,
                                             CKA_EXTRACTABLE};

    sample_start(t);
    sample_ulong(t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(t, CKA_KEY_TYPE, type);
    if (bytes > 0)
        sample_ulong(t, CKA_VALUE_LEN, bytes);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        sample_bool(t, uses[i], true);
    return &t->message;
}

static Hsm__Template *given(const Hsm__Template *t)
{
    return (Hsm__Template *)(uintptr_t)t; /* only read */
}

static uint64_t generate(CK_MECHANISM_TYPE type, CK_KEY_TYPE key_type)
{
    Hsm__Generate g = HSM__GENERATE__INIT;
    Hsm__Mechanism m = mechanism_of(type);
    struct sample_template t;

    g.mechanism = &m;
    g.template_ = given(for_all_uses(&t, key_type, 32));
    return id_of(record_ask(HSM__REQUEST__OF_GENERATE, &g));
}

static void cipher(uint64_t id, Hsm__Mechanism *m, bool more)
{
    Hsm__Encrypt e = HSM__ENCRYPT__INIT;
    Hsm__Decrypt d = HSM__DECRYPT__INIT;
    Hsm__Reply *reply;

    e.key = d.key = on_heap(ref(id));
    e.mechanism = d.mechanism = m;
    e.data = record_text("32 bytes, as long as any SHA-256");
    e.more = d.more = more;
    reply = record_ask(HSM__REQUEST__OF_ENCRYPT, &e);
    d.data = e.data;
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_CIPHER)
        d.data = reply->cipher->value;
    record_ask_quietly(HSM__REQUEST__OF_DECRYPT, &d);
    rpc_reply_free(reply);
}

static void ciphers(uint64_t aes)
{
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    Hsm__AeadParams aead = HSM__AEAD_PARAMS__INIT;
    Hsm__Mechanism cbc = mechanism_of(CKM_AES_CBC_PAD), ctr = mechanism_of(CKM_AES_CTR), gcm = mechanism_of(CKM_AES_GCM),
                   kwp = mechanism_of(CKM_AES_KEY_WRAP_KWP), cts = mechanism_of(CKM_AES_CTS), cfb1 = mechanism_of(CKM_AES_CFB1);

    iv.iv = record_text("a vector of 16 b");
    cbc.iv = ctr.iv = kwp.iv = cts.iv = cfb1.iv = &iv;
    cipher(aes, &cbc, false);
    cipher(aes, &cbc, true);
    cipher(aes, &cts, false);
    cipher(aes, &cfb1, true);
    iv.counter_bits = 32;
    cipher(aes, &ctr, false);
    iv = (Hsm__IvParams)HSM__IV_PARAMS__INIT;
    cipher(aes, &kwp, false);
    aead.iv = record_text("a nonce here");
    aead.aad = record_text("beside");
    aead.tag_bytes = 16;
    gcm.aead = &aead;
    cipher(aes, &gcm, false);
}

static void wraps(uint64_t aes, uint64_t target)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PKCS7};
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    struct sample_template t;

    for (size_t i = 0; i < 2; i++) {
        Hsm__Wrap w = HSM__WRAP__INIT;
        Hsm__Unwrap u = HSM__UNWRAP__INIT;
        Hsm__Mechanism m = mechanism_of(types[i]);
        Hsm__Reply *reply;
        m.iv = i == 0 ? &iv : NULL;
        w.wrapping_key = u.unwrapping_key = on_heap(ref(aes));
        w.key = on_heap(ref(target));
        w.mechanism = u.mechanism = &m;
        reply = record_ask(HSM__REQUEST__OF_WRAP, &w);
        u.wrapped = reply != NULL && reply->of_case == HSM__REPLY__OF_CIPHER ? reply->cipher->value : record_text("no wrapped key at all");
        u.template_ = given(for_all_uses(&t, CKK_GENERIC_SECRET, 0));
        record_ask_quietly(HSM__REQUEST__OF_UNWRAP, &u);
        rpc_reply_free(reply);
    }
}

/* bytes 0: as long as what comes. */
static void derive(uint64_t base, uint64_t other, Hsm__Mechanism *m, CK_ULONG bytes)
{
    Hsm__Derive d = HSM__DERIVE__INIT;
    Hsm__KeyRef *others[] = {other != 0 ? on_heap(ref(other)) : NULL};
    struct sample_template t;

    d.key = on_heap(ref(base));
    d.others = others;
    d.n_others = other != 0;
    d.mechanism = m;
    d.template_ = given(for_all_uses(&t, CKK_GENERIC_SECRET, bytes));
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
}

static void derivations(uint64_t base, uint64_t other)
{
    Hsm__HkdfParams hkdf = HSM__HKDF_PARAMS__INIT;
    Hsm__KbkdfParams kbkdf = HSM__KBKDF_PARAMS__INIT;
    Hsm__KbkdfField counter = HSM__KBKDF_FIELD__INIT, label = HSM__KBKDF_FIELD__INIT, *fields[] = {&counter, &label};
    Hsm__DataParams data = HSM__DATA_PARAMS__INIT;
    Hsm__Tls12Params tls = HSM__TLS12_PARAMS__INIT;
    Hsm__Mechanism of_hkdf = mechanism_of(CKM_HKDF_DERIVE), of_kbkdf = mechanism_of(CKM_SP800_108_COUNTER_KDF),
                   of_data = mechanism_of(CKM_CONCATENATE_BASE_AND_DATA), of_key = mechanism_of(CKM_CONCATENATE_BASE_AND_KEY),
                   of_tls = mechanism_of(CKM_TLS12_KDF), of_hash = mechanism_of(CKM_SHA256_KEY_DERIVATION);

    hkdf.extract = hkdf.expand = true;
    hkdf.hash = CKM_SHA256;
    hkdf.salt_type = CKF_HKDF_SALT_DATA;
    hkdf.salt = record_text("salt");
    hkdf.info = record_text("info");
    of_hkdf.hkdf = &hkdf;
    derive(base, 0, &of_hkdf, 32);
    hkdf.salt_type = CKF_HKDF_SALT_KEY;
    hkdf.salt.len = 0;
    derive(base, other, &of_hkdf, 32);
    counter.type = CK_SP800_108_ITERATION_VARIABLE;
    counter.bits = 32;
    label.type = CK_SP800_108_BYTE_ARRAY;
    label.value = record_text("label");
    kbkdf.prf = CKM_SHA256_HMAC;
    kbkdf.fields = fields;
    kbkdf.n_fields = 2;
    of_kbkdf.kbkdf = &kbkdf;
    derive(base, 0, &of_kbkdf, 32);
    data.data = record_text("data");
    of_data.data = &data;
    derive(base, 0, &of_data, 0);
    derive(base, other, &of_key, 0);
    tls.hash = CKM_SHA256;
    tls.client_random = tls.server_random = record_text("32 bytes, as long as any SHA-256");
    tls.label = record_text("label");
    of_tls.tls12 = &tls;
    derive(base, 0, &of_tls, 32);
    derive(base, 0, &of_hash, 0);
}

static void ike(uint64_t base, uint64_t other)
{
    static const CK_MECHANISM_TYPE macs[] = {CKM_SHA256_HMAC, CKM_AES_CMAC, CKM_AES_XCBC_MAC};
    Hsm__IkeParams i = HSM__IKE_PARAMS__INIT;
    Hsm__Mechanism prf = mechanism_of(CKM_IKE_PRF_DERIVE), prf1 = mechanism_of(CKM_IKE1_PRF_DERIVE),
                   extended = mechanism_of(CKM_IKE1_EXTENDED_DERIVE), plus = mechanism_of(CKM_IKE2_PRF_PLUS_DERIVE);

    prf.ike = prf1.ike = extended.ike = plus.ike = &i;
    for (size_t k = 0; k < sizeof macs / sizeof macs[0]; k++) {
        i = (Hsm__IkeParams)HSM__IKE_PARAMS__INIT;
        i.prf = macs[k];
        derive(base, 0, &extended, 16); /* the front of the key */
        i.first = record_text("data");
        derive(base, other, &extended, 48);
        derive(base, other, &plus, 48);
        i.second = record_text("more data");
        derive(base, other, &prf, 0);
        derive(base, other, &prf1, 0);
        i.data_as_key = true;
        derive(base, 0, &prf, 0);
    }
}

static void public_half(uint64_t id)
{
    Hsm__Derive d = HSM__DERIVE__INIT;
    Hsm__Mechanism m = mechanism_of(CKM_PUB_KEY_FROM_PRIV_KEY);
    struct sample_template t;

    sample_start(&t);
    sample_text(&t, CKA_LABEL, "the public half");
    d.key = on_heap(ref(id));
    d.mechanism = &m;
    d.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
}

static void change(uint64_t id)
{
    Hsm__Copy copy = HSM__COPY__INIT;
    Hsm__SetAttributes set = HSM__SET_ATTRIBUTES__INIT;
    Hsm__DigestKey digest = HSM__DIGEST_KEY__INIT;
    Hsm__DigestPart before = HSM__DIGEST_PART__INIT, key = HSM__DIGEST_PART__INIT, *list[] = {&before, &key};
    Hsm__Mechanism sha256 = mechanism_of(CKM_SHA256);
    struct sample_template t;

    sample_start(&t);
    sample_text(&t, CKA_LABEL, "another");
    sample_bool(&t, CKA_TOKEN, true);
    copy.object = set.object = on_heap(ref(id));
    copy.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_COPY, &copy);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "a new name");
    sample_bool(&t, CKA_DERIVE, false);
    set.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_SET_ATTRIBUTES, &set);
    before.data = record_text("before");
    key.key = on_heap(ref(id));
    digest.mechanism = &sha256;
    digest.parts = list;
    digest.n_parts = 2;
    record_ask_quietly(HSM__REQUEST__OF_DIGEST_KEY, &digest);
}

/* ---- pairs: for encapsulation, where libcrypto has it, and for signatures that hold what was signed */

static void encapsulate(void)
{
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Encapsulate e = HSM__ENCAPSULATE__INIT;
    Hsm__Decapsulate d = HSM__DECAPSULATE__INIT;
    Hsm__Mechanism make = mechanism_of(CKM_ML_KEM_KEY_PAIR_GEN), kem = mechanism_of(CKM_ML_KEM);
    struct sample_template of_pub, of_priv, t;
    Hsm__Reply *reply, *second;

    sample_start(&of_pub);
    sample_ulong(&of_pub, CKA_PARAMETER_SET, CKP_ML_KEM_512);
    sample_bool(&of_pub, CKA_TOKEN, true);
    sample_start(&of_priv);
    sample_bool(&of_priv, CKA_TOKEN, true);
    pair.mechanism = &make;
    pair.public_template = &of_pub.message;
    pair.private_template = &of_priv.message;
    reply = record_ask(HSM__REQUEST__OF_GENERATE_PAIR, &pair);
    e.mechanism = d.mechanism = &kem;
    e.template_ = d.template_ = given(for_all_uses(&t, CKK_GENERIC_SECRET, 32));
    d.key = on_heap(ref(1));
    e.public_key = on_heap(ref(1));
    d.ciphertext = record_text("no ciphertext at all");
    if (reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS) {
        e.public_key->id = reply->objects->objects[0]->id;
        d.key->id = reply->objects->objects[1]->id;
    }
    second = record_ask(HSM__REQUEST__OF_ENCAPSULATE, &e);
    if (second != NULL && second->of_case == HSM__REPLY__OF_OBJECTS)
        d.ciphertext = second->objects->beside;
    record_ask_quietly(HSM__REQUEST__OF_DECAPSULATE, &d);
    rpc_reply_free(second);
    rpc_reply_free(reply);
}

/* A small key, so that its import costs the fuzzer little. */
static uint64_t import_rsa(bool asks_always)
{
    Hsm__Create create = HSM__CREATE__INIT;
    EVP_PKEY *key = EVP_RSA_gen(1024);
    struct sample_template t;
    uint64_t id;

    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_SIGN, true);
    sample_bool(&t, CKA_SIGN_RECOVER, true);
    sample_bool(&t, CKA_DECRYPT, true);
    sample_bool(&t, CKA_ALWAYS_AUTHENTICATE, asks_always);
    create.template_ = &t.message;
    id = id_of(record_ask(HSM__REQUEST__OF_CREATE, &create));
    EVP_PKEY_free(key);
    return id;
}

static void sign_to_recover(uint64_t id)
{
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Mechanism m = mechanism_of(CKM_RSA_PKCS);

    s.key = on_heap(ref(id));
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
    Hsm__Mechanism m = mechanism_of(CKM_RSA_PKCS), raw = mechanism_of(CKM_RSA_X_509);
    static const char block[128] = {0, 1};

    s.key = d.key = on_heap(ref(id));
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

static void use_one_time(void)
{
    Hsm__OneTime o = HSM__ONE_TIME__INIT;
    Hsm__Generate g = HSM__GENERATE__INIT;
    Hsm__Mechanism m = mechanism_of(CKM_HOTP), made_by = mechanism_of(CKM_HOTP_KEY_GEN);
    Hsm__OtpParams given = HSM__OTP_PARAMS__INIT;
    static uint8_t counter[OTP_COUNTER_BYTES];
    struct sample_template t;

    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    sample_ulong(&t, CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_OPTIONAL);
    g.mechanism = &made_by;
    g.template_ = &t.message;
    o.key = on_heap(ref(id_of(record_ask(HSM__REQUEST__OF_GENERATE, &g))));
    o.mechanism = &m;
    m.otp = &given;
    record_ask_quietly(HSM__REQUEST__OF_ONE_TIME, &o);
    o.verify = true;
    o.password = record_text("123456");
    record_ask_quietly(HSM__REQUEST__OF_ONE_TIME, &o);
    o.verify = false;
    given.counter = (ProtobufCBinaryData){.data = counter, .len = sizeof counter};
    record_ask_quietly(HSM__REQUEST__OF_ONE_TIME, &o);
}

static void pair_of_dsa(const struct sample_template *key, size_t base)
{
    Hsm__GeneratePair pair = HSM__GENERATE_PAIR__INIT;
    Hsm__Mechanism make = mechanism_of(CKM_DSA_KEY_PAIR_GEN);
    struct sample_template of_pub, of_priv;

    sample_start(&of_pub);
    for (size_t i = 0; i < key->message.n_attributes; i++) {
        const Hsm__Attribute *a = key->message.attributes[i];
        if (a->type == CKA_PRIME || a->type == CKA_SUBPRIME || a->type == CKA_BASE)
            sample_bytes(&of_pub, a->type, a->value.data, a->type == CKA_BASE ? base : a->value.len);
    }
    sample_start(&of_priv);
    pair.mechanism = &make;
    pair.public_template = &of_pub.message;
    pair.private_template = &of_priv.message;
    record_ask_quietly(HSM__REQUEST__OF_GENERATE_PAIR, &pair);
}

/* A key created in a group, a pair made in it, and another with a base that has not its order. */
static void use_dsa(void)
{
    EVP_PKEY *key = sample_dsa();
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Mechanism m = mechanism_of(CKM_DSA_SHA256);
    struct sample_template t;

    sample_private(&t, key, true);
    pair_of_dsa(&t, 256);
    pair_of_dsa(&t, 255);
    sample_bool(&t, CKA_TOKEN, true);
    create.template_ = &t.message;
    s.key = on_heap(ref(id_of(record_ask(HSM__REQUEST__OF_CREATE, &create))));
    s.mechanism = &m;
    s.data = record_text("32 bytes, as long as any SHA-256");
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &s);
    EVP_PKEY_free(key);
}

static void set_policy(const char *name)
{
    Hsm__PolicySet set = HSM__POLICY_SET__INIT;

    set.policy = (char *)(uintptr_t)name;
    record_ask_quietly(HSM__REQUEST__OF_POLICY_SET, &set);
}

/* ---- the stories */

static void as_alice(void)
{
    record_begin();
    record_login("alice", "user-password", false);
}

void record_secret_keys(void)
{
    uint64_t aes, generic, other;

    as_alice();
    aes = generate(CKM_AES_KEY_GEN, CKK_AES);
    ciphers(aes);
    record_end("ciphers");
    as_alice();
    generic = generate(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET);
    wraps(aes, generic);
    record_end("wraps");
    as_alice();
    other = generate(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET);
    derivations(generic, other);
    record_end("derivations");
    as_alice();
    ike(generic, other);
    record_end("ike");
    as_alice();
    change(generic);
    record_end("changes");
}

void record_pairs(void)
{
    as_alice();
    encapsulate();
    record_end("kem");
    record_begin();
    record_login("admin", "admin-password", true);
    set_policy("compatible");
    set_policy("no such policy");
    record_end("policy");
    as_alice();
    sign_to_recover(import_rsa(false));
    record_end("recover");
    as_alice();
    use_with_password(import_rsa(true));
    record_end("authorized");
    as_alice();
    public_half(import_rsa(true));
    record_end("public_half");
    as_alice();
    use_one_time();
    record_end("one_time");
    as_alice();
    use_dsa();
    record_end("dsa");
}
