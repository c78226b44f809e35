/* base/core/rlp: canonical decoding and encoding.
 * Method: tables of encodings with one verdict each, a nested value cut at every byte, and random
 * values written both ways and read back.  The public suite is in test_vectors_rlp.c. */
#include <criterion/criterion.h>

#include "base/core/rlp.h"
#include "base/core/rng.h"

#define HEAD(bytes)                                                                                \
    {                                                                                              \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                \
    }

static const struct {
    const char *name;
    struct td_bytes in;
    enum td_error want;
} ITEMS[] = {
    {"empty", HEAD(""), TD_E_TRUNCATED},
    {"byte", HEAD("\x7f"), TD_OK},
    {"zero_byte", HEAD("\x00"), TD_OK},
    {"empty_string", HEAD("\x80"), TD_OK},
    {"byte_in_long_coat", HEAD("\x81\x7f"), TD_E_MALFORMED},
    {"byte_80", HEAD("\x81\x80"), TD_OK},
    {"string_cut", HEAD("\x82\x61"), TD_E_TRUNCATED},
    {"list_of_two", HEAD("\xc2\x01\x02"), TD_OK},
    {"list_cut", HEAD("\xc2\x01"), TD_E_TRUNCATED},
    {"leftover", HEAD("\x01\x02"), TD_E_MALFORMED},
    {"leftover_after_list", HEAD("\xc0\x00"), TD_E_MALFORMED},
    {"long_form_of_55", HEAD("\xb8\x37"), TD_E_MALFORMED},
    {"long_list_form_of_55", HEAD("\xf8\x37"), TD_E_MALFORMED},
    {"leading_zero_length", HEAD("\xb9\x00\x38"), TD_E_MALFORMED},
    {"length_bytes_missing", HEAD("\xb9\x01"), TD_E_TRUNCATED},
    {"huge_length", HEAD("\xbf\xff\xff\xff\xff\xff\xff\xff\xff"), TD_E_TRUNCATED},
    {"huge_list", HEAD("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"), TD_E_TRUNCATED},
    {"inner_overrun", HEAD("\xc2\x82\x01"), TD_E_MALFORMED},
    {"inner_header_overrun", HEAD("\xc1\xb8"), TD_E_MALFORMED},
    {"inner_not_canonical", HEAD("\xc2\x81\x01"), TD_E_MALFORMED},
    {"nested", HEAD("\xc7\xc0\xc1\xc0\xc3\xc0\xc1\xc0"), TD_OK},
    {"four_deep", HEAD("\xc3\xc2\xc1\xc0"), TD_OK},
    {"five_deep", HEAD("\xc4\xc3\xc2\xc1\xc0"), TD_E_LIMIT},
    {"second_after_deep", HEAD("\xc4\xc2\xc1\xc0\x05"), TD_OK},
};

Test(base_rlp, verify_table)
{
    for (size_t i = 0; i < sizeof ITEMS / sizeof ITEMS[0]; i++) {
        size_t ends[4];
        cr_expect_eq(td_rlp_verify(ITEMS[i].in, ends, 4), ITEMS[i].want, "%s", ITEMS[i].name);
    }
    cr_expect_eq(td_rlp_verify((struct td_bytes)HEAD("\x05"), NULL, 0), TD_OK);
    cr_expect_eq(td_rlp_verify((struct td_bytes)HEAD("\xc0"), NULL, 0), TD_E_LIMIT);
}

Test(base_rlp, item_views)
{
    struct td_rlp_item item;
    struct td_bytes in = HEAD("\xc3\x82\x61\x62\x09");
    cr_assert_eq(td_rlp_item_decode(&item, in), TD_OK);
    cr_expect_eq(item.kind, TD_RLP_LIST);
    cr_expect(item.whole.ptr == in.ptr && item.whole.len == 4);
    cr_expect(item.payload.ptr == in.ptr + 1 && item.payload.len == 3);
    cr_expect_eq(td_rlp_item_decode(&item, (struct td_bytes)HEAD("\x81")), TD_E_TRUNCATED);
    cr_expect(item.kind == TD_RLP_STRING && item.payload.len == 0 && item.whole.len == 0);
}

