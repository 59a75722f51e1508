#include "tests/unit/recipe_key.h"

#include <openssl/evp.h>

#include <check.h>

#include "crypto/curve.h"
#include "proto/key_kind.h"
#include "proto/parameter_set.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/token_key.h"

static const CK_ATTRIBUTE_TYPE otp_uses[] = {CKA_SIGN, CKA_VERIFY, 0},
                               secret_uses[] = {CKA_SIGN, CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE, 0},
                               private_uses[] = {CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_DECAPSULATE, 0},
                               public_uses[] = {CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_ENCRYPT, CKA_WRAP, CKA_ENCAPSULATE, 0};

enum { MORE_MAX = 12 };

/* Only keys for encapsulation have those uses. */
static CK_ULONG uses_of(const CK_ATTRIBUTE_TYPE *types, CK_KEY_TYPE key_type, struct recipe_uses *uses, CK_ATTRIBUTE *out)
{
    CK_ULONG n = 0;

    for (; *types != 0; types++)
        if ((*types != CKA_ENCAPSULATE && *types != CKA_DECAPSULATE) || key_kind_find(key_type)->kind == KEY_KIND_KEM)
            out[n++] = (CK_ATTRIBUTE){*types, &uses->may, 1};
    if (uses->allowed != NULL)
        out[n++] = (CK_ATTRIBUTE){CKA_ALLOWED_MECHANISMS, (void *)(uintptr_t)uses->allowed, uses->allowed_n * sizeof *uses->allowed};
    return n;
}

bool recipe_key_type_at(size_t position, CK_KEY_TYPE *out)
{
    const struct key_kind *kind = key_kind_at(position);

    if (kind != NULL)
        *out = kind->type;
    return kind != NULL;
}

static void make_secret(CK_SESSION_HANDLE s, struct recipe_key *k, CK_ULONG bytes, struct recipe_uses *uses)
{
    const struct key_kind *kind = key_kind_find(k->type);
    bool otp = key_kind_is_otp(kind);
    CK_OBJECT_CLASS object_class = otp ? CKO_OTP_KEY : CKO_SECRET_KEY;
    CK_ULONG requirement = CK_OTP_PARAM_MANDATORY, n = 5; /* with its own counter it would be no session object */
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE t[6 + MORE_MAX] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &k->type, sizeof k->type},
                                    {CKA_VALUE, k->secret, 0}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &no, 1}};

    while (!key_kind_has_length(kind, bytes))
        bytes = bytes < RECIPE_KEY_BYTES_MAX ? bytes + 1 : 1;
    for (CK_ULONG i = 0; i < bytes; i++)
        k->secret[i] = (CK_BYTE)(i + 1);
    k->secret_n = t[2].ulValueLen = bytes;
    if (otp)
        t[n++] = (CK_ATTRIBUTE){CKA_OTP_COUNTER_REQUIREMENT, &requirement, sizeof requirement};
    n += uses_of(otp ? otp_uses : secret_uses, k->type, uses, t + n);
    ck_ok(f->C_CreateObject(s, t, n, &k->handles.private_key));
    k->handles.public_key = k->handles.private_key;
}

static EVP_PKEY *pair_of(CK_KEY_TYPE type)
{
    if (type == CKK_RSA)
        return sample_rsa();
    if (type == CKK_DSA)
        return sample_dsa();
    if (type == CKK_DH)
        return sample_dh("ffdhe2048");
    for (size_t i = 0; curve_at(i) != NULL; i++)
        if (curve_at(i)->key_type == type && (type != CKK_EC || curve_at(i)->bits == 256))
            return sample_on_curve(curve_at(i));
    return NULL;
}

static void make_pair(CK_SESSION_HANDLE s, struct recipe_key *k, struct recipe_uses *uses)
{
    static struct sample_template t;
    CK_ATTRIBUTE more[MORE_MAX];

    sample_private(&t, k->openssl, true);
    k->handles.private_key = token_key_create(s, &t, more, uses_of(private_uses, k->type, uses, more));
    sample_public(&t, k->openssl);
    k->handles.public_key = token_key_create(s, &t, more, uses_of(public_uses, k->type, uses, more));
}

/* The first parameter set of the type that is here and signs fast. */
static void generate_pair(CK_SESSION_HANDLE s, struct recipe_key *k, struct recipe_uses *uses)
{
    CK_MECHANISM m = {k->type == CKK_ML_KEM   ? CKM_ML_KEM_KEY_PAIR_GEN
                      : k->type == CKK_ML_DSA ? CKM_ML_DSA_KEY_PAIR_GEN
                                              : CKM_SLH_DSA_KEY_PAIR_GEN,
                      NULL, 0};
    CK_ULONG set = k->type == CKK_ML_KEM ? CKP_ML_KEM_768 : k->type == CKK_ML_DSA ? CKP_ML_DSA_44 : CKP_SLH_DSA_SHA2_128F;
    CK_ATTRIBUTE public_half[1 + MORE_MAX] = {{CKA_PARAMETER_SET, &set, sizeof set}}, private_half[MORE_MAX];

    ck_ok(f->C_GenerateKeyPair(s, &m, public_half, 1 + uses_of(public_uses, k->type, uses, public_half + 1), private_half,
                               uses_of(private_uses, k->type, uses, private_half), &k->handles.public_key, &k->handles.private_key));
    k->openssl = token_key_public(s, k->handles.public_key);
}

struct recipe_key recipe_key_make(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ULONG bytes, struct recipe_uses uses)
{
    struct recipe_key k = {.type = type};

    if (key_kind_is_value(key_kind_find(type))) {
        make_secret(s, &k, bytes, &uses);
    } else if (parameter_set_makes(type)) {
        generate_pair(s, &k, &uses);
    } else {
        ck_assert_msg((k.openssl = pair_of(type)) != NULL, "no recipe for keys of type 0x%lx", type);
        make_pair(s, &k, &uses);
    }
    return k;
}

void recipe_key_clear(struct recipe_key *k)
{
    EVP_PKEY_free(k->openssl);
    k->openssl = NULL;
}

CK_ULONG recipe_asked(const struct mechanism *row, CK_ATTRIBUTE asked[RECIPE_ASKED_MAX])
{
    static CK_ULONG bits = 2048, number;

    if (row->key_type == CKK_RSA) {
        asked[0] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
        return 1;
    }
    if (row->key_type == CKK_DSA)
        return sample_group_parts(asked);
    if (row->key_type == CKK_DH)
        return sample_dh_parts("ffdhe2048", asked);
    for (size_t i = 0; curve_at(i) != NULL; i++)
        if (curve_at(i)->key_type == row->key_type) {
            asked[0] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)curve_at(i)->params, curve_at(i)->params_bytes};
            return 1;
        }
    for (size_t i = 0; parameter_set_at(i) != NULL; i++)
        if (parameter_set_at(i)->key_type == row->key_type && parameter_set_is_here(parameter_set_at(i))) {
            number = parameter_set_at(i)->number;
            asked[0] = (CK_ATTRIBUTE){CKA_PARAMETER_SET, &number, sizeof number};
            return 1;
        }
    ck_abort_msg("%s: no recipe says what pair is asked for", row->name);
}
