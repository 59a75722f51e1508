#include "proto/key_kind.h"

#include "proto/limits.h"
#include "proto/parameter_set.h"

#define GENERIC CKK_GENERIC_SECRET
#define OWN OWN_KIND_ONLY
#define KEY_KIND(ckk, ...) ROW(ckk, #ckk, __VA_ARGS__, 0, )

static const struct key_kind rows[] = {
#define ROW(ckk, ckk_name, of, low, high, step, other, bits, ...) \
    {.type = ckk, \
     .name = ckk_name, \
     .kind = KEY_KIND_##of, \
     .bytes_min = low, \
     .bytes_max = high, \
     .bytes_step = step, \
     .also = other, \
     .strength = bits},
#include "proto/key_kind.def"
#undef ROW
#undef KEY_KIND
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_here(const struct key_kind *k)
{
    return !parameter_set_makes(k->type) || parameter_set_makes_here(k->type);
}

const struct key_kind *key_kind_find(CK_KEY_TYPE type)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].type == type)
            return is_here(&rows[i]) ? &rows[i] : NULL;
    return NULL;
}

const struct key_kind *key_kind_at(size_t position)
{
    for (size_t i = 0; i < ROWS; i++)
        if (is_here(&rows[i]) && position-- == 0)
            return &rows[i];
    return NULL;
}

bool key_kind_is_pair(const struct key_kind *k)
{
    return k != NULL && (k->kind == KEY_KIND_PAIR || k->kind == KEY_KIND_KEM || k->kind == KEY_KIND_AGREE);
}

bool key_kind_is_otp(const struct key_kind *k)
{
    return k != NULL && k->kind == KEY_KIND_OTP;
}

bool key_kind_is_value(const struct key_kind *k)
{
    return k != NULL && !key_kind_is_pair(k);
}

bool key_kind_is_secret(const struct key_kind *k)
{
    return key_kind_is_value(k) && !key_kind_is_otp(k);
}

bool key_kind_has_length(const struct key_kind *k, size_t bytes)
{
    return bytes >= k->bytes_min && bytes <= k->bytes_max && (bytes - k->bytes_min) % k->bytes_step == 0;
}

bool key_kind_serves(CK_KEY_TYPE have, CK_KEY_TYPE want)
{
    const struct key_kind *wanted = key_kind_find(want);

    return have == want || (have != OWN_KIND_ONLY && wanted != NULL && wanted->also == have);
}
