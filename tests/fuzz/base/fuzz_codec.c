/* td_reader and td_writer driven by a script taken from the input: each script byte names a field
 * kind.  Checks the invariants of codec.h after every step, and that what was read can be written
 * to the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/codec.h"

#define STEPS_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One field of the kind that `op` names, from `r` to `w`. */
static void copy_field(struct td_writer *w, struct td_reader *r, uint8_t op)
{
    struct td_hash hash;
    struct td_addr addr;
    struct td_sig sig;
    uint8_t bytes[32];
    struct td_bytes view;
    switch (op % 9u) {
    case 0:
        td_put_u8(w, td_get_u8(r));
        break;
    case 1:
        td_put_u16(w, td_get_u16(r));
        break;
    case 2:
        td_put_u32(w, td_get_u32(r));
        break;
    case 3:
        td_put_u64(w, td_get_u64(r));
        break;
    case 4:
        td_put_u8(w, td_get_bool(r) ? 1 : 0);
        break;
    case 5:
        td_get_hash(r, &hash);
        td_put_hash(w, &hash);
        break;
    case 6:
        td_get_addr(r, &addr);
        td_put_addr(w, &addr);
        break;
    case 7:
        td_get_sig(r, &sig);
        td_put_sig(w, &sig);
        break;
    default:
        if (op & 0x80) {
            view = td_get_view(r, op);
            td_put_bytes(w, view.ptr, view.len);
        } else {
            td_get_bytes(r, bytes, op % 32u);
            td_put_bytes(w, bytes, op % 32u);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t out[STEPS_MAX * 256u];
    size_t steps = len == 0 ? 0 : data[0] % STEPS_MAX;
    if (len < 1 + steps)
        return 0;
    const uint8_t *script = data + 1;
    const uint8_t *body = script + steps;
    size_t body_len = len - 1 - steps;

    struct td_reader r;
    struct td_writer w;
    td_reader_init(&r, body, body_len);
    td_writer_init(&w, out, sizeof out);
    for (size_t i = 0; i < steps; i++) {
        enum td_error before = r.err;
        size_t pos = r.pos;
        copy_field(&w, &r, script[i]);
        TD_ASSERT(r.pos <= r.len);
        TD_ASSERT(r.pos >= pos);
        TD_ASSERT(w.err == TD_OK);
        if (before != TD_OK) {
            TD_ASSERT(r.pos == pos);
            TD_ASSERT(r.err == before);
        }
        if (r.err == TD_OK) {
            TD_ASSERT(w.len == r.pos);
            TD_ASSERT(r.pos == 0 || memcmp(out, body, r.pos) == 0);
        }
    }
    enum td_error verdict = td_reader_finish(&r);
    TD_ASSERT((verdict == TD_OK) == (r.err == TD_OK && r.pos == body_len));

    /* The same fields into too little room: never past the end, never an error forgotten. */
    size_t need = w.len;
    size_t cap = need == 0 ? 0 : (size_t)data[0] % need;
    uint8_t *tight = malloc(cap + 1); /* exact size, so that ASan sees one byte too many */
    TD_ASSERT(tight != NULL);
    tight[cap] = 0x5A;
    td_reader_init(&r, body, body_len);
    td_writer_init(&w, tight, cap);
    for (size_t i = 0; i < steps; i++)
        copy_field(&w, &r, script[i]);
    TD_ASSERT(w.len <= cap);
    TD_ASSERT(tight[cap] == 0x5A);
    TD_ASSERT((w.err == TD_E_NOSPACE) == (need > cap || w.len < need));
    free(tight);
    return 0;
}
