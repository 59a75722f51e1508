#include "vault/access/attempts.h"
#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/operation/operation.h"

/* The part of the list that this page shows. */
struct page {
    size_t first, n;
    bool more;
};

static struct page page_after(const struct users *users, uint64_t after_id)
{
    struct page p = {0};

    while (p.first < users->body->n_users && users->body->users[p.first]->id <= after_id)
        p.first++;
    p.n = users->body->n_users - p.first;
    p.more = p.n > USER_PAGE_MAX;
    if (p.more)
        p.n = USER_PAGE_MAX;
    return p;
}

static enum err want_attempts(struct work *w, const struct users *users, const struct page *p)
{
    uint64_t ids[USER_PAGE_MAX];

    for (size_t i = 0; i < p->n; i++)
        ids[i] = users->body->users[p->first + i]->attempts;
    return work_want(w, ids, p->n);
}

static enum err is_locked(struct work *w, const struct users *users, const Hsm__UserEntry *entry, bool *locked)
{
    struct attempts *attempts = work_memory(w, sizeof *attempts);
    const struct opened_record *r;
    enum err e;

    if (attempts == NULL)
        return ERR_NO_MEMORY;
    e = work_record(w, entry->attempts, HSM__RECORD_KIND__RECORD_ATTEMPTS, &r);
    if (e == ERR_OK)
        e = attempts_read(r->text.bytes, r->text.len, attempts);
    if (e == ERR_OK)
        *locked = attempts_locked(attempts, users_last_admin(users, entry) ? ATTEMPTS_LAST_ADMIN : ATTEMPTS_USER);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err user_of(struct work *w, const struct users *users, const Hsm__UserEntry *entry, Hsm__User **out)
{
    Hsm__User *user = work_memory(w, sizeof *user);
    bool locked = false;
    enum err e = user != NULL ? is_locked(w, users, entry, &locked) : ERR_NO_MEMORY;

    if (e != ERR_OK)
        return e;
    hsm__user__init(user);
    user->id = entry->id;
    user->name = entry->name;
    user->role = (char *)(uintptr_t)role_name(entry->admin ? ROLE_ADMIN : ROLE_CRYPTO_USER);
    user->locked = locked;
    *out = user;
    return ERR_OK;
}

enum err op_user_list_decide(struct work *w)
{
    Hsm__Reply *reply = work_reply(w);
    Hsm__UsersReply *out = work_memory(w, sizeof *out);
    struct users users;
    struct page page;
    enum err e = out != NULL ? users_read(w, &users) : ERR_NO_MEMORY;

    if (e != ERR_OK)
        return e;
    page = page_after(&users, work_request(w)->user_list->after_id);
    e = want_attempts(w, &users, &page);
    if (e != ERR_OK)
        return e;
    hsm__users_reply__init(out);
    out->users = work_memory(w, (page.n + 1) * sizeof *out->users);
    if (out->users == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < page.n; i++)
        e = user_of(w, &users, users.body->users[page.first + i], &out->users[i]);
    if (e != ERR_OK)
        return e;
    out->n_users = page.n;
    out->next_after_id = page.more ? users.body->users[page.first + page.n - 1]->id : 0;
    reply->of_case = HSM__REPLY__OF_USERS;
    reply->users = out;
    return ERR_OK;
}
