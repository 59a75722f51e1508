#include "vault/object/session_object.h"

#include "common/big_endian.h"
#include "vault/sealed.h"

enum { USER_BYTES = 8 };

static struct gcm_aad user_aad(uint64_t user_id, uint8_t bytes[USER_BYTES])
{
    u64_put(bytes, user_id);
    return (struct gcm_aad){.bytes = bytes, .n = USER_BYTES};
}

enum err session_object_seal(const struct master *m, uint64_t user_id, const struct object *o, struct buffer *out)
{
    uint8_t user[USER_BYTES];
    struct secret text = {0};
    enum err e = object_pack(o, &text);

    if (e == ERR_OK)
        e = sealed_make(m, MASTER_SESSION_OBJECT, user_aad(user_id, user), text.bytes, text.len, out);
    secret_clear(&text);
    return e;
}

enum err session_object_open(const struct master *m, uint64_t user_id, const uint8_t *sealed, size_t n,
                             struct secret *text)
{
    uint8_t user[USER_BYTES];

    return sealed_open(m, MASTER_SESSION_OBJECT, user_aad(user_id, user), sealed, n, text);
}
