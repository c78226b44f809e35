/* storage/chain.h in memory, for tests that bend rows and end processes: one database, which stays
 * when it is closed; what was put and not committed is gone. */
#pragma once

#include "storage/chain.h"

enum memory_table { /* the first are enum store_chain_table */
                    MEMORY_ITEMS = STORE_CHAIN_PAGES + 1,
                    MEMORY_PAYLOADS,
                    MEMORY_BLOCKS,
                    MEMORY_RECORDS,
                    MEMORY_RECEIPTS,
                    MEMORY_TXS,
                    MEMORY_LOGS,
                    MEMORY_TABLES,
};

/* Forget everything. */
void memory_store_reset(void);
uint32_t memory_store_rows(uint32_t table);
/* Row i of a table in order of key, to be bent. */
uint8_t *memory_store_row(uint32_t table, uint32_t i, size_t *len);
void memory_store_drop(uint32_t table, uint32_t i);
