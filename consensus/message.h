/* Decoded peer messages and their wire encoding.  [P-14]
 *
 * Frame body = kind u8 ‖ fields in table order, big-endian, canonical: every optional part has a
 * presence byte 0 or 1, bitmaps take 2 bytes of length-in-bytes (no trailing zero byte) and that
 * many bytes, signature counts follow from the bitmap, and trailing bytes are refused.
 *
 * Decoding never allocates: lists of fixed-size structs that must be aligned (TC entries,
 * signatures) are placed in a caller arena bounded by BFT_DECODE_ARENA_BYTES; everything else is a
 * view into the frame.  The decoded message lives as long as both. */
#pragma once

#include "base/core/arena.h"
#include "base/core/error.h"
#include "consensus/header.h"
#include "consensus/types.h"

enum bft_msg_kind {
    BFT_MSG_HELLO = 1,
    BFT_MSG_STATUS = 2,
    BFT_MSG_PROPOSAL = 3,
    BFT_MSG_VOTE = 4,
    BFT_MSG_COMMIT = 5,
    BFT_MSG_TIMEOUT = 6,
    BFT_MSG_CERTIFICATE = 7,
    BFT_MSG_ATTEST = 8,
    BFT_MSG_ATTEST_CERT = 9,
    BFT_MSG_BATCH_ATTEST = 10,
    BFT_MSG_BATCH_CERT = 11,
    BFT_MSG_GET_BLOCKS = 12,
    BFT_MSG_BLOCKS = 13,
    BFT_MSG_GET_BY_HASH = 14,
    BFT_MSG_BY_HASH = 15,
    BFT_MSG_EVIDENCE = 16,
    BFT_MSG_TX = 17,
};

#define BFT_OWN_MESSAGES_MAX 8u     /* one per signed kind, and room for two attestations more */
#define BFT_BLOCKS_MAX 64u          /* payload-bearing blocks per GetBlocks */
#define BFT_BLOCKS_HEADERS_MAX 80u  /* 64 + attestation window 12 + slack: a proof may sit later */
#define BFT_BY_HASH_MAX 256u        /* hashes per GetByHash */
#define BFT_HEADERS_PER_REPLY 64u   /* a ByHash(header) answer may add the ancestors */
#define BFT_QCS_PER_REPLY 4u        /* a ByHash(QC) answer: keeps its checks below the maximum */
#define BFT_ADDRESS_RECORD_MAX 256u /* signed p2p address record, opaque here */

/* Encoded bodies of signed messages: fields ‖ signer 2 ‖ signature 64, without a kind byte. */
#define BFT_PROPOSE_BYTES 114u
#define BFT_VOTE_BYTES 122u
#define BFT_COMMIT_BYTES 114u
#define BFT_TIMEOUT_BYTES 90u
#define BFT_ATTEST_FIELDS_BYTES 272u
#define BFT_ATTEST_BYTES (BFT_ATTEST_FIELDS_BYTES + 66u)
#define BFT_BATCH_ATTEST_BYTES 146u

struct bft_hello {
    uint32_t version;
    struct td_hash genesis_hash;
    struct td_bytes address_record; /* <= BFT_ADDRESS_RECORD_MAX, opaque */
};

struct bft_status {
    uint64_t epoch;
    uint64_t round;
    uint64_t final_height;
    struct td_hash final_hash;
    uint64_t l1_number;
    struct td_hash l1_hash;
    uint32_t own_count; /* newest messages this node holds that the receiver's key signed */
    struct bft_signed own[BFT_OWN_MESSAGES_MAX];
    const struct bft_qc *high_qc; /* NULL = absent */
    struct bft_entry entry;       /* what the sender entered its round by */
};

struct bft_proposal {
    struct bft_header header;
    struct td_hash hash; /* of header; computed by the decoder, not on the wire */
    struct bft_qc qc;
    const struct bft_tc *tc;                   /* NULL = absent */
    const struct bft_attest_cert *attest_cert; /* NULL = absent */
    const struct td_hash *tx_hashes;           /* [header.tx_count] */
    struct td_sig sig;                         /* over Propose(epoch, round, hash) */
};

struct bft_timeout_msg {
    struct bft_timeout t;
    const struct bft_qc *lock_qc; /* NULL = absent, or contained in entry */
    struct bft_entry entry;
};

enum bft_certificate_kind {
    BFT_CERTIFICATE_QC = 1,
    BFT_CERTIFICATE_TC = 2,
    BFT_CERTIFICATE_COMMIT = 3,
    BFT_CERTIFICATE_PROOF = 4,
};
struct bft_certificate {
    enum bft_certificate_kind kind;
    const struct bft_qc *qc; /* QC, COMMIT */
    const struct bft_tc *tc;
    struct bft_proof proof; /* PROOF */
};

