/* What a command has found, said once, shown as text for people or as JSON for programs.
 *
 * A description is a run of values, and of tables whose rows are runs of values with the same keys. A key is lower case with
 * underscores: JSON has it so, text with blanks. Values are copied. What stands in them may come from anyone: control characters and
 * broken UTF-8 reach neither a terminal nor a parser. A failure of memory sticks and shows when printing. */
#ifndef CLUSTERHSM_TOOLS_OUTPUT_H
#define CLUSTERHSM_TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct output;

/* NULL: no memory; every call takes that for an output that has failed. */
struct output *output_new(void);
void output_free(struct output *o);

/* NULL is JSON's null and a dash. */
void output_text(struct output *o, const char *key, const char *value);
void output_number(struct output *o, const char *key, uint64_t value);
void output_decimal(struct output *o, const char *key, double value, unsigned digits);
void output_flag(struct output *o, const char *key, bool value);
/* Hexadecimal; no bytes are null. */
void output_bytes(struct output *o, const char *key, const void *bytes, size_t n);

/* From here to output_table_end every value belongs to the row begun last. Tables do not nest. */
void output_table(struct output *o, const char *key);
void output_row(struct output *o);
void output_table_end(struct output *o);

/* The whole of it: an object in JSON, "key  value" lines and aligned tables in text. False: memory failed or `to` cannot be written. */
bool output_print(const struct output *o, bool json, FILE *to);

#endif
