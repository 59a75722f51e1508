/* Stories of secret keys for the corpus of fuzz_vault_call: ciphers, MACs, wraps, derivations, changes, one-time passwords. */
#include "tests/fuzz/record.h"

#include "module/rpc/rpc.h"
#include "proto/limits.h"

/* ---- what all stories of keys have */

void record_as_alice(void)
{
    record_begin();
    record_login("alice", "user-password", false);
}

Hsm__Mechanism record_mechanism(CK_MECHANISM_TYPE type)
{
    Hsm__Mechanism m = HSM__MECHANISM__INIT;

    m.type = type;
    return m;
}

Hsm__KeyRef *record_key(uint64_t id)
{
    static Hsm__KeyRef kept[8];
    static unsigned next;
    Hsm__KeyRef *key = &kept[next++ % 8];

    hsm__key_ref__init(key);
    key->id = id;
    return key;
}

uint64_t record_id(Hsm__Reply *reply)
{
    bool has = reply != NULL && reply->of_case == HSM__REPLY__OF_OBJECTS && reply->objects->n_objects > 0;
    uint64_t id = has ? reply->objects->objects[reply->objects->n_objects - 1]->id : 0;

    rpc_reply_free(reply);
    return id;
}

Hsm__Template *record_uses(struct sample_template *t, CK_KEY_TYPE type, CK_ULONG bytes)
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

uint64_t record_create(struct sample_template *t)
{
    Hsm__Create create = HSM__CREATE__INIT;

    create.template_ = &t->message;
    return record_id(record_ask(HSM__REQUEST__OF_CREATE, &create));
}

void record_derive(uint64_t base, uint64_t other, Hsm__Mechanism *m, CK_ULONG bytes)
{
    Hsm__Derive d = HSM__DERIVE__INIT;
    Hsm__KeyRef *others[] = {other != 0 ? record_key(other) : NULL};
    struct sample_template t;

    d.key = record_key(base);
    d.others = others;
    d.n_others = other != 0;
    d.mechanism = m;
    d.template_ = record_uses(&t, CKK_GENERIC_SECRET, bytes);
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
}

void record_wrap(Hsm__KeyRef *with, uint64_t back, uint64_t target, Hsm__Mechanism *m)
{
    Hsm__Wrap w = HSM__WRAP__INIT;
    Hsm__Unwrap u = HSM__UNWRAP__INIT;
    struct sample_template t;
    Hsm__Reply *reply;

    w.wrapping_key = with;
    u.unwrapping_key = record_key(back);
    w.key = record_key(target);
    w.mechanism = u.mechanism = m;
    reply = record_ask(HSM__REQUEST__OF_WRAP, &w);
    u.wrapped = reply != NULL && reply->of_case == HSM__REPLY__OF_CIPHER ? reply->cipher->value : record_text("no wrapped key at all");
    u.template_ = record_uses(&t, CKK_GENERIC_SECRET, 0);
    record_ask_quietly(HSM__REQUEST__OF_UNWRAP, &u);
    rpc_reply_free(reply);
}

void record_sign(uint64_t id, Hsm__Mechanism *m, const char *data)
{
    Hsm__Sign s = HSM__SIGN__INIT;

    s.key = record_key(id);
    s.mechanism = m;
    s.data = record_text(data);
    record_ask_quietly(HSM__REQUEST__OF_SIGN, &s);
}

static uint64_t generate_by(Hsm__Mechanism *m, CK_KEY_TYPE key_type, CK_ULONG bytes)
{
    Hsm__Generate g = HSM__GENERATE__INIT;
    struct sample_template t;

    g.mechanism = m;
    g.template_ = record_uses(&t, key_type, bytes);
    return record_id(record_ask(HSM__REQUEST__OF_GENERATE, &g));
}

