#include "executor/messages.h"

#include "executor/block/abi.h"

static void node(struct td_hash *out, const struct td_hash *l, const struct td_hash *r)
{
    uint8_t buf[64];
    memcpy(buf, l->b, 32);
    memcpy(buf + 32, r->b, 32);
    td_keccak256(out, buf, sizeof buf);
}

void exec_messages_init(struct exec_messages *m)
{
    memset(m, 0, sizeof *m);
}

void exec_message_leaf(struct td_hash *out, uint64_t chain_id, uint64_t batch, uint64_t index,
                       const struct td_addr *sender, struct td_bytes payload)
{
    struct td_hash body;
    struct td_keccak k;
    td_keccak256(&body, payload.ptr, payload.len);
    td_keccak_init(&k);
    abi_u64(&k, chain_id);
    abi_u64(&k, batch);
    abi_u64(&k, index);
    abi_addr(&k, sender);
    abi_hash(&k, &body);
    td_keccak_final(&k, out);
    td_keccak256(out, out->b, sizeof out->b);
}

bool exec_messages_add(struct exec_messages *m, const struct td_hash *leaf)
{
    if (m->count >= EXEC_MESSAGES_MAX)
        return false;
    struct td_hash h = *leaf;
    uint32_t d = 0;
    for (; (m->count >> d & 1u) != 0; d++)
        node(&h, &m->edge[d], &h);
    m->edge[d] = h;
    m->count++;
    return true;
}

void exec_messages_root(struct td_hash *out, const struct exec_messages *m)
{
    struct td_hash empty = {{0}}, h = {{0}};
    if (m->count == EXEC_MESSAGES_MAX) {
        *out = m->edge[EXEC_MESSAGES_DEPTH];
        return;
    }
    for (uint32_t d = 0; d < EXEC_MESSAGES_DEPTH; d++) {
        if ((m->count >> d & 1u) != 0)
            node(&h, &m->edge[d], &h);
        else
            node(&h, &h, &empty);
        node(&empty, &empty, &empty);
    }
    *out = h;
}

void exec_messages_walk(struct td_hash *out, const struct td_hash *leaf, uint32_t index,
                        const struct td_hash path[EXEC_MESSAGES_DEPTH])
{
    *out = *leaf;
    for (uint32_t d = 0; d < EXEC_MESSAGES_DEPTH; d++) {
        if ((index >> d & 1u) != 0)
            node(out, &path[d], out);
        else
            node(out, out, &path[d]);
    }
}
