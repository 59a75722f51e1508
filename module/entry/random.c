/* Random numbers (PKCS #11 2.40 section 5.15) and the functions of parallel sessions, which there are none of (5.16).
 *
 * Random numbers come from this process' own generator, which the kernel seeds: no call over the network, none that can fail when the
 * cluster is away, and nobody between a program and its nonces. */
#include "module/entry/guard.h"

/* The generator needs no seed; who gives one has it mixed in. */
static CK_RV seed_random(struct module *m, const CK_BYTE *seed, CK_ULONG bytes)
{
    if (seed == NULL && bytes > 0)
        return CKR_ARGUMENTS_BAD;
    return bytes == 0 || module_seed(m, seed, bytes) ? CKR_OK : CKR_GENERAL_ERROR;
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG bytes)
{
    GUARDED(SeedRandom, session, seed_random(c.module, seed, bytes));
}

static CK_RV generate_random(struct module *m, CK_BYTE *out, CK_ULONG bytes)
{
    if (out == NULL && bytes > 0)
        return CKR_ARGUMENTS_BAD;
    return bytes == 0 || module_random(m, out, bytes) ? CKR_OK : CKR_GENERAL_ERROR;
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG bytes)
{
    GUARDED(GenerateRandom, session, generate_random(c.module, out, bytes));
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    (void)session;
    GUARDED(GetFunctionStatus, 0, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    (void)session;
    GUARDED(CancelFunction, 0, CKR_FUNCTION_NOT_PARALLEL);
}
