/* What is proven and signed: proofs are checked as docs/rpc.md says a client would, certificates
 * come back as they were stored; and what bounds a query of logs. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/core/hex.h"
#include "consensus/message.h"
#include "executor/tree.h"
#include "tests/node/rpc_fake.h"

static struct rpc_world w;
#define CONTRACT "0xab00000000000000000000000000000000000001" /* of genesis: slots 0 and 7 */

static void build(void)
{
    rpc_world_open(&w, NULL);
    rpc_world_block(&w);
}

static void drop(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_proof, .init = build, .fini = drop);

static void digest_of(struct td_p2_digest *out, const uint8_t *bytes)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
        uint32_t v = 0;
        for (uint32_t b = 0; b < 4; b++)
            v = v << 8 | bytes[4u * i + b];
        cr_assert_eq(td_kb_decode(&out->e[i], v), TD_OK);
    }
}

static void bytes_of(const json_t *text, void *out, size_t len)
{
    cr_assert_eq(td_hex_decode_fixed(out, len, TD_HEX_PREFIXED, json_string_value(text),
                                     json_string_length(text)),
                 TD_OK);
}

/* Leaf and siblings to the root they come to. */
static void climb(const json_t *proof, struct exec_tree_leaf *leaf, struct td_p2_digest *root)
{
    uint8_t bytes[112], sibling_bytes[36];
    cr_assert_eq(json_array_size(proof), 33);
    bytes_of(json_array_get(proof, 0), bytes, sizeof bytes);
    uint32_t index =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    digest_of(&leaf->key, bytes + 4);
    digest_of(&leaf->value, bytes + 40);
    digest_of(&leaf->next, bytes + 76);
    exec_tree_leaf_hash(root, leaf);
    for (uint32_t i = 0; i < 32; i++, index >>= 1) {
        struct td_p2_digest sibling;
        bytes_of(json_array_get(proof, i + 1u), sibling_bytes, sizeof sibling_bytes);
        digest_of(&sibling, sibling_bytes);
        if ((index & 1u) != 0)
            td_p2_node(root, TD_P2_STATE_NODE, &sibling, root);
        else
            td_p2_node(root, TD_P2_STATE_NODE, root, &sibling);
    }
}

static void check(const json_t *answer, const json_t *proof, const struct td_p2_digest *key,
                  bool present)
{
    uint8_t bytes[36];
    struct td_p2_digest root, want;
    struct exec_tree_leaf leaf;
    climb(proof, &leaf, &root);
    bytes_of(json_object_get(json_object_get(answer, "tandem"), "treeRoot"), bytes, sizeof bytes);
    digest_of(&want, bytes);
    cr_expect(td_p2_digest_eq(&root, &want));
    cr_expect_eq(td_p2_digest_eq(&leaf.key, key), present);
    if (!present)
        cr_expect(exec_key_cmp(&leaf.key, key) < 0 && exec_key_cmp(key, &leaf.next) < 0);
}

Test(rpc_proof, leads_to_the_root_that_the_block_states)
{
    const struct td_addr addr = {{0xab, [19] = 1}}, nobody = {{0x99}};
    const struct exec_u256 seven = exec_u256_of(7), one = exec_u256_of(1);
    struct td_p2_digest key;
    json_t *p =
        json_loads(rpc_call(&w, 0, "eth_getProof", "\"" CONTRACT "\",[\"0x7\",\"0x1\"]"), 0, NULL);
    cr_assert_not_null(p);
    exec_key_account(&key, &addr);
    check(p, json_object_get(p, "accountProof"), &key, true);
    const json_t *slots = json_object_get(p, "storageProof");
    exec_key_slot(&key, &addr, &seven);
    check(p, json_object_get(json_array_get(slots, 0), "proof"), &key, true);
    exec_key_slot(&key, &addr, &one);
    check(p, json_object_get(json_array_get(slots, 1), "proof"), &key, false);
    const char *root =
        json_string_value(json_object_get(json_object_get(p, "tandem"), "stateRoot"));
    cr_expect(strstr(rpc_call(&w, 0, "eth_getBlockByNumber", "\"latest\",false"), root) != NULL);
    json_decref(p);
    p = json_loads(rpc_call(&w, 0, "eth_getProof", "\"%s\",[]", rpc_hex(nobody.b, 20)), 0, NULL);
    cr_assert_not_null(p);
    exec_key_account(&key, &nobody);
    check(p, json_object_get(p, "accountProof"), &key, false);
    json_decref(p);
}

