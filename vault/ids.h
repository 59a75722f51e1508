/* The object ids that are leased to this vault: blocks of consecutive numbers, each used once (daemon/store/apply.h refuses the rest).
 * What is left at the process's end is never used. Any thread. */
#ifndef CLUSTERHSM_VAULT_IDS_H
#define CLUSTERHSM_VAULT_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct ids;

struct ids *ids_new(void); /* NULL: no memory */
void ids_free(struct ids *s);

/* False: there is none left, a block has to be leased. */
bool ids_take(struct ids *s, uint64_t *id);

/* A block that was leased. Where more are held than anybody needs it is let go. False: it is none that may be used. Blocks come by the
 * front's hands, and an id that is given twice would seal two records that nobody can tell apart; so one that does not lie above all before
 * is refused. Of two leases that overtake each other that is one block lost. */
bool ids_add(struct ids *s, uint64_t first, uint32_t n);

#endif
