#include "node/rpc/revert.h"

#include <stdio.h>
#include <string.h>

/* Solidity documentation, "Panic via assert and Error via require"; words as go-ethereum has them.
 */
static const struct {
    uint8_t code;
    const char *text;
} PANICS[] = {
    {0x00, "generic panic"},
    {0x01, "assert(false)"},
    {0x11, "arithmetic underflow or overflow"},
    {0x12, "division or modulo by zero"},
    {0x21, "enum overflow"},
    {0x22, "invalid encoded storage byte array accessed"},
    {0x31, "out-of-bounds array access; popping on an empty array"},
    {0x32, "out-of-bounds access of an array or bytesN"},
    {0x41, "out of memory"},
    {0x51, "uninitialized function"},
};

static void panic_text(char *out, size_t cap, const uint8_t word[32])
{
    struct exec_u256 code;
    exec_u256_from_be(&code, word, 32);
    for (size_t i = 0; i < sizeof PANICS / sizeof PANICS[0]; i++)
        if (exec_u256_is_u64(&code) && code.w[0] == PANICS[i].code) {
            snprintf(out, cap, "%s", PANICS[i].text);
            return;
        }
    snprintf(out, cap, "unknown panic code: 0x%llx",
             (unsigned long long)exec_u256_u64_or_max(&code));
}

/* Error(string): offset, then length and bytes there. */
static void error_text(char *out, size_t cap, struct td_bytes arguments)
{
    struct exec_u256 offset, len;
    exec_u256_from_be(&offset, arguments.ptr, 32);
    if (!exec_u256_is_u64(&offset) || offset.w[0] > arguments.len - 32u)
        return;
    const uint8_t *at = arguments.ptr + offset.w[0];
    size_t left = arguments.len - (size_t)offset.w[0] - 32u;
    exec_u256_from_be(&len, at, 32);
    if (!exec_u256_is_u64(&len) || len.w[0] > left)
        return;
    size_t take = len.w[0] < cap - 1u ? (size_t)len.w[0] : cap - 1u;
    memcpy(out, at + 32, take);
    out[take] = '\0';
}

void node_rpc_revert_reason(char out[NODE_RPC_REASON_BYTES], struct td_bytes data)
{
    static const uint8_t ERROR[4] = {0x08, 0xc3, 0x79, 0xa0}, PANIC[4] = {0x4e, 0x48, 0x7b, 0x71};
    out[0] = '\0';
    if (data.len >= 4u + 32u && memcmp(data.ptr, PANIC, 4) == 0)
        panic_text(out, NODE_RPC_REASON_BYTES, data.ptr + 4);
    else if (data.len >= 4u + 64u && memcmp(data.ptr, ERROR, 4) == 0)
        error_text(out, NODE_RPC_REASON_BYTES, td_bytes_of(data.ptr + 4, data.len - 4u));
}

void node_rpc_run_text(char *out, size_t cap, const struct exec_receipt *receipt)
{
    char reason[NODE_RPC_REASON_BYTES] = "";
    if (receipt->status == EXEC_REVERT)
        node_rpc_revert_reason(reason, receipt->output);
    snprintf(out, cap, "%s%s%s", exec_status_text(receipt->status), reason[0] == '\0' ? "" : ": ",
             reason);
}

void node_rpc_fail_run(struct node_rpc_call *c, const struct exec_receipt *receipt)
{
    char text[NODE_RPC_REASON_BYTES + 32u];
    node_rpc_run_text(text, sizeof text, receipt);
    if (receipt->status == EXEC_REVERT)
        node_rpc_fail_data(c, NODE_RPC_REVERTED, text, receipt->output);
    else
        node_rpc_fail(c, NODE_RPC_SERVER, "%s", text);
}