static uint64_t generate(CK_MECHANISM_TYPE type, CK_KEY_TYPE key_type)
{
    Hsm__Mechanism m = record_mechanism(type);

    return generate_by(&m, key_type, key_type == CKK_CHACHA20 ? 0 : 32);
}

/* ---- made, used, wrapped, derived, changed */

static void cipher(uint64_t id, Hsm__Mechanism *m, bool more)
{
    Hsm__Encrypt e = HSM__ENCRYPT__INIT;
    Hsm__Decrypt d = HSM__DECRYPT__INIT;
    Hsm__Reply *reply;

    e.key = d.key = record_key(id);
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
    Hsm__Mechanism cbc = record_mechanism(CKM_AES_CBC_PAD), ctr = record_mechanism(CKM_AES_CTR), gcm = record_mechanism(CKM_AES_GCM),
                   kwp = record_mechanism(CKM_AES_KEY_WRAP_KWP), cts = record_mechanism(CKM_AES_CTS),
                   cfb1 = record_mechanism(CKM_AES_CFB1);

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

/* Messages whose nonce the vault makes, and announced lengths. */
static void messages(uint64_t aes, uint64_t chacha)
{
    Hsm__AeadParams aead = HSM__AEAD_PARAMS__INIT;
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    Hsm__Mechanism gcm = record_mechanism(CKM_AES_GCM), ccm = record_mechanism(CKM_AES_CCM), poly = record_mechanism(CKM_CHACHA20_POLY1305),
                   stream = record_mechanism(CKM_CHACHA20), first = record_mechanism(CKM_CLOUDHSM_AES_GCM);

    gcm.aead = ccm.aead = poly.aead = first.aead = &aead;
    aead.iv = record_text("a nonce here");
    aead.aad = record_text("beside");
    aead.tag_bytes = 16;
    cipher(chacha, &poly, false);
    aead.generator = CKG_GENERATE_RANDOM;
    cipher(aes, &gcm, false);
    aead.generator = CKG_NO_GENERATE;
    aead.data_bytes = 32;
    cipher(aes, &ccm, false);
    aead = (Hsm__AeadParams)HSM__AEAD_PARAMS__INIT;
    aead.tag_bytes = 16;
    cipher(aes, &first, false);
    iv.iv = record_text("a vector of 16 b");
    iv.counter_bits = 32;
    stream.iv = &iv;
    cipher(chacha, &stream, true);
}

/* Made, and held against what was made and against something else. */
static void mac(uint64_t id, Hsm__Mechanism *m)
{
    Hsm__Sign s = HSM__SIGN__INIT;
    Hsm__Verify v = HSM__VERIFY__INIT;
    Hsm__Reply *reply;

    s.key = v.key = record_key(id);
    s.mechanism = v.mechanism = m;
    s.data = v.data = record_text("32 bytes, as long as any SHA-256");
    reply = record_ask(HSM__REQUEST__OF_SIGN, &s);
    v.signature = reply != NULL && reply->of_case == HSM__REPLY__OF_BYTES ? reply->bytes->value : s.data;
    record_ask_quietly(HSM__REQUEST__OF_VERIFY, &v);
    v.signature = record_text("no MAC");
    record_ask_quietly(HSM__REQUEST__OF_VERIFY, &v);
    rpc_reply_free(reply);
}

static void macs(uint64_t aes, uint64_t generic)
{
    static const CK_MECHANISM_TYPE of_aes[] = {CKM_AES_CMAC, CKM_AES_GMAC, CKM_AES_CMAC_GENERAL},
                                   of_generic[] = {CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKM_TLS_MAC};
    Hsm__GeneralParams general = HSM__GENERAL_PARAMS__INIT;
    Hsm__AeadParams aead = HSM__AEAD_PARAMS__INIT;
    Hsm__Tls12Params tls = HSM__TLS12_PARAMS__INIT;

    general.bytes = 8;
    aead.iv = record_text("a nonce here");
    aead.tag_bytes = 16;
    tls.hash = CKM_SHA256;
    tls.mac_bits = 96;
    for (size_t i = 0; i < sizeof of_aes / sizeof of_aes[0]; i++) {
        Hsm__Mechanism m = record_mechanism(of_aes[i]);
        m.aead = m.type == CKM_AES_GMAC ? &aead : NULL;
        m.general = m.type == CKM_AES_CMAC_GENERAL ? &general : NULL;
        mac(aes, &m);
    }
    for (size_t i = 0; i < sizeof of_generic / sizeof of_generic[0]; i++) {
        Hsm__Mechanism m = record_mechanism(of_generic[i]);
        m.general = m.type == CKM_SHA256_HMAC_GENERAL ? &general : NULL;
        m.tls12 = m.type == CKM_TLS_MAC ? &tls : NULL;
        mac(generic, &m);
    }
}

static void wraps(uint64_t aes, uint64_t target)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PKCS7};
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;

    for (size_t i = 0; i < 2; i++) {
        Hsm__Mechanism m = record_mechanism(types[i]);
        m.iv = i == 0 ? &iv : NULL;
        record_wrap(record_key(aes), aes, target, &m);
    }
}

