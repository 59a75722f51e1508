#include "daemon/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/log.h"
#include "common/text.h"
#include "proto/limits.h"

#define SETTING(path, kind, field, fallback, min, max, help) \
    {path, SETTING_##kind, offsetof(struct node_settings, field), fallback, min, max, help},
static const struct setting table[] = {
#include "daemon/settings.def"
};
#undef SETTING

enum { ROWS = sizeof table / sizeof table[0] };

static bool use_listen(struct address *advertise, const struct address *listen)
{
    if (advertise->host != NULL)
        return true;
    advertise->host = text_copy(listen->host);
    advertise->port = listen->port;
    return advertise->host != NULL;
}

static bool default_socket(struct node_settings *s)
{
    struct buffer path = {0};

    if (s->listen_socket[0] != '\0')
        return true;
    if (!buffer_printf(&path, "%s/hsmd.sock", s->data) || !buffer_put_u8(&path, 0)) {
        buffer_clear(&path);
        return false;
    }
    free(s->listen_socket);
    s->listen_socket = (char *)buffer_take(&path, NULL);
    return true;
}

/* The key beside what it opens would be no seal: a copy of the folder would have both. */
static bool lies_inside(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool check_seal(const struct node_settings *s, struct diag *why)
{
    bool file = strcmp(s->seal_kind, "file") == 0;

    if (!file && strcmp(s->seal_kind, "passphrase") != 0) {
        diag_set(why, "seal.kind is \"%s\", which is no kind of seal", s->seal_kind);
        diag_remedy(why, "write file or passphrase");
        return false;
    }
    if (file && s->seal_file[0] == '\0') {
        diag_set(why, "seal.kind is file, but seal.file is not given");
        diag_remedy(why, "name a file outside the data folder; it is made at the first start");
        return false;
    }
    if (file && lies_inside(s->seal_file, s->data)) {
        diag_set(why, "seal.file lies inside the data folder that it protects");
        diag_remedy(why, "name a file outside data, on another disk if there is one");
        return false;
    }
    return true;
}

/* A name may be looked up anew, and differently, at each start: what is listened on is said in numbers. */
static bool check_listen(const char *key, const struct address *at, struct diag *why)
{
    struct in6_addr ignored;

    if (inet_pton(AF_INET, at->host, &ignored) == 1 || inet_pton(AF_INET6, at->host, &ignored) == 1)
        return true;
    diag_set(why, "%s is \"%.100s\", which is no IP address", key, at->host);
    diag_remedy(why, "write the number of an interface of this machine, or 0.0.0.0 or [::] for all; names may stand in advertise.%s",
        strchr(key, '.') + 1);
    return false;
}

/* It stands in certificates and, without quotes, in logs. */
static bool check_name(const char *name, struct diag *why)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || strchr("._-", *c) != NULL)
            continue;
        diag_set(why, "name is \"%s\", which has more than letters, digits, dots, dashes and underscores", name);
        diag_remedy(why, "write one such as n1 or paris-1");
        return false;
    }
    return true;
}

static bool check(const struct node_settings *s, struct diag *why)
{
    enum log_level level;

    if (!log_level_from_text(s->log_level, &level)) {
        diag_set(why, "log.level is \"%s\", which is no level", s->log_level);
        diag_remedy(why, "write none, error, warning, info or debug");
        return false;
    }
    if (s->lease_ms < 2 * s->election_timeout_ms) {
        diag_set(why, "raft.lease is shorter than two election timeouts: keys could not be used while a leader is elected");
        diag_remedy(why, "raise raft.lease or lower raft.election_timeout");
        return false;
    }
    return check_name(s->name, why) && check_listen("listen.client", &s->listen_client, why) &&
           check_listen("listen.peer", &s->listen_peer, why) && check_seal(s, why);
}

bool node_settings_load(struct node_settings *s, const char *path, struct diag *why)
{
    bool ok = settings_load(table, ROWS, s, path, NULL, why);

    if (!ok)
        return false;
    ok = use_listen(&s->advertise_client, &s->listen_client) && use_listen(&s->advertise_peer, &s->listen_peer) &&
         default_socket(s);
    if (!ok)
        diag_set(why, "out of memory");
    else if (!(ok = check(s, why)))
        diag_where(why, path, 0);
    if (!ok)
        node_settings_clear(s);
    return ok;
}

void node_settings_clear(struct node_settings *s)
{
    settings_clear(table, ROWS, s);
}

const struct setting *node_settings_table(size_t *n)
{
    *n = ROWS;
    return table;
}
