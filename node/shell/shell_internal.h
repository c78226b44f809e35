/* Inside of the shell. */
#pragma once

#include "consensus/sigcache.h"
#include "node/codes.h"
#include "node/exit_codes.h"
#include "node/shell/blob.h"
#include "node/shell/shell.h"
#include "node/shell/table.h"
#include "node/shell/thread.h"
#include "storage/guard.h"

/* Frames between arrival and bft_step.  A validator of 256 sends at most a handful a round; twice
 * the peers covers one message of each and the certificates among them. */
#define NODE_INBOUND_MAX 2048u
#define NODE_INBOUND_BYTES ((size_t)32u << 20)
/* ... of one peer, so that no few of them can fill it: two of the largest frames, and many times
 * the small ones that an honest peer has under way. */
#define NODE_INBOUND_PEER_MAX 256u
#define NODE_INBOUND_PEER_BYTES ((size_t)8u << 20)
/* Signatures that wait for the verify thread, 400 bytes each: 250 full certificates nobody has
 * seen. */
#define NODE_INBOUND_CHECKS 65536u
#define NODE_SERVE_MAX 64u
#define NODE_TX_MAX 8192u
#define NODE_TX_BYTES ((size_t)32u << 20)
/* Bytes on their way to the disk: more, and it has stood still for minutes. */
#define NODE_WRITE_BYTES ((size_t)512u << 20)
/* Executed blocks whose changes are not on disk yet. */
#define NODE_CHANGES_MAX 8u
/* Payloads in memory: every unfinal height a window may hold at 2 MiB would be 30 MiB. */
#define NODE_PAYLOADS_BYTES ((size_t)64u << 20)
/* Headers by hash: the core's unfinal ones and final ones waiting for execution. */
#define NODE_BLOCKS_MAX (2u * TD_UNFINAL_HEADERS_MAX)
/* Proposals further above the newest final block are not collected for: the attestation window ends
 * at 12, and a leader's word for a height must not outlive everybody else's payloads. */
#define NODE_HEIGHTS_AHEAD 64u
/* What one peer is answered in bytes, by the second and at once: what it may itself send (p2p).  No
 * answer counts as less than the least, for the work of finding it. */
#define NODE_SERVE_RATE ((int64_t)64 << 20)
#define NODE_SERVE_BURST ((int64_t)128 << 20)
#define NODE_SERVE_LEAST ((int64_t)16 << 10)
/* Answers of one peer that may be on their way: not every question gets one. */
#define NODE_ASKED_MAX 64u
#define NODE_FETCH_RETRY_NS (INT64_C(250) * 1000000)

/* Slots of the sign guard's file. */
enum shell_guard_slot { SHELL_GUARD_RECORD = 0, SHELL_GUARD_LOCK = 1, SHELL_GUARD_ENTRY = 2 };

/* A header the shell has met and may need again. */
struct shell_block {
    struct td_hash hash; /* first: node_table */
    struct bft_header header;
    struct bft_chain_state state; /* final ones */
    bool proposed;                /* the core waits for its payload's verdict */
    bool told;                    /* ... and has it */
    bool final;
    bool held; /* the mempool holds its transactions */
};

/* A payload by its root. */
struct shell_payload {
    struct td_hash root;     /* first: node_table */
    struct node_blob *bytes; /* NULL: being put together or fetched */
    uint64_t height;         /* newest block that names it */
    uint64_t written;        /* height it went to the writer with */
    size_t cost;             /* counted in payload_bytes: all that is held for it */
    uint32_t count;
    struct td_hash *hashes;   /* [count] of its entries, from proposal or bytes; NULL: unknown */
    struct node_blob **parts; /* [count] while being put together */
    uint32_t missing;
    size_t parts_bytes;
    uint64_t gas;           /* sum of gas limits where known, else the block's limit */
    bool whole;             /* ask for it by root: entries cannot be told apart or are too many */
    uint32_t tries, source; /* peer that surely has it, or BFT_NO_PEER */
    int64_t asked_ns;
};

/* A frame on its way to the core. */
struct shell_inbound {
    struct shell_inbound *next;
    uint32_t peer;
    uint64_t peer_serial;
    uint8_t *frame;
    size_t len;
    void *memory; /* of arena */
    struct td_arena arena;
    struct bft_msg msg;
    uint32_t check_count, checked; /* checked: until a piece had a bad one */
    struct bft_sig_check *checks;  /* [check_count] that the cache does not know */
    struct td_secp_item *items;
    struct td_secp_pub *pubs; /* of the items: the node's tables change with the epoch */
    bool *ok;
    bool failed, verified;
};

