#include "node/chain/chain.h"

enum td_error store_chain_reader_open(struct store_chain_reader **out, const char *path,
                                      const struct td_hash *genesis, struct store_error *error)
{
    (void)path, (void)genesis, (void)error;
    *out = NULL;
    return TD_E_NOTFOUND;
}

void store_chain_reader_close(struct store_chain_reader *r)
{
    (void)r;
}

#define NO(decl, ret)                                                                              \
    decl                                                                                           \
    {                                                                                              \
        ret;                                                                                       \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"
NO(enum td_error store_chain_tx(struct store_chain_reader *r, const struct td_hash *hash, uint64_t *h, uint32_t *i), return TD_E_NOTFOUND)
NO(enum td_error store_chain_block_height(struct store_chain_reader *r, const struct td_hash *hash, uint64_t *h), return TD_E_NOTFOUND)
NO(enum td_error store_chain_cert(struct store_chain_reader *r, uint32_t kind, uint64_t number, struct td_arena *arena, struct td_bytes *out), return TD_E_NOTFOUND)
NO(enum td_error store_chain_cert_last(struct store_chain_reader *r, uint32_t kind, uint64_t most, uint64_t *number), return TD_E_NOTFOUND)
NO(enum td_error store_chain_logs(struct store_chain_reader *r, uint64_t key, uint64_t from, uint64_t to, uint64_t *heights, uint32_t cap, uint32_t *count), return TD_E_NOTFOUND)
NO(uint64_t node_log_key(struct td_bytes name), return 0)
NO(uint64_t node_chain_executed(const struct node_chain *c), return 0)
NO(void node_chain_lock(struct node_chain *c), return)
NO(void node_chain_unlock(struct node_chain *c), return)
NO(const struct exec_cursor *node_chain_cursor(const struct node_chain *c), return NULL)
NO(struct exec_reader node_chain_state(struct node_chain *c), return (struct exec_reader){0})
NO(void node_chain_account(struct node_chain *c, const struct td_addr *addr, struct exec_account *out), return)
NO(enum td_error node_chain_proof(struct node_chain *c, const struct td_p2_digest *key, uint32_t *index, struct exec_tree_leaf *leaf, struct td_p2_digest *siblings), return TD_E_NOTFOUND)
NO(enum td_error node_block_load(const struct node_genesis *g, struct store_chain_reader *r, uint64_t height, bool payload, bool receipts, struct td_arena *arena, struct node_block *out), return TD_E_NOTFOUND)
