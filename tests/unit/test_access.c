/* Users, logins and tickets, through the handlers themselves: works on a fake cluster, one at a time. Many at once: test_logins.c. */
#include "tests/unit/access_world.h"

#include <stdio.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"

static struct access_world x;

static void setup(void)
{
    world_init(&x);
}

static void teardown(void)
{
    world_clear(&x);
}

/* ---- activation and users ---------------------------------------------------------------------------------------- */

/* By turns, to the end of both. */
static void move_both(struct work *one, struct work *other)
{
    bool more = true, more_other = true;

    while (more || more_other) {
        more = fake_move(one);
        more_other = fake_move(other);
    }
}

START_TEST(test_nothing_but_activation_is_served_before_it)
{
    struct fake_channel c;
    setup();
    c = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &c, "admin", "password", true), ERR_NOT_ACTIVE);
    ck_assert_int_eq(world_list(&x, &c, 0), ERR_NOT_ACTIVE);
    ck_assert_int_eq(world_activate(&x, &c, "short"), ERR_PIN_LEN);
    ck_assert_int_eq(world_activate(&x, &c, "password"), ERR_OK);
    ck_assert_int_eq(world_login(&x, &c, "admin", "password", true), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_cluster_is_activated_once)
{
    struct fake_channel c;
    setup();
    c = world_channel(&x, 0);
    ck_assert_int_eq(world_activate(&x, &c, "password"), ERR_OK);
    ck_assert_int_eq(world_activate(&x, &c, "another password"), ERR_ALREADY_ACTIVE);
    ck_assert(fake_cluster_body(&x.fake)->activated);
    teardown();
}
END_TEST

