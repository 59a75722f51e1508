#include "module/state/pin.h"

#include <string.h>

/* Without <ctype.h>: the host's locale must not decide what a name is. */
static char name_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')
        return c;
    return 0;
}

enum err pin_from_parts(const void *name, size_t name_bytes, const void *password, size_t password_bytes, struct pin *out)
{
    const char *from = name;
    struct pin made = {0};

    if (name == NULL || password == NULL)
        return ERR_ARGUMENTS;
    if (name_bytes > USER_NAME_BYTES_MAX || password_bytes > PASSWORD_BYTES_MAX)
        return ERR_PIN_LEN;
    if (name_bytes == 0 || password_bytes == 0)
        return ERR_PIN_INVALID;
    for (size_t i = 0; i < name_bytes; i++) {
        made.name[i] = name_char(from[i]);
        if (made.name[i] == 0)
            return ERR_PIN_INVALID;
    }
    if (!secret_copy(&made.password, password, password_bytes))
        return ERR_NO_MEMORY;
    *out = made;
    return ERR_OK;
}

enum err pin_parse(const void *pin, size_t n, const char *default_user, struct pin *out)
{
    const char *text = pin;
    const char *colon;

    if (pin == NULL)
        return ERR_ARGUMENTS;
    if (n > USER_NAME_BYTES_MAX + 1 + PASSWORD_BYTES_MAX)
        return ERR_PIN_LEN; /* and not a byte of it is read */
    colon = n == 0 ? NULL : memchr(text, ':', n);
    if (colon != NULL)
        return pin_from_parts(text, (size_t)(colon - text), colon + 1, n - (size_t)(colon - text) - 1, out);
    if (default_user == NULL)
        return ERR_PIN_INVALID;
    return pin_from_parts(default_user, strlen(default_user), text, n, out);
}

void pin_clear(struct pin *p)
{
    secret_clear(&p->password);
    bytes_wipe(p->name, sizeof p->name);
}
