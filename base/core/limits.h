/* Every bound that more than one module relies on, with where it comes from.
 *
 * 1. Genesis may lower a limit, never raise it above what is here: buffers are sized by these.
 * 2. Times are in the unit named last; sizes in bytes. */
#pragma once

#include <stdint.h>

/* ---- validators and stake */

/* Compile-time and contract bound.  A certificate then fits 32 bytes of bitmap and 256 * 64 bytes
 * of signatures, and L1 can afford to check one. */
#define TD_VALIDATORS_MAX 256u
#define TD_VALIDATORS_DEFAULT 128u /* genesis default of validators_max */
#define TD_BITMAP_BYTES_MAX (TD_VALIDATORS_MAX / 8u)

/* Total stake stays below 2^62, so that 3 * stake and sums of two stakes fit a uint64. */
#define TD_STAKE_TOTAL_MAX ((UINT64_C(1) << 62) - 1u)

/* Registry entry: address 20, compressed key 33, stake 8; a whole set fetched by hash: 15,616. */
#define TD_SET_ENTRY_BYTES 61u
#define TD_SET_BYTES_MAX (TD_VALIDATORS_MAX * TD_SET_ENTRY_BYTES)

/* ---- peers and frames */

/* Smallest permitted value of max_peers: a full mesh of 128 validators plus half as many
 * followers and room for reconnects. */
#define TD_PEERS_MIN 192u

/* One frame: a full payload (2 MiB), or a sync answer of 3 MiB, plus headers and certificates
 * below 1 MiB. */
#define TD_FRAME_BYTES_MAX (4u << 20)

/* Blocks and ByHash answers: any one block with its proof, and a frame holds the answer. */
#define TD_SYNC_BYTES_MAX (3u << 20)

/* 16,384 transaction hashes are 512 KiB; four certificates of 256 signers are below 128 KiB. */
#define TD_PROPOSAL_BYTES_MAX (1u << 20)

#define TD_SYNC_BLOCKS_MAX 64u        /* GetBlocks count */
#define TD_SYNC_OUTSTANDING_MAX 2u    /* requests per peer: one in flight, one being answered */
#define TD_FETCH_HASHES_MAX 256u      /* GetByHash: 8 KiB request */
#define TD_STATUS_OWN_BYTES_MAX 1024u /* newest own-key messages echoed in Status */

/* ---- blocks and transactions */

/* What Ethereum's transaction pools accept, so that no wallet meets a smaller bound here. */
#define TD_TX_BYTES_MAX (128u << 10)

/* 2 MiB a second, at one block a second, leaves a 100 Mbit link five sixths free. */
#define TD_PAYLOAD_BYTES_MAX (2u << 20)

/* 2 MiB / 128 bytes: a signed transfer has about 110 to 130. */
#define TD_TXS_PER_BLOCK_MAX 16384u

#define TD_HEADER_BYTES 395u /* fixed encoding */

/* ---- consensus windows */

#define TD_EXEC_LAG 3u               /* a header carries resultDigest(h - 3) */
#define TD_ATTEST_WINDOW 12u         /* heights a proposal may lead the newest attested one */
#define TD_ATTEST_SLOTS 16u          /* per peer: window 12, lag 3, and the height being formed */
#define TD_LEADER_SLOTS 1024u        /* stride table: 0.1 % stake resolution */
#define TD_ROUNDS_AHEAD_MAX 2u       /* messages further ahead need a certificate */
#define TD_UNFINAL_HEADERS_MAX 1024u /* one table of leader slots: 17 minutes of rounds at 1 s */
#define TD_ORIGIN_INTERVAL 16u       /* l1Origin moves only where height mod 16 = 0 */
#define TD_EPOCH_LOOKBACK 16u        /* next set and leader seed come from block last - 16 */
#define TD_EPOCH_BLOCKS_MIN 64u      /* 16 lookback + 12 window + 16 origin step, with room */
#define TD_TIMER_BACKOFF_MAX 4u      /* largest factor of the timer table {1, 1, 2, 4} */

/* ---- consensus times */

#define TD_BLOCK_INTERVAL_MS_DEFAULT 1000u
#define TD_DELTA_MS_DEFAULT 250u     /* 1.5 times the WAN matrix's worst one-way delay */
#define TD_PROCESSING_MS_MAX 2000u   /* cap on measured processing inside the round timer */
#define TD_CLOCK_AHEAD_MS_MAX 10000u /* proposal timestamps further ahead are deferred */
#define TD_ORIGIN_STALE_MS_MAX (4u * 3600u * 1000u) /* then only empty payloads are valid */
#define TD_ATTEST_RESEND_MS 2000u
#define TD_STATUS_INTERVAL_MS 5000u

/* ---- text */

/* A log line is one write(2) of at most PIPE_BUF (4096) bytes, so lines never interleave. */
#define TD_LOG_LINE_BYTES_MAX 4096u

_Static_assert(TD_TXS_PER_BLOCK_MAX * 32u + (128u << 10) <= TD_PROPOSAL_BYTES_MAX,
               "a proposal holds all hashes and its certificates");
_Static_assert(TD_PAYLOAD_BYTES_MAX < TD_SYNC_BYTES_MAX, "a sync answer holds any one block");
_Static_assert(TD_SYNC_BYTES_MAX < TD_FRAME_BYTES_MAX, "a frame holds any answer");
_Static_assert(TD_ATTEST_WINDOW + TD_EXEC_LAG + 1u <= TD_ATTEST_SLOTS, "attestation slots");
_Static_assert(TD_EPOCH_LOOKBACK + TD_ATTEST_WINDOW + TD_ORIGIN_INTERVAL <= TD_EPOCH_BLOCKS_MIN,
               "an epoch is longer than what it looks back to");
