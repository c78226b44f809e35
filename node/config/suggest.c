#include "node/config/suggest.h"

#include <string.h>

/* Suggestions further away than this are noise. */
#define EDITS_MAX 2u

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits that turn `a` into `b`: insert, delete, replace, or swap two neighbours (optimal string
 * alignment, Damerau 1964); without the swap, "smi" would be as far from "sim" as any word.
 * row[i % 3][k] is the distance of a's first i letters from b's first k. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[3][NODE_SUGGEST_BYTES_MAX + 1];

    for (size_t k = 0; k <= b_len; k++)
        row[0][k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *here = row[i % 3];
        const size_t *last = row[(i + 2) % 3];
        const size_t *before_last = row[(i + 1) % 3];

        here[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t replaced = last[k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
            here[k] = least(replaced, last[k] + 1, here[k - 1] + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                here[k] = least(here[k], before_last[k - 2] + 1, here[k]);
        }
    }
    return row[a_len % 3][b_len];
}

size_t node_suggest(const char *word, const char *(*name)(size_t index), size_t count)
{
    size_t word_len = strlen(word), best = count, best_edits = EDITS_MAX + 1u;
    if (word_len == 0 || word_len > NODE_SUGGEST_BYTES_MAX)
        return count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(name(i));
        if (len > NODE_SUGGEST_BYTES_MAX)
            continue;
        size_t edits = edit_distance(word, word_len, name(i), len);
        if (edits < best_edits && 2 * edits <= word_len) {
            best = i;
            best_edits = edits;
        }
    }
    return best;
}
