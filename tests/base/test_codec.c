/* base/core/codec: byte order, bounds, and the sticky error.
 * Method: one message with every field kind is written, read back, and then cut at every byte. */
#include <criterion/criterion.h>

#include "base/core/codec.h"

static const uint8_t WIRE[] = {
    0xA1,                                           /* u8 */
    0xB1, 0xB2,                                     /* u16 */
    0xC1, 0xC2, 0xC3, 0xC4,                         /* u32 */
    0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, /* u64 */
    0x01,                                           /* bool */
    'x',  'y',  'z',                                /* bytes */
};
#define TAIL (TD_HASH_BYTES + TD_ADDR_BYTES + TD_SIG_BYTES)
#define TOTAL (sizeof WIRE + TAIL)

static void fill(uint8_t *p, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(first + i);
}

static void put_all(struct td_writer *w)
{
    struct td_hash hash;
    struct td_addr addr;
    struct td_sig sig;
    fill(hash.b, sizeof hash.b, 1);
    fill(addr.b, sizeof addr.b, 101);
    fill(sig.b, sizeof sig.b, 151);
    td_put_u8(w, 0xA1);
    td_put_u16(w, 0xB1B2);
    td_put_u32(w, 0xC1C2C3C4);
    td_put_u64(w, 0xD1D2D3D4D5D6D7D8);
    td_put_u8(w, 1);
    td_put_bytes(w, "xyz", 3);
    td_put_hash(w, &hash);
    td_put_addr(w, &addr);
    td_put_sig(w, &sig);
}

struct all {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    bool flag;
    struct td_bytes view;
    struct td_hash hash;
    struct td_addr addr;
    struct td_sig sig;
};

static void get_all(struct td_reader *r, struct all *out)
{
    memset(out, 0xEE, sizeof *out);
    out->u8 = td_get_u8(r);
    out->u16 = td_get_u16(r);
    out->u32 = td_get_u32(r);
    out->u64 = td_get_u64(r);
    out->flag = td_get_bool(r);
    out->view = td_get_view(r, 3);
    td_get_hash(r, &out->hash);
    td_get_addr(r, &out->addr);
    td_get_sig(r, &out->sig);
}

Test(base_codec, golden_bytes_and_round_trip)
{
    uint8_t buf[TOTAL];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    put_all(&w);
    cr_assert_eq(w.err, TD_OK);
    cr_assert_eq(w.len, TOTAL);
    cr_expect_eq(memcmp(buf, WIRE, sizeof WIRE), 0);
    cr_expect(buf[sizeof WIRE] == 1 && buf[TOTAL - 1] == (uint8_t)(151 + 63));

    struct td_reader r;
    struct all a;
    td_reader_init(&r, buf, w.len);
    get_all(&r, &a);
    cr_expect_eq(td_reader_left(&r), 0);
    cr_expect_eq(td_reader_finish(&r), TD_OK);
    cr_expect(a.u8 == 0xA1 && a.u16 == 0xB1B2 && a.u32 == 0xC1C2C3C4);
    cr_expect(a.u64 == 0xD1D2D3D4D5D6D7D8 && a.flag);
    cr_expect(td_bytes_eq(a.view, td_bytes_of_text("xyz")));
    cr_expect(a.hash.b[0] == 1 && a.hash.b[31] == 32 && a.addr.b[19] == 120 && a.sig.b[0] == 151);
}

/* At every capacity: an error, nothing written past the end, len at a field boundary. */
Test(base_codec, writer_without_space)
{
    static const size_t ENDS[] = {0, 1, 3, 7, 15, 16, 19, 51, 71, 135};
    for (size_t cap = 0; cap < TOTAL; cap++) {
        uint8_t buf[TOTAL + 1];
        struct td_writer w;
        memset(buf, 0x55, sizeof buf);
        td_writer_init(&w, buf, cap);
        put_all(&w);
        cr_assert_eq(w.err, TD_E_NOSPACE, "cap %zu", cap);
        size_t boundary = 0;
        for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0] && ENDS[i] <= cap; i++)
            boundary = ENDS[i];
        cr_assert_eq(w.len, boundary, "cap %zu", cap);
        for (size_t i = w.len; i < sizeof buf; i++)
            cr_assert_eq(buf[i], 0x55, "cap %zu byte %zu", cap, i);
        td_put_u8(&w, 1); /* would fit at most capacities, but the error stays */
        cr_assert_eq(w.len, boundary);
    }
}

