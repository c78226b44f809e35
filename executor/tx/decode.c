#include "base/core/keccak.h"
#include "base/core/rlp.h"
#include "executor/tx/tx_internal.h"

/* ---- reading */

/* The shortest encodings: a list with an address and an empty list; a word; a list with an address
 * and five numbers of one byte. */
#define ACCESS_BYTES 23u
#define SLOT_BYTES 33u
#define AUTHORIZATION_BYTES 27u

static void get_u256(struct td_rlp_reader *r, struct exec_u256 *out)
{
    struct td_wei v;
    td_rlp_get_wei(r, &v);
    memcpy(out->w, v.limb, sizeof out->w);
}

/* Empty for a creation, or 20 bytes. */
static void get_to(struct td_rlp_reader *r, struct exec_tx *tx)
{
    struct td_bytes to = td_rlp_get_bytes(r);
    tx->is_create = to.len == 0;
    if (to.len == TD_ADDR_BYTES)
        memcpy(tx->to.b, to.ptr, TD_ADDR_BYTES);
    else if (to.len != 0)
        td_rlp_reader_fail(r, TD_E_MALFORMED);
}

/* Items up to the first that is shorter than any of its kind: what follows is not read, and the
 * list, longer than what was counted, is malformed. */
static uint32_t count_items(struct td_rlp_reader list, size_t least_bytes)
{
    uint32_t n = 0;
    while (td_rlp_reader_more(&list) && td_rlp_get_item(&list).whole.len >= least_bytes)
        n++;
    return n;
}

/* An error inside a list is the list's. */
static void leave(struct td_rlp_reader *outer, struct td_rlp_reader *inner)
{
    enum td_error err = td_rlp_reader_finish(inner);
    if (err != TD_OK)
        td_rlp_reader_fail(outer, err);
}

/* [[address, [slot, ...]], ...]: EIP-2930. */
static void get_access(struct td_rlp_reader *r, struct exec_tx *tx, struct td_arena *arena)
{
    struct td_rlp_reader list, entry, slots;
    td_rlp_get_list(r, &list);
    uint32_t n = count_items(list, ACCESS_BYTES);
    struct exec_access *access = TD_ARENA_NEW(arena, struct exec_access, n);
    if (access == NULL) {
        td_rlp_reader_fail(r, TD_E_NOSPACE);
        return;
    }
    tx->access = access;
    tx->access_count = n;
    for (uint32_t i = 0; i < n && list.err == TD_OK; i++) {
        td_rlp_get_list(&list, &entry);
        td_rlp_get_fixed(&entry, access[i].addr.b, TD_ADDR_BYTES);
        td_rlp_get_list(&entry, &slots);
        uint32_t m = count_items(slots, SLOT_BYTES);
        struct exec_u256 *out = TD_ARENA_NEW(arena, struct exec_u256, m);
        if (out == NULL) {
            td_rlp_reader_fail(r, TD_E_NOSPACE);
            return;
        }
        for (uint32_t k = 0; k < m; k++) {
            uint8_t word[32];
            td_rlp_get_fixed(&slots, word, sizeof word);
            exec_u256_from_be(&out[k], word, sizeof word);
        }
        access[i].slots = out;
        access[i].slot_count = m;
        leave(&entry, &slots);
        leave(&list, &entry);
    }
    leave(r, &list);
}

/* [[chain_id, address, nonce, y_parity, r, s], ...]: EIP-7702, with its bounds on each field. */
static void get_authorizations(struct td_rlp_reader *r, struct exec_tx *tx, struct td_arena *arena)
{
    struct td_rlp_reader list, entry;
    td_rlp_get_list(r, &list);
    uint32_t n = count_items(list, AUTHORIZATION_BYTES);
    tx->auth = TD_ARENA_NEW(arena, struct exec_authorization, n);
    if (tx->auth == NULL) {
        td_rlp_reader_fail(r, TD_E_NOSPACE);
        return;
    }
    tx->auth_count = n;
    for (uint32_t i = 0; i < n && list.err == TD_OK; i++) {
        struct exec_authorization *a = &tx->auth[i];
        td_rlp_get_list(&list, &entry);
        get_u256(&entry, &a->chain_id);
        td_rlp_get_fixed(&entry, a->addr.b, TD_ADDR_BYTES);
        a->nonce = td_rlp_get_u64(&entry);
        get_u256(&entry, &a->y_parity);
        get_u256(&entry, &a->r);
        get_u256(&entry, &a->s);
        if (!exec_u256_is_u64(&a->y_parity) || a->y_parity.w[0] > UINT8_MAX)
            td_rlp_reader_fail(&entry, TD_E_RANGE);
        leave(&list, &entry);
    }
    leave(r, &list);
}

