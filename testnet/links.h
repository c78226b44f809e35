/* The links of a local network: a process that carries every byte between two nodes and does to it
 * what DIR/faults.json says.  No root, no kernel module.
 *
 *     n1 ──dials 127.77.2.3:p2p port of n2──▶ links ──from 127.77.2.3──▶ 127.0.0.1:p2p port of n2
 *                 (1 + 1 . 2 + 1)
 *
 * 1. Every ordered pair (who dials, who is dialled) has an address of its own, so that both ends of
 *    a connection are known before a byte is read, and a node's bans by address hit one peer.
 * 2. What two nodes send is an encrypted stream: bytes are never dropped, doubled or exchanged, as
 *    the far end would only hang up.  What a lossy network does to a stream is done instead:
 *      loss      a segment of 1,448 bytes that is lost stalls the direction by 200 ms, twice that
 *                when lost again (RFC 6298); after eight times in a row the connection is cut
 *      held      bytes of a partitioned direction wait, as do the end of the stream and new
 *                connections between the two; all is delivered after the partition
 * 3. Nothing active: bytes are passed on as they come.
 * 4. Per direction at most LINKS_BYTES_MAX wait here; then the sender is not read from. */
#pragma once

#include "testnet/network.h"

/* Bytes held per direction: a block of the greatest size and votes; more is TCP's to hold. */
#define LINKS_BYTES_MAX (4u << 20)

/* "127.77.2.3": where `from` dials `to`. */
void testnet_link_host(char out[16], uint32_t from, uint32_t to);

/* Start the process, as a child that ends with this one if `bound`; fills t->links.  Returns once
 * it listens.  NODE_EXIT_OK, or an exit code with a complaint on `err`. */
int testnet_links_start(struct testnet *t, const struct node_cli *cli, FILE *err, bool bound,
                        uint64_t seed);