/* At every length: truncated, zero values from the cut on, pos frozen. */
Test(base_codec, reader_cut_at_every_byte)
{
    uint8_t buf[TOTAL];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    put_all(&w);
    for (size_t len = 0; len < TOTAL; len++) {
        struct td_reader r;
        struct all a;
        td_reader_init(&r, buf, len);
        get_all(&r, &a);
        cr_assert_eq(r.err, TD_E_TRUNCATED, "len %zu", len);
        cr_assert_eq(td_reader_finish(&r), TD_E_TRUNCATED);
        cr_assert_eq(td_reader_left(&r), 0);
        cr_assert_leq(r.pos, len);
        cr_assert(a.u8 == (len >= 1 ? 0xA1 : 0));
        cr_assert(a.u16 == (len >= 3 ? 0xB1B2 : 0));
        cr_assert(a.u32 == (len >= 7 ? 0xC1C2C3C4 : 0));
        cr_assert(a.u64 == (len >= 15 ? 0xD1D2D3D4D5D6D7D8 : 0));
        cr_assert(a.flag == (len >= 16));
        cr_assert_eq(a.view.len, len >= 19 ? 3u : 0u);
        cr_assert_eq(td_hash_is_zero(&a.hash), len < 51);
        cr_assert_eq(td_addr_is_zero(&a.addr), len < 71);
        cr_assert(a.sig.b[63] == 0 && a.sig.b[0] == 0);
        size_t pos = r.pos;
        uint8_t one = 7;
        td_get_bytes(&r, &one, 1); /* bytes may be left, but the error stays */
        cr_assert(one == 0 && r.pos == pos);
    }
}

Test(base_codec, leftover_and_caller_errors)
{
    struct td_reader r;
    td_reader_init(&r, "\x01\x02", 2);
    cr_expect(td_get_bool(&r));
    cr_expect_eq(td_reader_left(&r), 1);
    cr_expect_eq(td_reader_finish(&r), TD_E_MALFORMED);
    cr_expect_eq(td_get_u8(&r), 0, "finish made the error stick");

    td_reader_init(&r, "\x02\x01", 2);
    cr_expect(!td_get_bool(&r));
    cr_expect_eq(r.err, TD_E_MALFORMED);
    td_reader_fail(&r, TD_E_RANGE);
    cr_expect_eq(td_reader_finish(&r), TD_E_MALFORMED, "the first failure wins");

    td_reader_init(&r, "\x00", 1);
    cr_expect(!td_get_bool(&r) && r.err == TD_OK);
    td_reader_fail(&r, TD_E_RANGE);
    cr_expect_eq(td_reader_finish(&r), TD_E_RANGE);
}

/* Length 0 and NULL memory are ordinary; a huge length must not wrap around. */
Test(base_codec, empty_and_huge)
{
    struct td_reader r;
    td_reader_init(&r, NULL, 0);
    td_get_bytes(&r, NULL, 0);
    cr_expect_eq(td_get_view(&r, 0).len, 0);
    cr_expect_eq(td_reader_finish(&r), TD_OK);

    td_reader_init(&r, "abc", 3);
    (void)td_get_u8(&r);
    cr_expect_eq(td_get_view(&r, SIZE_MAX).len, 0);
    cr_expect_eq(td_reader_finish(&r), TD_E_TRUNCATED);

    struct td_writer w;
    td_writer_init(&w, NULL, 0);
    td_put_bytes(&w, NULL, 0);
    cr_expect(w.err == TD_OK && w.len == 0);
    uint8_t buf[4];
    td_writer_init(&w, buf, sizeof buf);
    td_put_u8(&w, 1);
    cr_expect_null(td_put_space(&w, SIZE_MAX));
    cr_expect_eq(w.err, TD_E_NOSPACE);
}
