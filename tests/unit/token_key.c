#include "tests/unit/token_key.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "proto/attribute.h"

enum { ATTRIBUTES_MAX = 32, VALUE_BYTES_MAX = 4096 };

CK_OBJECT_HANDLE token_key_create(CK_SESSION_HANDLE s, const struct sample_template *t, const CK_ATTRIBUTE *more, CK_ULONG n)
{
    static CK_BYTE values[ATTRIBUTES_MAX][VALUE_BYTES_MAX];
    CK_ATTRIBUTE array[ATTRIBUTES_MAX];
    CK_OBJECT_HANDLE made = 0;
    CK_ULONG all = 0;

    for (size_t i = 0; i < t->message.n_attributes; i++) {
        const Hsm__Attribute *a = t->message.attributes[i];
        bool ok;
        array[all].type = a->type;
        array[all].pValue = values[all];
        array[all].ulValueLen =
            attribute_to_host(attribute_find(a->type), a->value.data, a->value.len, values[all], VALUE_BYTES_MAX, &ok);
        ck_assert(ok);
        all++;
    }
    for (CK_ULONG i = 0; i < n; i++)
        array[all++] = more[i];
    ck_ok(f->C_CreateObject(s, array, all, &made));
    return made;
}

struct token_pair token_key_import(CK_SESSION_HANDLE s, const EVP_PKEY *key)
{
    static struct sample_template t;
    struct token_pair pair;

    sample_private(&t, key, true);
    pair.private_key = token_key_create(s, &t, NULL, 0);
    sample_public(&t, key);
    pair.public_key = token_key_create(s, &t, NULL, 0);
    return pair;
}

EVP_PKEY *token_key_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object)
{
    CK_BYTE info[VALUE_BYTES_MAX];
    CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, info, sizeof info};
    const uint8_t *at = info;
    EVP_PKEY *key;

    ck_ok(f->C_GetAttributeValue(s, object, &a, 1));
    ck_assert_ptr_nonnull(key = d2i_PUBKEY(NULL, &at, (long)a.ulValueLen));
    return key;
}

EVP_PKEY *token_key_rsa_8192(void)
{
    const char *source = getenv("top_srcdir");
    EVP_PKEY *key;
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/vectors/rsa_8192.pem", source != NULL ? source : ".");
    ck_assert_msg((file = fopen(path, "r")) != NULL, "%s cannot be read", path);
    ck_assert_ptr_nonnull(key = PEM_read_PrivateKey(file, NULL, NULL, NULL));
    fclose(file);
    return key;
}
