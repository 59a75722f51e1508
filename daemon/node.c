#include "daemon/node.h"

#include <stdio.h>
#include <string.h>

void address_write(const struct address *a, char *out, size_t room)
{
    bool v6 = strchr(a->host, ':') != NULL;
    snprintf(out, room, v6 ? "[%s]:%u" : "%s:%u", a->host, (unsigned)a->port);
}
