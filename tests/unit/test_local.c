/* A node's socket, against a thread that answers as a node does, and as it never should. */
#include "tools/local.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/frame.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

static char *folder;
static char path[PATH_MAX];
static struct diag why;

/* What the node does with the one connection that it takes. */
static enum { ANSWERS, REFUSES, SHOWS_PROGRESS_FIRST, CLOSES, RAVES, IS_SILENT, SENDS_ANOTHER_KIND } node_does;
static int listener;
static uint32_t asked; /* member of the oneof */

static void reply_into(struct buffer *out, uint64_t exchange)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    Hsm__LocalReply reply = HSM__LOCAL_REPLY__INIT;
    Hsm__NodeFacts facts = HSM__NODE_FACTS__INIT;
    uint8_t packed[256];

    header.kind = HSM__FRAME_KIND__FRAME_LOCAL_REPLY;
    header.exchange = exchange;
    facts.state = (char *)"provisioned";
    reply.facts = &facts;
    if (node_does == REFUSES) {
        reply.error = ERR_WRONG_STATE;
        reply.detail = (char *)"there is a cluster already";
    }
    if (node_does == SHOWS_PROGRESS_FIRST) {
        header.kind = HSM__FRAME_KIND__FRAME_PROGRESS;
        ck_assert(frame_put(out, &header, NULL, 0) && frame_put(out, &header, NULL, 0));
        header.kind = HSM__FRAME_KIND__FRAME_LOCAL_REPLY;
    }
    if (node_does == SENDS_ANOTHER_KIND)
        header.kind = HSM__FRAME_KIND__FRAME_WELCOME;
    ck_assert(frame_put(out, &header, packed, hsm__local_reply__pack(&reply, packed)));
}

static void *serve(void *arg)
{
    int fd = accept(listener, NULL, NULL);
    uint8_t bytes[4096];
    struct frame f = {0};
    struct buffer out = {0};
    size_t taken = 0;
    ssize_t n = read(fd, bytes, sizeof bytes);
    Hsm__LocalRequest *request;

    (void)arg;
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(frame_decode(bytes, (size_t)n, &f, &taken), ERR_OK);
    ck_assert_uint_eq(taken, (size_t)n);
    ck_assert_int_eq(f.header->kind, HSM__FRAME_KIND__FRAME_LOCAL);
    request = hsm__local_request__unpack(NULL, f.payload_len, f.payload);
    ck_assert_ptr_nonnull(request);
    asked = request->of_case;
    hsm__local_request__free_unpacked(request, NULL);
    if (node_does == RAVES)
        buffer_put(&out, "\xff\xff\xff\xff rubbish", 12);
    else if (node_does != CLOSES && node_does != IS_SILENT)
        reply_into(&out, f.header->exchange);
    /* Byte by byte, as a network may. */
    for (size_t i = 0; i < out.len; i++)
        if (send(fd, out.data + i, 1, MSG_NOSIGNAL) != 1) {
            ck_assert_int_eq(node_does, RAVES); /* who has read enough of that hangs up */
            break;
        }
    if (node_does == IS_SILENT)
        usleep(300 * 1000);
    frame_clear(&f);
    buffer_clear(&out);
    close(fd);
    return NULL;
}

static enum err ask(Hsm__LocalReply **reply)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalStatus status = HSM__LOCAL_STATUS__INIT;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t node;
    enum err e;

    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(pthread_create(&node, NULL, serve, NULL), 0);
    request.of_case = HSM__LOCAL_REQUEST__OF_STATUS;
    request.status = &status;
    memset(&why, 0, sizeof why);
    e = local_ask(path, &request, node_does == IS_SILENT ? 100 : 5000, reply, &why);
    pthread_join(node, NULL);
    close(listener);
    return e;
}

static void setup(void)
{
    folder = temp_folder_new("local");
    snprintf(path, sizeof path, "%s/hsmd.sock", folder);
}

static void teardown(void)
{
    temp_folder_free(folder);
}

static void free_reply(Hsm__LocalReply *reply)
{
    if (reply != NULL)
        hsm__local_reply__free_unpacked(reply, NULL);
}

START_TEST(test_node_answers_the_question_it_was_asked)
{
    Hsm__LocalReply *reply = NULL;

    setup();
    node_does = ANSWERS;
    ck_assert_int_eq(ask(&reply), ERR_OK);
    ck_assert_uint_eq(asked, HSM__LOCAL_REQUEST__OF_STATUS);
    ck_assert_str_eq(reply->facts->state, "provisioned");
    free_reply(reply);
    teardown();
}
END_TEST

