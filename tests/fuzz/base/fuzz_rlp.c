/* RLP decoding of arbitrary bytes, two ways.  td_rlp_verify must agree with a plain recursive walk
 * over readers, and whatever verifies must encode back to the very same bytes: canonical means
 * there is only one encoding. */
#include <stdint.h>

#include "base/core/assert.h"
#include "base/core/rlp.h"

#define DEPTH_MAX 8u
#define INPUT_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Copy all items of `r` to `w`; false when an item is bad or nests deeper than `depth`. */
static bool copy_items(struct td_writer *w, struct td_rlp_reader *r, size_t depth, bool *too_deep)
{
    while (td_rlp_reader_more(r)) {
        struct td_rlp_item item = td_rlp_get_item(r);
        if (r->err != TD_OK)
            return false;
        if (item.kind == TD_RLP_STRING) {
            td_rlp_put_bytes(w, item.payload.ptr, item.payload.len);
            continue;
        }
        if (depth == 0) {
            *too_deep = true;
            return false;
        }
        struct td_rlp_reader inner;
        size_t begin = td_rlp_list_begin(w);
        td_rlp_reader_init(&inner, item.payload);
        if (!copy_items(w, &inner, depth - 1, too_deep))
            return false;
        td_rlp_list_end(w, begin);
    }
    return td_rlp_reader_finish(r) == TD_OK;
}

/* Typed getters on whatever is there: no crash, zero values after an error. */
static void check_getters(struct td_bytes in)
{
    struct td_rlp_reader r;
    uint8_t fixed[20];
    struct td_wei wei;
    td_rlp_reader_init(&r, in);
    uint64_t number = td_rlp_get_u64(&r);
    TD_ASSERT(r.err == TD_OK || number == 0);
    td_rlp_get_wei(&r, &wei);
    TD_ASSERT(r.err == TD_OK || td_wei_is_zero(&wei));
    td_rlp_get_fixed(&r, fixed, sizeof fixed);
    struct td_rlp_reader list;
    td_rlp_get_list(&r, &list);
    TD_ASSERT(r.err == TD_OK || list.err == r.err);
    TD_ASSERT(r.pos <= in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t out[INPUT_MAX + TD_RLP_HEADER_BYTES_MAX];
    size_t ends[DEPTH_MAX];
    struct td_bytes in = td_bytes_of(data, len);
    struct td_rlp_item first;
    if (len > INPUT_MAX)
        return 0;

    enum td_error verdict = td_rlp_verify(in, ends, DEPTH_MAX);
    struct td_rlp_reader r;
    struct td_writer w;
    bool too_deep = false;
    td_rlp_reader_init(&r, in);
    td_writer_init(&w, out, sizeof out);
    bool one = td_rlp_item_decode(&first, in) == TD_OK && first.whole.len == len;
    bool good = one && copy_items(&w, &r, DEPTH_MAX, &too_deep);
    TD_ASSERT(good == (verdict == TD_OK));
    TD_ASSERT((verdict == TD_E_LIMIT) == too_deep);
    if (good) {
        TD_ASSERT(w.err == TD_OK);
        TD_ASSERT(td_bytes_eq(td_bytes_of(out, w.len), in));
    }
    check_getters(in);
    return 0;
}
