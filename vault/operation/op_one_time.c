/* CKM_HOTP: one-time passwords, made and verified.
 *
 * With a counter that the caller gives (CKA_OTP_COUNTER_REQUIREMENT permitting) that is a use as any other, and nothing changes. With the
 * key's own it is a change of the key: the counter is put up in the record, and only when the cluster has that is anything told.
 *
 *   decide   counter c, as the record has it; the record anew with the next one; result: c. Who was slower than another misses the
 *            record's version and decides anew, so no two requests ever get the same c
 *   answer   the password of c. A repeated request (another node after a leader was lost) has the same c as its first try: it is told the
 *            password that it did not get, and no other request is
 *
 * Verified is what lies within a window from the counter on (RFC 4226 section 7.4), and the counter goes behind it: a password is accepted
 * once, and those before it no more. What is wrong changes nothing. The result is a counter and never a password, as fronts see it.
 *
 * What a key gives away in this way is at most eight digits of a MAC of each counter, to who may use it. A key that only verifies can be
 * asked until a password of six digits is found; how often somebody may try is for the program to say that asks him (RFC 4226 section 7.3),
 * as only that knows who it is. */
#include "common/big_endian.h"
#include "proto/limits.h"
#include "vault/access/body.h"
#include "vault/object/key_use.h"
#include "vault/object/named.h"
#include "vault/object/otp.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/provider/hotp.h"

struct one_time {
    const Hsm__OneTime *call;
    struct key_use use;
    struct named named;
    size_t digits;
    bool own;         /* the key's own counter counts */
    uint64_t counter; /* it, or the given one */
};

static enum err take_counter(struct work *w, struct one_time *o)
{
    const ProtobufCBinaryData *given = &o->call->mechanism->otp->counter;
    CK_ULONG requirement = object_ulong(&o->named.object, CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_IGNORED);

    o->own = given->len == 0 || requirement == CK_OTP_PARAM_IGNORED;
    if (!o->own) {
        o->counter = u64_get(given->data);
        return ERR_OK;
    }
    if (requirement == CK_OTP_PARAM_MANDATORY) {
        work_detail(w, "the key's CKA_OTP_COUNTER_REQUIREMENT is CK_OTP_PARAM_MANDATORY: give CK_OTP_COUNTER");
        return ERR_MECHANISM_PARAM;
    }
    return o->named.id != 0 ? otp_counter(&o->named.object, &o->counter) : ERR_KEY_FUNCTION;
}

/* The key found, permitted and looked at; o->use is the caller's to close, also after a failure. */
static enum err open_key(struct work *w, struct one_time *o)
{
    enum err e;

    *o = (struct one_time){.call = work_request(w)->one_time};
    e = key_use_open(w, o->call->key, o->call->mechanism, o->call->verify ? CKF_VERIFY : CKF_SIGN, &o->use);
    if (e == ERR_OK)
        e = hotp_check(o->use.mechanism, o->call->mechanism, o->use.key->key);
    if (e == ERR_OK)
        e = named_open(w, o->call->key, &o->named);
    if (e == ERR_OK)
        e = take_counter(w, o);
    o->digits = e == ERR_OK ? object_ulong(&o->named.object, CKA_OTP_LENGTH, 0) : 0;
    return e;
}

static enum err reply_password(struct work *w, const struct one_time *o, uint64_t counter)
{
    uint8_t *password = work_memory(w, OTP_DIGITS_MAX);
    enum err e = password != NULL ? hotp_make(work_vault(w)->libctx, o->use.key->key, counter, o->digits, password) : ERR_NO_MEMORY;

    return e == ERR_OK ? reply_bytes(w, password, o->digits) : e;
}

/* The record with the counter behind `used`, which is the result. */
static enum err count(struct work *w, struct one_time *o, uint64_t used)
{
    uint8_t result[OTP_COUNTER_BYTES];
    enum err e;

    if (used == UINT64_MAX) {
        work_detail(w, "the key's CKA_OTP_COUNTER is at its end");
        return ERR_KEY_FUNCTION;
    }
    work_persist(w, ONE_TIME_MISSES_MAX);
    u64_put(result, used);
    if ((e = otp_counter_put(&o->named.object, used + 1)) == ERR_OK &&
        (e = reply_store_changed(w, &o->named.object, o->named.record)) == ERR_OK)
        e = work_result(w, result, sizeof result);
    return e;
}

static enum err decide(struct work *w, struct one_time *o)
{
    const ProtobufCBinaryData *password = &o->call->password;
    uint64_t used = o->counter;
    enum err e = ERR_OK;

    if (o->call->verify)
        e = hotp_find(work_vault(w)->libctx, o->use.key->key, o->counter, o->own ? OTP_WINDOW : 1, o->digits, password->data, password->len,
                      &used);
    if (e == ERR_OK && o->own)
        return count(w, o, used);
    if (e == ERR_OK)
        e = o->call->verify ? reply_empty(w) : reply_password(w, o, used);
    return e;
}

enum err op_one_time_decide(struct work *w)
{
    struct one_time o;
    enum err e = open_key(w, &o);

    if (e == ERR_OK)
        e = decide(w, &o);
    key_use_close(w, &o.use);
    return e;
}

enum err op_one_time_answer(struct work *w)
{
    const Hsm__Outcome *outcome = work_outcome(w);
    const Hsm__KeyRef *key = work_request(w)->one_time->key;
    struct one_time o;
    enum err e;

    if (key != NULL)
        key_cache_forget(work_vault(w)->key_cache, key->id); /* of the version before */
    if (outcome->result.len != OTP_COUNTER_BYTES)
        return ERR_CORRUPT;
    if (work_request(w)->one_time->verify)
        return reply_empty(w);
    if ((e = open_key(w, &o)) == ERR_OK)
        e = reply_password(w, &o, u64_get(outcome->result.data));
    key_use_close(w, &o.use);
    return e;
}
