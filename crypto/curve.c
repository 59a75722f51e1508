#include "crypto/curve.h"

#include <string.h>

enum { DER_OCTET_STRING = 4, POINT_UNCOMPRESSED = 4 };

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

static const struct curve rows[] = {
    {"P-256", 256, 32, p256, sizeof p256},
    {"P-384", 384, 48, p384, sizeof p384},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

const struct curve *curve_find(const void *params, size_t n)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].params_bytes == n && memcmp(rows[i].params, params, n) == 0)
            return &rows[i];
    return NULL;
}

const struct curve *curve_by_name(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const struct curve *curve_at(size_t position)
{
    return position < ROWS ? &rows[position] : NULL;
}

enum err curve_point_read(const struct curve *c, const uint8_t *value, size_t n, const uint8_t **point, size_t *point_n)
{
    size_t want = 1 + 2 * c->field_bytes;

    /* Our points are shorter than 128 bytes, so the DER length is one byte. Both forms begin with a 4; the length decides. */
    if (n == want + 2 && value[0] == DER_OCTET_STRING && value[1] == want) {
        value += 2;
        n -= 2;
    }
    if (n != want || value[0] != POINT_UNCOMPRESSED)
        return ERR_ATTRIBUTE_VALUE;
    *point = value;
    *point_n = n;
    return ERR_OK;
}

enum err curve_point_write(const uint8_t *point, size_t n, struct buffer *out)
{
    if (n > CURVE_POINT_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    buffer_put_u8(out, DER_OCTET_STRING);
    buffer_put_u8(out, (uint8_t)n);
    buffer_put(out, point, n);
    return out->failed ? ERR_NO_MEMORY : ERR_OK;
}