START_TEST(test_progress_comes_before_the_answer)
{
    Hsm__LocalReply *reply = NULL;

    setup();
    node_does = SHOWS_PROGRESS_FIRST;
    ck_assert_int_eq(ask(&reply), ERR_OK);
    free_reply(reply);
    teardown();
}
END_TEST

START_TEST(test_nodes_error_is_the_result_and_its_detail_the_reason)
{
    Hsm__LocalReply *reply = NULL;

    setup();
    node_does = REFUSES;
    ck_assert_int_eq(ask(&reply), ERR_WRONG_STATE);
    ck_assert_str_eq(why.what, "there is a cluster already");
    free_reply(reply);
    teardown();
}
END_TEST

START_TEST(test_node_that_does_not_answer_is_lost)
{
    Hsm__LocalReply *reply = NULL;

    setup();
    node_does = CLOSES;
    ck_assert_int_eq(ask(&reply), ERR_LOST);
    node_does = IS_SILENT;
    ck_assert_int_eq(ask(&reply), ERR_LOST);
    ck_assert_ptr_null(reply);
    ck_assert_str_ne(why.remedy, "");
    teardown();
}
END_TEST

START_TEST(test_what_is_no_node_is_named_so)
{
    Hsm__LocalReply *reply = NULL;

    setup();
    node_does = RAVES;
    ck_assert_int_eq(ask(&reply), ERR_MALFORMED);
    node_does = SENDS_ANOTHER_KIND;
    ck_assert_int_eq(ask(&reply), ERR_MALFORMED);
    ck_assert_ptr_null(reply);
    teardown();
}
END_TEST

START_TEST(test_nobody_there_says_how_to_go_on)
{
    Hsm__LocalRequest request = HSM__LOCAL_REQUEST__INIT;
    Hsm__LocalReply *reply = NULL;

    setup();
    memset(&why, 0, sizeof why);
    ck_assert_int_eq(local_ask(path, &request, 1000, &reply, &why), ERR_LOST);
    ck_assert_ptr_nonnull(strstr(why.remedy, "start hsmd"));
    ck_assert_str_eq(why.where, path);
    teardown();
}
END_TEST

static void write_config(const char *name, const char *text)
{
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

START_TEST(test_socket_is_where_the_nodes_configuration_says)
{
    char out[PATH_MAX], expected[PATH_MAX];

    setup();
    ck_assert(local_socket_path("/x/y.sock", "/gone", out, &why));
    ck_assert_str_eq(out, "/x/y.sock");
    write_config("a.yaml", "data: /var/lib/n1\nname: n1\n");
    ck_assert(local_socket_path(NULL, path, out, &why));
    ck_assert_str_eq(out, "/var/lib/n1/hsmd.sock");
    write_config("b.yaml", "data: n1\n");
    ck_assert(local_socket_path(NULL, path, out, &why));
    snprintf(expected, sizeof expected, "%s/n1/hsmd.sock", folder);
    ck_assert_str_eq(out, expected);
    write_config("c.yaml", "data: n1\nlisten: {socket: s.sock, client: \"127.0.0.1:1\"}\n");
    ck_assert(local_socket_path(NULL, path, out, &why));
    snprintf(expected, sizeof expected, "%s/s.sock", folder);
    ck_assert_str_eq(out, expected);
    write_config("d.yaml", "name: n1\n");
    ck_assert(!local_socket_path(NULL, path, out, &why));
    write_config("e.yaml", "name: [\n");
    ck_assert(!local_socket_path(NULL, path, out, &why));
    snprintf(path, sizeof path, "%s/gone.yaml", folder);
    ck_assert(!local_socket_path(NULL, path, out, &why));
    ck_assert_ptr_nonnull(strstr(why.remedy, "--socket"));
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_node_answers_the_question_it_was_asked,
        &test_progress_comes_before_the_answer, &test_nodes_error_is_the_result_and_its_detail_the_reason,
        &test_node_that_does_not_answer_is_lost, &test_what_is_no_node_is_named_so, &test_nobody_there_says_how_to_go_on,
        &test_socket_is_where_the_nodes_configuration_says, NULL};
    return suite_of("local", 20, tests);
}