START_TEST(test_of_two_who_activate_at_once_one_wins)
{
    struct fake_channel a, b;
    struct work *first, *second;
    setup();
    a = world_channel(&x, 0);
    b = world_channel(&x, 1);
    first = world_begin_activate(&x, &a, "password of a");
    second = world_begin_activate(&x, &b, "password of b");
    move_both(first, second);
    ck_assert_int_eq(fake_verdict(first), ERR_OK);
    ck_assert_int_eq(fake_verdict(second), ERR_ALREADY_ACTIVE);
    fake_end(first);
    fake_end(second);
    ck_assert_int_eq(world_login(&x, &a, "admin", "password of b", true), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_login(&x, &a, "admin", "password of a", true), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_uninitialized_cluster_is_not_activated)
{
    struct fake_channel c;
    setup();
    c = world_channel(&x, 0);
    fake_record(&x.fake, 1)->version = 0;
    ck_assert_int_eq(world_activate(&x, &c, "password"), ERR_WRONG_STATE);
    teardown();
}
END_TEST

START_TEST(test_admin_creates_lists_and_deletes_users)
{
    struct fake_channel admin;
    setup();
    admin = world_admin(&x);
    ck_assert_int_eq(world_create(&x, &admin, "Alice", "crypto-user", "password"), ERR_OK);
    ck_assert_int_eq(world_create(&x, &admin, "alice", "admin", "password"), ERR_USER_EXISTS);
    ck_assert_int_eq(world_list(&x, &admin, 0), ERR_OK);
    ck_assert_str_eq(x.listed, "admin=admin alice=crypto-user ");
    ck_assert_int_eq(world_delete(&x, &admin, "ALICE"), ERR_OK);
    ck_assert_int_eq(world_delete(&x, &admin, "alice"), ERR_USER_UNKNOWN);
    ck_assert_int_eq(world_list(&x, &admin, 0), ERR_OK);
    ck_assert_str_eq(x.listed, "admin=admin ");
    teardown();
}
END_TEST

/* The front brings the leased ids: it could have a second record sealed under alice's. */
START_TEST(test_no_user_is_made_under_an_id_that_is_taken)
{
    struct fake_channel admin;
    uint64_t alice;
    setup();
    admin = world_admin(&x);
    alice = world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    x.fake.next_id = alice;
    ck_assert_int_eq(world_create(&x, &admin, "mallory", "crypto-user", "password"), ERR_FORGED);
    x.fake.next_id = alice - 1;
    ck_assert_int_eq(world_create(&x, &admin, "mallory", "crypto-user", "password"), ERR_FORGED);
    x.fake.next_id = alice + 100;
    ck_assert_int_eq(world_create(&x, &admin, "mallory", "crypto-user", "password"), ERR_OK);
    teardown();
}
END_TEST

/* Two records that were sealed under one id would be as old as each other, if all users began at the same number. */
START_TEST(test_password_epochs_of_users_do_not_begin_alike)
{
    Hsm__UserBody *user[2];
    struct fake_channel admin;
    uint64_t before;
    setup();
    admin = world_admin(&x);
    before = x.fake.next_id;
    ck_assert_int_eq(world_create(&x, &admin, "alice", "crypto-user", "password"), ERR_OK);
    ck_assert_int_eq(world_create(&x, &admin, "mallory", "crypto-user", "password"), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        const struct fake_record *r = fake_record(&x.fake, before + 2 * i);
        user[i] = hsm__user_body__unpack(NULL, r->n, r->body);
        ck_assert_ptr_nonnull(user[i]);
    }
    ck_assert_uint_ne(user[0]->password_epoch, user[1]->password_epoch);
    hsm__user_body__free_unpacked(user[0], NULL);
    hsm__user_body__free_unpacked(user[1], NULL);
    teardown();
}
END_TEST

START_TEST(test_forms_of_new_users_are_checked)
{
    struct fake_channel admin;
    setup();
    admin = world_admin(&x);
    ck_assert_int_eq(world_create(&x, &admin, "alice:bob", "crypto-user", "password"), ERR_PIN_INVALID);
    ck_assert_int_eq(world_create(&x, &admin, "", "crypto-user", "password"), ERR_PIN_LEN);
    ck_assert_int_eq(world_create(&x, &admin, "alice", "superuser", "password"), ERR_ARGUMENTS);
    ck_assert_int_eq(world_create(&x, &admin, "alice", "crypto-user", "short"), ERR_PIN_LEN);
    teardown();
}
END_TEST

START_TEST(test_a_name_is_given_once_however_many_ask_at_the_same_time)
{
    struct fake_channel admin, other;
    struct work *first, *second;
    setup();
    admin = world_admin(&x);
    other = admin;
    other.vault = &x.fake.vaults[1];
    first = world_begin_create(&x, &admin, "alice", "crypto-user", "password 1");
    second = world_begin_create(&x, &other, "alice", "crypto-user", "password 2");
    move_both(first, second);
    ck_assert_int_eq(fake_verdict(first), ERR_OK);
    ck_assert_int_eq(fake_verdict(second), ERR_USER_EXISTS);
    fake_end(first);
    fake_end(second);
    teardown();
}
END_TEST

START_TEST(test_repeated_creation_makes_one_user)
{
    struct fake_channel admin;
    setup();
    admin = world_admin(&x);
    x.request_id = (const uint8_t *)"the same request";
    ck_assert_int_eq(world_create(&x, &admin, "alice", "crypto-user", "password"), ERR_OK);
    ck_assert_int_eq(world_create(&x, &admin, "alice", "crypto-user", "password"), ERR_OK);
    ck_assert_int_eq(world_create(&x, &admin, "bob", "crypto-user", "password"), ERR_FORGED);
    ck_assert_int_eq(world_list(&x, &admin, 0), ERR_OK);
    ck_assert_str_eq(x.listed, "admin=admin alice=crypto-user ");
    teardown();
}
END_TEST

START_TEST(test_last_admin_and_oneself_are_not_deleted)
{
    struct fake_channel admin;
    setup();
    admin = world_admin(&x);
    ck_assert_int_eq(world_delete(&x, &admin, "admin"), ERR_LAST_ADMIN);
    world_add(&x, "second", ROLE_ADMIN, "password");
    ck_assert_int_eq(world_delete(&x, &admin, "admin"), ERR_PERMISSION);
    ck_assert_int_eq(world_delete(&x, &admin, "second"), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_two_admins_who_delete_each_other_leave_one)
{
    struct fake_channel admin, second;
    struct work *first, *other;
    setup();
    admin = world_admin(&x);
    world_add(&x, "second", ROLE_ADMIN, "password");
    second = world_channel(&x, 1);
    ck_assert_int_eq(world_login(&x, &second, "second", "password", true), ERR_OK);
    first = world_begin_delete(&x, &admin, "second");
    other = world_begin_delete(&x, &second, "admin");
    move_both(first, other);
    ck_assert_int_eq(fake_verdict(first), ERR_OK);
    ck_assert_int_eq(fake_verdict(other), ERR_TICKET);
    fake_end(first);
    fake_end(other);
    teardown();
}
END_TEST

START_TEST(test_user_who_owns_keys_is_not_deleted)
{
    Hsm__ObjectBody key = HSM__OBJECT_BODY__INIT;
    struct fake_channel admin;
    uint64_t alice, id;
    setup();
    admin = world_admin(&x);
    alice = world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    id = fake_put(&x.fake, 0, HSM__RECORD_KIND__RECORD_OBJECT, &key.base);
    fake_record(&x.fake, id)->owner = alice;
    ck_assert_int_eq(world_delete(&x, &admin, "alice"), ERR_USER_OWNS_KEYS);
    teardown();
}
END_TEST

START_TEST(test_list_comes_in_pages)
{
    struct fake_channel admin;
    char name[16];
    unsigned pages = 0, users = 0;
    uint64_t after = 0;
    setup();
    admin = world_admin(&x);
    for (unsigned i = 0; i < 2 * USER_PAGE_MAX; i++) {
        snprintf(name, sizeof name, "user_%u", i);
        world_add(&x, name, ROLE_CRYPTO_USER, "password");
    }
    do {
        ck_assert_int_eq(world_list(&x, &admin, after), ERR_OK);
        ck_assert_uint_le(x.n_listed, USER_PAGE_MAX);
        users += x.n_listed;
        after = x.next_after_id;
        pages++;
    } while (after != 0);
    ck_assert_uint_eq(users, 2 * USER_PAGE_MAX + 1);
    ck_assert_uint_eq(pages, 3);
    teardown();
}
END_TEST

START_TEST(test_node_is_granted_once)
{
    struct fake_channel admin;
    size_t records;
    setup();
    admin = world_admin(&x);
    ck_assert_int_eq(world_grant(&x, &admin, 31), ERR_ARGUMENTS);
    records = x.fake.n_records;
    ck_assert_int_eq(world_grant(&x, &admin, 32), ERR_OK);
    ck_assert_int_eq(world_grant(&x, &admin, 32), ERR_OK);
    ck_assert_uint_eq(x.fake.n_records, records + 1);
    teardown();
}
END_TEST

/* ---- who may ------------------------------------------------------------------------------------------------------ */

START_TEST(test_roles_decide_who_may)
{
    struct fake_channel admin, alice, nobody;
    setup();
    admin = world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    nobody = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(world_create(&x, &alice, "bob", "crypto-user", "password"), ERR_PERMISSION);
    ck_assert_int_eq(world_create(&x, &nobody, "bob", "crypto-user", "password"), ERR_NOT_LOGGED_IN);
    ck_assert_int_eq(world_sign(&x, &admin), ERR_PERMISSION);
    ck_assert_int_eq(world_sign(&x, &nobody), ERR_NOT_LOGGED_IN);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_OK);
    ck_assert_int_eq(world_list(&x, &nobody, 0), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_name_password_and_role_fail_alike)
{
    struct fake_channel c;
    size_t commands;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    c = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &c, "mallory", "password", false), ERR_PIN_INCORRECT); /* makes its bucket */
    commands = x.fake.commands;
    ck_assert_int_eq(world_login(&x, &c, "mallory", "password", false), ERR_PIN_INCORRECT);
    commands = x.fake.commands - commands;
    for (unsigned i = 0; i < 3; i++) {
        size_t before = x.fake.commands;
        ck_assert_int_eq(world_login(&x, &c, "alice", i == 0 ? "passwort" : i == 1 ? "" : "password", i == 2), ERR_PIN_INCORRECT);
        ck_assert_uint_eq(x.fake.commands - before, commands);
    }
    ck_assert_int_eq(world_login(&x, &c, "no such form!", "password", false), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_login(&x, &c, "", "", false), ERR_PIN_INCORRECT);
    ck_assert_uint_eq(c.login.user_id, 0);
    ck_assert_int_eq(world_login(&x, &c, "ALICE", "password", false), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_locked_client_is_refused_and_its_open_login_works_on)
{
    struct fake_channel alice, c;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    c = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(world_login(&x, &c, "alice", "wrong", false), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_PIN_LOCKED);
    ck_assert_int_eq(world_list(&x, &c, 0), ERR_OK);
    ck_assert_str_eq(x.listed, "admin=admin alice=crypto-user,locked ");
    ck_assert_int_eq(world_sign(&x, &alice), ERR_OK);
    x.client = x.signer = 1; /* another certificate */
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_admins_change_unlocks_and_ends_logins)
{
    struct fake_channel admin, alice, c;
    setup();
    admin = world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    c = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(world_login(&x, &c, "alice", "wrong", false), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_change(&x, &admin, "alice", "", "new password"), ERR_OK);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_TICKET);
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_login(&x, &c, "alice", "new password", false), ERR_OK);
    ck_assert_int_eq(world_change(&x, &admin, "bob", "", "new password"), ERR_USER_UNKNOWN);
    ck_assert_int_eq(world_change(&x, &c, "admin", "", "new password"), ERR_PERMISSION);
    teardown();
}
END_TEST

