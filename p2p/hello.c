#include <string.h>

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "p2p/net_internal.h"

_Static_assert(P2P_HELLO_BYTES_MAX <= P2P_FRAME_STRANGER_BYTES, "a stranger may say Hello");

/* [P-14.2] */
size_t p2p_hello_encode(uint8_t out[P2P_HELLO_BYTES_MAX], const struct p2p_hello *h)
{
    uint8_t record[P2P_RECORD_BYTES_MAX];
    size_t len = p2p_record_encode(record, &h->record);
    struct td_writer w;
    td_writer_init(&w, out, P2P_HELLO_BYTES_MAX);
    td_put_u8(&w, P2P_HELLO_KIND);
    td_put_u32(&w, h->version);
    td_put_hash(&w, &h->genesis);
    td_put_u16(&w, (uint16_t)len);
    td_put_bytes(&w, record, len);
    TD_ASSERT(w.err == TD_OK);
    return w.len;
}

enum td_error p2p_hello_decode(struct p2p_hello *h, struct td_bytes body)
{
    struct td_reader in;
    memset(h, 0, sizeof *h);
    td_reader_init(&in, body.ptr, body.len);
    if (td_get_u8(&in) != P2P_HELLO_KIND)
        td_reader_fail(&in, TD_E_MALFORMED);
    uint32_t version = td_get_u32(&in);
    if (in.err == TD_OK && version != P2P_VERSION) {
        h->version = version;
        return TD_E_UNSUPPORTED;
    }
    td_get_hash(&in, &h->genesis);
    uint16_t len = td_get_u16(&in);
    struct td_bytes record = td_get_view(&in, len);
    enum td_error err = td_reader_finish(&in);
    if (err == TD_OK)
        err = p2p_record_decode(&h->record, record);
    if (err == TD_E_UNSUPPORTED) /* the record's version, not ours */
        err = TD_E_MALFORMED;
    if (err == TD_OK)
        h->version = version;
    else
        memset(h, 0, sizeof *h);
    return err;
}
