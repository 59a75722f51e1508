#include "vault/access/password_try.h"

#include <string.h>

#include "common/secret.h"
#include "crypto/digest.h"
#include "vault/access/body.h"
#include "vault/access/guesses.h"
#include "vault/access/kept.h"
#include "vault/access/verdict.h"
#include "vault/keyring.h"

enum { STEP_STAMP = 1, STEP_RESERVE = 2 };

_Static_assert((int)PASSWORD_SALT_BYTES == (int)INDEX_TOKEN_BYTES, "a name's token is the salt of a user who does not exist");

/* ---- whose -------------------------------------------------------------------------------------------------- */

static enum err token_of(struct work *w, uint64_t type, const uint8_t *value, size_t n, uint8_t out[INDEX_TOKEN_BYTES])
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    enum err e = view != NULL ? index_token(view->index, INDEX_PUBLIC, type, value, n, out) : ERR_NOT_ACTIVE;

    keyring_view_done(keyring, view);
    return e;
}

static enum err bucket_token(struct work *w, const struct subject *s, uint8_t out[INDEX_TOKEN_BYTES])
{
    uint8_t bucket[8] = {0};

    _Static_assert(UNKNOWN_NAME_BUCKETS <= 256, "one byte of the token chooses the bucket");
    bucket[7] = (uint8_t)(s->name_token[0] % UNKNOWN_NAME_BUCKETS);
    return token_of(w, INDEX_ATTEMPTS, bucket, sizeof bucket, out);
}

static enum err read_attempts(struct work *w, struct subject *s)
{
    const struct opened_record *r;
    enum err e = work_record(w, s->attempts_id, HSM__RECORD_KIND__RECORD_ATTEMPTS, &r);

    /* A counter that does not turn up is no empty counter: the front may be hiding it. */
    if (e == ERR_NOT_FOUND)
        return ERR_CORRUPT;
    if (e != ERR_OK)
        return e;
    s->attempts_version = r->header->version;
    e = attempts_read(r->text.bytes, r->text.len, s->attempts);
    if (e == ERR_OK && s->entry != NULL && s->attempts->user_id != s->entry->id)
        e = ERR_CORRUPT;
    return e;
}

static enum err find_user(struct work *w, struct subject *s)
{
    uint64_t ids[] = {s->entry->id, s->entry->attempts};
    enum err e = work_want(w, ids, 2);

    if (e == ERR_OK)
        e = user_read(w, s->entry->id, &s->user, &s->user_version);
    if (e == ERR_NOT_FOUND)
        e = ERR_CORRUPT;
    s->attempts_id = s->entry->attempts;
    s->kind = users_last_admin(&s->users, s->entry) ? ATTEMPTS_LAST_ADMIN : ATTEMPTS_USER;
    return e == ERR_OK ? read_attempts(w, s) : e;
}

/* The bucket has come with the lookup; a round for records that are never there stands for a user's own. */
static enum err find_bucket(struct work *w, struct subject *s, const uint64_t *ids, size_t n)
{
    enum err e = work_want(w, (uint64_t[]){OBJECT_ID_LIMIT - 2, OBJECT_ID_LIMIT - 1}, 2);

    s->kind = ATTEMPTS_BUCKET;
    if (e != ERR_OK || n == 0)
        return e;
    s->attempts_id = ids[0];
    return read_attempts(w, s);
}

/* Both lookups are asked for in one round, whether the name exists or not, so that both kinds take equally many. */
enum err subject_find(struct work *w, const char *name, struct subject *out)
{
    char form[USER_NAME_BYTES_MAX + 1];
    struct subject s = {.attempts = work_memory(w, sizeof *s.attempts)};
    bool formed = name_form(name, form) == ERR_OK, more;
    const char *known_as = formed ? form : name;
    uint8_t token[INDEX_TOKEN_BYTES];
    const uint64_t *ids = NULL;
    size_t n = 0;
    enum err e, found;

