/* JSON-RPC to the nodes of a local network. */
#pragma once

#include <jansson.h>

#include "node/cli/http_client.h"
#include "testnet/network.h"

/* As node/rpc takes them. */
#define TESTNET_BATCH_MAX 100u

void testnet_rpc_init(struct node_http_client *c, const struct testnet *t, uint32_t node,
                      uint32_t timeout_ms);

/* The result, a new reference; NULL with c->why. `params` is JSON: "[]". */
json_t *testnet_rpc_call(struct node_http_client *c, const char *method, const char *params);

/* A result that is a quantity of at most 64 bits. */
bool testnet_rpc_number(uint64_t *out, struct node_http_client *c, const char *method,
                        const char *params);

/* Post a batch, whose ids are 0 .. count - 1, count <= TESTNET_BATCH_MAX; fills answers[count] with
 * borrowed objects of the reference returned, NULL where one is missing.  NULL with c->why. */
json_t *testnet_rpc_batch(struct node_http_client *c, struct td_bytes text, json_t **answers,
                          uint32_t count);

/* "0x1f" of at most 64 bits. */
bool testnet_quantity(uint64_t *out, const json_t *v);
