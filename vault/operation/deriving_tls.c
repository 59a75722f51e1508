/* The four keys of TLS (PKCS#11 v3.1 section 6.40.6): MAC secrets, which are generic secrets, and keys as the template has them; client
 * before server. */
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "vault/operation/deriving.h"

enum { TLS_KEYS = 4, MAC_KEYS = 2 };

static enum err make_tls_key(struct deriving *d, bool mac, size_t at, size_t n)
{
    static const CK_ATTRIBUTE_TYPE mac_uses[] = {CKA_SIGN, CKA_VERIFY};
    struct schema s = deriving_schema(d);
    struct object *o = &d->objects[d->n++];
    enum err e = deriving_read(d, work_request(d->work)->derive->template_, &s, o);

    if (e == ERR_OK && object_has(o, CKA_VALUE_LEN) && object_ulong(o, CKA_VALUE_LEN, 0) != n && !mac)
        e = ERR_TEMPLATE_INCONSISTENT;
    if (e == ERR_OK && mac) {
        s.key_type = CKK_GENERIC_SECRET;
        e = object_put_ulong(o, CKA_KEY_TYPE, s.key_type);
        if (e == ERR_OK)
            e = object_put_ulong(o, CKA_VALUE_LEN, n);
        for (size_t i = 0; e == ERR_OK && i < sizeof mac_uses / sizeof mac_uses[0]; i++)
            e = object_put_bool(o, mac_uses[i], true);
    }
    if (e == ERR_OK && key_kind_find(s.key_type) != NULL && !key_kind_has_length(key_kind_find(s.key_type), n)) {
        diag_set(&d->why, "the parameter's sizes are none of this CKA_KEY_TYPE");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    if (e == ERR_OK)
        e = deriving_put(d, &s, o, d->value.bytes + at, n);
    return e == ERR_OK ? deriving_complete(d, &s, o) : e;
}

enum err deriving_tls_keys(struct deriving *d)
{
    const Hsm__Tls12Params *p = d->derive.given->tls12;
    size_t sizes[] = {p->mac_bits / 8, p->mac_bits / 8, p->key_bits / 8, p->key_bits / 8}, at = 0;
    enum err e;

    if (work_request(d->work)->derive->n_additional > 0)
        return ERR_MECHANISM_PARAM;
    if (p->iv_bits > 0 && d->lineage.closed) {
        diag_set(
            &d->why,
            "initialization vectors are not given out of a sensitive key: with other sizes the same bytes are keys");
        return ERR_KEY_FUNCTION;
    }
    for (size_t i = 0; d->lineage.closed && i < TLS_KEYS; i++)
        if (sizes[i] > 0 && sizes[i] < DERIVING_CLOSED_BYTES_MIN) {
            diag_set(&d->why, "below %d bytes, a key made of a sensitive one could be tried out", DERIVING_CLOSED_BYTES_MIN);
            return ERR_KEY_SIZE;
        }
    e = derive_value(&d->derive, derive_bytes(&d->derive), &d->value);
    for (size_t i = 0; e == ERR_OK && i < TLS_KEYS; at += sizes[i++])
        if (sizes[i] > 0)
            e = make_tls_key(d, i < MAC_KEYS, at, sizes[i]);
    return e;
}