    if (s.attempts == NULL)
        return ERR_NO_MEMORY;
    e = token_of(w, INDEX_USER_NAME, (const uint8_t *)known_as, strlen(known_as), s.name_token);
    if (e == ERR_OK)
        e = bucket_token(w, &s, token);
    if (e != ERR_OK)
        return e;
    e = work_lookup(w, token, 0, 1, &ids, &n, &more);
    if (e != ERR_OK && e != ERR_NEED)
        return e;
    found = users_read(w, &s.users);
    if (found != ERR_OK || e != ERR_OK)
        return found != ERR_OK ? found : e;
    s.entry = formed ? users_find(&s.users, form) : NULL;
    e = s.entry != NULL ? find_user(w, &s) : find_bucket(w, &s, ids, n);
    if (e == ERR_OK)
        *out = s;
    return e;
}

/* ---- the counter -------------------------------------------------------------------------------------------- */

static enum err put_attempts(struct work *w, struct subject *s)
{
    uint8_t token[1][INDEX_TOKEN_BYTES];
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_ATTEMPTS, .version = s->attempts_version + 1};
    struct buffer body = {0};
    enum err e = ERR_OK;

    if (s->kind == ATTEMPTS_BUCKET) {
        e = bucket_token(w, s, token[0]);
        put.tokens = (const uint8_t(*)[INDEX_TOKEN_BYTES])token;
        put.n_tokens = 1;
    }
    if (e == ERR_OK && s->attempts_id == 0)
        e = work_new_id(w, &s->attempts_id);
    if (e == ERR_OK)
        e = attempts_write(s->attempts, &body);
    put.id = s->attempts_id;
    put.body = body.data;
    put.body_bytes = body.len;
    if (e == ERR_OK)
        e = work_put(w, &put);
    buffer_clear(&body);
    return e;
}

/* Whom the counter tells apart: client certificates; in a bucket names and client certificates. */
static enum err attempt_of(struct work *w, const struct password_try *t, const struct subject *s, uint8_t who[DIGEST_BYTES_MAX],
                           struct attempt *out)
{
    uint8_t both[ATTEMPTS_CLIENT_BYTES + INDEX_TOKEN_BYTES];
    size_t n;
    enum err e = ERR_OK;

    memcpy(who, t->client, ATTEMPTS_CLIENT_BYTES);
    if (s->kind == ATTEMPTS_BUCKET) {
        memcpy(both, t->client, ATTEMPTS_CLIENT_BYTES);
        memcpy(both + ATTEMPTS_CLIENT_BYTES, s->name_token, INDEX_TOKEN_BYTES);
        e = digest_once(work_vault(w)->libctx, "SHA256", both, sizeof both, who, &n);
    }
    *out = (struct attempt){.kind = s->kind, .client = who, .id = work_request_id(w)};
    return e;
}

/* The leader's time: what the vault remembers of it, else a step that asks. Where it is clear without that there is no room, nothing is
 * asked, so that those who wait cost the leader nothing. */
static enum err learn_time(struct work *w, const struct subject *s, const struct attempt *a, struct kept *k)
{
    struct vault *v = work_vault(w);
    uint64_t own_ms = v->now_ms();
    const Hsm__Outcome *outcome;
    enum err e;

    if (k->stamp_ms != 0 || guesses_leader_time(v->guesses, own_ms, &k->stamp_ms))
        return ERR_OK;
    e = attempts_glance(s->attempts, a, own_ms);
    if (e == ERR_OK)
        e = work_step(w, STEP_STAMP, &outcome);
    if (e != ERR_OK)
        return e;
    k->stamp_ms = outcome->leader_time_ms;
    guesses_heard(v->guesses, k->stamp_ms, own_ms);
    return ERR_OK;
}

/* Whoever finds the reservation of this request id there need not make it: an id has one verdict, as the ring knows it, so a second
 * password under the same id is told nothing. */