static void derivations(uint64_t base, uint64_t other)
{
    Hsm__HkdfParams hkdf = HSM__HKDF_PARAMS__INIT;
    Hsm__KbkdfParams kbkdf = HSM__KBKDF_PARAMS__INIT;
    Hsm__KbkdfField counter = HSM__KBKDF_FIELD__INIT, label = HSM__KBKDF_FIELD__INIT, *fields[] = {&counter, &label};
    Hsm__DataParams data = HSM__DATA_PARAMS__INIT;
    Hsm__Tls12Params tls = HSM__TLS12_PARAMS__INIT;
    Hsm__Mechanism of_hkdf = record_mechanism(CKM_HKDF_DERIVE), of_kbkdf = record_mechanism(CKM_SP800_108_COUNTER_KDF),
                   of_data = record_mechanism(CKM_CONCATENATE_BASE_AND_DATA), of_key = record_mechanism(CKM_CONCATENATE_BASE_AND_KEY),
                   of_tls = record_mechanism(CKM_TLS12_KDF), of_hash = record_mechanism(CKM_SHA256_KEY_DERIVATION);

    hkdf.extract = hkdf.expand = true;
    hkdf.hash = CKM_SHA256;
    hkdf.salt_type = CKF_HKDF_SALT_DATA;
    hkdf.salt = record_text("salt");
    hkdf.info = record_text("info");
    of_hkdf.hkdf = &hkdf;
    record_derive(base, 0, &of_hkdf, 32);
    hkdf.salt_type = CKF_HKDF_SALT_KEY;
    hkdf.salt.len = 0;
    record_derive(base, other, &of_hkdf, 32);
    counter.type = CK_SP800_108_ITERATION_VARIABLE;
    counter.bits = 32;
    label.type = CK_SP800_108_BYTE_ARRAY;
    label.value = record_text("label");
    kbkdf.prf = CKM_SHA256_HMAC;
    kbkdf.fields = fields;
    kbkdf.n_fields = 2;
    of_kbkdf.kbkdf = &kbkdf;
    record_derive(base, 0, &of_kbkdf, 32);
    data.data = record_text("data");
    of_data.data = &data;
    record_derive(base, 0, &of_data, 0);
    record_derive(base, other, &of_key, 0);
    tls.hash = CKM_SHA256;
    tls.client_random = tls.server_random = record_text("32 bytes, as long as any SHA-256");
    tls.label = record_text("label");
    of_tls.tls12 = &tls;
    record_derive(base, 0, &of_tls, 32);
    record_derive(base, 0, &of_hash, 0);
}