/* ---- what was signed */

/* keccak of: type byte (none for legacy), a list of `payload` and then `tail`, both encoded. */
static void hash_list(struct td_hash *out, uint8_t type, struct td_bytes payload,
                      const struct td_writer *tail)
{
    uint8_t head[1u + TD_RLP_HEADER_BYTES_MAX];
    struct td_writer w;
    struct td_keccak k;
    td_writer_init(&w, head, sizeof head);
    if (type != 0)
        td_put_u8(&w, type);
    td_rlp_put_list(&w, payload.len + tail->len);
    td_keccak_init(&k);
    td_keccak_update(&k, head, w.len);
    td_keccak_update(&k, payload.ptr, payload.len);
    td_keccak_update(&k, tail->ptr, tail->len);
    td_keccak_final(&k, out);
}

void exec_authorization_hash(struct td_hash *out, const struct exec_authorization *a)
{
    uint8_t buf[33u + 21u + 9u];
    struct td_writer w;
    struct td_wei chain_id;
    memcpy(chain_id.limb, a->chain_id.w, sizeof chain_id.limb);
    td_writer_init(&w, buf, sizeof buf);
    td_rlp_put_wei(&w, &chain_id);
    td_rlp_put_bytes(&w, a->addr.b, TD_ADDR_BYTES);
    td_rlp_put_u64(&w, a->nonce);
    hash_list(out, 0x05, td_bytes_of(NULL, 0), &w);
}

/* EIP-155 adds the chain to what is signed: (chain_id, 0, 0) in place of the signature. */
static void sign_hash(struct exec_tx *tx, struct td_bytes payload)
{
    uint8_t buf[9u + 2u];
    struct td_writer tail;
    td_writer_init(&tail, buf, sizeof buf);
    if (tx->type == 0 && tx->has_chain_id) {
        td_rlp_put_u64(&tail, tx->chain_id);
        td_rlp_put_u64(&tail, 0);
        td_rlp_put_u64(&tail, 0);
    }
    hash_list(&tx->signing_hash, tx->type, payload, &tail);
}

/* ---- signatures */

/* The order of secp256k1, and half of it rounded down (EIP-2). */
static const struct exec_u256 ORDER = {
    {0xbfd25e8cd0364141u, 0xbaaedce6af48a03bu, 0xfffffffffffffffeu, 0xffffffffffffffffu}};
static const struct exec_u256 HALF_ORDER = {
    {0xdfe92f46681b20a0u, 0x5d576e7357a4501du, 0xffffffffffffffffu, 0x7fffffffffffffffu}};

bool exec_tx_signature_in_range(const struct exec_u256 *r, const struct exec_u256 *s)
{
    return !exec_u256_is_zero(r) && exec_u256_cmp(r, &ORDER) < 0 && !exec_u256_is_zero(s) &&
           exec_u256_cmp(s, &HALF_ORDER) <= 0;
}

/* v of a legacy transaction: 27, 28, or 35 + 2 chain_id + parity.  False when it is none. */
static bool split_v(struct exec_tx *tx, const struct exec_u256 *v)
{
    if (!exec_u256_is_u64(v))
        return false;
    if (v->w[0] == 27 || v->w[0] == 28) {
        tx->y_parity = (uint8_t)(v->w[0] - 27u);
        return true;
    }
    if (v->w[0] < 35)
        return false;
    tx->has_chain_id = true;
    tx->chain_id = (v->w[0] - 35u) / 2u;
    tx->y_parity = (uint8_t)((v->w[0] - 35u) & 1u);
    return true;
}

/* ---- the two shapes */

