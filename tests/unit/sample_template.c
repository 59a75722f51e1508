#include "tests/unit/sample_template.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "crypto/field.h"
#include "crypto/public_key.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"

static struct block {
    struct block *next;
    max_align_t bytes[];
} *blocks;

static size_t takings = SIZE_MAX;

static void *take(void *arg, size_t n)
{
    struct block *b;

    (void)arg;
    if (takings == 0)
        return NULL;
    if (takings != SIZE_MAX)
        takings--;
    ck_assert_ptr_nonnull(b = calloc(1, sizeof *b + n));
    b->next = blocks;
    blocks = b;
    return b->bytes;
}

struct object_memory sample_memory(void)
{
    return (struct object_memory){.take = take};
}

void sample_memory_free(void)
{
    while (blocks != NULL) {
        struct block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
}

void sample_memory_fail(size_t after)
{
    takings = after;
}

void sample_start(struct sample_template *t)
{
    hsm__template__init(&t->message);
    t->message.attributes = t->list;
}

void sample_bytes(struct sample_template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    size_t i = t->message.n_attributes++;

    ck_assert_uint_lt(i, SAMPLE_ATTRIBUTES_MAX);
    hsm__attribute__init(&t->attributes[i]);
    t->attributes[i].type = type;
    if (n > 0 && n <= sizeof t->small[i])
        value = memcpy(t->small[i], value, n);
    t->attributes[i].value = (ProtobufCBinaryData){.data = (uint8_t *)value, .len = n};
    t->list[i] = &t->attributes[i];
}

void sample_text(struct sample_template *t, CK_ATTRIBUTE_TYPE type, const char *text)
{
    sample_bytes(t, type, text, strlen(text));
}

void sample_bool(struct sample_template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    uint8_t byte = value ? 1 : 0;

    sample_bytes(t, type, &byte, 1);
}

void sample_ulong(struct sample_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    sample_bytes(t, type, bytes, sizeof bytes);
}

static void number(struct sample_template *t, const EVP_PKEY *key, CK_ATTRIBUTE_TYPE type, const char *name, size_t pad)
{
    static uint8_t bytes[16][1024];
    static unsigned next;
    uint8_t *to = bytes[next++ % 16];
    BIGNUM *n = NULL;
    int len;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &n), 1);
    len = pad > 0 ? (int)pad : BN_num_bytes(n);
    ck_assert_int_eq(BN_bn2binpad(n, to, len), len);
    sample_bytes(t, type, to, (size_t)len);
    BN_free(n);
}

