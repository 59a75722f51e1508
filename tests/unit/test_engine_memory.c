/* Without memory the engine says so and goes on: each allocation on a change's way fails once. */
#include <string.h>

#include "tests/unit/local_store.h"
#include "tests/unit/nth_malloc.h"
#include "tests/unit/runner.h"
#include "tests/unit/works.h"
#include "vault/ids.h"
#include "vault/record_cache.h"

enum { STEPS = 4 /* request, facts, the block of ids, the command */, ALLOCATIONS_MAX = 400 };

static unsigned nth; /* the allocation that fails, of the next call */
static bool struck;

static void enter(void)
{
    nth_malloc_arm(nth);
}

static void leave(void)
{
    struck = nth_malloc_disarm();
}

/* Reads, searches, takes memory and an id, puts a record. */
static enum err decide(struct work *w)
{
    static const uint8_t token[INDEX_TOKEN_BYTES] = "fifteen letters";
    const struct opened_record *cluster;
    const uint64_t *ids;
    size_t n;
    bool more;
    enum err e = work_record(w, 1, HSM__RECORD_KIND__RECORD_CLUSTER, &cluster), found;

    if (e != ERR_OK && e != ERR_NEED)
        return e;
    found = work_lookup(w, token, 0, 4, &ids, &n, &more);
    if (found != ERR_OK || e != ERR_OK)
        return found != ERR_OK ? found : e;
    return work_memory(w, 100) != NULL ? works_put(w) : ERR_NO_MEMORY;
}

/* One front's move, whatever it is now. */
static void move(void)
{
    if (works.front.said->of_case == HSM__VAULT_ANSWER__OF_NEED)
        own_front_answer_need(&works.front);
    else
        own_front_answer_propose(&works.front);
}

/* What an engine may say without memory; true: it goes on. */
static bool says_so(void)
{
    Hsm__VaultAnswer__OfCase what = works.front.said->of_case;
    enum err e;

    if (what == HSM__VAULT_ANSWER__OF_NEED || what == HSM__VAULT_ANSWER__OF_PROPOSE)
        return true;
    e = what == HSM__VAULT_ANSWER__OF_REPLY ? own_front_reply(&works.front, works.channel, &works.request, NULL)
                                            : err_from_wire(works.front.said->refused->error);
    ck_assert_msg(e == ERR_NO_MEMORY || e == ERR_OK || e == ERR_UNKNOWN_OUTCOME, "%s", err_name(e));
    return false;
}

/* A change in whose given step an allocation fails; false: the step has fewer. */
static bool change_without_memory(unsigned step)
{
    unsigned answers;

    ids_free(local_node_vault(works.node)->ids); /* a block has to be leased */
    local_node_vault(works.node)->ids = ids_new();
    record_cache_forget(local_node_vault(works.node)->records, 1);
    works_new_request();
    works.front.enter = step == 0 ? enter : NULL;
    works_begin_change(false);
    for (unsigned i = 1; i <= step; i++) {
        works.front.enter = i == step ? enter : NULL;
        answers = works.front.answers;
        move();
        ck_assert_uint_eq(works.front.answers, answers + 1);
    }
    works.front.enter = NULL;
    while (says_so())
        move();
    return struck;
}

START_TEST(test_engine_goes_on_where_any_allocation_fails)
{
    works_setup(false);
    works.did.decide = decide;
    works.front.leave = leave;
    for (unsigned step = 0; step < STEPS; step++) {
        struck = true;
        for (nth = 1; struck && nth < ALLOCATIONS_MAX; nth++) {
            struck = false;
            (void)change_without_memory(step);
        }
        ck_assert(!struck);
        ck_assert_uint_gt(nth, 5); /* it was no walk through nothing */
        ck_assert_int_eq(works_change(), ERR_OK);
    }
    works_teardown();
}
END_TEST

START_TEST(test_channel_that_cannot_be_made_is_refused)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    struct channel_setup s = {.prologue = CHANNEL_PROLOGUE, .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1,
                              .server_public = (const uint8_t[CHANNEL_KEY_BYTES]){9}};
    struct buffer message = {0};
    struct channel *module;

    works_setup(false);
    works.front.enter = enter;
    works.front.leave = leave;
    ck_assert_int_eq(channel_new(&s, &module), ERR_OK);
    ck_assert_int_eq(channel_write_open(module, NULL, 0, &message), ERR_OK);
    open.connection = 901;
    open.message = (ProtobufCBinaryData){.data = message.data, .len = message.len};
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    struck = true;
    for (nth = 1; struck && nth < ALLOCATIONS_MAX; nth++) {
        own_front_tell(&works.front, &call);
        own_front_expect(&works.front, HSM__VAULT_ANSWER__OF_REFUSED); /* it is sealed for another key, too */
    }
    ck_assert(!struck);
    buffer_clear(&message);
    channel_free(module);
    works_teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_engine_goes_on_where_any_allocation_fails,
        &test_channel_that_cannot_be_made_is_refused, NULL};
    return suite_of("engine memory", 120, tests);
}
