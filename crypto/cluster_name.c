#include "crypto/cluster_name.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "common/hex.h"

enum { PREFIX_BYTES = 8 };

static const char prefix[] = "cluster-";

void cluster_name(const uint8_t id[CLUSTER_ID_BYTES], char out[CLUSTER_NAME_BYTES])
{
    memcpy(out, prefix, PREFIX_BYTES);
    hex_encode(id, CLUSTER_ID_BYTES, out + PREFIX_BYTES);
}

bool cluster_name_read(const X509_NAME *subject, uint8_t id[CLUSTER_ID_BYTES])
{
    int at = subject != NULL ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    const ASN1_STRING *text;
    char name[CLUSTER_NAME_BYTES] = "";
    const char *digits = name;
    size_t bytes, n = 0;

    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return false;
    text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    bytes = text != NULL && ASN1_STRING_length(text) > 0 ? (size_t)ASN1_STRING_length(text) : 0;
    if (bytes >= sizeof name || memchr(ASN1_STRING_get0_data(text), 0, bytes) != NULL)
        return false;
    memcpy(name, ASN1_STRING_get0_data(text), bytes);
    if (strncmp(name, prefix, PREFIX_BYTES) == 0)
        digits += PREFIX_BYTES;
    return hex_decode(digits, id, CLUSTER_ID_BYTES, &n) && n == CLUSTER_ID_BYTES;
}
