#include "node/cli/exec_block_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/hex.h"

/* ---- texts */

static void number_text(char out[TD_QUANTITY_TEXT_BYTES], const struct exec_u256 *v)
{
    struct td_wei wei = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    td_quantity_print(out, &wei);
}

static const char *status_of(const struct exec_tx_result *x)
{
    return x->verdict == EXEC_TX_OK ? exec_status_text(x->receipt.status) : "skipped";
}

static bool is_inbox(const struct node_ledger *l, const struct exec_tx_result *x)
{
    const struct td_bytes e = l->block.payload[x->payload_index];
    return e.len > 0 && e.ptr[0] == EXEC_TX_DEPOSIT;
}

static void line_hash(FILE *out, const char *name, const struct td_hash *h)
{
    char text[TD_HASH_TEXT_BYTES];
    td_hash_print(text, h);
    fprintf(out, "  %-16s %s\n", name, text);
}

void node_statement_print(FILE *out, const struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        fprintf(out, "%s%08" PRIx32, i == 0 ? "" : " ", d->e[i].v);
}

/* ---- for people */

static void print_tx(FILE *out, const struct node_ledger *l, uint32_t i)
{
    const struct exec_tx_result *x = &l->result.txs[i];
    const struct exec_receipt *r = &x->receipt;
    char hash[TD_HASH_TEXT_BYTES];
    td_hash_print(hash, &x->hash);
    fprintf(out, "  #%-3" PRIu32 " %s%s  ", i, hash, is_inbox(l, x) ? " (inbox)" : "");
    if (x->verdict != EXEC_TX_OK) {
        fprintf(out, "skipped: %s\n", exec_tx_verdict_text(x->verdict));
        return;
    }
    fprintf(out, "%s\n       gas %" PRIu64 ", native %" PRIu64 ", published bytes %" PRIu64,
            exec_status_text(r->status), r->gas_used, r->native_used, r->pubdata_bytes);
    if (r->log_count > 0)
        fprintf(out, ", logs %" PRIu32, r->log_count);
    if (r->message_count > 0)
        fprintf(out, ", messages %" PRIu32, r->message_count);
    if (!td_addr_is_zero(&r->created)) {
        char addr[TD_ADDR_TEXT_BYTES];
        td_addr_print(addr, &r->created);
        fprintf(out, ", created %s", addr);
    }
    fputc('\n', out);
}

void node_block_print(FILE *out, const struct node_ledger *l)
{
    const struct exec_result *r = &l->result;
    char text[TD_HASH_TEXT_BYTES], fee[TD_QUANTITY_TEXT_BYTES];
    td_hash_print(text, &r->block_hash);
    fprintf(out, "block %" PRIu64 "  %s\n", l->cursor.number, text);
    for (uint32_t i = 0; i < l->block.payload_count; i++)
        print_tx(out, l, i);
    number_text(fee, &r->env.base_fee);
    fprintf(out,
            "  %-16s %" PRIu32 " executed, %" PRIu32 " skipped\n"
            "  %-16s %" PRIu64 " of %" PRIu64 " (base fee %s)\n"
            "  %-16s %" PRIu64 " of %" PRIu64 "\n"
            "  %-16s %zu bytes to L1, %zu to the committee\n",
            "transactions", r->tx_count, r->skipped, "gas", r->gas_used, l->params.gas_limit, fee,
            "native", r->native_used, l->params.native_limit, "published", r->data_on.len,
            r->data_off.len);
    line_hash(out, "stateCommitment", &r->state_commitment);
    line_hash(out, "receiptsRoot", &r->receipts_root);
    line_hash(out, "messagesRoot", &r->messages_root);
    line_hash(out, "daCommitment", &r->da_commitment);
    if (r->ends_batch)
        line_hash(out, "batchHash", &r->batch_hash);
}

/* ---- JSON.  A NULL from jansson spreads: setters fail on it, and the last line says so. */

static json_t *json_hash(const struct td_hash *h)
{
    char text[TD_HASH_TEXT_BYTES];
    td_hash_print(text, h);
    return json_string(text);
}

static json_t *json_addr(const struct td_addr *a)
{
    char text[TD_ADDR_TEXT_BYTES];
    td_addr_print(text, a);
    return json_string(text);
}

static json_t *json_u256(const struct exec_u256 *v)
{
    char text[TD_QUANTITY_TEXT_BYTES];
    number_text(text, v);
    return json_string(text);
}

