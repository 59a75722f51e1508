#include "module/state/library.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"
#include "module/rpc/crypto_context.h"
#include "module/state/notice.h"
#include "module/state/table_lock.h"

/* One running module. `lock` guards all that is not atomic; it is held for a moment only. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t went_down;
    struct module *current;  /* NULL: down */
    unsigned calls;          /* in `current` */
    bool inherited;          /* `current` came with a fork, and nothing has been called since */
    struct client *kept;     /* an inherited module's client after C_Finalize: its files may not be readable here */
    char *path;              /* what C_Initialize was told; NULL: nothing */
    bool child;              /* this process was made by a fork, with the module up */
    _Atomic unsigned forks;  /* so many had happened when this process came to know the module ... */
    _Atomic long pid;        /* ... and it was this one; 0: nobody knows it yet */
} library = {.lock = PTHREAD_MUTEX_INITIALIZER, .went_down = PTHREAD_COND_INITIALIZER};

/* Modules that C_Finalize has let go while calls were in them. */
struct departed {
    struct module *module;
    unsigned calls;
    bool keep_client;
    struct departed *next;
};
static struct departed *departed_list; /* under library.lock */

static _Atomic unsigned forks_now; /* of this process' ancestors and its own */
static library_open_fn *open_client;
static void *open_arg;

/* ---- one at a time: starting, ending, taking over after a fork. No mutex, as a child may inherit it locked. */

static _Atomic uint64_t turnstile; /* process and thread that is in; 0: nobody */

static uint64_t own_mark(void)
{
    return (uint64_t)getpid() << 32 | (uint32_t)gettid();
}

