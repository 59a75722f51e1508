#include "module/state/deriving.h"

#include <string.h>

#include "module/state/cluster_key.h"
#include "module/state/lookup.h"
#include "module/state/mechanism_given.h"

enum { VERSION_MAJOR = 3, VERSION_MINOR = 3, MAC_KEYS = 2 };

/* The handle of a second key in the parameter; false: it has none. */
static bool second_key(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *out)
{
    CK_HKDF_PARAMS hkdf;

    if (given->row->param == PARAM_KEY) {
        memcpy(out, mechanism->pParameter, sizeof *out);
        return true;
    }
    if (given->row->param != PARAM_HKDF || given->wire->hkdf->salt_type != CKF_HKDF_SALT_KEY)
        return false;
    memcpy(&hkdf, mechanism->pParameter, sizeof hkdf);
    *out = hkdf.hSaltKey;
    return true;
}

static CK_RV find_key(struct module *m, CK_OBJECT_HANDLE handle, struct known **out)
{
    enum err e = lookup_key(m, handle, CKA_DERIVE, out);

    if (e == ERR_OK && !known_bool(*out, CKA_DERIVE))
        e = ERR_KEY_FUNCTION;
    return err_to_rv(e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e);
}

/* ---- what goes into the application's parameter */

static void give_keys(const CK_MECHANISM *mechanism, const struct cluster_derived *made, CK_OBJECT_HANDLE *out)
{
    CK_TLS12_KEY_MAT_PARAMS p;
    CK_SSL3_KEY_MAT_OUT *to;
    const CK_OBJECT_HANDLE *at = made->handles;
    size_t iv_n = made->beside_n / 2;

    memcpy(&p, mechanism->pParameter, sizeof p);
    to = p.pReturnedKeyMaterial;
    to->hClientMacSecret = to->hServerMacSecret = to->hClientKey = to->hServerKey = CK_INVALID_HANDLE;
    if (p.ulMacSizeInBits > 0) {
        to->hClientMacSecret = at[0];
        to->hServerMacSecret = at[1];
        at += MAC_KEYS;
    }
    if (p.ulKeySizeInBits > 0) {
        to->hClientKey = at[0];
        to->hServerKey = at[1];
    }
    if (iv_n > 0 && iv_n == p.ulIVSizeInBits / 8) {
        memcpy(to->pIVClient, made->beside, iv_n);
        memcpy(to->pIVServer, made->beside + iv_n, iv_n);
    }
    if (out != NULL)
        *out = CK_INVALID_HANDLE;
}

/* The version within a premaster secret is told of keys that can be read anyway (docs/decisions/009); else it is the
 * one that the mechanism is for. */
static void give_version(const CK_MECHANISM *mechanism, const struct cluster_derived *made)
{
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS p;
    CK_VERSION version = {VERSION_MAJOR, VERSION_MINOR};

    memcpy(&p, mechanism->pParameter, sizeof p);
    if (made->beside_n == 2)
        version = (CK_VERSION){made->beside[0], made->beside[1]};
    if (p.pVersion != NULL)
        *p.pVersion = version;
}

static void give(const struct mechanism_given *given, const CK_MECHANISM *mechanism, const struct cluster_derived *made,
                 CK_OBJECT_HANDLE *out)
{
    if (given->row->family == FAMILY_TLS12_KEYS) {
        give_keys(mechanism, made, out);
        return;
    }
    if (given->row->family == FAMILY_TLS12_MASTER)
        give_version(mechanism, made);
    *out = made->handles[0];
}

/* The keys that the parameter asks for. */
static size_t keys_wanted(const struct mechanism_given *given)
{
    if (given->row->family != FAMILY_TLS12_KEYS)
        return 1;
    return (given->wire->tls12->mac_bits > 0 ? MAC_KEYS : 0) + (given->wire->tls12->key_bits > 0 ? 2u : 0u);
}

/* ---- */

CK_RV deriving_run(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                   CK_OBJECT_HANDLE base, struct keys_template t, CK_OBJECT_HANDLE *out)
{
    struct template template = {.n = 0};
    struct mechanism_given given;
    struct cluster_derived made = {.n = 0};
    struct known *key = NULL, *other = NULL;
    CK_OBJECT_HANDLE second = CK_INVALID_HANDLE;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_DERIVE, &given));

    if (rv == CKR_OK && out == NULL && given.row->family != FAMILY_TLS12_KEYS)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK)
        rv = find_key(m, base, &key);
    if (rv == CKR_OK && second_key(&given, mechanism, &second))
        rv = find_key(m, second, &other);
    if (rv == CKR_OK)
        rv = keys_take_template(session, t.array, t.n, &template);
    if (rv == CKR_OK)
        rv = cluster_derive(m, session->handle, given.wire, key, other, &template, &made);
    if (rv == CKR_OK && made.n != keys_wanted(&given))
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        give(&given, mechanism, &made, out);
    bytes_wipe(&made, sizeof made);
    known_release(key);
    known_release(other);
    template_clear(&template);
    mechanism_clear(&given);
    return rv;
}
