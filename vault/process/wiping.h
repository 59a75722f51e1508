/* What OpenSSL gives back is wiped: private numbers are in freed heap else (temporaries of the decoder, of signing, of key derivation). */
#ifndef CLUSTERHSM_VAULT_PROCESS_WIPING_H
#define CLUSTERHSM_VAULT_PROCESS_WIPING_H

#include <stdbool.h>

/* The first call to OpenSSL of the process. False: something has called it before, and it stays as it was. */
bool wiping_begin(void);

#endif
