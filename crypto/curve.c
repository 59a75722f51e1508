#include "crypto/curve.h"

#include <string.h>

#include <openssl/obj_mac.h>

enum {
    DER_OCTET_STRING = 4,
    DER_PRINTABLE_STRING = 0x13,
    DER_LENGTH_FOLLOWS = 0x81, /* ... in one byte; shorter lengths than this stand there themselves */
    DER_SHORT_MAX = 127,
    DER_HEAD_BYTES_MAX = 3,
    POINT_UNCOMPRESSED = 4
};

static const uint8_t p224[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21};
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t k256[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};
static const uint8_t bp256[] = {0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07};
static const uint8_t bp384[] = {0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b};
static const uint8_t bp512[] = {0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d};
static const uint8_t x25519[] = {0x06, 0x03, 0x2b, 0x65, 0x6e};
static const uint8_t x448[] = {0x06, 0x03, 0x2b, 0x65, 0x6f};
static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t ed448[] = {0x06, 0x03, 0x2b, 0x65, 0x71};

#define WEIERSTRASS(name, printed, id, bits, field, der) \
    {name, printed, CKK_EC, NID_##id, bits, field, 1 + 2 * (field), der, sizeof(der)}
#define OTHER(name, printed, type, bits, field, der) \
    {#name, printed, CKK_EC_##type, NID_##name, bits, field, field, der, sizeof(der)}

static const struct curve rows[] = {
    WEIERSTRASS("P-224", "secp224r1", secp224r1, 224, 28, p224),
    WEIERSTRASS("P-256", "secp256r1", X9_62_prime256v1, 256, 32, p256),
    WEIERSTRASS("P-384", "secp384r1", secp384r1, 384, 48, p384),
    WEIERSTRASS("P-521", "secp521r1", secp521r1, 521, 66, p521),
    WEIERSTRASS("secp256k1", "secp256k1", secp256k1, 256, 32, k256),
    WEIERSTRASS("brainpoolP256r1", "brainpoolP256r1", brainpoolP256r1, 256, 32, bp256),
    WEIERSTRASS("brainpoolP384r1", "brainpoolP384r1", brainpoolP384r1, 384, 48, bp384),
    WEIERSTRASS("brainpoolP512r1", "brainpoolP512r1", brainpoolP512r1, 512, 64, bp512),
    OTHER(ED25519, "edwards25519", EDWARDS, 255, 32, ed25519),
    OTHER(ED448, "edwards448", EDWARDS, 448, 57, ed448),
    OTHER(X25519, "curve25519", MONTGOMERY, 255, 32, x25519),
    OTHER(X448, "curve448", MONTGOMERY, 448, 56, x448),
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* Object identifiers from before there were official ones (1.3.6.1.4.1.11591.15.1, 1.3.6.1.4.1.3029.1.5.1): some programs
 * know no others. */
static const uint8_t old_ed25519[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01};
static const uint8_t old_x25519[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01};

static const struct {
    int nid;
    const uint8_t *params;
    size_t n;
} old_names[] = {
    {NID_ED25519, old_ed25519, sizeof old_ed25519},
    {NID_X25519, old_x25519, sizeof old_x25519},
};

static bool is_printed(const struct curve *c, const uint8_t *params, size_t n)
{
    size_t len = strlen(c->printed);

    return n == len + 2 && params[0] == DER_PRINTABLE_STRING && params[1] == len && memcmp(params + 2, c->printed, len) == 0;
}

const struct curve *curve_find(const void *params, size_t n)
{
    for (size_t i = 0; i < ROWS; i++)
        if ((rows[i].params_bytes == n && memcmp(rows[i].params, params, n) == 0) || is_printed(&rows[i], params, n))
            return &rows[i];
    for (size_t i = 0; i < sizeof old_names / sizeof old_names[0]; i++)
        if (old_names[i].n == n && memcmp(old_names[i].params, params, n) == 0)
            return curve_by_nid(old_names[i].nid);
    return NULL;
}

const struct curve *curve_by_name(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const struct curve *curve_by_nid(int nid)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].nid == nid)
            return &rows[i];
    return NULL;
}

const struct curve *curve_at(size_t position)
{
    return position < ROWS ? &rows[position] : NULL;
}

/* The head of an OCTET STRING of n bytes; n is at most CURVE_POINT_BYTES_MAX. */
static size_t octet_string_head(size_t n, uint8_t out[DER_HEAD_BYTES_MAX])
{
    size_t at = 0;

    out[at++] = DER_OCTET_STRING;
    if (n > DER_SHORT_MAX)
        out[at++] = DER_LENGTH_FOLLOWS;
    out[at++] = (uint8_t)n;
    return at;
}

enum err curve_point_read(const struct curve *c, const uint8_t *value, size_t n, const uint8_t **point, size_t *point_n)
{
    uint8_t head[DER_HEAD_BYTES_MAX];
    size_t head_n = octet_string_head(c->point_bytes, head);

    /* Both forms may begin with a 4; the length decides. */
    if (n == c->point_bytes + head_n && memcmp(value, head, head_n) == 0) {
        value += head_n;
        n -= head_n;
    }
    if (n != c->point_bytes || (c->key_type == CKK_EC && value[0] != POINT_UNCOMPRESSED))
        return ERR_ATTRIBUTE_VALUE;
    *point = value;
    *point_n = n;
    return ERR_OK;
}

enum err curve_point_write(const uint8_t *point, size_t n, struct buffer *out)
{
    uint8_t head[DER_HEAD_BYTES_MAX];
    size_t head_n;

    if (n > CURVE_POINT_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    head_n = octet_string_head(n, head);
    buffer_put(out, head, head_n);
    buffer_put(out, point, n);
    return out->failed ? ERR_NO_MEMORY : ERR_OK;
}

size_t curve_point_der_bytes(size_t point_n)
{
    uint8_t head[DER_HEAD_BYTES_MAX];

    return octet_string_head(point_n, head) + point_n;
}
