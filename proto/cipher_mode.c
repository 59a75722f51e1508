#include "proto/cipher_mode.h"

#include <stdio.h>

enum { AES_BLOCK_BYTES = 16, DES_BLOCK_BYTES = 8, SEMIBLOCK_BYTES = 8, XTS_TWEAK_BYTES = 16, GCM_IV_BYTES = 12,
       CHACHA20_BLOCK_BYTES = 64, CHACHA20_STATE_BYTES = 16 };

static const struct cipher_mode modes[] = {
    {.family = FAMILY_ECB, .name = "ECB", .streams = true, .whole = true},
    {.family = FAMILY_CBC, .name = "CBC", .streams = true, .whole = true},
    {.family = FAMILY_CBC_PAD, .name = "CBC", .streams = true, .pads = true},
    {.family = FAMILY_CTR, .name = "CTR", .streams = true},
    {.family = FAMILY_OFB, .name = "OFB", .streams = true},
    {.family = FAMILY_CFB, .name = "CFB", .streams = true},
    {.family = FAMILY_CFB8, .name = "CFB8", .streams = true, .by_bytes = true},
    {.family = FAMILY_CFB1, .name = "CFB1", .streams = true, .by_bytes = true}, /* eight single bits are a byte */
    {.family = FAMILY_CTS, .name = "CBC-CTS", .least = AES_BLOCK_BYTES},
    {.family = FAMILY_GCM, .name = "GCM", .tagged = true},
    {.family = FAMILY_GCM_IV_FIRST, .name = "GCM", .tagged = true, .iv_first = GCM_IV_BYTES},
    {.family = FAMILY_CCM, .name = "CCM", .tagged = true},
    {.family = FAMILY_CHACHA20, .name = "", .streams = true, .iv_bytes = CHACHA20_STATE_BYTES},
    {.family = FAMILY_CHACHA_POLY, .name = "", .tagged = true},
    {.family = FAMILY_XTS, .name = "XTS", .least = AES_BLOCK_BYTES, .iv_bytes = XTS_TWEAK_BYTES},
    {.family = FAMILY_KEY_WRAP, .name = "WRAP", .whole = true, .unit = SEMIBLOCK_BYTES, .least = 2 * SEMIBLOCK_BYTES,
     .iv_bytes = SEMIBLOCK_BYTES, .iv_may_lack = true, .longer = SEMIBLOCK_BYTES},
    {.family = FAMILY_KEY_WRAP_PAD, .name = "WRAP-PAD", .unit = SEMIBLOCK_BYTES, .least = 1, .iv_bytes = 4, .iv_may_lack = true,
     .longer = SEMIBLOCK_BYTES},
    /* Not encryption, but named by the same cipher. */
    {.family = FAMILY_CMAC, .name = "CBC"},
    {.family = FAMILY_CBC_MAC, .name = "CBC"},
    {.family = FAMILY_GMAC, .name = "GCM"},
    {.family = FAMILY_ECB_DATA, .name = "ECB"},
    {.family = FAMILY_CBC_DATA, .name = "CBC"},
};

const struct cipher_mode *cipher_mode_of(const struct mechanism *m)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (modes[i].family == m->family)
            return &modes[i];
    return NULL;
}

bool cipher_has_messages(const struct mechanism *m)
{
    const struct cipher_mode *mode = cipher_mode_of(m);

    return mode != NULL && mode->tagged && mode->iv_first == 0;
}

static bool is_des(const struct mechanism *m)
{
    return m->key_type == CKK_DES || m->key_type == CKK_DES3;
}

size_t cipher_block_bytes(const struct mechanism *m)
{
    if (m->family == FAMILY_CHACHA20)
        return CHACHA20_BLOCK_BYTES;
    return is_des(m) ? DES_BLOCK_BYTES : AES_BLOCK_BYTES;
}

void cipher_name(const struct mechanism *m, size_t key_bytes, char out[CIPHER_NAME_BYTES])
{
    const struct cipher_mode *mode = cipher_mode_of(m);

    out[0] = '\0';
    if (mode == NULL)
        return;
    if (m->key_type == CKK_CHACHA20)
        snprintf(out, CIPHER_NAME_BYTES, m->family == FAMILY_CHACHA20 ? "ChaCha20" : "ChaCha20-Poly1305");
    else if (is_des(m))
        snprintf(out, CIPHER_NAME_BYTES, "DES-EDE3-%s", mode->name);
    else
        snprintf(out, CIPHER_NAME_BYTES, "AES-%zu-%s", (m->key_type == CKK_AES_XTS ? key_bytes / 2 : key_bytes) * 8, mode->name);
}

size_t cipher_encrypted_bytes(const struct mechanism *m, size_t tag_bytes, size_t n)
{
    const struct cipher_mode *mode = cipher_mode_of(m);
    size_t block = cipher_block_bytes(m);

    if (mode == NULL)
        return n;
    if (mode->pads)
        return (n / block + 1) * block;
    if (mode->tagged)
        return mode->iv_first + n + tag_bytes;
    return (mode->unit > 0 ? (n + mode->unit - 1) / mode->unit * mode->unit : n) + mode->longer;
}

size_t cipher_decrypted_bytes_max(const struct mechanism *m, size_t tag_bytes, size_t n)
{
    const struct cipher_mode *mode = cipher_mode_of(m);
    size_t longer = mode == NULL ? 0 : mode->tagged ? mode->iv_first + tag_bytes : mode->pads ? 1 : mode->longer;

    return n > longer ? n - longer : 0;
}

static enum cipher_counter add_to_last(uint8_t *block, size_t block_bytes, unsigned bits, uint64_t blocks)
{
    uint64_t carry = blocks;
    bool zero = true;

    for (size_t i = block_bytes; i-- > 0 && bits > 0;) {
        unsigned used = bits < 8 ? bits : 8, mask = (1u << used) - 1;
        uint64_t sum = (block[i] & mask) + (carry & mask);
        block[i] = (uint8_t)((block[i] & ~mask) | (sum & mask));
        carry = (carry >> used) + (sum >> used);
        zero = zero && (sum & mask) == 0;
        bits -= used;
    }
    if (carry == 0)
        return COUNTER_GOES_ON;
    return carry == 1 && zero ? COUNTER_END : COUNTER_BEYOND;
}

/* RFC 8439 section 2.3: the counter, of 32 or 64 bits, stands in the state in little endian, whatever PKCS #11 does not say of it. */
static enum cipher_counter add_to_first(uint8_t *state, unsigned bits, uint64_t blocks)
{
    uint64_t now = 0, last = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX, sum;
    size_t n = bits / 8;

    for (size_t i = n; i-- > 0;)
        now = now << 8 | state[i];
    sum = (now + blocks) & last;
    for (size_t i = 0; i < n; i++)
        state[i] = (uint8_t)(sum >> (8 * i));
    if (blocks <= last - now)
        return COUNTER_GOES_ON;
    return blocks - 1 == last - now ? COUNTER_END : COUNTER_BEYOND;
}

enum cipher_counter cipher_counter_move(const struct mechanism *m, uint8_t *vector, unsigned bits, uint64_t blocks)
{
    return m->family == FAMILY_CHACHA20 ? add_to_first(vector, bits, blocks)
                                        : add_to_last(vector, cipher_block_bytes(m), bits, blocks);
}

bool cipher_has_counter(const struct mechanism *m)
{
    return m->family == FAMILY_CTR || m->family == FAMILY_CHACHA20;
}
