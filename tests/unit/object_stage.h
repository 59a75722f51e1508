/* Users of a whole local node (tests/unit/local_node.h) who make and use objects by requests, as the module does.
 * The real handlers of objects run in the real engine over the real store; who asks is told by a login without
 * password, so that a test takes milliseconds. */
#ifndef CLUSTERHSM_TESTS_UNIT_OBJECT_STAGE_H
#define CLUSTERHSM_TESTS_UNIT_OBJECT_STAGE_H

#include "proto/mechanism.h"
#include "tests/unit/local_node.h"
#include "tests/unit/sample_template.h"

enum who { NOBODY, ALICE, BOB, ADMIN, WHO_N };

void stage_open(void);
void stage_close(void);
struct local_node *stage_node(void);

/* Frees all replies so far, for tests that ask very often. */
void stage_forget(void);

/* Each ends the test unless the answer is `expected`. Replies live until stage_close; NULL only where there was
 * none. */
const Hsm__Reply *stage_create(enum who who, const struct sample_template *t, enum err expected);
const Hsm__Reply *stage_pair(enum who who, CK_MECHANISM_TYPE mechanism, const struct sample_template *public_template,
                             const struct sample_template *private_template, enum err expected);
const Hsm__ObjectsReply *stage_find(enum who who, const struct sample_template *t, uint64_t after, uint32_t limit);
const Hsm__Reply *stage_get(enum who who, const uint64_t *ids, size_t n, enum err expected);
void stage_destroy(enum who who, uint64_t id, enum err expected);

/* Any request. */
const Hsm__Reply *stage_ask(enum who who, const Hsm__Request *request, enum err expected);

/* A key by its object: id, or sealed record. */
Hsm__KeyRef stage_key(const Hsm__Object *o);

struct stage_use {
    Hsm__KeyRef key;
    CK_MECHANISM_TYPE mechanism;
    const CK_RSA_PKCS_PSS_PARAMS *pss;
    const uint8_t *data;
    size_t n;
};

/* The signature, borrowed; empty where another error than ERR_OK is expected. */
ProtobufCBinaryData stage_sign(enum who who, const struct stage_use *use, enum err expected);
void stage_verify(enum who who, const struct stage_use *use, ProtobufCBinaryData signature, enum err expected);

void stage_policy(enum who who, const char *policy, enum err expected);

/* The only object of a reply that has one. */
const Hsm__Object *stage_one(const Hsm__Reply *reply);

/* NULL: it is not shown. */
const ProtobufCBinaryData *stage_value(const Hsm__Object *o, CK_ATTRIBUTE_TYPE type);
bool stage_hides(const Hsm__Object *o, CK_ATTRIBUTE_TYPE type);

#endif
