#include "executor/receipt.h"

#include "base/core/keccak.h"
#include "base/core/rlp.h"

#define ADDR_RLP_BYTES (1u + TD_ADDR_BYTES)
#define TOPIC_RLP_BYTES (1u + TD_HASH_BYTES)
#define BLOOM_RLP_BYTES (3u + EXEC_BLOOM_BYTES)

/* ---- bloom */

/* The bit numbers of one name: 11 bits of each of three pairs of bytes. */
static void bits_of(uint32_t bit[3], struct td_bytes name)
{
    struct td_hash h;
    td_keccak256(&h, name.ptr, name.len);
    for (uint32_t i = 0; i < 3; i++)
        bit[i] = (((uint32_t)h.b[2u * i] << 8) | h.b[2u * i + 1u]) & 2047u;
}

static void bloom_set(struct exec_bloom *bloom, struct td_bytes name)
{
    uint32_t bit[3];
    bits_of(bit, name);
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t *at = &bloom->b[EXEC_BLOOM_BYTES - 1u - bit[i] / 8u];
        *at = (uint8_t)(*at | (1u << (bit[i] % 8u)));
    }
}

void exec_bloom_add(struct exec_bloom *bloom, const struct exec_log *log)
{
    bloom_set(bloom, td_bytes_of(log->addr.b, TD_ADDR_BYTES));
    for (uint32_t i = 0; i < log->topic_count; i++)
        bloom_set(bloom, td_bytes_of(log->topic[i].b, TD_HASH_BYTES));
}

bool exec_bloom_has(const struct exec_bloom *bloom, struct td_bytes name)
{
    uint32_t bit[3];
    bool all = true;
    bits_of(bit, name);
    for (uint32_t i = 0; i < 3; i++)
        all &= ((uint32_t)bloom->b[EXEC_BLOOM_BYTES - 1u - bit[i] / 8u] >> (bit[i] % 8u) & 1u) != 0;
    return all;
}

/* ---- logs */

static size_t topics_payload(const struct exec_log *log)
{
    return log->topic_count * TOPIC_RLP_BYTES;
}

static size_t log_payload(const struct exec_log *log)
{
    return ADDR_RLP_BYTES + td_rlp_list_size(topics_payload(log)) +
           td_rlp_bytes_size(log->data.ptr, log->data.len);
}

static size_t logs_payload(const struct exec_log *logs, uint32_t count)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += td_rlp_list_size(log_payload(&logs[i]));
    return sum;
}

/* All of a log but its data. */
static void put_log_head(struct td_writer *w, const struct exec_log *log)
{
    td_rlp_put_list(w, log_payload(log));
    td_rlp_put_bytes(w, log->addr.b, TD_ADDR_BYTES);
    td_rlp_put_list(w, topics_payload(log));
    for (uint32_t i = 0; i < log->topic_count; i++)
        td_rlp_put_bytes(w, log->topic[i].b, TD_HASH_BYTES);
}

static void put_log(struct td_writer *w, const struct exec_log *log)
{
    put_log_head(w, log);
    td_rlp_put_bytes(w, log->data.ptr, log->data.len);
}

static size_t receipt_payload(const struct exec_receipt *r)
{
    return td_rlp_u64_size(r->success) + td_rlp_u64_size(r->cumulative_gas) + BLOOM_RLP_BYTES +
           td_rlp_list_size(logs_payload(r->logs, r->log_count));
}

size_t exec_receipt_size(const struct exec_receipt *r)
{
    return (r->type != 0 ? 1u : 0u) + td_rlp_list_size(receipt_payload(r));
}

void exec_receipt_encode(struct td_writer *w, const struct exec_receipt *r)
{
    struct exec_bloom bloom = {{0}};
    for (uint32_t i = 0; i < r->log_count; i++)
        exec_bloom_add(&bloom, &r->logs[i]);
    if (r->type != 0)
        td_put_u8(w, r->type);
    td_rlp_put_list(w, receipt_payload(r));
    td_rlp_put_u64(w, r->success);
    td_rlp_put_u64(w, r->cumulative_gas);
    td_rlp_put_bytes(w, bloom.b, sizeof bloom.b);
    td_rlp_put_list(w, logs_payload(r->logs, r->log_count));
    for (uint32_t i = 0; i < r->log_count; i++)
        put_log(w, &r->logs[i]);
}

/* ---- hash of logs */

static void hash_writer(struct td_keccak *k, const struct td_writer *w)
{
    td_keccak_update(k, w->ptr, w->len);
}

void exec_logs_hash(struct td_hash *out, const struct exec_log *logs, uint32_t count)
{
    /* List headers, address, four topics. */
    uint8_t buf[3u * TD_RLP_HEADER_BYTES_MAX + ADDR_RLP_BYTES + 4u * TOPIC_RLP_BYTES];
    struct td_writer w;
    struct td_keccak k;
    td_keccak_init(&k);
    td_writer_init(&w, buf, sizeof buf);
    td_rlp_put_list(&w, logs_payload(logs, count));
    hash_writer(&k, &w);
    for (uint32_t i = 0; i < count; i++) {
        const struct td_bytes data = logs[i].data;
        td_writer_init(&w, buf, sizeof buf);
        put_log_head(&w, &logs[i]);
        hash_writer(&k, &w);
        /* A string's header is what its encoding has beyond its content. */
        size_t head = td_rlp_bytes_size(data.ptr, data.len) - data.len;
        td_writer_init(&w, buf, sizeof buf);
        if (head == 1u)
            td_put_u8(&w, (uint8_t)(0x80u + data.len));
        for (size_t n = head; n > 1u; n--) {
            if (n == head)
                td_put_u8(&w, (uint8_t)(0xb7u + head - 1u));
            td_put_u8(&w, (uint8_t)(data.len >> (8u * (n - 2u))));
        }
        hash_writer(&k, &w);
        td_keccak_update(&k, data.ptr, data.len);
    }
    td_keccak_final(&k, out);
}
