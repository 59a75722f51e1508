/*
 * strdup for everything that is linked into the module, the static libraries too (the linker's --wrap sends them here).
 *
 * A program with an allocator of its own that loads us with RTLD_DEEPBIND gets two: the C library's strdup takes memory
 * from the program's, while free in here is the C library's. malloc and free of the same side are sound, so is this.
 */
#include "common/text.h"

#include <string.h>

/* The linker's names: --wrap=x calls __wrap_x for x. */
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

char *__wrap_strdup(const char *text)
{
    return text_copy(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
    return text_copy_n(text, strnlen(text, n));
}
