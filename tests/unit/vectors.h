/* Wycheproof's files of vectors: found, read, counted.
 *
 * Every `valid` one has to be accepted, every `invalid` one refused; `acceptable` may be either. What is left out is counted by its reason
 * and printed. Where the vectors are not there, that is printed and nothing is tested. */
#ifndef CLUSTERHSM_TESTS_UNIT_VECTORS_H
#define CLUSTERHSM_TESTS_UNIT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { VECTOR_BYTES_MAX = 70000 };

struct vector_bytes {
    size_t n;
    uint8_t at[VECTOR_BYTES_MAX];
};

/* Of the environment, or beside the sources. */
const char *vectors_folder(void);

/* NULL: the folder is not there. */
json_t *vectors_open(const char *name);

/* What a field holds; a field that is not there ends the test. */
const char *vector_text(const json_t *o, const char *name);
void vector_bytes(const json_t *o, const char *name, struct vector_bytes *out);
size_t vector_number(const json_t *o, const char *name);
bool vector_has_flag(const json_t *test, const char *flag);

/* "SHA-512/256" as OpenSSL has it. */
const char *vector_hash(const char *theirs);

/* One vector: accepted or not, against what the file says. */
void vector_judge(const json_t *test, const char *how, bool accepted);
void vector_skip(const char *reason, size_t n);

/* Prints what was held and what was skipped. */
void vectors_report(const char *what);

#endif