static void ike(uint64_t base, uint64_t other)
{
    static const CK_MECHANISM_TYPE prfs[] = {CKM_SHA256_HMAC, CKM_AES_CMAC, CKM_AES_XCBC_MAC};
    Hsm__IkeParams i = HSM__IKE_PARAMS__INIT;
    Hsm__Mechanism prf = record_mechanism(CKM_IKE_PRF_DERIVE), prf1 = record_mechanism(CKM_IKE1_PRF_DERIVE),
                   extended = record_mechanism(CKM_IKE1_EXTENDED_DERIVE), plus = record_mechanism(CKM_IKE2_PRF_PLUS_DERIVE);

    prf.ike = prf1.ike = extended.ike = plus.ike = &i;
    for (size_t k = 0; k < sizeof prfs / sizeof prfs[0]; k++) {
        i = (Hsm__IkeParams)HSM__IKE_PARAMS__INIT;
        i.prf = prfs[k];
        record_derive(base, 0, &extended, 16); /* the front of the key */
        i.first = record_text("data");
        record_derive(base, other, &extended, 48);
        record_derive(base, other, &plus, 48);
        i.second = record_text("more data");
        record_derive(base, other, &prf, 0);
        record_derive(base, other, &prf1, 0);
        i.data_as_key = true;
        record_derive(base, 0, &prf, 0);
    }
}

/* Every letter, one of each side of them, and an exchange hash that is too short. */
static void ssh(uint64_t base)
{
    static const char text[] = "thirty-two bytes of a hash, or so";
    Hsm__SshkdfParams p = HSM__SSHKDF_PARAMS__INIT;
    Hsm__Mechanism m = record_mechanism(KRM_SSHKDF_DERIVE);

    m.sshkdf = &p;
    p.hash = CKM_SHA256;
    p.exchange_hash = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)text, .len = 32};
    p.session_id = p.exchange_hash;
    for (p.letter = 'A' - 1; p.letter <= 'G'; p.letter++)
        record_derive(base, 0, &m, p.letter == 'D' ? 80 : 16);
    p.letter = 'C';
    p.exchange_hash.len--;
    record_derive(base, 0, &m, 16);
}

/* Several keys at once, fed back, twice through; a key in the midst of it. */
static void kbkdf_modes(uint64_t base, uint64_t other)
{
    Hsm__KbkdfParams kbkdf = HSM__KBKDF_PARAMS__INIT;
    Hsm__KbkdfField counter = HSM__KBKDF_FIELD__INIT, key = HSM__KBKDF_FIELD__INIT, length = HSM__KBKDF_FIELD__INIT,
                    *fields[] = {&counter, &key, &length};
    Hsm__Mechanism feedback = record_mechanism(CKM_SP800_108_FEEDBACK_KDF), twice = record_mechanism(CKM_SP800_108_DOUBLE_PIPELINE_KDF);
    Hsm__Derive d = HSM__DERIVE__INIT;
    Hsm__KeyRef *others[] = {record_key(other)};
    struct sample_template t, more;
    Hsm__Template *additional[] = {record_uses(&more, CKK_AES, 16)};

    counter.type = CK_SP800_108_ITERATION_VARIABLE;
    key.type = CK_SP800_108_KEY_HANDLE;
    length.type = CK_SP800_108_DKM_LENGTH;
    length.method = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    length.bits = 32;
    kbkdf.prf = CKM_SHA256_HMAC;
    kbkdf.fields = fields;
    kbkdf.n_fields = 3;
    kbkdf.iv = record_text("a vector of 16 b");
    feedback.kbkdf = twice.kbkdf = &kbkdf;
    d.key = record_key(base);
    d.others = others;
    d.n_others = 1;
    d.mechanism = &feedback;
    d.template_ = record_uses(&t, CKK_GENERIC_SECRET, 32);
    d.additional = additional;
    d.n_additional = 1;
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
    kbkdf.iv.len = 0;
    d.mechanism = &twice;
    record_ask_quietly(HSM__REQUEST__OF_DERIVE, &d);
}

