/* NIST's vectors (CAVP) and those in their form, from Debian's package python3-cryptography-vectors: found, read, counted.
 *
 * A file is a row of records with an empty line behind each. A value stays until another of its name comes, as NIST writes keys once for
 * many records; cavp_has says what is in the record itself. Lines in brackets are values too ("[mod = 1024]"; the whole line is one by the
 * name of "["), or else the section ("[ENCRYPT]"). Where the package is not on the machine, that is printed and nothing is tested. */
#ifndef CLUSTERHSM_TESTS_UNIT_CAVP_H
#define CLUSTERHSM_TESTS_UNIT_CAVP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAVP_BYTES_MAX = 70000 };

struct cavp_bytes {
    size_t n;
    uint8_t at[CAVP_BYTES_MAX];
};

struct cavp;

/* A file by its name in the package ("ciphers/AES/ECB/ECBMMT128.rsp"). NULL: the package is not there, which is printed once. A package
 * without the file ends the test. Closed by the cavp_next that says false. */
struct cavp *cavp_open(const char *name);
bool cavp_next(struct cavp *c);

/* The same in the form of RSA's own vectors: "# Modulus:" above lines of bytes. A record ends behind the value of this name. */
bool cavp_next_labelled(struct cavp *c, const char *last);

/* The same where a record is a line of parts with colons between them. */
bool cavp_next_line(struct cavp *c);
void cavp_part(const struct cavp *c, size_t position, struct cavp_bytes *out);

bool cavp_has(const struct cavp *c, const char *name);
/* NULL: no such value yet. Good until the next record. */
const char *cavp_text(const struct cavp *c, const char *name);
const char *cavp_section(const struct cavp *c); /* "ENCRYPT", or "" */
size_t cavp_number(const struct cavp *c, const char *name);
/* Hexadecimal; a value that is not there, or none, ends the test. */
void cavp_bytes(const struct cavp *c, const char *name, struct cavp_bytes *out);

/* One vector held. */
void cavp_held(const struct cavp *c, bool right);
/* The record, or all of a file, is left out for this reason, which lives for ever. */
void cavp_skip(const char *reason);
void cavp_skip_file(const char *name, const char *reason);

/* Prints what was held and skipped since the last report. */
void cavp_report(const char *what);

#endif
