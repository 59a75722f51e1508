#include "common/gathered.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

/* realloc would leave a copy behind. */
static bool grow(struct gathered *g, size_t room)
{
    uint8_t *more = malloc(room);

    if (more == NULL)
        return false;
    if (g->n > 0)
        memcpy(more, g->bytes, g->n);
    bytes_wipe(g->bytes, g->n);
    free(g->bytes);
    g->bytes = more;
    g->room = room;
    return true;
}

bool gathered_put(struct gathered *g, const void *bytes, size_t n)
{
    if (n > SIZE_MAX / 2 - g->n)
        return false;
    if (n > g->room - g->n && !grow(g, 2 * (g->n + n)))
        return false;
    if (n > 0)
        memcpy(g->bytes + g->n, bytes, n);
    g->n += n;
    return true;
}

void gathered_clear(struct gathered *g)
{
    bytes_wipe(g->bytes, g->n);
    free(g->bytes);
    *g = (struct gathered){.bytes = NULL};
}
