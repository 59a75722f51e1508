/* Why the module refused a call by itself, for its log: what the cluster refuses comes with its reason (cluster_ask.c), what never gets
 * there would be a bare number in the application. At the level of a caller's mistakes, LOG_INFO. */
#ifndef CLUSTERHSM_MODULE_STATE_REFUSAL_H
#define CLUSTERHSM_MODULE_STATE_REFUSAL_H

#include "proto/error.h"
#include "proto/pkcs11.h"

/* Gives e, which is an error, back. No secret belongs into the text. */
enum err refusal(enum err e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What an operation of a mechanism does: "sign" for CKF_SIGN, "generate pairs" for CKF_GENERATE_KEY_PAIR. */
const char *refusal_verb(CK_FLAGS operation);

#endif