static enum err reserve(struct work *w, const struct password_try *t, struct subject *s, struct kept *k)
{
    const Hsm__Outcome *outcome;
    uint8_t who[DIGEST_BYTES_MAX];
    struct attempt a;
    enum err e = attempt_of(w, t, s, who, &a);

    if (e == ERR_OK)
        e = learn_time(w, s, &a, k);
    if (e != ERR_OK)
        return e;
    a.now_ms = k->stamp_ms;
    if (!attempts_has(s->attempts, &a)) {
        e = attempts_reserve(s->attempts, &a);
        if (e == ERR_OK)
            e = put_attempts(w, s);
        if (e == ERR_OK)
            e = work_step(w, STEP_RESERVE, &outcome);
        if (e != ERR_OK)
            return e;
    }
    work_persist(w, LOGIN_MISSES_MAX);
    return ERR_OK;
}

/* ---- the password ------------------------------------------------------------------------------------------- */

static enum err judge(struct work *w, const struct password_try *t, const struct subject *s, struct kept *k)
{
    struct vault *v = work_vault(w);
    struct password_hash hash;
    bool right = false;
    enum err e = ERR_OK;

    if (k->judged && k->judged_version == s->user_version)
        return ERR_OK;
    if (s->user != NULL)
        e = password_from_body(s->user, &hash);
    else
        password_nobody(s->name_token, &hash);
    if (e == ERR_OK && !guesses_take(v->guesses, s->attempts_id, v->now_ms()))
        e = ERR_BUSY;
    if (e == ERR_OK)
        e = password_check(v->libctx, &hash, t->password, t->password_bytes, &right);
    if (e == ERR_OK) {
        k->right = right && s->user != NULL && role_of(s->user->role) == t->role;
        k->judged = true;
        k->judged_version = s->user_version;
        if (k->right)
            guesses_give_back(v->guesses, s->attempts_id);
    }
    bytes_wipe(&hash, sizeof hash);
    return e;
}

enum err password_try(struct work *w, const struct password_try *t, struct subject *s, bool *right)
{
    struct kept *k = kept_of(w);
    enum err e;

    if (k == NULL)
        return ERR_NO_MEMORY;
    e = subject_find(w, t->name, s);
    if (e == ERR_OK)
        e = reserve(w, t, s, k);
    if (e == ERR_OK)
        e = judge(w, t, s, k);
    if (e == ERR_OK)
        *right = k->right;
    return e;
}

enum err password_settle(struct work *w, const struct password_try *t, struct subject *s, bool right)
{
    struct kept *k = kept_of(w);
    uint8_t who[DIGEST_BYTES_MAX];
    struct attempt a;
    enum err e = k != NULL ? attempt_of(w, t, s, who, &a) : ERR_NO_MEMORY;

    if (e != ERR_OK)
        return e;
    a.now_ms = k->stamp_ms;
    attempts_settle(s->attempts, &a, right);
    return put_attempts(w, s);
}

enum err password_verdict(struct work *w, const struct password_try *t)
{
    struct verdict verdict = {0};
    struct subject s;
    enum err e = password_try(w, t, &s, &verdict.right);

    if (e == ERR_OK)
        e = password_settle(w, t, &s, verdict.right);
    if (e != ERR_OK)
        return e;
    if (verdict.right) {
        verdict.user_id = s.entry->id;
        verdict.role = t->role;
        verdict.password_epoch = s.user->password_epoch;
    }
    return verdict_put(w, &verdict);
}

enum err password_forgive(struct work *w, struct subject *s)
{
    s->attempts->n = 0;
    s->attempts->failures = 0;
    return put_attempts(w, s);
}

enum err password_make(struct work *w, const uint8_t *password, size_t n, struct password_hash **out)
{
    struct kept *k = kept_of(w);
    enum err e;

    if (k == NULL)
        return ERR_NO_MEMORY;
    if (!k->hashed) {
        e = password_hash(work_vault(w)->libctx, password, n, &k->hash);
        if (e != ERR_OK)
            return e;
        k->hashed = true;
    }
    *out = &k->hash;
    return ERR_OK;
}
