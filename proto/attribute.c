#include "proto/attribute.h"

#include <string.h>

#include "common/big_endian.h"
#include "proto/limits.h"

#define ALL (CLASS_DATA | CLASS_CERT | CLASS_PUBLIC | CLASS_PRIVATE | CLASS_SECRET | CLASS_OTP | CLASS_DOMAIN)
#define KEYS (CLASS_PUBLIC | CLASS_PRIVATE | CLASS_SECRET | CLASS_OTP)
#define DATA CLASS_DATA
#define CERT CLASS_CERT
#define PUBLIC CLASS_PUBLIC
#define PRIVATE CLASS_PRIVATE
#define SECRET CLASS_SECRET
#define OTP CLASS_OTP
#define DOMAIN CLASS_DOMAIN
#define PROFILE CLASS_PROFILE
#define VALIDATION CLASS_VALIDATION
#define CREATE ATTRIBUTE_CREATE
#define CREATE_MUST ATTRIBUTE_CREATE_MUST
#define GENERATE ATTRIBUTE_GENERATE
#define GENERATE_PAIR ATTRIBUTE_GENERATE_PAIR
#define MODIFY ATTRIBUTE_MODIFY
#define MODIFY_DATA ATTRIBUTE_MODIFY_DATA
#define MAKE ATTRIBUTE_MAKE
#define COUNTS ATTRIBUTE_COUNTS
#define SENSITIVE ATTRIBUTE_SENSITIVE
#define INDEXED ATTRIBUTE_INDEXED
#define ONE_WAY_TRUE ATTRIBUTE_ONE_WAY_TRUE
#define ONE_WAY_FALSE ATTRIBUTE_ONE_WAY_FALSE
#define MATERIAL ATTRIBUTE_MATERIAL
#define USAGE ATTRIBUTE_USAGE
#define IGNORED ATTRIBUTE_IGNORED
#define UNWRAP ATTRIBUTE_UNWRAP
#define DERIVE ATTRIBUTE_DERIVE
#define GIVE (CREATE | GENERATE | UNWRAP | DERIVE)
#define COPY ATTRIBUTE_COPY
#define FRESH ATTRIBUTE_FRESH
#define ADMIN ATTRIBUTE_ADMIN

