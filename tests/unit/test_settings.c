#include "common/settings.h"

#include "common/buffer.h"
#include "tests/unit/nth_malloc.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sample got;

static bool parse(const char *text, struct diag *why)
{
    memset(&got, 0xa5, sizeof got); /* nothing of the old content may matter */
    return settings_parse(sample_table, SAMPLE_ROWS, &got, "/etc/sample/s.yaml", text, strlen(text), why);
}

static void clear(void)
{
    settings_clear(sample_table, SAMPLE_ROWS, &got);
}

START_TEST(test_settings_reads_every_kind)
{
    ck_assert(parse("name: n1\n"
                    "bools: {on: false}\n"
                    "listen:\n  address: '[::1]:7443'\n  backlog: 4096\n"
                    "lists:\n  files: [a.pem, /b.pem]\n  names:\n    - x\n    - y\n  nodes: h1:1\n"
                    "paths:\n  data: data\n"
                    "sizes: {cache: 64KiB}\ntimes: {wait: 2m}\n",
        NULL));
    ck_assert_str_eq(got.name, "n1");
    ck_assert(!got.on);
    ck_assert_str_eq(got.listen.host, "::1");
    ck_assert_uint_eq(got.listen.port, 7443);
    ck_assert_uint_eq(got.backlog, 4096);
    ck_assert_uint_eq(got.files.count, 2);
    ck_assert_str_eq(got.files.items[0], "/etc/sample/a.pem");
    ck_assert_str_eq(got.files.items[1], "/b.pem");
    ck_assert_uint_eq(got.names.count, 2);
    ck_assert_str_eq(got.names.items[1], "y");
    ck_assert_uint_eq(got.nodes.count, 1);
    ck_assert_str_eq(got.nodes.items[0].host, "h1");
    ck_assert_str_eq(got.data, "/etc/sample/data");
    ck_assert_uint_eq(got.cache, 65536);
    ck_assert_uint_eq(got.wait, 120000);
    clear();
    ck_assert_ptr_null(got.name);
}
END_TEST

START_TEST(test_settings_fall_back_to_the_table)
{
    ck_assert(parse("name: n1", NULL));
    ck_assert(got.on);
    ck_assert_ptr_null(got.listen.host);
    ck_assert_uint_eq(got.backlog, 128);
    ck_assert_uint_eq(got.files.count, 0);
    ck_assert_uint_eq(got.names.count, 1);
    ck_assert_str_eq(got.names.items[0], "one");
    ck_assert_str_eq(got.data, "/var/lib/sample");
    ck_assert_uint_eq(got.cache, 1 << 20);
    ck_assert_uint_eq(got.wait, 10000);
    clear();
}
END_TEST

