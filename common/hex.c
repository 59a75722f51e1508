#include "common/hex.h"

#include <string.h>

void hex_encode(const void *bytes, size_t n, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++) {
        *text++ = digits[from[i] >> 4];
        *text++ = digits[from[i] & 15];
    }
    *text = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, uint8_t *bytes, size_t room, size_t *n)
{
    size_t digits = strlen(text);
    if (digits % 2 != 0 || digits / 2 > room)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (digit_value(text[i]) < 0)
            return false;
    for (size_t i = 0; i < digits / 2; i++)
        bytes[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    *n = digits / 2;
    return true;
}