static json_t *json_u64(uint64_t v)
{
    struct exec_u256 x = exec_u256_of(v);
    return json_u256(&x);
}

static json_t *json_bytes(struct td_bytes b)
{
    size_t cap = 2u * b.len + 3u;
    char *text = malloc(cap);
    json_t *value = NULL;
    if (text != NULL && td_hex_encode(text, cap, TD_HEX_PREFIXED, b.ptr, b.len) == TD_OK)
        value = json_string(text);
    free(text);
    return value;
}

static json_t *json_log(const struct exec_log *log)
{
    json_t *topics = json_array();
    for (uint32_t i = 0; i < log->topic_count; i++)
        json_array_append_new(topics, json_hash(&log->topic[i]));
    return json_pack("{so so so}", "address", json_addr(&log->addr), "topics", topics, "data",
                     json_bytes(log->data));
}

static void add_receipt(json_t *to, const struct exec_receipt *r)
{
    struct exec_bloom bloom = {{0}};
    json_t *logs = json_array(), *messages = json_array();
    for (uint32_t i = 0; i < r->log_count; i++) {
        exec_bloom_add(&bloom, &r->logs[i]);
        json_array_append_new(logs, json_log(&r->logs[i]));
    }
    for (uint32_t i = 0; i < r->message_count; i++)
        json_array_append_new(messages,
                              json_pack("{so so}", "sender", json_addr(&r->messages[i].sender),
                                        "payload", json_bytes(r->messages[i].payload)));
    json_object_set_new(to, "success", json_boolean(r->success));
    json_object_set_new(to, "type", json_u64(r->type));
    json_object_set_new(to, "gasUsed", json_u64(r->gas_used));
    json_object_set_new(to, "cumulativeGasUsed", json_u64(r->cumulative_gas));
    json_object_set_new(to, "nativeUsed", json_u64(r->native_used));
    json_object_set_new(to, "pubdataBytes", json_u64(r->pubdata_bytes));
    if (!td_addr_is_zero(&r->created))
        json_object_set_new(to, "contractAddress", json_addr(&r->created));
    json_object_set_new(to, "logsBloom", json_bytes(td_bytes_of(bloom.b, sizeof bloom.b)));
    json_object_set_new(to, "logs", logs);
    json_object_set_new(to, "messages", messages);
}

static json_t *json_tx(const struct node_ledger *l, const struct exec_tx_result *x)
{
    json_t *to = json_object();
    json_object_set_new(to, "hash", json_hash(&x->hash));
    json_object_set_new(to, "inbox", json_boolean(is_inbox(l, x)));
    json_object_set_new(to, "sender", json_addr(&x->sender));
    json_object_set_new(to, "verdict", json_string(exec_tx_verdict_text(x->verdict)));
    json_object_set_new(to, "status", json_string(status_of(x)));
    if (x->verdict == EXEC_TX_OK)
        add_receipt(to, &x->receipt);
    return to;
}

static bool dump(FILE *out, json_t *line)
{
    bool good = line != NULL && json_dumpf(line, out, JSON_COMPACT) == 0;
    if (!good)
        fputs("{\"error\":\"no memory\"}", out);
    fputc('\n', out);
    json_decref(line);
    return good;
}

bool node_block_print_json(FILE *out, const char *file, const struct node_ledger *l)
{
    const struct exec_result *r = &l->result;
    json_t *to = json_object(), *txs = json_array();
    for (uint32_t i = 0; i < l->block.payload_count; i++)
        json_array_append_new(txs, json_tx(l, &r->txs[i]));
    json_object_set_new(to, "file", json_string(file));
    json_object_set_new(to, "block", json_u64(l->cursor.number));
    json_object_set_new(to, "blockHash", json_hash(&r->block_hash));
    json_object_set_new(to, "header", json_bytes(l->block.header));
    json_object_set_new(to, "timestampMs", json_u64(l->cursor.ts_ms));
    json_object_set_new(to, "baseFee", json_u256(&r->env.base_fee));
    json_object_set_new(to, "gasUsed", json_u64(r->gas_used));
    json_object_set_new(to, "nativeUsed", json_u64(r->native_used));
    json_object_set_new(to, "executed", json_u64(r->tx_count));
    json_object_set_new(to, "skipped", json_u64(r->skipped));
    json_object_set_new(to, "stateCommitment", json_hash(&r->state_commitment));
    json_object_set_new(to, "receiptsRoot", json_hash(&r->receipts_root));
    json_object_set_new(to, "messagesRoot", json_hash(&r->messages_root));
    json_object_set_new(to, "daCommitment", json_hash(&r->da_commitment));
    if (r->ends_batch)
        json_object_set_new(to, "batchHash", json_hash(&r->batch_hash));
    json_object_set_new(to, "dataOn", json_bytes(r->data_on));
    json_object_set_new(to, "dataOff", json_bytes(r->data_off));
    json_object_set_new(to, "transactions", txs);
    return dump(out, to);
}