/* A bad document, the line that is to blame (0: the file), and a part of what is said. */
static const struct bad {
    const char *text;
    unsigned line;
    const char *says;
} bad_documents[] = {
    {"", 0, "the key name is missing; add it: the node's name"},
    {"---\n", 0, "the key name is missing"},
    {"name: a\nnmae: b\n", 2, "unknown key nmae; did you mean name?"},
    {"name: a\nlisten:\n  adress: x:1\n", 3, "did you mean listen.address?"},
    {"name: a\nlists: {names: {x: y}}\n", 2, "unknown key lists.names.x; lists.names is a list: begin each of its lines with a dash"},
    {"name: a\nname: b\n", 2, "twice"},
    {"name:\n", 1, "without a value"},
    {"name: \"\"\n", 1, "length 0 is out of range; choose 1 to 32"},
    {"name: [a, b]\n", 1, "a list stands where one text"},
    {"name: {x: y}\n", 1, "unknown key name.x"},
    {"name: \"a\\nb\"\n", 1, "is no text"},
    {"name: \"a\\0b\"\n", 1, "NUL"},
    {"name: a\nbools: {on: yes}\n", 2, "\"yes\" is no boolean; write true or false"},
    {"name: a\nlisten: {backlog: 0}\n", 2, "value 0 is out of range; choose 1 to 4096"},
    {"name: a\nlisten: {backlog: 4097}\n", 2, "out of range"},
    {"name: a\nlisten: {backlog: -1}\n", 2, "is no number"},
    {"name: a\nlisten: {backlog: 0x10}\n", 2, "is no number"},
    {"name: a\nlisten: {backlog: 18446744073709551617}\n", 2, "is no number"},
    {"name: a\nlisten: {address: h}\n", 2, "is no address; write host:port"},
    {"name: a\nlisten: {address: 'h:0'}\n", 2, "is no address"},
    {"name: a\nlisten: {address: 'h:65536'}\n", 2, "is no address"},
    {"name: a\nlisten: {address: '::1:80'}\n", 2, "is no address"},
    {"name: a\nlisten: {address: ':80'}\n", 2, "is no address"},
    {"name: a\ntimes: {wait: 10}\n", 2, "is no duration; write a number with a unit"},
    {"name: a\ntimes: {wait: 10 s}\n", 2, "is no duration"},
    {"name: a\ntimes: {wait: 2h}\n", 2, "times.wait: 7200000ms is out of range; choose 1ms to 3600000ms"},
    {"name: a\nsizes: {cache: 4KB}\n", 2, "is no size"},
    {"name: a\nsizes: {cache: 99999999999GiB}\n", 2, "is no size"},
    {"name: a\nlists: {files: [a, b, c, d]}\n", 2, "number of entries 4 is out of range"},
    {"name: a\nlists: {files: []}\n", 2, "number of entries 0 is out of range"},
    {"name: a\nlists: {nodes: ['h:1', h]}\n", 2, "is no address"},
    {"name: a\nlists: {names: [[x]]}\n", 2, "plain values only"},
    {"name: &x a\n", 1, "anchors"},
    {"name: a\nlists: {names: *x}\n", 2, "anchors"},
    {"name: !!str a\n", 1, "tags"},
    {"name: a\n---\nname: b\n", 2, "more than one document"},
    {"- name\n", 1, "not a list of keys"},
    {"a.b: c\n", 1, "without dots"},
    {"? [a]\n: b\n", 1, "not a key"},
    {"name: a\n  bools: b\n", 2, "no valid YAML"},
    {"name: 'a\n", 2, "no valid YAML"},
    {"{a: {b: {c: {d: {e: {f: {g: {h: {i: j}}}}}}}}}", 1, "nested too deeply"},
};

START_TEST(test_settings_names_line_and_remedy_of_a_fault)
{
    const struct bad *bad = &bad_documents[_i];
    struct diag why = {0};
    char text[1024];
    bool ok = parse(bad->text, &why);
    diag_text(&why, text, sizeof text);
    ck_assert_msg(!ok, "accepted: %s", bad->text);
    ck_assert_msg(strstr(text, bad->says) != NULL, "%s\nis refused with: %s", bad->text, text);
    ck_assert_str_eq(why.where, "/etc/sample/s.yaml");
    ck_assert_uint_eq(why.line, bad->line);
    ck_assert(why.remedy[0]);
    ck_assert_ptr_null(got.name);
    ck_assert_ptr_null(got.names.items);
}
END_TEST

START_TEST(test_settings_refuses_too_large_a_document)
{
    static char huge[70000];
    struct diag why = {0};
    memset(huge, '#', sizeof huge - 1);
    ck_assert(!parse(huge, &why));
    ck_assert_ptr_nonnull(strstr(why.what, "too large"));
}
END_TEST

START_TEST(test_settings_survives_each_failed_allocation)
{
    static const char text[] = "name: n1\nlisten: {address: 'h:1'}\nlists: {files: [a, b], nodes: ['h:1', 'h:2']}\n";
    unsigned n = 0;
    bool ok, struck;
    do {
        struct diag why = {0};
        nth_malloc_arm(++n);
        ok = parse(text, &why);
        struck = nth_malloc_disarm();
        ck_assert_msg(ok == !struck, "allocation %u failed and %s", n, ok ? "nobody saw it" : "that was not it");
        if (!ok) {
            ck_assert_ptr_nonnull(strstr(why.what, "no memory"));
            ck_assert_ptr_null(got.name);
        }
    } while (struck);
    ck_assert_uint_gt(n, 15);
    clear();
}
END_TEST