struct bft_get_blocks {
    uint64_t from;
    uint32_t count; /* 1..BFT_BLOCKS_MAX */
};

/* Non-filler headers of consecutive heights, chained by prev_hash, and a proof for the last:
 * AttestCert at the last header, or a tip D that equals it or whose prev_hash names it.  [P-11.3]
 */
struct bft_blocks {
    uint64_t from;
    uint32_t header_count; /* 0 = "I have none of these" */
    const struct bft_header *headers;
    uint32_t payload_count; /* <= header_count; payloads[i] belongs to headers[i] */
    const struct td_bytes *payloads;
    struct bft_proof proof;
};

enum bft_object_kind {
    BFT_OBJECT_HEADER = 1,
    BFT_OBJECT_TX = 2,
    BFT_OBJECT_PAYLOAD = 3,
    BFT_OBJECT_SET = 4,
    BFT_OBJECT_QC = 5,
};
struct bft_get_by_hash {
    enum bft_object_kind kind;
    uint32_t hash_count; /* 1..BFT_BY_HASH_MAX */
    const struct td_hash *hashes;
};
struct bft_by_hash {
    enum bft_object_kind kind;
    uint32_t object_count; /* HEADER: requested one first, then ancestors, parent by parent */
    const struct td_bytes *objects;
};

struct bft_msg {
    enum bft_msg_kind kind;
    union {
        struct bft_hello hello;
        struct bft_status status;
        struct bft_proposal proposal;
        struct bft_vote vote;
        struct bft_commit commit;
        struct bft_timeout_msg timeout;
        struct bft_certificate certificate;
        struct bft_attest attest;
        struct bft_attest_cert attest_cert;
        struct bft_batch_attest batch_attest;
        struct bft_batch_cert batch_cert;
        struct bft_get_blocks get_blocks;
        struct bft_blocks blocks;
        struct bft_get_by_hash get_by_hash;
        struct bft_by_hash by_hash;
        struct bft_evidence evidence;
        struct td_bytes tx; /* raw, <= TD_TX_BYTES_MAX */
    } u;
};

/* Largest arena a decode can need: 80 headers and payload views of a Blocks answer (35 KiB), or 256
 * timeout entries (18 KiB), plus a handful of certificate structs.  Signatures and hashes stay in
 * the frame. */
#define BFT_DECODE_ARENA_BYTES (64u * 1024u)

/* Largest frame body of a kind, kind byte included, so that a transport can refuse a length before
 * it allocates; 0 for a kind that does not exist.  bft_msg_decode applies it too. */
size_t bft_msg_bytes_max(uint8_t kind);

/* Size of the encoding of `m`.  Cost: one pass. */
size_t bft_msg_size(const struct bft_msg *m);

/* Append the encoding.  Preconditions: `m` obeys the limits above.  Errors through the writer. */
void bft_msg_encode(struct td_writer *w, const struct bft_msg *m);

/* Decode one whole frame body.
 *
 * Borrows `buf` and `arena` for the life of `out`.  Returns TD_E_MALFORMED (non-canonical, unknown
 * kind, trailing bytes), TD_E_TRUNCATED, TD_E_RANGE (a count over its bound) or TD_E_NOSPACE
 * (arena); `out` is undefined then.  Every bound is checked before the work it bounds. */
enum td_error bft_msg_decode(struct bft_msg *out, struct td_arena *arena, const uint8_t *buf,
                             size_t len) TD_MUST_CHECK;

/* Parts with an encoding of their own (storage, hashes, guard records). */
void bft_qc_encode(struct td_writer *w, const struct bft_qc *qc);
void bft_commit_cert_encode(struct td_writer *w, const struct bft_qc *qc); /* without the height */
void bft_tc_encode(struct td_writer *w, const struct bft_tc *tc);
void bft_attest_cert_encode(struct td_writer *w, const struct bft_attest_cert *c);
void bft_signed_encode(struct td_writer *w, const struct bft_signed *m);
/* Readers place lists in `arena`; failure is the reader's sticky error. */
void bft_qc_decode(struct td_reader *r, struct td_arena *arena, struct bft_qc *qc);
void bft_tc_decode(struct td_reader *r, struct td_arena *arena, struct bft_tc *tc);
void bft_attest_cert_decode(struct td_reader *r, struct td_arena *arena, struct bft_attest_cert *c);
void bft_signed_decode(struct td_reader *r, struct bft_signed *m);
/* Placed in `arena`; NULL after an error. */
const struct bft_qc *bft_commit_cert_decode(struct td_reader *r, struct td_arena *arena);

/* header.tcHash: keccak of bft_tc_encode.  Streams; no buffer. */
void bft_tc_hash(struct td_hash *out, const struct bft_tc *tc);
