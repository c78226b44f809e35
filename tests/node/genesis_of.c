#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "tests/node/genesis_of.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"

void genesis_key(struct td_secp *secp, struct td_secp_key *key, uint32_t i)
{
    uint8_t secret[32] = {[30] = (uint8_t)((i + 1u) >> 8), [31] = (uint8_t)(i + 1u)};
    TD_ASSERT(td_secp_key_init(secp, key, secret) == TD_OK);
}

void genesis_of(struct node_genesis *g)
{
    static struct node_genesis_account accounts[GENESIS_ACCOUNTS];
    static struct node_genesis_slot slots[2];
    static const uint8_t code[] = {0x60, 0x00, 0x54, 0x00};
    struct td_secp *secp = td_secp_new();
    struct td_secp_key key;
    struct td_secp_pub pub;
    TD_ASSERT(secp != NULL);
    node_genesis_defaults(g);
    g->development = true;
    g->timestamp_ms = 1700000000000;
    g->contract = (struct td_addr){{0xc0}};
    g->validator_count = GENESIS_VALIDATORS;
    for (uint32_t i = 0; i < GENESIS_VALIDATORS; i++) {
        struct node_genesis_validator *v = &g->validators[i];
        genesis_key(secp, &key, i);
        td_secp_key_pub(secp, &pub, &key);
        td_secp_pub_encode(secp, &v->member.key, &pub);
        td_secp_pub_addr(secp, &v->member.addr, &pub);
        v->member.stake = 100;
        memset(v->transport, 0x11, sizeof v->transport);
        strcpy(v->host, "127.0.0.1");
        v->port = (uint16_t)(30645u + 10u * i);
    }
    memset(accounts, 0, sizeof accounts);
    for (uint32_t i = 0; i < GENESIS_ACCOUNTS; i++) {
        genesis_key(secp, &key, i);
        td_secp_key_pub(secp, &pub, &key);
        td_secp_pub_addr(secp, &accounts[i].addr, &pub);
        accounts[i].balance = (struct exec_u256){{0, 1000, 0, 0}};
    }
    accounts[4].addr = (struct td_addr){{0xab, [19] = 1}}; /* a contract */
    accounts[4].nonce = 1;
    accounts[4].code = td_bytes_of(code, sizeof code);
    slots[0] = (struct node_genesis_slot){exec_u256_of(7), exec_u256_of(1)};
    slots[1] = (struct node_genesis_slot){exec_u256_of(0), exec_u256_of(0xdead)};
    accounts[4].slots = slots;
    accounts[4].slot_count = 2;
    g->accounts = accounts;
    g->account_count = GENESIS_ACCOUNTS;
    td_secp_free(secp);
}

char *genesis_text(const struct node_genesis *g, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    TD_ASSERT(f != NULL && node_genesis_write(g, f) == 0 && fclose(f) == 0);
    return text;
}

void genesis_parsed(struct node_genesis *out)
{
    static struct node_genesis g; /* 100 KiB */
    struct node_genesis_error e;
    size_t len;
    genesis_of(&g);
    char *text = genesis_text(&g, &len);
    TD_ASSERT(node_genesis_parse(out, td_bytes_of(text, len), &e) == TD_OK);
    free(text);
}
