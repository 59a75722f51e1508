#include "crypto/window.h"

#include <string.h>

static uint64_t bit(uint64_t counter)
{
    return UINT64_C(1) << (counter % 64);
}

static uint64_t *word(struct window *w, uint64_t counter)
{
    return &w->seen[counter / 64 % (CHANNEL_WINDOW / 64)];
}

bool window_is_fresh(const struct window *w, uint64_t counter)
{
    if (counter == UINT64_MAX) /* `next` could not be above it */
        return false;
    if (counter >= w->next)
        return true;
    if (w->next - counter > CHANNEL_WINDOW)
        return false;
    return (w->seen[counter / 64 % (CHANNEL_WINDOW / 64)] & bit(counter)) == 0;
}

void window_mark(struct window *w, uint64_t counter)
{
    if (counter >= w->next) {
        if (counter - w->next >= CHANNEL_WINDOW)
            memset(w->seen, 0, sizeof w->seen);
        else
            for (uint64_t i = w->next; i < counter; i++) /* the skipped ones have not been seen */
                *word(w, i) &= ~bit(i);
        w->next = counter + 1;
    }
    *word(w, counter) |= bit(counter);
}
