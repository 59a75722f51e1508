#include "module/state/builtin.h"

#include <stdio.h>

#include "common/big_endian.h"

enum { VALUES = 9, ULONG_BYTES = 8, UNIQUE_ID_TEXT = 32 };

static const CK_ULONG profiles[BUILTINS] = {CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN};

/* Above those of all session objects that a process can ever have. */
static const CK_OBJECT_HANDLE first = (CK_OBJECT_HANDLE)1 << 62;

static enum err make_profile(CK_ULONG profile, struct known **out)
{
    static const uint8_t yes = 1, no = 0;
    uint8_t object_class[ULONG_BYTES], id[ULONG_BYTES];
    char unique_id[UNIQUE_ID_TEXT];
    Hsm__Object wire = HSM__OBJECT__INIT;
    Hsm__Attribute attributes[VALUES], *list[VALUES];
    const struct {
        CK_ATTRIBUTE_TYPE type;
        const void *value;
        size_t n;
    } values[VALUES] = {
        {CKA_CLASS, object_class, ULONG_BYTES}, {CKA_TOKEN, &yes, 1},      {CKA_PRIVATE, &no, 1},
        {CKA_LABEL, NULL, 0},                   {CKA_MODIFIABLE, &no, 1},  {CKA_COPYABLE, &no, 1},
        {CKA_DESTROYABLE, &no, 1},              {CKA_PROFILE_ID, id, ULONG_BYTES},
        {CKA_UNIQUE_ID, unique_id, (size_t)snprintf(unique_id, sizeof unique_id, "profile-%lu", profile)},
    };

    u64_put(object_class, CKO_PROFILE);
    u64_put(id, profile);
    for (size_t i = 0; i < VALUES; i++) {
        hsm__attribute__init(&attributes[i]);
        attributes[i].type = values[i].type;
        attributes[i].value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)values[i].value, .len = values[i].n}; /* only read */
        list[i] = &attributes[i];
    }
    wire.attributes = list;
    wire.n_attributes = VALUES;
    return known_from_wire(&wire, out);
}

bool builtin_init(struct builtin *b)
{
    bool ok = true;

    *b = (struct builtin){.objects = {NULL}};
    for (size_t i = 0; i < BUILTINS; i++)
        ok = make_profile(profiles[i], &b->objects[i]) == ERR_OK && ok;
    return ok;
}

void builtin_clear(struct builtin *b)
{
    for (size_t i = 0; i < BUILTINS; i++)
        known_release(b->objects[i]);
    *b = (struct builtin){.objects = {NULL}};
}

struct known *builtin_find(const struct builtin *b, CK_OBJECT_HANDLE handle)
{
    return handle >= first && handle - first < BUILTINS ? known_hold(b->objects[handle - first]) : NULL;
}

size_t builtin_match(const struct builtin *b, const struct template *t, CK_OBJECT_HANDLE out[BUILTINS])
{
    size_t n = 0;

    for (size_t i = 0; i < BUILTINS; i++)
        if (template_fits(t, b->objects[i]))
            out[n++] = first + i;
    return n;
}