/* Made for this file and known to all; making another takes seconds under valgrind. */
static const char rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC08ZUn0YCh9z8M\n"
    "XtwaqI3eUjDMdauqoLFO7tPULli7SIDux0d65kgxlEZA0RoLApVg1OkE7DlUKZv5\n"
    "Hxcw0k9btO5m3k+MCF9xGWKXsoPG55MedoWHyKeycCNlchSmQiUfIsHj5nTs+9S2\n"
    "G5uVWN5Tm83jx8pvyD3hC+EnBf5nIhs+dF8db71dfpioxhRbXdtqNLZLpm9d3OZ4\n"
    "z4gCKVHxeXMuMrxPYcM1qS5fgbKJuH1uqR4o84kfGmazz0gHJvdEhEHtDpbEDSvU\n"
    "rAXe5L94qEndsPePhzxgaRQJWnS6FTAmS51owAi+Wc7+0W5vgXWhfanDPynw+9kr\n"
    "572tfkHjAgMBAAECggEAN9ko9HVRgqxRpXvR69iCkVBFB5Z6OdwHXhmRADid4pBq\n"
    "W0je4ywYtFTTqkXgB+3wNUcB9ScEOtns7mOOQN9o5yFdRBrx6oLbEomHSNMsoUPw\n"
    "wMJMTLC+MfEyu6kOfpKD6qxLtA/5nvvLl7nFt78KQDwivF96OC5SCxgjkmvjLelv\n"
    "Bca6HfgoaSjpqrWgHjz4DmQpYu0jcmORzJ6AkzQmFVKxdgAmox2k9MM7iB9WYu0H\n"
    "CuKoS5+2bpj8ywiDMfOj+JduX6uljuZNj6L/4mUNly7C4QOS6Q1FhvPv+IR9ufOs\n"
    "vHadnNtZzaMjkhmbH8wBoJKEq3XQllnbvIF8MY8fIQKBgQD1Z9yeKcXR5/jjZlHq\n"
    "YqYDOmr8go9IHyN37HgpzYlmOELOh/ajfqdNXqwVzRnAgpiCvSOgjxabOEOLhyKo\n"
    "+qVRzJE1EBMZW9jr23Hvf0PxlG0MgqKjYNXi3roJilDkXS9S/0CRj3t0KTVu5JA+\n"
    "eIhTcIcTX9XDE7QPvC7/mXkNHQKBgQC8wU8ceB12MyOQqfyOj5x6pMZWOMiBgvn5\n"
    "QKf+woLyvc9wPvGSa7tr1i0iJdWQGDE3fh4hCJM/OTXII9lx6aRZbhXkU10gOotD\n"
    "y9yXzHScVCd4fG+gg4jRlMz5BoyMLk6eh724BhuKzMPFiQCtpMXIrsJhKJtqqLPx\n"
    "C1Ir8SZa/wKBgClPSnv1XC9xdRwSZUenQ3rXoprO/3+MflP5omCnELH8VoKdsI7l\n"
    "CxSjEyS4WdVmJnYbkJu+ene2iOg730HCr4GNhgQAqLZkF6fcUNmX+r/31EN+2hHW\n"
    "gyqlg3uHpQZMCWNXRG88T/PF3BDGuOFLOOeS0aoZP8qOzoi3jNHJ6+6hAoGBAJ8d\n"
    "neDz6HIRnfN/OGW87j381S0t5Og4Tx0swfFiaxzRoSKQDPhPVMkM3TMiDavQmPyc\n"
    "li1mmyn6wjma7ty2BlNVF6NIGwLmFyvpmGVmdw6pajSJQVhgSV/TPg7W1Hf/OUsu\n"
    "RmHw1Brnjkjguu+mLQyFNVrN7mW1HSsfTf+444plAoGAczGoVHyGdtdl3IhLV+ey\n"
    "gtg3kB/b580n8NMpI8T5wvmfcB9pat8b3LitGyJId3fnmOLqBzK5wTGP6YrwIKMg\n"
    "Wo5pyc7SkNn3C2HhcgKkxRh6sPn3YzooBmcnj38PPTbh+r0tgRPONdSrifm7DTVu\n"
    "Sgt5x3tWvQHNqAAOJMzqKNE=\n"
    "-----END PRIVATE KEY-----\n";

/* The same, of 2048 and 224 bits. */
static const char dsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICXQIBADCCAjYGByqGSM44BAEwggIpAoIBAQCs36hLBcMulRk6gGI8fENaVkIY\n"
    "Xj9EZmbfnZUeiKAIpdfkmarnNOjvXHKUEw1FOztDOwosZLD3O9KQMrXDXK65U0ju\n"
    "MXq16cKTnI9grsvyo/02z+Y3DWym2rEIcftUENmGl5AEFZQP0HjAP1rBtEKNSrXC\n"
    "SISPZdiMUVVtTk9Nf10qC1dlhJo0g4G30eKX2VH3fEicTDwWDcAetZqMtfDKRKaO\n"
    "36BeXF0TK0r3zujsvxq+ngux43F0mFJekI9daqE8PFn+di31nSXU1gV98WVas6rj\n"
    "Vfe74P18oO6iwRXMUOw8EqM+4YJQWgswjFaJ00lYzyOACq2ofaNH99vi7bcxAh0A\n"
    "pNHLscLbJv/O3pxZtrvfGvaERtLTXITQ+T+bDQKCAQEAqbMo/FyOO6VzLraQf7Tk\n"
    "jb7LHLf9qkdYItmDpZw4R2Ds0qHzJ5kDeKbSEbwLRREVIAP97U5eEf/IQvHPbCHn\n"
    "UtlfrBnCCL4bXvOYkR/EoSB4UG7iXfZigOdDbAva27pwibdeJPfVhl9LLgxGLTn/\n"
    "XfZCz7KFglQvSrHQ7wHvtb5dreCu6p6oDbT0c4MzPJgSq2ZxSyVb97Sl8r5XwE5G\n"
    "/6hvJQKxlgQF8KBob+FasBN4V2SHlAyl0w/MFurLXvsXvF4gVIcx2WWExbF+zPFe\n"
    "pH82YtVSgIRsH1jsO57P8r8QMIgvQQuGPN/PFuTBWWx8+2yJbYns4qyRJB49s7/n\n"
    "uAQeAhw0tg+Lj3YvIeP4kTySsvYrT4fGvxxISN2b4RCQ\n"
    "-----END PRIVATE KEY-----\n";

