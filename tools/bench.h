/* What hsmbench measures: a subject makes a key of a kind and signs with it, in several threads at once. */
#ifndef CLUSTERHSM_TOOLS_BENCH_H
#define CLUSTERHSM_TOOLS_BENCH_H

#include <stdbool.h>

#include "common/diag.h"
#include "tools/token.h"

struct subject;

struct subject_ops {
    /* A fresh key; discard ends with it, also after failure. */
    bool (*prepare)(struct subject *s, enum token_kind kind, struct diag *why);
    void (*discard)(struct subject *s);
    /* What one thread needs for the prepared key. */
    bool (*worker_begin)(struct subject *s, void **worker, struct diag *why);
    /* One signature over the digest of something: RSA with PKCS #1 v1.5 padding, or ECDSA. */
    bool (*sign)(void *worker, struct diag *why);
    void (*worker_end)(void *worker);
    void (*free)(struct subject *s);
};

/* Every kind of subject begins with this. */
struct subject {
    const struct subject_ops *ops;
    const char *name;
};

/* OpenSSL in this process: what the signature itself costs. */
struct subject *subject_raw_new(void);
/* A PKCS#11 module. `pin` is borrowed. NULL and a reason on failure. */
struct subject *subject_token_new(const char *name, const char *path, const char *pin, struct diag *why);
/* SoftHSM2 with a token of its own in a folder that goes away with the subject. NULL and a reason: it is not installed, or failed. */
struct subject *subject_softhsm_new(struct diag *why);

#endif