/* ---- post state */

static int by_key(const void *a, const void *b)
{
    const struct node_ledger_key *x = *(const struct node_ledger_key *const *)a;
    const struct node_ledger_key *y = *(const struct node_ledger_key *const *)b;
    int d = td_addr_cmp(&x->addr, &y->addr);
    return d != 0 ? d : exec_u256_cmp(&x->word, &y->word);
}

/* Pointers to a table's items, sorted; the caller frees. */
static const struct node_ledger_key **sorted(const struct node_ledger_table *t)
{
    const struct node_ledger_key **keys = calloc(t->count + 1u, sizeof *keys);
    for (uint32_t i = 0; keys != NULL && i < t->count; i++)
        keys[i] = (const void *)(t->items + (size_t)i * t->item_bytes);
    if (keys != NULL)
        qsort(keys, t->count, sizeof *keys, by_key);
    return keys;
}

static json_t *json_account(const struct node_ledger *l, const struct node_ledger_account *a,
                            const struct node_ledger_key *const *slots, uint32_t *next)
{
    const struct exec_reader reader = node_ledger_reader((struct node_ledger *)(uintptr_t)l);
    struct td_bytes code = {0};
    json_t *storage = json_object();
    if (a->data.code_bytes > 0)
        (void)reader.code(reader.self, &a->data.code_hash, &code); /* kept beside the account */
    while (*next < l->slots.count && td_addr_cmp(&slots[*next]->addr, &a->key.addr) < 0)
        (*next)++;
    for (; *next < l->slots.count && td_addr_eq(&slots[*next]->addr, &a->key.addr); (*next)++) {
        const struct node_ledger_slot *s = (const void *)slots[*next];
        char name[TD_QUANTITY_TEXT_BYTES];
        number_text(name, &s->key.word);
        if (!exec_u256_is_zero(&s->value))
            json_object_set_new(storage, name, json_u256(&s->value));
    }
    return json_pack("{so so so so}", "nonce", json_u64(a->data.nonce), "balance",
                     json_u256(&a->data.balance), "code", json_bytes(code), "storage", storage);
}

static bool is_empty(const struct exec_account *a)
{
    return a->nonce == 0 && a->code_bytes == 0 && exec_u256_is_zero(&a->balance);
}

static json_t *json_post(const struct node_ledger *l)
{
    const struct node_ledger_key **accounts = sorted(&l->accounts), **slots = sorted(&l->slots);
    json_t *to = accounts == NULL || slots == NULL ? NULL : json_object();
    uint32_t next = 0;
    for (uint32_t i = 0; to != NULL && i < l->accounts.count; i++) {
        const struct node_ledger_account *a = (const void *)accounts[i];
        char name[TD_ADDR_TEXT_BYTES];
        td_addr_print(name, &a->key.addr);
        if (!is_empty(&a->data))
            json_object_set_new(to, name, json_account(l, a, slots, &next));
    }
    free(accounts);
    free(slots);
    return to;
}

bool node_post_print(FILE *out, const struct node_ledger *l)
{
    json_t *post = json_post(l);
    fputs("post ", out);
    bool good = post != NULL && json_dumpf(post, out, JSON_INDENT(1)) == 0;
    fputc('\n', out);
    json_decref(post);
    return good;
}

bool node_file_print_json(FILE *out, const char *file, const struct node_ledger *l,
                          const struct td_p2_digest *d, size_t differences, bool post)
{
    json_t *words = json_array(), *to = json_object();
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        json_array_append_new(words, json_integer(d->e[i].v));
    json_object_set_new(to, "file", json_string(file));
    json_object_set_new(to, "blocks", json_u64(l->run_blocks));
    json_object_set_new(to, "statement", words);
    json_object_set_new(to, "differences", json_u64(differences));
    if (post)
        json_object_set_new(to, "post", json_post(l));
    return dump(out, to);
}
