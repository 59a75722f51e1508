#include "vault/operation/generate_domain.h"

#include <openssl/evp.h>

#include "crypto/field.h"
#include "vault/object/permitted.h"
#include "vault/provider/field_domain.h"

struct sizes {
    size_t prime, subprime;
};

static void release_domain(void *domain)
{
    EVP_PKEY_free(domain);
}

/* PKCS#11 v3.1 sections 6.2 and 6.4 ask for CKA_PRIME_BITS; what length of a subprime goes with it may be left to us. */
static enum err read_sizes(CK_KEY_TYPE type, const struct object *o, struct sizes *sizes, struct diag *why)
{
    bool subprime = field_has_parameter(type, CKA_SUBPRIME);

    if (!object_has(o, CKA_PRIME_BITS)) {
        diag_set(why, "CKA_PRIME_BITS is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    if (!subprime && object_has(o, CKA_SUB_PRIME_BITS)) {
        diag_set(why, "domain parameters of this CKA_KEY_TYPE have no CKA_SUB_PRIME_BITS");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    sizes->prime = object_ulong(o, CKA_PRIME_BITS, 0);
    sizes->subprime = subprime ? object_ulong(o, CKA_SUB_PRIME_BITS, field_subprime_bits(sizes->prime)) : 0;
    if (field_domain_is_there(type, sizes->prime, sizes->subprime))
        return ERR_OK;
    diag_set(why, "%s", field_domain_sizes_text(type));
    return ERR_ATTRIBUTE_VALUE;
}

static enum err make(struct work *w, const struct mechanism *m, struct sizes sizes, EVP_PKEY **out)
{
    enum err e = m->dear ? work_lengthy(w) : ERR_OK;

    return e == ERR_OK ? field_domain_generate(work_vault(w)->libctx, m->key_type, sizes.prime, sizes.subprime, out) : e;
}

static enum err put_parts(const EVP_PKEY *domain, CK_KEY_TYPE type, struct object *o)
{
    static const CK_ATTRIBUTE_TYPE parts[] = {CKA_PRIME, CKA_SUBPRIME, CKA_BASE};
    struct secret number = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof parts / sizeof parts[0]; i++)
        if (field_has_parameter(type, parts[i]) && (e = field_domain_part(domain, parts[i], &number)) == ERR_OK)
            e = object_put(o, parts[i], number.bytes, number.len);
    secret_clear(&number);
    return e;
}

enum err generate_domain(struct work *w, const struct mechanism *m, struct object *o, struct diag *why)
{
    EVP_PKEY *domain = work_kept(w);
    struct sizes sizes;
    enum err e = read_sizes(m->key_type, o, &sizes, why);

    if (e == ERR_OK)
        e = permitted_size(w, m, sizes.prime);
    if (e == ERR_OK && domain == NULL && (e = make(w, m, sizes, &domain)) == ERR_OK)
        work_keep(w, domain, release_domain);
    return e == ERR_OK ? put_parts(domain, m->key_type, o) : e;
}
