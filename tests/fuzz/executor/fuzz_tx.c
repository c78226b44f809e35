/* Transaction decoder: arbitrary bytes.  What it accepts has in-range signatures, fits the arena it
 * says it needs, and encodes to the very bytes it came from; whether or not it is accepted, nothing
 * is read outside them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "executor/tx.h"

#define BYTES_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t mem[EXEC_TX_ARENA_BYTES(BYTES_MAX)], again[BYTES_MAX + 64u];
    static const struct exec_block_env ENV = {.chain_id = 1, .gas_limit = 30000000};
    struct td_arena arena;
    struct exec_tx tx;
    if (size > BYTES_MAX)
        return 0;
    uint8_t *exact = malloc(size == 0 ? 1 : size); /* so that ASan sees a step too far */
    TD_ASSERT(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    td_arena_init(&arena, mem, EXEC_TX_ARENA_BYTES(size));
    enum exec_tx_verdict v = exec_tx_decode(&tx, &arena, td_bytes_of(exact, size), 0);
    TD_ASSERT(v <= EXEC_TX_BAD_SIGNATURE);
    if (v == EXEC_TX_OK) {
        struct td_writer w;
        td_writer_init(&w, again, sizeof again);
        exec_tx_encode(&w, &tx);
        TD_ASSERT(w.err == TD_OK);
        TD_ASSERT(w.len == size);
        TD_ASSERT(memcmp(again, exact, size) == 0);
        TD_ASSERT(exec_tx_intrinsic_gas(&tx) >= 21000);
        TD_ASSERT(exec_tx_verdict_text(exec_tx_check(&tx, &ENV)) != NULL);
        for (uint32_t i = 0; i < tx.auth_count; i++) {
            struct td_hash h;
            exec_authorization_hash(&h, &tx.auth[i]);
        }
    }
    free(exact);
    return 0;
}
