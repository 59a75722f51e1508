#include "module/state/key_for.h"

#include "module/state/policy.h"
#include "module/state/refusal.h"
#include "proto/derivation.h"
#include "proto/key_kind.h"

/* PKCS#11 v3.1 sections 5.18.3 and 5.18.4: a key that wraps has errors of its own. */
static const struct own_errors {
    CK_FLAGS use;
    enum err handle, size;
} own_errors[] = {
    {CKF_WRAP, ERR_WRAPPING_KEY_HANDLE, ERR_WRAPPING_KEY_SIZE},
    {CKF_UNWRAP, ERR_UNWRAPPING_KEY_HANDLE, ERR_UNWRAPPING_KEY_SIZE},
};

static enum err error_of(CK_FLAGS use, enum err e)
{
    for (size_t i = 0; i < sizeof own_errors / sizeof own_errors[0]; i++)
        if (own_errors[i].use == use)
            return e == ERR_KEY_HANDLE ? own_errors[i].handle : e == ERR_KEY_SIZE ? own_errors[i].size : e;
    return e;
}

static enum err refuse_type(const struct known *key, const struct mechanism *row)
{
    CK_KEY_TYPE type = known_ulong(key, CKA_KEY_TYPE);
    const struct key_kind *kind = key_kind_find(type);

    if (kind != NULL)
        return refusal(ERR_KEY_TYPE, "%s: the key's CKA_KEY_TYPE is %s", row->name, kind->name);
    return refusal(ERR_KEY_TYPE, "%s: the key's CKA_KEY_TYPE is 0x%lx", row->name, type);
}

static enum err check_use(const struct known *key, const struct mechanism *row, CK_FLAGS use)
{
    unsigned class_bit = attribute_class_bit(known_ulong(key, CKA_CLASS));

    if ((class_bit & (CLASS_PUBLIC | CLASS_PRIVATE | CLASS_SECRET | CLASS_OTP)) == 0)
        return refusal(ERR_KEY_HANDLE, "%s: the object is no key", row->name);
    if (!derivation_is_use(row, use) && class_bit != CLASS_PUBLIC)
        return class_bit == CLASS_PRIVATE ? ERR_OK : refuse_type(key, row);
    if ((class_bit & attribute_classes_of_use(use)) == 0)
        return refusal(ERR_KEY_FUNCTION, "%s: a %s key does not %s", row->name,
                       class_bit == CLASS_PUBLIC ? "public" : class_bit == CLASS_PRIVATE ? "private" : "secret", refusal_verb(use));
    if (!known_bool(key, attribute_of_use(use)))
        return refusal(ERR_KEY_FUNCTION, "%s: the key's %s is not true", row->name, attribute_find(attribute_of_use(use))->name);
    return ERR_OK;
}

/* An attribute that says no is asked for again if it is not fresh. */
static enum err find(struct module *m, CK_OBJECT_HANDLE handle, const struct mechanism *row, CK_FLAGS use, struct known **out)
{
    struct known *key = NULL;
    enum err e = key_for_data(m, handle, LOOKUP_ANY, &key);

    if (e == ERR_OK && derivation_is_use(row, use) && !known_bool(key, attribute_of_use(use)) && !objects_is_session(handle)) {
        known_release(key);
        e = key_for_data(m, handle, LOOKUP_FRESH, &key);
    }
    if (e == ERR_OK)
        *out = key;
    return e;
}

/* For most uses the row's type is the only one; keys are derived and wrapped with others too, and the family's check, in the vault, says
 * with which, and of which size. */
static enum err check_row(struct module *m, const struct known *key, const struct mechanism *row, CK_FLAGS use)
{
    bool usual = mechanism_takes_key(row, known_ulong(key, CKA_KEY_TYPE));

    if (!usual && (use & (CKF_DERIVE | CKF_WRAP | CKF_UNWRAP)) == 0)
        return refuse_type(key, row);
    if (!known_allows(key, row->type))
        return refusal(ERR_MECHANISM, "%s is not among the key's CKA_ALLOWED_MECHANISMS", row->name);
    return usual ? policy_check_size(m, row, known_key_size(key)) : ERR_OK;
}

enum err key_for(struct module *m, CK_OBJECT_HANDLE handle, const struct mechanism *row, CK_FLAGS use, struct known **out)
{
    struct known *key = NULL;
    enum err e = find(m, handle, row, use, &key);

    if (e == ERR_KEY_HANDLE)
        refusal(error_of(use, e), "%s: %s", row->name, err_text(e));
    if (e == ERR_OK)
        e = check_use(key, row, use);
    if (e == ERR_OK)
        e = check_row(m, key, row, use);
    if (e == ERR_OK)
        *out = key;
    else
        known_release(key);
    return error_of(use, e);
}

enum err key_for_data(struct module *m, CK_OBJECT_HANDLE handle, enum lookup how, struct known **out)
{
    enum err e = lookup_object(m, handle, how, out);

    return e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e;
}
