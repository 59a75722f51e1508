#include "module/rpc/client_settings.h"

#include <string.h>

#include "common/hex.h"
#include "common/log.h"
#include "proto/alias.h"

#define SETTING(path, kind, field, fallback, min, max, help) \
    {path, SETTING_##kind, offsetof(struct client_settings, field), fallback, min, max, help},
static const struct setting table[] = {
#include "module/rpc/client_settings.def"
};
#undef SETTING

enum { ROWS = sizeof table / sizeof table[0] };

static bool check_aliases(const struct texts *given, struct settings_fault *at, struct diag *why)
{
    struct aliases aliases = {.n = 0};

    at->path = "aliases";
    for (at->item = 0; at->item < given->count; at->item++)
        if (!aliases_add(&aliases, given->items[at->item], why))
            return false;
    return true;
}

static bool check(const void *into, struct settings_fault *at, struct diag *why)
{
    const struct client_settings *s = into;
    enum log_level level;
    uint8_t pin[32];
    size_t n = 0;

    if (strcmp(s->fork_mode, "transparent") != 0 && strcmp(s->fork_mode, "strict") != 0) {
        diag_set(why, "fork.mode is \"%s\", which is no mode", s->fork_mode);
        diag_remedy(why, "write transparent or strict");
        at->path = "fork.mode";
        return false;
    }
    if (!log_level_from_text(s->log_level, &level)) {
        diag_set(why, "log.level is \"%s\", which is no level", s->log_level);
        diag_remedy(why, "write none, error, warning, info or debug");
        at->path = "log.level";
        return false;
    }
    if (s->cluster_pin[0] != '\0' && (!hex_decode(s->cluster_pin, pin, sizeof pin, &n) || n != sizeof pin)) {
        diag_set(why, "cluster.pin is not the hexadecimal form of 32 bytes");
        diag_remedy(why, "take the cluster pin from \"hsmctl node status\" on a node, or leave it out");
        at->path = "cluster.pin";
        return false;
    }
    return check_aliases(&s->aliases, at, why);
}

bool client_settings_load(struct client_settings *s, const char *path, struct diag *why)
{
    return settings_load(table, ROWS, s, path, check, why);
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
