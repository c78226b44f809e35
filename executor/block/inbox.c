#include "executor/inbox.h"

#include "base/core/codec.h"
#include "executor/block/abi.h"

static const char TYPE[] =
    "QueueOp(uint64 chainId,uint64 index,uint8 kind,address sender,address to,"
    "uint256 value,uint64 gasLimit,bytes32 dataHash,uint64 l1Block)";

enum td_error exec_inbox_decode(struct exec_inbox_op *out, struct td_bytes bytes)
{
    struct td_reader r;
    uint8_t value[32];
    td_reader_init(&r, bytes.ptr, bytes.len);
    uint8_t type = td_get_u8(&r);
    out->index = td_get_u64(&r);
    out->kind = td_get_u8(&r);
    td_get_addr(&r, &out->sender);
    td_get_addr(&r, &out->to);
    td_get_bytes(&r, value, sizeof value);
    out->gas_limit = td_get_u64(&r);
    out->l1_block = td_get_u64(&r);
    out->data = td_get_view(&r, td_reader_left(&r));
    exec_u256_from_be(&out->value, value, sizeof value);
    enum td_error err = td_reader_finish(&r);
    if (err != TD_OK)
        return TD_E_MALFORMED;
    if (type != EXEC_TX_DEPOSIT || out->kind > EXEC_INBOX_RAW ||
        out->data.len > EXEC_INBOX_DATA_BYTES_MAX)
        return TD_E_MALFORMED;
    return TD_OK;
}

void exec_inbox_hash(struct td_hash *out, const struct exec_inbox_op *op, uint64_t chain_id)
{
    struct td_hash type, data;
    struct td_keccak k;
    td_keccak256(&type, TYPE, sizeof TYPE - 1u);
    td_keccak256(&data, op->data.ptr, op->data.len);
    td_keccak_init(&k);
    abi_hash(&k, &type);
    abi_u64(&k, chain_id);
    abi_u64(&k, op->index);
    abi_u64(&k, op->kind);
    abi_addr(&k, &op->sender);
    abi_addr(&k, &op->to);
    abi_u256(&k, &op->value);
    abi_u64(&k, op->gas_limit);
    abi_hash(&k, &data);
    abi_u64(&k, op->l1_block);
    td_keccak_final(&k, out);
}

void exec_inbox_add(struct td_hash *acc, const struct td_hash *op)
{
    struct td_keccak k;
    td_keccak_init(&k);
    abi_hash(&k, acc);
    abi_hash(&k, op);
    td_keccak_final(&k, acc);
}

void exec_inbox_tx(struct exec_tx *out, const struct exec_inbox_op *op, const struct td_hash *hash)
{
    *out = (struct exec_tx){.type = EXEC_TX_DEPOSIT,
                            .gas_limit = op->gas_limit,
                            .to = op->to,
                            .value = op->value,
                            .data = op->data,
                            .hash = *hash,
                            .sender = op->sender,
                            .mint = op->value};
}
