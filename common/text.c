#include "common/text.h"

#include <stdlib.h>
#include <string.h>

char *text_copy_n(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *text_copy(const char *text)
{
    return text_copy_n(text, strlen(text));
}
