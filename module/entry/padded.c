#include "module/entry/padded.h"

#include <string.h>

void padded_copy(CK_BYTE *out, size_t room, const char *text)
{
    size_t n = strlen(text);

    if (n > room) {
        n = room;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    memset(out, ' ', room);
    memcpy(out, text, n);
}

static unsigned char number(const char **at)
{
    unsigned n = 0;

    while (**at >= '0' && **at <= '9' && n < 25)
        n = n * 10 + (unsigned)(*(*at)++ - '0');
    return (unsigned char)n;
}

CK_VERSION padded_version(void)
{
    const char *at = PACKAGE_VERSION;
    CK_VERSION v = {.major = number(&at)};

    if (*at == '.')
        at++;
    v.minor = number(&at);
    return v;
}
