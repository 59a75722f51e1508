#include "module/state/deriving.h"

#include <string.h>

#include "module/state/additional_keys.h"
#include "module/state/cluster_key.h"
#include "module/state/further_keys.h"
#include "module/state/key_for.h"
#include "module/state/mechanism_given.h"
#include "proto/derivation.h"

enum { VERSION_MAJOR = 3, VERSION_MINOR = 3, MAC_KEYS = 2 };

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
static void give_version(const struct mechanism *row, const CK_MECHANISM *mechanism, const struct cluster_derived *made)
{
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS p;
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS extended;
    CK_VERSION version = {VERSION_MAJOR, VERSION_MINOR}, *to;

    if (row->param == PARAM_TLS12_EXTENDED) {
        memcpy(&extended, mechanism->pParameter, sizeof extended);
        to = extended.pVersion;
    } else {
        memcpy(&p, mechanism->pParameter, sizeof p);
        to = p.pVersion;
    }
    if (made->beside_n == 2)
        version = (CK_VERSION){made->beside[0], made->beside[1]};
    if (to != NULL)
        *to = version;
}

static void give(const struct mechanism_given *given, const CK_MECHANISM *mechanism, const struct additional_keys *additional,
                 const struct cluster_derived *made, CK_OBJECT_HANDLE *out)
{
    if (derivation_of(given->row, given->wire).makes == DERIVATION_TLS_KEYS) {
        give_keys(mechanism, made, out);
        return;
    }
    if (derivation_of(given->row, given->wire).beside == DERIVATION_VERSION)
        give_version(given->row, mechanism, made);
    *out = made->handles[0];
    additional_keys_give(additional, made->handles + 1);
}

/* The keys that the parameter asks for. */
static size_t keys_wanted(const struct mechanism_given *given, const struct additional_keys *additional)
{
    if (derivation_of(given->row, given->wire).makes != DERIVATION_TLS_KEYS)
        return 1 + additional->n;
    return (given->wire->tls12->mac_bits > 0 ? MAC_KEYS : 0) + (given->wire->tls12->key_bits > 0 ? 2u : 0u);
}

/* ---- */

CK_RV deriving_run(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                   CK_OBJECT_HANDLE base, struct keys_template t, CK_OBJECT_HANDLE *out)
{
    struct template templates[DERIVED_KEYS_MAX] = {{.n = 0}};
    struct additional_keys additional = {.n = 0};
    struct mechanism_given given;
    struct cluster_derived made = {.n = 0};
    struct known *key = NULL, *others[DERIVE_OTHERS_MAX] = {NULL};
    CK_OBJECT_HANDLE further[DERIVE_OTHERS_MAX];
    size_t n = 0, taken = 0;
    CK_RV rv = err_to_rv(mechanism_take(m, mechanism, CKF_DERIVE, &given));

    if (rv == CKR_OK && out == NULL && derivation_of(given.row, given.wire).makes != DERIVATION_TLS_KEYS)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK)
        rv = err_to_rv(key_for(m, base, given.row, CKF_DERIVE, &key));
    if (rv == CKR_OK)
        n = further_keys(&given, mechanism, further);
    for (size_t i = 0; rv == CKR_OK && i < n; i++)
        rv = err_to_rv(key_for(m, further[i], given.row, CKF_DERIVE, &others[i]));
    if (rv == CKR_OK)
        rv = keys_take_template(m, session, t.array, t.n, &templates[0]);
    if (rv == CKR_OK)
        rv = additional_keys_take(m, session, &given, mechanism, &additional, templates + 1, &taken);
    if (rv == CKR_OK) {
        const struct cluster_deriving d = {.mechanism = given.wire, .base = key, .others = others, .others_n = n, .templates = templates,
                                           .templates_n = 1 + additional.n, .keys = keys_wanted(&given, &additional)};
        rv = cluster_derive(m, session->handle, &d, &made);
        if (rv != CKR_OK && made.which > 1)
            additional_keys_blame(&additional, made.which - 2);
    }
    if (rv == CKR_OK)
        give(&given, mechanism, &additional, &made, out);
    bytes_wipe(&made, sizeof made);
    known_release(key);
    for (size_t i = 0; i < DERIVE_OTHERS_MAX; i++)
        known_release(others[i]);
    for (size_t i = 0; i <= taken; i++)
        template_clear(&templates[i]);
    mechanism_clear(&given);
    return rv;
}
