/* Rows of the chain database: cells, their checksum, and the way in and out of SQLite. */
#include <string.h>

#include "base/core/assert.h"
#include "base/host/checksum.h"
#include "storage/chain_internal.h"

#define KEY_BYTES_MAX 96u /* of blocks: 8 + 32 + 32 + 8 */
#define SUM_HEAD_BYTES                                                                             \
    24u /* table u32, key bytes u32, value bytes u64, checksum of the value u64 */
#define TOP_BIT (UINT64_C(1) << 63)

const struct store_table_info STORE_TABLES[STORE_TABLES_END] = {
    [STORE_META] = {"meta", "number, bytes", "iv"},
    [STORE_ITEMS] = {"items", "item, bytes", "iv"},
    [STORE_HEADERS] = {"headers", "epoch, round, hash, header", "uuhv"},
    [STORE_PAYLOADS] = {"payloads", "root, payload", "hv"},
    [STORE_SEEN] = {"seen", "root, height", "hi"},
    [STORE_BLOCKS] = {"blocks", "height, hash, payload_root, header, state", "ihhbv"},
    [STORE_EXECUTED] = {"executed", "height, record", "iv"},
    [STORE_RECEIPTS] = {"receipts", "height, receipts", "iv"},
    [STORE_TXS] = {"txs", "hash, height, place", "hii"},
    [STORE_LOGS] = {"logs", "key, height", "ui"},
    [STORE_CERTS] = {"certs", "kind, number, bytes", "iiv"},
    [STORE_ACCOUNTS] = {"accounts", "addr, account", "av"},
    [STORE_SLOTS] = {"slots", "addr, slot, value", "ahv"},
    [STORE_CODES] = {"codes", "hash, code", "hv"},
    [STORE_LEAVES] = {"leaves", "place, leaf", "iv"},
    [STORE_PAGES] = {"pages", "place, bytes", "iv"},
};

static uint8_t *put_u64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (56u - 8u * i));
    return at + 8;
}

uint64_t store_chain_checksum(uint32_t table, struct td_bytes key, struct td_bytes value)
{
    uint8_t buf[SUM_HEAD_BYTES + KEY_BYTES_MAX];
    TD_ASSERT(key.len <= KEY_BYTES_MAX);
    uint8_t *at = put_u64(buf, (uint64_t)table << 32u | key.len);
    at = put_u64(at, value.len);
    at = put_u64(at, td_checksum(value));
    if (key.len > 0)
        memcpy(at, key.ptr, key.len);
    return td_checksum(td_bytes_of(buf, SUM_HEAD_BYTES + key.len));
}

uint64_t store_row_sum(enum store_table table, const struct store_cell *cells)
{
    uint8_t key[KEY_BYTES_MAX], *at = key;
    struct td_bytes value = {NULL, 0};
    const char *kinds = STORE_TABLES[table].kinds;
    for (size_t i = 0; kinds[i] != '\0'; i++) {
        const struct store_cell *c = &cells[i];
        if (kinds[i] == 'v') {
            value = c->bytes;
        } else if (kinds[i] == 'h' || kinds[i] == 'a') {
            memcpy(at, c->bytes.ptr, c->bytes.len);
            at += c->bytes.len;
        } else {
            at = put_u64(at, kinds[i] == 'b' ? td_checksum(c->bytes) : c->number);
        }
    }
    return store_chain_checksum(table, td_bytes_of(key, (size_t)(at - key)), value);
}

int store_cell_bind(sqlite3_stmt *q, int parameter, char kind, const struct store_cell *cell)
{
    if (kind == 'i')
        return cell->number > INT64_MAX
                   ? SQLITE_RANGE
                   : sqlite3_bind_int64(q, parameter, (sqlite3_int64)cell->number);
    if (kind == 'u')
        return sqlite3_bind_int64(q, parameter, (sqlite3_int64)(cell->number ^ TOP_BIT));
    if (cell->bytes.len == 0)
        return sqlite3_bind_zeroblob(q, parameter, 0);
    return sqlite3_bind_blob64(q, parameter, cell->bytes.ptr, cell->bytes.len, SQLITE_STATIC);
}

int store_row_bind(sqlite3_stmt *q, enum store_table table, const struct store_cell *cells)
{
    const char *kinds = STORE_TABLES[table].kinds;
    int i = 0, rc = SQLITE_OK;
    for (; kinds[i] != '\0' && rc == SQLITE_OK; i++)
        rc = store_cell_bind(q, i + 1, kinds[i], &cells[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(q, i + 1, (sqlite3_int64)store_row_sum(table, cells));
    return rc;
}

static bool cell_read(sqlite3_stmt *q, int column, char kind, struct store_cell *cell)
{
    *cell = (struct store_cell){.number = 0};
    if (kind == 'i' || kind == 'u') {
        uint64_t v = (uint64_t)sqlite3_column_int64(q, column);
        cell->number = kind == 'u' ? v ^ TOP_BIT : v;
        return sqlite3_column_type(q, column) == SQLITE_INTEGER &&
               (kind == 'u' || v <= (uint64_t)INT64_MAX);
    }
    if (sqlite3_column_type(q, column) != SQLITE_BLOB)
        return false;
    const void *bytes = sqlite3_column_blob(q, column);
    size_t len = (size_t)sqlite3_column_bytes(q, column);
    if (bytes == NULL && len > 0)
        return false;
    cell->bytes = td_bytes_of(bytes, len);
    return (kind != 'h' || len == TD_HASH_BYTES) && (kind != 'a' || len == TD_ADDR_BYTES);
}

enum td_error store_row_read(sqlite3_stmt *q, enum store_table table,
                             struct store_cell cells[STORE_CELLS_MAX])
{
    const char *kinds = STORE_TABLES[table].kinds;
    int i = 0;
    for (; kinds[i] != '\0'; i++)
        if (!cell_read(q, i, kinds[i], &cells[i]))
            return TD_E_CORRUPT;
    if (sqlite3_column_type(q, i) != SQLITE_INTEGER ||
        (uint64_t)sqlite3_column_int64(q, i) != store_row_sum(table, cells))
        return TD_E_CORRUPT;
    return TD_OK;
}
