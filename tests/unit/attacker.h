/* What the files of the attack search have in common (tests/unit/test_api_attack.c): the attacker's chances, his keys,
 * and what he learns. */
#ifndef CLUSTERHSM_TESTS_UNIT_ATTACKER_H
#define CLUSTERHSM_TESTS_UNIT_ATTACKER_H

#include <stdbool.h>

#include "proto/policy.h"
#include "tests/unit/attack_outside.h"

struct attacker {
    CK_SESSION_HANDLE session;
    enum policy policy;
    CK_OBJECT_HANDLE own_aes;     /* outside_key */
    CK_OBJECT_HANDLE block;       /* the other protected value */
    CK_OBJECT_HANDLE own_value;   /* attack_known_value */
    CK_OBJECT_HANDLE own_rsa, own_curve; /* public keys whose private halves he has outside */
    CK_OBJECT_HANDLE trusted;     /* an AES key that an admin has trusted */
    CK_OBJECT_HANDLE trusted_curve; /* a public key, the same */
    CK_OBJECT_HANDLE templated;   /* an AES key whose CKA_UNWRAP_TEMPLATE and CKA_DERIVE_TEMPLATE close all that it makes */
    CK_OBJECT_HANDLE closed_curve; /* a private key that is not to be read, and derives */
    CK_OBJECT_HANDLE asking;      /* a private key whose CKA_ALWAYS_AUTHENTICATE is true: he has no password */
    /* There with attack_later: */
    CK_OBJECT_HANDLE closed_field; /* a private key of Diffie-Hellman whose number is the first protected value, and derives */
    CK_OBJECT_HANDLE domain;       /* its domain parameters */
    CK_OBJECT_HANDLE one_time;     /* a key of one-time passwords, the same value */
    CK_OBJECT_HANDLE verifies, verifies_aes; /* keys that derive what is closed, and verify */
    CK_OBJECT_HANDLE trusted_stream; /* a CKK_CHACHA20 key that an admin has trusted */
};
extern struct attacker attacker;
extern CK_BYTE attack_known_value[SECRET_BYTES];

/* Whether what came later is among the moves: where it is not, the calls are those of the table in docs/decisions/009. */
extern bool attack_later;

unsigned attack_chance(unsigned below);

/* The search has found something. */
void attack_leak(const char *how);

/* Looks through bytes that he got. */
void attack_learn(const CK_BYTE *bytes, CK_ULONG n, const char *how);

/* A key that a call has made: is read, tried out, and stays among his keys. */
void attack_keep(CK_OBJECT_HANDLE key);
void attack_accepted(void);

/* The first protected key, and any of the keys that there are. */
CK_OBJECT_HANDLE attack_protected(void);
CK_OBJECT_HANDLE attack_any(void);

/* A template by chance; class: CKA_CLASS and CKA_KEY_TYPE of a secret key too. length: CKA_VALUE_LEN too, perhaps. Good until
 * the next call. */
struct attack_flags {
    CK_ATTRIBUTE t[14];
    CK_BBOOL truth[14];
    CK_ULONG n, length;
    CK_KEY_TYPE type;
};
struct attack_flags *attack_template(bool class, bool length);

/* ... and CKA_PRIVATE in turns, false or true, or not. Takes no chance, so the calls stay those of docs/decisions/009. */
struct attack_flags *attack_private_or_not(struct attack_flags *g);

/* A key that its maker, or the policy, closes: its flags are looked at. */
void attack_is_closed(CK_OBJECT_HANDLE key, const char *otherwise);

/* How closed a key is, and what a call makes keys of, as it was before the call. */
struct attack_closed {
    CK_BBOOL sensitive, extractable, with_trusted;
};
enum { ATTACK_INPUTS_MAX = 3 };
struct attack_inputs {
    struct attack_closed was[ATTACK_INPUTS_MAX];
    bool known[ATTACK_INPUTS_MAX], templated, closed;
    size_t n;
};
void attack_input(struct attack_inputs *in, CK_OBJECT_HANDLE key);

/* What was made of them: no less closed where it inherits, or a template of theirs says so. */
void attack_as_closed(const struct attack_inputs *in, bool inherits, CK_OBJECT_HANDLE made);

/* What is drawn for a derivation, in one order, whatever it makes of that. */
struct attack_drawn {
    CK_OBJECT_HANDLE other;
    CK_ULONG bit;
    CK_KEY_DERIVATION_STRING_DATA text;
};

/* A row of attack_derive's: which keys it is made of, and with what. Good until the next call. */
CK_OBJECT_HANDLE attack_field_base(void);
CK_MECHANISM attack_field_number(CK_MECHANISM_TYPE type, struct attack_drawn *d, struct attack_inputs *in);

/* Moves. */
void attack_derive(void);
void attack_wrap(void);
void attack_unwrap(void);
void attack_cipher(void);
void attack_encapsulate(void);
void attack_group(void);
void attack_ask(void);
void attack_one_time(void); /* beside the others: it has no chances */
void attack_old(void);
void attack_ike(void);
void attack_ssh(void);
void attack_public_half(void);
void attack_field(void);
void attack_oracle(void);

/* Something that was wrapped, or NULL, and how. */
struct blob *attack_blob(void);
CK_MECHANISM attack_blob_mechanism(struct blob *b);

/* No more was wrapped than the protected key, by the templated one, whose value this is. */
void attack_wrap_begin(const CK_BYTE *templated, CK_ULONG n);

/* What SSH makes of the templated key is closed by its template. */
void attack_ssh_begin(const CK_BYTE *templated, CK_ULONG n);

/* The key that asks, made anew with each search; extractable: where the policy does not let it go out. Cleared at the end. */
void attack_asking_begin(CK_BBOOL extractable);
void attack_asking_end(void);

/* A key of one-time passwords whose value is the first protected one. */
void attack_one_time_begin(CK_BBOOL extractable);

void attack_field_begin(CK_BBOOL extractable, CK_BBOOL with_trusted);
void attack_oracle_begin(void);

#endif
