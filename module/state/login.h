/* Logging in and out, and passwords. One of them at a time in a process; a login is the whole process's. */
#ifndef CLUSTERHSM_MODULE_STATE_LOGIN_H
#define CLUSTERHSM_MODULE_STATE_LOGIN_H

#include "module/state/module.h"
#include "module/state/pin.h"

/* C_Login, but for CKU_CONTEXT_SPECIFIC (module/state/reauthentication.h): "user:password", or the password of the configured user.
 * C_LoginUser: the name apart. */
CK_RV login_pin(struct module *m, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG n);
CK_RV login_user(struct module *m, CK_USER_TYPE type, const CK_BYTE *name, CK_ULONG name_n, const CK_BYTE *pin, CK_ULONG n);

/* CKR_USER_NOT_LOGGED_IN. Never waits for the network. */
CK_RV login_end(struct module *m);

/* The last session was closed, which has ended the login already. */
void login_closed(struct module *m);

/* A ticket was refused that belonged to login `number`. True: there is another login by now, under which to ask again. Else the login is
 * over, and is ended here. */
bool login_is_another(struct module *m, unsigned number);

/* C_SetPIN: one's own, old and new with or without the name, which must be one's own. Also where nobody is logged in: the old PIN says who,
 * and nobody is afterwards either. */
CK_RV login_set_pin(struct module *m, const CK_BYTE *old, CK_ULONG old_n, const CK_BYTE *new, CK_ULONG new_n);

/* C_InitPIN: makes a crypto user, or gives an old one a new password. */
CK_RV login_init_pin(struct module *m, const CK_BYTE *pin, CK_ULONG n);

/* C_InitToken: the first password of the first admin, who is called "admin". A cluster that is active already is wiped, if it
 * may be, and the PIN is an admin's; there is no session then, and nobody is logged in afterwards. */
CK_RV login_init_token(struct module *m, const CK_BYTE *pin, CK_ULONG n);

#endif