START_TEST(test_own_password_is_changed_against_the_old_one)
{
    struct fake_channel alice, other;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    other = world_channel(&x, 1);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(world_login(&x, &other, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(world_change(&x, &alice, "", "wrong", "new password"), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_change(&x, &alice, "", "password", "short"), ERR_PIN_LEN);
    ck_assert_int_eq(world_change(&x, &alice, "Alice", "password", "new password"), ERR_OK);
    ck_assert_int_eq(world_sign(&x, &other), ERR_TICKET);
    ck_assert_int_eq(world_resume(&x, &alice), ERR_OK); /* with the ticket of the answer */
    ck_assert_int_eq(world_sign(&x, &alice), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_old_password_is_no_place_to_guess)
{
    struct fake_channel alice;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(world_change(&x, &alice, "", "wrong", "new password"), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_change(&x, &alice, "", "password", "new password"), ERR_PIN_LOCKED);
    teardown();
}
END_TEST

START_TEST(test_admin_who_names_himself_needs_his_old_password)
{
    struct fake_channel admin;
    setup();
    admin = world_admin(&x);
    ck_assert_int_eq(world_change(&x, &admin, "admin", "", "new password"), ERR_ARGUMENTS);
    ck_assert_int_eq(world_change(&x, &admin, "admin", "wrong", "new password"), ERR_PIN_INCORRECT);
    ck_assert_int_eq(world_change(&x, &admin, "admin", "password", "new password"), ERR_OK);
    teardown();
}
END_TEST

/* ---- tickets ------------------------------------------------------------------------------------------------------ */

START_TEST(test_ticket_goes_on_at_another_vault)
{
    struct fake_channel alice, there;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    there = world_channel(&x, 2);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(world_resume(&x, &there), ERR_OK);
    ck_assert_int_eq(world_sign(&x, &there), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_ticket_needs_its_secret_on_this_very_channel)
{
    struct fake_channel alice, there;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    there = world_channel(&x, 2);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    memcpy(x.mac_hash, alice.hash, sizeof x.mac_hash); /* a MAC that was heard on another channel */
    x.other_hash = true;
    ck_assert_int_eq(world_resume(&x, &there), ERR_TICKET);
    x.other_hash = false;
    x.k[0] ^= 1;
    ck_assert_int_eq(world_resume(&x, &there), ERR_TICKET);
    x.k[0] ^= 1;
    x.ticket[x.ticket_n / 2] ^= 1;
    ck_assert_int_eq(world_resume(&x, &there), ERR_TICKET);
    x.ticket_n = 0;
    ck_assert_int_eq(world_resume(&x, &there), ERR_TICKET);
    ck_assert_uint_eq(there.login.user_id, 0);
    teardown();
}
END_TEST

START_TEST(test_deleted_user_ends_a_login)
{
    struct fake_channel admin, alice;
    setup();
    admin = world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(world_delete(&x, &admin, "alice"), ERR_OK);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_TICKET);
    ck_assert_int_eq(world_list(&x, &alice, 0), ERR_TICKET); /* told once, */
    ck_assert_uint_eq(alice.login.user_id, 0);
    ck_assert_int_eq(world_list(&x, &alice, 0), ERR_OK); /* and then anybody */
    ck_assert_int_eq(world_resume(&x, &alice), ERR_TICKET);
    teardown();
}
END_TEST

START_TEST(test_revoked_anchor_ends_a_login_and_another_one_does_not)
{
    struct fake_channel alice;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    alice = world_channel(&x, 0);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_OK);
    world_anchors(&x, true, true);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_OK);
    world_anchors(&x, true, false);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_OK);
    ck_assert_int_eq(world_resume(&x, &alice), ERR_OK);
    world_anchors(&x, false, true);
    ck_assert_int_eq(world_sign(&x, &alice), ERR_TICKET);
    ck_assert_int_eq(world_resume(&x, &alice), ERR_TICKET);
    ck_assert_int_eq(world_login(&x, &alice, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    teardown();
}
END_TEST

/* ---- certificates ------------------------------------------------------------------------------------------------- */

START_TEST(test_login_needs_a_certificate_under_an_anchor_and_its_key)
{
    struct fake_channel c;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    c = world_channel(&x, 0);
    x.client = WORLD_STRANGER;
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    x.client = WORLD_NO_CERTIFICATE;
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    x.client = 0;
    x.signer = 1; /* the certificate of one, the key of another */
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    x.signer = 0;
    x.other_hash = true; /* a signature that was heard on another channel */
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    x.other_hash = false;
    fake_own_ms += UINT64_C(86400000);
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    fake_own_ms -= UINT64_C(86400000);
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_rsa_client_signs_with_pss)
{
    struct fake_channel c;
    setup();
    world_admin(&x);
    world_add(&x, "alice", ROLE_CRYPTO_USER, "password");
    c = world_channel(&x, 0);
    x.client = x.signer = WORLD_RSA;
    ck_assert_int_eq(world_login(&x, &c, "alice", "password", false), ERR_OK);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_nothing_but_activation_is_served_before_it, &test_cluster_is_activated_once,
        &test_of_two_who_activate_at_once_one_wins, &test_uninitialized_cluster_is_not_activated,
        &test_admin_creates_lists_and_deletes_users, &test_no_user_is_made_under_an_id_that_is_taken,
        &test_password_epochs_of_users_do_not_begin_alike, &test_forms_of_new_users_are_checked,
        &test_a_name_is_given_once_however_many_ask_at_the_same_time, &test_repeated_creation_makes_one_user,
        &test_last_admin_and_oneself_are_not_deleted, &test_two_admins_who_delete_each_other_leave_one,
        &test_user_who_owns_keys_is_not_deleted, &test_list_comes_in_pages, &test_node_is_granted_once, &test_roles_decide_who_may,
        &test_name_password_and_role_fail_alike, &test_locked_client_is_refused_and_its_open_login_works_on,
        &test_admins_change_unlocks_and_ends_logins, &test_own_password_is_changed_against_the_old_one,
        &test_old_password_is_no_place_to_guess, &test_admin_who_names_himself_needs_his_old_password,
        &test_ticket_goes_on_at_another_vault, &test_ticket_needs_its_secret_on_this_very_channel, &test_deleted_user_ends_a_login,
        &test_revoked_anchor_ends_a_login_and_another_one_does_not, &test_login_needs_a_certificate_under_an_anchor_and_its_key,
        &test_rsa_client_signs_with_pss, NULL};
    return suite_of("access", 60, tests);
}
