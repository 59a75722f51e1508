#include "tests/unit/call_shape.h"

#include <string.h>

enum { KIND_ANY = 0, KIND_WRITE = 1 };

static const struct call_shape calls[] = {
#define FUNCTION(version, name, needs, who, session)                                                                     \
    {"C_" #name,         CALL_##needs, CALL_##who,                                                                       \
     KIND_##session,     NULL,         (CK_RV(*)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, \
                                             CK_ULONG, CK_ULONG, CK_ULONG))(void (*)(void))C_##name},
#include "module/entry/function.def"
#undef FUNCTION
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static const struct {
    const char *shape;
    const char *names; /* without C_, blanks between them */
} shapes[] = {
    {"V", " Initialize Finalize "},
    {"P", " GetInfo GetFunctionList "},
    {"vON", " GetSlotList "},
    {"lP", " GetSlotInfo GetTokenInfo "},
    {"lON", " GetMechanismList "},
    {"lvP", " GetMechanismInfo "},
    {"lInI", " InitToken "},
    {"sIn", " InitPIN DigestUpdate SignUpdate VerifyUpdate VerifyFinal SeedRandom VerifySignature VerifySignatureUpdate "},
    {"sInIn", " SetPIN Verify "},
    {"lvVVP", " OpenSession "},
    {"s", " CloseSession Logout FindObjectsFinal GetFunctionStatus CancelFunction MessageEncryptFinal MessageDecryptFinal "
          "MessageSignFinal MessageVerifyFinal VerifySignatureFinal "},
    {"l", " CloseAllSessions "},
    {"sP", " GetSessionInfo "},
    {"sON", " GetOperationState EncryptFinal DecryptFinal DigestFinal SignFinal "},
    {"sInoo", " SetOperationState "},
    {"svIn", " Login "},
    {"sACH", " CreateObject "},
    {"soACH", " CopyObject "},
    {"so", " DestroyObject DigestKey "},
    {"soP", " GetObjectSize "},
    {"soAC", " GetAttributeValue SetAttributeValue "},
    {"sAC", " FindObjectsInit "},
    {"sOvP", " FindObjects "},
    {"smo", " EncryptInit DecryptInit SignInit SignRecoverInit VerifyInit VerifyRecoverInit MessageEncryptInit MessageDecryptInit "
            "MessageSignInit MessageVerifyInit "},
    {"sInON", " Encrypt EncryptUpdate Decrypt DecryptUpdate Digest Sign SignRecover VerifyRecover DigestEncryptUpdate "
              "DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate "},
    {"sm", " DigestInit "},
    {"smACH", " GenerateKey "},
    {"smACACHH", " GenerateKeyPair "},
    {"smooON", " WrapKey "},
    {"smoInACH", " UnwrapKey "},
    {"smoACH", " DeriveKey "},
    {"sOn", " GenerateRandom "},
    {"vPV", " WaitForSlotEvent "},
    {"ON", " GetInterfaceList "},
    {"VVPv", " GetInterface "},
    {"svInIn", " LoginUser "},
    {"sv", " SessionCancel "},
    {"sJnInInON", " EncryptMessage DecryptMessage "},
    {"sJnIn", " EncryptMessageBegin DecryptMessageBegin "},
    {"sJnInONv", " EncryptMessageNext DecryptMessageNext "},
    {"sJnInON", " SignMessage SignMessageNext "},
    {"sJn", " SignMessageBegin VerifyMessageBegin "},
    {"sJnInIn", " VerifyMessage VerifyMessageNext "},
    {"smoACONH", " EncapsulateKey "},
    {"smoACInH", " DecapsulateKey "},
    {"smoIn", " VerifySignatureInit "},
    {"svP", " GetSessionValidationFlags "},
    {"sIP", " AsyncComplete AsyncGetID "},
    {"sIvIn", " AsyncJoin "},
    {"smooInON", " WrapKeyAuthenticated "},
    {"smoInACInH", " UnwrapKeyAuthenticated "},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static const char *shape_of(const char *name)
{
    size_t n = strlen(name += strlen("C_"));

    for (size_t i = 0; i < SHAPES; i++)
        for (const char *at = shapes[i].names; (at = strstr(at, name)) != NULL; at += n)
            if (at[-1] == ' ' && at[n] == ' ')
                return shapes[i].shape;
    return NULL;
}

const struct call_shape *call_shape_at(size_t position)
{
    static struct call_shape with_shapes[CALLS];

    if (position >= CALLS)
        return NULL;
    with_shapes[position] = calls[position];
    with_shapes[position].shape = shape_of(calls[position].name);
    return &with_shapes[position];
}

const struct call_shape *call_shape_find(const char *name)
{
    for (size_t i = 0; i < CALLS; i++)
        if (strcmp(calls[i].name, name) == 0)
            return call_shape_at(i);
    return NULL;
}

CK_RV call_with(const struct call_shape *c, const CK_ULONG a[CALL_ARGUMENTS_MAX])
{
    return c->function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}
