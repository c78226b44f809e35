/* executor/receipt: the hash of logs, blooms and encoded receipts.
 * Method: a public constant for no logs; everything else composed again here from single items. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "base/core/rlp.h"
#include "executor/receipt.h"

static uint8_t DATA[300];

static void put_logs(struct td_writer *w, const struct exec_log *logs, uint32_t count)
{
    size_t all = td_rlp_list_begin(w);
    for (uint32_t i = 0; i < count; i++) {
        size_t one = td_rlp_list_begin(w);
        td_rlp_put_bytes(w, logs[i].addr.b, 20);
        size_t topics = td_rlp_list_begin(w);
        for (uint32_t k = 0; k < logs[i].topic_count; k++)
            td_rlp_put_bytes(w, logs[i].topic[k].b, 32);
        td_rlp_list_end(w, topics);
        td_rlp_put_bytes(w, logs[i].data.ptr, logs[i].data.len);
        td_rlp_list_end(w, one);
    }
    td_rlp_list_end(w, all);
}

Test(executor_receipt, no_logs_is_the_empty_list)
{
    static const uint8_t WANT[32] = {0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a,
                                     0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
                                     0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13,
                                     0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47};
    struct td_hash h;
    exec_logs_hash(&h, NULL, 0);
    cr_expect_arr_eq(h.b, WANT, 32);
}

/* Data of each length where the form of a string changes. */
Test(executor_receipt, logs_hash_is_of_their_rlp)
{
    static const size_t LENGTHS[] = {0, 1, 2, 55, 56, 255, 256, 300};
    static uint8_t buf[8192];
    struct exec_log logs[16];
    for (uint32_t first = 0; first < 256; first += 0x80) {
        memset(DATA, (int)first, sizeof DATA);
        for (uint32_t n = 0; n < 8; n++) {
            struct td_hash want, got;
            struct td_writer w;
            for (uint32_t i = 0; i <= n; i++) {
                logs[i] = (struct exec_log){.addr = {{(uint8_t)i}}, .topic_count = i % 5u};
                logs[i].topic[3].b[7] = (uint8_t)n;
                logs[i].data = td_bytes_of(DATA, LENGTHS[i]);
            }
            td_writer_init(&w, buf, sizeof buf);
            put_logs(&w, logs, n + 1u);
            cr_assert_eq(w.err, TD_OK);
            td_keccak256(&want, buf, w.len);
            exec_logs_hash(&got, logs, n + 1u);
            cr_expect(td_hash_eq(&want, &got), "%u logs, byte %u", n + 1u, first);
        }
    }
}

/* Yellow Paper, 4.3.1: bit number b of a 2,048-bit big-endian number. */
Test(executor_receipt, bloom_has_three_bits_of_each_name)
{
    struct exec_bloom bloom = {{0}};
    struct exec_log log = {.addr = {{0x0f}}, .topic_count = 2, .topic = {{{1}}, {{2}}, {{3}}}};
    uint8_t want[256] = {0};
    const struct td_bytes names[3] = {td_bytes_of(log.addr.b, 20), td_bytes_of(log.topic[0].b, 32),
                                      td_bytes_of(log.topic[1].b, 32)};
    for (uint32_t i = 0; i < 3; i++) {
        struct td_hash h;
        td_keccak256(&h, names[i].ptr, names[i].len);
        for (uint32_t k = 0; k < 6; k += 2) {
            uint32_t bit = (h.b[k] * 256u + h.b[k + 1]) % 2048u;
            want[255 - bit / 8] = (uint8_t)(want[255 - bit / 8] | 1u << bit % 8);
        }
    }
    exec_bloom_add(&bloom, &log);
    cr_expect_arr_eq(bloom.b, want, 256);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect(exec_bloom_has(&bloom, names[i]));
    cr_expect_not(exec_bloom_has(&bloom, td_bytes_of(log.topic[2].b, 32)));
}

Test(executor_receipt, encoding)
{
    static uint8_t buf[4096], want[4096];
    struct exec_log logs[2] = {{.addr = {{9}}, .topic_count = 1, .data = td_bytes_of("abc", 3)},
                               {.addr = {{8}}, .topic_count = 4}};
    static const uint8_t types[] = {0, 1, 2, 4, EXEC_TX_DEPOSIT};
    for (uint32_t i = 0; i < sizeof types; i++) {
        struct exec_receipt r = {.type = types[i],
                                 .success = i % 2u == 0,
                                 .cumulative_gas = 123456789,
                                 .log_count = i % 3u,
                                 .logs = logs};
        struct exec_bloom bloom = {{0}};
        struct td_writer w, x;
        for (uint32_t k = 0; k < r.log_count; k++)
            exec_bloom_add(&bloom, &logs[k]);
        td_writer_init(&x, want, sizeof want);
        if (types[i] != 0)
            td_put_u8(&x, types[i]);
        size_t list = td_rlp_list_begin(&x);
        td_rlp_put_u64(&x, r.success ? 1 : 0);
        td_rlp_put_u64(&x, 123456789);
        td_rlp_put_bytes(&x, bloom.b, 256);
        put_logs(&x, logs, r.log_count);
        td_rlp_list_end(&x, list);
        td_writer_init(&w, buf, sizeof buf);
        exec_receipt_encode(&w, &r);
        cr_assert_eq(w.err, TD_OK);
        cr_expect(td_bytes_eq(td_bytes_of(buf, w.len), td_bytes_of(want, x.len)), "%u", types[i]);
        cr_expect_eq(exec_receipt_size(&r), w.len);
        td_writer_init(&w, buf, x.len - 1);
        exec_receipt_encode(&w, &r);
        cr_expect_eq(w.err, TD_E_NOSPACE);
    }
}
