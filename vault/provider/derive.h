/* A key from another: the value, by the rows of the mechanism table. Whether the key's attributes permit the use, and
 * what its child inherits, is decided above.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_DERIVE_H
#define CLUSTERHSM_VAULT_PROVIDER_DERIVE_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

enum { DERIVE_BYTES_MAX = SECRET_BYTES_MAX };

struct derive {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* with the row's parameter */
    const struct key *base;
    const struct key *const *others; /* where the mechanism takes more, in the parameter's order */
    size_t n_others;
    size_t bytes_of_keys; /* SP 800-108, of several keys: their lengths' sum; 0: there is one */
};

/* Whether mechanism, parameter and keys fit: ERR_MECHANISM (it derives nothing), ERR_MECHANISM_PARAM, ERR_KEY_TYPE,
 * ERR_KEY_SIZE, ERR_KEY_HANDLE (a further key that is missing, or not asked for). */
enum err derive_check(const struct derive *d);

/* The length of the value where nobody asks for another; 0: it has to be asked for. After derive_check. */
size_t derive_bytes(const struct derive *d);

/* The value's first n bytes (its last ones where the standard says so). derive_check's; ERR_KEY_SIZE: there are not so
 * many; ERR_MECHANISM_PARAM: the parameter does not suit the key (a point off its curve, ...); ERR_NO_MEMORY. */
enum err derive_value(const struct derive *d, size_t n, struct secret *out);

/* Several keys can be made at once, each of which begins at a multiple of so many bytes of the value; 0: the mechanism makes one key.
 * After derive_check. */
size_t derive_segment_bytes(const struct derive *d);

/* What a key is where its template does not say; CK_UNAVAILABLE_INFORMATION: it has to. After derive_check. */
CK_KEY_TYPE derive_key_type(const struct derive *d);

/* Whoever reads the value learns bytes of the keys that it is made of. given: NULL, or with the row's parameter, which is not checked
 * yet. */
bool derive_reveals(const struct mechanism *m, const Hsm__Mechanism *given, size_t n_others);

/* Of a mechanism that reveals: n bytes hold all of the base key (and of the other one), so that nobody can try out the
 * part that they hold. */
bool derive_is_whole(const struct derive *d, size_t n);

#endif