static struct td_bytes read_so_far(const struct td_rlp_reader *r)
{
    return td_bytes_of(r->in.ptr, r->pos);
}

/* [nonce, gasPrice, gasLimit, to, value, data, v, r, s].  Fills *signed_part, and *v. */
static void get_legacy(struct td_rlp_reader *r, struct exec_tx *tx, struct td_bytes *signed_part,
                       struct exec_u256 *v)
{
    tx->nonce = td_rlp_get_u64(r);
    get_u256(r, &tx->fee_cap);
    tx->tip_cap = tx->fee_cap;
    tx->gas_limit = td_rlp_get_u64(r);
    get_to(r, tx);
    get_u256(r, &tx->value);
    tx->data = td_rlp_get_bytes(r);
    *signed_part = read_so_far(r);
    get_u256(r, v);
}

/* [chainId, nonce, (tip cap,) fee cap, gasLimit, to, value, data, accessList,
 *  (authorizations,) yParity, r, s] */
static void get_typed(struct td_rlp_reader *r, struct exec_tx *tx, struct td_arena *arena,
                      struct td_bytes *signed_part, struct exec_u256 *parity)
{
    tx->has_chain_id = true;
    tx->chain_id = td_rlp_get_u64(r);
    tx->nonce = td_rlp_get_u64(r);
    if (tx->type != 1)
        get_u256(r, &tx->tip_cap);
    get_u256(r, &tx->fee_cap);
    if (tx->type == 1)
        tx->tip_cap = tx->fee_cap;
    tx->gas_limit = td_rlp_get_u64(r);
    get_to(r, tx);
    get_u256(r, &tx->value);
    tx->data = td_rlp_get_bytes(r);
    get_access(r, tx, arena);
    if (tx->type == 4)
        get_authorizations(r, tx, arena);
    *signed_part = read_so_far(r);
    get_u256(r, parity);
}

static enum exec_tx_verdict decode_list(struct exec_tx *tx, struct td_arena *arena,
                                        struct td_bytes list, uint64_t chain_id)
{
    struct td_rlp_reader outer, r;
    struct td_bytes signed_part;
    struct exec_u256 v;
    td_rlp_reader_init(&outer, list);
    td_rlp_get_list(&outer, &r);
    if (tx->type == 0)
        get_legacy(&r, tx, &signed_part, &v);
    else
        get_typed(&r, tx, arena, &signed_part, &v);
    get_u256(&r, &tx->r);
    get_u256(&r, &tx->s);
    leave(&outer, &r);
    if (td_rlp_reader_finish(&outer) != TD_OK)
        return EXEC_TX_MALFORMED;
    if (tx->type == 0) {
        if (!split_v(tx, &v))
            return EXEC_TX_BAD_SIGNATURE;
    } else {
        if (!exec_u256_is_u64(&v) || v.w[0] > 1)
            return EXEC_TX_BAD_SIGNATURE;
        tx->y_parity = (uint8_t)v.w[0];
    }
    if (!exec_tx_signature_in_range(&tx->r, &tx->s))
        return EXEC_TX_BAD_SIGNATURE;
    if (tx->has_chain_id && chain_id != 0 && tx->chain_id != chain_id)
        return EXEC_TX_CHAIN_ID;
    sign_hash(tx, signed_part);
    return EXEC_TX_OK;
}

enum exec_tx_verdict exec_tx_decode(struct exec_tx *out, struct td_arena *arena,
                                    struct td_bytes bytes, uint64_t chain_id)
{
    memset(out, 0, sizeof *out);
    if (bytes.len == 0)
        return EXEC_TX_MALFORMED;
    uint8_t first = bytes.ptr[0];
    if (first >= 0xc0) {
        td_keccak256(&out->hash, bytes.ptr, bytes.len);
        return decode_list(out, arena, bytes, chain_id);
    }
    if (first >= 0x80)
        return EXEC_TX_MALFORMED; /* EIP-2718 keeps these free of types */
    if (first != 1 && first != 2 && first != 4)
        return EXEC_TX_TYPE;
    out->type = first;
    td_keccak256(&out->hash, bytes.ptr, bytes.len);
    return decode_list(out, arena, td_bytes_of(bytes.ptr + 1, bytes.len - 1), chain_id);
}