/* False: this very thread is in already (a host's OpenSSL that loads the module while the module starts OpenSSL). */
static bool turnstile_enter(void)
{
    uint64_t me = own_mark();

    for (;;) {
        uint64_t there = atomic_load(&turnstile);
        if (there == me)
            return false;
        /* Whoever was in it is not in this process. */
        if ((there == 0 || there >> 32 != me >> 32) && atomic_compare_exchange_strong(&turnstile, &there, me))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

static void turnstile_leave(void)
{
    atomic_store(&turnstile, 0);
}

/* ---- fork */

/* In every child, in the thread that forked. */
static void on_fork(void)
{
    atomic_fetch_add(&forks_now, 1);
    atomic_store(&turnstile, 0);
}

static bool is_known(void)
{
    return atomic_load(&library.pid) == (long)getpid() && atomic_load(&library.forks) == atomic_load(&forks_now);
}

/* In the turnstile. */
static bool take_over(void)
{
    bool forked = atomic_load(&library.pid) != 0;

    if (is_known())
        return true;
    if (!gate_install(on_fork))
        return false;
    pthread_mutex_init(&library.lock, NULL);
    pthread_cond_init(&library.went_down, NULL);
    departed_list = NULL; /* theirs are the parent's threads */
    if (forked && library.current != NULL) {
        library.calls = 0;
        library.inherited = true;
        library.child = true;
        module_after_fork(library.current);
    }
    atomic_store(&library.forks, atomic_load(&forks_now));
    atomic_store(&library.pid, (long)getpid());
    return true;
}

/* Before anything else in every call. */
static bool know_process(void)
{
    bool ok;

    if (is_known())
        return true;
    if (!turnstile_enter())
        return false;
    ok = take_over();
    turnstile_leave();
    return ok;
}

static bool is_strict(const struct module *m)
{
    return strcmp(client_settings(m->client)->fork_mode, "strict") == 0;
}

/* ---- calls */

CK_RV library_enter(struct module **out)
{
    struct module *m;

    if (!know_process())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    table_lock(&library.lock);
    m = library.current;
    if (m != NULL && library.inherited && is_strict(m))
        m = NULL;
    if (m != NULL) {
        library.inherited = false;
        library.calls++;
    }
    table_unlock(&library.lock);
    *out = m;
    return m != NULL ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* Frees the module; its client too, or it is kept for the next C_Initialize of this process. */
static void end_module(struct module *m, bool keep_client)
{
    struct client *client = module_free(m), *old;

    if (!keep_client) {
        client_close(client);
        return;
    }
    table_lock(&library.lock);
    old = library.kept;
    library.kept = client;
    table_unlock(&library.lock);
    client_close(old);
}

void library_leave(struct module *m)
{
    struct departed *last = NULL;

    table_lock(&library.lock);
    if (m == library.current) {
        library.calls--;
    } else {
        struct departed **at = &departed_list;
        while (*at != NULL && (*at)->module != m)
            at = &(*at)->next;
        if (*at != NULL && --(*at)->calls == 0) {
            last = *at;
            *at = last->next;
        }
    }
    table_unlock(&library.lock);
    if (last != NULL) {
        end_module(last->module, last->keep_client);
        free(last);
    }
}

void library_wait(const struct module *m)
{
    pthread_mutex_lock(&library.lock); /* without the gate, as nothing is changed: a fork must not wait for this */
    while (library.current == m)
        pthread_cond_wait(&library.went_down, &library.lock);
    pthread_mutex_unlock(&library.lock);
}

/* ---- C_Initialize */

void library_use(library_open_fn *open, void *arg)
{
    open_client = open;
    open_arg = arg;
}

/* PKCS #11 2.40 section 5.4. All four functions or none. They are never called: our locks have to outlast a fork and to be
 * waited with, which those cannot, and a program's threads are the system's, whose locks hold for them. A host that gives them
 * without CKF_OS_LOCKING_OK could be told CKR_CANT_LOCK; but programs do that which run with SoftHSM, and they are locked for
 * as well as all others. */
static CK_RV check_locking(const CK_C_INITIALIZE_ARGS *args)
{
    unsigned given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) + (args->UnlockMutex != NULL);

    return given == 0 || given == 4 ? CKR_OK : CKR_ARGUMENTS_BAD;
}

/* Who asks for the log at the terminal looks for a reason, and reasons stand at LOG_INFO: the level that is set says no less then. */
static void open_log(const struct client_settings *s)
{
    const char *named = secure_getenv("CLUSTERHSM_LOG");
    bool at_terminal = named != NULL && strcmp(named, "stderr") == 0;
    enum log_level level;
    struct diag why = {0};
    char text[LOG_LINE_BYTES_MAX / 2];

    if (log_level_from_text(s->log_level, &level))
        log_set_level(at_terminal && level < LOG_INFO ? LOG_INFO : level);
    if (at_terminal)
        log_to_stderr();
    else if (s->log_file[0] != '\0' && !log_open(s->log_file, &why))
        notice(diag_text(&why, text, sizeof text)); /* a log that can't be written stops nobody */
}

/* The log is not open yet: its place stands in the configuration. */
static void tell_failure(const char *path, const struct diag *why)
{
    const char *named = secure_getenv("CLUSTERHSM_LOG");
    char text[LOG_LINE_BYTES_MAX / 2];

    diag_text(why, text, sizeof text);
    if (named != NULL && strcmp(named, "stderr") == 0) {
        log_to_stderr();
        log_error("not_started", "configuration=%s why=\"%s\"", client_path(path), text);
    } else {
        notice(text);
    }
}

static CK_RV open_for(const char *path, OSSL_LIB_CTX *libctx, struct client **out)
{
    struct diag why = {0};
    bool ok = open_client != NULL ? open_client(open_arg, path, libctx, out, &why) : client_open(path, libctx, out, &why);

    if (!ok) {
        tell_failure(path, &why);
        return CKR_FUNCTION_FAILED;
    }
    open_log(client_settings(*out));
    return CKR_OK;
}

static bool is_same_path(const char *path)
{
    return path == NULL || path[0] == '\0' || (library.path != NULL && strcmp(path, library.path) == 0);
}

/* The client of the parent, after C_Finalize in a child. */
static struct client *take_kept(const char *path)
{
    struct client *kept;

    table_lock(&library.lock);
    kept = library.kept;
    library.kept = NULL;
    table_unlock(&library.lock);
    if (kept != NULL && !is_same_path(path)) {
        client_close(kept);
        kept = NULL;
    }
    return kept;
}

static void put_up(struct module *m)
{
    table_lock(&library.lock);
    library.current = m;
    library.calls = 0;
    library.inherited = false;
    table_unlock(&library.lock);
}

static CK_RV start(const char *path)
{
    OSSL_LIB_CTX *libctx = crypto_context();
    struct client *client = take_kept(path);
    char *copy = path != NULL ? text_copy(path) : NULL;
    struct module *m = NULL;
    CK_RV rv = libctx != NULL && (path == NULL || copy != NULL) ? CKR_OK : CKR_HOST_MEMORY;

    if (rv == CKR_OK && client == NULL)
        rv = open_for(path, libctx, &client);
    if (rv == CKR_OK && (m = module_new(libctx, client)) == NULL)
        rv = CKR_HOST_MEMORY;
    if (rv != CKR_OK) {
        client_close(client);
        free(copy);
        return rv;
    }
    free(library.path);
    library.path = copy;
    put_up(m);
    return CKR_OK;
}

/* Takes the module away from everybody. NULL: there is none, or calls are in it and the last of them frees it. */
static struct module *take_down(bool keep_client, bool *was_up)
{
    struct departed *d = calloc(1, sizeof *d);
    struct module *m;

    table_lock(&library.lock);
    m = library.current;
    *was_up = m != NULL;
    library.current = NULL;
    if (m != NULL && library.calls > 0) {
        if (d != NULL) {
            *d = (struct departed){.module = m, .calls = library.calls, .keep_client = keep_client, .next = departed_list};
            departed_list = d;
            d = NULL; /* transferred */
        }
        m = NULL; /* without memory it is never freed, but nobody is hurt */
    }
    pthread_cond_broadcast(&library.went_down);
    table_unlock(&library.lock);
    free(d);
    return m;
}

/* In the turnstile. An inherited module is used on: its files may not be readable by this process. */
static CK_RV initialize(const char *path)
{
    struct module *inherited = NULL;
    bool up;

    if (!take_over())
        return CKR_HOST_MEMORY;
    table_lock(&library.lock);
    up = library.current != NULL;
    if (up && library.inherited) {
        inherited = library.current; /* no call is in it, and none comes now */
        library.current = NULL;
    }
    table_unlock(&library.lock);
    if (inherited == NULL)
        return up ? CKR_CRYPTOKI_ALREADY_INITIALIZED : start(path);
    if (!is_same_path(path)) {
        end_module(inherited, false);
        return start(path);
    }
    module_reset(inherited);
    put_up(inherited);
    return CKR_OK;
}

CK_RV library_initialize(const CK_C_INITIALIZE_ARGS *args)
{
    const char *path = args != NULL ? args->pReserved : NULL;
    CK_RV rv = args != NULL ? check_locking(args) : CKR_OK;

    if (rv != CKR_OK)
        return rv;
    if (!turnstile_enter())
        return CKR_FUNCTION_FAILED;
    rv = initialize(path);
    turnstile_leave();
    return rv;
}

CK_RV library_finalize(void)
{
    struct module *m;
    bool was_up, child;

    if (!turnstile_enter())
        return CKR_FUNCTION_FAILED;
    child = take_over() && library.child;
    m = take_down(child, &was_up);
    if (m != NULL)
        end_module(m, child);
    turnstile_leave();
    return was_up ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}
