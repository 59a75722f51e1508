#include "module/state/operations.h"

#include <string.h>

void operations_clear(struct operations *o)
{
    search_end(&o->search);
    digesting_end(&o->digesting);
    ciphering_end(&o->encrypting);
    ciphering_end(&o->decrypting);
    message_ciphering_end(&o->message_encrypting);
    message_ciphering_end(&o->message_decrypting);
    signing_end(&o->signing);
    signing_end(&o->verifying);
    signing_end(&o->sign_recovering);
    signing_end(&o->verify_recovering);
    signature_first_end(&o->signature_first);
    message_signing_end(&o->message_signing);
    message_signing_end(&o->message_verifying);
}

void operations_forget(struct operations *o)
{
    memset(o, 0, sizeof *o);
}

void operations_end_private(struct operations *o)
{
    search_end(&o->search);
    digesting_end_private(&o->digesting);
    ciphering_end(&o->encrypting);
    ciphering_end(&o->decrypting);
    message_ciphering_end(&o->message_encrypting);
    message_ciphering_end(&o->message_decrypting);
    signing_end(&o->signing);
    signing_end(&o->verifying);
    signing_end(&o->sign_recovering);
    signing_end(&o->verify_recovering);
    signature_first_end(&o->signature_first);
    message_signing_end(&o->message_signing);
    message_signing_end(&o->message_verifying);
}

bool operations_have_key(const struct operations *o)
{
    return o->encrypting.key != NULL || o->decrypting.key != NULL ||
           o->message_encrypting.key != NULL || o->message_decrypting.key != NULL ||
           o->signing.key != NULL || o->verifying.key != NULL || o->sign_recovering.key != NULL ||
           o->verify_recovering.key != NULL ||
           o->signature_first.verifying.key != NULL ||
           o->message_signing.pattern.key != NULL || o->message_verifying.pattern.key != NULL;
}

struct reauthentication *operations_reauthentication(struct operations *o)
{
    struct reauthentication *all[] = {&o->signing.reauthentication, &o->decrypting.reauthentication, &o->sign_recovering.reauthentication,
                                      &o->message_signing.message.reauthentication, &o->message_signing.pattern.reauthentication};
    struct reauthentication *first = NULL;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!reauthentication_done(all[i]))
            return all[i];
        if (first == NULL && all[i]->needed)
            first = all[i];
    }
    return first;
}

void operations_cancel(struct operations *o, CK_FLAGS which)
{
    if (which & CKF_FIND_OBJECTS)
        search_end(&o->search);
    if (which & CKF_DIGEST)
        digesting_end(&o->digesting);
    if (which & CKF_ENCRYPT)
        ciphering_end(&o->encrypting);
    if (which & CKF_DECRYPT)
        ciphering_end(&o->decrypting);
    if (which & CKF_SIGN)
        signing_end(&o->signing);
    if (which & CKF_VERIFY) {
        signing_end(&o->verifying);
        signature_first_end(&o->signature_first);
    }
    if (which & CKF_SIGN_RECOVER)
        signing_end(&o->sign_recovering);
    if (which & CKF_VERIFY_RECOVER)
        signing_end(&o->verify_recovering);
    if (which & CKF_MESSAGE_ENCRYPT)
        message_ciphering_end(&o->message_encrypting);
    if (which & CKF_MESSAGE_DECRYPT)
        message_ciphering_end(&o->message_decrypting);
    if (which & CKF_MESSAGE_SIGN)
        message_signing_end(&o->message_signing);
    if (which & CKF_MESSAGE_VERIFY)
        message_signing_end(&o->message_verifying);
}
