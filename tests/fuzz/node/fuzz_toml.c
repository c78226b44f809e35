/* Any bytes as a configuration file: a result whose parts are in order, or an error whose place
 * lies in the file. */
#include <stdint.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/config/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_value(const struct node_toml_value *v, uint32_t depth)
{
    TD_ASSERT(v->line > 0 && v->column > 0 && depth < 2);
    if (v->type == NODE_TOML_STRING)
        TD_ASSERT(v->text != NULL && strlen(v->text) <= NODE_TOML_BYTES_MAX);
    for (uint32_t i = 0; v->type == NODE_TOML_ARRAY && i < v->item_count; i++) {
        TD_ASSERT(v->items[i].type == v->items[0].type);
        check_value(&v->items[i], depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t memory[512u << 10]; /* the fuzzer's inputs are short */
    struct td_arena arena;
    struct node_toml t;
    struct node_toml_error e;
    uint32_t line = 0;
    td_arena_init(&arena, memory, sizeof memory);
    enum td_error err = node_toml_parse(&t, &e, &arena, td_bytes_of(len == 0 ? NULL : data, len));
    if (err != TD_OK) {
        TD_ASSERT(t.entry_count == 0 && t.table_count == 0);
        TD_ASSERT(e.line > 0 && e.line <= len + 1u && e.column > 0 && e.text[0] != '\0');
        return 0;
    }
    for (uint32_t i = 0; i < t.entry_count; i++) {
        const struct node_toml_entry *x = &t.entries[i];
        TD_ASSERT(x->line > line);
        line = x->line;
        check_value(&x->value, 0);
        TD_ASSERT(node_toml_find(&t, x->table, x->table_index, x->key) == x);
    }
    return 0;
}
