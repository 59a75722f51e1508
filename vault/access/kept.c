#include "vault/access/kept.h"

#include <stdlib.h>

#include "common/secret.h"

static void kept_free(void *kept)
{
    bytes_wipe(kept, sizeof(struct kept));
    free(kept);
}

struct kept *kept_of(struct work *w)
{
    struct kept *k = work_kept(w);

    if (k == NULL) {
        k = calloc(1, sizeof *k);
        if (k != NULL)
            work_keep(w, k, kept_free);
    }
    return k;
}
