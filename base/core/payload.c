#include "base/core/payload.h"

#include "base/core/codec.h"
#include "base/core/keccak.h"

void td_payload_root(struct td_hash *out, struct td_hash *scratch, const struct td_hash *hashes,
                     uint32_t count)
{
    /* The three prefixes keep leaves, nodes and the count-bound root apart.  [P-2.3] */
    uint8_t buf[1 + 2 * TD_HASH_BYTES];
    if (count == 0) {
        *out = (struct td_hash){{0}};
        return;
    }
    buf[0] = 0x00;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(buf + 1, hashes[i].b, TD_HASH_BYTES);
        td_keccak256(&scratch[i], buf, 1 + TD_HASH_BYTES);
    }
    buf[0] = 0x01;
    for (uint32_t width = count; width > 1; width = width / 2 + width % 2) {
        for (uint32_t i = 0; i < width / 2; i++) {
            memcpy(buf + 1, scratch[2 * i].b, TD_HASH_BYTES);
            memcpy(buf + 1 + TD_HASH_BYTES, scratch[2 * i + 1].b, TD_HASH_BYTES);
            td_keccak256(&scratch[i], buf, sizeof buf);
        }
        if (width % 2 != 0)
            scratch[width / 2] = scratch[width - 1];
    }
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    td_put_u8(&w, 0x02);
    td_put_u32(&w, count);
    td_put_hash(&w, &scratch[0]);
    td_keccak256(out, buf, w.len);
}
