#include "proto/error.h"

#include "proto/pkcs11.h"

struct row {
    const char *name;
    const char *text;
    CK_RV rv;
    enum err_kind kind;
};

static const struct row rows[ERR_N] = {
#define ERROR(name, kind, rv, text) [ERR_##name] = {#name, text, rv, ERR_KIND_##kind},
#include "proto/error.def"
#undef ERROR
};

static const struct row *row_of(enum err e)
{
    return &rows[(unsigned)e < ERR_N ? e : ERR_BUG];
}

enum err_kind err_kind(enum err e)
{
    return row_of(e)->kind;
}

const char *err_name(enum err e)
{
    return row_of(e)->name;
}

const char *err_text(enum err e)
{
    return row_of(e)->text;
}

unsigned long err_to_rv(enum err e)
{
    return row_of(e)->rv;
}

enum err err_from_wire(uint32_t number)
{
    return number < ERR_N ? (enum err)number : ERR_BUG;
}
