#include "vault/provider/recover.h"

#include <stdbool.h>

#include <openssl/bn.h>
#include <openssl/err.h>

/* Each base fails with a chance of at most a half where the three belong together. */
enum { BASES_MAX = 100, STRENGTH_DEFAULT = 0 };

/* A square root of 1 other than 1 and -1 in y - 1: what makes a factor. Only `y` and `x` are written. */
static bool find_root(const BIGNUM *n, const BIGNUM *n_less_1, const BIGNUM *base, const BIGNUM *odd, int halvings, BIGNUM *y,
                      BIGNUM *x, BN_CTX *ctx, bool *failed)
{
    *failed = !BN_mod_exp(y, base, odd, n, ctx);
    if (*failed || BN_is_one(y) || BN_cmp(y, n_less_1) == 0)
        return false;
    for (int i = 1; i < halvings; i++) {
        if ((*failed = !BN_mod_sqr(x, y, n, ctx)))
            return false;
        if (BN_is_one(x))
            return true;
        if (BN_cmp(x, n_less_1) == 0)
            return false;
        if ((*failed = BN_copy(y, x) == NULL))
            return false;
    }
    *failed = !BN_mod_sqr(x, y, n, ctx);
    return !*failed && BN_is_one(x);
}

/* From a root y: p = gcd(y - 1, n), q = n / p. */
static enum err factors_from_root(const BIGNUM *n, BIGNUM *y, BIGNUM **p, BIGNUM **q, BN_CTX *ctx)
{
    BIGNUM *one = BN_secure_new(), *other = BN_secure_new(), *rest = BN_new();
    enum err e = ERR_NO_MEMORY;

    if (one == NULL || other == NULL || rest == NULL || !BN_sub_word(y, 1) || !BN_gcd(one, y, n, ctx) ||
        !BN_div(other, rest, n, one, ctx))
        goto out;
    e = ERR_TEMPLATE_INCONSISTENT;
    if (!BN_is_zero(rest) || BN_is_one(one) || BN_is_one(other))
        goto out;
    if (BN_cmp(one, other) < 0)
        BN_swap(one, other);
    *p = one;
    *q = other;
    one = other = NULL; /* transferred */
    e = ERR_OK;
out:
    BN_clear_free(one);
    BN_clear_free(other);
    BN_free(rest);
    return e;
}

enum err recover_primes(OSSL_LIB_CTX *libctx, const BIGNUM *n, const BIGNUM *e, const BIGNUM *d, BIGNUM **p, BIGNUM **q)
{
    BN_CTX *ctx = BN_CTX_secure_new_ex(libctx);
    BIGNUM *odd = BN_secure_new(), *y = BN_secure_new(), *x = BN_secure_new(), *base = BN_new(), *n_less_1 = BN_dup(n);
    int halvings = 0;
    bool failed = false, found = false;
    enum err result = ERR_NO_MEMORY;

    if (ctx == NULL || odd == NULL || y == NULL || x == NULL || base == NULL || n_less_1 == NULL ||
        !BN_sub_word(n_less_1, 1) || !BN_mul(odd, e, d, ctx) || !BN_sub_word(odd, 1))
        goto out;
    result = ERR_TEMPLATE_INCONSISTENT;
    if (BN_is_zero(odd) || BN_is_odd(odd))
        goto out;
    while (!BN_is_bit_set(odd, halvings))
        halvings++;
    result = ERR_BUG;
    if (!BN_rshift(odd, odd, halvings))
        goto out;
    BN_set_flags(odd, BN_FLG_CONSTTIME);
    for (int i = 0; i < BASES_MAX && !found; i++) {
        if (!BN_priv_rand_range_ex(base, n_less_1, STRENGTH_DEFAULT, ctx))
            goto out;
        if (BN_is_zero(base))
            continue;
        found = find_root(n, n_less_1, base, odd, halvings, y, x, ctx, &failed);
        if (failed)
            goto out;
    }
    result = found ? factors_from_root(n, y, p, q, ctx) : ERR_TEMPLATE_INCONSISTENT;
out:
    BN_clear_free(odd);
    BN_clear_free(y);
    BN_clear_free(x);
    BN_free(base);
    BN_free(n_less_1);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return result;
}
