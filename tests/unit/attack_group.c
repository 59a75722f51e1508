/* Pairs in groups of DSA that the attacker has chosen so that he can tell the private number from the public one: if one comes to be,
 * he reads a key that is not to be read. In turn, not by chance, so that the other moves stay those of the table in docs/decisions/009. */
#include "tests/unit/attacker.h"
#include "tests/unit/token.h"
#include "tests/unit/weak_group.h"

enum { GROUPS_MAX = 16 };

static struct weak_group groups[GROUPS_MAX];
static size_t groups_n, next;

void attack_group(void)
{
    static CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE closed[] = {{CKA_SENSITIVE, &yes, 1}};
    struct token_pair pair;

    while (groups_n < GROUPS_MAX && next == 0 && weak_group_at(groups_n, &groups[groups_n]))
        groups_n++;
    if (sample_group_pair(attacker.session, &groups[next++ % groups_n].group, closed, 1, &pair) == CKR_OK)
        attack_leak("the public half of a pair in a group of his choice tells the private one");
}
