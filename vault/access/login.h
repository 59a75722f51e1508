/* Who speaks on a channel, as the vault found out by itself. Lives in the channel; all zero: nobody has logged in. */
#ifndef CLUSTERHSM_VAULT_ACCESS_LOGIN_H
#define CLUSTERHSM_VAULT_ACCESS_LOGIN_H

#include <stdint.h>

enum role { ROLE_NONE, ROLE_ADMIN, ROLE_CRYPTO_USER };

struct login {
    uint64_t user_id;        /* 0: nobody */
    enum role role;
    uint64_t password_epoch; /* the ticket's: a changed password ends it */
    uint64_t trust_epoch;    /* at which `anchor` was last found among the client anchors */
    uint8_t client[32];      /* SHA-256 of the client certificate, DER */
    uint8_t anchor[32];      /* SHA-256 of the client anchor that it holds under, DER */
};

#endif
