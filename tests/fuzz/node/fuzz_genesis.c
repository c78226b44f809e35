/* Any bytes as a genesis file: an error with a text and nothing held, or a chain that is the same
 * when it is written and read again. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/genesis/genesis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct node_genesis a, b;
    struct node_genesis_error e;
    char *text = NULL;
    size_t written = 0;
    enum td_error err = node_genesis_parse(&a, td_bytes_of(len == 0 ? NULL : data, len), &e);
    if (err != TD_OK) {
        TD_ASSERT(e.text[0] != '\0' && a.arena.base == NULL && a.account_count == 0);
        return 0;
    }
    FILE *f = open_memstream(&text, &written);
    TD_ASSERT(f != NULL && node_genesis_write(&a, f) == 0 && fclose(f) == 0);
    TD_ASSERT(node_genesis_parse(&b, td_bytes_of(text, written), &e) == TD_OK);
    TD_ASSERT(td_hash_eq(&a.genesis_hash, &b.genesis_hash));
    TD_ASSERT(td_hash_eq(&a.genesis_result, &b.genesis_result));
    free(text);
    node_genesis_free(&a);
    node_genesis_free(&b);
    return 0;
}