/* Integers: the error of each bad form, and zero as the value. */
static const struct {
    const char *name;
    struct td_bytes in;
    enum td_error u64_want;
    enum td_error wei_want;
    uint64_t value;
} INTEGERS[] = {
    {"zero", HEAD("\x80"), TD_OK, TD_OK, 0},
    {"zero_as_byte", HEAD("\x00"), TD_E_MALFORMED, TD_E_MALFORMED, 0},
    {"one", HEAD("\x01"), TD_OK, TD_OK, 1},
    {"127", HEAD("\x7f"), TD_OK, TD_OK, 127},
    {"128", HEAD("\x81\x80"), TD_OK, TD_OK, 128},
    {"leading_zero", HEAD("\x82\x00\x80"), TD_E_MALFORMED, TD_E_MALFORMED, 0},
    {"u64_max", HEAD("\x88\xff\xff\xff\xff\xff\xff\xff\xff"), TD_OK, TD_OK, UINT64_MAX},
    {"nine_bytes", HEAD("\x89\x01\0\0\0\0\0\0\0\0"), TD_E_RANGE, TD_OK, 0},
    {"33_bytes", HEAD("\xa1\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     TD_E_RANGE, TD_E_RANGE, 0},
    {"list", HEAD("\xc0"), TD_E_MALFORMED, TD_E_MALFORMED, 0},
    {"missing", HEAD(""), TD_E_TRUNCATED, TD_E_TRUNCATED, 0},
};

Test(base_rlp, integers)
{
    for (size_t i = 0; i < sizeof INTEGERS / sizeof INTEGERS[0]; i++) {
        struct td_rlp_reader r;
        struct td_wei wei;
        td_rlp_reader_init(&r, INTEGERS[i].in);
        cr_expect_eq(td_rlp_get_u64(&r), INTEGERS[i].value, "%s", INTEGERS[i].name);
        cr_expect_eq(td_rlp_reader_finish(&r), INTEGERS[i].u64_want, "%s", INTEGERS[i].name);
        td_rlp_reader_init(&r, INTEGERS[i].in);
        td_rlp_get_wei(&r, &wei);
        cr_expect_eq(td_rlp_reader_finish(&r), INTEGERS[i].wei_want, "%s", INTEGERS[i].name);
        if (INTEGERS[i].u64_want == TD_OK)
            cr_expect(wei.limb[0] == INTEGERS[i].value && td_wei_is_u64(&wei));
        else if (INTEGERS[i].wei_want != TD_OK)
            cr_expect(td_wei_is_zero(&wei));
        else
            cr_expect_eq(wei.limb[1], 1);
    }
}

/* [ "dog", 1024, [ 0x11 * 4, [] ], 60 bytes ]: every getter once. */
static size_t sample_write(struct td_writer *w)
{
    uint8_t sixty[60];
    memset(sixty, 0xAB, sizeof sixty);
    size_t outer = td_rlp_list_begin(w);
    td_rlp_put_bytes(w, "dog", 3);
    td_rlp_put_u64(w, 1024);
    size_t inner = td_rlp_list_begin(w);
    td_rlp_put_bytes(w, "\x11\x11\x11\x11", 4);
    size_t none = td_rlp_list_begin(w);
    td_rlp_list_end(w, none);
    td_rlp_list_end(w, inner);
    td_rlp_put_bytes(w, sixty, sizeof sixty);
    td_rlp_list_end(w, outer);
    return w->len;
}

static enum td_error sample_read(struct td_bytes in)
{
    struct td_rlp_reader top, list, inner, none;
    uint8_t four[4] = {1, 1, 1, 1};
    td_rlp_reader_init(&top, in);
    td_rlp_get_list(&top, &list);
    struct td_bytes dog = td_rlp_get_bytes(&list);
    uint64_t number = td_rlp_get_u64(&list);
    td_rlp_get_list(&list, &inner);
    td_rlp_get_fixed(&inner, four, sizeof four);
    td_rlp_get_list(&inner, &none);
    struct td_rlp_item sixty = td_rlp_get_item(&list);
    bool more = td_rlp_reader_more(&list);

    struct td_rlp_reader *const all[] = {&top, &list, &inner, &none};
    for (size_t i = 0; i < 4; i++) {
        enum td_error err = td_rlp_reader_finish(all[i]);
        if (err != TD_OK)
            return err;
    }
    cr_assert(td_bytes_eq(dog, td_bytes_of_text("dog")));
    cr_assert(number == 1024 && memcmp(four, "\x11\x11\x11\x11", 4) == 0);
    cr_assert(sixty.kind == TD_RLP_STRING && sixty.payload.len == 60 && sixty.whole.len == 62);
    cr_assert(!more);
    return TD_OK;
}

Test(base_rlp, nested_value_cut_at_every_byte)
{
    uint8_t buf[128];
    size_t ends[3];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    size_t len = sample_write(&w);
    cr_assert_eq(w.err, TD_OK);
    cr_assert_eq(len, 2 + 4 + 3 + 7 + 62);
    cr_expect_eq(sample_read(td_bytes_of(buf, len)), TD_OK);
    cr_expect_eq(td_rlp_verify(td_bytes_of(buf, len), ends, 3), TD_OK);
    for (size_t cut = 0; cut < len; cut++) {
        cr_expect_eq(sample_read(td_bytes_of(buf, cut)), TD_E_TRUNCATED, "cut %zu", cut);
        cr_expect_eq(td_rlp_verify(td_bytes_of(buf, cut), ends, 3), TD_E_TRUNCATED);
    }
    for (size_t cap = 0; cap < len; cap++) { /* and the writer at every capacity */
        uint8_t small[128];
        memset(small, 0x55, sizeof small);
        td_writer_init(&w, small, cap);
        sample_write(&w);
        cr_assert_eq(w.err, TD_E_NOSPACE, "cap %zu", cap);
        for (size_t i = cap; i < sizeof small; i++)
            cr_assert_eq(small[i], 0x55);
    }
}

Test(base_rlp, wrong_kinds_and_sticky_errors)
{
    struct td_rlp_reader r, inner;
    uint8_t two[2] = {9, 9};
    td_rlp_reader_init(&r, (struct td_bytes)HEAD("\x05\x06"));
    cr_expect(td_rlp_reader_more(&r));
    td_rlp_get_list(&r, &inner);
    cr_expect(r.err == TD_E_MALFORMED && inner.err == TD_E_MALFORMED);
    cr_expect_eq(inner.in.len, 0);
    cr_expect(!td_rlp_reader_more(&r));
    cr_expect_eq(td_rlp_get_u64(&r), 0, "6 is there, but the error sticks");

    td_rlp_reader_init(&r, (struct td_bytes)HEAD("\x05"));
    td_rlp_get_fixed(&r, two, 2);
    cr_expect(r.err == TD_E_MALFORMED && two[0] == 0 && two[1] == 0);
    td_rlp_reader_fail(&r, TD_E_LIMIT);
    cr_expect_eq(td_rlp_reader_finish(&r), TD_E_MALFORMED);
    td_rlp_reader_init(&r, (struct td_bytes)HEAD("\x80\x05"));
    td_rlp_get_fixed(&r, NULL, 0);
    cr_expect_eq(td_rlp_reader_finish(&r), TD_E_MALFORMED, "one item is left over");
    td_rlp_reader_init(&r, (struct td_bytes)HEAD("\xc0"));
    cr_expect_eq(td_rlp_get_bytes(&r).len, 0);
    cr_expect_eq(r.err, TD_E_MALFORMED);
}

/* Sizes foretell what is written, both list forms agree, and everything reads back. */
Test(base_rlp, sizes_and_round_trip)
{
    static const size_t LENS[] = {0, 1, 2, 54, 55, 56, 57, 255, 256, 257, 65535, 65536};
    static uint8_t data[65536], a[70000], b[70000];
    struct td_rng rng;
    td_rng_init(&rng, 3);
    for (size_t i = 0; i < sizeof LENS / sizeof LENS[0]; i++) {
        for (size_t k = 0; k < LENS[i]; k++)
            data[k] = (uint8_t)td_rng_u64(&rng);
        uint64_t number = td_rng_u64(&rng) >> (5 * i);
        struct td_wei wei = {{td_rng_u64(&rng), td_rng_u64(&rng), number, i % 2}};
        size_t payload =
            td_rlp_bytes_size(data, LENS[i]) + td_rlp_u64_size(number) + td_rlp_wei_size(&wei);
        struct td_writer wa, wb;
        td_writer_init(&wa, a, sizeof a);
        td_rlp_put_list(&wa, payload);
        td_rlp_put_bytes(&wa, data, LENS[i]);
        td_rlp_put_u64(&wa, number);
        td_rlp_put_wei(&wa, &wei);
        td_writer_init(&wb, b, sizeof b);
        size_t begin = td_rlp_list_begin(&wb);
        td_rlp_put_bytes(&wb, data, LENS[i]);
        td_rlp_put_u64(&wb, number);
        td_rlp_put_wei(&wb, &wei);
        td_rlp_list_end(&wb, begin);
        cr_assert(wa.err == TD_OK && wb.err == TD_OK);
        cr_assert_eq(wa.len, td_rlp_list_size(payload), "length %zu", LENS[i]);
        cr_assert(td_bytes_eq(td_bytes_of(a, wa.len), td_bytes_of(b, wb.len)));

        struct td_rlp_reader top, list;
        struct td_wei back;
        td_rlp_reader_init(&top, td_bytes_of(a, wa.len));
        td_rlp_get_list(&top, &list);
        cr_assert(td_bytes_eq(td_rlp_get_bytes(&list), td_bytes_of(data, LENS[i])));
        cr_assert_eq(td_rlp_get_u64(&list), number);
        td_rlp_get_wei(&list, &back);
        cr_assert_eq(td_wei_cmp(&back, &wei), 0);
        cr_assert(td_rlp_reader_finish(&list) == TD_OK && td_rlp_reader_finish(&top) == TD_OK);
    }
    for (uint64_t v = 0; v < 300; v++) {
        struct td_writer w;
        td_writer_init(&w, a, sizeof a);
        td_rlp_put_u64(&w, v);
        cr_assert_eq(w.len, td_rlp_u64_size(v));
    }
}