/* A password's key; those that TLS makes of one; bits and blocks of one. */
static void other_derivations(uint64_t aes)
{
    Hsm__Pbkdf2Params pbkdf2 = HSM__PBKDF2_PARAMS__INIT;
    Hsm__Tls12Params tls = HSM__TLS12_PARAMS__INIT;
    Hsm__DataParams data = HSM__DATA_PARAMS__INIT;
    Hsm__Mechanism of_password = record_mechanism(CKM_PKCS5_PBKD2), master = record_mechanism(CKM_TLS12_MASTER_KEY_DERIVE_DH),
                   keys = record_mechanism(CKM_TLS12_KEY_AND_MAC_DERIVE), bits = record_mechanism(CKM_EXTRACT_KEY_FROM_KEY),
                   joined = record_mechanism(CKM_XOR_BASE_AND_DATA), blocks = record_mechanism(CKM_AES_CBC_ENCRYPT_DATA);
    uint64_t base;

    pbkdf2.prf = CKP_PKCS5_PBKD2_HMAC_SHA256;
    pbkdf2.salt = record_text("sixteen of salt.");
    pbkdf2.iterations = 1000;
    pbkdf2.password = record_text("a long enough password");
    of_password.pbkdf2 = &pbkdf2;
    base = generate_by(&of_password, CKK_GENERIC_SECRET, 48);
    tls.hash = CKM_SHA256;
    tls.client_random = tls.server_random = record_text("32 bytes, as long as any SHA-256");
    master.tls12 = keys.tls12 = &tls;
    record_derive(base, 0, &master, 48);
    tls.mac_bits = tls.iv_bits = 128;
    tls.key_bits = 256;
    record_derive(base, 0, &keys, 32);
    data.bit = 21;
    bits.data = &data;
    record_derive(base, 0, &bits, 40);
    data.data = record_text("48 bytes, as long as the base key of the others.");
    joined.data = blocks.data = &data;
    data.bit = 0;
    record_derive(base, 0, &joined, 0);
    data.iv = record_text("a vector of 16 b");
    record_derive(aes, 0, &blocks, 0);
}

static void change(uint64_t id)
{
    Hsm__Copy copy = HSM__COPY__INIT;
    Hsm__SetAttributes set = HSM__SET_ATTRIBUTES__INIT;
    Hsm__DigestKey digest = HSM__DIGEST_KEY__INIT;
    Hsm__DigestPart before = HSM__DIGEST_PART__INIT, key = HSM__DIGEST_PART__INIT, *list[] = {&before, &key};
    Hsm__Mechanism sha256 = record_mechanism(CKM_SHA256);
    struct sample_template t;

    sample_start(&t);
    sample_text(&t, CKA_LABEL, "another");
    sample_bool(&t, CKA_TOKEN, true);
    copy.object = set.object = record_key(id);
    copy.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_COPY, &copy);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "a new name");
    sample_bool(&t, CKA_DERIVE, false);
    set.template_ = &t.message;
    record_ask_quietly(HSM__REQUEST__OF_SET_ATTRIBUTES, &set);
    before.data = record_text("before");
    key.key = record_key(id);
    digest.mechanism = &sha256;
    digest.parts = list;
    digest.n_parts = 2;
    record_ask_quietly(HSM__REQUEST__OF_DIGEST_KEY, &digest);
}

