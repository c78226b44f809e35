#include "node/config/options.h"

#include "base/core/assert.h"
#include "base/core/limits.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define TIB (INT64_C(1) << 40)

#define OPTION(id, section, key, kind, list, initial, choices, least, most, summary)               \
    [NODE_OPT_##                                                                                   \
        id] = {section, key, NODE_OPTION_##kind, list, initial, choices, least, most, summary}
#define TEXT(id, section, key, initial, summary)                                                   \
    OPTION(id, section, key, TEXT, false, initial, NULL, 0, 0, summary)
#define TEXTS(id, section, key, initial, summary)                                                  \
    OPTION(id, section, key, TEXT, true, initial, NULL, 0, 0, summary)
#define CHOICE(id, section, key, initial, choices, summary)                                        \
    OPTION(id, section, key, CHOICE, false, initial, choices, 0, 0, summary)
#define SOCKET(id, section, key, initial, summary)                                                 \
    OPTION(id, section, key, SOCKET, false, initial, NULL, 0, 0, summary)
#define INTEGER(id, section, key, initial, least, most, summary)                                   \
    OPTION(id, section, key, INTEGER, false, initial, NULL, least, most, summary)
#define DURATION(id, section, key, initial, least, most, summary)                                  \
    OPTION(id, section, key, DURATION, false, initial, NULL, least, most, summary)
#define BOOLEAN(id, section, key, initial, summary)                                                \
    OPTION(id, section, key, BOOLEAN, false, initial, NULL, 0, 1, summary)

static const struct node_option_info OPTIONS[NODE_OPTIONS_COUNT] = {
    TEXT(NODE_NAME, "node", "name", "", "shown to peers and on the dashboard"),
    TEXT(NODE_HOME, "node", "home", "", "folder of keys, data and logs; empty: ~/.tandem"),
    CHOICE(NODE_ROLE, "node", "role", "validator", "validator follower", "whether it signs"),

    SOCKET(P2P_LISTEN, "p2p", "listen", "127.0.0.1:30645", "where peers connect to"),
    OPTION(P2P_PEERS, "p2p", "peers", PEER, true, "", NULL, 0, 0, "first peers to dial"),
    INTEGER(P2P_MAX_PEERS, "p2p", "max_peers", "192", TD_PEERS_MIN, 4096, "connections at once"),
    DURATION(P2P_HANDSHAKE_TIMEOUT, "p2p", "handshake_timeout", "5s", SECOND / 10, 60 * SECOND,
             "until a stranger has shown its key"),

    INTEGER(MEMPOOL_MAX_TXS, "mempool", "max_txs", "65536", 1, 10000000, "transactions held"),
    INTEGER(MEMPOOL_MAX_BYTES, "mempool", "max_bytes", "134217728", MIB, 64 * GIB,
            "bytes of transactions held"),
    INTEGER(MEMPOOL_PER_ACCOUNT, "mempool", "per_account", "64", 1, 65536,
            "transactions held of one sender"),

    SOCKET(RPC_HTTP, "rpc", "http", "127.0.0.1:8645", "JSON-RPC over HTTP"),
    SOCKET(RPC_WS, "rpc", "ws", "127.0.0.1:8646", "JSON-RPC over WebSocket"),
    TEXTS(RPC_NAMESPACES, "rpc", "namespaces", "eth,net,web3,tandem", "methods served"),
    INTEGER(RPC_MAX_BODY_BYTES, "rpc", "max_body_bytes", "2097152", 1024, GIB,
            "of one request, batches included"),
    INTEGER(RPC_MAX_CONNS, "rpc", "max_conns", "1024", 1, 1000000, "connections at once"),
    INTEGER(RPC_RATE_PER_IP, "rpc", "rate_per_ip", "1000", 0, 10000000,
            "requests a second from one address; 0: no limit"),

    SOCKET(OPS_LISTEN, "ops", "listen", "127.0.0.1:9645", "health, metrics and dashboard"),
    BOOLEAN(OPS_METRICS, "ops", "metrics", "true", "serve /metrics"),
    BOOLEAN(OPS_DASHBOARD, "ops", "dashboard", "true", "serve the dashboard"),

    TEXT(STORAGE_PATH, "storage", "path", "", "chain database; empty: HOME/data/chain.db"),
    CHOICE(STORAGE_SYNCHRONOUS, "storage", "synchronous", "full", "full normal",
           "sync of the chain database; the sign guard is always full"),
    INTEGER(STORAGE_MIN_FREE_BYTES, "storage", "min_free_bytes", "2147483648", 0, 64 * TIB,
            "free disk under which the node is not ready"),

    CHOICE(PROVER_MODE, "prover", "mode", "auto", "auto cuda cpu off", "what proves"),
    OPTION(PROVER_DEVICES, "prover", "devices", INTEGER, true, "0", NULL, 0, 255, "GPUs used"),
    INTEGER(PROVER_MEM_LIMIT, "prover", "mem_limit", "6442450944", GIB, 64 * TIB,
            "bytes one worker may hold"),
    INTEGER(PROVER_BATCH_BLOCKS, "prover", "batch_blocks", "300", 1, 100000,
            "most blocks settled together"),
    TEXT(PROVER_QUEUE, "prover", "queue", "sqlite", "\"sqlite\" or a postgresql:// address"),
    BOOLEAN(PROVER_SELF_VERIFY, "prover", "self_verify", "true", "check every finished proof"),
    INTEGER(PROVER_RETRIES, "prover", "retries", "3", 0, 100, "of a failed job"),

    TEXTS(L1_ENDPOINTS, "l1", "endpoints", "", "JSON-RPC addresses of L1"),
    INTEGER(L1_QUORUM, "l1", "quorum", "1", 1, 64, "endpoints that must agree"),
    CHOICE(L1_CONFIRMATIONS, "l1", "confirmations", "finalized", "finalized safe latest",
           "which L1 blocks count"),
    INTEGER(L1_MAX_FEE_GWEI, "l1", "max_fee_gwei", "200", 1, 1000000, "most paid per gas"),
    DURATION(L1_RESUBMIT_AFTER, "l1", "resubmit_after", "36s", SECOND, HOUR,
             "until a transaction's fee is raised"),
    TEXT(L1_CONTRACT, "l1", "contract", "", "address of the chain's contract"),

    TEXT(SIGNER_KEYSTORE, "signer", "keystore", "", "key file; empty: the only one in HOME/keys"),
    TEXT(SIGNER_PASSWORD_FILE, "signer", "password_file", "", "file whose first line opens it"),
    TEXT(SIGNER_GUARD_DB, "signer", "guard_db", "", "sign guard; empty: HOME/guard.db"),

    CHOICE(LOG_LEVEL, "log", "level", "info", "debug info warn error", "least level written"),
    CHOICE(LOG_FORMAT, "log", "format", "text", "text json", "form of a line"),
    TEXT(LOG_FILE, "log", "file", "", "empty: standard error"),
    INTEGER(LOG_ROTATE_BYTES, "log", "rotate_bytes", "104857600", 0, TIB,
            "size at which the file is rotated; 0: never"),

    BOOLEAN(FAULT_ENABLED, "fault", "enabled", "false",
            "fault injection; refused outside development chains"),
};

const struct node_option_info *node_option_info(enum node_option option)
{
    TD_ASSERT(option < NODE_OPTIONS_COUNT);
    return &OPTIONS[option];
}