START_TEST(test_settings_set_replaces_one_value)
{
    struct diag why = {0};
    ck_assert(parse("name: n1", NULL));
    ck_assert(settings_set(sample_table, SAMPLE_ROWS, &got, "name", "n2", &why));
    ck_assert_str_eq(got.name, "n2");
    ck_assert(!settings_set(sample_table, SAMPLE_ROWS, &got, "times.wait", "soon", &why));
    ck_assert(!settings_set(sample_table, SAMPLE_ROWS, &got, "nam", "x", &why));
    clear();
}
END_TEST

START_TEST(test_settings_table_faults_are_found)
{
    struct diag why = {0};
    struct setting rows[2] = {
        {"a", SETTING_U32, 0, "1", 0, 0, "help"},
        {"b", SETTING_U32, 0, "1", 0, 0, "help"},
    };
    ck_assert(settings_table_is_sound(sample_table, SAMPLE_ROWS, &why));
    ck_assert(settings_table_is_sound(rows, 2, &why));
    rows[1].path = "a";
    ck_assert(!settings_table_is_sound(rows, 2, &why));
    rows[1].path = "a.b";
    ck_assert(!settings_table_is_sound(rows, 2, &why));
    rows[1].path = "b";
    rows[1].fallback = "x";
    ck_assert(!settings_table_is_sound(rows, 2, &why));
}
END_TEST

START_TEST(test_settings_document_has_a_line_a_row)
{
    struct buffer b = {0};
    size_t lines = 0;
    ck_assert(settings_document(sample_table, SAMPLE_ROWS, &b));
    for (size_t i = 0; i < b.len; i++)
        lines += b.data[i] == '\n';
    ck_assert_uint_eq(lines, SAMPLE_ROWS + 2);
    buffer_put_u8(&b, 0);
    ck_assert_ptr_nonnull(strstr((char *)b.data, "| `name` | text | (required) | 1 to 32 bytes | the node's name |\n"));
    buffer_clear(&b);
}
END_TEST

static char folder[40];
static char path[80];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_settings.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s.yaml", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("name: n1\npaths: {data: d}\n", file);
    fclose(file);
    chmod(path, 0644);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static bool load(const char *from, struct diag *why)
{
    return settings_load(sample_table, SAMPLE_ROWS, &got, from, NULL, why);
}

START_TEST(test_settings_load_reads_a_file)
{
    char expected[90];
    struct diag why = {0};
    ck_assert(load(path, &why));
    snprintf(expected, sizeof expected, "%s/d", folder);
    ck_assert_str_eq(got.data, expected);
    clear();
}
END_TEST

START_TEST(test_settings_load_refuses_a_file_that_others_can_write)
{
    struct diag why = {0};
    chmod(path, 0646);
    ck_assert(!load(path, &why));
    ck_assert_str_eq(why.remedy, "run chmod go-w on it");
    chmod(path, 0664);
    ck_assert(!load(path, &why));
    ck_assert_str_eq(why.where, path);
    chmod(path, 0600);
    ck_assert(load(path, &why));
    clear();
}
END_TEST

START_TEST(test_settings_load_refuses_what_is_no_file)
{
    struct diag why = {0};
    char fifo[90];
    ck_assert(!load("/nonexistent/s.yaml", &why));
    ck_assert_str_eq(why.what, "No such file or directory");
    ck_assert(!load(folder, &why));
    ck_assert_str_eq(why.what, "not a regular file");
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    bool ok = load(fifo, &why);
    unlink(fifo);
    ck_assert(!ok);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_settings_reads_every_kind,
        &test_settings_fall_back_to_the_table, &test_settings_refuses_too_large_a_document,
        &test_settings_survives_each_failed_allocation, &test_settings_set_replaces_one_value,
        &test_settings_table_faults_are_found, &test_settings_document_has_a_line_a_row, NULL};
    Suite *suite = suite_of("settings", 20, tests);

    TCase *bad = tcase_create("bad documents");
    tcase_add_loop_test(bad, test_settings_names_line_and_remedy_of_a_fault, 0,
        sizeof bad_documents / sizeof bad_documents[0]);
    suite_add_tcase(suite, bad);

    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, test_settings_load_reads_a_file);
    tcase_add_test(files, test_settings_load_refuses_a_file_that_others_can_write);
    tcase_add_test(files, test_settings_load_refuses_what_is_no_file);
    suite_add_tcase(suite, files);
    return suite;
}
