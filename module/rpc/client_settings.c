#include "module/rpc/client_settings.h"

#define SETTING(path, kind, field, fallback, min, max, help) \
    {path, SETTING_##kind, offsetof(struct client_settings, field), fallback, min, max, help},
static const struct setting table[] = {
#include "module/rpc/client_settings.def"
};
#undef SETTING

enum { ROWS = sizeof table / sizeof table[0] };

bool client_settings_load(struct client_settings *s, const char *path, struct diag *why)
{
    return settings_load(table, ROWS, s, path, why);
}

void client_settings_clear(struct client_settings *s)
{
    settings_clear(table, ROWS, s);
}

const struct setting *client_settings_table(size_t *n)
{
    *n = ROWS;
    return table;
}
