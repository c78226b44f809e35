/* EIP-712 digests of everything a validator signs.  [P-1.3]
 *
 * domain = EIP712Domain(uint256 chainId, address verifyingContract, bytes32 salt) with the L1
 * chain id, the rollup contract and salt = keccak(u64 L2 chain id ‖ genesis hash).  One struct type
 * per kind:
 *
 *   Propose(uint64 epoch,uint64 round,bytes32 blockHash)
 *   Vote(uint64 epoch,uint64 round,uint64 height,bytes32 blockHash)
 *   CommitVote(uint64 epoch,uint64 round,bytes32 blockHash)
 *   Timeout(uint64 epoch,uint64 round,uint64 lockRound)
 *   Attest(uint64 epoch,bytes32 setHash,uint64 height,bytes32 blockHash,bytes32 parentHash,
 *          bytes32 stateCommitment,bytes32 messagesRoot,bytes32 daCommitment,
 *          bytes32 priorityHash,bytes32 nextSetHash)
 *   BatchAttest(uint64 epoch,bytes32 setHash,bytes32 batchHash)                              */
#pragma once

#include "consensus/types.h"

/* Precomputed per network; immutable afterwards. */
struct bft_domain {
    struct td_hash separator;
    struct td_hash typehash[BFT_SIGNED_KINDS]; /* by kind - 1 */
};

void bft_domain_init(struct bft_domain *d, uint64_t l1_chain_id, const struct td_addr *contract,
                     uint64_t l2_chain_id, const struct td_hash *genesis_hash);

void bft_digest_propose(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                        uint64_t round, const struct td_hash *hash);
void bft_digest_vote(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                     uint64_t round, uint64_t height, const struct td_hash *hash);
void bft_digest_commit(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                       uint64_t round, const struct td_hash *hash);
void bft_digest_timeout(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                        uint64_t round, uint64_t lock_round);
void bft_digest_attest(struct td_hash *out, const struct bft_domain *d,
                       const struct bft_attest_fields *f);
void bft_digest_batch(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                      const struct td_hash *set_hash, const struct td_hash *batch_hash);

/* The digest of any signed message. */
void bft_digest_signed(struct td_hash *out, const struct bft_domain *d, const struct bft_signed *m);