static void use_one_time(void)
{
    Hsm__OneTime o = HSM__ONE_TIME__INIT;
    Hsm__Generate g = HSM__GENERATE__INIT;
    Hsm__Mechanism m = record_mechanism(CKM_HOTP), made_by = record_mechanism(CKM_HOTP_KEY_GEN);
    Hsm__OtpParams given = HSM__OTP_PARAMS__INIT;
    static uint8_t counter[OTP_COUNTER_BYTES];
    struct sample_template t;

    sample_start(&t);
    sample_bool(&t, CKA_TOKEN, true);
    sample_ulong(&t, CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_OPTIONAL);
    g.mechanism = &made_by;
    g.template_ = &t.message;
    o.key = record_key(record_id(record_ask(HSM__REQUEST__OF_GENERATE, &g)));
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

/* A key that says what it wraps, unwraps and makes, and by what. */
static void use_templates(uint64_t target)
{
    /* CKA_EXTRACTABLE, one byte, true */
    static const uint8_t inner[] = {0, 0, 0, 0, 0, 0, 1, 0x62, 0, 0, 0, 1, 1};
    static const uint8_t allowed[] = {0, 0, 0, 0, 0, 0, 0x21, 9, 0, 0, 0, 0, 0, 0, 0x11, 5}; /* CKM_AES_KEY_WRAP, _CBC_ENCRYPT_DATA */
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE};
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    Hsm__DataParams data = HSM__DATA_PARAMS__INIT;
    Hsm__Mechanism wrap = record_mechanism(CKM_AES_KEY_WRAP), blocks = record_mechanism(CKM_AES_CBC_ENCRYPT_DATA),
                   other = record_mechanism(CKM_AES_KEY_WRAP_PKCS7);
    struct sample_template t;
    uint64_t key;

    record_uses(&t, CKK_AES, 0);
    sample_bytes(&t, CKA_VALUE, "32 bytes, as long as any SHA-256", 32);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        sample_bytes(&t, types[i], inner, sizeof inner);
    sample_bytes(&t, CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed);
    key = record_create(&t);
    wrap.iv = &iv;
    record_wrap(record_key(key), key, target, &wrap);
    record_wrap(record_key(key), key, target, &other);
    data.data = record_text("32 bytes, as long as any SHA-256");
    data.iv = record_text("a vector of 16 b");
    blocks.data = &data;
    record_derive(key, 0, &blocks, 0);
}

/* What only the compatible policy has. */
static void use_old_ciphers(uint64_t des3, uint64_t aes)
{
    Hsm__IvParams iv = HSM__IV_PARAMS__INIT;
    Hsm__Mechanism cbc = record_mechanism(CKM_DES3_CBC_PAD), ecb = record_mechanism(CKM_DES3_ECB), sums = record_mechanism(CKM_AES_MAC);

    iv.iv = record_text("8 bytes.");
    cbc.iv = &iv;
    cipher(des3, &cbc, false);
    cipher(des3, &ecb, true);
    mac(aes, &sums);
}

/* ---- the stories */

void record_secret_keys(void)
{
    uint64_t aes, generic, other;

    record_as_alice();
    aes = generate(CKM_AES_KEY_GEN, CKK_AES);
    ciphers(aes);
    record_end("ciphers");
    record_as_alice();
    messages(aes, generate(CKM_CHACHA20_KEY_GEN, CKK_CHACHA20));
    record_end("messages");
    record_as_alice();
    generic = generate(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET);
    wraps(aes, generic);
    record_end("wraps");
    record_as_alice();
    macs(aes, generic);
    record_end("macs");
    record_as_alice();
    other = generate(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET);
    derivations(generic, other);
    record_end("derivations");
    record_as_alice();
    ike(generic, other);
    record_end("ike");
    record_as_alice();
    ssh(generic);
    record_end("ssh");
    record_as_alice();
    kbkdf_modes(aes, generic);
    record_end("several");
    record_as_alice();
    other_derivations(aes);
    record_end("passwords_and_tls");
    record_as_alice();
    use_templates(generic);
    record_end("templates");
    record_as_alice();
    use_one_time();
    record_end("one_time");
    record_as_alice();
    change(generic);
    record_end("changes");
}

void record_old_keys(void)
{
    Hsm__Mechanism des3 = record_mechanism(CKM_DES3_KEY_GEN);

    record_as_alice();
    use_old_ciphers(generate_by(&des3, CKK_DES3, 0), generate(CKM_AES_KEY_GEN, CKK_AES));
    record_end("old_ciphers");
}
