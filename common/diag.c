#include "common/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void diag_clear(struct diag *d)
{
    if (d)
        *d = (struct diag){.what = ""};
}

void diag_set(struct diag *d, const char *format, ...)
{
    if (!d)
        return;
    diag_clear(d);
    va_list args;
    va_start(args, format);
    vsnprintf(d->what, sizeof d->what, format, args);
    va_end(args);
}

void diag_where(struct diag *d, const char *where, unsigned line)
{
    if (!d)
        return;
    snprintf(d->where, sizeof d->where, "%s", where);
    d->line = line;
}

void diag_remedy(struct diag *d, const char *format, ...)
{
    if (!d)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(d->remedy, sizeof d->remedy, format, args);
    va_end(args);
}

const char *diag_text(const struct diag *d, char *out, size_t room)
{
    char line[16] = "";
    if (d->where[0] && d->line)
        snprintf(line, sizeof line, ":%u", d->line);
    snprintf(out, room, "%s%s%s%s%s%s", d->where, line, d->where[0] ? ": " : "", d->what, d->remedy[0] ? "; " : "",
        d->remedy);
    return out;
}