struct shell_peer {
    bool up;
    uint64_t serial; /* of the connection: answers to a gone one are dropped */
    struct td_addr addr;
    uint64_t final_height;
    uint32_t serving;          /* requests of it under way */
    uint32_t asked;            /* questions to it for payloads and transactions, unanswered */
    int64_t served, served_ns; /* bytes answered, less what time has forgiven since */
    uint32_t in_count;         /* frames of it in the inbound queue */
    size_t in_bytes;
    uint64_t last_vote_round;
};

/* Something this node owes its own core. */
struct shell_local {
    struct shell_local *next;
    enum bft_event_kind kind;
    union {
        struct bft_signed msg;
        struct {
            struct td_hash hash;
            bool valid;
        } verdict;
        struct bft_payload_built built;
    } u;
};

struct shell_keys {
    uint64_t epoch;
    bool known;
    uint32_t count;
    struct td_secp_pub pub[BFT_SIGNERS_MAX];
};

struct node_shell {
    struct node_shell_options o;
    struct td_addr self;
    struct bft_config config;
    struct bft_replica *replica;
    void *region;
    struct bft_effects *fx;
    struct bft_view view;
    bool stepping, halted;
    int exit_code;
    struct shell_local *local_first, **local_end;

    struct event *timer, *fetch_timer;
    struct node_mailbox *mailbox;
    struct node_thread *verify, *writer, *exec, *serve, *tx;

    /* signing */
    bool has_guard;
    struct bft_guard guard;
    struct store_guard *guard_file; /* writer thread once running */
    struct store_chain *database;   /* writer thread once running */
    struct store_chain_reader *reader, *serve_reader;

    /* verification */
    struct p2p_net *net;
    struct shell_peer peers[BFT_PEERS_MAX];
    uint64_t peer_serial;
    struct shell_inbound *in_first, **in_end;
    uint32_t in_count, in_checks;
    size_t in_bytes;
    bool verifying;
    struct bft_sigcache cache;
    void *cache_region;
    struct shell_keys keys[3];
    struct bft_verify_ctx verify_ctx;
    struct bft_sig_check *scratch; /* [BFT_SIG_CHECKS_MAX] */

    /* blocks and payloads */
    struct node_table blocks, payloads;
    size_t payload_bytes;
    uint64_t executed, final,
        submitted;              /* heights: executed; newest FINALIZE; at the exec thread */
    struct td_hash *final_hash; /* ring [NODE_BLOCKS_MAX] by height */
    bool executing;
    uint32_t changes_waiting;
    size_t write_bytes;
    _Atomic uint64_t head;
    uint64_t head_ts_ms;
    struct td_hash *built_hashes; /* [TD_TXS_PER_BLOCK_MAX] scratch */
    struct td_bytes *built_entries;
    struct node_mempool_tx *taken;
    uint64_t native_per_gas_milli; /* lately; execution.c */
    struct node_mempool *mempool;
    struct node_chain *chain;

    /* transactions */
    uint32_t tx_waiting;
    size_t tx_bytes;
    uint64_t evidence_number;
    struct node_shell_status stats;
};

/* ---- shell.c */
enum bft_verdict shell_step(struct node_shell *s, struct bft_event *ev);
/* Queue for the core: delivered before the step under way ends, or by shell_local_run. */
void shell_local_put(struct node_shell *s, struct shell_local *l);
/* Deliver what is queued, unless a step is under way. */
void shell_local_run(struct node_shell *s);
/* End the process: logs, sets the exit code, breaks the loop. */
void shell_stop(struct node_shell *s, int exit_code, enum node_code code, const char *what,
                const char *hint);
/* The same, for memory that the system refused. */
void shell_no_memory(struct node_shell *s);
int64_t shell_mono(const struct node_shell *s);

/* ---- inbound.c */
void shell_frame(void *ctx, uint32_t peer, uint8_t *body, size_t len);
void shell_verify_run(void *ctx, struct node_job *jobs);
void shell_epoch_keys(struct node_shell *s);
void shell_inbound_clear(struct node_shell *s);

/* ---- effects.c */
void shell_effects(struct node_shell *s);
void shell_send(struct node_shell *s, uint32_t peer, const struct bft_msg *m);
bool shell_parity_fix(struct node_shell *s, struct bft_evidence *e);