Test(rpc_proof, certificates_come_back)
{
    static const struct td_sig SIGS[2] = {{{0x11}}, {{0x22}}};
    struct bft_attest_cert cert = {.fields = {.epoch = 3, .height = 1, .block_hash = w.bed.hash},
                                   .sig_count = 2,
                                   .sigs = SIGS};
    uint8_t bytes[2048];
    struct td_writer writer;
    bft_bitmap_add(&cert.signers, 0);
    bft_bitmap_add(&cert.signers, 2);
    td_writer_init(&writer, bytes, sizeof bytes);
    const struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT, .u.attest_cert = cert};
    bft_msg_encode(&writer, &m);
    cr_assert_eq(writer.err, TD_OK);
    cr_assert_eq(store_chain_begin(w.bed.writer), TD_OK);
    store_chain_put_cert(w.bed.writer, NODE_CERT_ATTEST, 1, td_bytes_of(bytes, writer.len));
    cr_assert_eq(store_chain_commit(w.bed.writer, &w.bed.error), TD_OK);
    const char *p = rpc_call(&w, 0, "tandem_getQuorumCertificate", "\"latest\"");
    cr_expect(strstr(p, "{\"epoch\":\"0x3\",") == p, "%s", p);
    cr_expect(strstr(p, "\"height\":\"0x1\",") != NULL, "%s", p);
    cr_expect(strstr(p, rpc_hex(w.bed.hash.b, 32)) != NULL, "%s", p);
    cr_expect(strstr(p, "\"signatures\":[{\"signer\":\"0x0\",\"signature\":\"0x11") != NULL, "%s",
              p);
    cr_expect(strstr(p, "{\"signer\":\"0x2\",\"signature\":\"0x22") != NULL, "%s", p);
    cr_expect_str_eq(rpc_call(&w, 0, "tandem_getQuorumCertificate", "\"0x0\""), "null");
    p = rpc_call(&w, 0, "tandem_getFinality", "\"latest\"");
    cr_expect(strstr(p, "\"stage\":\"attested\"") != NULL, "%s", p);
}

Test(rpc_proof, log_queries_have_bounds)
{
    w.heads.latest = 20000;
    cr_expect_str_eq(
        rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"toBlock\":\"0x2710\"}"),
        "{\"code\":-32005,\"message\":\"range of 10001 blocks: at most 10000 at a "
        "time\"}");
    /* the index knows that there is nothing, so nothing is read */
    cr_expect_str_eq(
        rpc_call(&w, 0, "eth_getLogs",
                 "{\"fromBlock\":\"0x1\",\"toBlock\":\"0x2710\",\"address\":\"" CONTRACT "\"}"),
        "[]");
    cr_expect_str_eq(
        rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"toBlock\":\"0x10\"}"),
        "{\"code\":-32000,\"message\":\"block 2 is pruned: only newer ones are kept\"}");
}

/* An answer has at most 16 MiB in all, and says so instead of growing.  Each call of the batch runs
 * code that returns 200,000 bytes. */
Test(rpc_proof, answers_have_a_size)
{
    static char body[100 * 256];
    snprintf(body, sizeof body, "[");
    for (int i = 0; i < 100; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body),
                 "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"eth_call\",\"params\":[{\"to\":"
                 "\"0x77\"},\"latest\",{\"0x77\":{\"code\":\"0x62030d406000f3\"}}]}",
                 i == 0 ? "" : ",", i);
    strcat(body, "]");
    /* addresses in full */
    static char full[100 * 400];
    size_t len = 0;
    for (const char *c = body; *c != '\0';) {
        if (strncmp(c, "0x77", 4) == 0) {
            len += (size_t)snprintf(full + len, sizeof full - len, "0x77%038d", 0);
            c += 4;
        } else {
            full[len++] = *c++;
        }
    }
    const char *p = rpc_ask_as(&w, NODE_HTTP_POST, 0, td_bytes_of(full, len), NULL);
    cr_expect_lt(strlen(p), (16u << 20) + 65536u);
    cr_expect(strstr(p, "\"id\":0,\"result\":\"0x0000") != NULL);
    cr_expect(strstr(p, "\"id\":99,\"error\":{\"code\":-32005,\"message\":\"answer exceeds "
                        "16777216 bytes: ask for less\"}") != NULL);
}
