/* Codes of the node's warnings and errors, printed as Tnnnn (base/host/log.h).  An operator looks
 * them up in docs/codes.md and monitors alarm on them, so a number keeps its meaning for ever and
 * stands for one message: a new message takes a new number.
 *
 *     10nn  why the node stops        12nn  disk         2nnn  peers (p2p/net_internal.h)
 *     11nn  what consensus reports    13nn  execution    3nnn  wallets
 *
 * The lint gate `codes` holds code, this list and docs/codes.md together. */
#pragma once

enum node_code {
    NODE_T_MEMORY = 1001,
    NODE_T_KEY = 1002,
    NODE_T_GUARD = 1003,
    NODE_T_TWO_QCS = 1004,
    NODE_T_TWO_FINALS = 1005,
    NODE_T_DOPPELGANGER = 1006,

    NODE_T_EVIDENCE = 1101,
    NODE_T_PASSIVE = 1110,
    NODE_T_DIVERGED = 1111,
    NODE_T_ATTEST_SPLIT = 1112,
    NODE_T_CLOCK = 1113,

    NODE_T_WRITE = 1201,
    NODE_T_WRITE_STOP = 1202,
    NODE_T_WRITE_BEHIND = 1203,

    NODE_T_EXECUTE = 1301,
    NODE_T_HEADER_GONE = 1302,
    NODE_T_STATE_FULL = 1304,

    NODE_T_RPC_ACCEPT = 3301,
    NODE_T_RPC_SUBSCRIBERS = 3401,
};