static EVP_PKEY *from_pem(const char *text, size_t n)
{
    BIO *pem = BIO_new_mem_buf(text, (int)n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);

    BIO_free(pem);
    ck_assert_ptr_nonnull(key);
    return key;
}

EVP_PKEY *sample_rsa(void)
{
    return from_pem(rsa_pem, sizeof rsa_pem - 1);
}

EVP_PKEY *sample_dsa(void)
{
    return from_pem(dsa_pem, sizeof dsa_pem - 1);
}

EVP_PKEY *sample_dh(const char *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;

    ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_params(ctx, params), 1);
    ck_assert_int_eq(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

EVP_PKEY *sample_on_curve(const struct curve *c)
{
    EVP_PKEY *key = c->key_type == CKK_EC ? EVP_EC_gen(c->name) : EVP_PKEY_Q_keygen(NULL, NULL, c->name);

    ck_assert_msg(key != NULL, "%s", c->name);
    return key;
}

/* The string that the private key of an Edwards or Montgomery curve is. */
static void string(struct sample_template *t, const EVP_PKEY *key, const struct curve *c)
{
    static uint8_t bytes[CURVE_FIELD_BYTES_MAX];
    size_t n = sizeof bytes;

    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(key, bytes, &n), 1);
    ck_assert_uint_eq(n, c->field_bytes);
    sample_bytes(t, CKA_VALUE, bytes, n);
}

/* `value`: OpenSSL's name of what CKA_VALUE is. */
static void over_field(struct sample_template *t, const EVP_PKEY *key, const char *value)
{
    CK_KEY_TYPE type = field_type_of(key);

    sample_ulong(t, CKA_KEY_TYPE, type);
    number(t, key, CKA_PRIME, OSSL_PKEY_PARAM_FFC_P, 0);
    if (field_has_parameter(type, CKA_SUBPRIME))
        number(t, key, CKA_SUBPRIME, OSSL_PKEY_PARAM_FFC_Q, 0);
    number(t, key, CKA_BASE, OSSL_PKEY_PARAM_FFC_G, 0);
    number(t, key, CKA_VALUE, value, 0);
}

void sample_private(struct sample_template *t, const EVP_PKEY *key, bool primes)
{
    const struct curve *c = public_key_curve_of(key);

    sample_start(t);
    sample_ulong(t, CKA_CLASS, CKO_PRIVATE_KEY);
    if (c != NULL) {
        sample_ulong(t, CKA_KEY_TYPE, c->key_type);
        sample_bytes(t, CKA_EC_PARAMS, c->params, c->params_bytes);
        if (c->key_type == CKK_EC)
            number(t, key, CKA_VALUE, OSSL_PKEY_PARAM_PRIV_KEY, c->field_bytes);
        else
            string(t, key, c);
        return;
    }
    if (field_type_of(key) != NO_KEY_TYPE) {
        over_field(t, key, OSSL_PKEY_PARAM_PRIV_KEY);
        return;
    }
    sample_ulong(t, CKA_KEY_TYPE, CKK_RSA);
    number(t, key, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, 0);
    number(t, key, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, 0);
    number(t, key, CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D, 0);
    if (primes) {
        number(t, key, CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1, 0);
        number(t, key, CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2, 0);
    }
}

size_t sample_point(const EVP_PKEY *key, uint8_t raw[CURVE_POINT_BYTES_MAX])
{
    size_t n = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw, CURVE_POINT_BYTES_MAX, &n), 1);
    return n;
}

size_t sample_public_value(const EVP_PKEY *key, uint8_t out[SAMPLE_DH_BYTES_MAX])
{
    size_t n = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out, SAMPLE_DH_BYTES_MAX, &n), 1);
    return n;
}

void sample_public(struct sample_template *t, const EVP_PKEY *key)
{
    static uint8_t point[CURVE_POINT_BYTES_MAX];
    const struct curve *c = public_key_curve_of(key);

    sample_start(t);
    sample_ulong(t, CKA_CLASS, CKO_PUBLIC_KEY);
    if (c != NULL) {
        sample_ulong(t, CKA_KEY_TYPE, c->key_type);
        sample_bytes(t, CKA_EC_PARAMS, c->params, c->params_bytes);
        sample_bytes(t, CKA_EC_POINT, point, sample_point(key, point));
        return;
    }
    if (field_type_of(key) != NO_KEY_TYPE) {
        over_field(t, key, OSSL_PKEY_PARAM_PUB_KEY);
        return;
    }
    sample_ulong(t, CKA_KEY_TYPE, CKK_RSA);
    number(t, key, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, 0);
    number(t, key, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, 0);
}
