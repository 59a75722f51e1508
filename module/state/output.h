/* The one convention of all functions that give back bytes of variable length (PKCS #11 2.40 section 5.2). */
#ifndef CLUSTERHSM_MODULE_STATE_OUTPUT_H
#define CLUSTERHSM_MODULE_STATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

enum output {
    OUTPUT_BAD,       /* nowhere to write the length: CKR_ARGUMENTS_BAD */
    OUTPUT_SIZE,      /* no buffer: the caller asked for the length, CKR_OK */
    OUTPUT_TOO_SMALL, /* CKR_BUFFER_TOO_SMALL */
    OUTPUT_FITS       /* go on, and write */
};

/* What a call with this buffer gets, where `needed` bytes are the most that there will be. *room is set to `needed` for SIZE and
 * TOO_SMALL and left alone otherwise. */
enum output output_check(const void *buffer, CK_ULONG *room, size_t needed);

/* The answer where the call ends here; CKR_OK for FITS. */
CK_RV output_rv(enum output o);

/* True if the operation goes on after such an answer: a size query or a short buffer never ends one, everything else does. */
bool output_keeps_operation(enum output o);

#endif
