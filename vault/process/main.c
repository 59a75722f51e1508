/* hsm-vault: the process that holds a node's keys. The order is the point of it:
 *
 *   OpenSSL gets a free() that wipes, before anything calls it -> privileges go, stray descriptors are closed -> the seal is read
 *   -> libcrypto is warmed up -> memory is locked -> all threads stand ready -> the sandbox closes -> work
 *
 * It ends when one of its pairs does: its front is gone, and hsmd starts both anew. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/limits.h"
#include "vault/access/guesses.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/object/key_cache.h"
#include "vault/process/confine.h"
#include "vault/process/options.h"
#include "vault/process/threads.h"
#include "vault/process/unseal.h"
#include "vault/process/warm.h"
#include "vault/process/wiping.h"
#include "vault/record_cache.h"
#include "vault/seen.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 /* to hsmd: starting again does not help */ };

static int fail(const struct diag *why)
{
    char text[1024];

    log_error("vault_not_started", "why=\"%s\"", diag_text(why, text, sizeof text));
    return EXIT_FAILURE;
}

static bool open_libcrypto(struct vault *v, OSSL_PROVIDER **provider, struct diag *why)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    v->libctx = OSSL_LIB_CTX_new();
    *provider = v->libctx != NULL ? OSSL_PROVIDER_load(v->libctx, "default") : NULL;
    if (*provider == NULL) {
        diag_set(why, "libcrypto's default provider cannot be loaded");
        diag_remedy(why, "install OpenSSL 3");
        return false;
    }
    return warm_up(v->libctx, why);
}

static bool vault_open(struct vault *v, enum seal_kind kind, struct secret *seal, struct diag *why)
{
    v->now_ms = clock_real_ms;
    v->keyring = keyring_new(v->libctx);
    v->ids = ids_new();
    v->seen = seen_new();
    v->records = record_cache_new();
    v->guesses = guesses_new(v->libctx);
    if (v->keyring == NULL || v->ids == NULL || v->seen == NULL || v->records == NULL || v->guesses == NULL ||
        key_cache_new(KEY_CACHE_KEYS_MAX, &v->key_cache) != ERR_OK) {
        diag_set(why, "out of memory");
        return false;
    }
    keyring_set_seal(v->keyring, kind, seal);
    return true;
}

static void vault_close(struct vault *v)
{
    key_cache_free(v->key_cache);
    guesses_free(v->guesses);
    record_cache_free(v->records);
    seen_free(v->seen);
    ids_free(v->ids);
    keyring_free(v->keyring);
}

static int serve(const struct options *o)
{
    int last = DESCRIPTOR_FIRST_PAIR + 2 * (int)o->threads - 1;
    enum seal_kind kind = o->seal;
    struct secret seal = {0};
    struct vault vault = {0};
    OSSL_PROVIDER *provider = NULL;
    struct diag why = {0};
    bool clean = false;

    if (!confine_process(DESCRIPTOR_CHECK, last, o->threads + o->workers, &why) || !unseal_read(DESCRIPTOR_SEAL, &kind, &seal, &why) ||
        !open_libcrypto(&vault, &provider, &why))
        return fail(&why);
    if (!confine_memory(&why)) {
        if (!o->allow_swap) {
            (void)fail(&why);
            return EXIT_CONFIG;
        }
        log_warning("memory_not_locked", "why=\"%s\"", why.what);
    }
    if (kind == SEAL_NONE)
        log_warning("vault_locked", "why=\"%s\"", "no seal was given");
    if (!vault_open(&vault, kind, &seal, &why) || !threads_run(&vault, o, &clean, &why)) {
        (void)fail(&why);
        _exit(EXIT_FAILURE); /* threads may stand at their barrier */
    }
    vault_close(&vault);
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(vault.libctx);
    log_info("vault_ended", "name=%s", o->name);
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct diag why = {0};
    bool wipes = wiping_begin();
    char text[1024];

    (void)clearenv(); /* hsmd gives none; nothing of what libraries look for is wanted */
    if (!options_read(argc, argv, &options, &why)) {
        fprintf(stderr, "hsm-vault: %s\n%s", diag_text(&why, text, sizeof text), options_help);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        if (options.help)
            fputs(options_help, stdout);
        else
            printf("hsm-vault %s (sandbox %s)\n", PACKAGE_VERSION, confine_built_in ? "built in" : "left out");
        return EXIT_SUCCESS;
    }
    log_to_stderr();
    log_set_level(options.level);
    if (!wipes) {
        diag_set(&why, "OpenSSL was in use before the vault began, and would not wipe what it frees");
        diag_remedy(&why, "start hsm-vault without LD_PRELOAD and the like");
        return fail(&why);
    }
    return serve(&options);
}