/* ---- persist.c: jobs of the writer thread */
struct shell_write {
    struct node_job job; /* first */
    struct node_shell *s;
    enum shell_write_kind {
        SHELL_WRITE_PERSIST,
        SHELL_WRITE_PAYLOAD,
        SHELL_WRITE_BLOCK,
        SHELL_WRITE_CERT,
        SHELL_WRITE_EPOCH,
        SHELL_WRITE_PROOF,
        SHELL_WRITE_CHANGES,
    } kind;
    uint64_t id;     /* PERSIST; CERT: number; BLOCK, PAYLOAD, CHANGES, PROOF: height */
    uint32_t number; /* CERT: kind */
    bool drops;      /* PROOF: of a filler; headers up to its (epoch, round) go */
    struct td_hash hash, root;
    uint64_t epoch, round, parent_epoch, parent_round;
    struct td_hash parent_hash;
    struct node_blob *a, *b, *c, *d, *e;
    size_t bytes; /* of these */
    struct node_executed *executed;
    uint64_t took_ns; /* of the whole commit, in its first job */
    bool failed;
};
void shell_writer_run(void *ctx, struct node_job *jobs);
void shell_persist(struct node_shell *s, const struct bft_effect *fx);
void shell_write_payload(struct node_shell *s, struct shell_payload *p);
void shell_write_block(struct node_shell *s, const struct shell_block *b);
void shell_write_cert(struct node_shell *s, enum node_cert kind, uint64_t number,
                      struct node_blob *bytes);
/* The epoch just entered, and the set of the one left; NULL: there was none. */
void shell_write_epoch(struct node_shell *s, struct node_blob *epoch, struct node_blob *prev);
/* The newest proof of finality; `tip` NULL: not known. */
void shell_write_proof(struct node_shell *s, uint64_t height, struct node_blob *bytes,
                       const struct bft_header *tip);
void shell_write_changes(struct node_shell *s, struct node_executed *e);
/* Encodings kept on disk. */
struct node_blob *shell_encode_msg(const struct bft_msg *m);
struct node_blob *shell_encode_epoch(const struct bft_effect *fx);

/* ---- restore.c */
bool shell_restore(struct node_shell *s, struct node_shell_error *error);

/* ---- payloads.c */
struct shell_block *shell_block_add(struct node_shell *s, const struct td_hash *hash,
                                    const struct bft_header *h);
struct shell_payload *shell_payload_of(struct node_shell *s, const struct td_hash *root);
void shell_proposal_seen(struct node_shell *s, uint32_t peer, const struct bft_proposal *p);
/* Bytes of a payload are here, from wherever; checked against the root and counted for the table.
 * False: not that payload. */
bool shell_payload_arrived(struct node_shell *s, struct shell_payload *p, struct node_blob *bytes);
void shell_payload_want(struct node_shell *s, const struct shell_block *b, uint32_t source);
void shell_objects_arrived(struct node_shell *s, uint32_t peer, const struct bft_by_hash *m);
/* One of the peers that are up, each in its turn; BFT_NO_PEER: none is. */
uint32_t shell_peer_pick(const struct node_shell *s, uint64_t turn);
void shell_fetch_tick(evutil_socket_t fd, short what, void *arg);
void shell_payloads_drop(struct node_shell *s);
void shell_tx_arrived(struct node_shell *s, const struct td_hash *hash, struct td_bytes raw);
void shell_payloads_free(struct node_shell *s);
/* Own payload, made here. */
struct shell_payload *shell_payload_own(struct node_shell *s, const struct td_hash *root,
                                        struct node_blob *bytes, const struct td_hash *hashes,
                                        uint32_t count, uint64_t gas);

/* ---- execution.c */
void shell_final(struct node_shell *s, const struct bft_effect *fx);
void shell_exec_next(struct node_shell *s);
void shell_exec_run(void *ctx, struct node_job *jobs);

/* ---- building.c */
void shell_make_payload(struct node_shell *s, const struct bft_effect *fx);

/* ---- serving.c */
bool shell_serve(struct node_shell *s, uint32_t peer, const struct bft_msg *m);
void shell_serve_run(void *ctx, struct node_job *jobs);

/* ---- transactions.c */
void shell_tx_frame(struct node_shell *s, uint32_t peer, uint8_t *frame, size_t len);
void shell_tx_run(void *ctx, struct node_job *jobs);
