/* The highest version that this vault has been shown of each record, since it started: an older one is refused, so that a front cannot
 * take a record back that its vault has seen already.
 *
 * Version 1 has no older one and costs nothing here; so only records that were ever changed take room. Beyond SEEN_MAX of them the
 * one that has been known longest in its corner is forgotten. Any thread. */
#ifndef CLUSTERHSM_VAULT_SEEN_H
#define CLUSTERHSM_VAULT_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_MAX = 1 << 20 };

struct seen;

struct seen *seen_new(void); /* NULL: no memory */
void seen_free(struct seen *s);

/* Notes that this version was shown. False: a higher one had been. */
bool seen_note(struct seen *s, uint64_t id, uint64_t version);

#endif
