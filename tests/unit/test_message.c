#include "daemon/replica/members.h"
#include "daemon/replica/message.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

static struct parcel *sample(enum message_kind kind)
{
    struct parcel *p = parcel_new();
    struct members m = {0};

    members_add(&m, 1, "one", MEMBER_VOTER);
    members_add(&m, 2, "two", MEMBER_SPARE);
    p->msg.kind = kind;
    p->msg.version = 1;
    p->msg.term = 7;
    p->msg.index = 41;
    p->msg.index_term = 6;
    p->msg.commit = 40;
    p->msg.candidate = 3;
    p->msg.pre_vote = true;
    if (kind == MESSAGE_APPEND) {
        p->rec = calloc(2, sizeof *p->rec);
        p->rec[p->n++] = record_new(6, RECORD_COMMAND, "abc", 3);
        p->rec[p->n++] = members_encode(&m, 7);
    } else if (kind == MESSAGE_INSTALL) {
        struct record *members = members_encode(&m, 6);
        p->snap = snap_new(41, 6, 12, members);
        record_unref(members);
    } else if (kind == MESSAGE_LEASE) {
        p->lease.kind = LEASE_GRANT;
        p->lease.lasts_us = 1234567;
    }
    return p;
}

static void bytes_of(enum message_kind kind, struct buffer *out)
{
    struct parcel *p = sample(kind);
    ck_assert(parcel_encode(p, out));
    parcel_free(p);
}

START_TEST(test_message_comes_back_as_it_went)
{
    int kind;
    for (kind = MESSAGE_APPEND; kind < MESSAGE_KINDS; kind++) {
        struct buffer a = {0}, b = {0};
        struct parcel *p;
        bytes_of((enum message_kind)kind, &a);
        p = parcel_decode(a.data, a.len);
        ck_assert_ptr_nonnull(p);
        ck_assert(parcel_encode(p, &b));
        ck_assert_uint_eq(a.len, b.len);
        ck_assert_mem_eq(a.data, b.data, a.len);
        parcel_free(p);
        buffer_clear(&a);
        buffer_clear(&b);
    }
}
END_TEST

START_TEST(test_message_cut_anywhere_or_too_long_is_refused)
{
    int kind;
    size_t n;
    for (kind = MESSAGE_APPEND; kind < MESSAGE_KINDS; kind++) {
        struct buffer a = {0};
        bytes_of((enum message_kind)kind, &a);
        for (n = 0; n < a.len; n++)
            ck_assert_ptr_null(parcel_decode(a.data, n));
        buffer_put_u8(&a, 0);
        ck_assert_ptr_null(parcel_decode(a.data, a.len));
        buffer_clear(&a);
    }
}
END_TEST

START_TEST(test_message_with_flipped_bytes_never_crashes_and_reencodes)
{
    int kind;
    size_t at;
    unsigned bit;
    for (kind = MESSAGE_APPEND; kind < MESSAGE_KINDS; kind++) {
        struct buffer a = {0};
        bytes_of((enum message_kind)kind, &a);
        for (at = 0; at < a.len; at++)
            for (bit = 0; bit < 8; bit++) {
                struct buffer b = {0};
                struct parcel *p;
                a.data[at] ^= (uint8_t)(1u << bit);
                if ((p = parcel_decode(a.data, a.len)) != NULL)
                    ck_assert(parcel_encode(p, &b));
                parcel_free(p);
                buffer_clear(&b);
                a.data[at] ^= (uint8_t)(1u << bit);
            }
        buffer_clear(&a);
    }
}
END_TEST

START_TEST(test_message_refuses_entries_from_a_later_term_and_falling_terms)
{
    static const uint64_t terms[][2] = {{6, 8}, {5, 7}, {7, 6}};
    size_t i;
    for (i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        struct parcel *p = sample(MESSAGE_APPEND);
        struct buffer a = {0};
        p->rec[0]->term = terms[i][0];
        p->rec[1]->term = terms[i][1];
        ck_assert(parcel_encode(p, &a));
        ck_assert_ptr_null(parcel_decode(a.data, a.len));
        parcel_free(p);
        buffer_clear(&a);
    }
}
END_TEST

START_TEST(test_members_refuse_duplicates_and_overlong_addresses)
{
    struct members m = {0};
    char address[MEMBER_ADDRESS_BYTES + 1];
    memset(address, 'a', sizeof address);
    address[MEMBER_ADDRESS_BYTES] = '\0';
    ck_assert(members_add(&m, 1, "x", MEMBER_VOTER));
    ck_assert(!members_add(&m, 1, "y", MEMBER_VOTER));
    ck_assert(!members_add(&m, 2, "x", MEMBER_VOTER));
    ck_assert(!members_add(&m, 2, "", MEMBER_VOTER));
    ck_assert(!members_add(&m, 2, address, MEMBER_VOTER));
    ck_assert(!members_add(&m, 0, "z", MEMBER_VOTER));
    ck_assert_uint_eq(m.n, 1);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_message_comes_back_as_it_went,
        &test_message_cut_anywhere_or_too_long_is_refused, &test_message_with_flipped_bytes_never_crashes_and_reencodes,
        &test_message_refuses_entries_from_a_later_term_and_falling_terms,
        &test_members_refuse_duplicates_and_overlong_addresses, NULL};
    return suite_of("message", 20, tests);
}
