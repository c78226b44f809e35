/* The options of a node: one table of what there is, and where each value came from.
 *
 *     flag  >  TANDEM_SECTION_KEY in the environment  >  tandem.toml  >  default
 *
 * Apply the sources from the weakest to the strongest: defaults at init, then the file, the
 * environment, the flags.  What all nodes must have equal is in genesis, not here.
 *
 * 1. Every value was checked when it was set: type, range, form.  Getters cannot fail.
 * 2. An unknown key, section or TANDEM_ variable is an error with a suggestion, never ignored: a
 *    mistyped limit must not silently be the default.
 * 3. No secret is an option: passwords and keys are named by the path of their file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/core/error.h"
#include "node/config/toml.h"

#define NODE_OPTION_TEXT_MAX 1024u /* bytes of one string */
#define NODE_OPTION_ITEMS_MAX NODE_TOML_ITEMS_MAX

enum node_option {
    NODE_OPT_NODE_NAME,
    NODE_OPT_NODE_HOME,
    NODE_OPT_NODE_ROLE,
    NODE_OPT_P2P_LISTEN,
    NODE_OPT_P2P_PEERS,
    NODE_OPT_P2P_MAX_PEERS,
    NODE_OPT_P2P_HANDSHAKE_TIMEOUT,
    NODE_OPT_MEMPOOL_MAX_TXS,
    NODE_OPT_MEMPOOL_MAX_BYTES,
    NODE_OPT_MEMPOOL_PER_ACCOUNT,
    NODE_OPT_RPC_HTTP,
    NODE_OPT_RPC_WS,
    NODE_OPT_RPC_NAMESPACES,
    NODE_OPT_RPC_MAX_BODY_BYTES,
    NODE_OPT_RPC_MAX_CONNS,
    NODE_OPT_RPC_RATE_PER_IP,
    NODE_OPT_OPS_LISTEN,
    NODE_OPT_OPS_METRICS,
    NODE_OPT_OPS_DASHBOARD,
    NODE_OPT_STORAGE_PATH,
    NODE_OPT_STORAGE_SYNCHRONOUS,
    NODE_OPT_STORAGE_MIN_FREE_BYTES,
    NODE_OPT_PROVER_MODE,
    NODE_OPT_PROVER_DEVICES,
    NODE_OPT_PROVER_MEM_LIMIT,
    NODE_OPT_PROVER_BATCH_BLOCKS,
    NODE_OPT_PROVER_QUEUE,
    NODE_OPT_PROVER_SELF_VERIFY,
    NODE_OPT_PROVER_RETRIES,
    NODE_OPT_L1_ENDPOINTS,
    NODE_OPT_L1_QUORUM,
    NODE_OPT_L1_CONFIRMATIONS,
    NODE_OPT_L1_MAX_FEE_GWEI,
    NODE_OPT_L1_RESUBMIT_AFTER,
    NODE_OPT_L1_CONTRACT,
    NODE_OPT_SIGNER_KEYSTORE,
    NODE_OPT_SIGNER_PASSWORD_FILE,
    NODE_OPT_SIGNER_GUARD_DB,
    NODE_OPT_LOG_LEVEL,
    NODE_OPT_LOG_FORMAT,
    NODE_OPT_LOG_FILE,
    NODE_OPT_LOG_ROTATE_BYTES,
    NODE_OPT_FAULT_ENABLED,
    NODE_OPTIONS_COUNT,
};

enum node_option_kind {
    NODE_OPTION_TEXT,
    NODE_OPTION_CHOICE,   /* one word of a few */
    NODE_OPTION_SOCKET,   /* "host:port", host a name, an IPv4 or a bracketed IPv6 address */
    NODE_OPTION_PEER,     /* "id@host:port" */
    NODE_OPTION_DURATION, /* "250ms", "5s", "2m", "1h"; held in nanoseconds */
    NODE_OPTION_INTEGER,
    NODE_OPTION_BOOLEAN,
};

enum node_option_origin {
    NODE_ORIGIN_DEFAULT,
    NODE_ORIGIN_FILE,
    NODE_ORIGIN_ENVIRONMENT,
    NODE_ORIGIN_FLAG,
};

/* What one option is. */
struct node_option_info {
    const char *section, *key;
    enum node_option_kind kind;
    bool list;
    const char *initial; /* as a variable would say it; a list's items are parted by commas */
    const char *choices; /* of CHOICE: words parted by spaces */
    int64_t least, most; /* INTEGER; DURATION: nanoseconds */
    const char *summary; /* for `config show` and the manual */
};

/* One item of a value. */
struct node_option_item {
    char *text;     /* every kind but INTEGER and BOOLEAN; malloc'ed */
    int64_t number; /* INTEGER, DURATION in ns, BOOLEAN 0 or 1, CHOICE its index */
};

struct node_option_value {
    struct node_option_item *items; /* [count]; exactly one unless a list */
    uint32_t count;
    enum node_option_origin origin;
    uint32_t line, column; /* FILE */
};

struct node_config {
    struct node_option_value values[NODE_OPTIONS_COUNT];
    char *file; /* as named by the caller; NULL without one */
};

/* Why a value was refused: up to three lines, what and where, then what to do. */
struct node_config_error {
    char text[480];
};

const struct node_option_info *node_option_info(enum node_option option);

/* All defaults.  Aborts when there is no memory for them. */
void node_config_init(struct node_config *c);
void node_config_reset(struct node_config *c);

/* Apply `text`, the content of the file named `name` (for messages).  TD_E_MALFORMED: *error says
 * file:line:column, what was expected and a suggestion; the config is then half changed and must
 * not be used. */
TD_MUST_CHECK enum td_error node_config_file(struct node_config *c, struct node_config_error *error,
                                             const char *name, struct td_bytes text);

/* Apply every TANDEM_SECTION_KEY of an environ-like array.  TANDEM_HOME, TANDEM_CONFIG and
 * TANDEM_TESTNET are the
 * command line's and are passed over. */
TD_MUST_CHECK enum td_error node_config_environment(struct node_config *c,
                                                    struct node_config_error *error,
                                                    char *const *environment);

/* Apply one flag: name "section.key" and its value as text. */
TD_MUST_CHECK enum td_error node_config_flag(struct node_config *c, struct node_config_error *error,
                                             const char *name, const char *text);

/* ---- values.  Asking a list for one value, or for another kind, is a bug. */

const char *node_config_text(const struct node_config *c, enum node_option option);
int64_t node_config_number(const struct node_config *c, enum node_option option);
bool node_config_boolean(const struct node_config *c, enum node_option option);
uint32_t node_config_count(const struct node_config *c, enum node_option option);
const struct node_option_item *node_config_item(const struct node_config *c,
                                                enum node_option option, uint32_t index);

/* Print as TOML that node_config_file reads back to the same values.  `origins` puts behind each
 * line where it came from.  Credentials in URLs are printed as ***, then it does not read back. */
void node_config_print(const struct node_config *c, FILE *out, bool origins);

/* The same without origins, each option under a comment that says what it is. */
void node_config_print_commented(const struct node_config *c, FILE *out);
