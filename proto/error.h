/* The errors of everything in and above proto/: one list, in error.def.
 *
 * The layer that knows the cause chooses the error; nobody above renames it; the module turns it into a CK_RV here and
 * only here. A message for people adds what was wrong in particular through struct diag (common/diag.h). */
#ifndef CLUSTERHSM_PROTO_ERROR_H
#define CLUSTERHSM_PROTO_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum err {
#define ERROR(name, kind, rv, text) ERR_##name,
#include "proto/error.def"
#undef ERROR
    ERR_N
};

/* What the one who asked may do about it. */
enum err_kind {
    ERR_KIND_NONE,    /* not an error for anybody outside */
    ERR_KIND_CALLER,  /* the request was wrong: change it */
    ERR_KIND_STATE,   /* right request, wrong moment */
    ERR_KIND_AUTH,    /* who asks may not */
    ERR_KIND_LIMIT,   /* a bound is reached */
    ERR_KIND_BUSY,    /* the same again, a little later, may succeed */
    ERR_KIND_LOST,    /* the same again at another node, or on a new connection, may succeed */
    ERR_KIND_CORRUPT, /* data failed its check: an operator must look */
    ERR_KIND_BUG      /* ours */
};

enum err_kind err_kind(enum err e);
const char *err_name(enum err e);           /* "PIN_LOCKED"; never NULL */
const char *err_text(enum err e);           /* one sentence for people; never NULL */
unsigned long err_to_rv(enum err e);        /* the CK_RV the module answers */
enum err err_from_wire(uint32_t number);    /* a number we do not know is ERR_BUG */

#endif
