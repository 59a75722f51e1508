/* Key management (PKCS #11 2.40 section 5.14). */
#include "module/entry/guard.h"
#include "module/state/deriving.h"
#include "module/state/keys.h"
#include "module/state/wrapping.h"

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *array, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};

    GUARDED(GenerateKey, session,
            mechanism == NULL || key == NULL ? CKR_ARGUMENTS_BAD : keys_generate(c.module, c.session, mechanism, t, key));
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_array, CK_ULONG public_count,
                        CK_ATTRIBUTE *private_array, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    struct keys_template public_half = {.array = public_array, .n = public_count};
    struct keys_template private_half = {.array = private_array, .n = private_count};

    GUARDED(GenerateKeyPair, session,
            mechanism == NULL || public_key == NULL || private_key == NULL
                ? CKR_ARGUMENTS_BAD
                : keys_generate_pair(c.module, c.session, mechanism, public_half, private_half, public_key, private_key));
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE *wrapped,
                CK_ULONG *wrapped_bytes)
{
    const struct wrapping_keys keys = {.wrapping = wrapping_key, .target = key};

    GUARDED(WrapKey, session,
            mechanism == NULL || wrapped_bytes == NULL ? CKR_ARGUMENTS_BAD
                                                       : wrapping_wrap(c.module, mechanism, keys, NULL, wrapped, wrapped_bytes));
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *wrapped,
                  CK_ULONG wrapped_bytes, CK_ATTRIBUTE *array, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};
    struct wrapping_bytes given = {.bytes = wrapped, .n = wrapped_bytes};

    GUARDED(UnwrapKey, session,
            mechanism == NULL || wrapped == NULL || key == NULL
                ? CKR_ARGUMENTS_BAD
                : wrapping_unwrap(c.module, c.session, mechanism, unwrapping_key, given, NULL, t, key));
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key, CK_ATTRIBUTE *array, CK_ULONG count,
                  CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};

    GUARDED(DeriveKey, session, mechanism == NULL ? CKR_ARGUMENTS_BAD : deriving_run(c.module, c.session, mechanism, base_key, t, key));
}

CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
                             CK_BYTE *aad, CK_ULONG aad_bytes, CK_BYTE *wrapped, CK_ULONG *wrapped_bytes)
{
    const struct wrapping_keys keys = {.wrapping = wrapping_key, .target = key};
    const struct wrap_associated associated = {.bytes = aad, .n = aad_bytes};

    GUARDED(WrapKeyAuthenticated, session,
            mechanism == NULL || wrapped_bytes == NULL || (aad == NULL && aad_bytes > 0)
                ? CKR_ARGUMENTS_BAD
                : wrapping_wrap(c.module, mechanism, keys, &associated, wrapped, wrapped_bytes));
}

CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *wrapped,
                               CK_ULONG wrapped_bytes, CK_ATTRIBUTE *array, CK_ULONG count, CK_BYTE *aad, CK_ULONG aad_bytes,
                               CK_OBJECT_HANDLE *key)
{
    struct keys_template t = {.array = array, .n = count};
    struct wrapping_bytes given = {.bytes = wrapped, .n = wrapped_bytes};
    const struct wrap_associated associated = {.bytes = aad, .n = aad_bytes};

    GUARDED(UnwrapKeyAuthenticated, session,
            mechanism == NULL || wrapped == NULL || key == NULL || (aad == NULL && aad_bytes > 0)
                ? CKR_ARGUMENTS_BAD
                : wrapping_unwrap(c.module, c.session, mechanism, unwrapping_key, given, &associated, t, key));
}