static const struct attribute rows[] = {
#define ATTR(cka, kind, of, bits, otherwise) \
    {.type = cka, .name = #cka, .value = ATTRIBUTE_##kind, .classes = (of), .flags = (bits), .fallback = DEFAULT_##otherwise},
#include "proto/attribute.def"
#undef ATTR
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* Eight bytes on every wire, whatever CK_ULONG is here. */
enum { ULONG_BYTES = 8 };

const struct attribute *attribute_find(CK_ATTRIBUTE_TYPE type)
{
    size_t low = 0, high = ROWS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].type == type)
            return &rows[middle];
        if (rows[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct attribute *attribute_at(size_t position)
{
    return position < ROWS ? &rows[position] : NULL;
}

unsigned attribute_class_bit(CK_OBJECT_CLASS object_class)
{
    switch (object_class) {
    case CKO_DATA:
        return CLASS_DATA;
    case CKO_CERTIFICATE:
        return CLASS_CERT;
    case CKO_PUBLIC_KEY:
        return CLASS_PUBLIC;
    case CKO_PRIVATE_KEY:
        return CLASS_PRIVATE;
    case CKO_SECRET_KEY:
        return CLASS_SECRET;
    case CKO_VALIDATION:
        return CLASS_VALIDATION;
    case CKO_OTP_KEY:
        return CLASS_OTP;
    case CKO_DOMAIN_PARAMETERS:
        return CLASS_DOMAIN;
    default:
        return 0;
    }
}

bool attribute_is_modifiable(const struct attribute *a, unsigned class_bit)
{
    return a->flags & ATTRIBUTE_MODIFY || (class_bit == CLASS_DATA && a->flags & ATTRIBUTE_MODIFY_DATA);
}

enum err attribute_may_change(const struct attribute *a, unsigned class_bit, bool copy, bool modifiable, bool becomes)
{
    bool modify = attribute_is_modifiable(a, class_bit);

    if (!modify && !(copy && a->flags & ATTRIBUTE_COPY))
        return ERR_ATTRIBUTE_READ_ONLY;
    if (modify && !modifiable)
        return ERR_ACTION_PROHIBITED;
    if ((a->flags & ATTRIBUTE_ONE_WAY_TRUE && !becomes) || (a->flags & ATTRIBUTE_ONE_WAY_FALSE && becomes))
        return ERR_ATTRIBUTE_READ_ONLY;
    return ERR_OK;
}

/* CK_DATE: four digits of year, two of month, two of day, without terminator; or empty. A day that no month has is none. */
static bool is_date(const uint8_t *value, size_t n)
{
    unsigned month, day;

    if (n == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (value[i] < '0' || value[i] > '9')
            return false;
    if (n != 8)
        return false;
    month = (value[4] - '0') * 10u + (value[5] - '0');
    day = (value[6] - '0') * 10u + (value[7] - '0');
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && !(day > 30 && (month == 4 || month == 6 || month == 9 || month == 11)) &&
           !(day > 29 && month == 2);
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const uint8_t *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint32_t c = s[i], least;
        size_t more;
        if (c < 0x80) {
            i++;
            continue;
        } else if ((c & 0xe0) == 0xc0) {
            more = 1, c &= 0x1f, least = 0x80;
        } else if ((c & 0xf0) == 0xe0) {
            more = 2, c &= 0x0f, least = 0x800;
        } else if ((c & 0xf8) == 0xf0) {
            more = 3, c &= 0x07, least = 0x10000;
        } else {
            return false;
        }
        if (more > n - i - 1)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (s[i + k] & 0x3fu);
        }
        if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
        i += more + 1;
    }
    return true;
}

static const struct {
    CK_FLAGS use;
    CK_ATTRIBUTE_TYPE type;
    unsigned classes;
} uses[] = {
    {CKF_ENCRYPT, CKA_ENCRYPT, PUBLIC | SECRET},
    {CKF_DECRYPT, CKA_DECRYPT, PRIVATE | SECRET},
    {CKF_SIGN, CKA_SIGN, PRIVATE | SECRET | OTP},
    {CKF_SIGN_RECOVER, CKA_SIGN_RECOVER, PRIVATE | SECRET},
    {CKF_VERIFY, CKA_VERIFY, PUBLIC | SECRET | OTP},
    {CKF_VERIFY_RECOVER, CKA_VERIFY_RECOVER, PUBLIC | SECRET},
    {CKF_WRAP, CKA_WRAP, PUBLIC | SECRET},
    {CKF_UNWRAP, CKA_UNWRAP, PRIVATE | SECRET},
    {CKF_DERIVE, CKA_DERIVE, PRIVATE | SECRET},
    {CKF_ENCAPSULATE, CKA_ENCAPSULATE, PUBLIC},
    {CKF_DECAPSULATE, CKA_DECAPSULATE, PRIVATE},
};

enum { USES = sizeof uses / sizeof uses[0] };

CK_FLAGS attribute_use_at(size_t position)
{
    return position < USES ? uses[position].use : 0;
}

CK_ATTRIBUTE_TYPE attribute_of_use(CK_FLAGS use)
{
    for (size_t i = 0; i < USES; i++)
        if (uses[i].use == use)
            return uses[i].type;
    return CK_UNAVAILABLE_INFORMATION;
}

unsigned attribute_classes_of_use(CK_FLAGS use)
{
    for (size_t i = 0; i < USES; i++)
        if (uses[i].use == use)
            return uses[i].classes;
    return 0;
}

enum { TEMPLATE_HEAD_BYTES = ULONG_BYTES + 4 };

bool attribute_template_next(const uint8_t *bytes, size_t n, size_t *at, CK_ATTRIBUTE_TYPE *type, const uint8_t **value,
                             size_t *length)
{
    const uint8_t *head = bytes + *at;

    if (n - *at < TEMPLATE_HEAD_BYTES)
        return false;
    *length = (size_t)head[8] << 24 | (size_t)head[9] << 16 | (size_t)head[10] << 8 | head[11];
    if (*length > n - *at - TEMPLATE_HEAD_BYTES)
        return false;
    *type = (CK_ATTRIBUTE_TYPE)u64_get(head);
    *value = head + TEMPLATE_HEAD_BYTES;
    *at += TEMPLATE_HEAD_BYTES + *length;
    return true;
}

static bool is_template(const uint8_t *bytes, size_t n)
{
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t at = 0, length;

    while (attribute_template_next(bytes, n, &at, &type, &value, &length)) {
        const struct attribute *row = attribute_find(type);
        if (row == NULL || row->value == ATTRIBUTE_TEMPLATE || !attribute_is_canonical(row, value, length))
            return false;
    }
    return at == n;
}

size_t attribute_bits(const uint8_t *number, size_t n)
{
    size_t zeros = 0, bits = 0;

    while (zeros < n && number[zeros] == 0)
        zeros++;
    if (zeros == n)
        return 0;
    for (unsigned first = number[zeros]; first > 0; first >>= 1)
        bits++;
    return bits + 8 * (n - zeros - 1);
}

bool attribute_is_canonical(const struct attribute *a, const uint8_t *value, size_t n)
{
    switch (a->value) {
    case ATTRIBUTE_BOOL:
        return n == 1 && value[0] <= 1;
    case ATTRIBUTE_ULONG:
        return n == ULONG_BYTES;
    case ATTRIBUTE_MECHANISMS:
        return n % ULONG_BYTES == 0;
    case ATTRIBUTE_BIGINT:
        return n == 0 || value[0] != 0;
    case ATTRIBUTE_DATE:
        return is_date(value, n);
    case ATTRIBUTE_VERSION:
        return n == sizeof(CK_VERSION);
    case ATTRIBUTE_UTF8:
        return is_utf8(value, n);
    case ATTRIBUTE_BYTES:
        return true;
    case ATTRIBUTE_TEMPLATE:
        return is_template(value, n);
    }
    return false;
}

static void put_ulong(uint8_t out[ULONG_BYTES], CK_ULONG v)
{
    uint64_t wide = v == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : v;

    u64_put(out, wide);
}

static bool get_ulong(const uint8_t in[ULONG_BYTES], CK_ULONG *v)
{
    uint64_t wide = u64_get(in);

    *v = wide == UINT64_MAX ? CK_UNAVAILABLE_INFORMATION : (CK_ULONG)wide;
    return wide == UINT64_MAX || (uint64_t)*v == wide;
}

/* Copies where there is somewhere to copy to; the length either way. */
static size_t emit(const void *value, size_t n, void *out, size_t room, bool *ok)
{
    if (out == NULL)
        return n;
    if (n > room) {
        *ok = false;
        return 0;
    }
    if (n > 0)
        memcpy(out, value, n);
    return n;
}

static size_t refuse(bool *ok)
{
    *ok = false;
    return 0;
}

/* Each with its head. What is given may change meanwhile, so each entry is read once. */
static size_t template_from_host(const CK_ATTRIBUTE *list, size_t count, uint8_t *out, size_t room, bool *ok)
{
    size_t total = 0;

    for (size_t i = 0; *ok && i < count; i++) {
        CK_ATTRIBUTE given;
        const struct attribute *row;
        size_t n;
        memcpy(&given, &list[i], sizeof given);
        row = attribute_find(given.type);
        if (row == NULL || row->value == ATTRIBUTE_TEMPLATE || (out != NULL && room - total < TEMPLATE_HEAD_BYTES))
            return refuse(ok);
        n = attribute_from_host(row, given.pValue, given.ulValueLen, out != NULL ? out + total + TEMPLATE_HEAD_BYTES : NULL,
                                out != NULL ? room - total - TEMPLATE_HEAD_BYTES : 0, ok);
        if (!*ok || n > UINT32_MAX)
            return refuse(ok);
        if (out != NULL) {
            u64_put(out + total, given.type);
            for (unsigned k = 0; k < 4; k++)
                out[total + ULONG_BYTES + k] = (uint8_t)(n >> (24 - 8 * k));
        }
        total += TEMPLATE_HEAD_BYTES + n;
    }
    return total;
}

static size_t template_host_bytes(const uint8_t *bytes, size_t n)
{
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t at = 0, length, count = 0;

    while (attribute_template_next(bytes, n, &at, &type, &value, &length))
        count++;
    return count * sizeof(CK_ATTRIBUTE);
}

size_t attribute_from_host(const struct attribute *a, const void *value, size_t n, uint8_t *out, size_t room, bool *ok)
{
    const uint8_t *bytes = value;
    *ok = true;
    if (value == NULL && n > 0)
        return refuse(ok);
    switch (a->value) {
    case ATTRIBUTE_BOOL: {
        uint8_t truth;
        if (n != sizeof(CK_BBOOL))
            return refuse(ok);
        truth = bytes[0] != CK_FALSE;
        return emit(&truth, 1, out, room, ok);
    }
    case ATTRIBUTE_ULONG:
    case ATTRIBUTE_MECHANISMS: {
        size_t count = n / sizeof(CK_ULONG);
        if (n % sizeof(CK_ULONG) != 0 || (a->value == ATTRIBUTE_ULONG && count != 1) ||
            (out != NULL && room / ULONG_BYTES < count))
            return refuse(ok);
        for (size_t i = 0; out != NULL && i < count; i++) {
            CK_ULONG v;
            memcpy(&v, bytes + i * sizeof v, sizeof v);
            put_ulong(out + i * ULONG_BYTES, v);
        }
        return count * ULONG_BYTES;
    }
    case ATTRIBUTE_BIGINT:
        while (n > 0 && bytes[0] == 0)
            bytes++, n--;
        return emit(bytes, n, out, room, ok);
    case ATTRIBUTE_VERSION:
        return n == sizeof(CK_VERSION) ? emit(bytes, n, out, room, ok) : refuse(ok);
    case ATTRIBUTE_DATE:
        return is_date(bytes, n) ? emit(bytes, n, out, room, ok) : refuse(ok);
    case ATTRIBUTE_UTF8:
        return is_utf8(bytes, n) ? emit(bytes, n, out, room, ok) : refuse(ok);
    case ATTRIBUTE_BYTES:
        return emit(bytes, n, out, room, ok);
    case ATTRIBUTE_TEMPLATE:
        if (n % sizeof(CK_ATTRIBUTE) != 0 || n / sizeof(CK_ATTRIBUTE) > TEMPLATE_ATTRIBUTES_MAX)
            return refuse(ok);
        return template_from_host(value, n / sizeof(CK_ATTRIBUTE), out, room, ok);
    }
    return refuse(ok);
}

size_t attribute_to_host(const struct attribute *a, const uint8_t *value, size_t n, void *out, size_t room, bool *ok)
{
    *ok = true;
    if (!attribute_is_canonical(a, value, n))
        return refuse(ok);
    if (a->value == ATTRIBUTE_BOOL) {
        CK_BBOOL truth = value[0] ? CK_TRUE : CK_FALSE;
        return emit(&truth, sizeof truth, out, room, ok);
    }
    if (a->value == ATTRIBUTE_ULONG || a->value == ATTRIBUTE_MECHANISMS) {
        size_t count = n / ULONG_BYTES;
        if (out != NULL && room / sizeof(CK_ULONG) < count)
            return refuse(ok);
        for (size_t i = 0; i < count; i++) {
            CK_ULONG v;
            if (!get_ulong(value + i * ULONG_BYTES, &v))
                return refuse(ok);
            if (out != NULL)
                memcpy((uint8_t *)out + i * sizeof v, &v, sizeof v);
        }
        return count * sizeof(CK_ULONG);
    }
    if (a->value == ATTRIBUTE_TEMPLATE)
        return out == NULL ? template_host_bytes(value, n) : refuse(ok);
    return emit(value, n, out, room, ok);
}
