#include "module/state/additional_keys.h"

#include <string.h>

#include "module/state/keys.h"

struct list {
    const CK_DERIVED_KEY *keys;
    CK_ULONG n;
};

static struct list list_of(const struct mechanism_given *given, const CK_MECHANISM *mechanism)
{
    CK_SP800_108_KDF_PARAMS plain;
    CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;

    if (given->row->param == PARAM_KBKDF_FEEDBACK) {
        memcpy(&feedback, mechanism->pParameter, sizeof feedback);
        return (struct list){feedback.pAdditionalDerivedKeys, feedback.ulAdditionalDerivedKeys};
    }
    if (given->wire->kbkdf == NULL || mechanism->ulParameterLen != sizeof plain)
        return (struct list){NULL, 0};
    memcpy(&plain, mechanism->pParameter, sizeof plain);
    return (struct list){plain.pAdditionalDerivedKeys, plain.ulAdditionalDerivedKeys};
}

CK_RV additional_keys_take(const struct module *m, const struct session *session, const struct mechanism_given *given,
                           const CK_MECHANISM *mechanism, struct additional_keys *out, struct template *templates, size_t *taken)
{
    struct list list = list_of(given, mechanism);
    CK_RV rv = list.n < DERIVED_KEYS_MAX ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    CK_DERIVED_KEY key;

    *out = (struct additional_keys){.n = 0};
    *taken = 0;
    for (CK_ULONG i = 0; rv == CKR_OK && i < list.n; i++) {
        memcpy(&key, list.keys + i, sizeof key);
        if (key.phKey == NULL)
            return CKR_MECHANISM_PARAM_INVALID;
        out->handles[out->n++] = key.phKey;
    }
    for (CK_ULONG i = 0; rv == CKR_OK && i < list.n; i++) {
        memcpy(&key, list.keys + i, sizeof key);
        templates[i] = (struct template){.n = 0};
        *taken = i + 1;
        rv = keys_take_template(m, session, key.pTemplate, key.ulAttributeCount, &templates[i]);
        if (rv != CKR_OK)
            additional_keys_blame(out, i);
    }
    return rv;
}

void additional_keys_give(const struct additional_keys *a, const CK_OBJECT_HANDLE *made)
{
    for (size_t i = 0; i < a->n; i++)
        *a->handles[i] = made[i];
}

void additional_keys_blame(const struct additional_keys *a, size_t which)
{
    if (which < a->n)
        *a->handles[which] = CK_INVALID_HANDLE;
}
